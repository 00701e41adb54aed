"""Which entries are suspect: signed, or resting on what was signed, when a key was compromised.

A revocation with ``compromisedSince`` (or a recovery, for the registrar's key) says that from a
ledger time on others may have signed with the key. Everything that it signed since then is suspect,
and so is, for as long as nothing sound takes its place,

* what was signed with a key while the last word on that key was suspect (a thief with the
  registrar's key can register keys);
* what was said on behalf while every delegation that allowed it was suspect;
* what was said of a site or product by an enterprise that owns it through suspect transfers alone;
* a transfer that the new owner accepted with a suspect key;
* a consent that a suspect key signed: its membership stands without it.

A revocation may itself be suspect: it counts unless one that comes later, and counts, says so. As
a revoked key signs nothing afterwards, an entry is only ever made suspect by a later one, and going
through the revocations from the last to the first decides them all.

    soundness(n) = f(key events among the first n entries)

so an auditor with those entries computes the same. Nothing is deleted: suspect entries leave what
stands (their chain falls back to its last sound statement), are listed, and come back when their
owner says them again with a sound key.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, TypeAlias

from ledger import jws
from ledger.case import day_of
from ledger.statements import (
    Delegation,
    Genesis,
    Key,
    Membership,
    Recovery,
    Revocation,
    Statement,
    Transfer,
    Withdrawal,
    roles_for,
)

EVENTS: Final = ("key", "revocation", "recovery", "delegation", "transfer")
"""The chains that decide, with the genesis, who could say what."""
_OPERATOR_SAYS: Final = frozenset({"revocation", "delegation", "transfer", "figure", "erasure"})
"""Types that the operator says for others without their delegation."""

_Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Signed:
    """An entry, as far as it matters here; ``time`` in ledger milliseconds.

    ``objects`` are the site and product that it speaks of, where it speaks of such.
    """

    index: int
    time: int
    kid: str
    type: str
    subject: str
    chain: str
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One of the entries that `EVENTS` names, or the genesis, with what it says."""

    signed: Signed
    statement: Statement


def event_of(signed: Signed, statement: Statement) -> Event:
    """A key event, with the object that it speaks of if it is a transfer."""
    body = statement.body
    objects = (body.object.id,) if isinstance(body, Transfer) else ()
    return Event(replace(signed, objects=objects), statement)


@dataclass(frozen=True, slots=True)
class Compromise:
    """Entry ``cause`` says: from ``since`` (ledger ms) on others may have signed with ``kid``."""

    kid: str
    since: int
    cause: int


@dataclass(frozen=True, slots=True)
class Span:
    """Entries ``[start, end)``; ``cause`` is the entry that made them suspect."""

    start: int
    end: int
    cause: int


_NEVER: Final = 2**63 - 1


