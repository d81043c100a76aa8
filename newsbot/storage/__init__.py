"""The database: the way to it, its tables, and the code that reads and writes them."""
