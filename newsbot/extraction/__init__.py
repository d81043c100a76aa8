"""From a response's bytes to fields: pure functions, no input or output, nothing of Scrapy's engine."""
