"""What commands that state something share: who speaks, to which log, and that they ask first."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

import click
from marshmallow import ValidationError

from api.cli.local import existing, local_client, registrar_key
from api.cli.speech import Speech
from api.client import Client, InForce, Submitted
from api.keys.keyfile import KeyFile
from api.keys.signing import signed
from api.settings import Settings
from ledger.schema import EntityId
from ledger.statements import Body, NaturalKey

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A key, and the log it speaks to; ``sees`` tells whether the log can be read as well."""

    key: KeyFile
    client: Client
    sees: bool

    def signed(self, body: Body, subject: str | None = None, prev: str | None = None) -> bytes:
        return signed(self.key, body, subject or self.key.enterprise, prev)

    def in_force(self, key: NaturalKey) -> InForce | None:
        """What stands under a natural key, as far as the speaker may read it."""
        found = self.client.statements(kind=key.type)
        return next((each for each in found if each.key == key), None)

    def state(self, envelopes: list[bytes]) -> list[Submitted]:
        return [self.client.submit(envelope) for envelope in envelopes]


def registrar(speech: Speech) -> Speaker:
    """The registrar, who speaks on the server's machine. Raises LogNotFound or KeyFileRefused."""
    settings = existing(Settings.from_env())
    return Speaker(registrar_key(settings), local_client(settings, speech.language), sees=True)


def speaker(
    speech: Speech, key: KeyFile | None, server: str, token: str | None, *, here: bool = False
) -> Speaker:
    """Whoever has the key, over HTTP or on the server's machine; without a key the registrar."""
    if key is None:
        return registrar(speech)
    if here:
        settings = existing(Settings.from_env())
        return Speaker(key, local_client(settings, speech.language), sees=True)
    return Speaker(key, Client(server, token, language=speech.language), sees=token is not None)


def ask(speech: Speech, question: str, yes: bool) -> None:
    """Go on only if somebody says so; ``question`` is said already in their language."""
    if not yes:
        click.confirm(question, abort=True, err=True)


class Moment(click.ParamType[int]):
    """A time such as 2026-01-31T08:00:00Z, to seconds since 1970. Its zone has to be said."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            moment = dt.datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a time such as 2026-01-31T08:00:00Z.", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value} does not say its zone: end it with Z or +08:00.", param, ctx)
        return int(moment.timestamp())


class Date(click.ParamType[dt.date]):
    """A day such as 2026-01-31."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.date:
        try:
            return dt.date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a day such as 2026-01-31.", param, ctx)


class Id(click.ParamType[str]):
    """The id of an entity."""

    name = "id"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return str(EntityId().deserialize(value))
        except ValidationError:
            self.fail(f"{value} is not an id: a UUID is expected.", param, ctx)


class Digest(click.ParamType[str]):
    """The digest of a statement."""

    name = "digest"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        if not is_digest(str(value)):
            self.fail(f"{value} is not a digest: 64 digits 0-9 and a-f are expected.", param, ctx)
        return str(value)


def is_digest(text: str) -> bool:
    """Whether it is the digest of a statement, by its form."""
    return _DIGEST.fullmatch(text) is not None


MOMENT, DAY, ID, DIGEST = Moment(), Date(), Id(), Digest()


def iso(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")
