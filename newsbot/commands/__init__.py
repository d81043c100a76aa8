"""The project's own `scrapy` subcommands, a module each."""
