"""Offers side by side in the terminal, awards, and what has become of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import BAR_WIDTH, asked_client, server_or_here_option
from api.cli.options import key_options, receipt_dir_option, token_option
from api.cli.speaking import is_digest
from api.cli.speech import Speech, json_option, pass_speech
from api.cli.supplier import sign_and_submit
from api.client import Client
from api.errors import AwardNotFound, FileRefused
from api.figures.numbers import compact, percent
from api.keys.keyfile import KeyFile
from ledger.errors import CatchmentError
from ledger.strict_json import loads

_NUMBERS: Final = ("", "kg CO2e", "95 %", "Known", "Verified", "With carbon")
_CHANGES: Final = ("Then", "Now", "Change", "Moved by")
_VERDICTS: Final = {"passed": "green", "failed": "red", "refused": "dim"}


@click.command()
@click.argument("offers", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--award", "reference", metavar="REF", help="Log what you decide of this tender.")
@click.option("--chosen", metavar="LABEL", help="The offer that you take; by default none.")
@click.option("--serial", type=click.IntRange(1, 999), help="Of several decisions on one tender.")
@key_options
@server_or_here_option
@token_option
@receipt_dir_option
@json_option
@pass_speech
def compare(
    speech: Speech,
    offers: Path,
    reference: str | None,
    chosen: str | None,
    serial: int | None,
    key: KeyFile | None,
    server: str | None,
    token: str | None,
    receipt_dir: Path,
) -> None:
    """Compare the offers in a file, as POST /v1/comparisons takes them, and log what you decide.

    With --award the decision is signed: with --key here, or by the server, where the operator holds
    a key for you. The log takes it only if its figures follow from what it holds.
    """
    if reference is None and (chosen is not None or serial is not None or key is not None):
        raise click.UsageError("--chosen, --serial and --key belong to --award.")
    asked = _asked(offers)
    decided = {"reference": reference, "chosen": chosen, "serial": serial}
    award = {name: value for name, value in decided.items() if value is not None}
    if reference is not None and key is None:
        asked["log"] = award
    client = asked_client(speech, server, token)
    found = client.compare(asked).document
    if reference is not None and key is not None:
        award = {"serial": _next_serial(client, reference, key), **award}
        found["logged"] = _sign(client, {**found["award"], **award}, key, receipt_dir)
    if speech.as_json:
        speech.json(found)
        return
    _show(speech, found)
    if found["logged"]:
        speech.say("Logged as entry %(index)d, digest %(digest)s.",
                   index=found["logged"]["index"], digest=found["logged"]["digest"])  # fmt: skip


def _asked(path: Path) -> dict[str, Any]:
    """Raises FileRefused."""
    try:
        body = loads(path.read_bytes(), float_allowed=lambda _: True)
    except CatchmentError as refused:
        raise FileRefused(path=str(path), reason=str(refused)) from None
    if not isinstance(body, dict):
        raise FileRefused(path=str(path), reason="it is no object of offers")
    return body


def _next_serial(client: Client, reference: str, key: KeyFile) -> int:
    """The serial number after the last that this enterprise gave a decision on the tender."""
    found = client.awards(reference=reference)
    used = (each["serial"] for each in found if each["subject"] == key.enterprise)
    return int(max(used, default=0)) + 1


def _sign(client: Client, award: dict[str, Any], key: KeyFile, folder: Path) -> dict[str, Any]:
    """Log an award under one's own key; told as the server tells of one that it has logged."""
    saved = sign_and_submit(client, award, key, folder, "award")
    place = {"index": saved.held.index, "digest": saved.held.digest, "serial": award["serial"]}
    files = {"statement": str(saved.statement), "receiptFile": str(saved.receipt)}
    return {**place, "receipt": saved.held.receipt, **files}


@click.command()
@click.option("--reference", help="Of one tender.")
@server_or_here_option
@token_option
@json_option
@pass_speech
def awards(speech: Speech, reference: str | None, server: str | None, token: str | None) -> None:
    """The awards that you may read: your own, and all for auditors."""
    found = asked_client(speech, server, token).awards(reference=reference)
    if speech.as_json:
        speech.json({"items": found})
        return
    table = speech.table("Tender", "Decided", "Offers", "Taken", "Digest", right=("Offers",))
    for each in found:
        name = f"{each['reference']} ({each['serial']})"
        taken = each["chosen"] or speech.text("none")
        table.add_row(name, each["time"][:10], str(each["offers"]), taken, each["digest"])
    speech.out.print(table)


@click.command()
@click.argument("which", metavar="REF|DIGEST")
@server_or_here_option
@token_option
@json_option
@pass_speech
def drift(speech: Speech, which: str, server: str | None, token: str | None) -> None:
    """What has become of the figures of an award: the last of a tender, or one by its digest."""
    client = asked_client(speech, server, token)
    found = client.drift(_digest_of(client, which))
    if speech.as_json:
        speech.json(found)
        return
    _show_drift(speech, found)


def _digest_of(client: Client, which: str) -> str:
    """Raises AwardNotFound."""
    if is_digest(which):
        return which
    found = client.awards(reference=which)
    if not found:
        raise AwardNotFound(reference=which)
    return str(found[-1]["digest"])


# --- Showing -------------------------------------------------------------------------------


