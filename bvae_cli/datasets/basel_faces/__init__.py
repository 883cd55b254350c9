"""The Basel Face Model: loading, rasterisation and rendering."""
