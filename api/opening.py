"""From settings to services: where the database is opened and the signing key is read."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import sqlalchemy as sa

import migrations
from api import snapshots
from api.errors import InsecureDevelopmentKey, SigningKeyExposed, SigningKeyMissing
from api.keys.keyfile import INSECURE_LINE, readable_by_others
from api.keys.tokens import Tokens
from api.oauth import token_key
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from ledger import tables
from ledger.errors import HighWaterRefused, LogForked, LogNotFound, LogRolledBack
from ledger.high_water import HighWater
from ledger.jws import parse
from ledger.keys import PrivateKey
from ledger.log import Log
from ledger.note import SignerKey
from ledger.statements import read
from ledger.store import check_durable, open_engine, reading

_LOG = logging.getLogger("catchment")


def open_services(settings: Settings) -> Services:
    """Open the log that the settings name, bringing its tables up to date first.

    Raises StoreNewer, LogNotFound for a database without a log, SigningKeyMissing,
    SigningKeyExposed, GenesisRefused when the key is not the one the log was begun with, and in
    production StoreNotDurable and TokenKeyRefused. A database that may not be signed is opened all
    the same, so that it can be read; the operator is told.
    """
    database = open_engine(settings.database)
    migrations.upgrade(database)
    signer = SignerKey(origin_of(database), read_signing_key(settings))
    mark = HighWater(settings.high_water_file)
    log = Log(database, signer, clock_ms, mark, snapshots.snapshots_of(settings))
    _warn_behind_mark(log)
    if settings.is_production:
        check_durable(database)
    token_key.check(settings)
    standing = snapshots.begin(log, settings)
    engine = Engine(log, standing, snapshots.begin_years(log, standing, settings))
    return Services(log, engine, Tokens(database), settings, database, clock_ms)


def _warn_behind_mark(log: Log) -> None:
    try:
        log.check_high_water()
    except (LogRolledBack, LogForked, HighWaterRefused) as refused:
        _LOG.warning("%s", refused)


def clock_ms() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000


def origin_of(database: sa.Engine) -> str:
    """The name a stored log signs under, as its genesis says. Raises LogNotFound.

    `Log` checks the genesis against the signing key, so a database cannot talk the key into
    signing for a log that the key was not made for.
    """
    first = sa.select(tables.entry.c.envelope).where(tables.entry.c.index == 0)
    with reading(database) as connection:
        envelope = connection.execute(first).scalar_one_or_none()
    if envelope is None:
        raise LogNotFound
    return read(parse(envelope)).common.log.origin


def read_signing_key(settings: Settings) -> PrivateKey:
    """The key that signs checkpoints.

    Raises SigningKeyMissing; in production also SigningKeyExposed when others may read the file,
    and InsecureDevelopmentKey when it is marked as one whose secret is known.
    """
    path = settings.signing_key_file
    if not path.is_file():
        raise SigningKeyMissing(str(path))
    text = path.read_bytes()
    if settings.is_production:
        _check_secrecy(path, text)
    return PrivateKey.from_pem(text)


def _check_secrecy(path: Path, text: bytes) -> None:
    if readable_by_others(path):
        raise SigningKeyExposed(str(path))
    if text.startswith(INSECURE_LINE):
        raise InsecureDevelopmentKey(path=str(path), reason="it is marked insecure")
