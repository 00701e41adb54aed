"""A bundle checked offline: everything about it that needs no knowledge of footprints.

Needs the bundle and the trust file; no server, no database. In this order, because each check rests
on those before it:

1. sizes: the bundle is well-formed (`ledger.bundle`);
2. trust: its genesis is the one that is trusted, which nothing in the bundle can say;
3. checkpoint: the log signed the head of the tree, with the trusted key or one that recoveries,
   approved by the recovery keys of that genesis, put in its place;
4. cosignatures: as many of the trusted witnesses cosigned it as the trust file asks for;
5. root: the leaves of all entries lead to the signed root;
6. times: every leaf record is well-formed, and ledger time never runs backwards;
7. keys: what decides who could say what, judged as the log had to judge it;
8. envelopes: every other envelope that is there is the one of its leaf, signed by a key that could
   sign then, by somebody who could say it;
9. heads: what stood at the end of the prefix that the figure was computed from, which of it is
   withheld from this reader, and what others may have signed;
10. inputs: those are the statements that the figure says it was computed from.

All leaves are there, so that nothing that supersedes an input can be hidden: without its envelope
it is *withheld*, and said so. The figure itself is recomputed by whoever knows how
(``graph.publishing.recompute``).

What cannot be judged is let pass: a statement may refer to others that the bundle has no reason to
hold, because they were superseded before the figure was computed. Its signature, its key and its
issuer are verified all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import BinaryIO, Final, cast

from ledger import bundle as bundles
from ledger import jws
from ledger.bundle import Bundle, LeafHash
from ledger.errors import (
    BundleRefused,
    CatchmentError,
    EntryInvalid,
    FigureMissing,
    InputsDiffer,
    LeafRefused,
    LogNotTrusted,
    PrefixRefused,
    ProofMismatch,
    QuorumMissing,
    TrustMissing,
)
from ledger.leaf import Leaf
from ledger.merkle import Frontier
from ledger.rejudge import DECIDE, Rejudged, Step
from ledger.replay import Replay
from ledger.soundness import Soundness
from ledger.statements import (
    Figure,
    Genesis,
    Membership,
    NaturalKey,
    Recovery,
    Statement,
    Withdrawal,
    read,
)
from ledger.trust import Signed, Trust, check_quorum, open_checkpoint
from ledger.uncollected import uncollected

NAMES: Final = (
    "sizes",
    "trust",
    "checkpoint",
    "cosignatures",
    "root",
    "times",
    "keys",
    "envelopes",
    "heads",
    "inputs",
)
DETAILS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sizes": "%(entries)d entries, %(envelopes)d envelopes; the figure is entry %(figure)d",
        "trust": "%(origin)s, as the trust file names it",
        "checkpoint": "%(origin)s, %(size)d entries",
        "cosignatures": "cosigned by %(names)s",
        "no-witnesses": "the trust file asks for none",
        "root": "%(root)s",
        "times": "ledger time never runs backwards",
        "hidden": "the leaf records of %(count)d entries are withheld",
        "keys": "%(count)d statements on keys and rights",
        "unseen-keys": "%(count)d statements on keys and rights are withheld",
        "envelopes": "%(count)d other statements, each by who could say it",
        "unverified": "the keys that signed %(count)d entries are withheld",
        "heads": "%(count)d statements in force after %(size)d entries",
        "withheld": "%(count)d entries that were in force, or may have been, are withheld",
        "inputs": "%(count)d, as the figure says",
        "not-comparable": "cannot be counted: some of the records are withheld",
        "suspect": "%(count)d became suspect since: others may have signed them",
    }
)
"""What is said of a check that did not fail: templates over its particulars."""

_NOT_UNDERSTOOD = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RecursionError,
)


class Verdict(Enum):
    """What came of a check. ``DOUBTED``: valid, but something is suspect or withheld."""

    VALID = "valid"
    INVALID = "invalid"
    DOUBTED = "doubted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``detail`` is a template over ``params``; ``refused`` says what is wrong.

    ``entries`` are the indexes of those that it is about, where it does not hold for all.
    """

    name: str
    verdict: Verdict
    detail: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    refused: CatchmentError | None = None
    entries: tuple[int, ...] = ()


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """What all checks come to; what was not decided outweighs what is in doubt."""
    found = {check.verdict for check in checks}
    order = (Verdict.INVALID, Verdict.UNDECIDED, Verdict.DOUBTED)
    return next((each for each in order if each in found), Verdict.VALID)


