"""How the command line speaks: in one language, to people on a terminal or to programs.

Texts are literals where they are said, so that ``api.languages.messages`` finds them for the
catalogue. What click itself says (help, wrong usage, the prompt for a passphrase) stays in English.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

import click
from babel.support import NullTranslations, Translations
from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from api.client import Refused, told
from ledger.errors import CatchmentError

DONE: Final = 0
REFUSED: Final = 1
CANNOT_DECIDE: Final = 3

_UNWRAPPED = 2000
_LOCALE = Path(__file__).resolve().parents[1] / "locale"

F = TypeVar("F", bound=Callable[..., Any])


def language_of(environ: Mapping[str, str] = os.environ) -> str:
    """``zh`` where the locale of the terminal is Chinese, otherwise ``en`` (POSIX order)."""
    chosen = next((environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(n)), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


class Speech:
    """Says sentences in ``language``. Templates are English; the catalogue may know them."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self.as_json = False

    @cached_property
    def _catalogue(self) -> NullTranslations:
        return Translations.load(str(_LOCALE), [self.language])

    @cached_property
    def out(self) -> Console:
        return _console(sys.stdout)

    @cached_property
    def err(self) -> Console:
        return _console(sys.stderr)

    def text(self, template: str, params: Mapping[str, object] | None = None) -> str:
        """A sentence in the language; phrases among ``params`` are looked up too."""
        said = {name: self._quoted(value) for name, value in (params or {}).items()}
        return self._phrase(template) % said if template else ""

    def say(self, template: str, **params: object) -> None:
        """A sentence to whoever reads; on standard error where standard output is for a program."""
        (self.err if self.as_json else self.out).print(Text(self.text(template, params)))

    def say_more(self, count: int) -> None:
        """How many there are beside those that are shown, if any."""
        if count > 0:
            self.say("… and %(count)d more.", count=count)

    def refuse(self, raised: CatchmentError | Refused) -> None:
        """What is wrong, to people or to a program."""
        if self.as_json:
            self.json(self.problem(raised))
        else:
            self.fail(raised)

    def fail(self, raised: CatchmentError | Refused) -> None:
        """What is wrong, and what to do next."""
        if isinstance(raised, Refused):
            self.err.print(Text(told(raised.problem), style="red"))
        else:
            self.err.print(Text(self._sentence(raised), style="red"))
            if raised.advice:
                self.err.print(Text(self.text(raised.advice, raised.params)))
        flaws = self.problem(raised).get("problems", ())
        for flaw in flaws if len(flaws) > 1 else ():  # a single one is told already
            self.err.print(Text(f"  {flaw['where']}: {flaw['detail']}"))

    def problem(self, raised: CatchmentError | Refused) -> dict[str, Any]:
        """The same for a program, in the shape of the API's problem documents."""
        if isinstance(raised, Refused):
            return raised.problem
        document = {
            "code": raised.code,
            "detail": self.text(raised.sentence, raised.params),
            "where": raised.where,
            "advice": self.text(raised.advice, raised.params),
            "problems": [
                {"where": where, "detail": self._phrase(sentence)}
                for where, sentence in raised.problems
            ],
        }
        return {name: value for name, value in document.items() if value}

    def table(self, *columns: str, right: tuple[str, ...] = ()) -> Table:
        """An empty table with translated headings; those in ``right`` hold numbers."""
        made = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            heading = self._phrase(column)
            side: JustifyMethod = "right" if column in right else "left"
            made.add_column(heading, justify=side, overflow="fold")
        return made

    def progress(self) -> Progress:
        """A bar on standard error that vanishes when done, and is silent without a terminal."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=not sys.stderr.isatty(),
        )

    def json(self, document: object) -> None:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))

    def told(self, raised: CatchmentError) -> str:
        """What is wrong and what to do next, in one line."""
        return f"{self._sentence(raised)} {self.text(raised.advice, raised.params)}".rstrip()

    def _sentence(self, raised: CatchmentError) -> str:
        place = f" ({raised.where})" if raised.where else ""
        return self.text(raised.sentence, raised.params) + place

    def _quoted(self, value: object) -> object:
        # A single word is a name, a code or what somebody typed: “park” may be called just that.
        return self._phrase(value) if isinstance(value, str) and " " in value else value

    def _phrase(self, text: str) -> str:
        # gettext gives an empty text the catalogue's header.
        return self._catalogue.gettext(text) if text else ""


def _console(stream: TextIO) -> Console:
    """In a file or a pipe nothing is wrapped or cut, whatever the width of the terminal.

    Square brackets are not markup: names and codes that people chose may have them.
    """
    width = None if stream.isatty() else _UNWRAPPED
    return Console(file=stream, highlight=False, markup=False, width=width)


def json_option(command: F) -> F:
    """``--json``: a document on standard output and nothing else there."""

    def chosen(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.ensure_object(Speech).as_json = value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=chosen, help="Print JSON."
    )(command)


def time_text(at_ms: int | None) -> str:
    """A moment in a table, in UTC and to the second; nothing where there was none."""
    if at_ms is None:
        return ""
    return f"{dt.datetime.fromtimestamp(at_ms // 1000, dt.UTC):%Y-%m-%d %H:%M:%SZ}"


pass_speech = click.make_pass_decorator(Speech, ensure=True)
