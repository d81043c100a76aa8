"""A spider on the base for APIs, over the pages of `benchmarks.records`."""

from newsbot.sources.api import Api, NumberedPages, RecordFields
from newsbot.spiders.base.api import ApiSpider


class RecordsSpider(ApiSpider):
    """`-a base=URL -a pages=N`."""

    name = "records"

    @classmethod
    def declaration(cls, given):
        """All pages, or the first."""
        pages = "pages" if given["pages"] != "1" else "`1`"
        return Api(
            name="records",
            title="Records",
            url=f"{given['base']}/records",
            records="records",
            pages=NumberedPages(pages=pages),
            record=RecordFields(dataset="stations", key="id"),
        )

    @classmethod
    def own_arguments(cls):
        """The address, and the number of pages."""
        return {"base": str, "pages": str}
