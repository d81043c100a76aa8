"""Extensions of every crawl: run records, failures, progress, stats and the log."""
