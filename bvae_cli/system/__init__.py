"""What any program needs: files, devices, signals, errors."""
