"""What if something else had been said: figures of a prefix that nobody has signed.

    what-if(prefix, changes) = figure(prefix + hypothetical statements)

The changes are statements as the log would take them, or short forms that are put into such. They
are folded into a copy of what stands, which shares all that it does not change, and everything
computed from that is ``Hypothetical``: its prefix has no size, so nothing can publish it, and
nothing here can write. What the log would say to a statement is not asked but for three things that
would make a figure wrong: whose it is, whether its period overlaps another, and whether a
certificate is used up already.

One short form changes no statement: emissions scaled at one product (``ScaleEmissions``) scale the
product's own row of ``E``, whatever statement it came from, and leave what its site emits besides
as it is. A site that states an inventory emits that much whatever its recipes say, so scaling a
recipe would only move emissions to the rest of the site.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import numpy as np

from graph.engine import MOVES_FIGURES, Answered, Engine, Question, Settled
from graph.errors import (
    CertificateWithdrawn,
    GraphError,
    NothingToChange,
    NothingToTakeBack,
    NotSupposable,
    SpeakerUnknown,
)
from graph.figures.boundary import Amount
from graph.figures.certificates import certificates_of
from graph.figures.market import ELECTRIC
from graph.publishing.published import amounts_of
from graph.reading.build import build
from graph.reading.factors import Factor, Ladder
from graph.reading.network import Floats, Ints, Network, Node
from graph.reading.references import Catalogue, Resolved
from graph.reading.year import Place
from graph.solving.characterise import characterise
from graph.solving.solved import Solved
from graph.tracing.explain import Mask
from ledger import jws, strict_base64
from ledger.entry import Entry
from ledger.errors import CertificateUsed, OverlappingPeriods
from ledger.leaf import Leaf
from ledger.schema import dump
from ledger.standing import Said, Standing
from ledger.statements import (
    RESIDUAL_MIX,
    Accreditation,
    Attestation,
    Body,
    Certificate,
    InputLine,
    Membership,
    Periodic,
    Purchases,
    Recipe,
    Reference,
    Statement,
    Withdrawal,
    read,
)
from ledger.statements.certificates import normalised
from ledger.strict_json import dumps

NO_PREFIX: Final = 0
"""The size of the prefix of what is hypothetical: there is none."""
MOST_BOUNDARIES: Final = 200
"""Parks and enterprises that are computed twice, to tell whether they moved."""
MOVED: Final = 1e-9
"""How far a figure moves, relative to itself, before it counts as moved."""

_NOBODYS_KEY: Final = "A" * 43
_NO_SIGNATURE: Final = "A" * 86
_COMMON: Final = frozenset({"v", "log", "jti", "iat", "iss", "subject", "prev"})


# --- Changes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose lines are changed: those in the recipes of a ``product``; in the recipes and purchases
    of a ``site``, an ``enterprise`` or the member sites of a ``park``; or everywhere (``log``)."""

    kind: str = "log"
    id: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """A statement: ``members`` as the log would take them, type included, common ones left out.

    ``subject`` is only asked for where nobody owns yet what the statement is about.
    """

    members: Mapping[str, Any]
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A withdrawal of the statement in force with this digest."""

    digest: str


@dataclass(frozen=True, slots=True)
class ReplaceInput:
    """Lines that mean ``product`` mean ``by`` instead, amount for amount, from whoever makes it."""

    product: str
    by: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class ScaleInput:
    """Lines that mean ``product`` take in ``factor`` times as much of it, with its transport."""

    product: str
    factor: Decimal
    scope: Scope


@dataclass(frozen=True, slots=True)
class RemoveInput:
    """Lines that mean ``product`` are not there, and nor is its transport."""

    product: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class ScaleEmissions:
    """What arises at the product itself is ``factor`` times as much; of a stated footprint, all."""

    product: str
    factor: Decimal


_NodeKey: TypeAlias = tuple[str | None, Place | None]
"""Product and place: what makes nodes of two networks the same."""
FigureNumbers: TypeAlias = tuple[str, Mapping[str, Amount]]
"""The name of what a figure is of, and its numbers by name."""
Change: TypeAlias = Say | TakeBack | ReplaceInput | ScaleInput | RemoveInput | ScaleEmissions


# --- What would stand ------------------------------------------------------------------------


@dataclass(frozen=True)
class Supposed:
    """What would stand, and by how much the emissions of some products would differ.

    ``said`` are the hypothetical statements, unsigned, in their order.
    """

    standing: Standing
    said: tuple[Statement, ...] = ()
    factors: Mapping[str, float] = field(default_factory=dict)


def suppose(standing: Standing, changes: Iterable[Change]) -> Supposed:
    """What would stand after ``changes``, each on top of those before it; ``standing`` stays.

    Raises ``NotSupposable``, ``SpeakerUnknown``, ``NothingToTakeBack``, ``NothingToChange``,
    ``OverlappingPeriods``, ``CertificateUsed``, ``CertificateWithdrawn``, and a
    ``StatementMalformed`` for members that their type refuses.
    """
    supposed = Supposed(standing)
    for change in changes:
        supposed = _after(supposed, change)
    return supposed


def _after(supposed: Supposed, change: Change) -> Supposed:
    match change:
        case Say():
            return _saying(supposed, change.members, change.subject)
        case TakeBack():
            said = in_force(supposed.standing, change.digest)
            return _without(supposed, said)
        case ScaleEmissions():
            earlier = supposed.factors.get(change.product, 1.0)
            factors = {**supposed.factors, change.product: earlier * float(change.factor)}
            return replace(supposed, factors=factors)
        case _:
            return _rewriting(supposed, change)


def _saying(supposed: Supposed, members: Mapping[str, Any], subject: str | None) -> Supposed:
    standing = supposed.standing
    kind = members.get("type")
    if kind not in MOVES_FIGURES:
        raise NotSupposable("/type", type=kind, choices=", ".join(MOVES_FIGURES))
    speaker = _speaker(standing, members) or subject
    if speaker is None:
        raise SpeakerUnknown(type=kind)
    signed = _accredited_until(standing, speaker) if kind == Attestation.TYPE else 0
    envelope = unsigned(members, speaker, standing.size, iat=signed)
    statement = read(envelope)
    _check_periods(standing, statement.body)
    _check_serials(standing, statement.body)
    said = standing.find(statement.body.natural_key(speaker))
    entry = _entry(envelope, statement, standing.size, said.opening if said else None)
    return replace(supposed, standing=standing.after_entry(entry), said=(*supposed.said, statement))


def _without(supposed: Supposed, said: Said) -> Supposed:
    """What would stand if ``said`` were withdrawn."""
    standing = supposed.standing
    body = {"type": Withdrawal.TYPE, "reason": "a hypothesis"}
    envelope = unsigned(body, said.owner, standing.size, prev=said.digest)
    statement = read(envelope)
    entry = _entry(envelope, statement, standing.size, said.opening)
    return replace(supposed, standing=standing.after_entry(entry), said=(*supposed.said, statement))


def without(standing: Standing, fallen: Iterable[Said]) -> Standing:
    """What would stand if some of what stands were withdrawn."""
    supposed = Supposed(standing)
    for said in fallen:
        supposed = replace(_without(supposed, said), said=())
    return supposed.standing


def in_force(standing: Standing, digest: str) -> Said:
    """What stands with a digest, among what figures are computed from.

    Raises ``NothingToTakeBack``.
    """
    for kind in MOVES_FIGURES:
        for said in standing.statements(kind):
            if said.digest == digest:
                return said
    raise NothingToTakeBack("/withdraw", digest=digest)


def _accredited_until(standing: Standing, verifier: str) -> int:
    """The last day of an accreditation, in seconds since 1970: an opinion that is supposed would be
    signed while its verifier may; 0 where it never may, and then the opinion counts for nothing."""
    held = (said.statement.body for said in standing.about(Accreditation.TYPE, verifier))
    last = max((cast(Accreditation, each).until for each in held), default=None)
    return 0 if last is None else int(dt.datetime.combine(last, dt.time(), dt.UTC).timestamp())


def unsigned(
    members: Mapping[str, Any], speaker: str, size: int, prev: str | None = None, iat: int = 0
) -> jws.Envelope:
    """An envelope that nobody signed: its key is nobody's, so that no log would ever take it."""
    common: dict[str, Any] = {
        "v": 1,
        "log": {"origin": "nowhere"},
        "jti": f"hypothesis-{size:020}",
        "iat": iat,
        "iss": speaker,
        "subject": speaker,
    }
    body = {name: value for name, value in members.items() if name not in _COMMON}
    payload = {**body, **common} | ({"prev": prev} if prev else {})
    header = {"alg": "EdDSA", "kid": _NOBODYS_KEY, "typ": jws.STATEMENT_TYP}
    parts = (*(strict_base64.to_url(dumps(part)) for part in (header, payload)), _NO_SIGNATURE)
    return jws.parse(".".join(parts).encode("ascii"))


