"""Moved to `newsbot.readers.api.mapping`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.readers.api.mapping")
