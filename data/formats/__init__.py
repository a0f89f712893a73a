"""Readers of raw formats: one file per published format, and `rows`, which reads the files that hold them."""
