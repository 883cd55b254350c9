"""Project-independent utilities: files, devices, signals, processes and errors."""
