"""The section of a report that a carbon account fills: opening, movements by cause, closing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flask_babel import gettext, lazy_gettext

from api.figures.parts import Answer
from api.reports.document import (
    EMPTY,
    KG,
    Cell,
    Missing,
    Number,
    Row,
    Section,
    Share,
    Table,
    Text,
)
from graph.books.account_rows import Matter
from graph.books.movements import Cause

CAUSES: Final = {
    Cause.RESTATEMENT: lazy_gettext("Restatement"),
    Cause.STRUCTURE: lazy_gettext("Sites that joined or left"),
    Cause.ACTIVITY: lazy_gettext("Activity"),
    Cause.SUPPLIER: lazy_gettext("Other suppliers"),
    Cause.FACTOR: lazy_gettext("Other footprints and factors"),
    Cause.METHOD: lazy_gettext("Known in another way"),
    Cause.UNKNOWN: lazy_gettext("Unknown in one of the years"),
    Cause.UNDISCLOSED: lazy_gettext("Not disclosed"),
}


def title() -> str:
    """What the section is called, also where it is left out."""
    return str(gettext("Carbon account"))


def section(answer: Answer) -> Section:
    """The account from the earlier year to the later, with what is behind it and what to do."""
    tables = (
        _steps(answer),
        _behind(answer["movements"]),
        _products(answer),
        _worth(answer),
        _advice(answer["advice"]),
    )
    return Section(title(), tuple(each for each in tables if each.rows), (_opened(answer),))


def _opened(answer: Answer) -> str:
    published = answer["published"]
    if published is None:
        words = gettext("From %(since)s, as it is known today, to %(year)s.")
        return str(words % {"since": answer["since"], "year": answer["year"]})
    words = gettext("From %(since)s, as published in entry %(index)s, to %(year)s.")
    told = {"since": answer["since"], "year": answer["year"], "index": published["index"]}
    return str(words % told)


def _steps(answer: Answer) -> Table:
    ends, since, year = answer["account"], answer["since"], answer["year"]
    opening = gettext("Opening %(year)s") % {"year": since}
    closing = gettext("Closing %(year)s") % {"year": year}
    rows = [
        (Text(opening), *_moved(ends["opening"])),
        *((Text(_cause(each)), *_moved(each)) for each in answer["movements"]),
        (Text(closing), *_moved(ends["closing"])),
    ]
    heads = (
        gettext("Step"),
        gettext("Amount"),
        gettext("Of that known"),
        gettext("Of that filled in"),
    )
    return Table(gettext("From opening to closing"), heads, tuple(rows))


def _cause(movement: Answer) -> str:
    return str(CAUSES[Cause(movement["cause"])])


def _moved(kg: Answer | None) -> Row:
    """What it is or moved by: with what is filled in, and what is known alone."""
    if kg is None:
        return Missing(gettext("not published")), EMPTY, EMPTY
    return (
        _number(kg["value"], gettext("unknown")),
        Number(kg["at_least"]),
        _number(kg["filled"], gettext("not shown")),
    )


def _number(value: float | None, words: str, unit: str = KG) -> Cell:
    return Missing(words) if value is None else Number(value, unit)


def _behind(movements: Iterable[Answer]) -> Table:
    heads = gettext("Behind it"), gettext("Cause"), gettext("Amount"), gettext("Of that known")
    rows = (row for each in movements for row in _items(each))
    return Table(gettext("What is behind each cause"), heads, tuple(rows))


def _items(movement: Answer) -> Iterator[Row]:
    cause = Text(_cause(movement))
    for item in movement["items"]:
        yield Text(about(item)), cause, *_moved(item)[:2]
    if movement["others"]:
        others = gettext("%(count)s more") % {"count": movement["others"]["count"]}
        yield Text(others), cause, *_moved(movement["others"])[:2]


def about(item: Answer) -> str:
    """What an item or a lever is about, and who supplies it or where it is."""
    product, site, enterprise = item["product"], item["site"], item["enterprise"]
    if product:
        return f"{product['name']} ({enterprise['name']})" if enterprise else str(product["name"])
    told = item["of"] or (gettext("direct emissions") if item["kind"] == Matter.DIRECT else "")
    if not site:
        return str(told)
    return f"{told} ({site['name']})" if told else str(site["name"])


def _products(answer: Answer) -> Table:
    heads = (
        gettext("Product"),
        gettext("Year"),
        gettext("Footprint of one unit"),
        gettext("Unit"),
        gettext("Output"),
        gettext("Amount"),
        gettext("Share"),
    )
    rows = (
        _made(line["product"], year, line[name])
        for line in answer["products"]
        for year, name in ((answer["since"], "before"), (answer["year"], "after"))
        if line[name]
    )
    return Table(gettext("By product"), heads, tuple(rows))


def _made(product: Answer, year: int, made: Answer) -> Row:
    unknown, footprint = Missing(gettext("unknown")), made["footprint"]
    per_unit: Cell = unknown
    if footprint:
        is_open = footprint["value"] is None
        kg = footprint["at_least"] if is_open else footprint["value"]
        per_unit = Number(kg, f"{KG}/{product['unit']}", at_least=is_open)
    share = unknown if made["share"] is None else Share(made["share"])
    return (
        Text(product["name"]),
        Text(str(year)),
        per_unit,
        Text(product["unit"]),
        _number(made["output"], gettext("unknown"), product["unit"]),
        _number(made["kg_co2e"], gettext("unknown")),
        share,
    )


def _worth(answer: Answer) -> Table:
    values = answer["output_value"]
    years = (answer["since"], values["before"]), (answer["year"], values["after"])
    heads = gettext("Year"), gettext("Value of output"), gettext("T2 for one unit of it")
    rows = (
        (
            Text(str(year)),
            Number(worth["amount"], worth["unit"]),
            _number(worth["per_unit"], gettext("unknown"), f"{KG}/{worth['unit']}"),
        )
        for year, worth in years
        if worth
    )
    return Table(gettext("By value of output"), heads, tuple(rows))


def _advice(advice: Iterable[Answer]) -> Table:
    heads = (
        gettext("A tenth less of"),
        gettext("Effect on"),
        gettext("Amount"),
        gettext("Of that known"),
    )
    rows = (row for each in advice for row in _levers(each))
    return Table(gettext("The largest levers"), heads, tuple(rows))


def _levers(lever: Answer) -> Iterator[Row]:
    name = Text(about(lever))
    yield name, Text(gettext("the own figure")), *_moved(lever["t2"])[:2]
    for each in lever["parks"]:
        hidden = Missing(gettext("not shown")), EMPTY
        yield name, Text(each["park"]["name"]), *(_moved(each["t2"])[:2] if each["t2"] else hidden)
