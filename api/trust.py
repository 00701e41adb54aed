"""Which log to believe: the small file a verifier keeps, and compares once out of band.

``trust.json`` holds ``origin`` (the name the log signs under), ``genesis`` (signing-input digest
of entry 0, hex) and ``vkey`` (C2SP verifier key of its checkpoints).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from api.errors import TrustRefused
from ledger import strict_json
from ledger.errors import CatchmentError, StatementMalformed
from ledger.note import VerifierKey
from ledger.schema import load
from ledger.statements import LogId

_MEMBERS = ("origin", "genesis", "vkey")
_MOST_BYTES = 16 * 1024
_GROUP = 4


@dataclass(frozen=True, slots=True)
class Trust:
    """The log that is believed. Nothing read from a server replaces the comparison by hand."""

    origin: str
    genesis: str
    vkey: str

    @property
    def log(self) -> dict[str, str]:
        """The ``log`` member of statements, proofs and consents."""
        return {"origin": self.origin, "genesis": self.genesis}

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey.parse(self.vkey)

    @property
    def fingerprint(self) -> str:
        """What two people read to each other: SHA-256 over the three members, in groups of four."""
        said = "\n".join((self.origin, self.genesis, self.vkey)).encode("utf-8")
        digest = hashlib.sha256(said).hexdigest()[:32]
        return " ".join(digest[i : i + _GROUP] for i in range(0, len(digest), _GROUP))

    @classmethod
    def of(cls, members: object, named: str) -> Trust:
        """Read the three members from a JSON object, ignoring others; raises TrustRefused."""
        if not isinstance(members, dict):
            raise TrustRefused(path=named, reason="it is not a JSON object")
        values = [members.get(name) for name in _MEMBERS]
        if not all(isinstance(value, str) for value in values):
            raise TrustRefused(path=named, reason=f"it lacks one of {', '.join(_MEMBERS)}")
        trust = cls(*(str(value) for value in values))
        trust._check(named)
        return trust

    @classmethod
    def read(cls, path: Path) -> Trust:
        """Read a file; raises TrustRefused."""
        try:
            with path.open("rb") as file:
                members = strict_json.loads(file.read(_MOST_BYTES))
        except OSError as absent:
            raise TrustRefused(path=str(path), reason=absent.strerror or "no file") from None
        except CatchmentError:
            raise TrustRefused(path=str(path), reason="it is not strict JSON") from None
        return cls.of(members, str(path))

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")

    def _check(self, named: str) -> None:
        try:
            load(LogId, self.log)
            name = self.verifier.name
        except StatementMalformed:
            raise TrustRefused(path=named, reason="its origin or genesis is malformed") from None
        except CatchmentError:
            raise TrustRefused(path=named, reason="its vkey is malformed") from None
        if name != self.origin:
            raise TrustRefused(path=named, reason="its vkey is of another origin")
