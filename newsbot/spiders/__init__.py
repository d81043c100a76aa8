"""Only spiders, one in each module. A site spider uses extraction, sources and items, but never the database."""
