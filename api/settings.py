"""Everything an operator may decide, read once from the environment.

`Settings.from_env` is the only reader of environment variables in the project. Each setting names
its variable, its default and its meaning; `table` lists them for people and for tests.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import limits

from api.errors import SettingRefused
from ledger.limits import MAX_BATCH, MAX_BYTES, MAX_STATEMENTS

ENVIRONMENTS: Final = ("development", "production")


def _from(variable: str, doc: str, read: Callable[[str], Any] = str) -> dict[str, Any]:
    return {"variable": variable, "doc": doc, "read": read}


def _environment(text: str) -> str:
    if text not in ENVIRONMENTS:
        raise ValueError(f"one of {', '.join(ENVIRONMENTS)} is expected")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a whole number is expected")
    return int(text)


def _positive(text: str) -> int:
    if (number := _count(text)) == 0:
        raise ValueError("a number above zero is expected")
    return number


def _batch(text: str) -> int:
    if (number := _positive(text)) > MAX_BATCH:
        raise ValueError(f"the log takes at most {MAX_BATCH} at once")
    return number


def _interval(text: str) -> int:
    if not 10 <= (number := _count(text)) <= 60:
        raise ValueError("a number from 10 to 60 is expected")
    return number


def _rate(text: str) -> str:
    limits.parse_many(text)
    return text


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("an address that begins with https:// or http:// is expected")
    return text.rstrip("/")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for each in text.split(",") if (name := each.strip().lower()))


def _port(text: str) -> int:
    if (number := _positive(text)) > 65535:
        raise ValueError("a port number is at most 65535")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may differ between installations; nothing here can move a figure."""

    data: Path = field(
        default=Path("var"),
        metadata=_from("CATCHMENT_DATA", "Directory of the database and the signing key.", Path),
    )
    database_url: str = field(
        default="",
        metadata=_from(
            "DATABASE_URL",
            "Database: `sqlite:////srv/catchment.db` or `postgresql://user:password@host/name`; by "
            "default the SQLite file `catchment.db` in the data directory. The PostgreSQL user "
            "owns its database, which needs nothing but to exist.",
        ),
    )
    signing_key: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_SIGNING_KEY",
            "PEM file of the key that signs checkpoints; by default `signing-key.pem` in the "
            "data directory.",
        ),
    )
    high_water: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_HIGH_WATER",
            "File that holds how far the log was signed; by default `high-water` in the data "
            "directory. Better on another disk than the database: it is what refuses to sign a "
            "restored backup.",
        ),
    )
    snapshot: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_SNAPSHOT",
            "File that a server starts from, with what stands in the log; by default "
            "`standing.snapshot` in the data directory. It holds what suppliers stated, as the "
            "database does; deleting it loses nothing.",
        ),
    )
    snapshot_entries: int = field(
        default=50_000,
        metadata=_from(
            "CATCHMENT_SNAPSHOT_ENTRIES",
            "After how many new entries that file is written anew; a log with fewer has none. 0: "
            "never.",
            _count,
        ),
    )
    environment: str = field(
        default="development",
        metadata=_from(
            "CATCHMENT_ENV",
            "`development`, or `production`, which refuses a signing key that others may read.",
            _environment,
        ),
    )
    custody: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_CUSTODY",
            "Directory of the keys that the operator holds for others; by default `custody` in the "
            "data directory.",
        ),
    )
    sealing_key: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_SEALING_KEY",
            "File of the key that encrypts, in the database, the secrets this server sends to "
            "others; by default `sealing.key` in the data directory, made when first needed.",
        ),
    )
    token_key: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_TOKEN_KEY",
            "PEM file of the key that signs OAuth access tokens; by default `token-key.pem` in the "
            "data directory, made when first needed.",
        ),
    )
    public_url: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_PUBLIC_URL",
            "Address under which others reach this server, such as `https://log.example`; by "
            "default that of the host and port it listens on.",
            _address,
        ),
    )
    reachable: tuple[str, ...] = field(
        default=(),
        metadata=_from(
            "CATCHMENT_REACHABLE",
            "Hosts that webhooks may go to although their addresses are not public, by commas.",
            _names,
        ),
    )
    host: str = field(
        default="127.0.0.1", metadata=_from("CATCHMENT_HOST", "Address the server listens on.")
    )
    port: int = field(
        default=8000, metadata=_from("CATCHMENT_PORT", "Port the server listens on.", _port)
    )
    threads: int = field(
        default=8,
        metadata=_from(
            "CATCHMENT_THREADS", "Requests that one process serves at the same time.", _positive
        ),
    )
    workers: int = field(
        default=1,
        metadata=_from(
            "CATCHMENT_WORKERS",
            "Processes that serve, on one database. Rates kept in memory and what may wait are "
            "counted in each of them.",
            _positive,
        ),
    )
    trusted_proxies: int = field(
        default=0,
        metadata=_from(
            "CATCHMENT_TRUSTED_PROXIES",
            "How many proxies stand in front; what they say of address, scheme and host is "
            "believed.",
            _count,
        ),
    )
    rate_storage: str = field(
        default="memory://",
        metadata=_from(
            "CATCHMENT_RATE_STORAGE",
            "Where requests are counted; in memory each process counts for itself.",
        ),
    )
    read_limit: str = field(
        default="3000 per minute",
        metadata=_from("CATCHMENT_READ_LIMIT", "Requests of one address, to each route.", _rate),
    )
    submit_limit: str = field(
        default="600 per minute",
        metadata=_from("CATCHMENT_SUBMIT_LIMIT", "Single statements sent by one address.", _rate),
    )
    batch_limit: str = field(
        default="60 per minute",
        metadata=_from(
            "CATCHMENT_BATCH_LIMIT", "Batches of statements sent by one address.", _rate
        ),
    )
    token_limit: str = field(
        default="120 per minute",
        metadata=_from(
            "CATCHMENT_TOKEN_LIMIT", "Access tokens that one address asks for (OAuth).", _rate
        ),
    )
    event_limit: str = field(
        default="120 per minute",
        metadata=_from(
            "CATCHMENT_EVENT_LIMIT", "Events of partners that one address sends.", _rate
        ),
    )
    batch_statements: int = field(
        default=500,
        metadata=_from(
            "CATCHMENT_BATCH_STATEMENTS", "How many statements one batch may hold.", _batch
        ),
    )
    batch_bytes: int = field(
        default=16 * 1024 * 1024,
        metadata=_from("CATCHMENT_BATCH_BYTES", "How many bytes one batch may have.", _positive),
    )
    witnesses: str = field(
        default="",
        metadata=_from(
            "CATCHMENT_WITNESSES",
            "JSON file with the witnesses that are asked to cosign checkpoints; by default none.",
        ),
    )
    publish_seconds: int = field(
        default=30,
        metadata=_from(
            "CATCHMENT_PUBLISH_SECONDS",
            "Seconds from one published checkpoint to the next, 10 to 60.",
            _interval,
        ),
    )
    queue_statements: int = field(
        default=MAX_STATEMENTS,
        metadata=_from(
            "CATCHMENT_QUEUE_STATEMENTS",
            "How many statements may wait to be appended before others are sent away (503).",
            _positive,
        ),
    )
    queue_bytes: int = field(
        default=MAX_BYTES,
        metadata=_from(
            "CATCHMENT_QUEUE_BYTES",
            "How many bytes they may have together.",
            _positive,
        ),
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; a variable that is empty counts as absent. Raises SettingRefused."""
        return cls(**dict(_read(environ)))

    @property
    def database(self) -> str:
        """The URL of the database."""
        return self.database_url or f"sqlite:///{self.data / 'catchment.db'}"

    @property
    def signing_key_file(self) -> Path:
        return Path(self.signing_key) if self.signing_key else self.data / "signing-key.pem"

    @property
    def high_water_file(self) -> Path:
        return Path(self.high_water) if self.high_water else self.data / "high-water"

    @property
    def snapshot_file(self) -> Path:
        return Path(self.snapshot) if self.snapshot else self.data / "standing.snapshot"

    @property
    def custody_folder(self) -> Path:
        return Path(self.custody) if self.custody else self.data / "custody"

    @property
    def sealing_key_file(self) -> Path:
        return Path(self.sealing_key) if self.sealing_key else self.data / "sealing.key"

    @property
    def token_key_file(self) -> Path:
        return Path(self.token_key) if self.token_key else self.data / "token-key.pem"

    @property
    def public_address(self) -> str:
        """Where others reach this server, without a slash at the end."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def is_production(self) -> bool:
        return self.environment == "production"


@dataclass(frozen=True, slots=True)
class Documented:
    """One row of the table of settings."""

    variable: str
    default: str
    doc: str


def table() -> list[Documented]:
    """Every setting with its variable, default and meaning, in their order."""
    return [
        Documented(each.metadata["variable"], str(each.default), each.metadata["doc"])
        for each in dataclasses.fields(Settings)
    ]


def _read(environ: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for each in dataclasses.fields(Settings):
        variable = each.metadata["variable"]
        if text := environ.get(variable, ""):
            try:
                yield each.name, each.metadata["read"](text)
            except ValueError as reason:
                raise SettingRefused(variable, text=text, reason=str(reason)) from None
