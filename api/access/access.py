"""Who may read what: pure functions of what stands in the log and of who asks.

=====================  ========================================================================
checkpoints, proofs    everyone: they hold hashes only
registrations          enterprises, sites, parks, products, accreditations, factors, systems of
                       indicators, the log's rules: anyone with a token
leaf records           auditors, the statement's subject and its issuer
footprint              its parties, named grantees, auditors; everyone if public
recipe, production,    their parties, named grantees, auditors; an inventory also the park of a
inventory, purchases,  membership that carries the site owner's consent and covers the period;
downstream, holdings   meters and readings as the inventory of their site
key, delegation,       those they name, auditors, the operator
membership, transfer,
...
attestation            its verifier, auditors, and with the statement it is about
product figure         the product's owner, auditors, whom its *footprint* is disclosed to
contributions          the product's owner, auditors, whom its *contributions* are disclosed to
figures of a park or   its owner, auditors, whom its *figure* is disclosed to
an enterprise
=====================  ========================================================================

What exists is no secret among token holders, so a figure that is closed to the caller answers
``not-disclosed`` (403). Statements are: one that the caller may not read answers as one that is
not there (404).

A figure that may be read is also judged by the rule of three (``api.access.rule_of_three``), from
its owner's point of view, since disclosing it on is the owner's act. A product's owner looks into
its own products, and into those whose contributions it was granted; a product whose footprint it
may read tells it nothing new; the owners of the other products where the walk upstream ends must be
none or three. A supplier that states nothing, or nothing but zero, does not count towards three.
The books of an enterprise are walked alike. A park knows its tenants instead: those that have not
agreed to small aggregates, and those whose inventories it may not read, are none or three each.

What stays open, and is for the operator to weigh: a reader that keeps copies of a live figure sees
it change when a supplier states something new, and can subtract; an owner that changes the amounts
in its recipes, or compares years, products or GWP sets, gets several sums over the same suppliers;
a sum over three in which one is nearly everything is nearly that one's figure; and the split by
gas of a disclosed footprint reaches its buyers also where its own figure adds gases up. Questions
about earlier positions of the log, which would make the first of these exact, are refused where a
figure contains undisclosed parts. So are questions as of a day, which cut the same data again; they
also count a member's site for days on which it was no member, and an enterprise's for days on which
it was another's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, cast

import numpy as np

from api.access.rule_of_three import LEAST, allows
from api.callers import Caller
from api.errors import (
    DayNotDisclosed,
    EarlierPositionNotDisclosed,
    FewerThanThree,
    FewerThanThreeTenants,
    NotDisclosed,
    TokenMissing,
)
from graph.engine import Books, Question, memberships_of
from graph.errors import UnknownBoundary, UnknownProduct
from graph.figures.boundary import COUNTED_INSIDE
from graph.reading.network import Network, Node
from graph.reading.year import Place
from graph.solving.solved import Solved
from graph.terms import Feed
from graph.tracing.frontier import View, view_from
from ledger import jws
from ledger.entry import Entry
from ledger.schema import load
from ledger.standing import Said, Standing
from ledger.statements import (
    Body,
    Consent,
    Delegation,
    Disclosure,
    Downstream,
    Figure,
    Footprint,
    Holdings,
    Inventory,
    Membership,
    Meter,
    NaturalKey,
    Period,
    Production,
    Purchases,
    Readings,
    Recipe,
    Statement,
    Transfer,
)

REGISTRATIONS: Final = (
    "enterprise",
    "site",
    "park",
    "product",
    "policy",
    "recovery",
    "accreditation",
    "factors",
    "indicators",
)
ADMINISTRATIVE: Final = (
    "genesis",
    "key",
    "revocation",
    "delegation",
    "membership",
    "disclosure",
    "transfer",
    "erasure",
    "withdrawal",
)


@dataclass(frozen=True)
class Sight:
    """What the figure of a product or an enterprise shows, and what it hides.

    ``view`` is the walk upstream; ``hidden`` maps the undisclosed nodes of its frontier to their
    owners. ``open_nodes`` may be looked into.
    """

    view: View
    hidden: Mapping[int, str]

    @cached_property
    def open_nodes(self) -> frozenset[int]:
        return frozenset(map(int, self.view.open))


@dataclass(frozen=True)
class Tenants:
    """The tenants behind a park's figure, as far as somebody must be protected from the reader.

    ``guarded`` have not agreed to small aggregates; ``unread`` keep their inventories from the
    park. Neither contains the park's own enterprise.
    """

    guarded: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Access:
    """What ``caller`` may read of what stands.

    ``standing`` is that of the whole log, also for questions about earlier positions: what was
    closed since is closed for them too.
    """

    standing: Standing
    caller: Caller
    _consents: dict[str, tuple[str | None, Consent]] = field(
        default_factory=dict, compare=False, repr=False
    )

    # -- what was said -----------------------------------------------------------------------

    @property
    def may_read_registrations(self) -> bool:
        """Whether names, identifiers and units of what is registered are shown."""
        return not self.caller.is_anonymous

    def may_read_entry(self, entry: Entry) -> bool:
        """Whether the caller may have the leaf record, the envelope and the receipt of an entry."""
        if self.caller.is_auditor:
            return True
        common = entry.statement.common
        return self._is(common.subject, common.iss)

    def may_read_said(self, said: Said) -> bool:
        """Whether the caller may read a statement that stands."""
        return self.may_read_statement(said.statement)

    def may_read_statement(self, statement: Statement) -> bool:
        """Whether the caller may read a statement, whether or not it still stands.

        What is granted is granted for what a thing's statements said before as well.
        """
        common, body = statement.common, statement.body
        if self.caller.is_auditor or self._is(common.subject, common.iss, *self._named_in(body)):
            return True
        if statement.type in REGISTRATIONS:
            return self.may_read_registrations
        if statement.type in ADMINISTRATIVE:
            return self.caller.role == "operator"
        return self._is_granted(body, common.subject)

    def _named_in(self, body: Body) -> Iterator[str | None]:
        match body:
            case Delegation():
                yield body.delegate
            case Membership():
                yield self.standing.owner_of("park", body.park)
                yield self.standing.owner_of("site", body.site)
            case Disclosure():
                yield body.grantee
            case Transfer():
                yield body.to

    def _is_granted(self, body: Body, subject: str) -> bool:
        match body:
            case Footprint():
                return self.grants("footprint", body.product)
            case Recipe():
                return self.grants("recipe", body.product)
            case Production():
                return any(self.grants("production", each) for each in (body.product, body.site))
            case Purchases():
                return self.grants("purchases", body.site)
            case Downstream():
                return self.grants("downstream", body.product)
            case Holdings():
                return self.grants("holdings", body.enterprise)
            case Inventory() | Readings():
                return self._may_read_books(body.site, body.period, subject)
            case Meter():
                granted = self.grants("inventory", body.site)
                return granted or self._consented(body.site, None, subject)
            case Figure():
                return self.grants("figure", body.object.id)
        return False

    def may_read_place(self, place: Place) -> bool:
        """Whether the caller may read what is said of a site's inventory on the days of a place,
        and what its meters counted on them."""
        owner = self.standing.owner_on("site", place.site, place.start)
        if owner is None:
            return False
        days = Period(start=place.start, end=place.end)
        is_its_own = self.caller.is_auditor or self._is(owner)
        return is_its_own or self._may_read_books(place.site, days, owner)

    def _may_read_books(self, site: str, period: Period, by: str) -> bool:
        return self.grants("inventory", site) or self._consented(site, period, by)

    def _consented(self, site: str, period: Period | None, by: str) -> bool:
        """Whether the caller runs a park that ``by`` lets read what it said of this period; without
        one, of any days."""
        return any(
            (period is None or _covers(membership, period))
            and self._is(self.standing.owner_of("park", membership.park))
            and self.consent_of(membership, by) is not None
            for membership in self._memberships
            if membership.site == site
        )

    @cached_property
    def _memberships(self) -> tuple[Membership, ...]:
        return tuple(
            cast(Membership, said.statement.body) for said in self.standing.statements("membership")
        )

    def consent_of(self, membership: Membership, by: str | None) -> Consent | None:
        """What ``by`` signed as the site's owner; the log verified it, and that its dates are the
        same. Whoever takes over the site has not agreed to anything yet.

        The owner takes it back by closing the site's inventory to the park's enterprise with a
        disclosure at level *private*.
        """
        park = self.standing.owner_of("park", membership.park)
        if membership.consent is None or self._is_closed("inventory", membership.site, park):
            return None
        if membership.consent not in self._consents:
            envelope = jws.parse(membership.consent.encode(), jws.CONSENT_TYP)
            key = self.standing.find(NaturalKey("key", (envelope.kid,)))
            owner = key.owner if key else None
            self._consents[membership.consent] = owner, load(Consent, envelope.payload)
        owner, consent = self._consents[membership.consent]
        return consent if owner == by else None

    # -- disclosures -------------------------------------------------------------------------

    def grants(self, kind: str, about: str) -> bool:
        """Whether a disclosure opens ``kind`` of a product, site, park or enterprise to the caller.

        ``kind`` is one of ``ledger.statements.DISCLOSED``.
        """
        return self.granted_to(self.caller.enterprise, kind, about)

    def granted_to(self, enterprise: str | None, kind: str, about: str) -> bool:
        """Whether a disclosure opens something to an enterprise, by name or to everyone."""
        named = enterprise is not None and self._level(kind, about, enterprise) == "named"
        return named or self.is_public(kind, about)

    def is_public(self, kind: str, about: str) -> bool:
        """Whether it is open to everyone, with or without a token."""
        return self._level(kind, about, "public") == "public"

    def _is_closed(self, kind: str, about: str, enterprise: str | None) -> bool:
        return enterprise is not None and self._level(kind, about, enterprise) == "private"

    def _level(self, kind: str, about: str, grantee: str) -> str | None:
        said = self.standing.find(NaturalKey("disclosure", (kind, about, grantee)))
        return cast(Disclosure, said.statement.body).level if said else None

    def require(self, kind: str, entity: str, disclosed: str) -> None:
        """Whether ``disclosed`` information about a product, park or enterprise is open at all.

        Raises TokenMissing where nobody without a token may read it, UnknownProduct or
        UnknownBoundary for what is not registered, and NotDisclosed.
        """
        if self._may_read(kind, entity, disclosed) and self._is_registered(kind, entity):
            return
        self.require_token()
        if not self._is_registered(kind, entity):
            unknown = UnknownBoundary(kind=kind, id=entity)
            raise UnknownProduct(product=entity) if kind == "product" else unknown
        raise NotDisclosed(kind=disclosed, id=entity)

    def require_token(self) -> None:
        """Raises TokenMissing for who might be told with a token; another caller may not be."""
        if self.caller.is_anonymous:
            raise TokenMissing

    def _is_registered(self, kind: str, entity: str) -> bool:
        return self.standing.find(NaturalKey(kind, (entity,))) is not None

    # -- figures of products -----------------------------------------------------------------

    def may_read_footprint_of(self, product: str) -> bool:
        """Whether the caller may read a product's footprint statements and figure."""
        return self._may_read("product", product, "footprint")

    def might_read_footprint_of(self, product: str, size: int) -> bool:
        """Whether the caller may read a product's figure, by what was disclosed among the first
        ``size`` entries and still stands."""
        if self.caller.is_auditor or self._is(self._owner("product", product)):
            return True
        grantees = (each for each in (self.caller.enterprise, "public") if each is not None)
        keys = (NaturalKey("disclosure", ("footprint", product, each)) for each in grantees)
        return any(
            said.index < size and cast(Disclosure, said.statement.body).level != "private"
            for said in map(self.standing.find, keys)
            if said is not None
        )

    def require_footprint(
        self, product: str, solved: Solved, question: Question, site: str | None = None
    ) -> Sight:
        """What the figure of a product shows the caller.

        Raises NotDisclosed, FewerThanThree, EarlierPositionNotDisclosed and DayNotDisclosed.
        """
        self.require("product", product, "footprint")
        return self._sight_of(product, solved, question, site, self._owner("product", product))

    def require_contributions(
        self, product: str, solved: Solved, question: Question, site: str | None = None
    ) -> Sight:
        """What the contributions to a product show the caller, who looks with its own eyes.

        Raises as ``require_footprint``.
        """
        self.require("product", product, "contributions")
        return self._sight_of(product, solved, question, site, self.caller.enterprise)

    def _sight_of(
        self,
        product: str,
        solved: Solved,
        question: Question,
        site: str | None,
        viewer: str | None,
    ) -> Sight:
        network = solved.network
        made = network.nodes_of.get(product, [])
        if site is not None:
            # The mix less one site is the other: of several sites all pass alone, or none is shown.
            for node in made:
                self._judge(self.sight_from(network, [node], viewer), solved, question)
            made = [i for i in made if (place := network.nodes[i].place) and place.site == site]
        sight = self.sight_from(network, made, viewer)
        self._judge(sight, solved, question)
        return sight

    def sight_from(self, network: Network, start: Iterable[int], viewer: str | None) -> Sight:
        """What ``viewer`` sees upstream of nodes it may look into; auditors see everything."""
        view = view_from(network, start, lambda node: self._looks_into(network, node, viewer))
        return Sight(view, self._hidden(network, view, viewer))

    def _looks_into(self, network: Network, i: int, viewer: str | None) -> bool:
        node = network.nodes[i]
        if self.caller.is_auditor or node.owner == viewer:
            return True
        return node.product is not None and self.granted_to(viewer, "contributions", node.product)

    def _hidden(self, network: Network, view: View, viewer: str | None) -> dict[int, str]:
        """Undisclosed nodes at which the view ends, but for those that nothing describes."""
        nodes = ((int(i), network.nodes[i]) for i in view.frontier)
        return {
            i: node.owner
            for i, node in nodes
            if node.feed is not Feed.NONE
            and not self.granted_to(viewer, "footprint", cast(str, node.product))
        }

    def _judge(self, sight: Sight, solved: Solved, question: Question) -> None:
        if not sight.hidden:
            return
        weighing = {owner for i, owner in sight.hidden.items() if np.any(solved.footprints[i])}
        if len(weighing) < LEAST:
            raise FewerThanThree(problems=tuple(self._in_the_way(sight, solved.network)))
        _refuse_further_cut(question)

    def _in_the_way(self, sight: Sight, network: Network) -> Iterator[tuple[str, str]]:
        """The products to ask for, told only to those whose own recipes name them."""
        own = [i for i in sight.open_nodes if self._is(network.nodes[i].owner)]
        drawn = {int(supplier) for i in own for supplier in network.suppliers_of(i)}
        for i in sorted(drawn & sight.hidden.keys()):
            node = network.nodes[i]
            yield f"/v1/products/{node.product}", node.name

    def may_know_inputs_of(self, node: Node) -> bool:
        """Whether the caller may know what a product is made from, or what a site took in."""
        if self.caller.is_auditor or self._is(node.owner):
            return True
        if node.product is not None:
            return any(self.grants(kind, node.product) for kind in ("contributions", "recipe"))
        return node.place is not None and self.grants("purchases", node.place.site)

    # -- figures of parks and enterprises ----------------------------------------------------

    def require_suppliers(self, books: Books, question: Question) -> Sight:
        """What an enterprise's books show of its suppliers, from its own point of view.

        Raises FewerThanThree, EarlierPositionNotDisclosed and DayNotDisclosed.
        """
        solved = books.answered.solved
        inside = nodes_inside(books)
        sight = self.sight_from(solved.network, inside, books.id)
        self._judge(sight, solved, question)
        if question.valid_on is not None and self._holds_what_was_handed_over(books):
            raise DayNotDisclosed
        return sight

    def _holds_what_was_handed_over(self, books: Books) -> bool:
        """Whether a site inside belonged to somebody else on other days of the year."""
        year, standing = books.answered.year, books.answered.standing
        return not self.caller.is_auditor and any(
            place.start < day < place.end
            for place in books.places
            for day in standing.transfer_days("site", place.site)
            if day.year == year
        )

    def require_tenants(self, books: Books, question: Question) -> Tenants:
        """Which tenants a park's books must protect from the caller.

        Raises FewerThanThreeTenants, EarlierPositionNotDisclosed and DayNotDisclosed.
        """
        tenants = self.tenants_of(books)
        if not (allows(len(tenants.guarded)) and allows(len(tenants.unread))):
            raise FewerThanThreeTenants
        if tenants.guarded or tenants.unread:
            _refuse_further_cut(question)
        return tenants

    def tenants_of(self, books: Books) -> Tenants:
        """Which tenants a park's books must protect from the caller, however few.

        Only tenants that have stated something in the year count.

        Consents are looked for among the memberships that drew the books and among those in force
        now: a consent that is not among both protects nobody less. As of a day a site counts for
        its whole year, so that a consent for a part of it is none.
        """
        if self.caller.is_auditor:
            return Tenants()
        network, owner = books.answered.solved.network, self._owner("park", books.id)
        known = {owner}
        if not self.is_public("figure", books.id):
            known.add(self.caller.enterprise)
        told = {network.nodes[i].owner for i in nodes_inside(books)} - known
        guarded, unread = set[str | None](), set[str | None]()
        for membership in self._memberships_behind(books):
            tenant = self.standing.owner_of("site", membership.site)
            consent = self.consent_of(membership, tenant) if _tells(membership, books) else None
            if consent is None or not consent.small_aggregates:
                guarded.add(tenant)
            if consent is None and not self.granted_to(owner, "inventory", membership.site):
                unread.add(tenant)
        return Tenants(frozenset(told & guarded), frozenset(told & unread))

    def _memberships_behind(self, books: Books) -> Iterator[Membership]:
        for standing in (books.answered.standing, self.standing):
            for said in memberships_of(standing, books.id):
                membership = cast(Membership, said.statement.body)
                if _touches(membership, books.answered.year):
                    yield membership

    def sees_member(self, park: str, site: str) -> bool:
        """Whether the caller may know what a site of a park left unsaid.

        The park's enterprise and the site's may; a public figure tells others only how many sites.
        """
        parties = (self._owner("park", park), self.standing.owner_of("site", site))
        return self.caller.is_auditor or self._is(*parties)

    # -- in common ---------------------------------------------------------------------------

    def _is(self, *enterprises: str | None) -> bool:
        return self.caller.enterprise is not None and self.caller.enterprise in enterprises

    def _owner(self, kind: str, entity: str) -> str | None:
        return entity if kind == "enterprise" else self.standing.owner_of(kind, entity)

    def _may_read(self, kind: str, entity: str, disclosed: str) -> bool:
        if self.caller.is_auditor or self._is(self._owner(kind, entity)):
            return True
        return self.grants(disclosed, entity)


