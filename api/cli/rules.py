"""What the registrar says of the log itself, and what an owner takes out of it for good."""

from __future__ import annotations

from typing import Any

import click

from api.cli.options import here_option, key_options, server_option, token_option, yes_option
from api.cli.speaking import DIGEST, Speaker, ask, registrar, speaker
from api.cli.speech import Speech, json_option, pass_speech
from api.keys.keyfile import KeyFile
from ledger import jws
from ledger.statements import Erasure, NaturalKey, Policy, Withdrawal, read


@click.command()
@click.option("--name", help="What people call the log.")
@click.option("--past-seconds", type=int, help="How old the time of signing may be on arrival.")
@click.option("--future-seconds", type=int, help="How far it may lie ahead of the log's clock.")
@yes_option
@json_option
@pass_speech
def policy(
    speech: Speech,
    name: str | None,
    past_seconds: int | None,
    future_seconds: int | None,
    yes: bool,
) -> None:
    """Change the rules of the log: its name for people, and how late statements may arrive.

    Said by the registrar, on the server's machine. What is not given stays as it is.
    """
    if (name, past_seconds, future_seconds) == (None, None, None):
        raise click.UsageError("Say what changes: --name, --past-seconds or --future-seconds.")
    who = registrar(speech)
    rules, stands = who.client.log(), who.in_force(NaturalKey(Policy.TYPE, ()))
    body = Policy(
        name=rules["name"] if name is None else name,
        past_seconds=rules["pastSeconds"] if past_seconds is None else past_seconds,
        future_seconds=rules["futureSeconds"] if future_seconds is None else future_seconds,
    )
    envelope = who.signed(body, prev=stands.digest if stands else None)
    who.client.rehearse([envelope])
    said = {"name": body.name, "past": body.past_seconds, "future": body.future_seconds}
    ask(speech, speech.text("From now on: “%(name)s”, %(past)d seconds late, %(future)d early?",
                            said), yes)  # fmt: skip
    (done,) = who.state([envelope])
    if speech.as_json:
        speech.json({"index": done.index, "digest": done.digest})
        return
    speech.say("The rules have changed (entry %(index)d).", index=done.index)


@click.command()
@click.argument("digest", type=DIGEST)
@click.option("--reason", required=True, help="Why; this stays in the log.")
@key_options
@server_option
@token_option
@here_option
@yes_option
@json_option
@pass_speech
def erase(
    speech: Speech,
    digest: str,
    reason: str,
    key: KeyFile | None,
    server: str,
    token: str | None,
    here: bool,
    yes: bool,
) -> None:
    """Erase the payload of a statement for good: its owner, or the operator.

    That something was said, when and with which key stays provable. Figures that rest on it are
    withheld; later ones count it as missing. The operator needs a key with the role “operator”,
    and --here on the server's machine.
    """
    if key is None:
        raise click.UsageError("--key is needed: one of the owner's, or an operator's.")
    if not (token or here):
        raise click.UsageError("Give --token to read what is to be erased, or --here.")
    who = speaker(speech, key, server, token, here=here)
    shown = who.client.statement(digest)
    body = Erasure(digest=digest, key=_chain(who, shown).text, reason=reason)
    envelope = who.signed(body, shown["subject"])
    who.client.rehearse([envelope])
    speech.err.print(
        speech.text(
            "%(type)s %(digest)s, entry %(index)d, is erased for good.",
            {name: shown[name] for name in ("type", "digest", "index")},
        )
    )
    speech.err.print(speech.text("Backups and exports made before keep it: erase those as well."))
    ask(speech, speech.text("Erase it?"), yes)
    (done,) = who.state([envelope])
    if speech.as_json:
        speech.json({"index": done.index, "digest": done.digest})
        return
    speech.say("%(digest)s is erased (entry %(index)d).", digest=digest, index=done.index)


def _chain(who: Speaker, shown: dict[str, Any]) -> NaturalKey:
    """What the statement is about; of a withdrawal, what it ended."""
    statement = read(jws.parse(shown["envelope"].encode("ascii")))
    if isinstance(statement.body, Withdrawal):
        return _chain(who, who.client.statement(str(statement.common.prev)))
    return statement.body.natural_key(statement.subject)
