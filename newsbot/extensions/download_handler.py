"""Moved to `newsbot.downloader.download_handler`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.download_handler")
