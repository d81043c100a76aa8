"""Old import paths, which users' settings and spiders hold, still work."""

import re

import pytest
from scrapy.exceptions import ScrapyDeprecationWarning
from scrapy.utils.misc import load_object

MOVED = [
    ("extensions.download_handler.GuardSettings", "downloader.download_handler.GuardSettings"),
    ("extensions.download_handler.GuardedDownloadHandler", "downloader.download_handler.GuardedDownloadHandler"),
    ("extensions.guards.RefusedRequest", "downloader.guards.RefusedRequest"),
    ("extensions.keys.KeyMiddleware", "downloader.keys.KeyMiddleware"),
    ("extensions.quota.QuotaMiddleware", "downloader.quota.QuotaMiddleware"),
    ("extensions.retry_after.RetryAfterMiddleware", "downloader.retry_after.RetryAfterMiddleware"),
    ("extensions.stand_ins.StandIns", "downloader.stand_ins.StandIns"),
    ("extensions.url_length.UrlLengthMiddleware", "downloader.urls.UrlMiddleware"),
    ("extensions.url_length.UrlTooLong", "downloader.urls.UrlTooLong"),
    ("extensions.urls.UrlMiddleware", "downloader.urls.UrlMiddleware"),
    ("extensions.urls.UrlTooLong", "downloader.urls.UrlTooLong"),
    ("extensions.urls.UrlWithLogin", "downloader.urls.UrlWithLogin"),
    ("spiders.base.chains.Chain", "readers.api.chains.Chain"),
    ("spiders.base.mapping.RefusedRecordError", "readers.api.mapping.RefusedRecordError"),
    ("spiders.base.paging.Page", "readers.api.paging.Page"),
]


@pytest.mark.parametrize(("old", "new"), MOVED, ids=[old for old, _ in MOVED])
def test_an_old_path_gives_the_same_class_and_warns(old, new):
    old, new = f"newsbot.{old}", f"newsbot.{new}"
    with pytest.warns(ScrapyDeprecationWarning, match=re.escape(f"{old} moved: write {new}")):
        assert load_object(old) is load_object(new)


def test_what_never_was_there_is_not_there():
    with pytest.raises(NameError, match=r"newsbot\.extensions\.keys.*NoSuchMiddleware"):
        load_object("newsbot.extensions.keys.NoSuchMiddleware")


def test_settings_with_old_paths_crawl_behind_the_guards(serve, crawl):
    server = serve()
    handler = "newsbot.extensions.download_handler.GuardedDownloadHandler"
    result = crawl(
        f"http://127.0.0.1:{server.port}/",
        DOWNLOAD_HANDLERS={"http": handler, "https": handler},
        EXTENSIONS={"newsbot.extensions.download_handler.GuardSettings": 0},
        DOWNLOADER_MIDDLEWARES={"newsbot.extensions.urls.UrlMiddleware": 30},
    )
    (outcome,) = result.outcomes
    assert outcome["error"] == "RefusedRequest"
    assert server.connections == 0
    for name in ("download_handler.GuardedDownloadHandler", "download_handler.GuardSettings", "urls.UrlMiddleware"):
        assert f"write newsbot.downloader.{name}" in result.log
