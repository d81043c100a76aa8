"""Whether a spider takes the arguments that a job is asked for with, before it is queued."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from scrapy.settings import Settings
from scrapy.spiderloader import get_spider_loader

if TYPE_CHECKING:
    from scrapy.spiderloader import SpiderLoaderProtocol


def check(spider: str, given: Mapping[str, str], loader: "SpiderLoaderProtocol | None" = None) -> None:
    """Raises ValueError for what a run of the spider would refuse at once. May read files: call it from a thread.

    Without a `loader` the spiders are those that newsbot comes with. One that declares no arguments, as a user's own,
    takes any.
    """
    try:
        declared = getattr((loader or _installed()).load(spider), "read_arguments", None)
    except KeyError:  # it is none of these
        return
    if declared:
        declared(given)


@cache
def _installed() -> "SpiderLoaderProtocol":
    settings = Settings({"SPIDER_LOADER_WARN_ONLY": True})
    settings.setmodule("newsbot.settings")
    return get_spider_loader(settings)
