"""Moved to `newsbot.downloader.retry_after`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.retry_after")
