"""The spider of GDELT with a fault of the program in it, for tests that run it by SPIDER_MODULES."""

from newsbot.spiders import gdelt


class FaultyGdelt(gdelt.GdeltSpider):
    """FAULT_IN is "lists", or a part of the URL of a file."""

    name = "gdelt"

    def listed(self, text):
        if self.settings["FAULT_IN"] == "lists":
            raise TypeError("one of ours")
        return super().listed(text)

    def read_file(self, answer, file):
        if self.settings["FAULT_IN"] in file.url:
            raise TypeError("one of ours")
        return super().read_file(answer, file)
