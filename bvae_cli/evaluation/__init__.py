"""Scoring a model, or codes from anywhere."""
