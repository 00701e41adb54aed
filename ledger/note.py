"""Signed notes (C2SP signed-note), with Ed25519 keys only, as two kinds of signature.

A note is text that ends in a newline, an empty line, and one line per signature. The text means
nothing until a key the caller trusts has signed it. A log signs its checkpoints (type 0x01);
witnesses cosign them and say when (type 0x04). The kind is part of the key, and which one is
expected is said wherever a key is read: neither ever stands for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from ledger import cosignature, strict_base64
from ledger.errors import KeyRefused, NotCanonicalBase64, NoteRefused, SignatureInvalid
from ledger.keys import ED25519, PrivateKey, PublicKey

MAX_NOTE_BYTES: Final = 128 * 1024
"""Room for sixteen post-quantum cosignatures, which every verifier must take."""

_ID_BYTES = 4
_SIGNATURE_LINE = "— "  # em dash, space


class Kind(Enum):
    """What a key does to a note; the value is the format's signature type."""

    SIGNATURE = b"\x01"
    COSIGNATURE = b"\x04"


@dataclass(frozen=True)
class VerifierKey:
    """A name and the Ed25519 key it signs with; written ``name+hash+base64``.

    Raises KeyRefused for a name that notes cannot carry, and for a key that is not Ed25519.
    """

    name: str
    public: PublicKey
    kind: Kind = Kind.SIGNATURE

    def __post_init__(self) -> None:
        _check_key(self.name, self.public)

    @classmethod
    def parse(cls, text: str, kind: Kind = Kind.SIGNATURE) -> VerifierKey:
        """Read ``name+hash+base64(type || key)``.

        Raises KeyRefused, also for a wrong hash and for a key of another kind.
        """
        name, _, rest = text.partition("+")
        try:
            data = strict_base64.from_standard(rest.partition("+")[2])
        except NotCanonicalBase64:
            raise KeyRefused(reason="it is not written as name+hash+base64") from None
        if data[:1] != kind.value:
            raise KeyRefused(reason=_EXPECTED[kind])
        key = cls(name, PublicKey(ED25519, data[1:]), kind)
        if str(key) != text:
            raise KeyRefused(reason="its hash does not fit its name and key")
        return key

    def __str__(self) -> str:
        encoded = strict_base64.to_standard(self.kind.value + self.public.point)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @cached_property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || key)[:4]."""
        named = self.name.encode("utf-8") + b"\n" + self.kind.value + self.public.point
        return hashlib.sha256(named).digest()[:_ID_BYTES]


@dataclass(frozen=True)
class SignerKey:
    """A name and the private key that signs notes under it; raises KeyRefused as VerifierKey."""

    name: str
    private: PrivateKey
    kind: Kind = Kind.SIGNATURE

    def __post_init__(self) -> None:
        _check_key(self.name, self.private.public)

    @cached_property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public, self.kind)


@dataclass(frozen=True)
class Cosignature:
    """``witness`` saw the text at ``time_s`` (seconds since 1970, UTC); it was verified."""

    witness: VerifierKey
    time_s: int
    timestamped: bytes

    @property
    def line(self) -> bytes:
        """Its line, to be put under a note with the same text."""
        return _line(self.witness, self.timestamped)


@dataclass(frozen=True)
class Note:
    """The text of a note, and which trusted keys stand under it, in their order.

    ``signers`` are names of keys that signed; witnesses are not among them, whatever their names.
    """

    text: str
    signers: tuple[str, ...]
    cosignatures: tuple[Cosignature, ...] = ()


def sign(text: str, signer: SignerKey) -> bytes:
    """Write the note of ``text`` with one signature.

    Raises NoteRefused for text it cannot hold, and KeyRefused for the key of a witness.
    """
    _check_kind(signer, Kind.SIGNATURE)
    _check_text(text)
    message = text.encode("utf-8")
    return message + b"\n" + _line(signer.verifier, signer.private.sign(message))


def cosign(text: str, signer: SignerKey, time_s: int) -> Cosignature:
    """Cosign the text of a checkpoint; raises KeyRefused unless the key is that of a witness."""
    _check_kind(signer, Kind.COSIGNATURE)
    return Cosignature(signer.verifier, time_s, cosignature.sign(text, signer.private, time_s))


def text_of(note: bytes) -> str:
    """The text of a note whose signatures nobody has verified: to find out whose it may be.

    Raises NoteRefused.
    """
    return _split(note)[0]


def open_note(note: bytes, verifiers: Iterable[VerifierKey]) -> Note:
    """Read a note that at least one of ``verifiers`` signed.

    Lines by other keys are ignored, as the format demands. Raises NoteRefused when the note is
    malformed or too large, when a line under a known name and hash does not verify or comes twice,
    and when no known key signed.
    """
    text, lines = _split(note)
    known = {(key.name, key.key_id): key for key in verifiers}
    signed: dict[VerifierKey, bytes] = {}
    for line in lines:
        key, signature = _claimed(line, known)
        if key is None:
            continue
        if key in signed:
            raise NoteRefused(reason=f"{key.name} signed it twice")
        signed[key] = signature
    if not signed:
        raise NoteRefused(reason="no trusted key signed it")
    verified = {key: _verified(key, signature, text) for key, signature in signed.items()}
    return Note(
        text,
        tuple(key.name for key, seen in verified.items() if seen is None),
        tuple(seen for seen in verified.values() if seen is not None),
    )


def _claimed(
    line: str, known: Mapping[tuple[str, bytes], VerifierKey]
) -> tuple[VerifierKey | None, bytes]:
    """The known key that a signature line names, if any, and the signature."""
    name, _, encoded = line.removeprefix(_SIGNATURE_LINE).partition(" ")
    if not (line.startswith(_SIGNATURE_LINE) and _is_name(name)):
        raise NoteRefused(reason="a signature line is malformed")
    try:
        data = strict_base64.from_standard(encoded)
    except NotCanonicalBase64:
        raise NoteRefused(reason="a signature line is malformed") from None
    if len(data) <= _ID_BYTES:
        raise NoteRefused(reason="a signature line is malformed")
    return known.get((name, data[:_ID_BYTES])), data[_ID_BYTES:]


def _verified(key: VerifierKey, signature: bytes, text: str) -> Cosignature | None:
    """What a witness said; None of a key that just signs. Raises NoteRefused."""
    try:
        if key.kind is Kind.COSIGNATURE:
            return Cosignature(key, cosignature.verify(text, key.public, signature), signature)
        key.public.verify(signature, text.encode("utf-8"))
    except SignatureInvalid:
        raise NoteRefused(reason=f"the signature of {key.name} does not verify") from None
    return None


def _line(key: VerifierKey, signature: bytes) -> bytes:
    encoded = strict_base64.to_standard(key.key_id + signature)
    return f"{_SIGNATURE_LINE}{key.name} {encoded}\n".encode()


def _split(note: bytes) -> tuple[str, list[str]]:
    """The text with its final newline, and the signature lines; the last empty line divides."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteRefused(reason="it is too large")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteRefused(reason="it is not UTF-8") from None
    text, divider, signatures = whole.rpartition("\n\n")
    if not (divider and signatures.endswith("\n")):
        raise NoteRefused(reason="it has no text, or no signature lines")
    _check_text(whole)
    return text + "\n", signatures[:-1].split("\n")


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteRefused(reason="its text does not end in a newline")
    if any(character < " " and character != "\n" for character in text):
        raise NoteRefused(reason="it has control characters")


def _check_key(name: str, public: PublicKey) -> None:
    if not _is_name(name):
        raise KeyRefused(reason="its name is empty, or has a space or a plus in it")
    if public.curve != ED25519:
        raise KeyRefused(reason="notes are signed with Ed25519 keys")


def _check_kind(signer: SignerKey, kind: Kind) -> None:
    if signer.kind is not kind:
        raise KeyRefused(reason=_EXPECTED[kind])


_EXPECTED = {
    Kind.SIGNATURE: "notes are signed with Ed25519 keys",
    Kind.COSIGNATURE: "it is not the key of a witness",
}


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))
