"""Download, extraction and decoding of source files."""
