"""What would follow if something else had been said, or somebody were not trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from api.cli.explain import KINDS
from api.cli.figures import (
    MOST_LINES,
    PLURALS,
    asked_client,
    gwp_option,
    id_of,
    number_names,
    number_text,
    server_or_here_option,
)
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.errors import FileRefused
from api.figures.numbers import percent


@click.command("what-if")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@server_or_here_option
@token_option
@json_option
@pass_speech
def what_if(speech: Speech, /, file: Path, server: str | None, token: str | None) -> None:
    """What would follow from the changes in FILE. Nothing is written.

    FILE is JSON: the figure that is asked about, and the changes in their order.

    \b
    {"figure": {"park": "…"},
     "changes": [{"replace": {"product": "…", "by": "…", "in": {"product": "…"}}},
                 {"scaleInput": {"product": "…", "factor": "0.5"}},
                 {"remove": {"product": "…", "in": {"site": "…"}}},
                 {"scaleEmissions": {"product": "…", "factor": "0.9"}},
                 {"say": {"statement": {"type": "recipe", …}}},
                 {"takeBack": "digest of a statement"}]}
    """
    told = asked_client(speech, server, token).what_if(_document(file))
    if speech.as_json:
        speech.json(told)
        return
    _follows(speech, told)


@click.command()
@click.option("--key", "key", help="Without a key, by its thumbprint.")
@click.option("--verifier", help="Without the attestations of an enterprise, by id or name.")
@click.option("--supplier", help="Without anything an enterprise says, by id or name.")
@click.option("--figure", "kind", type=click.Choice(KINDS), help="Of which kind WHICH is.")
@click.option("--of", "which", help="Which figure is asked about, by id or name.")
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@gwp_option
@server_or_here_option
@token_option
@json_option
@pass_speech
def stress(
    speech: Speech,
    /,
    key: str | None,
    verifier: str | None,
    supplier: str | None,
    kind: str | None,
    which: str | None,
    year: int | None,
    gwp: str | None,
    server: str | None,
    token: str | None,
) -> None:
    """Which figures move if a key, a verifier or a supplier is not trusted.

    With --figure and --of also on whom that figure rests most. Nothing is written.
    """
    distrusted = [(k, v) for k, v in (("verifier", verifier), ("supplier", supplier)) if v]
    if len(distrusted) + bool(key) > 1 or (kind is None) != (which is None):
        raise click.UsageError("Name one key, verifier or supplier; --figure goes with --of.")
    if not (distrusted or key or kind):
        raise click.UsageError("Name a key, a verifier or a supplier, or a figure.")
    client = asked_client(speech, server, token)
    asked: dict[str, Any] = {"year": year, "gwp": gwp}
    if distrusted:
        ((what, whom),) = distrusted
        asked["without"] = {what: id_of(client, "enterprises", whom)}
    if key:
        asked["without"] = {"key": key}
    if kind and which:
        asked["figure"] = {kind: id_of(client, PLURALS[kind], which)}
    told = client.stress({name: value for name, value in asked.items() if value is not None})
    if speech.as_json:
        speech.json(told)
        return
    if "without" in asked:
        _follows(speech, told)
        _verified(speech, told)
    _rests_on(speech, told)


def _document(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"), parse_float=str)
    except ValueError as refused:
        raise FileRefused(path=str(file), reason="it is not JSON") from refused


def _follows(speech: Speech, told: dict[str, Any]) -> None:
    """The figure before and after, and what else would move."""
    speech.say("Hypothetical: nobody has said this. %(year)s, GWP %(gwp)s, on top of %(at)d "
               "entries.", year=str(told["year"]), gwp=told["gwp"], at=told["at"])  # fmt: skip
    speech.out.print()
    if told["figure"] is not None:
        _figure(speech, told["figure"])
    if not told["moved"]:
        speech.say("Nothing would move.")
        return
    speech.out.print(Text(speech.text("What would move"), style="bold"))
    table = _table(speech)
    for each in told["moved"][:MOST_LINES]:
        main = next(n for n in each["numbers"] if n["name"] in ("footprint", "t2"))
        table.add_row(f"{speech.text(each['kind'])} {each['name']}", *_cells(main))
    speech.out.print(table)
    more = len(told["moved"][MOST_LINES:])
    if more:
        speech.say("  … and %(count)d more.", count=more)
    if told["notCompared"]:
        speech.say("%(count)d parks and enterprises were not looked at.",
                   count=told["notCompared"])  # fmt: skip


def _figure(speech: Speech, figure: dict[str, Any]) -> None:
    speech.out.print(Text(figure["name"], style="bold"), Text(figure["id"], style="dim"))
    table, names = _table(speech), number_names(speech)
    for number in figure["numbers"]:
        table.add_row(names.get(number["name"], number["name"]), *_cells(number))
    speech.out.print(table)
    speech.out.print()


def _table(speech: Speech) -> Any:
    columns = ("Before", "After", "Difference")
    return speech.table("kg CO2e, at least", *columns, right=columns)


def _cells(number: dict[str, Any]) -> tuple[str, str, str]:
    stands = (number["before"], number["after"])
    before, after = ("–" if each is None else number_text(each["atLeast"]) for each in stands)
    return before, after, number_text(number["difference"]) or "–"


def _verified(speech: Speech, told: dict[str, Any]) -> None:
    for each in told["verified"] or ():
        before, after = (percent(float(each[when])) for when in ("before", "after"))
        speech.say("Verified with %(level)s assurance: %(before)s, and %(after)s without.",
                   level=speech.text(each["level"]), before=before, after=after)  # fmt: skip


def _rests_on(speech: Speech, told: dict[str, Any]) -> None:
    if told["restsOn"] is None:
        return
    for heading, name in (
        (speech.text("Keys it rests on"), "keys"),
        (speech.text("Enterprises it rests on"), "enterprises"),
    ):
        speech.out.print()
        speech.out.print(Text(heading, style="bold"))
        table = speech.table("Whose", "kg CO2e", "share", "", right=("kg CO2e", "share"))
        for row in told["restsOn"][name][:MOST_LINES]:
            share = "" if row["share"] is None else percent(float(row["share"]))
            table.add_row(
                row["enterprise"]["name"], number_text(row["kgCo2e"]), share, row.get("key", "")
            )
        speech.out.print(table)
