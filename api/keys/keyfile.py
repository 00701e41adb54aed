"""Key files on the disk of whoever signs: PKCS #8 PEM, readable by its owner alone.

Beside ``acme.key`` lies ``acme.json``, which is not secret: whom the key speaks for and to which
log. A key whose secret others know (a demonstration's) is marked in both, and refuses to load in
production.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.errors import InsecureDevelopmentKey, KeyFileRefused, WouldOverwrite
from ledger import strict_json
from ledger.errors import CatchmentError, StatementMalformed
from ledger.keys import PrivateKey
from ledger.schema import load
from ledger.statements import LogId

SUFFIX: Final = ".key"
SIDECAR_SUFFIX: Final = ".json"
INSECURE_LINE: Final = b"# InsecureDevelopmentKey: others know this secret.\n"

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PEM_START = b"-----BEGIN"
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class KeyFile:
    """A private key with the enterprise it speaks for and the log it speaks to."""

    private: PrivateKey
    enterprise: str
    origin: str
    genesis: str
    insecure: bool = False

    @property
    def kid(self) -> str:
        return self.private.public.kid

    @property
    def log(self) -> LogId:
        return LogId(origin=self.origin, genesis=self.genesis)


def write(path: Path, key: KeyFile, passphrase: bytes | None = None) -> None:
    """Write ``path`` and its sidecar; neither may exist. Raises WouldOverwrite."""
    write_secret(path, key.private, passphrase, insecure=key.insecure)
    members: dict[str, Any] = {
        "enterprise": key.enterprise,
        "kid": key.kid,
        "origin": key.origin,
        "genesis": key.genesis,
    }
    if key.insecure:
        members["insecure"] = True
    text = json.dumps(members, indent=2, ensure_ascii=False) + "\n"
    _create(sidecar(path), text.encode("utf-8"), 0o644)


def write_secret(
    path: Path, private: PrivateKey, passphrase: bytes | None = None, *, insecure: bool = False
) -> None:
    """Write the private key alone, mode 0600 from its first byte on. Raises WouldOverwrite."""
    marked = INSECURE_LINE if insecure else b""
    _create(path, marked + private.to_pem(passphrase), 0o600)


def make_once(path: Path, make: Callable[[], bytes]) -> None:
    """Write a new secret, mode 0600, unless there is one: whoever of several is first wins.

    Raises OSError.
    """
    if path.exists():
        return
    whole = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        _create(whole, make(), 0o600)
        os.link(whole, path)  # fails where another was first, and never shows half a key
    except FileExistsError:
        pass
    finally:
        whole.unlink(missing_ok=True)


def readable_by_others(path: Path) -> bool:
    """Whether other users of this machine may do anything with a file."""
    return bool(path.stat().st_mode & _OTHERS)


def read(path: Path, passphrase: bytes | None = None, *, production: bool) -> KeyFile:
    """Read ``path`` and its sidecar.

    Raises
    ------
    KeyFileRefused
        Absent, unreadable, a wrong passphrase, or a sidecar of another key.
        InsecureDevelopmentKey, a kind of it, for a marked key in ``production``.
    """
    pem, marked = _pem(path)
    if not sidecar(path).exists():
        raise KeyFileRefused(path=str(path), reason="the .json file of the same name is missing")
    members = _sidecar_members(sidecar(path))
    insecure = marked or members.get("insecure") is True
    if insecure and production:
        raise InsecureDevelopmentKey(path=str(path), reason="it is marked insecure")
    private = _private(path, pem, passphrase)
    if members.get("kid") != private.public.kid:
        raise KeyFileRefused(path=str(path), reason=f"{sidecar(path).name} is of another key")
    return _key_file(path, private, members, insecure)


def read_secret(path: Path, passphrase: bytes | None = None) -> PrivateKey:
    """Read the private key alone. Raises KeyFileRefused."""
    return _private(path, _pem(path)[0], passphrase)


def sidecar(path: Path) -> Path:
    """Where the public half of a key file lies."""
    return path.with_suffix(SIDECAR_SUFFIX)


def _create(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise WouldOverwrite(path=str(path)) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _pem(path: Path) -> tuple[bytes, bool]:
    """The PEM text, and whether it is marked insecure."""
    data = _bytes(path)
    if _PEM_START not in data:
        raise KeyFileRefused(path=str(path), reason="it is not a PEM file")
    header, start, rest = data.partition(_PEM_START)
    return start + rest, INSECURE_LINE.strip() in header


def _private(path: Path, pem: bytes, passphrase: bytes | None) -> PrivateKey:
    try:
        return PrivateKey.from_pem(pem, passphrase)
    except CatchmentError as refused:
        reason = str(refused.params.get("reason", "it is refused"))
        raise KeyFileRefused(path=str(path), reason=reason) from None


def _sidecar_members(path: Path) -> dict[str, Any]:
    try:
        members = strict_json.loads(_bytes(path))
    except CatchmentError as refused:
        if isinstance(refused, KeyFileRefused):
            raise
        raise KeyFileRefused(path=str(path), reason="it is not strict JSON") from None
    if not isinstance(members, dict):
        raise KeyFileRefused(path=str(path), reason="it is not a JSON object")
    return members


def _key_file(path: Path, private: PrivateKey, members: dict[str, Any], insecure: bool) -> KeyFile:
    try:
        log = load(LogId, {name: members[name] for name in ("origin", "genesis")})
        enterprise = str(members["enterprise"])
    except (KeyError, StatementMalformed):
        reason = f"{sidecar(path).name} lacks enterprise, origin or genesis"
        raise KeyFileRefused(path=str(path), reason=reason) from None
    return KeyFile(private, enterprise, log.origin, str(log.genesis), insecure)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as failed:
        reason = failed.strerror or "it cannot be read"
        raise KeyFileRefused(path=str(path), reason=reason) from None