@dataclass(frozen=True)
class Soundness:
    """What is suspect in a prefix, by the keys, delegations and transfers that are.

    ``spans``: by key, the entries during which its own registration was suspect. ``allowed``: for
    (subject, delegate), what was said of the delegation. ``usurped``: by (object, enterprise), the
    entries during which the enterprise owned it through suspect transfers alone. ``unaccepted``:
    the transfers that a suspect key accepted, with the cause. ``enterprises``: whose a key is.
    ``corrections``: the entries that may have made sound again what an earlier one
    had made suspect.
    """

    compromised: Mapping[str, Compromise] = field(default_factory=dict)
    spans: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    allowed: Mapping[_Pair, Sequence[Allowed]] = field(default_factory=dict)
    usurped: Mapping[_Pair, Sequence[Span]] = field(default_factory=dict)
    unaccepted: Mapping[int, int] = field(default_factory=dict)
    enterprises: Mapping[str, str] = field(default_factory=dict)
    operator: str = ""
    corrections: tuple[int, ...] = ()

    @classmethod
    def of(cls, events: Sequence[Event], feared: Sequence[Compromise] = ()) -> Soundness:
        """Decide from the key events of a prefix, in their order, the genesis first.

        ``feared`` are claims that nobody has stated yet: what if they followed?
        """
        counted: dict[str, Compromise] = {}
        claims = [*_claims(events), *feared]
        signers = {event.signed.index: event.signed.kid for event in events}
        successors = _successors(events)
        tainted: set[str] = set()
        for claim in reversed(claims):
            if claim.kid in counted:
                continue  # the last sound word on a key counts, and what it corrects does not
            doubtful = signers.get(claim.cause) in tainted
            if doubtful and claim.cause in _Pass(events, counted).causes:
                continue
            counted[claim.kid] = claim
            if claim.since != _NEVER:
                tainted |= _reached(claim.kid, successors)
        overruled = (each.cause for each in claims if counted.get(each.kid) is not each)
        first = min(overruled, default=_NEVER)
        corrections = tuple(each.cause for each in claims if each.cause > first)
        return replace(_Pass(events, counted).soundness, corrections=corrections)

    @property
    def is_clean(self) -> bool:
        return all(each.since == _NEVER for each in self.compromised.values())

    def key_cause(self, kid: str, index: int, time: int) -> int | None:
        """The entry that makes what a key signed at ``index`` and ``time`` suspect, if one does."""
        own = self.compromised.get(kid)
        if own is not None and time >= own.since and index < own.cause:
            return own.cause
        return _cause_within(self.spans.get(kid, ()), index)

    def cause(self, entry: Signed) -> int | None:
        """The entry that makes this one suspect; ``None`` if it is sound, as the genesis always is.

        A recovery is sound too: the offline keys vouch for it.
        """
        if entry.type in ("genesis", "recovery"):
            return None
        if (cause := self.key_cause(entry.kid, entry.index, entry.time)) is not None:
            return cause
        if (cause := self._unsupported(entry)) is not None:
            return cause
        if (cause := self.unaccepted.get(entry.index)) is not None:
            return cause
        owned = (self.usurped.get((each, entry.subject), ()) for each in entry.objects)
        return _cause_within(chain.from_iterable(owned), entry.index)

    def consent_cause(self, membership: Membership, index: int, time: int) -> int | None:
        """The entry that voids the consent in a membership stated at ``index`` and ``time``."""
        if membership.consent is None or self.is_clean:
            return None
        signer = jws.parse(membership.consent.encode(), jws.CONSENT_TYP).kid
        return self.key_cause(signer, index, time)

    def _unsupported(self, entry: Signed) -> int | None:
        """Why nothing sound allowed to speak on behalf; ``None`` if something did, or none need."""
        speaker = self.enterprises.get(entry.kid, "")
        by_operator = speaker == self.operator and entry.type in _OPERATOR_SAYS
        said = self.allowed.get((entry.subject, speaker), ())
        for_itself = speaker == entry.subject
        if for_itself or by_operator or roles_for(entry.type) == ("registrar",) or not said:
            return None
        live: dict[str, dt.date] = {}
        cause = None
        for each in said:
            if each.index < entry.index and each.cause is not None:
                cause = each.cause if entry.index < each.cause else cause
            elif each.index < entry.index:
                live[each.chain] = each.until
        return None if any(until >= day_of(entry.time) for until in live.values()) else cause


NOTHING_SUSPECT: Final = Soundness()


