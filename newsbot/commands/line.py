"""Parts of Scrapy's command line that newsbot replaces, because Scrapy has no setting for them.

These are the list of commands, the messages on an unknown command and on a wrong setting, the parser's errors and the
first lines of the log.
"""

import logging
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from scrapy import cmdline
from scrapy.commands import ScrapyCommand, ScrapyHelpFormatter
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings
from scrapy.spiderloader import get_spider_loader

from newsbot.settings import NUMBERS, wrong_number

OWN = ("crawl", "sources", "api", "schedule", "db", "cursors", "genspider")  # in the order in which a user needs them

# What Scrapy logs at INFO before a run does anything: its versions, settings and components.
_PREAMBLE = {
    "scrapy.utils.log": ("Scrapy ", "Versions:"),
    "scrapy.addons": ("Enabled ",),
    "scrapy.crawler": ("Overridden settings",),
    "scrapy.middleware": ("Enabled ",),
}

# What users try as a command, and the command that does it.
_OTHER_WORDS = {
    "start": "make serve",
    "serve": "make serve",
    "demo": "make demo",
    "deploy": "make deploy TARGET=http://user:password@host:6800",
    "install": "make install",
    "status": "scrapy sources --status",
    "spiders": "scrapy list",
    "database": "scrapy db",
    "help": "scrapy -h",
}

_RUN_COMMAND = cmdline._run_command

Examples = Mapping[str, tuple[str, str]]
"""By action or template: what it does, and an example."""


def install() -> None:
    """Replace these parts. Every start of `scrapy` imports newsbot's commands before it reads the command line."""
    cmdline._print_commands = _print_commands
    cmdline._print_unknown_command = _print_unknown_command
    cmdline._run_command = _run_command
    cmdline.ScrapyArgumentParser = ArgumentParser
    for name in _PREAMBLE:
        logging.getLogger(name).addFilter(_as_debug)


class ArgumentParser(cmdline.ScrapyArgumentParser):
    """Scrapy's parser; an error prints the message alone, without the usage."""

    examples: Examples = MappingProxyType({})
    other_words: Mapping[str, str] = MappingProxyType({})  # commands by a word that users try for their action

    def parse_known_args(self, *args: Any, **others: Any) -> Any:
        """Refuse a wrong setting: Scrapy would ignore it, or end in a traceback."""
        opts, words = super().parse_known_args(*args, **others)
        if wrong := next(filter(None, map(_wrong, _settings_of(opts))), None):
            self.error(wrong)
        return opts, words

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with 2."""
        self.exit(2, f"scrapy: error: {message}\n")

    def show_examples(self, title: str, examples: Examples) -> None:
        """Add the examples to the help."""
        width = max(map(len, examples))
        lines = [f"  {name:<{width}}  {what}\n  {'':<{width}}  e.g. {how}" for name, (what, how) in examples.items()]
        self.examples = examples
        self.formatter_class = HelpFormatter
        self.epilog = "\n".join([f"{title}:", *lines])

    def wrong_usage(self, given: Sequence[str]) -> UsageError:
        """The error of a command whose action is missing, unknown or incomplete."""
        usage = (self.usage or "").replace("[options] ", "")
        if not given:
            return UsageError(f"expected: {usage}", print_help=False)
        wrong = next((word for word in given if word.startswith("-")), given[0])
        if wrong in self.examples:
            takes_one = re.search(rf'\b{re.escape(wrong)} ["\[A-Z]', usage)
            expected = f": expected as in `{self.examples[wrong][1]}`" if takes_one else " takes no argument"
            return UsageError(f"{wrong}{expected}", print_help=False)
        if wrong in self.other_words:
            return UsageError(f"unknown action {wrong!r}; write: {self.other_words[wrong]}", print_help=False)
        kind = "option" if wrong.startswith("-") else "action"
        known = [name.strip("-") for name in (*self.examples, *self._option_string_actions)]
        is_certain = get_close_matches(wrong.strip("-").lower(), known, n=1)
        expected = "" if is_certain else f"; expected: {usage}"
        return UsageError(f"unknown {kind} {wrong!r}{self.hint(wrong)}{expected}", print_help=False)

    def hint(self, word: str) -> str:
        """The nearest option or action, worded as `nearest` words it."""
        if word.startswith("-"):
            options = [name.removeprefix("--") for name in self._option_string_actions if name.startswith("--")]
            near = get_close_matches(word.strip("-"), options, n=1)
            return f" (did you mean '--{near[0]}'?)" if near else ""
        hint = nearest(word, self.examples)
        if hint or len(self.examples) != 1:
            return hint
        (only,) = self.examples
        command = " ".join((self.usage or "").split()[:2])
        return f" (did you mean `{command} {only} {word}`?)"


class HelpFormatter(ScrapyHelpFormatter):
    """Scrapy's formatter; it keeps the line breaks of a text."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'sql'?)`, or nothing."""
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def crawl_of(settings: BaseSettings, name: str) -> str | None:
    """The command that crawls the spider, source, API or dataset with this name, or None."""
    # every command is imported at every start
    from newsbot.sources import catalogue, dataset, declared

    if name in get_spider_loader(settings).list():
        return f"scrapy crawl {name}"
    if _is_list(name):
        return f"scrapy crawl headlines -a catalogue={name}"
    if name in declared.shipped() or name.endswith((".yaml", ".yml")):
        return f"scrapy crawl api -a config={name}"
    if name in dataset.shipped():
        return f"scrapy crawl dataset -a config={name}"
    own = [settings["CATALOGUE"]] if settings["CATALOGUE"] else []
    source = catalogue.meant(catalogue.load(own), name)
    return f"scrapy crawl headlines -a sources={source}" if source else None


