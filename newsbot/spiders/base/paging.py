"""Moved to `newsbot.readers.api.paging`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.readers.api.paging")
