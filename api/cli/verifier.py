"""Verification: the registrar accredits who may verify, and verifiers attest."""

from __future__ import annotations

import datetime as dt

import click

from api.cli.options import key_options, server_option, token_option, yes_option
from api.cli.speaking import DAY, DIGEST, ID, Speaker, ask, registrar, speaker
from api.cli.speech import Speech, json_option, pass_speech
from api.errors import NameUnknown
from api.keys.keyfile import KeyFile
from ledger.statements import (
    VERIFIABLE,
    Accreditation,
    Attestation,
    Enterprise,
    NaturalKey,
)


@click.command()
@click.argument("verifier", metavar="ENTERPRISE-ID", type=ID)
@click.option("--standard", "standards", multiple=True, required=True, help="ISO 14064-3 or so.")
@click.option("--scope", multiple=True, required=True, type=click.Choice(VERIFIABLE),
              help="Type of statements it may verify.")  # fmt: skip
@click.option("--from", "start", type=DAY, help="First day (UTC); otherwise today.")
@click.option("--until", required=True, type=DAY, help="Last day (UTC).")
@click.option("--serial", type=click.IntRange(1, 999), help="To change an accreditation: its "
              "number. Otherwise the next free one.")  # fmt: skip
@yes_option
@json_option
@pass_speech
def accredit(
    speech: Speech,
    verifier: str,
    standards: tuple[str, ...],
    scope: tuple[str, ...],
    start: dt.date | None,
    until: dt.date,
    serial: int | None,
    yes: bool,
) -> None:
    """State that an enterprise may verify: what, by which standards, from when until when.

    Said by the registrar, on the server's machine. Its key needs the role “verifier”: “catchment
    admit --role verifier”.
    """
    who = registrar(speech)
    enterprise = who.in_force(NaturalKey(Enterprise.TYPE, (verifier,)))
    if enterprise is None:
        raise NameUnknown(kind="enterprise", text=verifier)
    held = _serials(who, verifier)
    number = serial or max(held, default=0) + 1
    body = Accreditation(
        serial=number,
        scope=scope,
        standards=standards,
        start=start or dt.datetime.now(dt.UTC).date(),
        until=until,
    )
    envelope = who.signed(body, verifier, held.get(number))
    who.client.rehearse([envelope])
    question = speech.text(
        "Accredit %(name)s (number %(number)d) until %(until)s?",
        {"name": getattr(enterprise.body, "name", verifier), "number": number, "until": until},
    )
    ask(speech, question, yes)
    (done,) = who.state([envelope])
    if speech.as_json:
        speech.json({"index": done.index, "digest": done.digest, "serial": number})
        return
    speech.say("%(verifier)s is accredited (entry %(index)d).", verifier=verifier, index=done.index)


def _serials(who: Speaker, verifier: str) -> dict[int, str]:
    """Its accreditations in force: number -> digest."""
    found = who.client.statements(kind=Accreditation.TYPE, subject=verifier)
    return {int(each.key.parts[1]): each.digest for each in found}


@click.command()
@click.argument("digest", type=DIGEST)
@click.option("--standard", required=True, help="By which standard, as accredited.")
@click.option("--level", required=True, type=click.Choice(("limited", "reasonable")))
@click.option("--scope", required=True, help="What was looked into, in your words.")
@click.option("--until", required=True, type=DAY, help="Last day (UTC) of the opinion.")
@key_options
@server_option
@token_option
@yes_option
@json_option
@pass_speech
def attest(
    speech: Speech,
    digest: str,
    standard: str,
    level: str,
    scope: str,
    until: dt.date,
    key: KeyFile | None,
    server: str,
    token: str | None,
    yes: bool,
) -> None:
    """State that you have verified a statement of somebody else, by its digest.

    The opinion is about these words: it falls silent when they are corrected, and after its last
    day. To change your opinion, attest again with a token.
    """
    if key is None:
        raise click.UsageError("--key is needed: a key with the role “verifier”.")
    who = speaker(speech, key, server, token)
    body = Attestation(digest=digest, standard=standard, level=level, scope=scope, until=until)
    stands = who.in_force(body.natural_key(key.enterprise)) if who.sees else None
    envelope = who.signed(body, prev=stands.digest if stands else None)
    who.client.rehearse([envelope])
    ask(speech, speech.text("Attest %(digest)s until %(until)s?",
                            {"digest": digest, "until": until}), yes)  # fmt: skip
    (done,) = who.state([envelope])
    if speech.as_json:
        speech.json({"index": done.index, "digest": done.digest})
        return
    speech.say("%(digest)s is attested (entry %(index)d).", digest=digest, index=done.index)
