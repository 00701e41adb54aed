"""Signing statements with a key file: what the command line, the client and custody share."""

from __future__ import annotations

import secrets
import time
from typing import Any

from api.keys.keyfile import KeyFile
from ledger import jws
from ledger.statements import VERSION, Body, Common, LogId, payload_of

_JTI_BYTES = 18


def common_members(key: KeyFile, kind: str, subject: str, prev: str | None = None) -> Common:
    """Who speaks, for whom, now: the members every statement has, with a fresh jti."""
    return Common(
        type=kind,
        v=VERSION,
        log=LogId(origin=key.origin, genesis=key.genesis or None),
        jti=secrets.token_urlsafe(_JTI_BYTES),
        iat=int(time.time()),
        iss=key.enterprise,
        subject=subject,
        prev=prev,
    )


def signed(key: KeyFile, body: Body, subject: str, prev: str | None = None) -> bytes:
    """The envelope of a body, said now with a key."""
    return jws.sign(members(key, body, subject, prev), key.private)


def members(key: KeyFile, body: Body, subject: str, prev: str | None = None) -> dict[str, Any]:
    return payload_of(common_members(key, body.TYPE, subject, prev), body)
