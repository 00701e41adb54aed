"""Signed notes (C2SP signed-note), with Ed25519 keys only (signature type 0x01).

A note is text that ends in a newline, an empty line, and one line per signature. The text means
nothing until a key the caller trusts has signed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ledger import strict_base64
from ledger.errors import KeyRefused, NotCanonicalBase64, NoteRefused, SignatureInvalid
from ledger.keys import ED25519, PrivateKey, PublicKey

MAX_NOTE_BYTES: Final = 128 * 1024
"""Room for sixteen post-quantum cosignatures, which every verifier must take."""

_ED25519_TYPE = b"\x01"
_ID_BYTES = 4
_SIGNATURE_LINE = "— "  # em dash, space


@dataclass(frozen=True)
class VerifierKey:
    """A name and the Ed25519 key it signs with; written ``name+hash+base64``.

    Raises KeyRefused for a name that notes cannot carry, and for a key that is not Ed25519.
    """

    name: str
    public: PublicKey

    def __post_init__(self) -> None:
        _check_key(self.name, self.public)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``name+hash+base64(0x01 || key)``; raises KeyRefused, also for a wrong hash."""
        name, _, rest = text.partition("+")
        try:
            data = strict_base64.from_standard(rest.partition("+")[2])
        except NotCanonicalBase64:
            raise KeyRefused(reason="it is not written as name+hash+base64") from None
        if data[:1] != _ED25519_TYPE:
            raise KeyRefused(reason="notes are signed with Ed25519 keys")
        key = cls(name, PublicKey(ED25519, data[1:]))
        if str(key) != text:
            raise KeyRefused(reason="its hash does not fit its name and key")
        return key

    def __str__(self) -> str:
        encoded = strict_base64.to_standard(_ED25519_TYPE + self.public.point)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @cached_property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x01 || key)[:4]."""
        named = self.name.encode("utf-8") + b"\n" + _ED25519_TYPE + self.public.point
        return hashlib.sha256(named).digest()[:_ID_BYTES]


@dataclass(frozen=True)
class SignerKey:
    """A name and the private key that signs notes under it; raises KeyRefused as VerifierKey."""

    name: str
    private: PrivateKey

    def __post_init__(self) -> None:
        _check_key(self.name, self.private.public)

    @cached_property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public)


@dataclass(frozen=True)
class Note:
    """The text of a note, and the names of the trusted keys that signed it, in their order."""

    text: str
    signers: tuple[str, ...]


def sign(text: str, signer: SignerKey) -> bytes:
    """Write the note of ``text`` with one signature; raises NoteRefused for text it cannot hold."""
    _check_text(text)
    message = text.encode("utf-8")
    signature = strict_base64.to_standard(signer.verifier.key_id + signer.private.sign(message))
    return message + f"\n{_SIGNATURE_LINE}{signer.name} {signature}\n".encode()


def open_note(note: bytes, verifiers: Iterable[VerifierKey]) -> Note:
    """Read a note that at least one of ``verifiers`` signed.

    Lines by other keys are ignored, as the format demands. Raises NoteRefused when the note is
    malformed or too large, when a line under a known name and hash does not verify or comes twice,
    and when no known key signed.
    """
    text, lines = _split(note)
    known = {(key.name, key.key_id): key for key in verifiers}
    signed: list[VerifierKey] = []
    for line in lines:
        key, signature = _claimed(line, known)
        if key is None:
            continue
        if key in signed:
            raise NoteRefused(reason=f"{key.name} signed it twice")
        _check_signature(key, signature, text)
        signed.append(key)
    if not signed:
        raise NoteRefused(reason="no trusted key signed it")
    return Note(text, tuple(key.name for key in signed))


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


def _check_signature(key: VerifierKey, signature: bytes, text: str) -> None:
    try:
        key.public.verify(signature, text.encode("utf-8"))
    except SignatureInvalid:
        raise NoteRefused(reason=f"the signature of {key.name} does not verify") from None


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


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))
