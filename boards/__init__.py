"""Board files: block designs, constraints and metadata, as package data."""
