"""Proof verification, judged by the public RFC 6962 probes (valid, and mutated one way each).

Left out: the subtreeinclusion and subtreeconsistency families and all four accumulated hashes,
which belong to the subtree proofs of Merkle Tree Certificates, another protocol.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ledger.errors import ProofMismatch
from ledger.merkle import EMPTY_ROOT, leaf_hash, node_hash, verify_consistency, verify_inclusion


def probes(vectors: Path, family: str) -> list[tuple[str, dict]]:
    files = sorted(vectors.glob(f"rfc6962/{family}/**/*.json"))
    return [(str(file.relative_to(vectors)), json.loads(file.read_bytes())) for file in files]


def decoded(probe: dict, *names: str) -> list[bytes]:
    return [base64.b64decode(probe[name] or "") for name in names]


def path_of(probe: dict) -> list[bytes]:
    return [base64.b64decode(each) for each in probe["proof"] or []]


def holds(check, *arguments) -> bool:
    try:
        check(*arguments)
    except ProofMismatch:
        return False
    return True


def test_every_public_inclusion_probe_is_judged_as_published(vectors):
    judged = probes(vectors, "inclusion")
    wrong = []
    for name, probe in judged:
        leaf, root = decoded(probe, "leafHash", "root")
        size, index = probe["treeSize"], probe["leafIdx"]
        if holds(verify_inclusion, leaf, index, size, path_of(probe), root) == probe["wantErr"]:
            wrong.append(name)
    assert wrong == []
    assert len(judged) == 98


# Two equal 12-byte texts stand for the roots here. Published as valid; but a hash has 32 bytes.
TOO_LENIENT = "rfc6962/consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"


def test_every_public_consistency_probe_is_judged_as_published_but_for_roots_that_are_no_hashes(
    vectors,
):
    judged = probes(vectors, "consistency")
    wrong = []
    for name, probe in judged:
        root1, root2 = decoded(probe, "root1", "root2")
        sizes = probe["size1"], probe["size2"]
        said = holds(verify_consistency, sizes[0], root1, sizes[1], root2, path_of(probe))
        if said == probe["wantErr"]:
            wrong.append(name)
    assert wrong == [TOO_LENIENT]
    assert len(judged) == 98


def test_the_eight_leaf_tree_has_its_published_hashes(vectors):
    tree = json.loads((vectors / "rfc6962/tree8.json").read_bytes())
    assert EMPTY_ROOT.hex() == tree["empty_root"]
    level = [leaf_hash(bytes.fromhex(leaf)) for leaf in tree["leaf_inputs"]]
    nodes = list(level)
    while len(level) > 1:
        level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
        nodes += level
    assert [node.hex() for node in nodes] == tree["node_hashes_flat"]
    assert nodes[-1].hex() == tree["root_hashes_size_1_to_8"][-1]


LEAF = leaf_hash(b"only")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((LEAF, 0, 0, [], EMPTY_ROOT), "outside"),
        ((LEAF, -1, 1, [], LEAF), "outside"),
        ((LEAF, 1, 1, [], LEAF), "outside"),
        ((LEAF[:31], 0, 1, [], LEAF[:31]), "32 bytes"),
        ((LEAF, 0, 2, [b"short"], LEAF), "32 bytes"),
        ((LEAF, 0, 1, [LEAF], LEAF), "longer or shorter"),
        ((LEAF, 0, 2, [], LEAF), "longer or shorter"),
        ((LEAF, 0, 2, [LEAF], LEAF), "not in the tree"),
    ],
)
def test_an_inclusion_proof_that_does_not_hold_says_why(arguments, reason):
    with pytest.raises(ProofMismatch, match=reason):
        verify_inclusion(*arguments)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((0, EMPTY_ROOT, 0, EMPTY_ROOT, []), "old <= new"),
        ((0, EMPTY_ROOT, 1, LEAF, []), "old <= new"),
        ((2, LEAF, 1, LEAF, []), "old <= new"),
        ((-1, LEAF, 1, LEAF, []), "old <= new"),
        ((1, LEAF, 1, EMPTY_ROOT, []), "does not continue"),
        ((1, LEAF, 1, LEAF, [LEAF]), "longer or shorter"),
        ((3, LEAF, 4, LEAF, []), "longer or shorter"),
        ((1, LEAF, 2, LEAF, [LEAF[:-1]]), "32 bytes"),
    ],
)
def test_a_consistency_proof_that_does_not_hold_says_why(arguments, reason):
    with pytest.raises(ProofMismatch, match=reason):
        verify_consistency(*arguments)
