"""How files are fetched and read."""
