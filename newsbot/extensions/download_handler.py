"""Moved to `newsbot.downloader.download_handler`."""

from newsbot.extensions.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.download_handler")