def is_hypothetical(said: Said) -> bool:
    """Whether nobody has signed what stands here."""
    return said.statement.envelope.kid == _NOBODYS_KEY


def _entry(envelope: jws.Envelope, statement: Statement, index: int, opening: str | None) -> Entry:
    leaf = Leaf(
        envelope=hashlib.sha256(envelope.compact).hexdigest(),
        signed=statement.digest,
        type=statement.type,
        kid=_NOBODYS_KEY,
        chain=opening or statement.digest,
        time=0,
    )
    return Entry(index, leaf, envelope.compact)


def _speaker(standing: Standing, members: Mapping[str, Any]) -> str | None:
    """Who owns what a statement is about, and would have to say it."""
    kind, at = str(members["type"]), members.get
    if kind == "enterprise":
        return _text(at("id"))
    if kind == "transfer":
        thing = at("object")
        named = thing if isinstance(thing, Mapping) else {}
        return standing.owner_of(str(named.get("type")), str(named.get("id")))
    if kind == "membership":
        return standing.owner_of("park", str(at("park")))
    if kind in ("product", "site", "park"):
        return standing.owner_of(kind, str(at("id")))
    if kind == Certificate.TYPE and "park" in members:
        return standing.owner_of("park", str(at("park")))
    about = "product" if "product" in members else "site"
    return standing.owner_of(about, str(at(about)))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _check_periods(standing: Standing, body: Body) -> None:
    """A day must not count twice. Raises ``OverlappingPeriods``."""
    if not isinstance(body, Periodic):
        return
    for said in standing.about(body.TYPE, body.about[0]):
        other = cast(Periodic, said.statement.body)
        same_days = other.period == body.period or not other.period.overlaps(body.period)
        if other.about == body.about and not same_days:
            raise OverlappingPeriods(
                "/period", period=body.period.text, other=other.period.text, digest=said.digest
            )


