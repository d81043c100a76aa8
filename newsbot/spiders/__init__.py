"""Spiders only: one a module. A site spider knows extraction, sources and items, and nothing of the database."""
