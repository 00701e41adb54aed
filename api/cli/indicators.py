"""Indicators of parks in the terminal, and systems of them for the registrar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import click
from rich.text import Text

from api.cli.figures import (
    Bar,
    asked_client,
    gwp_option,
    id_of,
    query_of,
    server_or_here_option,
)
from api.cli.options import token_option, yes_option
from api.cli.refusals import refuse_lines
from api.cli.speaking import Speaker, ask, registrar
from api.cli.speech import REFUSED, Speech, json_option, pass_speech
from api.client import InForce, Refused
from api.errors import FileRefused, IndicatorNameTaken, IndicatorTableRefused
from api.figures.numbers import compact, percent
from api.importing.indicator_tables import About, Reading, read, system_of
from api.importing.sheets import read_file
from graph.indicators.indicators import BUILT_IN, Result, Verdict
from ledger import strict_json
from ledger.errors import ChainExists
from ledger.schema import load
from ledger.statements import Indicators

_MARKS: Final = {
    Verdict.MET: ("✓", "green"),
    Verdict.NOT_MET: ("✗", "red"),
    Verdict.MISSING: ("?", "yellow"),
    Verdict.NONE: ("–", "dim"),
}
_SIGNS: Final = {"at-most": "≤", "below": "<", "at-least": "≥", "above": ">"}
_WORDS: Final = {"TNE": "t", "MWH": "MWh"}
_SHARE: Final = "1"
_SHOWN: Final = 20
_MOST_BYTES: Final = 1 << 20


@click.command()
@click.argument("which", metavar="PARK")
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@click.option("--system", help="The system of indicators; by default notice-910, China's own.")
@click.option("--basis", help="The set of factors that turns energy into standard coal.")
@click.option("--type", "type_", help="The type of park, for a system that tells types apart.")
@gwp_option
@click.option("--at", type=click.IntRange(1), help="As of the first so many entries.")
@server_or_here_option
@token_option
@json_option
@pass_speech
def indicators(
    speech: Speech,
    /,
    which: str,
    server: str | None,
    token: str | None,
    type_: str | None,
    **question: Any,
) -> None:
    """What a system of indicators says of a park, item by item.

    By default China's national one (notice 910 of 2025), whose CO2 is another number than the
    park's net figure.
    """
    client = asked_client(speech, server, token)
    park = id_of(client, "parks", which)
    answer = client.about("parks", park, "indicators", **query_of(**question, type=type_))
    if speech.as_json:
        speech.json(answer)
        return
    _heading(speech, answer)
    _items(speech, answer["items"])
    _result(speech, answer)
    if answer["notice"] is not None:
        _notice(speech, answer["notice"])
    _lacking(speech, answer["items"])


def _heading(speech: Speech, answer: Mapping[str, Any]) -> None:
    park, system = answer["park"], answer["system"]
    speech.out.print(Text(park["name"], style="bold"), Text(park["id"], style="dim"))
    speech.say("%(system)s, version %(version)s, for %(year)s.", system=system["title"],
               version=system["version"], year=str(answer["year"]))  # fmt: skip
    if answer["basis"] is not None:
        speech.say("Standard coal by %(name)s %(version)s.", **answer["basis"])
    if answer["notice"] is not None:
        speech.out.print(Text(answer["notice"]["remark"], style="yellow"))
    speech.out.print()


def _items(speech: Speech, items: list[dict[str, Any]]) -> None:
    table = speech.table("", "Indicator", "Value", "Rule", "Beyond it", right=("Value", "Rule"))
    for item in items:
        mark, style = _MARKS[Verdict(item["verdict"])]
        table.add_row(
            Text(mark, style=style), _title(speech, item), _value(item), _threshold(item),
            _beyond(item),
        )  # fmt: skip
    speech.out.print(table)


def _title(speech: Speech, item: Mapping[str, Any]) -> Text:
    kinds = {
        "principled": speech.text("principled"),
        "bonus": speech.text("bonus"),
        "non-principled": "",
    }
    return Text.assemble(item["title"], (f"  {kinds[item['class']]}".rstrip(), "dim"))


def _value(item: Mapping[str, Any]) -> str:
    """The value with its unit; what is known of one that lacks something, marked as such."""
    if item["value"] is not None:
        return _measured(float(item["value"]), item["unit"])
    if item["known"] is None or item["verdict"] == Verdict.NONE:
        return "–"
    return f"({_measured(float(item['known']), item['unit'])})"


def _measured(value: float, unit: str) -> str:
    return percent(value) if unit == _SHARE else f"{compact(value)} {unit}"


def _threshold(item: Mapping[str, Any]) -> str:
    if item["threshold"] is None or item["verdict"] == Verdict.NONE:
        return ""
    threshold, unit = float(item["threshold"]), item["unit"]
    said = percent(threshold) if unit == _SHARE else compact(threshold)
    return f"{_SIGNS[item['operator']]} {said}"


def _beyond(item: Mapping[str, Any]) -> str:
    """By how much an item is missed, in its quantity."""
    if item["beyond"] is None or item["verdict"] != Verdict.NOT_MET:
        return ""
    return f"{float(item['beyond']):+,.6g} {item['beyondUnit']}"


def _result(speech: Speech, answer: Mapping[str, Any]) -> None:
    results = {
        Result.PASSED: speech.text("passed"),
        Result.NOT_PASSED: speech.text("not passed"),
        Result.OPEN: speech.text("cannot be judged"),
    }
    speech.out.print()
    speech.say("%(result)s, with %(points)s of %(out_of)s points.",
               result=results[Result(answer["result"])].capitalize(), points=answer["points"],
               out_of=answer["outOf"])  # fmt: skip
    if float(answer["bonus"]):
        speech.say("On top %(bonus)s points of bonus.", bonus=answer["bonus"])


def _notice(speech: Speech, notice: Mapping[str, Any]) -> None:
    """The terms of the sum as bars on one scale, and what they are divided by."""
    emissions, energy = notice["emissions"], notice["energy"]
    largest = max((abs(float(term["tCo2"])) for term in emissions["terms"]), default=0.0)
    table = speech.table("CO2 by notice 910", "", "t CO2", right=("t CO2",))
    for term in emissions["terms"]:
        amount = float(term["tCo2"])
        table.add_row(term["title"], Bar(amount, largest), compact(amount))
    known = compact(float(emissions["known"]))
    table.add_row(
        speech.text("Together"), "", known if emissions["tCo2"] is not None else f"({known})"
    )
    speech.out.print()
    speech.out.print(table)
    if energy is not None:
        known = compact(float(energy["known"]))
        speech.say("Energy: %(tce)s tce, of it clean %(clean)s tce.",
                   tce=known if energy["tce"] is not None else f"({known})",
                   clean=compact(float(energy["clean"])))  # fmt: skip
    for each in emissions["outside"]:
        left_out = f"{compact(float(each['amount']))} {_WORDS[each['unit']]}"
        speech.out.print(Text(f"{each['sentence']} {left_out}"))


def _lacking(speech: Speech, items: list[dict[str, Any]]) -> None:
    """Why items have no value, each sentence once; it is in the reader's language already."""
    sentences = dict.fromkeys(each["sentence"] for item in items for each in item["missing"])
    for sentence in list(sentences)[:_SHOWN]:
        speech.out.print(Text(f"? {sentence}", style="yellow"))
    speech.say_more(len(sentences) - _SHOWN)


