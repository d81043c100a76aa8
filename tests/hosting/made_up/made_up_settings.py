"""newsbot's settings, with spiders that do as the tests want beside its own."""

from newsbot.settings import *  # noqa: F403

SPIDER_MODULES = ["newsbot.spiders", "made_up_spiders"]
DOWNLOAD_DELAY = 0
