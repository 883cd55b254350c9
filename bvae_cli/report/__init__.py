"""HTML reports of one or several runs: self-contained files without external resources."""
