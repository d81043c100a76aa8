"""An API without Python code: a declaration in a YAML file."""

from collections.abc import Mapping
from typing import Any

from scrapy.spiderloader import get_spider_loader

from newsbot.sources.api import Api
from newsbot.spiders.base.api import ApiSpider
from newsbot.spiders.base.arguments import ArgumentError, Described


class DeclaredSpider(ApiSpider):
    """Reads an API by the declaration in `-a config=`: a YAML file, or the name of one that comes with newsbot.

    Run, cursor, source and quota have the declaration's name.
    """

    name = "api"

    @classmethod
    def declaration(cls, given: dict[str, str]) -> Api:
        """The declaration in the file. Raises `ArgumentError` without `config`."""
        from newsbot.sources.declared import read, shipped  # imports pydantic, which takes long

        if not given.get("config"):
            raise ArgumentError(f"-a config= is missing: a YAML file, or one of {', '.join(shipped())}")
        return read(given["config"])

    @classmethod
    def describe_arguments(cls, given: Mapping[str, str]) -> list[Described]:
        """`config`, and the arguments of its declaration if it is given."""
        from newsbot.sources.declared import shipped

        meaning = f"a declaration in YAML, or one of {', '.join(shipped())}; -h with it shows its arguments"
        others = super().describe_arguments(given)[1:] if given.get("config") else []
        return [Described("config", meaning, is_required=True), *others]

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """`config`, the file."""
        return {"config": str}

    def check_arguments(self) -> None:
        """Take the declaration's name, so that another path of the file keeps the cursor."""
        if self.settings is not None and self.api.name in get_spider_loader(self.settings).list():
            raise ArgumentError(
                f"{self.given['config']}: name: {self.api.name!r} is the name of a spider, which would share its"
                " cursors and quota; expected another name"
            )
        self.name = self.api.name
        del self.given["config"]
        super().check_arguments()