def guarded(name: str, make: Callable[[], Check]) -> Check:
    """A check that was made, whatever the bundle holds; what was refused makes it invalid."""
    try:
        return make()
    except CatchmentError as refused:
        return Check(name, Verdict.INVALID, refused=refused)
    except _NOT_UNDERSTOOD:
        # A reader that stumbles over a crafted bundle has still not found it valid.
        crafted = BundleRefused(reason="something in it cannot be understood")
        return Check(name, Verdict.INVALID, refused=crafted)


class Audit:
    """A bundle and what is found out about it, check by check; ``checks`` are those made so far.

    ``kinds`` tells the statement types that are inputs of a figure of an engine. Once all checks
    are made, ``replay`` holds the entries, ``figure`` what is published, ``inputs`` the indexes of
    what it rests on, and ``withheld`` those that are not there, or may not be.
    """

    def __init__(
        self,
        source: BinaryIO,
        trust: Trust | None,
        kinds: Callable[[str], Collection[str]],
        step: Step,
    ) -> None:
        self._source, self._trusted, self._kinds, self._step = source, trust, kinds, step
        self.checks: list[Check] = []
        self.withheld: tuple[int, ...] = ()
        self._leaves: list[Leaf | None] = []

    def run(self) -> list[Check]:
        """Make every check up to the first that fails; those after it are undecided."""
        makes = (
            self._sizes,
            self._trust,
            self._checkpoint,
            self._cosignatures,
            self._root,
            self._times,
            self._keys,
            self._envelopes,
            self._heads,
            self._inputs,
        )
        with uncollected():
            for name, make in zip(NAMES, makes, strict=True):
                stopped = self.is_stopped
                self.checks.append(
                    Check(name, Verdict.UNDECIDED) if stopped else guarded(name, make)
                )
        return self.checks

    @property
    def is_stopped(self) -> bool:
        """Whether later checks have nothing to rest on any more."""
        return any(
            check.verdict is Verdict.INVALID
            or (check.verdict is Verdict.UNDECIDED and check.name != "cosignatures")
            for check in self.checks
        )

    # --- The tree ---

    def _sizes(self) -> Check:
        self.bundle: Bundle = bundles.read(self._source)
        for index in self.bundle.envelopes:
            if isinstance(self.bundle.leaves[index], LeafHash):
                raise BundleRefused(reason="an envelope in it has no leaf record")
        said = {
            "entries": self.bundle.size,
            "envelopes": len(self.bundle.envelopes),
            "figure": self.bundle.figure,
        }
        return _valid("sizes", said)

    def _trust(self) -> Check:
        if self._trusted is None:
            return Check("trust", Verdict.UNDECIDED, refused=TrustMissing())
        trust = self._trusted
        if 0 not in self.bundle.envelopes:
            raise BundleRefused(reason="the genesis is not in it")
        genesis = self._statement(0)
        log = genesis.common.log
        if not isinstance(genesis.body, Genesis) or (log.origin, genesis.digest) != (
            trust.origin,
            trust.genesis,
        ):
            raise LogNotTrusted(
                named=log.origin,
                begun=genesis.digest,
                origin=trust.origin,
                genesis=trust.genesis,
            )
        return _valid("trust", {"origin": trust.origin})

    def _checkpoint(self) -> Check:
        self._signed: Signed = open_checkpoint(self.bundle.checkpoint, self._trust_in_force())
        checkpoint = self._signed.checkpoint
        if checkpoint.size != self.bundle.size:
            raise BundleRefused(reason="its checkpoint is of another size")
        states = {"origin": checkpoint.origin, "size": checkpoint.size}
        return _valid("checkpoint", states)

    def _trust_in_force(self) -> Trust:
        """The trust with the key that signs at the end, which the trusted one leads to.

        That the recoveries between them were approved is checked with the keys.
        """
        trust = cast(Trust, self._trusted)
        keys = [cast(Genesis, self._statement(0).body).checkpoint_key]
        keys += [each.checkpoint_key for each in self._recoveries()]
        return replace(trust, vkey=keys[-1]) if trust.vkey in keys else trust

    def _recoveries(self) -> Iterator[Recovery]:
        for index in self.bundle.envelopes:
            # The records are not read before it is known that they are the log's.
            if b'"type":"recovery"' in cast(bytes, self.bundle.leaves[index]):
                body = self._statement(index).body
                if isinstance(body, Recovery):
                    yield body

    def _statement(self, index: int) -> Statement:
        return read(jws.parse(self.bundle.envelopes[index]))

    def _cosignatures(self) -> Check:
        trust = cast(Trust, self._trusted)
        if not trust.quorum:
            return Check("cosignatures", Verdict.VALID, DETAILS["no-witnesses"])
        try:
            check_quorum(self._signed, trust)
        except QuorumMissing as missing:
            return Check("cosignatures", Verdict.UNDECIDED, refused=missing)
        names = ", ".join(each.witness.name for each in self._signed.cosignatures)
        return _valid("cosignatures", {"names": names})

    def _root(self) -> Check:
        self._hashes = list(self.bundle.leaf_hashes())
        root = Frontier(0, ()).grown(self._hashes).root
        if root != self._signed.checkpoint.root:
            raise ProofMismatch(reason="the leaves do not lead to the signed root")
        return _valid("root", {"root": root.hex()})

    def _times(self) -> Check:
        before = 0
        for index, record in enumerate(self.bundle.leaves):
            leaf = None if isinstance(record, LeafHash) else self._leaf(index, record)
            if leaf and leaf.time < before:
                raise EntryInvalid(index=index, reason="its time lies before that of the last")
            before = leaf.time if leaf else before
            self._leaves.append(leaf)
        if hidden := tuple(i for i, leaf in enumerate(self._leaves) if leaf is None):
            return _doubted("times", "hidden", hidden)
        return _valid("times", {})

    def _leaf(self, index: int, record: bytes) -> Leaf:
        try:
            return Leaf.parse(record)
        except LeafRefused:
            raise EntryInvalid(index=index, reason="its leaf record is malformed") from None

    # --- Who could say what ---

    def _keys(self) -> Check:
        self.judged = Rejudged(self._leaves, self._hashes, self.bundle.envelopes)
        self.judged.run(self._step)
        self._raise_fault(self._decides)
        if missing := tuple(filter(self._decides, self.judged.unseen)):
            return _doubted("keys", "unseen-keys", missing)
        count = sum(map(self._decides, self.bundle.envelopes))
        return _valid("keys", {"count": count})

    def _envelopes(self) -> Check:
        self._raise_fault(lambda index: not self._decides(index))
        if unverified := tuple(self.judged.unverified):
            return _doubted("envelopes", "unverified", unverified)
        count = sum(not self._decides(index) for index in self.bundle.envelopes)
        return _valid("envelopes", {"count": count})

    def _decides(self, index: int) -> bool:
        return self.judged.kind(index) in DECIDE

    def _raise_fault(self, concerns: Callable[[int], bool]) -> None:
        for index, fault in sorted(self.judged.faults.items()):
            if concerns(index):
                raise fault

    # --- What the figure rests on ---

    def _heads(self) -> Check:
        if (figure := self._figure()) is None:
            unseen = FigureMissing(index=self.bundle.figure)
            return Check("heads", Verdict.UNDECIDED, refused=unseen)
        self.figure = figure
        at, replay = figure.at, self.replay
        if at.size > self.bundle.figure or replay.root(at.size).hex() != at.root:
            raise PrefixRefused("/at", size=at.size)
        self.inputs = self._in_force(at.size)
        missing = [i for i in self._ends(at.size) if i not in self.bundle.envelopes]
        missing += [i for i in self.judged.hidden if i < at.size]
        self.withheld = tuple(sorted(missing))
        if self.withheld:
            return _doubted("heads", "withheld", self.withheld)
        said = {"size": at.size, "count": len(self.inputs)}
        return _valid("heads", said)

    def _figure(self) -> Figure | None:
        if self.bundle.figure not in self.bundle.envelopes:
            return None
        body = self.judged.entries[self.bundle.figure].statement.body
        if not isinstance(body, Figure):
            raise BundleRefused(reason="the entry that it names is no published figure")
        return body

    @property
    def replay(self) -> Replay:
        return self.judged.replay

    def _in_force(self, size: int) -> list[int]:
        """The inputs of a figure: what was in force, of the types that its engine read."""
        ends = self._ends(size)
        return [i for i in ends if self.judged.entries[i].leaf.type != Withdrawal.TYPE]

    def _ends(self, size: int) -> list[int]:
        """The last word on everything that moves figures: inputs, and withdrawals of such."""
        ends, kinds = self.replay.ends_at(size).values(), self._kinds(self.figure.engine)
        return sorted(index for index in ends if self.judged.kind(index) in kinds)

    @property
    def withdrawn_by(self) -> int | None:
        """The entry that withdrew the figure later on, if it is the last word on it."""
        entries = self.judged.entries
        chain = entries[self.bundle.figure].leaf.chain
        later = [each for each in entries.values() if each.leaf.chain == chain]
        return later[-1].index if later[-1].leaf.type == Withdrawal.TYPE else None

    def is_unseen(self, kind: str, size: int) -> bool:
        """Whether a chain of this type has an entry among the first ``size`` that is not seen."""
        return any(i < size and self.judged.kind(i) == kind for i in self.judged.unseen)

    def _inputs(self) -> Check:
        stated, found = self.figure.inputs, [self._hashes[index] for index in self.inputs]
        root = Frontier(0, ()).grown(found).root.hex()
        if (stated.count, stated.root) != (len(found), root):
            if any(index < self.figure.at.size for index in self.judged.hidden):
                return _doubted("inputs", "not-comparable", self.withheld)
            raise InputsDiffer(
                stated=stated.count, stated_root=stated.root, count=len(found), root=root
            )
        if suspect := self._suspect_since():
            return _doubted("inputs", "suspect", suspect)
        return _valid("inputs", {"count": len(found)})

    def _suspect_since(self) -> tuple[int, ...]:
        """Inputs, boundary and the figure itself that a later revocation makes suspect."""
        size = self.bundle.size
        causes, soundness = self.replay.causes_at(size), self.replay.soundness_at(size)
        rests_on = sorted({*self.inputs, *self._boundary(), self.bundle.figure})
        return tuple(
            index for index in rests_on if index in causes or self._lost_consent(index, soundness)
        )

    def _boundary(self) -> Iterator[int]:
        """The statement on the park or enterprise that the figure is of."""
        about = self.figure.object
        ends = self.replay.ends_at(self.figure.at.size)
        head = self.replay.head(NaturalKey(about.type, (about.id,)))
        if head is not None and head.opening in ends:
            yield ends[head.opening]

    def _lost_consent(self, index: int, soundness: Soundness) -> bool:
        entry = self.judged.entries[index]
        if entry.is_erased or not isinstance(entry.statement.body, Membership):
            return False
        then = self.replay.soundness_at(self.figure.at.size)
        said = (entry.statement.body, index, entry.leaf.time)
        return soundness.consent_cause(*said) is not None and then.consent_cause(*said) is None


def _valid(name: str, params: Mapping[str, object]) -> Check:
    return Check(name, Verdict.VALID, DETAILS[name], params)


def _doubted(name: str, detail: str, entries: tuple[int, ...]) -> Check:
    return Check(name, Verdict.DOUBTED, DETAILS[detail], {"count": len(entries)}, entries=entries)
