"""The answers about what changed, as far as the caller may know who changed it.

Numbers of a difference are those that figures at other positions of the log have, and whoever gets
them may ask for all of those. So what is protected here is what they would not say: which entry it
was, and whose. A cause is told where the caller may read the statement and may know that what it
is about is part of the figure; else it is told as something behind a product on the way whose
own figure the caller may read; else it is one sum with all others of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property
from typing import Final, TypeAlias

from flask_babel import gettext

from api.access.access import Access
from api.explanations.answers import step_of
from api.figures.numbers import compact, plain
from api.figures.parts import Answer, name_of, site_name
from api.web.wire import iso_time
from graph.differences.changes import Cause, Difference, Rippled
from graph.differences.whatif import Compared, Number
from graph.engine import Answered, Question, places_of_enterprise, places_of_park
from graph.figures.boundary import Amount
from graph.reading.network import Node
from graph.tracing.frontier import view_from
from ledger.entry import Entry
from ledger.errors import CatchmentError
from ledger.standing import Standing

STATED = "%(who)s stated the %(what)s of %(thing)s"
CORRECTED = "%(who)s corrected the %(what)s of %(thing)s"
WITHDREW = "%(who)s withdrew the %(what)s of %(thing)s"
REGISTERED = "%(who)s registered %(thing)s"
REVISED = "%(who)s revised the registration of %(thing)s"
HANDED_OVER = "%(who)s handed over %(thing)s"
SAID = "%(who)s submitted a statement of the type “%(what)s”"
BEHIND = "Something behind %(thing)s of %(who)s changed"
UNDISCLOSED = "Entries changed that are not disclosed to you"
MOVED = "%(did)s: %(delta)s %(unit)s."
STAYED = "%(did)s; what is known stayed as it was."
SENTENCES: Final = (
    STATED,
    CORRECTED,
    WITHDREW,
    REGISTERED,
    REVISED,
    HANDED_OVER,
    SAID,
    BEHIND,
    UNDISCLOSED,
    MOVED,
    STAYED,
)
"""What entries did, and what came of it."""
MAIN: Final = ("footprint", "t2")
"""The numbers that figures are known by."""
_ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "product": ("product",),
    "site": ("site",),
    "park": ("park",),
    "enterprise": ("enterprise",),
    "footprint": ("product", "site"),
    "recipe": ("product", "site"),
    "production": ("product", "site"),
    "inventory": ("site",),
    "purchases": ("site",),
    "membership": ("site", "park"),
}
"""What the first parts of a natural key are ids of; of memberships, in the order they are told."""
_EXACT: Final = Context(prec=400)

_Thing: TypeAlias = tuple[str, str]


# --- Numbers ---------------------------------------------------------------------------------


def exactly(difference: Decimal) -> str:
    """A plain decimal string with all digits of a difference and no others."""
    text = f"{difference:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if difference else "0"


def shifts(compared: Compared) -> list[Answer]:
    """Numbers that are written differently before and after; then their differences add up."""
    told = (_shift(number) for number in compared.numbers)
    return [each for each in told if each["delta"] != "0" or not _alike(each)]


def ends(compared: Compared) -> list[Answer]:
    """All numbers of a figure before and after."""
    return [_shift(number) for number in compared.numbers]


def _shift(number: Number) -> Answer:
    was, then = number.before, number.after
    delta = _EXACT.subtract(_written(then), _written(was))
    return {"name": number.name, "before": _stand(was), "after": _stand(then),
            "delta": exactly(delta)}  # fmt: skip


def _written(amount: Amount | None) -> Decimal:
    return Decimal(plain(amount.at_least)) if amount else Decimal(0)


def _stand(amount: Amount | None) -> Answer | None:
    return None if amount is None else {"at_least": amount.at_least, "value": amount.value}


def _alike(shift: Answer) -> bool:
    before, after = shift["before"], shift["after"]
    if before is None or after is None:
        return before is after
    return str(plain(before["value"])) == str(plain(after["value"]))


def _summed(together: Iterable[list[Answer]]) -> list[Answer]:
    sums: dict[str, Decimal] = {}
    for numbers in together:
        for each in numbers:
            known = sums.get(each["name"], Decimal(0))
            sums[each["name"]] = _EXACT.add(known, Decimal(each["delta"]))
    return [{"name": name, "delta": exactly(delta)} for name, delta in sums.items()]


def _main(numbers: Iterable[Answer]) -> Decimal:
    return next((Decimal(n["delta"]) for n in numbers if n["name"] in MAIN), Decimal(0))


def _sentence(did: str, numbers: Iterable[Answer], unit: str) -> str:
    delta = _main(numbers)
    if not delta:
        return str(gettext(STAYED) % {"did": did})
    sign = "+" if delta > 0 else "-"
    told = f"{sign}{compact(float(abs(delta)))}"
    return str(gettext(MOVED) % {"did": did, "delta": told, "unit": unit})


# --- What an entry says ----------------------------------------------------------------------


def said_in(entry: Entry, standing: Standing, access: Access) -> Answer:
    """What an entry is, for callers who may know of it; ``standing`` is that right after it.

    Raises PayloadErased.
    """
    things = things_of(entry, standing)
    return {
        "index": entry.index,
        "type": entry.leaf.type,
        "time": iso_time(entry.leaf.time),
        "digest": entry.leaf.signed if access.may_read_entry(entry) else None,
        "about": _about(things[0], standing) if things else None,
        "by": _enterprise(standing, entry.statement.subject),
    }


def things_of(entry: Entry, standing: Standing) -> list[_Thing]:
    """What an entry is about, kind and id; of a withdrawal, what the withdrawn was about."""
    key = standing.key_of(entry.leaf.chain)
    if key is None:
        return []
    if key.type == "transfer":
        kind = "product" if key.parts[0] in standing.products else "site"
        return [(kind, key.parts[0])]
    if key.type == "membership":
        return [("site", key.parts[1]), ("park", key.parts[0])]
    kinds = _ABOUT.get(key.type, ())
    return list(zip(kinds, key.parts[: len(kinds)], strict=True))


def _about(thing: _Thing, standing: Standing) -> Answer:
    kind, entity = thing
    return {"kind": kind, "id": entity, "name": _name(kind, entity, standing)}


def _name(kind: str, entity: str, standing: Standing) -> str:
    if kind == "site":
        return site_name(standing, entity)
    said = getattr(standing, f"{kind}s").get(entity)
    return str(getattr(said.statement.body, "name", entity)) if said else entity


def _enterprise(standing: Standing, enterprise: str) -> Answer:
    return {"id": enterprise, "name": name_of(standing, enterprise) or enterprise}


def _did(entry: Entry, said: Answer, standing: Standing) -> str:
    """What somebody did, as the beginning of a sentence."""
    key = standing.key_of(entry.leaf.chain)
    what = key.type if key else entry.leaf.type
    names = {"what": gettext(what), "who": said["by"]["name"]}
    if said["about"] is None:
        return str(gettext(SAID) % names)
    template = _template(entry, what)
    return str(gettext(template) % {**names, "thing": said["about"]["name"]})


def _template(entry: Entry, what: str) -> str:
    again = entry.statement.common.prev is not None
    if entry.leaf.type == "withdrawal":
        return WITHDREW
    if what == "transfer":
        return HANDED_OVER
    if what in ("product", "site", "park", "enterprise"):
        return REVISED if again else REGISTERED
    return CORRECTED if again else STATED


# --- Who may know ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What of a figure's supply the caller may name at one position of the log.

    ``open`` nodes may be looked into; ``named`` ones are known to be part of it. ``inside`` are
    those of a boundary that the caller runs: what arose at one of them may be told, but not what
    came through it. ``closed``: the product asked about, where it may not be looked into: whether a
    change arose at it or behind it is part of what it consists of.
    """

    answered: Answered
    open: frozenset[int]
    named: frozenset[int]
    inside: frozenset[int]
    own: frozenset[_Thing]
    closed: int | None

    def path(self, path: Sequence[int]) -> tuple[list[int], bool]:
        """As much of a path as may be told, and whether it may go on."""
        if self.closed is not None:
            return [self.closed], True
        told: list[int] = []
        for i in path:
            if i not in self.named or (told and told[-1] not in self.open):
                break
            told.append(i)
        if told and told[0] in self.inside - self.open:
            return (told, False) if len(path) == 1 else ([], True)
        known = bool(told) and len(told) == len(path) and told[-1] in self.open
        return told, not known

    @cached_property
    def things(self) -> frozenset[_Thing]:
        nodes = self.answered.solved.network.nodes
        named = [nodes[i] for i in self.named]
        products = {("product", node.product) for node in named if node.product}
        owners = {("enterprise", node.owner) for node in named}
        sites = {("site", place.site) for i in self.open if (place := nodes[i].place)}
        return frozenset(products | owners | sites | self.own)