def _check_serials(standing: Standing, body: Body) -> None:
    """A certificate must not be used twice. Raises ``CertificateUsed``, ``CertificateWithdrawn``.

    Of what is withdrawn only the first number is known here, not how many there were.
    """
    if not isinstance(body, Certificate):
        return
    own = body.natural_key("")
    wanted = frozenset(map(normalised, body.serials))
    for said in standing.statements(Certificate.TYPE):
        other = cast(Certificate, said.statement.body)
        is_own = other.natural_key("") == own and _user(standing, other) == _user(standing, body)
        same = other.registry == body.registry and not is_own
        numbers = map(normalised, other.serials)
        twice = min(wanted.intersection(numbers), default=None) if same else None
        if twice is not None:
            entry = said.index
            raise CertificateUsed("/serial", registry=body.registry, serial=twice, entry=entry)
    for key in standing.ever_said(Certificate.TYPE):
        registry, serial = key.parts
        if registry == body.registry and normalised(serial) in wanted and not standing.find(key):
            raise CertificateWithdrawn("/serial", registry=registry, serial=serial)


def _user(standing: Standing, body: Certificate) -> str | None:
    """Whose the park is, or whose the site was at the end of the year."""
    if body.site is None:
        return standing.owner_of("park", str(body.park))
    return standing.owner_on("site", body.site, body.last_day)


# --- Lines -----------------------------------------------------------------------------------


def _rewriting(supposed: Supposed, change: ReplaceInput | ScaleInput | RemoveInput) -> Supposed:
    standing = supposed.standing
    rewrite = _Rewriter(Catalogue(standing), change)
    changed = False
    for said in _in_scope(standing, change.scope):
        body = cast(Recipe | Purchases, said.statement.body)
        lines = tuple(rewrite.lines(body.inputs))
        if lines != body.inputs:
            members = {"type": body.TYPE, **dump(replace(body, inputs=lines))}
            supposed, changed = _saying(supposed, members, said.owner), True
    if not changed:
        scope = f"{change.scope.kind} {change.scope.id}".strip()
        raise NothingToChange(product=change.product, scope=scope)
    return supposed


