"""Commands of whoever runs a log: begin it, serve it, keep it."""

from __future__ import annotations

import dataclasses
import socket
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import click
import sqlalchemy as sa

import migrations
from api.cli.local import TRUST_FILE, existing, registrar_key, registrar_path
from api.cli.speech import Speech, json_option, pass_speech
from api.errors import BackupElsewhere, FileRefused, WouldOverwrite
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from api.keys.signing import signed
from api.settings import Settings
from ledger import tables, tiles
from ledger.checkpoint import Checkpoint
from ledger.draft import Draft
from ledger.errors import AlreadyInitialised, LogNotFound, TreeDamaged
from ledger.high_water import HighWater
from ledger.jws import parse
from ledger.keys import PrivateKey
from ledger.log import Log, Refused, checkpoint_key
from ledger.merkle import leaf_hash
from ledger.note import SignerKey, open_note
from ledger.recent import Recent
from ledger.statements import Enterprise, Genesis, RecoveryKeys, read
from ledger.store import open_engine, parse_url, reading
from ledger.trust import Trust

PAST_SECONDS: Final = 7 * 86_400
FUTURE_SECONDS: Final = 300
_PAGES_PER_STEP = 1000


@click.command()
@click.option("--origin", help="Name the log signs under; by default this machine's.")
@click.option("--name", default="Catchment log", show_default=True, help="Name for people.")
@click.option(
    "--operator", default="Operator", show_default=True, help="Legal name of who runs it."
)
@click.option(
    "--recovery-key",
    "recovery_keys",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="safe1.pub.json of “catchment recovery keygen”; one for each offline key.",
)
@click.option(
    "--threshold", type=click.IntRange(1, 20), help="How many recovery keys must approve."
)
@json_option
@pass_speech
def init(
    speech: Speech,
    origin: str | None,
    name: str,
    operator: str,
    recovery_keys: tuple[Path, ...],
    threshold: int | None,
) -> None:
    """Begin a log: keys, database, genesis, and the operator as its first enterprise.

    Nothing that exists is overwritten. Keep copies of the two key files in a safe place. Who loses
    one of them, or finds it stolen, needs recovery keys, and those can only be named now.
    """
    settings = Settings.from_env()
    recovery = _recovery(recovery_keys, threshold)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_engine(settings.database)
    migrations.upgrade(database)
    _check_fresh(settings, database)
    body = partial(Genesis, name=name, recovery=recovery)
    trust = _begin(settings, database, origin or _own_origin(), operator, body)
    if speech.as_json:
        speech.json(trust.members)
        return
    speech.say("The log %(origin)s has begun in %(data)s.", origin=trust.origin, data=settings.data)
    speech.say("Its fingerprint is %(text)s.", text=trust.fingerprint)
    speech.say("Keep copies of %(signing)s and %(registrar)s in a safe place.",
               signing=settings.signing_key_file, registrar=registrar_path(settings))  # fmt: skip
    if not recovery_keys:
        speech.say("It has no recovery keys: a key that is lost cannot be replaced.")


def _recovery(paths: tuple[Path, ...], threshold: int | None) -> RecoveryKeys:
    """The offline keys, if there are to be any. Raises FileRefused or KeyRefused."""
    from api.cli.recovery import read_public

    if threshold is None and paths:
        raise click.UsageError("--threshold is needed: how many recovery keys must approve.")
    if (threshold or 0) > len(set(paths)):
        raise click.UsageError("--threshold is more than there are recovery keys.")
    keys = [read_public(path) for path in paths]
    if len(set(keys)) < len(keys):
        raise click.UsageError("Two files of recovery keys hold the same key.")
    return RecoveryKeys(threshold=threshold or 0, keys=tuple(key.jwk for key in keys))


def _own_origin() -> str:
    return f"{socket.gethostname()}/catchment"


def _check_fresh(settings: Settings, database: sa.Engine) -> None:
    with reading(database) as connection:
        if connection.execute(sa.select(tables.entry.c.index).limit(1)).first():
            raise AlreadyInitialised
    registrar = registrar_path(settings)
    keys = (settings.signing_key_file, registrar, keyfile.sidecar(registrar))
    for path in (*keys, settings.high_water_file):
        if path.exists():
            raise WouldOverwrite(path=str(path))


