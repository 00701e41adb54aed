"""The section of a report that a system of indicators fills, item by item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flask_babel import gettext, lazy_gettext

from api.figures.parts import Answer
from api.reports.document import EMPTY, Cell, Missing, Number, Row, Section, Share, Table, Text
from graph.indicators.indicators import Result, Verdict

VERDICTS: Final = {
    Verdict.MET: lazy_gettext("met"),
    Verdict.NOT_MET: lazy_gettext("not met"),
    Verdict.MISSING: lazy_gettext("something is missing"),
    Verdict.NONE: lazy_gettext("nothing to compare with"),
}
RESULTS: Final = {
    Result.PASSED: lazy_gettext("passed"),
    Result.NOT_PASSED: lazy_gettext("not passed"),
    Result.OPEN: lazy_gettext("cannot be judged"),
}
KINDS: Final = {
    "principled": lazy_gettext("principled"),
    "non-principled": lazy_gettext("non-principled"),
    "bonus": lazy_gettext("bonus"),
}
SIGNS: Final = {
    "at-most": lazy_gettext("at most"),
    "below": lazy_gettext("below"),
    "at-least": lazy_gettext("at least"),
    "above": lazy_gettext("above"),
}
_SHARE: Final = "1"
_CO2: Final = "t CO2"


def title() -> str:
    """What the section is called, also where it is left out."""
    return str(gettext("Indicators"))


def section(answer: Answer) -> Section:
    """The items with their verdicts, the parts of the national one, and what is missing."""
    tables = [_items(answer["items"]), *_notice(answer["notice"]), _missing(answer["items"])]
    return Section(title(), tuple(each for each in tables if each.rows), tuple(_notes(answer)))


def _notes(answer: Answer) -> Iterator[str]:
    system = answer["system"]
    words = gettext("%(system)s, version %(version)s: %(result)s.")
    result = str(RESULTS[Result(answer["result"])])
    said = {"system": system["title"], "version": system["version"], "result": result}
    yield str(words % said)
    if answer["notice"] is not None:
        yield answer["notice"]["remark"]
    if answer["basis"] is not None:
        yield str(gettext("Standard coal by %(name)s %(version)s.") % answer["basis"])


def _items(items: Iterable[Answer]) -> Table:
    heads = (
        gettext("Indicator"),
        gettext("Kind"),
        gettext("Value"),
        gettext("Rule"),
        gettext("Threshold"),
        gettext("Verdict"),
    )
    return Table(gettext("Item by item"), heads, tuple(map(_item, items)))


def _item(item: Answer) -> Row:
    unit, threshold = item["unit"], item["threshold"]
    unknown: Cell = Missing(gettext("unknown"))
    return (
        Text(item["title"]),
        Text(str(KINDS[item["kind"]])),
        unknown if item["value"] is None else _measured(item["value"], unit),
        EMPTY if threshold is None else Text(str(SIGNS[item["operator"]])),
        EMPTY if threshold is None else _measured(float(threshold), unit),
        Text(str(VERDICTS[Verdict(item["verdict"])])),
    )


def _measured(value: float, unit: str) -> Cell:
    return Share(value) if unit == _SHARE else Number(value, unit)


def _notice(notice: Answer | None) -> Iterator[Table]:
    if notice is None:
        return
    emissions = notice["emissions"]
    heads = gettext("Part"), gettext("Amount")
    total = emissions["t_co2"]
    rows = (
        *((Text(each["title"]), Number(each["t_co2"], _CO2)) for each in emissions["terms"]),
        (
            Text(gettext("All of them")),
            Number(emissions["known"] if total is None else total, _CO2, at_least=total is None),
        ),
    )
    yield Table(gettext("CO2 by the rules of the notice"), heads, rows)


def _missing(items: Iterable[Answer]) -> Table:
    heads = gettext("Indicator"), gettext("Missing")
    rows = (
        (Text(each["title"]), Text(lack["sentence"])) for each in items for lack in each["missing"]
    )
    return Table(gettext("What is missing"), heads, tuple(rows))