def _in_scope(standing: Standing, scope: Scope) -> Sequence[Said]:
    """The recipes and purchases whose lines are meant."""
    if scope.kind == "product":
        return standing.about("recipe", scope.id)
    if scope.kind == "log":
        return (*standing.statements("recipe"), *standing.statements("purchases"))
    sites = sorted(_sites_in(standing, scope))
    return [
        said
        for site in sites
        for kind in ("recipe", "purchases")
        for said in standing.about(kind, site)
    ]


def _sites_in(standing: Standing, scope: Scope) -> Iterator[str]:
    if scope.kind == "site":
        yield scope.id
    if scope.kind == "enterprise":
        yield from (site for site, said in standing.sites.items() if said.owner == scope.id)
    if scope.kind == "park":
        yield from members_of(standing, scope.id)


class _Rewriter:
    """Changes the lines that mean one product, and no others."""

    def __init__(
        self, catalogue: Catalogue, change: ReplaceInput | ScaleInput | RemoveInput
    ) -> None:
        self.catalogue, self.change = catalogue, change

    def lines(self, lines: Iterable[InputLine]) -> Iterator[InputLine]:
        for line in lines:
            carried = line.transport
            if carried is not None and self._means(carried.ref, carried.supplier):
                line = replace(line, transport=self._changed(carried))
            kept = self._changed(line) if self._means(line.ref, line.supplier) else line
            if kept is not None:
                yield kept

    def _means(self, ref: Reference, supplier: str | None) -> bool:
        if ref.product == self.change.product:
            return True
        meant = self.catalogue.resolve(ref, supplier)
        return isinstance(meant, Resolved) and meant.listed.product.id == self.change.product

    def _changed(self, line: Any) -> Any:
        """The line, or the transport of one, as it would be; None: it would not be there."""
        match self.change:
            case RemoveInput():
                return None
            case ReplaceInput(by=by):
                elsewhere = {"site": None} if isinstance(line, InputLine) else {}
                return replace(line, ref=Reference(product=by), supplier=None, **elsewhere)
            case ScaleInput(factor=factor):
                return _scaled(line, factor)


def _scaled(line: Any, factor: Decimal) -> Any:
    carried = getattr(line, "transport", None)
    more = {"transport": _scaled(carried, factor)} if carried is not None else {}
    return replace(line, amount=_plain(line.amount * factor), **more)


def _plain(amount: Decimal) -> Decimal:
    """Without an exponent, as amounts are stated."""
    return Decimal(f"{amount:f}")


# --- What would follow -----------------------------------------------------------------------


@dataclass(frozen=True)
class Hypothetical(Answered):
    """An answer that follows from what nobody said.

    ``at`` is ``NO_PREFIX``, of which no figure can be stated: ``Figure`` refuses an ``asOf`` that
    does not lie in its prefix.
    """


class Supposition(Settled):
    """Answers about what is supposed, in one year and under one GWP set."""

    def __init__(self, answered: Hypothetical) -> None:
        super().__init__(answered)


def supposition(answered: Answered, supposed: Supposed) -> Supposition:
    """What would be answered to the question behind ``answered`` if ``supposed`` stood.

    Raises ``NothingToChange`` where emissions are scaled of a product that has none.
    """
    network = build(supposed.standing, answered.year, answered.valid_on)
    for product, factor in supposed.factors.items():
        network = _with_emissions_scaled(network, product, factor)
    solved = Solved.of(network)
    told = {each.name: getattr(answered, each.name) for each in fields(answered)}
    changed = {
        "standing": supposed.standing,
        "solved": solved,
        "weights": characterise(network.columns, answered.gwp),
        "at": NO_PREFIX,
    }
    return Supposition(Hypothetical(**{**told, **changed}))


def _with_emissions_scaled(network: Network, product: str, factor: float) -> Network:
    nodes = network.nodes_of.get(product, [])
    if not nodes:
        raise NothingToChange(product=product, scope=f"year {network.year}")
    direct: Floats = network.direct.copy()
    direct[nodes] *= factor
    generation = {i: row * factor if i in nodes else row for i, row in network.generation.items()}
    return replace(network, direct=direct, generation=generation)


