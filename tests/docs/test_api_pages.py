from scrapy.settings import Settings

from docs.generate import FOLDER, pages


def test_the_pages_of_the_apis_say_what_their_spiders_say():
    settings = Settings()
    settings.setmodule("newsbot.settings")
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert found == pages(settings), "docs/apis is stale: run `python -m docs.generate`"
