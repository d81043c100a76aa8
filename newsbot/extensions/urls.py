"""Moved to `newsbot.downloader.urls`."""

from newsbot.extensions.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.urls")
