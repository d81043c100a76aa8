"""Where the rows go: the database and the way to it, its tables, and what reads and writes them."""
