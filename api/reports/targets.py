"""The section of a report that targets fill: the path, what became of it, and what is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask_babel import gettext

from api.figures.parts import Answer
from api.reports.document import Cell, Missing, Number, Row, Section, Table, Text
from graph.books.targets import FULL


def title() -> str:
    """What the section is called, also where it is left out."""
    return str(gettext("Targets"))


def section(answer: Answer) -> Section:
    """Every target with its years and milestones, and the scenarios."""
    fence = gettext("Net, market-based, with the fence of %(day)s.") % {"day": answer["fence_on"]}
    if not answer["targets"]:
        return Section(title(), notes=(gettext("No target stands."),))
    tables = [_target(each) for each in answer["targets"]]
    scenarios = _scenarios(answer["scenarios"] or ())
    notes = (fence, *map(_about, answer["targets"]))
    return Section(title(), (*tables, *([scenarios] if scenarios.rows else [])), notes)


def _about(target: Answer) -> str:
    scopes = gettext("Scope 1 to 3") if target["ambition"] == FULL else gettext("Scope 1 and 2")
    told = gettext("%(name)s: %(scopes)s, against %(base)s.")
    said = {"name": target["name"], "scopes": scopes, "base": target["base_year"]}
    return str(told % said)


def _target(target: Answer) -> Table:
    heads = (
        gettext("Year"),
        gettext("Kind"),
        gettext("At most"),
        gettext("Amount"),
        gettext("Beside the path"),
        gettext("On the path"),
    )
    return Table(target["name"], heads, (*_years(target), *_milestones(target["milestones"])))


def _years(target: Answer) -> Iterator[Row]:
    base = target["base"]
    for what, each in (
        (gettext("base year"), base),
        *((gettext("figure"), y) for y in target["years"]),
    ):
        if what != gettext("base year") and each["year"] == base["year"]:
            continue
        yield (
            Text(str(each["year"])),
            Text(what),
            _number(each["required"]),
            _figure(each),
            _number(each["distance"]),
            _verdict(each["on_path"]),
        )


def _milestones(milestones: Iterable[Answer]) -> Iterator[Row]:
    for each in milestones:
        projected = each["projected"]
        what = gettext("milestone, %(share)s %% less") % {"share": f"{each['reduction']:g}"}
        if projected is not None:
            ahead = gettext("projected")
            what = f"{what}; {ahead}"
        yield (
            Text(str(each["year"])),
            Text(what),
            _number(each["required"]),
            _number(projected),
            _number(each["distance"]),
            _verdict(each["on_path"]),
        )


def _figure(judged: Answer) -> Cell:
    figure = judged["figure"]
    if figure is None:
        return Missing(gettext("nothing stated") if judged["shown"] else gettext("not shown"))
    is_open = figure["value"] is None
    return Number(figure["at_least"] if is_open else figure["value"], at_least=is_open)


def _number(value: float | None) -> Cell:
    return Missing(gettext("unknown")) if value is None else Number(value)


def _verdict(on_path: bool | None) -> Cell:
    if on_path is None:
        return Missing(gettext("cannot be judged"))
    return Text(gettext("yes") if on_path else gettext("no"))


def _scenarios(scenarios: Iterable[Answer]) -> Table:
    heads = (
        gettext("Scenario"),
        gettext("From"),
        gettext("Figure"),
        gettext("Before"),
        gettext("After"),
    )
    rows = (row for each in scenarios for row in _scenario(each))
    return Table(gettext("Scenarios, tried on the latest year"), heads, tuple(rows))


def _scenario(scenario: Answer) -> Iterator[Row]:
    name, since = Text(scenario["name"]), Text(str(scenario["start_year"]))
    if scenario["problem"] is not None:
        words = Missing(scenario["problem"]["detail"])
        yield name, since, words, Missing(gettext("unknown")), Missing(gettext("unknown"))
    for each in scenario["figures"]:
        is_full = each["ambition"] == FULL
        scopes = gettext("Scope 1 to 3") if is_full else gettext("Scope 1 and 2")
        yield name, since, Text(scopes), _amount(each["before"]), _amount(each["after"])


def _amount(amount: Answer) -> Cell:
    is_open = amount["value"] is None
    return Number(amount["at_least"] if is_open else amount["value"], at_least=is_open)
