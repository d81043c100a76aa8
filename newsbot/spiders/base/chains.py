"""Moved to `newsbot.readers.api.chains`."""

from newsbot.moved import moved

__getattr__ = moved(__name__, "newsbot.readers.api.chains")
