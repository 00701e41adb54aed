"""How the head of a chain moves: by its next entry, by what turns out suspect, by an erasure.

Pure, so that the log in its database and whoever replays it in memory come to the same heads.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ledger.leaf import Leaf
from ledger.statements import NaturalKey
from ledger.view import Head


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a chain."""

    index: int
    type: str
    digest: str
    subject: str
    erased_by: int | None

    @property
    def withdraws(self) -> bool:
        return self.type == "withdrawal"


def moved(
    before: Head | None,
    index: int,
    leaf: Leaf,
    key: NaturalKey,
    about: tuple[str, ...],
    owner: str,
) -> Head:
    """The head after entry ``index``; ``about`` counts where the entry opens the chain."""
    withdrawn = leaf.type == "withdrawal"
    return Head(
        key=key,
        about=before.about if before else about,
        opening=leaf.chain,
        digest=leaf.signed,
        sound_digest=leaf.signed,
        index=index,
        stated_index=before.stated_index if withdrawn and before else index,
        owner=owner,
        withdrawn=withdrawn,
    )


def settled(head: Head, versions: Sequence[Version], suspects: Collection[int]) -> Head:
    """The head once ``suspects`` do not count: the chain rests on its last sound version.

    ``versions`` are all of the chain, in their order.
    """
    stated = _last_stated(versions, suspects)
    last = next((each for each in reversed(versions) if each.index not in suspects), None)
    return replace(
        head,
        sound_digest=last.digest if last else None,
        stated_index=stated.index,
        owner=(last or stated).subject or head.owner,
        withdrawn=last is None or last.withdraws or stated.erased_by is not None,
    )


def _last_stated(versions: Sequence[Version], suspects: Collection[int]) -> Version:
    """The last sound one that is no withdrawal, or the last at all where none is sound."""
    stated = [each for each in versions if not each.withdraws]
    sound = [each for each in stated if each.index not in suspects]
    return (sound or stated)[-1]


def erased(head: Head, index: int, owner: str) -> Head:
    """The head once the payload of ``index`` is gone, as ``owner`` said: nothing replaces it."""
    return replace(
        head,
        withdrawn=head.withdrawn or head.stated_index == index,
        owner=owner if head.index == index and head.digest == head.sound_digest else head.owner,
    )
