"""Keys in time: end one, hand on to the next, and say again what a thief may have said."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import click

from api.cli.options import (
    KeyIdCommand,
    here_option,
    key_options,
    server_option,
    token_option,
    yes_option,
)
from api.cli.speaking import MOMENT, Speaker, ask, iso, speaker
from api.cli.speech import REFUSED, Speech, json_option, pass_speech
from api.cli.supplier import key_path, key_proof, new_passphrase
from api.client import Client, Suspect, told
from api.errors import NameUnknown, WouldOverwrite
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from ledger import jws
from ledger.keys import PrivateKey
from ledger.statements import ROLES, Key, NaturalKey, Revocation, roles_for

REASONS: Final = ("compromised", "lost", "retired")
_SHOWN: Final = 20
_AT_ONCE: Final = 50
_JTI_BYTES: Final = 18
_REGISTRAR: Final = ("registrar",)


@click.command(cls=KeyIdCommand)
@click.argument("kid", metavar="KEY-ID")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="compromised: others may "
              "have signed with it; lost, retired: nobody has.")  # fmt: skip
@click.option("--since", type=MOMENT, help="compromised: since when others may have signed, such "
              "as 2026-01-31T08:00:00Z.")  # fmt: skip
@key_options
@server_option
@token_option
@here_option
@yes_option
@json_option
@pass_speech
def revoke(
    speech: Speech,
    kid: str,
    reason: str,
    since: int | None,
    key: KeyFile | None,
    server: str,
    token: str | None,
    here: bool,
    yes: bool,
) -> None:
    """End a key: it signs nothing any more.

    With --key, one of your enterprise's own keys says so (the key may end itself); without it the
    registrar does, on the server's machine. Of a compromised key everything that it signed since
    then becomes suspect and leaves the figures until it is said again (“catchment reattest”).
    """
    if reason == "compromised" and since is None:
        raise click.UsageError("--since is needed: since when others may have signed.")
    if reason != "compromised" and since is not None:
        raise click.UsageError("--since belongs to --reason compromised, and to no other.")
    who = speaker(speech, key, server, token, here=here)
    body = Revocation(kid=kid, reason=reason, compromised_since=since)
    subject, prev = _revoked(who, key is None, kid)
    envelope = who.signed(body, subject, prev)
    who.client.rehearse([envelope])
    feared = who.client.suspects(kid=kid, since=since) if since is not None and who.sees else []
    _warn(speech, who, kid, since, feared)
    ask(speech, speech.text("Revoke it? It stays revoked."), yes)
    (done,) = who.state([envelope])
    if speech.as_json:
        speech.json({"index": done.index, "digest": done.digest, "suspect": len(feared)})
        return
    speech.say("The key %(kid)s is revoked (entry %(index)d).", kid=kid, index=done.index)
    if feared:
        speech.say("Say what is right of it again with a sound key: “catchment reattest”.")


def _revoked(who: Speaker, by_registrar: bool, kid: str) -> tuple[str, str | None]:
    """Whose the key is; for the registrar, also the revocation that this one corrects."""
    if not by_registrar:
        return who.key.enterprise, None
    if kid == who.client.log()["registrar"]:
        return who.key.enterprise, None  # refused by the log, which says what ends it
    registered = who.in_force(NaturalKey(Key.TYPE, (kid,)))
    if registered is None:
        raise NameUnknown(kind="key", text=kid)
    stands = who.in_force(NaturalKey(Revocation.TYPE, (kid,)))
    return registered.subject, stands.digest if stands else None


def _warn(speech: Speech, who: Speaker, kid: str, since: int | None, feared: list[Suspect]) -> None:
    if since is None:
        text = speech.text("What the key %(kid)s signed stays as it is.", {"kid": kid})
    elif not who.sees:
        text = speech.text("Without --token it cannot be told what becomes suspect.")
    else:
        text = speech.text(
            "Statements that become suspect: %(count)d, signed since %(since)s or resting on that.",
            {"count": len(feared), "since": iso(since)},
        )
    speech.err.print(text)
    if feared:
        _list(speech, feared, on_error=True)


def _list(speech: Speech, found: list[Suspect], *, on_error: bool = False) -> None:
    table = speech.table("Entry", "Type", "About", "Taken", "Because of", "Said again",
                         right=("Entry", "Because of"))  # fmt: skip
    for each in found[:_SHOWN] if on_error else found:
        again = speech.text("yes") if each.reattested else speech.text("no")
        cause = "" if each.cause is None else str(each.cause)
        about = " ".join(each.key)
        table.add_row(str(each.index), each.type, about, each.time, cause, again)
    (speech.err if on_error else speech.out).print(table)
    if on_error and len(found) > _SHOWN:
        speech.err.print(speech.text("… and %(count)d more.", {"count": len(found) - _SHOWN}))


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="acme2 for acme2.key.")
@click.option("--alg", type=click.Choice(["EdDSA", "ES256"]), default="EdDSA", show_default=True)
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES),
              help="Those of the old key, where no token is given to ask for them.")  # fmt: skip
@click.option("--new-passphrase-prompt", is_flag=True, help="Ask for one for the new key file.")
@click.option("--new-passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@key_options
@server_option
@token_option
@yes_option
@json_option
@pass_speech
def rotate(
    speech: Speech,
    out: Path,
    alg: str,
    roles: tuple[str, ...],
    new_passphrase_prompt: bool,
    new_passphrase_file: Path | None,
    key: KeyFile | None,
    server: str,
    token: str | None,
    yes: bool,
) -> None:
    """Make a new key, and let the old one hand on to it.

    The old key retires and signs nothing more. What it said stands. A key that others may have is
    not rotated but revoked: they could rotate it as well.
    """
    if key is None:
        raise click.UsageError("--key is needed: the key that retires.")
    if key_path(out).exists():
        raise WouldOverwrite(path=str(key_path(out)))
    who = speaker(speech, key, server, token)
    new = dataclasses.replace(key, private=PrivateKey.generate(alg), insecure=False)
    envelope = who.signed(_rotation(who, new, roles))
    who.client.rehearse([envelope])
    passphrase = new_passphrase(new_passphrase_prompt, new_passphrase_file)
    ask(speech, speech.text("The key %(kid)s retires. Go on?", {"kid": key.kid}), yes)
    # Written first: a registered key that nobody has would be worse than a file too many.
    keyfile.write(key_path(out), new, passphrase)
    (done,) = who.state([envelope])
    if speech.as_json:
        speech.json({"index": done.index, "kid": new.kid, "key": str(key_path(out))})
        return
    speech.say("The new key is in %(path)s: keep it secret, and a copy of it safe.",
               path=key_path(out))  # fmt: skip
    speech.say("Its key id is %(kid)s (entry %(index)d).", kid=new.kid, index=done.index)


def _rotation(who: Speaker, new: KeyFile, roles: tuple[str, ...]) -> Key:
    """What the old key says: the new one has its roles, custody and last day."""
    old: Key | None = None
    if who.sees:
        registered = who.in_force(NaturalKey(Key.TYPE, (who.key.kid,)))
        old = cast(Key, registered.body) if registered else None
    if old is None and not roles:
        raise click.UsageError("Give --token, so that the old key's roles are known, or --role.")
    return Key(
        action="rotate",
        jwk=new.private.public.jwk,
        roles=roles or cast(Key, old).roles,
        custody=old.custody if old else "self",
        until=old.until if old else None,
        replaces=who.key.kid,
        proof=key_proof(new),
    )


@click.command()
@server_option
@token_option
@here_option
@json_option
@pass_speech
def suspects(speech: Speech, server: str, token: str | None, here: bool) -> None:
    """List the statements that others may have signed: they do not count until said again.

    Auditors and the operator see all of them, others those of their enterprise.
    """
    client = Client(server, token, language=speech.language)
    if here:
        from api.cli.local import existing, local_client
        from api.settings import Settings

        client = local_client(existing(Settings.from_env()), speech.language)
    found = client.suspects()
    if speech.as_json:
        speech.json([dataclasses.asdict(each) for each in found])
    elif found:
        _list(speech, found)
    else:
        speech.say("Nothing is suspect.")


@click.command()
@key_options
@server_option
@token_option
@here_option
@yes_option
@json_option
@pass_speech
def reattest(
    speech: Speech,
    key: KeyFile | None,
    server: str,
    token: str | None,
    here: bool,
    yes: bool,
) -> None:
    """Say again, with a sound key, what is suspect and nevertheless right.

    Shows each statement of your enterprise and asks: a thief may have said it. With --yes nothing
    is asked; read what “catchment suspects” lists first. Without --key the registrar says its own
    statements again, on the server's machine.
    """
    who = speaker(speech, key, server, token, here=here)
    envelopes: list[bytes] = []
    found = list(_open(who, by_registrar=key is None))
    for each in found:
        payload = _said(who, each)
        if yes or _agreed(speech, each, payload):
            envelopes.append(_again(who, each, payload))
    refused = list(_send(speech, who.client, envelopes))
    if speech.as_json:
        speech.json({"said": len(envelopes) - len(refused), "refused": refused})
    else:
        for problem in refused:
            speech.err.print(told(problem))
        speech.say("Said again: %(count)d of %(found)d suspect statements.",
                   count=len(envelopes) - len(refused), found=len(found))  # fmt: skip
    if refused:
        raise SystemExit(REFUSED)


def _open(who: Speaker, *, by_registrar: bool) -> Iterator[Suspect]:
    """The last words of suspect chains that the speaker can say again, in the log's order."""
    for each in who.client.suspects():
        registrars = roles_for(each.type) == _REGISTRAR
        own = registrars if by_registrar else each.subject == who.key.enterprise and not registrars
        if own and each.last and not each.reattested:
            yield each


