"""The registrar admits an enterprise and its key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import click

from api.cli.local import existing, registrar_key
from api.cli.speech import Speech, json_option, pass_speech
from api.errors import AlreadyAdmitted, FileRefused, NameUnknown
from api.keys.signing import signed
from api.settings import Settings
from ledger import strict_json
from ledger.errors import CatchmentError
from ledger.log import Log, Refused
from ledger.schema import load
from ledger.standing import Standing
from ledger.statements import ROLES, Body, Enterprise, Key, NaturalKey, Revocation

MAX_REQUEST_BYTES: Final = 64 * 1024
_TOKEN_ROLES = ("park", "supplier")
_REQUEST = frozenset({"enterprise", "name", "jwk", "roles", "proof"})


@click.command()
@click.argument("request", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="Instead of those "
              "asked for.")  # fmt: skip
@click.option("--admit-identifier", "admitted", multiple=True, metavar="URN",
              help="A product identifier you have seen proof for.")  # fmt: skip
@click.option("--custody", is_flag=True, help="The operator holds the private key.")
@click.option(
    "--lost",
    "lost",
    multiple=True,
    metavar="KEY-ID",
    help="A lost key of the same enterprise, which ends: the new one takes its place.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_speech
def admit(
    speech: Speech,
    request: Path,
    roles: tuple[str, ...],
    admitted: tuple[str, ...],
    custody: bool,
    lost: tuple[str, ...],
    yes: bool,
) -> None:
    """Admit the enterprise of a request that “catchment keygen” wrote, and issue its first token.

    That the request comes from the enterprise it names is for you to find out: compare the key id
    with a person there whom you reached by other means. So too where an enterprise has lost its key
    (--lost): its registration stays as it is, the lost key ends, and what it signed stands. A key
    that others may have is ended by “catchment revoke --reason compromised” as well.
    """
    from api.opening import open_services

    settings = existing(Settings.from_env())
    services = open_services(settings)
    registrar = registrar_key(settings)
    asked = read_request(request)
    enterprise = load(Enterprise, _registration(asked, admitted))
    key = load(Key, _key_members(asked, roles, custody))
    standing = services.engine.standing()
    if standing.find(NaturalKey("key", (key.public.kid,))) is not None:
        raise AlreadyAdmitted(kid=key.public.kid)
    if lost:
        enterprise = _registered(standing, enterprise.id)
        said: list[tuple[Body, str | None]] = [*_ended(standing, lost), (key, None)]
    else:
        said = _said(standing, enterprise, key)
    envelopes = [signed(registrar, body, enterprise.id, prev) for body, prev in said]
    # Judged first, its proof too: nobody is asked about what could not be admitted.
    _append(services.log, envelopes, dry_run=True)
    _show(speech, enterprise, key)
    _show_others(speech, standing, enterprise.id, lost)
    if not yes:
        click.confirm(speech.text("Admit?"), abort=True, err=True)
    _append(services.log, envelopes)
    role = next((each for each in _TOKEN_ROLES if each in key.roles), "procurement")
    token_id, secret = services.tokens.issue(role, enterprise.id, enterprise.name)
    if speech.as_json:
        speech.json({"enterprise": enterprise.id, "kid": key.public.kid, "id": token_id,
                     "token": secret})  # fmt: skip
        return
    speech.say("Admitted. Its first token, shown this once:")
    click.echo(secret)


def _append(log: Log, envelopes: list[bytes], *, dry_run: bool = False) -> None:
    for outcome in log.append(envelopes, atomic=True, dry_run=dry_run):
        if isinstance(outcome, Refused):
            raise outcome.error


def read_request(path: Path) -> dict[str, Any]:
    """The members of a request file; raises FileRefused. Its proof is the log's to judge."""
    try:
        with path.open("rb") as file:
            asked = strict_json.loads(file.read(MAX_REQUEST_BYTES))
    except CatchmentError:
        raise FileRefused(path=str(path), reason="it is not strict JSON") from None
    if not isinstance(asked, dict) or not asked.keys() >= _REQUEST:
        raise FileRefused(path=str(path), reason="it is not a request of “catchment keygen”")
    return dict(asked)


def _registration(asked: dict[str, Any], admitted: tuple[str, ...]) -> dict[str, Any]:
    members = {
        "id": asked["enterprise"],
        "name": asked["name"],
        "country": asked.get("country"),
        "identifiers": asked.get("identifiers"),
        "admitted": list(admitted),
    }
    return {name: value for name, value in members.items() if value}


def _key_members(asked: dict[str, Any], roles: tuple[str, ...], custody: bool) -> dict[str, Any]:
    return {
        "action": "register",
        "jwk": asked["jwk"],
        "roles": list(roles) or asked["roles"],
        "custody": "operator" if custody else "self",
        "proof": asked["proof"],
    }


def _said(standing: Standing, enterprise: Enterprise, key: Key) -> list[tuple[Body, str | None]]:
    """What has to be said: the enterprise, unless it stands as it is, and then its key."""
    stands = standing.enterprises.get(enterprise.id)
    if stands is None:
        return [(enterprise, None), (key, None)]
    if stands.statement.body == enterprise:
        return [(key, None)]
    return [(enterprise, stands.digest), (key, None)]


def _registered(standing: Standing, enterprise: str) -> Enterprise:
    """Raises NameUnknown: only who was admitted can have lost a key."""
    stands = standing.enterprises.get(enterprise)
    if stands is None:
        raise NameUnknown(kind="enterprise", text=enterprise)
    return cast(Enterprise, stands.statement.body)


def _ended(standing: Standing, lost: tuple[str, ...]) -> Iterator[tuple[Body, str | None]]:
    """What ends the lost keys, but for those that have ended already."""
    for kid in lost:
        if standing.find(NaturalKey(Revocation.TYPE, (kid,))) is None:
            yield Revocation(kid=kid, reason="lost"), None


def _show_others(
    speech: Speech, standing: Standing, enterprise: str, lost: tuple[str, ...]
) -> None:
    """The keys that an enterprise has already: a stranger might ask for one more."""
    ended = {said.statement.body.kid for said in standing.statements(Revocation.TYPE)
             if isinstance(said.statement.body, Revocation)}  # fmt: skip
    keys = (said for said in standing.statements(Key.TYPE) if said.owner == enterprise)
    for kid in (cast(Key, said.statement.body).public.kid for said in keys):
        if kid in lost:
            text = speech.text("Its lost key %(kid)s ends.", {"kid": kid})
        elif kid not in ended:
            text = speech.text("It has the key %(kid)s already, which goes on.", {"kid": kid})
        else:
            continue
        speech.err.print(text)


def _show(speech: Speech, enterprise: Enterprise, key: Key) -> None:
    rows = {
        speech.text("Enterprise"): enterprise.name,
        speech.text("Id"): enterprise.id,
        speech.text("Country"): enterprise.country or "",
        speech.text("Identifiers"): " ".join(enterprise.identifiers),
        speech.text("Admitted products"): " ".join(enterprise.admitted),
        speech.text("Key id"): key.public.kid,
        speech.text("Roles"): " ".join(key.roles),
        speech.text("Held by"): speech.text(
            "the operator" if key.custody == "operator" else "the enterprise"
        ),
    }
    table = speech.table("", "")
    table.show_header = False
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    speech.err.print(table)
