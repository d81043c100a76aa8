"""Moved to `newsbot.downloader.guards`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.guards")
