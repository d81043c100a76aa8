"""Answers of web APIs: a page to a batch with its cursor, and what is to be asked next."""
