"""newsbot's settings, with made-up spiders beside its own."""

from newsbot.settings import *  # noqa: F403

SPIDER_MODULES = ["newsbot.spiders", "made_up_spiders"]
DOWNLOAD_DELAY = 0