@dataclass(frozen=True)
class Eyes:
    """How the caller sees one figure. ``runs``: it is its own park or enterprise.

    Where the judgement let somebody who runs a park see all prefixes, no tenant is protected from
    it: it knows what is inside.
    """

    access: Access
    kind: str
    id: str

    def seen(self, answered: Answered) -> Seen:
        network, may = answered.solved.network, self._looks_into(answered)
        start = self._start(answered)
        view = view_from(network, [i for i in start if may(i)], may)
        opened = frozenset(map(int, view.open))
        edge = {int(i) for i in view.frontier if self._knows(network.nodes[i])}
        own: set[_Thing] = {(self.kind, self.id)}
        if self.kind == "product":
            closed = min(start) if start and not opened else None
            named = opened | edge | set(start)
            return Seen(answered, opened, named, frozenset(), frozenset(own), closed)
        inside = frozenset(start) if self._runs else frozenset[int]()
        own |= {("site", place.site) for i in inside if (place := network.nodes[i].place)}
        return Seen(answered, opened, opened | edge | inside, inside, frozenset(own), None)

    def _looks_into(self, answered: Answered) -> Callable[[int], bool]:
        nodes, access = answered.solved.network.nodes, self.access
        return lambda i: access.may_know_inputs_of(nodes[i])

    def _knows(self, node: Node) -> bool:
        return node.product is not None and self.access.may_read_footprint_of(node.product)

    @cached_property
    def _runs(self) -> bool:
        owner = self.access.standing.owner_of(self.kind, self.id)
        own = self.id if self.kind == "enterprise" else owner
        return self.access.caller.enterprise is not None and self.access.caller.enterprise == own

    def _start(self, answered: Answered) -> list[int]:
        network = answered.solved.network
        if self.kind == "product":
            return list(network.nodes_of.get(self.id, ()))
        places_of = places_of_park if self.kind == "park" else places_of_enterprise
        places = places_of(answered.standing, self.id, answered.year, answered.valid_on)
        return [i for place in places for i in network.nodes_at.get(place, ())]


