"""Moved to `newsbot.downloader.keys`."""

from newsbot.extensions.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.keys")
