"""The key that access tokens are signed with: a PEM file of its own, made when first needed."""

from __future__ import annotations

from api.errors import KeyFileRefused, TokenKeyRefused
from api.keys import keyfile
from api.settings import Settings
from ledger.keys import ED25519, PrivateKey


def read(settings: Settings) -> PrivateKey:
    """The key, made where there is none. Raises TokenKeyRefused as `check`, or if it is no key."""
    path = settings.token_key_file
    try:
        keyfile.make_once(path, lambda: PrivateKey.generate("EdDSA").to_pem())
        check(settings)
        key = keyfile.read_secret(path)
    except OSError as failed:
        reason = failed.strerror or "it cannot be written"
        raise TokenKeyRefused(path=str(path), reason=reason) from failed
    except KeyFileRefused as refused:
        raise TokenKeyRefused(path=str(path), reason=refused.params["reason"]) from None
    if key.public.curve != ED25519:
        raise TokenKeyRefused(path=str(path), reason="it is no Ed25519 key")
    return key


def check(settings: Settings) -> None:
    """Raises TokenKeyRefused in production for a key that others may read or know."""
    path = settings.token_key_file
    if not settings.is_production or not path.is_file():
        return
    if keyfile.readable_by_others(path):
        raise TokenKeyRefused(path=str(path), reason="other users of this machine may read it")
    if path.read_bytes().startswith(keyfile.INSECURE_LINE):
        raise TokenKeyRefused(path=str(path), reason="it is marked insecure")
