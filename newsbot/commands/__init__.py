"""The project's own `scrapy` subcommands, a module each."""

from newsbot.commands import line

line.install()