# --- Before and after ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a figure, kg CO2e, before and after; ``None``: there is no such number."""

    name: str
    before: Amount | None
    after: Amount | None

    @property
    def difference(self) -> float | None:
        """What is known after less what is known before."""
        if self.before is None or self.after is None:
            return None
        return self.after.at_least - self.before.at_least

    @property
    def has_moved(self) -> bool:
        if self.before is None or self.after is None:
            return self.before is not self.after
        pairs = (
            (self.before.at_least, self.after.at_least),
            (self.before.value, self.after.value),
        )
        return any(_differ(one, other) for one, other in pairs)


@dataclass(frozen=True, slots=True)
class Compared:
    """The figure of a product (per declared unit), park or enterprise (of the year)."""

    kind: str
    id: str
    name: str
    numbers: tuple[Number, ...]

    @property
    def has_moved(self) -> bool:
        return any(number.has_moved for number in self.numbers)

    @property
    def main(self) -> Number:
        """The number that the figure is known by: the footprint, or T2."""
        return next(number for number in self.numbers if number.name in ("footprint", "t2"))


def _differ(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) > MOVED * max(abs(one), abs(other))


def compared(
    before: Engine, after: Engine, kind: str, entity: str, question: Question
) -> Compared | None:
    """One figure before and after; ``None`` where neither has one."""
    was, then = (figure_numbers(engine, kind, entity, question) for engine in (before, after))
    return set_side_by_side(kind, entity, was, then)


def set_side_by_side(
    kind: str, entity: str, was: FigureNumbers | None, then: FigureNumbers | None
) -> Compared | None:
    """The numbers of one figure before and after; ``None`` where neither has any."""
    named = then or was
    if named is None:
        return None
    first, second = (told[1] if told else {} for told in (was, then))
    names = dict.fromkeys([*first, *second])
    numbers = tuple(Number(name, first.get(name), second.get(name)) for name in names)
    return Compared(kind, entity, named[0], numbers)


def moved(
    before: Engine, after: Engine, question: Question, most: int = MOST_BOUNDARIES
) -> tuple[tuple[Compared, ...], int]:
    """Everything that moved, parks first, then enterprises and products, the largest first; and how
    many parks and enterprises were not looked at because there are more than ``most``."""
    was, then = before.answer(question), after.answer(question)
    reached = _reached(was, then)
    boundaries = sorted(_boundaries(was, then, reached), key=lambda each: (each[0] != "park", each))
    found = [
        told
        for kind, entity in boundaries[:most]
        if (told := compared(before, after, kind, entity, question)) and told.has_moved
    ]
    for product in sorted({product for product, _ in reached if product}):
        told = compared(before, after, "product", product, question)
        if told and told.has_moved:
            found.append(told)
    order = {"park": 0, "enterprise": 1, "product": 2}
    found.sort(key=lambda each: (order[each.kind], -abs(each.main.difference or 0.0), each.id))
    return tuple(found), max(0, len(boundaries) - most)


def figure_numbers(
    engine: Engine, kind: str, entity: str, question: Question
) -> FigureNumbers | None:
    """The name and the numbers of a figure; ``None`` where there is none."""
    try:
        if kind == "product":
            figure = engine.footprint(entity, question)[1]
            return figure.name, {"footprint": figure.amount}
        books = (engine.park if kind == "park" else engine.enterprise)(entity, question)
    except GraphError:
        return None
    return books.name, amounts_of(books)


def _reached(before: Answered, after: Answered) -> set[_NodeKey]:
    """(product, place) of every node of which something differs, or of what it draws on."""
    was, then = before.solved.network, after.solved.network
    left = {_key(node): i for i, node in enumerate(was.nodes)}
    same = np.array([left.pop(_key(node), -1) for node in then.nodes], dtype=np.int64)
    there = np.flatnonzero(same >= 0)
    differs = np.ones(len(then.nodes), dtype=bool)
    differs[there] = _differing(before, after, same[there], there)
    differed = np.zeros(len(was.nodes), dtype=bool)
    differed[list(left.values())] = True
    differed[same[differs & (same >= 0)]] = True
    return _downstream(before.solved, differed) | _downstream(after.solved, differs)


def _downstream(solved: Solved, marked: Mask) -> set[_NodeKey]:
    reached = solved.plan.downstream_max(marked.astype(np.int64)) > 0
    return {_key(solved.network.nodes[i]) for i in np.flatnonzero(reached)}


def _key(node: Node) -> _NodeKey:
    return node.product, node.place