# --- Stating a system ----------------------------------------------------------------------


@click.command("indicators-load")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="Name of the system, such as jiangsu-2026.")
@click.option("--version", help="The publisher's version.")
@click.option("--title", help="What it is called, in English.")
@click.option("--title-zh", help="What it is called, in Chinese.")
@click.option("--publisher", help="Who publishes it.")
@click.option("--source", help="Where it can be read.")
@click.option("--pass-mark", help="Points needed; by default every item is to be met.")
@click.option("--bonus-cap", help="The most points that bonus items add.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@yes_option
@json_option
@pass_speech
@click.pass_context
def indicators_load(
    ctx: click.Context,
    speech: Speech,
    /,
    path: Path,
    dry_run: bool,
    yes: bool,
    **about: str | None,
) -> None:
    """State a rule table as a system of indicators, or as a new version of one.

    Said by the registrar, on the server's machine. A .csv or .xlsx table has a line for each item,
    and the options say what holds for all; a .json file is the whole system as a statement has it.

    Exit code 1 if a line is refused.
    """
    system, reading = _read(path, about)
    if system is None:
        refuse_lines(speech, reading.problems, reading.lines)
        ctx.exit(REFUSED)
    if system.name in BUILT_IN:
        raise IndicatorNameTaken(name=system.name)
    who = registrar(speech)
    before = _standing(who, system.name)
    is_new = before is None or before.body != system
    if not speech.as_json:
        _show_plan(speech, system, before, is_new)
    envelope = _rehearsed(who, system, before) if is_new else None
    if envelope is not None and not dry_run:
        ask(speech, speech.text("Write it to the log?"), yes)
        who.client.submit(envelope)
    _report(speech, system, written=envelope is not None and not dry_run)


def _read(path: Path, about: Mapping[str, str | None]) -> tuple[Indicators | None, Reading]:
    """What a file says, and what is wrong with it line by line. Raises TableRefused and others."""
    if path.suffix.lower() == ".json":
        if given := [name for name, value in about.items() if value is not None]:
            option = given[0].replace("_", "-")
            raise FileRefused(path=str(path), reason=f"it says itself what --{option} would say")
        return _read_json(path), Reading(0)
    tables = read_file(path)
    if len(tables) != 1:
        raise IndicatorTableRefused(reason="it does not hold one sheet")
    needed = ("name", "version", "title", "publisher", "source")
    if missing := [f"--{name}" for name in needed if about[name] is None]:
        raise click.UsageError(f"A table needs {', '.join(missing)}.")
    reading = read(tables[0])
    return system_of(reading, About(**cast(dict[str, Any], about))), reading


def _read_json(path: Path) -> Indicators:
    """Raises JsonRefused, FileRefused for another document, and StatementMalformed."""
    with path.open("rb") as file:
        document = strict_json.loads(file.read(_MOST_BYTES))
    if not isinstance(document, dict):
        raise FileRefused(path=str(path), reason="it is not a JSON object")
    return load(Indicators, {name: each for name, each in document.items() if name != "type"})


def _standing(who: Speaker, name: str) -> InForce | None:
    stated = who.client.statements(kind=Indicators.TYPE)
    return next((each for each in stated if cast(Indicators, each.body).name == name), None)


def _rehearsed(who: Speaker, system: Indicators, before: InForce | None) -> bytes:
    """The signed statement, judged and not stored; one that was withdrawn is continued.

    Raises Refused.
    """
    envelope = who.signed(system, prev=before.digest if before else None)
    (result,) = who.client.submit_batch([envelope], dry_run=True)
    problem = result.problem or {}
    head = problem.get("params", {}).get("head")
    if problem.get("code") == ChainExists.code and head is not None:
        return who.signed(system, prev=str(head))
    if result.problem is not None:
        raise Refused(result.problem)
    return envelope


def _show_plan(speech: Speech, system: Indicators, before: InForce | None, is_new: bool) -> None:
    table = speech.table("Class", "Indicators", right=("Indicators",))
    for kind in dict.fromkeys(item.kind for item in system.items):
        table.add_row(kind, str(sum(item.kind == kind for item in system.items)))
    speech.out.print(table)
    if before is None:
        speech.say("%(name)s is a new system.", name=system.name)
    elif is_new:
        speech.say("%(name)s stands in version %(old)s; this is version %(new)s.",
                   name=system.name, old=cast(Indicators, before.body).version,
                   new=system.version)  # fmt: skip
    else:
        speech.say("%(name)s stands as it is here.", name=system.name)


def _report(speech: Speech, system: Indicators, *, written: bool) -> None:
    if speech.as_json:
        said = {"written": written, "system": system.name, "version": system.version}
        speech.json({**said, "items": len(system.items), "refused": []})
        return
    speech.say("Written to the log." if written else "Nothing was written.")
