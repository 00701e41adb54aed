"""Which log to believe: the small file a verifier keeps, and compares once out of band.

``trust.json`` holds ``origin`` (the name the log signs under), ``genesis`` (signing-input digest
of entry 0, hex) and ``vkey`` (C2SP verifier key of its checkpoints). Who does not want to take the
log's word for there being one history adds ``witnesses`` (their C2SP verifier keys, of type 0x04)
and ``quorum``: how many of them must have cosigned a checkpoint. Whom to believe is the reader's
own choice: a log cannot name its witnesses for others.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ledger import strict_json
from ledger.checkpoint import Checkpoint
from ledger.errors import (
    CatchmentError,
    CheckpointRefused,
    KeyRefused,
    NoteRefused,
    QuorumMissing,
    StatementMalformed,
    TrustRefused,
)
from ledger.note import Cosignature, Kind, VerifierKey, open_note
from ledger.schema import load
from ledger.statements import LogId

_MEMBERS = ("origin", "genesis", "vkey")
_MOST_BYTES = 16 * 1024
_GROUP = 4


@dataclass(frozen=True, slots=True)
class Trust:
    """The log that is believed. Nothing read from a server replaces the comparison by hand.

    ``quorum`` is 0 where no witness is asked for.
    """

    origin: str
    genesis: str
    vkey: str
    witnesses: tuple[str, ...] = ()
    quorum: int = 0

    @property
    def log(self) -> dict[str, str]:
        """The ``log`` member of statements, proofs and consents."""
        return {"origin": self.origin, "genesis": self.genesis}

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey.parse(self.vkey)

    @property
    def witness_keys(self) -> tuple[VerifierKey, ...]:
        return tuple(VerifierKey.parse(each, Kind.COSIGNATURE) for each in self.witnesses)

    @property
    def fingerprint(self) -> str:
        """What two people read to each other: SHA-256 over what names the log, in groups of four.

        Witnesses are not in it: the two may choose differently.
        """
        said = "\n".join((self.origin, self.genesis, self.vkey)).encode("utf-8")
        digest = hashlib.sha256(said).hexdigest()[:32]
        return " ".join(digest[i : i + _GROUP] for i in range(0, len(digest), _GROUP))

    @property
    def members(self) -> dict[str, Any]:
        """What the file holds."""
        members: dict[str, Any] = {name: getattr(self, name) for name in _MEMBERS}
        if self.quorum:
            members |= {"witnesses": list(self.witnesses), "quorum": self.quorum}
        return members

    def same_log(self, other: Trust) -> bool:
        """Whether both are of one log, whatever their witnesses."""
        return (self.log, self.vkey) == (other.log, other.vkey)

    @classmethod
    def of(cls, members: object, named: str) -> Trust:
        """Read what names the log from a JSON object, ignoring all else; raises TrustRefused.

        So what a server says of witnesses is not believed.
        """
        origin, genesis, vkey = _names(members, named)
        trust = cls(origin, genesis, vkey)
        trust._check_log(named)
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
        return cls.of_file(members, str(path))

    @classmethod
    def of_file(cls, members: object, named: str) -> Trust:
        """As `of`, with the witnesses that the reader chose; raises TrustRefused."""
        trust = cls.of(members, named)
        chosen = cast(dict[str, Any], members)  # `of` refuses anything else
        if not chosen.keys() & {"witnesses", "quorum"}:
            return trust
        witnesses, quorum = chosen.get("witnesses"), chosen.get("quorum")
        if not isinstance(witnesses, list) or not all(isinstance(w, str) for w in witnesses):
            raise TrustRefused(path=named, reason="its witnesses are not a list of verifier keys")
        if type(quorum) is not int or not 1 <= quorum <= len(witnesses):
            raise TrustRefused(
                path=named, reason="its quorum is not a number from 1 to that of its witnesses"
            )
        trust = replace(trust, witnesses=tuple(witnesses), quorum=quorum)
        trust._check_witnesses(named)
        return trust

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.members, indent=2, ensure_ascii=False) + "\n", "utf-8")

    def _check_log(self, named: str) -> None:
        try:
            load(LogId, self.log)
            name = self.verifier.name
        except StatementMalformed:
            raise TrustRefused(path=named, reason="its origin or genesis is malformed") from None
        except CatchmentError:
            raise TrustRefused(path=named, reason="its vkey is malformed") from None
        if name != self.origin:
            raise TrustRefused(path=named, reason="its vkey is of another origin")

    def _check_witnesses(self, named: str) -> None:
        """One key under two names would be counted twice, and the log's own is no witness."""
        try:
            keys = [self.verifier, *self.witness_keys]
        except KeyRefused:
            raise TrustRefused(path=named, reason="the vkey of a witness is malformed") from None
        if len({key.public for key in keys}) < len(keys):
            raise TrustRefused(path=named, reason="two of its verifier keys are the same key")


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that the trusted log signed, and which of the trusted witnesses cosigned it."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


def open_checkpoint(note: bytes, trust: Trust) -> Signed:
    """Read a checkpoint that the log itself signed under its own name; witnesses are not enough.

    Raises NoteRefused, also where a line of a trusted witness does not verify, and
    CheckpointRefused for another log's.
    """
    opened = open_note(note, [trust.verifier, *trust.witness_keys])
    if trust.origin not in opened.signers:
        raise NoteRefused(reason="the log itself did not sign it")
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != trust.origin:
        raise CheckpointRefused(reason="it is of another log")
    return Signed(checkpoint, opened.cosignatures)


def check_quorum(signed: Signed, trust: Trust) -> None:
    """Check that enough witnesses cosigned; raises QuorumMissing, which names those who did not."""
    found = {each.witness for each in signed.cosignatures}
    if len(found) < trust.quorum:
        raise QuorumMissing(
            found=len(found),
            quorum=trust.quorum,
            size=signed.checkpoint.size,
            missing=", ".join(key.name for key in trust.witness_keys if key not in found),
        )


def _names(members: object, named: str) -> list[str]:
    if not isinstance(members, dict):
        raise TrustRefused(path=named, reason="it is not a JSON object")
    values = [members.get(name) for name in _MEMBERS]
    if not all(isinstance(value, str) for value in values):
        raise TrustRefused(path=named, reason=f"it lacks one of {', '.join(_MEMBERS)}")
    return [str(value) for value in values]
