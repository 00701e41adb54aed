"""What is wrong with the lines of a table, told line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from api.cli.speech import Speech
from api.importing.wanted import Problem

_SHOWN: Final = 20


def refuse_lines(speech: Speech, problems: Sequence[Problem], lines: int) -> None:
    """Say what is wrong with a table of so many lines, and that nothing of it was written."""
    if speech.as_json:
        speech.json({"written": False, "lines": lines, "refused": rows(speech, problems)})
        return
    show(speech, problems, _SHOWN)
    speech.say("Lines read: %(lines)d, refused: %(refused)d. Nothing was written.",
               lines=lines, refused=len(problems))  # fmt: skip


def rows(speech: Speech, problems: Sequence[Problem]) -> list[dict[str, str]]:
    """For a program."""
    return [{"where": each.where, "detail": _told(speech, each)} for each in problems]


def show(speech: Speech, problems: Sequence[Problem], most: int) -> None:
    """For people: the first ``most``, and how many there are beside them."""
    for each in problems[:most]:
        speech.err.print(Text(f"{each.where}: {_told(speech, each)}".lstrip(": "), style="red"))
    speech.say_more(len(problems) - most)


def _told(speech: Speech, problem: Problem) -> str:
    sentence = speech.text(problem.sentence, problem.params)
    return f"{sentence} {speech.text(problem.advice, problem.params)}".rstrip()