def _differing(before: Answered, after: Answered, one: Ints, other: Ints) -> Mask:
    """Whether nodes ``one`` before and ``other`` after differ in what is known of themselves or of
    what they draw on."""
    differs = np.zeros(len(one), dtype=bool)
    for was, then in zip(_seen(before), _seen(after), strict=True):
        differs |= was[one] != then[other]
    return differs


def _seen(answered: Answered) -> Iterator[Floats]:
    solved, network, weights = answered.solved, answered.solved.network, answered.weights
    for table in (network.direct, solved.footprints, solved.estimated):
        yield weights.co2e(np.nan_to_num(table))
    yield np.nan_to_num(network.output, nan=-1.0)
    yield network.as_of.astype(np.float64)
    yield solved.open_ended.astype(np.float64)


def _boundaries(
    before: Answered, after: Answered, reached: AbstractSet[_NodeKey]
) -> set[tuple[str, str]]:
    """Parks and enterprises that may have moved."""
    sites = {place.site for _, place in reached if place}
    sites |= _certified(before, after) | _attested(before.standing, after.standing)
    sites |= _on_other_mixes(before, after)
    products = {product for product, _ in reached if product}
    found: set[tuple[str, str]] = set()
    for standing in (before.standing, after.standing):
        found |= {("park", park) for park in standing.parks if sites & members_of(standing, park)}
        owners = {standing.owner_of("site", site) for site in sites}
        owners |= {standing.owner_of("product", product) for product in products}
        found |= {
            ("enterprise", owner) for owner in owners if owner and owner in standing.enterprises
        }
    found |= {("park", park) for park in sites if park in after.standing.parks}
    kinds = ("park", "membership", "enterprise")
    for kind, entity in _touched_since(before.standing, after.standing, kinds):
        kind = "park" if kind == "membership" else kind
        found |= {(kind, entity)} if entity in getattr(after.standing, f"{kind}s") else set()
    return found


def _touched_since(
    before: Standing, after: Standing, kinds: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """(type, id) of what was said of ``kinds`` in between."""
    for pair, index in after.touched.items():
        if pair[0] in kinds and pair[1] and before.touched.get(pair) != index:
            yield pair


def _certified(before: Answered, after: Answered) -> set[str]:
    """Ids of sites and parks for which other certificates are used up."""
    was, then = (certificates_of(each.standing, each.year) for each in (before, after))
    return {holder for holder in {*was, *then} if was.get(holder) != then.get(holder)}


def _on_other_mixes(before: Answered, after: Answered) -> set[str]:
    """Sites that take in power from grids, if other residual mixes stand: these move market-based
    Scope 2 and no footprint."""
    if _mixes(before) == _mixes(after):
        return set()
    return {site for answered in (before, after) for site in _powered(answered)}


def _mixes(answered: Answered) -> Sequence[Factor]:
    return Ladder.of(answered.standing, answered.year).stated("grid", RESIDUAL_MIX)


def _powered(answered: Answered) -> Iterator[str]:
    """Sites that take in electricity; of an owner of whom it is not known at which, all."""
    network, sites = answered.solved.network, answered.standing.sites
    edges = network.edges
    electric = [i for i, node in enumerate(network.nodes) if node.carrier == ELECTRIC]
    taking = edges.consumer[np.isin(edges.supplier, electric)].tolist()
    lacking = (gap.node for gap in network.gaps if gap.grid is not None)
    nodes = [network.nodes[i] for i in {*taking, *lacking}]
    yield from (node.place.site for node in nodes if node.place is not None)
    nowhere = {node.owner for node in nodes if node.place is None}
    yield from (site for site, said in sites.items() if said.owner in nowhere)


def _attested(before: Standing, after: Standing) -> set[str]:
    """Sites of whose inventories somebody attests more or less."""
    digests = {entity for _, entity in _touched_since(before, after, ("attestation",))}
    verifiers = {entity for _, entity in _touched_since(before, after, ("accreditation",))}
    for said in after.statements("attestation") if verifiers else ():
        digests |= {said.key.parts[1]} if said.owner in verifiers else set()
    if not digests:
        return set()
    stated = after.statements("inventory")
    return {said.key.parts[0] for said in stated if said.digest in digests}


def members_of(standing: Standing, park: str) -> set[str]:
    """The sites that ever belong to a park, as far as that stands."""
    members = standing.about("membership", park)
    return {cast(Membership, said.statement.body).site for said in members}
