"""The `scrapy` subcommands of newsbot, one module each."""

from newsbot.commands import line

line.install()
