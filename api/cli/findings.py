"""What is wrong with what was stated, in the terminal, the worst first."""

from __future__ import annotations

import itertools
from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import (
    PLURALS,
    asked_client,
    gwp_option,
    id_of,
    query_of,
    server_or_here_option,
)
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from ledger.findings import Severity

_STYLES: Final = {
    Severity.REFUSE: "bold red",
    Severity.QUARANTINE: "red",
    Severity.WARNING: "yellow",
    Severity.NOTICE: "dim",
}
_KINDS: Final = ("park", "enterprise", "product")


@click.command()
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("which", metavar="ID|NAME")
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@click.option(
    "--severity", type=click.Choice([str(each) for each in Severity]), help="Only this one."
)
@gwp_option
@click.option("--at", type=click.IntRange(1), help="As of the first so many entries.")
@server_or_here_option
@token_option
@json_option
@pass_speech
def findings(
    speech: Speech,
    /,
    kind: str,
    which: str,
    server: str | None,
    token: str | None,
    **asked: Any,
) -> None:
    """What is wrong with what was stated of a park, an enterprise or a product.

    The worst first: what is refused, what is set aside until it is corrected, what counts and may
    be wrong, and what a reader should know.
    """
    client = asked_client(speech, server, token)
    entity = id_of(client, PLURALS[kind], which)
    answer = client.about(PLURALS[kind], entity, "findings", **query_of(**asked))
    if speech.as_json:
        speech.json(answer)
        return
    about = answer["subject"]
    speech.out.print(Text(about["name"], style="bold"), Text(about["id"], style="dim"))
    if not answer["findings"]:
        speech.say("Nothing was found that is wrong in %(year)s.", year=str(answer["year"]))
    for severity, told in itertools.groupby(answer["findings"], lambda row: str(row["severity"])):
        _show(speech, Severity(severity), list(told))


def _show(speech: Speech, severity: Severity, told: list[dict[str, Any]]) -> None:
    speech.out.print()
    heading = f"{_heading(speech, severity)} ({len(told)})"
    speech.out.print(Text(heading, style=_STYLES[severity]))
    for row in told:
        speech.out.print(Text(f"  {row['rule']}: ", style="dim"), Text(row["sentence"]), sep="")
        for source in row["sources"]:
            speech.out.print(
                Text(f"    #{source['index']} {source['digest'][:16]}… {source['pointer']}"),
                style="dim",
            )


def _heading(speech: Speech, severity: Severity) -> str:
    match severity:
        case Severity.REFUSE:
            return speech.text("Refused")
        case Severity.QUARANTINE:
            return speech.text("Set aside")
        case Severity.WARNING:
            return speech.text("Warnings")
        case Severity.NOTICE:
            return speech.text("Notices")