# --- Differences -----------------------------------------------------------------------------


def diff_answer(
    found: Difference,
    begin: Answered,
    unit: str,
    access: Access,
    entry_at: Callable[[int], Entry],
) -> Answer:
    """``numbers``, ``causes`` and ``undisclosed``: what they come to is the difference.

    ``begin`` is the answer at the earlier prefix. Raises PayloadErased.
    """
    whole = found.whole
    teller = _Teller(access, Eyes(access, whole.kind, whole.id), unit, entry_at)
    before = [begin, *(cause.answered for cause in found.causes)]
    told = [(c, teller.tell(c, was)) for c, was in zip(found.causes, before, strict=False)]
    hidden = [shifts(cause.moved) for cause, row in told if row is None]
    rows = [row for _, row in told if row is not None]
    if hidden:
        rows = [{**row, "numbers": list(map(_delta_only, row["numbers"]))} for row in rows]
    return {
        whole.kind: {"id": whole.id, "name": whole.name},
        "unit": unit,
        "year": found.year,
        "start": found.start,
        "stop": found.stop,
        "numbers": ends(whole),
        "causes": rows,
        "undisclosed": _undisclosed(hidden, unit) if hidden else None,
    }


def _delta_only(shift: Answer) -> Answer:
    """The levels around a cause would split the sum of those that are not told."""
    return {**shift, "before": None, "after": None}


