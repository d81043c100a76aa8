"""Moved to `newsbot.downloader.quota`."""

from newsbot.extensions.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.quota")
