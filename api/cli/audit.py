"""A bundle that was checked, shown: each check by its name, then the numbers side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from api.cli.speech import CANNOT_DECIDE, DONE, REFUSED, Speech
from graph.publishing.recompute import Number, Verified, verify
from ledger.errors import TrustRefused
from ledger.rejudge import Step
from ledger.statements import Result
from ledger.trust import Trust
from ledger.verify import Check, Verdict, verdict_of

IN_DOUBT: Final = 2
_EXIT: Final = {
    Verdict.VALID: DONE,
    Verdict.INVALID: REFUSED,
    Verdict.DOUBTED: IN_DOUBT,
    Verdict.UNDECIDED: CANNOT_DECIDE,
}
_MARKS: Final = {
    Verdict.VALID: Text("✓", style="green"),
    Verdict.INVALID: Text("✗", style="red"),
    Verdict.DOUBTED: Text("!", style="yellow"),
    Verdict.UNDECIDED: Text("?", style="dim"),
}
_PATIENCE_S: Final = 1.0
_MOST_RANGES: Final = 20


def show(speech: Speech, file: Path, trust_file: Path | None) -> int:
    """Check the bundle in ``file`` and say what came of it; returns the exit code."""
    try:
        trust = Trust.read(trust_file) if trust_file else None
    except TrustRefused as refused:
        # Nothing is wrong with the bundle, for nothing says what would be.
        speech.json(speech.problem(refused)) if speech.as_json else speech.fail(refused)
        return CANNOT_DECIDE
    with file.open("rb") as source, _bar(speech) as step:
        found = verify(source, trust, step)
    verdict = verdict_of(found.checks)
    if speech.as_json:
        speech.json(_document(speech, found, verdict))
    else:
        _print(speech, found, verdict)
    return _EXIT[verdict]


@contextmanager
def _bar(speech: Speech) -> Iterator[Step]:
    """A bar for those who wait longer than a second."""
    with speech.progress() as progress:
        began = time.monotonic()
        task = progress.add_task(speech.text("Verifying"), visible=False)

        def step(done: int, total: int) -> None:
            if done % 256 == 0 or done == total:
                waited = time.monotonic() - began > _PATIENCE_S
                progress.update(task, completed=done, total=total, visible=waited)

        yield step


def _print(speech: Speech, found: Verified, verdict: Verdict) -> None:
    table = speech.table("", "", "")
    table.show_header = False
    for check in found.checks:
        table.add_row(_MARKS[check.verdict], speech.text(check.name), _told(speech, check))
    speech.out.print(table)
    if found.numbers:
        speech.out.print(_numbers(speech, found))
    speech.out.print(Text(_closing(speech, verdict), style="bold"))


def _told(speech: Speech, check: Check) -> str:
    said = speech.told(check.refused) if check.refused else speech.text(check.detail, check.params)
    return f"{said}: {_ranges(check.entries)}" if check.entries else said


def _closing(speech: Speech, verdict: Verdict) -> str:
    match verdict:
        case Verdict.VALID:
            return speech.text("Valid.")
        case Verdict.INVALID:
            return speech.text("Invalid.")
        case Verdict.DOUBTED:
            return speech.text("Valid as far as it is shown, but something is suspect or withheld.")
        case Verdict.UNDECIDED:
            return speech.text("Cannot be decided.")


def _numbers(speech: Speech, found: Verified) -> Any:
    table = speech.table("", "kg CO2e", "published", "computed", right=("published", "computed"))
    for number in found.numbers:
        mark = _MARKS[Verdict.VALID if number.agrees else Verdict.INVALID]
        table.add_row(mark, number.name, _shown(number.stated), _shown(number.computed))
    return table


def _shown(result: Result | None) -> str:
    """A number, or a lower bound marked as one."""
    if result is None:
        return "–"
    return f"≥ {result.at_least:f}" if result.value is None else f"{result.value:f}"


def _ranges(entries: tuple[int, ...]) -> str:
    """``3, 5–9``; the first twenty such pieces."""
    runs = groupby(enumerate(entries), lambda numbered: numbered[1] - numbered[0])
    spans = [[index for _, index in run] for _, run in runs]
    told = [str(s[0]) if len(s) == 1 else f"{s[0]}–{s[-1]}" for s in spans]
    return ", ".join(told[:_MOST_RANGES]) + (" …" if len(told) > _MOST_RANGES else "")


def _document(speech: Speech, found: Verified, verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": verdict.value,
        "checks": [_row(speech, check) for check in found.checks],
        "numbers": [_number(number) for number in found.numbers],
    }


def _row(speech: Speech, check: Check) -> dict[str, Any]:
    said = speech.told(check.refused) if check.refused else speech.text(check.detail, check.params)
    row = {"name": check.name, "verdict": check.verdict.value, "detail": said}
    code = {"code": check.refused.code} if check.refused else {}
    return {**row, **code, "entries": list(check.entries)}


def _number(number: Number) -> dict[str, Any]:
    return {
        "name": number.name,
        "published": _shown(number.stated),
        "computed": _shown(number.computed),
        "agrees": number.agrees,
    }
