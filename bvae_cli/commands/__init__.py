"""The commands: each parses its arguments, calls library code and prints the results."""
