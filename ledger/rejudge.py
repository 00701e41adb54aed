"""The entries of a bundle judged again, in their order, as the log had to judge them.

All leaf records may be there, and only some of the envelopes. What an entry that is not seen says
is unknown, but its place in its chain, its key and its time are not, and later versions of its
chain tell what the chain is about. Nothing is refused for resting on what is not there: then its
signature and its issuer are verified, and the rest is let pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast

from ledger import jws
from ledger.admission import admit
from ledger.authority import KeyStanding, check_authority, key_standing, recovering_registrar
from ledger.case import Case
from ledger.entry import Entry
from ledger.errors import (
    AdmissionRefused,
    CatchmentError,
    EntryInvalid,
    LeafRefused,
    NothingToSupersede,
    PayloadErased,
    UnknownKey,
    UnknownReference,
)
from ledger.leaf import Leaf
from ledger.referents import check_approved
from ledger.replay import Replay
from ledger.statements import (
    Erasure,
    NaturalKey,
    Recovery,
    Statement,
    Transfer,
    Withdrawal,
)
from ledger.view import Admission, about_of, about_of_key, claims_of

DECIDE: Final = frozenset(
    {
        "genesis",
        "policy",
        "enterprise",
        "key",
        "revocation",
        "recovery",
        "delegation",
        "transfer",
        "accreditation",
        "erasure",
    }
)
"""Types of the chains that decide who could say what, and what is gone."""

_CHANGE_HANDS: Final = ("site", "product")
_ANYTHING: Final = frozenset({"statement", "chain"})

Step: TypeAlias = Callable[[int, int], object]
"""Is told how far it has come: entries done, entries in all."""


def nobody(done: int, total: int) -> None:
    """Nobody waits."""


class Rejudged:
    """What came of it.

    ``replay`` holds the entries. ``faults`` are entries that the log could not have taken,
    ``unseen`` those without an envelope, ``hidden`` those without a leaf record, ``unverified``
    those whose key is among them.
    """

    def __init__(
        self,
        leaves: Sequence[Leaf | None],
        hashes: Sequence[bytes],
        envelopes: Mapping[int, bytes],
    ) -> None:
        self._leaves, self._hashes = leaves, hashes
        self.entries = {
            index: Entry(index, leaf, envelopes.get(index, b""))
            for index, leaf in enumerate(leaves)
            if leaf
        }
        self.hidden = tuple(index for index, leaf in enumerate(leaves) if not leaf)
        self.unseen = tuple(i for i, entry in self.entries.items() if entry.is_erased)
        self.replay = Replay()
        self.faults: dict[int, EntryInvalid] = {}
        self.unverified: list[int] = []
        self._openings: dict[str, str] = {}
        self._chains: dict[str, str] = {}
        self._keys: dict[str, NaturalKey] = {}
        self._owners: dict[str, str] = {}
        self._unkeyed: set[str] = set()

    def kind(self, index: int) -> str:
        """The type of the chain in which an entry stands; empty where its opening is hidden."""
        entry = self.entries.get(index)
        return self._openings.get(entry.leaf.chain, "") if entry else ""

    def run(self, step: Step) -> None:
        """Judge every entry; raises EntryInvalid where a record has no place in the log."""
        for entry in self.entries.values():
            self._find_place(entry)
        self._learn_chains()
        for index in range(len(self._leaves)):
            self._take(index)
            step(index + 1, len(self._leaves))

    # --- What is known of the chains ---

    def _find_place(self, entry: Entry) -> None:
        """A record stands once, and opens a chain or continues one of its type.

        Whoever writes the records could else hide an entry behind one that says what it is not.
        """
        index, leaf = entry.index, entry.leaf
        withdraws = leaf.type == Withdrawal.TYPE
        if leaf.signed in self._chains:
            raise EntryInvalid(index=index, reason="the same statement stands before it")
        self._chains[leaf.signed] = leaf.chain
        if leaf.chain == leaf.signed and not withdraws:
            self._openings[leaf.signed] = leaf.type
        kind = self.kind(index)
        if not kind and not self.hidden:
            raise EntryInvalid(index=index, reason="its chain has no opening")
        if kind and not withdraws and kind != leaf.type:
            raise EntryInvalid(index=index, reason="its chain is of another type")

    def _learn_chains(self) -> None:
        givers: dict[str, str] = {}
        erasures: list[tuple[int, Statement]] = []
        for index, entry in self.entries.items():
            if entry.is_erased or (statement := self._statement(entry)) is None:
                continue
            body, chain = statement.body, entry.leaf.chain
            self._owners.setdefault(chain, statement.subject)
            if not isinstance(body, Withdrawal):
                self._keys.setdefault(chain, body.natural_key(statement.subject))
            if isinstance(body, Transfer):
                givers.setdefault(body.object.id, statement.subject)
            if isinstance(body, Erasure):
                erasures.append((index, statement))
        for index, statement in erasures:
            self._learn_erased(index, statement)
        for chain, key in self._keys.items():
            # Whoever gave it away first had it from the start.
            if key.type in _CHANGE_HANDS and key.within in givers:
                self._owners[chain] = givers[key.within]

    def _statement(self, entry: Entry) -> Statement | None:
        """What an entry says; ``None`` where it cannot be read, which is a fault."""
        try:
            return entry.statement
        except CatchmentError as refused:
            self.faults[entry.index] = _invalid(entry.index, refused)
            return None

    def _learn_erased(self, index: int, statement: Statement) -> None:
        """Of a chain whose payloads are gone, the erasure alone tells what it was about."""
        body = cast(Erasure, statement.body)
        chain = self._chains.get(body.digest)
        if chain is None:
            return
        if body.erased_key.type != self._openings.get(chain):
            self.faults[index] = EntryInvalid(index=index, reason="it names another chain")
            return
        self._keys.setdefault(chain, body.erased_key)
        self._owners.setdefault(chain, statement.subject)

    # --- One entry after another ---

    def _take(self, index: int) -> None:
        entry = self.entries.get(index)
        if entry is None:
            return self.replay.put_hidden(self._hashes[index])
        if not entry.is_erased and index not in self.faults:
            try:
                return self._judge(entry)
            except CatchmentError as refused:
                self.faults[index] = _invalid(index, refused)
        return self._take_unseen(Entry(index, entry.leaf, b""))

    def _take_unseen(self, entry: Entry) -> None:
        key = self._keys.get(entry.leaf.chain)
        if key is None:
            self._unkeyed.add(self.kind(entry.index))
        self.replay.put_unseen(entry, key, self._owners.get(entry.leaf.chain, ""))

    def _judge(self, entry: Entry) -> None:
        statement = entry.statement
        _check_same(entry.leaf, statement)
        try:
            admission = admit(statement, self.replay, entry.leaf.time)
        except CatchmentError as refused:
            if not self._rests_on_unseen(refused):
                raise
            self._check_signer(entry, statement)
            if entry.leaf.chain not in self._keys:
                return self._take_unseen(entry)
            admission = self._place_of(entry, statement)
        if admission.opening != entry.leaf.chain:
            raise EntryInvalid(index=entry.index, reason="it belongs to another chain")
        return self.replay.put(entry, admission)

    def _rests_on_unseen(self, refused: CatchmentError) -> bool:
        """Whether it is refused for what may be in an entry that is not seen."""
        unsettled = self.hidden or self._unkeyed & DECIDE
        if unsettled and isinstance(refused, AdmissionRefused):
            return True
        if isinstance(refused.__cause__, CatchmentError):  # of a consent, say, in a membership
            return self._rests_on_unseen(refused.__cause__)
        match refused:
            case PayloadErased():
                return True
            case UnknownKey():
                return "key" in self._unkeyed
            case UnknownReference():
                kinds = set(str(refused.params["kind"]).split(" or "))
                return bool(kinds & (self._unkeyed | (_ANYTHING if self._unkeyed else set())))
            case NothingToSupersede():
                return bool(self._unkeyed)
            case _:
                return False

    def _check_signer(self, entry: Entry, statement: Statement) -> None:
        """What can be verified whatever is unseen: the signature, and who may say such a thing."""
        genesis = cast(Statement, self.replay.genesis())
        try:
            if isinstance(statement.body, Recovery):
                check_approved(statement.body, statement.common.prev, genesis)
                signer = recovering_registrar(statement.body, genesis)
            else:
                signer = key_standing(self.replay, statement.envelope.kid, entry.leaf.time)
        except (PayloadErased, UnknownKey) as refused:
            if not self._rests_on_unseen(refused):
                raise
            self.unverified.append(entry.index)
            return
        jws.verify(statement.envelope, signer.public)
        self._check_authority(entry, statement, signer)

    def _check_authority(self, entry: Entry, statement: Statement, signer: KeyStanding) -> None:
        genesis = cast(Statement, self.replay.genesis())
        key = self._keys.get(entry.leaf.chain, NaturalKey(self.kind(entry.index), ()))
        head = self.replay.head(key)
        if not key.type or (key.type == "delegation" and head is None):
            return
        case = Case(statement, self.replay, genesis, entry.leaf.time, key, head)
        try:
            check_authority(case, signer)
        except CatchmentError as refused:
            if not self._rests_on_unseen(refused):
                raise

    def _place_of(self, entry: Entry, statement: Statement) -> Admission:
        """Its place in the log as its leaf has it."""
        key = self._keys[entry.leaf.chain]
        head = self.replay.head(key)
        if head is not None:
            about = head.about
        elif isinstance(statement.body, Withdrawal):
            about = about_of_key(key)
        else:
            about = about_of(statement.body, statement.subject)
        return Admission(
            key=key,
            opening=entry.leaf.chain,
            owner=statement.subject,
            about=about,
            claims=claims_of(statement, opens=head is None),
            on_behalf=statement.on_behalf,
        )


def _check_same(leaf: Leaf, statement: Statement) -> None:
    """The leaf record is the one of this envelope."""
    envelope = statement.envelope
    pairs = (
        ("signing digest", leaf.signed, envelope.signing_digest),
        ("envelope digest", leaf.envelope, envelope.envelope_digest),
        ("key id", leaf.kid, envelope.kid),
        ("type", leaf.type, statement.type),
    )
    for name, logged, given in pairs:
        if logged != given:
            raise LeafRefused(reason=f"its {name} is not that of its envelope")


def _invalid(index: int, refused: CatchmentError) -> EntryInvalid:
    if isinstance(refused, EntryInvalid):
        return refused
    return EntryInvalid(index=index, reason=(refused.sentence % refused.params).rstrip("."))