def _is_list(name: str) -> bool:
    """Whether this is a YAML file with a list, as a catalogue is."""
    from newsbot.sources.document import Document, UnreadableError

    try:
        return name.endswith((".yaml", ".yml")) and isinstance(Document(Path(name)).data, list)
    except (OSError, UnreadableError):
        return False


def check_numbers(command: ScrapyCommand, names: Iterable[str]) -> None:
    """Check settings that are numbers. Raises UsageError."""
    settings: BaseSettings = command.settings  # type: ignore[assignment]  # the command line has set them
    for name in names:
        if wrong := wrong_number(name, settings[name]):
            raise UsageError(wrong, print_help=False)


def _run_command(cmd: ScrapyCommand, args: list[str], opts: Namespace) -> None:
    """Check the settings before a crawl: a wrong one must not end it midway."""
    if cmd.requires_crawler_process:
        check_numbers(cmd, NUMBERS)
    _RUN_COMMAND(cmd, args, opts)


def _settings_of(opts: Namespace) -> list[tuple[str, str]]:
    """The settings among the options, by name and value."""
    given = [(name, value) for name, is_pair, value in (each.partition("=") for each in opts.set) if is_pair]
    given += [("LOG_LEVEL", opts.loglevel)] if opts.loglevel else []
    return given + ([("LOG_FILE", opts.logfile)] if opts.logfile else [])


def _wrong(setting: tuple[str, str]) -> str | None:
    """The error for a setting of the command line, or None."""
    from newsbot.hosting.names import wrong_setting  # every start imports this module

    name, value = setting
    if name != name.strip():
        return f"-s {name}={value}: expected no blank beside the =; write -s {name.strip()}={value.strip()}"
    folder = Path(value).parent
    if name == "LOG_FILE" and not folder.is_dir():
        return f"LOG_FILE={value}: the folder {folder} does not exist"
    if name == "LOG_LEVEL" and value not in logging.getLevelNamesMapping():
        return f"LOG_LEVEL={value}: expected DEBUG, INFO, WARNING, ERROR or CRITICAL"
    return wrong_setting(name, value)


def _as_debug(record: logging.LogRecord) -> bool:
    if record.levelno == logging.INFO and str(record.msg).startswith(_PREAMBLE[record.name]):
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return True


def _print_commands(settings: BaseSettings, inproject: bool) -> None:
    commands = cmdline._get_commands_dict(settings, inproject)
    own = [name for name in OWN if name in commands]
    others = sorted(commands.keys() - own)
    print("Usage:\n  scrapy <command> [options] [args]")
    for title, names in (("newsbot's commands", own), ("Scrapy's commands", others)):
        print(f"\n{title}:", *(f"  {name:<13} {commands[name].short_desc()}" for name in names), sep="\n")
    print('\n"scrapy <command> -h" says more about a command, "scrapy crawl <spider> -h" about a spider.')


def _print_unknown_command(settings: BaseSettings, cmdname: str, inproject: bool) -> None:
    commands = cmdline._get_commands_dict(settings, inproject)
    with_action = [name for name in commands if cmdname in getattr(commands[name], "actions", ())]
    if cmdname in _OTHER_WORDS:
        hint = f"; write: {_OTHER_WORDS[cmdname]}"
    elif with_action:
        hint = f" (did you mean `scrapy {with_action[0]} {cmdname}`?)"
    elif near := get_close_matches(cmdname.lower(), commands, n=1, cutoff=0.7):
        hint = f" (did you mean {near[0]!r}?)"
    elif crawl := next(filter(None, (crawl_of(settings, word) for word in (cmdname, *sys.argv[1:2]))), None):
        hint = f"; to crawl it: {crawl}"
    else:
        hint = nearest(cmdname, commands) or "; `scrapy -h` lists all"
    print(f"scrapy: error: unknown command {cmdname!r}{hint}", file=sys.stderr)
