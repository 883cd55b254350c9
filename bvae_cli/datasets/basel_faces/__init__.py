"""Faces of the Basel Face Model: the model, a rasteriser, and how they are rendered."""
