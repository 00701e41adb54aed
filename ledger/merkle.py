"""Merkle tree hashes and proofs (RFC 6962 section 2.1, RFC 9162 section 2.1), with SHA-256.

Proofs are verified here and made in `ledger.tiles`. `Frontier` grows a tree without tiles, so that
one way of computing a root can be held against the other. All hashes are 32 bytes. The checks that
the RFCs leave to the reader (hash lengths, no path element too many, no proof from an empty tree)
are made before any hashing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from ledger.errors import ProofMismatch

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: all that its next root depends on.

    ``peaks`` are the roots of the complete subtrees that ``size`` entries fall into, largest first:
    one for each binary digit 1 of ``size``.
    """

    size: int
    peaks: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        """MTH(D[0:size]): the peaks folded from the right (RFC 6962 section 2.1)."""
        if not self.peaks:
            return EMPTY_ROOT
        return reduce(lambda right, left: node_hash(left, right), reversed(self.peaks))

    def grown(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """The frontier after the entries with these leaf hashes, in their order."""
        size, peaks = self.size, list(self.peaks)
        for node in leaf_hashes:
            # As in counting: each trailing 1 of the size is a subtree that this one completes.
            for _ in range((~size & size + 1).bit_length() - 1):
                node = node_hash(peaks.pop(), node)
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that entry ``index`` of the tree of ``size`` entries with ``root`` is ``leaf_hash``.

    ``path`` runs from the leaf's sibling to the root's child. Requires 0 <= index < size. Raises
    ProofMismatch.
    """
    _check_hashes(leaf_hash, root, *path)
    if not 0 <= index < size:
        raise ProofMismatch(reason="the index lies outside the tree")
    inner = (index ^ (size - 1)).bit_length()
    _check_length(path, inner + (index >> inner).bit_count())
    if _climb(leaf_hash, index, inner, path) != root:
        raise ProofMismatch(reason="the entry is not in the tree of this root")


def verify_consistency(
    size1: int, root1: bytes, size2: int, root2: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of ``size2`` entries only appends to the one of ``size1``.

    Requires 0 < size1 <= size2: everything is consistent with an empty tree, so a proof from it
    would prove nothing. Raises ProofMismatch.
    """
    _check_hashes(root1, root2, *path)
    if not 0 < size1 <= size2:
        raise ProofMismatch(reason="the sizes are not 0 < old <= new")
    if size1 == size2:
        _check_length(path, 0)
        _check_roots(root1 == root2)
    else:
        _verify_growth(size1, root1, size2, root2, path)


def _verify_growth(
    size1: int, root1: bytes, size2: int, root2: bytes, path: Sequence[bytes]
) -> None:
    # Both trees share the last complete subtree of the old one, of 2**height entries. The path
    # starts there; where that subtree is the whole old tree, its root is known and left out.
    height = (size1 & -size1).bit_length() - 1
    position = (size1 - 1) >> height
    inner = ((size1 - 1) ^ (size2 - 1)).bit_length() - height
    siblings = inner + (position >> inner).bit_count()
    _check_length(path, siblings + (position > 0))
    seed = path[0] if position else root1
    path = path[len(path) - siblings :]
    _check_roots(_climb_left(seed, position, inner, path) == root1)
    _check_roots(_climb(seed, position, inner, path) == root2)


def _climb(node: bytes, position: int, inner: int, path: Sequence[bytes]) -> bytes:
    """Hash from ``node`` to the root.

    Below level ``inner`` bit i of ``position`` says whether the node at level i is a right child;
    from there on up it lies on the right edge of the tree and every sibling is to its left.
    """
    for level, sibling in enumerate(path):
        if _is_left(level, position, inner):
            node = node_hash(sibling, node)
        else:
            node = node_hash(node, sibling)
    return node


def _climb_left(node: bytes, position: int, inner: int, path: Sequence[bytes]) -> bytes:
    """Hash left siblings only: those are the ones that the old tree had already."""
    for level, sibling in enumerate(path):
        if _is_left(level, position, inner):
            node = node_hash(sibling, node)
    return node


def _is_left(level: int, position: int, inner: int) -> bool:
    """Whether the sibling at ``level`` of the path stands to the left."""
    return level >= inner or bool(position >> level & 1)


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofMismatch(reason="a hash is not 32 bytes long")


def _check_length(path: Sequence[bytes], expected: int) -> None:
    if len(path) != expected:
        raise ProofMismatch(reason="the path is longer or shorter than the tree is deep")


def _check_roots(hold: bool) -> None:
    if not hold:
        raise ProofMismatch(reason="the new tree does not continue the old one")