def unsettles(statement: Statement) -> bool:
    """Whether a statement can make earlier ones suspect, or sound again."""
    return isinstance(statement.body, Revocation | Recovery)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Said at ``index``: one enterprise speaks for another until a day; ``cause`` if suspect."""

    index: int
    chain: str
    until: dt.date
    cause: int | None


def _cause_within(spans: Iterable[Span], index: int) -> int | None:
    # Whoever revokes a key by its successor takes back what that said before, and not this word.
    ends = ((span, min(span.end, span.cause)) for span in spans)
    return next((span.cause for span, end in ends if span.start < index < end), None)


def _claims(events: Sequence[Event]) -> Iterator[Compromise]:
    """What revocations and recoveries say; one without a compromise corrects those before it."""
    registrar = ""
    for event in events:
        index, body = event.signed.index, event.statement.body
        if isinstance(body, Revocation):
            yield Compromise(body.kid, _milliseconds(body.compromised_since), index)
        if isinstance(body, Recovery):
            yield Compromise(registrar, _milliseconds(body.compromised_since), index)
        if isinstance(body, Genesis | Recovery):
            registrar = body.registrar_key.kid


def _successors(events: Iterable[Event]) -> Mapping[str, set[str]]:
    """The keys that each key ever registered."""
    successors: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if isinstance(event.statement.body, Key):
            successors[event.signed.kid].add(event.statement.body.public.kid)
    return successors


def _reached(kid: str, successors: Mapping[str, set[str]]) -> set[str]:
    """A key, those that it registered, and so on: no other can owe it what it says of keys.

    A revocation needs no delegation, so going through the events once more is for the few that such
    a key signed.
    """
    found, waiting = {kid}, [kid]
    while waiting:
        new = successors.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _milliseconds(since: int | None) -> int:
    return _NEVER if since is None else since * 1000


class _Pass:
    """The events once in their order, given which compromises count.

    ``causes`` are those of the events that turn out to be suspect, by index. The soundness grows
    with each event and judges the next: nothing rests on what comes after it.
    """

    def __init__(self, events: Iterable[Event], compromised: Mapping[str, Compromise]) -> None:
        self.causes: dict[int, int] = {}
        self._spans: dict[str, list[Span]] = defaultdict(list)
        self._allowed: dict[_Pair, list[Allowed]] = defaultdict(list)
        self._usurped: dict[_Pair, list[Span]] = defaultdict(list)
        self._unaccepted: dict[int, int] = {}
        self._enterprises: dict[str, str] = {}
        self._delegations: dict[str, _Pair] = {}
        self._compromised = dict(compromised)
        self.soundness = Soundness()
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        signed, body = event.signed, event.statement.body
        if isinstance(body, Transfer) and body.acceptance is not None:
            self._hear_acceptance(body.acceptance, signed)
        cause = self.soundness.cause(signed)
        if cause is not None:
            self.causes[signed.index] = cause
        match body:
            case Genesis():
                self._begin(event.statement.subject)
                self._enterprises[body.registrar_key.kid] = event.statement.subject
            case Recovery():
                self._enterprises[body.registrar_key.kid] = event.statement.subject
            case Key():
                self._take_key(body.public.kid, signed, cause)
            case Delegation():
                pair = self._delegations[signed.chain] = (signed.subject, body.delegate)
                self._allowed[pair].append(Allowed(signed.index, signed.chain, body.until, cause))
            case Withdrawal():
                pair = self._delegations[signed.chain]
                ended = Allowed(signed.index, signed.chain, dt.date.min, cause)
                self._allowed[pair].append(ended)
            case Transfer():
                self._take_transfer(body, signed, cause)

    def _begin(self, operator: str) -> None:
        self.soundness = Soundness(
            compromised=self._compromised,
            spans=self._spans,
            allowed=self._allowed,
            usurped=self._usurped,
            unaccepted=self._unaccepted,
            enterprises=self._enterprises,
            operator=operator,
        )

    def _take_key(self, kid: str, signed: Signed, cause: int | None) -> None:
        self._enterprises.setdefault(kid, signed.subject)
        _extend(self._spans[kid], signed.index, cause)

    def _hear_acceptance(self, compact: str, signed: Signed) -> None:
        acceptor = jws.parse(compact.encode(), jws.ACCEPTANCE_TYP).kid
        cause = self.soundness.key_cause(acceptor, signed.index, signed.time)
        if cause is not None:
            self._unaccepted[signed.index] = cause

    def _take_transfer(self, body: Transfer, signed: Signed, cause: int | None) -> None:
        # Though it was the owner once: what a thief gives back is not its own again.
        _extend(self._usurped[body.object.id, body.to], signed.index, cause)


def _extend(spans: list[Span], index: int, cause: int | None) -> None:
    """A word that ``cause`` makes suspect begins a span; a sound one ends all that are open.

    One that is made suspect later than the last is doubted for longer.
    """
    last = max((span.cause for span in spans if span.end == _NEVER), default=-1)
    if cause is None:
        spans[:] = [replace(span, end=min(span.end, index)) for span in spans]
    elif cause > last:
        spans.append(Span(index, _NEVER, cause))
