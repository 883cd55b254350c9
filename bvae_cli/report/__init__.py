"""Runs on a page that is sent to somebody: one file, which needs nothing beside it."""
