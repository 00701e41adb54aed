"""A log's bundle and an auditor's verdict on it, in one line each."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Mapping
from typing import Any

from graph.engine import Engine, Question
from graph.publishing.published import books_about, figure_body, inputs_of
from graph.publishing.recompute import Verified, verify
from graph.version import VERSION
from ledger import bundle, jws
from ledger.bundle import Bundle, LeafHash
from ledger.checkpoint import Checkpoint
from ledger.leaf import Leaf
from ledger.log import Accepted, Log
from ledger.merkle import Frontier
from ledger.note import sign, text_of
from ledger.rejudge import nobody
from ledger.statements import Figure, FigureObject, read
from ledger.trust import Trust
from ledger.verify import Check, Verdict, verdict_of
from tests.factory import Actor, Factory

YEAR = 2025


def trust_of(log: Log) -> Trust:
    return Trust(log.origin, log.genesis.digest, str(log.verifier))


def figure_of(log: Log, kind: str, entity: str, year: int = YEAR, engine: str = VERSION) -> Figure:
    """What there is to publish about a park or enterprise as the log stands.

    By an earlier ``engine`` the inputs are those that it read, and the numbers those of this one.
    """
    checkpoint = Checkpoint.parse(text_of(log.checkpoint()))
    question = Question(year, "AR6", checkpoint.size)
    books = books_about(Engine(log), FigureObject(type=kind, id=entity), question)
    inputs = inputs_of((entry.leaf for entry in log.heads_at(checkpoint.size)), engine)
    return dataclasses.replace(figure_body(books, inputs, checkpoint.root), engine=engine)


def publish(owner: Actor, kind: str, entity: str) -> Accepted:
    return owner.say(figure_of(owner.factory.log, kind, entity))


def bundled(log: Log, figure: int, without: Iterable[int] = ()) -> Bundle:
    """Everything that the log holds, but for the envelopes of ``without`` and those erased."""
    entries = list(log.entries(0, log.size()))
    left_out = set(without)
    return Bundle(
        figure,
        log.checkpoint(),
        [entry.leaf.encode() for entry in entries],
        {e.index: e.envelope for e in entries if not e.is_erased and e.index not in left_out},
    )


def packed(content: Bundle) -> bytes:
    target = io.BytesIO()
    envelopes = content.envelopes.items()
    bundle.write(target, content.figure, content.checkpoint, content.leaves, envelopes)
    return target.getvalue()


def with_leaf(content: Bundle, index: int, leaf: bytes | LeafHash) -> Bundle:
    leaves = [*content.leaves]
    leaves[index] = leaf
    return dataclasses.replace(content, leaves=leaves)


def with_envelope(content: Bundle, index: int, envelope: bytes) -> Bundle:
    envelopes: Mapping[int, bytes] = {**content.envelopes, index: envelope}
    return dataclasses.replace(content, envelopes=dict(sorted(envelopes.items())))


def verified(data: Bundle | bytes, trust: Trust | None) -> Verified:
    source = io.BytesIO(data if isinstance(data, bytes) else packed(data))
    return verify(source, trust, nobody)


def check(found: Verified, name: str) -> Check:
    return next(each for each in found.checks if each.name == name)


def failed(found: Verified) -> str:
    """The name of the check that failed; empty if none did."""
    return next((each.name for each in found.checks if each.verdict is Verdict.INVALID), "")


def overall(found: Verified) -> Verdict:
    return verdict_of(found.checks)


def forced(factory: Factory, content: Bundle, envelope: bytes, **members: Any) -> Bundle:
    """As if the operator had written an entry behind the others, whatever the rules say.

    ``members`` are those of its leaf.
    """
    statement = read(jws.parse(envelope))
    plain: dict[str, Any] = {
        "envelope": statement.envelope.envelope_digest,
        "signed": statement.digest,
        "type": statement.type,
        "kid": statement.envelope.kid,
        "chain": statement.digest,
        "time": factory.clock.now_ms,
    }
    longer = dataclasses.replace(
        content,
        leaves=[*content.leaves, Leaf(**{**plain, **members}).encode()],
        envelopes={**content.envelopes, content.size: envelope},
    )
    return resigned(factory, longer)


def resigned(factory: Factory, content: Bundle) -> Bundle:
    """What it holds, under a checkpoint that the log's own key signs."""
    root = Frontier(0, ()).grown(content.leaf_hashes()).root
    text = Checkpoint(factory.log.origin, content.size, root).text
    return dataclasses.replace(content, checkpoint=sign(text, factory.signer))
