"""Reads answers of web APIs: turns a page into a batch with its cursor, and the next calls."""