def _said(who: Speaker, suspect: Suspect) -> dict[str, Any]:
    # From the envelope: on the way through JSON, numbers of PACT extensions would become texts.
    envelope = who.client.statement(suspect.digest)["envelope"]
    return dict(jws.parse(envelope.encode("ascii")).payload)


def _agreed(speech: Speech, suspect: Suspect, payload: dict[str, Any]) -> bool:
    common = ("v", "log", "jti", "iat", "iss", "prev")
    shown = {name: value for name, value in payload.items() if name not in common}
    speech.err.print(speech.text("Entry %(index)d, taken %(time)s:",
                                 {"index": suspect.index, "time": suspect.time}))  # fmt: skip
    speech.err.print_json(data=shown, default=str)
    return click.confirm(speech.text("Is it right, and to be said again?"), err=True)


def _again(who: Speaker, suspect: Suspect, payload: dict[str, Any]) -> bytes:
    said_now = {
        "jti": secrets.token_urlsafe(_JTI_BYTES),
        "iat": int(time.time()),
        "iss": who.key.enterprise,
        "prev": suspect.digest,
    }
    return jws.sign(payload | said_now, who.key.private)


def _send(speech: Speech, client: Client, envelopes: list[bytes]) -> Iterator[dict[str, Any]]:
    """Send in batches; the problem of each that is refused."""
    starts = range(0, len(envelopes), _AT_ONCE)
    with speech.progress() as bar:
        for start in bar.track(starts, description=speech.text("Submitting")):
            for result in client.submit_batch(envelopes[start : start + _AT_ONCE]):
                if result.problem is not None:
                    yield result.problem
