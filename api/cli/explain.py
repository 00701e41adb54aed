"""Figures taken apart in the terminal: contributors, paths, levers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import (
    PLURALS,
    Bar,
    asked_client,
    gwp_option,
    id_of,
    number_text,
    server_or_here_option,
)
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.explanations.wire import MOST_ROWS, WAYS
from api.figures.numbers import percent
from graph.tracing.levers import Kind

KINDS: Final = ("product", "park", "enterprise")


def _asks(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What every explanation is asked with."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            json_option,
            token_option,
            server_or_here_option,
            click.option(
                "--most",
                type=click.IntRange(1, MOST_ROWS),
                default=20,
                show_default=True,
                help="How many rows at most.",
            ),
            click.option("--at", type=click.IntRange(1), help="As of the first so many entries."),
            gwp_option,
            click.option("--year", type=int, help="Calendar year; by default the latest."),
            click.argument("which", metavar="ID|NAME"),
            click.argument("kind", type=click.Choice(kinds)),
        ):
            command = option(command)
        return command

    return decorate


@click.command()
@_asks(*KINDS)
@click.option(
    "--by",
    type=click.Choice([*WAYS, "path"]),
    default="origin",
    show_default=True,
    help="How the figure is split; paths are of products.",
)
@click.option("--site", help="Of a product: one site; by default the mix of all that make it.")
@pass_speech
def explain(
    speech: Speech, /, kind: str, which: str, by: str, site: str | None, **asked: Any
) -> None:
    """Take a figure apart: a product's footprint, or the T2 of a park or an enterprise.

    What is listed, the rest, and what is not disclosed to you add up to the figure.
    """
    client, query = _client_and_query(speech, asked)
    if kind == "product":
        query["site"] = site
    elif by == "path" or site is not None:
        raise click.UsageError("Paths and sites are asked of products.")
    entity = id_of(client, PLURALS[kind], which)
    told = (
        client.about("products", entity, "paths", **query)
        if by == "path"
        else client.about(PLURALS[kind], entity, "explanation", by=by, **query)
    )
    if speech.as_json:
        speech.json(told)
        return
    _heading(speech, told, kind)
    _rows(speech, told, by)
    if by == "path" and not told["proven"]:
        speech.say("There may be larger paths: credits leave them without a bound.")


@click.command()
@_asks("park", "enterprise")
@pass_speech
def levers(speech: Speech, /, kind: str, which: str, **asked: Any) -> None:
    """What a tenth less of one thing would do to the figure of a park or an enterprise."""
    client, query = _client_and_query(speech, asked)
    told = client.about(PLURALS[kind], id_of(client, PLURALS[kind], which), "levers", **query)
    if speech.as_json:
        speech.json(told)
        return
    _heading(speech, told, kind)
    for each in told["levers"]:
        _levers(speech, each)


def _client_and_query(speech: Speech, asked: dict[str, Any]) -> tuple[Any, dict[str, str | None]]:
    client = asked_client(speech, asked.pop("server"), asked.pop("token"))
    return client, {name: None if v is None else str(v) for name, v in asked.items()}


def _heading(speech: Speech, told: dict[str, Any], kind: str) -> None:
    about = told[kind]
    speech.out.print(Text(about["name"], style="bold"), Text(about["id"], style="dim"))
    speech.say("%(year)s, GWP %(gwp)s, from %(at)d entries; last moved by entry %(as_of)d.",
               year=str(told["year"]), gwp=told["gwp"], at=told["at"],
               as_of=told["asOf"])  # fmt: skip
    speech.out.print()


def _rows(speech: Speech, told: dict[str, Any], by: str) -> None:
    """One line for each part, with a bar; then what has no line of its own."""
    table = speech.table(
        "Part", "", "kg CO2e", "filled in", "share", right=("kg CO2e", "filled in", "share")
    )
    lines = [(_name(speech, row, by), row) for row in told["rows"]]
    lines.append((_rest_name(speech, told), told["rest"]))
    if told["undisclosed"] is not None:
        lines.append((speech.text("not disclosed to you"), told["undisclosed"]))
    lines.append((speech.text("Total"), told["figure"]))
    largest = max(_size(row) for _, row in lines)
    for name, row in lines:
        if not _size(row):
            continue
        drawn = Bar(_size(row), largest)
        share = "" if row["share"] is None else percent(float(row["share"]))
        filled = number_text(row["filled"]) if float(row["filled"]) else ""
        table.add_row(name, drawn, number_text(row["kgCo2e"]), filled, share)
    speech.out.print(table)


def _size(row: dict[str, Any]) -> float:
    return abs(float(row["kgCo2e"]) + float(row["filled"]))


def _rest_name(speech: Speech, told: dict[str, Any]) -> str:
    parts = told["rest"].get("parts")
    if parts is None:
        return speech.text("all others")
    return speech.text("%(count)d others", {"count": parts})


def _name(speech: Speech, row: dict[str, Any], by: str) -> str:
    match by:
        case "tier":
            return speech.text("tier %(tier)d", {"tier": row["tier"]})
        case "site":
            return row["site"]["name"] if row["site"] else speech.text("of no known site")
        case "enterprise":
            return str(row["enterprise"]["name"])
        case "gas":
            return f"{row['gas']} {speech.text(row['origin'])}"
        case "category":
            return f"{row['category'] or ''} {row['name']}".strip()
        case "path":
            return " ← ".join(_step(speech, step) for step in row["steps"])
        case _:
            gate = speech.text(", up to its gate") if row["whole"] else ""
            return f"{_step(speech, row)}, {row['enterprise']['name']}{gate}"


def _step(speech: Speech, step: dict[str, Any]) -> str:
    if step["product"] is not None:
        return str(step["product"]["name"])
    return speech.text("rest of a site")


def _levers(speech: Speech, told: dict[str, Any]) -> None:
    speech.out.print(Text(_what(speech, Kind(told["kind"])), style="bold"))
    if told["rows"] is None:
        speech.say("  not shown: it would tell too much about one or two enterprises")
        speech.out.print()
        return
    table = speech.table("Lever", "", "kg CO2e", "", right=("kg CO2e",))
    rows = [(_lever_name(speech, row), row["t2"], row["linear"]) for row in told["rows"]]
    if told["others"] is not None:
        others = speech.text("%(count)d others", {"count": told["others"]["count"]})
        rows.append((others, told["others"]["t2"], True))
    largest = max((abs(float(kg)) for _, kg, _ in rows), default=0.0)
    for name, kg, linear in rows:
        drawn = Bar(abs(float(kg)), largest)
        table.add_row(name, drawn, number_text(kg), "" if linear else speech.text("not linear"))
    speech.out.print(table)
    speech.out.print()


def _what(speech: Speech, kind: Kind) -> str:
    match kind:
        case Kind.SUPPLIER:
            return speech.text("A tenth less bought across the fence")
        case Kind.CARRIER:
            return speech.text("A tenth less energy bought")
        case Kind.SITE:
            return speech.text("A tenth less emitted inside")
        case Kind.ORIGIN:
            return speech.text("A tenth less emitted outside")
        case Kind.USE:
            return speech.text("A tenth less taken in by anybody")


def _lever_name(speech: Speech, row: dict[str, Any]) -> str:
    if "carrier" in row:
        return speech.text(row["carrier"])
    if "site" in row:
        return str(row["site"]["name"])
    return f"{_step(speech, row)}, {row['enterprise']['name']}"
