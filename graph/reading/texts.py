"""Texts by number: those of a file as they lie there, and those that came since."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Codes = NDArray[np.int32]

NOBODY: Final = -1
"""The number of no text."""
_BEGIN: Final[dict[str, Array]] = {
    "text-end": np.zeros(1, dtype=np.int64),
    "text-bytes": np.zeros(0, dtype=np.uint8),
    "text-hash": np.zeros(0, dtype=np.uint64),
    "text-code": np.zeros(0, dtype=np.int32),
}
NAMES: Final = tuple(_BEGIN)


class Texts:
    """``find`` looks a text up by its hash, and compares it with what is found.

    The hash is keyed by ``salt``, drawn anew for every pool, so that nobody can choose texts that
    collide.
    """

    def __init__(self, salt: bytes = b"", arrays: Mapping[str, Array] | None = None) -> None:
        self.salt = salt or secrets.token_bytes(16)
        self._arrays = {name: (arrays or _BEGIN)[name] for name in NAMES}
        self._ends, self._bytes = self._arrays["text-end"], self._arrays["text-bytes"]
        self._first = len(self._ends) - 1
        self._later: dict[str, int] = {}
        self._added: list[str] = []

    def __len__(self) -> int:
        return self._first + len(self._added)

    def __getitem__(self, code: int) -> str:
        if code >= self._first:
            return self._added[code - self._first]
        start, end = self._ends[code : code + 2].tolist()
        return bytes(self._bytes[start:end].data).decode()

    def get(self, code: int) -> str | None:
        """The text of a number, or nothing for ``NOBODY``."""
        return None if code == NOBODY else self[code]

    def find(self, text: str) -> int | None:
        """The number of a text, if it has one."""
        if (code := self._later.get(text)) is not None or not self._first:
            return code
        hashes, sought = self._arrays["text-hash"], np.uint64(self._hash(text))
        at = int(np.searchsorted(hashes, sought))
        while at < len(hashes) and hashes[at] == sought:
            if self[found := int(self._arrays["text-code"][at])] == text:
                return found
            at += 1
        return None

    def code(self, text: str | None) -> int:
        """The number of a text; it gets the next one if it has none."""
        if text is None:
            return NOBODY
        if (code := self.find(text)) is None:
            code = self._later[text] = len(self)
            self._added.append(text)
        return code

    def codes(self, texts: Iterable[str | None]) -> Codes:
        return np.fromiter(map(self.code, texts), dtype=np.int32)

    def extended(self) -> Texts:
        """The same texts under the same numbers, to be added to apart from these."""
        other = Texts(self.salt, self._arrays)
        other._later, other._added = dict(self._later), list(self._added)
        return other

    def arrays(self) -> dict[str, Array]:
        """All that a file needs to hold besides ``salt``."""
        added = [text.encode() for text in self._added]
        ends = self._ends[-1] + np.cumsum([len(each) for each in added], dtype=np.int64)
        hashes = np.fromiter(map(self._hash, self._added), dtype=np.uint64, count=len(added))
        hashes = np.concatenate([self._arrays["text-hash"], hashes])
        codes = np.arange(self._first, len(self), dtype=np.int32)
        order = np.argsort(hashes, kind="stable")
        return {
            "text-end": np.concatenate([self._ends, ends]),
            "text-bytes": np.concatenate(
                [self._bytes, np.frombuffer(b"".join(added), dtype=np.uint8)]
            ),
            "text-hash": hashes[order],
            "text-code": np.concatenate([self._arrays["text-code"], codes])[order],
        }

    def _hash(self, text: str) -> int:
        digest = blake2b(text.encode(), digest_size=8, key=self.salt).digest()
        return int.from_bytes(digest, "little")
