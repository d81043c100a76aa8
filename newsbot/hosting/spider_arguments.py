"""Whether a spider takes the arguments of a job, checked before the job is queued."""

import os
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from scrapy.settings import Settings
from scrapy.spiderloader import get_spider_loader
from scrapy.utils.conf import get_config
from scrapy.utils.project import ENVVAR

from newsbot.hosting.claims import PROJECT

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings
    from scrapy.spiderloader import SpiderLoaderProtocol

_MODULE = "newsbot.settings"
_NONE: Mapping[str, str] = MappingProxyType({})


class Checker:
    """Checks arguments by the spiders and the settings of a project. It reads files: call it from a thread.

    `knows_settings` says whether jobs run with these settings; else only checks independent of them are made.
    """

    def __init__(self, project: "BaseSettings", loader: "SpiderLoaderProtocol", *, knows_settings: bool = True) -> None:
        self._project, self._loader, self._knows_settings = project, loader, knows_settings

    def __call__(self, spider: str, given: Mapping[str, str], settings: Mapping[str, str] = _NONE) -> None:
        """Raises ValueError, in a line, for arguments that a run of the spider with these settings would refuse.

        An unknown spider, or one that declares no arguments, as a user's may, takes any.
        """
        try:
            declared = getattr(self._loader.load(spider), "read_arguments", None)
        except KeyError:
            return
        if not declared:
            return
        try:
            declared(given, self._settings(settings) if self._knows_settings else None)
        except ValueError as error:
            raise ValueError("; ".join(str(error).splitlines()).replace(":; ", ": ")) from error

    def _settings(self, given: Mapping[str, str]) -> "BaseSettings":
        if not given:
            return self._project
        settings = self._project.copy()
        settings.update(given, priority="cmdline")
        return settings


@cache
def installed() -> Checker:
    """By newsbot's own spiders, for jobs of the installed project, not of an egg."""
    settings = Settings({"SPIDER_LOADER_WARN_ONLY": True})
    settings.setmodule(_MODULE)
    # A project with its own settings may have another catalogue; its code is not run here.
    module = os.environ.get(ENVVAR) or get_config().get("settings", PROJECT, fallback=None)
    return Checker(settings, get_spider_loader(settings), knows_settings=module == _MODULE)
