"""Moved to `newsbot.downloader.keys`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.keys")
