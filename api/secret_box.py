"""Secrets that this server sends to others, encrypted before they reach the database.

Fernet (AES-128-CBC with HMAC-SHA256) with a key in a file of its own, mode 0600: a copy of the
database alone opens nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from api.errors import SealingKeyRefused


class SecretBox:
    """Seals and opens texts with the key in ``path``, which is made when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, secret: str) -> str:
        """Raises SealingKeyRefused."""
        return self._fernet(make=True).encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises SealingKeyRefused where the key is gone or is another."""
        try:
            return self._fernet(make=False).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealingKeyRefused(path=str(self._path), reason="it is another key") from None

    def _fernet(self, *, make: bool) -> Fernet:
        try:
            if make:
                _make(self._path)
            return Fernet(self._path.read_bytes().strip())
        except OSError as failed:
            reason = failed.strerror or "it cannot be read"
            raise SealingKeyRefused(path=str(self._path), reason=reason) from failed
        except ValueError:
            raise SealingKeyRefused(path=str(self._path), reason="it is no Fernet key") from None


def _make(path: Path) -> None:
    """Write a new key, unless there is one: whoever of two processes is first wins."""
    if path.exists():
        return
    whole = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
    try:
        os.link(whole, path)  # fails where another was first, and never shows half a key
    except FileExistsError:
        pass
    finally:
        os.unlink(whole)
