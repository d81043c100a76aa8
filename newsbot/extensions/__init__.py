"""What accompanies every crawl: run records, what failed, progress, stats and the log."""
