"""For `bdist_egg`; what is built stands in pyproject.toml."""

from setuptools import setup

setup()
