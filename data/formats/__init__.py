"""Readers of raw formats.

One file per published format; `rows` makes samples of its rows, which `tables` finds and reads.
"""