def _undisclosed(hidden: Iterable[list[Answer]], unit: str) -> Answer:
    numbers = _summed(hidden)
    return {"numbers": numbers, "sentence": _sentence(gettext(UNDISCLOSED), numbers, unit)}


@dataclass(frozen=True)
class _Teller:
    access: Access
    eyes: Eyes
    unit: str
    entry_at: Callable[[int], Entry]

    def tell(self, cause: Cause, before: Answered) -> Answer | None:
        """A cause as far as the caller may know it; ``None``: only what it came to.

        ``before``: the answer since which nothing has moved, to tell what is there no more.
        """
        entry = self.entry_at(cause.index)
        if self.access.caller.is_auditor:
            return self._told(cause, entry, cause.path, cut=False)
        seen = self.eyes.seen(cause.answered)
        path, cut = seen.path(cause.path)
        if self._may_know(entry, cause.answered.standing, (self.eyes.seen(before), seen), cut=cut):
            return self._told(cause, entry, path, cut=cut)
        return self._behind(cause, path)

    def _may_know(
        self, entry: Entry, standing: Standing, seen: Iterable[Seen], *, cut: bool
    ) -> bool:
        if not self.access.may_read_statement(entry.statement):
            return False
        things = things_of(entry, standing)
        known = any(not each.things.isdisjoint(things) for each in seen)
        return known if things else not cut

    def _told(self, cause: Cause, entry: Entry, path: Sequence[int], *, cut: bool) -> Answer:
        standing, numbers = cause.answered.standing, shifts(cause.moved)
        said = said_in(entry, standing, self.access)
        return {
            **said,
            "numbers": numbers,
            "path": list(path_steps(cause.answered, path)),
            "cut": cut,
            "sentence": _sentence(_did(entry, said, standing), numbers, self.unit),
        }

    def _behind(self, cause: Cause, path: Sequence[int]) -> Answer | None:
        """As something behind the last product of the path, if its figure may be read there."""
        last = self._readable(cause.answered, path)
        if last is None:
            return None
        standing, numbers = cause.answered.standing, shifts(cause.moved)
        by = _enterprise(standing, last.owner)
        did = gettext(BEHIND) % {"thing": last.name, "who": by["name"]}
        return {
            **dict.fromkeys(("index", "type", "time", "digest")),
            "about": {"kind": "product", "id": last.product, "name": last.name},
            "by": by,
            "numbers": numbers,
            "path": list(path_steps(cause.answered, path)),
            "cut": True,
            "sentence": _sentence(did, numbers, self.unit),
        }

    def _readable(self, answered: Answered, path: Sequence[int]) -> Node | None:
        node = answered.solved.network.nodes[path[-1]] if path else None
        if node is None or node.product is None:
            return None
        if self.eyes.kind == "product" and node.product == self.eyes.id:
            return None
        with suppress(CatchmentError):
            position = position_of(answered)
            self.access.require_footprint(node.product, answered.solved, position)
            return node
        return None


def position_of(answered: Answered) -> Question:
    """The question of a position of the log, whether or not it is the latest."""
    return Question(answered.year, answered.gwp, answered.at, answered.valid_on)


def path_steps(answered: Answered, path: Iterable[int]) -> Iterator[Answer]:
    """The nodes of a path as names."""
    nodes = answered.solved.network.nodes
    yield from (node_step(answered.standing, nodes[i]) for i in path)


def node_step(standing: Standing, node: Node) -> Answer:
    """A product, or the rest of a site, and whose it is."""
    rest = node.place.site if node.product is None and node.place else None
    site = {"id": rest, "name": site_name(standing, rest)} if rest else None
    return {**step_of(standing, node), "site": site}


# --- Waves -----------------------------------------------------------------------------------


def wave_answer(found: Rippled, standing: Standing) -> Answer:
    """Everything that moved, with the way the change came; ``standing`` is right after it."""
    moved = [
        {
            "kind": each.kind,
            "id": each.id,
            "name": each.name,
            "numbers": shifts(each),
            "path": [node_step(standing, node) for node in path],
        }
        for each, path in found.moved
    ]
    return {"year": found.year, "moved": moved, "left": found.left}
