"""Moved to `newsbot.downloader.guards`."""

from newsbot.extensions.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.guards")