def _begin(
    settings: Settings,
    database: sa.Engine,
    origin: str,
    operator: str,
    rules: Callable[..., Genesis],
) -> Trust:
    signer = SignerKey(origin, PrivateKey.generate("EdDSA"))
    registrar = KeyFile(PrivateKey.generate("EdDSA"), str(uuid.uuid4()), origin, "")
    body = rules(
        registrar=registrar.private.public.jwk,
        checkpoint_key=str(signer.verifier),
        past_seconds=PAST_SECONDS,
        future_seconds=FUTURE_SECONDS,
    )
    genesis = signed(registrar, body, registrar.enterprise)
    registrar = dataclasses.replace(registrar, genesis=parse(genesis).signing_digest)
    # Keys first: a log whose key was lost in a crash could never be continued.
    keyfile.write_secret(settings.signing_key_file, signer.private)
    keyfile.write(registrar_path(settings), registrar)
    mark = HighWater(settings.high_water_file)
    log = Log.create(database, genesis, signer, lambda: time.time_ns() // 1_000_000, mark)
    first = Enterprise(id=registrar.enterprise, name=operator)
    (outcome,) = log.append([signed(registrar, first, registrar.enterprise)])
    if isinstance(outcome, Refused):
        raise outcome.error
    trust = Trust(origin, registrar.genesis, str(signer.verifier))
    trust.write(settings.data / TRUST_FILE)
    return trust


@click.command()
@click.option("--host", help="Address to listen on; otherwise CATCHMENT_HOST.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port to listen on; otherwise CATCHMENT_PORT."
)
@pass_speech
def serve(speech: Speech, host: str | None, port: int | None) -> None:
    """Serve the HTTP API and the pages until interrupted."""
    from api.serving.server import free_address
    from api.serving.server import serve as serve_http

    settings = existing(Settings.from_env())
    free_address(host or settings.host, port or settings.port)
    _say_where(speech, settings, f"http://{host or settings.host}:{port or settings.port}")
    serve_http(settings, host, port)


def _say_where(speech: Speech, settings: Settings, address: str) -> None:
    """What there is to open: the API's documentation, and the pages of parks that are public."""
    from api.access.access import Access
    from api.callers import ANONYMOUS
    from api.opening import open_services

    standing = open_services(settings).engine.standing()
    everyone = Access(standing, ANONYMOUS)
    speech.say("The API and its documentation: %(url)s", url=f"{address}/docs")
    for park, said in standing.parks.items():
        if everyone.is_public("figure", park):
            name = getattr(said.statement.body, "name", park)
            speech.say("%(name)s: %(url)s", name=name, url=f"{address}/parks/{park}")


@click.command()
@pass_speech
def migrate(speech: Speech) -> None:
    """Bring the database to the structure that this version needs."""
    migrations.upgrade(open_engine(existing(Settings.from_env()).database))
    speech.say("The database is up to date.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="openapi.yaml")
@click.option("--check", is_flag=True, help="Write nothing; fail if the file differs.")
@pass_speech
def openapi(speech: Speech, path: Path, check: bool) -> None:
    """Write the OpenAPI document of the HTTP interface."""
    from api.openapi import spec_text

    text = spec_text()
    if not check:
        path.write_text(text, "utf-8")
    elif not path.is_file() or path.read_text("utf-8") != text:
        raise FileRefused(path=str(path), reason="it is not the document of this version")
    speech.say("%(path)s is the document of this version.", path=path)


@click.command()
@json_option
@pass_speech
def demo(speech: Speech) -> None:
    """Fill a fresh log with a demonstration: three parks, invented enterprises, public keys.

    Everybody knows the keys of the demonstration, so it is refused in production.
    """
    from api.demo import load
    from api.opening import open_services

    settings = existing(Settings.from_env())
    registrar = registrar_key(settings)
    services = open_services(settings)
    with speech.progress() as bar:
        task = bar.add_task(speech.text("Signing"), total=None)
        summary = load(
            services.log,
            registrar.private,
            int(time.time()),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    if speech.as_json:
        speech.json(dataclasses.asdict(summary))
        return
    if not summary.loaded:
        speech.say("Others than the operator have spoken in this log: it was left alone.")
    speech.say("%(count)d statements were added.", count=summary.statements)
    table = speech.table("Park", "Id")
    for park, park_id in summary.parks.items():
        table.add_row(park, park_id)
    speech.out.print(table)


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@pass_speech
def backup(speech: Speech, path: Path) -> None:
    """Copy the database while it is in use, and check the copy.

    The keys are not in it: keep copies of them apart, and where fewer people come. A database
    server is copied by its own tools.
    """
    database = parse_url(existing(Settings.from_env()).database)
    if database.get_backend_name() != "sqlite":
        raise BackupElsewhere(dialect=database.get_backend_name())
    if path.exists():
        raise WouldOverwrite(path=str(path))
    _copy(Path(str(database.database)), path, speech)
    size = checked_size(open_engine(f"sqlite:///{path}"))
    speech.say("%(path)s holds %(size)d entries, and they are as signed.", path=path, size=size)
    speech.say("The keys are not in it: keep copies of them in another safe place.")


def _copy(source: Path, target: Path, speech: Speech) -> None:
    """SQLite's online backup: one state of the database, whoever writes meanwhile."""
    with speech.progress() as bar:
        task = bar.add_task(speech.text("Copying"), total=None)

        def step(_: int, remaining: int, total: int) -> None:
            bar.update(task, completed=total - remaining, total=total)

        try:
            with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
                old.backup(new, pages=_PAGES_PER_STEP, progress=step)
        except sqlite3.OperationalError as failed:
            target.unlink(missing_ok=True)
            raise FileRefused(path=str(target), reason=str(failed)) from None
    target.chmod(0o600)


def checked_size(database: sa.Engine) -> int:
    """How many entries a database holds, after checking that they lead to the signed root.

    The tree is built anew from the leaf records. Raises LogNotFound, TreeDamaged or NoteRefused.
    """
    entry, checkpoint = tables.entry, tables.checkpoint
    with reading(database) as connection:
        first = connection.execute(sa.select(entry.c.envelope).where(entry.c.index == 0)).scalar()
        if first is None:
            raise LogNotFound
        latest = sa.select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(1)
        note = connection.execute(latest).scalar_one()
        leaves = connection.execute(sa.select(entry.c.leaf).order_by(entry.c.index)).scalars()
        hashes = [leaf_hash(leaf) for leaf in leaves]
        key = checkpoint_key(Draft(connection, read(parse(first)), Recent(1)))
    built = tiles.extend(0, hashes, lambda *_: b"")
    root = tiles.root(len(hashes), lambda *tile: built.get(tile, b""))
    if open_note(note, [key]).text != Checkpoint(key.name, len(hashes), root).text:
        raise TreeDamaged(size=len(hashes))
    return len(hashes)
