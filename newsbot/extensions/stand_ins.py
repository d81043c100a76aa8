"""Moved to `newsbot.downloader.stand_ins`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.downloader.stand_ins")