def nodes_inside(books: Books) -> list[int]:
    """Nodes that a boundary's books count: those of its places that recipes or books describe."""
    places, nodes = set(books.places), books.answered.solved.network.nodes
    return [i for i, n in enumerate(nodes) if n.place in places and n.feed in COUNTED_INSIDE]


def is_further_cut(question: Question) -> bool:
    """Whether it cuts through data that the answer about the year and the whole log adds up."""
    return question.at is not None or question.valid_on is not None


def _refuse_further_cut(question: Question) -> None:
    if question.at is not None:
        raise EarlierPositionNotDisclosed
    if question.valid_on is not None:
        raise DayNotDisclosed


def _tells(membership: Membership, books: Books) -> bool:
    """Whether the days of a membership are those that the books count of its site."""
    if books.answered.valid_on is None:
        return True
    year = books.answered.year
    return _covers(membership, Period(start=dt.date(year, 1, 1), end=dt.date(year + 1, 1, 1)))


def _covers(membership: Membership, period: Period) -> bool:
    ends = membership.end or dt.date.max
    return membership.start <= period.start and period.end <= ends


def _touches(membership: Membership, year: int) -> bool:
    ends = membership.end or dt.date.max
    return membership.start < dt.date(year + 1, 1, 1) and ends > dt.date(year, 1, 1)
