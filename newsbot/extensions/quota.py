"""Moved to `newsbot.downloader.quota`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.quota")
