"""An API without Python: a declaration in a YAML file."""

from collections.abc import Mapping
from typing import Any

from scrapy.spiderloader import get_spider_loader

from newsbot.sources.api import Api
from newsbot.spiders.base.api import ApiSpider
from newsbot.spiders.base.arguments import ArgumentError, Described


class DeclaredSpider(ApiSpider):
    """What the declaration says that `-a config=` names: a YAML file, or one of those that come with newsbot.

    Run, cursor, source and quota have the declaration's name.
    """

    name = "api"

    @classmethod
    def declaration(cls, given: dict[str, str]) -> Api:
        """The declaration of the file."""
        from newsbot.sources.declared import read, shipped  # imports pydantic, which takes long

        if not given.get("config"):
            raise ArgumentError(f"-a config= is missing: a YAML file, or one of {', '.join(shipped())}")
        return read(given["config"])

    @classmethod
    def describe_arguments(cls, given: Mapping[str, str]) -> list[Described]:
        """The file, and the arguments of what it declares where it is given."""
        from newsbot.sources.declared import shipped

        meaning = f"a declaration in YAML, or one of {', '.join(shipped())}; -h with it shows its arguments"
        others = super().describe_arguments(given)[1:] if given.get("config") else []
        return [Described("config", meaning, is_required=True), *others]

    @classmethod
    def own_arguments(cls) -> dict[str, Any]:
        """The file."""
        return {"config": str}

    def check_arguments(self) -> None:
        """Go by the declaration's name; where its file lies makes no other cursor."""
        if self.settings is not None and self.api.name in get_spider_loader(self.settings).list():
            raise ArgumentError(
                f"{self.given['config']}: name: {self.api.name!r} is a spider's, with which it would share cursors and"
                " quota; another name is right"
            )
        self.name = self.api.name
        del self.given["config"]
        super().check_arguments()
