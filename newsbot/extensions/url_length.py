"""Moved to `newsbot.downloader.urls`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.urls", UrlLengthMiddleware="UrlMiddleware")
