"""Secrets that this server sends to others, encrypted before they reach the database.

Fernet (AES-128-CBC with HMAC-SHA256) with a key in a file of its own, mode 0600: a copy of the
database alone opens nothing.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from api.errors import SealingKeyRefused
from api.keys import keyfile


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
                keyfile.make_once(self._path, Fernet.generate_key)
            return Fernet(self._path.read_bytes().strip())
        except OSError as failed:
            reason = failed.strerror or "it cannot be read"
            raise SealingKeyRefused(path=str(self._path), reason=reason) from failed
        except ValueError:
            raise SealingKeyRefused(path=str(self._path), reason="it is no Fernet key") from None