def _show(speech: Speech, found: dict[str, Any]) -> None:
    speech.say("kg CO2e per %(unit)s, cradle to gate, %(year)s, GWP %(gwp)s; from %(at)d entries.",
               unit=found["unit"], year=str(found["year"]), gwp=found["gwp"],
               at=found["at"])  # fmt: skip
    rows = sorted(found["offers"], key=lambda each: each["rank"] or len(found["offers"]) + 1)
    table = speech.table("", "Offer", "kg CO2e", "95 %", "Known", "Verified", "With carbon",
                         "Verdict", right=_NUMBERS)  # fmt: skip
    for each in rows:
        table.add_row(
            str(each["rank"] or "–"), each["label"], *_cells(each), _verdict(speech, each)
        )
    speech.out.print(table)
    _picture(speech, [(each["label"], each["facts"] or {}) for each in rows])
    _reasons(speech, rows)
    _told_apart(speech, found)


def _cells(each: dict[str, Any]) -> tuple[str, ...]:
    facts, money = each["facts"] or {}, each["money"] or {}
    shares = (facts.get("coverage"), facts.get("verifiedShare"))
    priced = money.get("withCarbonPerUnit")
    return (
        _value(facts),
        _interval(facts),
        *("–" if share is None else percent(float(share)) for share in shares),
        "–" if priced is None else f"{compact(float(priced))} {money['currency']}",
    )


def _value(facts: dict[str, Any]) -> str:
    if facts.get("value") is not None:
        return compact(float(facts["value"]))
    return "–" if facts.get("atLeast") is None else f"≥ {compact(float(facts['atLeast']))}"


def _interval(facts: dict[str, Any]) -> str:
    if facts.get("lower") is None or facts.get("upper") is None:
        return "–"
    return f"{compact(float(facts['lower']))} … {compact(float(facts['upper']))}"


def _verdict(speech: Speech, each: dict[str, Any]) -> Text:
    words = {
        "passed": speech.text("passes"),
        "failed": speech.text("fails"),
        "refused": speech.text("not comparable"),
    }
    return Text(words[each["verdict"]], style=_VERDICTS[each["verdict"]])


def _picture(speech: Speech, offers: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """A line for each value, from zero: where it is, and how far off it may be."""
    known = [(label, facts) for label, facts in offers if facts.get("value") is not None]
    ends = [float(facts["upper"] or facts["value"]) for _, facts in known]
    if not ends or max(ends) <= 0:
        return
    table = speech.table("Offer", "")
    table.show_header = False
    for label, facts in known:
        table.add_row(label, span(facts, max(ends)))
    speech.out.print(table)


def span(facts: dict[str, Any], largest: float, width: int = BAR_WIDTH) -> str:
    """``├──●──┤`` for an interval around a value, on a line of ``width`` from 0 to ``largest``."""

    def place(kg: str) -> int:
        return min(width - 1, max(0, round(float(kg) / largest * (width - 1))))

    value = place(facts["value"])
    line = [" "] * width
    if facts["lower"] is not None and facts["upper"] is not None:
        lower, upper = place(facts["lower"]), place(facts["upper"])
        line[lower : upper + 1] = ["─"] * (upper + 1 - lower)
        line[lower], line[upper] = "├", "┤"
    line[value] = "●"
    return "".join(line).rstrip()


def _reasons(speech: Speech, offers: list[dict[str, Any]]) -> None:
    for each in offers:
        for reason in each["reasons"]:
            speech.out.print(Text(f"{each['label']}: {reason['sentence']}"))
        if not each.get("signed", True):
            speech.say("%(label)s: its footprint was sent along; nobody signed it here.",
                       label=each["label"])  # fmt: skip


def _told_apart(speech: Speech, found: dict[str, Any]) -> None:
    """Which offers the first cannot be told apart from."""
    first = next((each for each in found["offers"] if each["label"] == found["first"]), None)
    if first is None:
        speech.say("No offer passes.")
        return
    speech.say("First among those that pass: %(label)s.", label=first["label"])
    if first["notToldApart"]:
        others = ", ".join(first["notToldApart"])
        speech.say("By their carbon it cannot be told apart from: %(others)s.", others=others)


def _show_drift(speech: Speech, found: dict[str, Any]) -> None:
    award = found["award"]
    speech.say("%(reference)s (%(serial)d), kg CO2e per %(unit)s; decided at %(size)d entries, "
               "compared at %(at)d.", reference=award["reference"], serial=award["serial"],
               unit=award["unit"], size=award["at"]["size"], at=found["at"])  # fmt: skip
    table = speech.table("Offer", "Then", "Now", "Change", "Moved by", "Verdict", right=_CHANGES)
    for each in found["offers"]:
        table.add_row(_marked(each, award), *_then_and_now(each), _verdict(speech, each["now"]))
    speech.out.print(table)
    _picture(speech, [(each["label"], each["now"]) for each in found["offers"]])
    _reasons(speech, [{"label": o["label"], **o["now"]} for o in found["offers"]])
    _still(speech, found)


def _marked(each: dict[str, Any], award: dict[str, Any]) -> str:
    return f"{each['label']} *" if each["label"] == award.get("chosen") else each["label"]


def _then_and_now(each: dict[str, Any]) -> tuple[str, ...]:
    then, now, change = each["then"], each["now"], each["change"]
    moved = now["asOf"] not in (None, then["asOf"])
    return (
        _value(then),
        _value(now),
        "–" if change is None else f"{float(change):+.6g}" if float(change) else "0",
        str(now["asOf"]) if moved else "–",
    )


def _still(speech: Speech, found: dict[str, Any]) -> None:
    if found["ruleHolds"] is None:
        speech.say("No offer was taken.")
        return
    taken = found["award"]["chosen"]
    if found["ruleHolds"]:
        speech.say("%(label)s still meets the rule.", label=taken)
    else:
        speech.say("%(label)s does not meet the rule any more.", label=taken)
    if found["stillFirst"]:
        speech.say("It still comes first.")
    elif found["firstNow"] is not None:
        speech.say("First now: %(label)s.", label=found["firstNow"])
