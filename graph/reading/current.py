"""The network of a year while the log grows: what was said since is read, and nothing else.

Everything a year is made of hangs on few things, in one direction:

    what is said → how products are **opened** → what places **bought** → the **account** of each
    node → what is left over at each place (**overhead**) → the arrays of the network

A **wave** goes the same way. It begins with the natural keys of what was said, opens the products
they name anew, and reads only the lines that asked for something that moved (``Read.asked``). A
supplier that corrects a footprint moves its own account alone, and no line of any buyer is read
again; one that changes its declared unit moves the accounts of all who use it. Reading everything
is the same wave with nothing known before, so that a year kept up with the log and a year read from
nothing come out the same.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, cast

from graph.findings import Finding, finding
from graph.reading.accounts import Account, Describer
from graph.reading.arrays import Numbering, Rows, Surroundings, empty_network, revised
from graph.reading.factors import Ladder
from graph.reading.groups import Sets
from graph.reading.links import LADDER, Bought, LineReader, NodeKey
from graph.reading.network import Book, Network
from graph.reading.noticed import Findings, Noticed
from graph.reading.openings import Opened, open_product
from graph.reading.references import Catalogue, Key, Members, Register
from graph.reading.year import Place, Year, is_of_no_site, overruled, products_somewhere
from ledger.standing import Standing
from ledger.statements import NaturalKey

OF_PRODUCTS = ("product", "footprint", "recipe", "production")
"""Statement types whose natural key begins with a product."""
AT_SITES = ("recipe", "production", "footprint")
"""Those of them whose key goes on with a site."""
OF_SITES = ("inventory", "purchases")
CUTS_SITES = {"site": 0, "membership": 1}
"""Types that cut a site's year, or describe it; where their key names the site."""

Unit: TypeAlias = NodeKey | Place
"""What reads lines: a node, or a place that bought things."""


class Readers:
    """Which units must read again when something moves: what each of them last asked for.

    ``begin`` says who asked for what in the beginning; it counts of those that did not since.
    """

    def __init__(self, begin: Callable[[Key], Iterable[Unit]] | None = None) -> None:
        self._begin = begin
        self._units: dict[Key, set[Unit]] = defaultdict(set)
        self.asked: dict[Unit, frozenset[Key]] = {}

    def of(self, key: Key) -> set[Unit]:
        """The units that asked for ``key``."""
        found = set(self._units.get(key, ()))
        if self._begin is not None:
            found.update(unit for unit in self._begin(key) if unit not in self.asked)
        return found

    def ask(self, unit: Unit, keys: frozenset[Key]) -> None:
        """Remember what the lines of a unit depend on from now on."""
        before = self.asked.pop(unit, frozenset())
        for key in before - keys:
            self._units[key].discard(unit)
        for key in keys - before:
            self._units[key].add(unit)
        if keys or self._begin is not None:
            self.asked[unit] = keys

    def fork(self) -> Readers:
        other = Readers(self._begin)
        other.asked = dict(self.asked)
        other._units.update((key, set(units)) for key, units in self._units.items())
        return other


@dataclass
class Wave:
    """One step of a year: where it begins, and what was read anew on its way.

    ``accounts`` are the nodes whose account was made anew, ``gone`` those that are no more;
    ``sites`` are those of which something may be as of a later entry, and ``told_of`` says by which
    products.
    """

    products: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    recut: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)
    accounts: set[NodeKey] = field(default_factory=set)
    gone: set[NodeKey] = field(default_factory=set)
    told_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the network can be other than before."""
        return not (self.accounts or self.gone or self.sites)


class Begun(Findings[Unit | str], Protocol):
    """A year as it was once, looked up where somebody asks."""

    @property
    def network(self) -> Network: ...

    @property
    def table(self) -> Rows: ...

    @property
    def register(self) -> Register[Members]: ...

    def somewhere(self, owner: str | None, /) -> Iterable[str]:
        """The products of an owner that ever had a footprint of no site."""

    def sites_of(self, owner: str | None, /) -> Iterable[str]: ...

    def seats_at(self, place: Place, /) -> Iterable[NodeKey]: ...

    def readers(self, key: Key, /) -> Iterable[Unit]: ...


class CurrentYear:
    """One year at the prefix of ``standing``; ``follow`` takes it further.

    What is opened, bought and in the account of a node follows from what was said and nothing else,
    so it is made where somebody asks for it, and kept. ``begin`` is the year as it was at the
    prefix of ``standing``; without it, everything said is read.
    """

    def __init__(
        self,
        standing: Standing,
        year: int,
        valid_on: dt.date | None = None,
        begin: Begun | None = None,
    ) -> None:
        self.year = Year(standing, year, valid_on)
        self.catalogue = Catalogue(standing, begin.register if begin else None)
        self.somewhere = Sets[str | None, str](begin.somewhere if begin else None)
        self.opened: dict[str, Opened] = {}
        self.bought: dict[Place, Bought] = {}
        self.accounts: dict[NodeKey, Account] = {}
        self.sites_of = Sets[str | None, str](begin.sites_of if begin else None)
        self._seats_at = Sets[Place, NodeKey](begin.seats_at if begin else None)
        self.readers = Readers(begin.readers if begin else None)
        self.numbering = Numbering(begin.table if begin else None)
        self._network = begin.network if begin else empty_network(year)
        self.books = dict(self._network.books)
        self.site_as_of = dict(self._network.site_as_of)
        self.site_owners = dict(self._network.site_owners)
        self.noticed = Noticed[Unit | str](begin)
        self.begin = begin
        self._changed: set[NodeKey] = set()
        self._gone: set[NodeKey] = set()
        self._is_written = begin is not None
        self._ladder = Ladder.of(standing, year)
        if begin is None:
            self._read_all(standing)

    def _read_all(self, standing: Standing) -> None:
        for owner, product in products_somewhere(standing):
            self.somewhere[owner].add(product)
        for site, owner in standing.ever_owned("site"):
            self.sites_of[owner].add(site)
        everything = {listed.product.id for listed in self.catalogue.products()}
        sites = set(standing.sites)
        wave = Wave(everything, sites, recut=set(sites))
        wave.places = {place for site in sites for place in self.year.places(site)}
        for site in sites:
            owned = self.somewhere[standing.owner_of("site", site)]
            wave.told_of[site] = self.year.products_named_at(site) | owned
        self._take_in(wave)

    @property
    def standing(self) -> Standing:
        return self.year.standing

    def fork(self) -> CurrentYear:
        """The same year, to be followed apart from this one."""
        other = copy.copy(self)
        other.catalogue = self.catalogue.fork()
        for name in _MAPPINGS:
            setattr(other, name, dict(getattr(self, name)))
        for name in ("somewhere", "sites_of", "_seats_at", "readers", "noticed"):
            setattr(other, name, getattr(self, name).fork())
        other.numbering = self.numbering.copy()
        other._changed, other._gone = set(self._changed), set(self._gone)
        return other

    def follow(self, standing: Standing, spoken: Iterable[NaturalKey]) -> Wave:
        """Take in what was said since, given the natural keys it was said under.

        Ownership and soundness must be as they were (``graph.keeping.history.REDRAWS``).
        """
        wave, keys = Wave(), list(spoken)
        before, self.year = self.year, self.year.ahead(standing)
        registered = sorted({key.parts[0] for key in keys if key.type == "product"})
        admitted = sorted({key.parts[0] for key in keys if key.type == "enterprise"})
        for key in keys:
            self._begin(wave, key)
        for site in wave.recut:
            wave.products |= before.products_named_at(site) | self.year.products_named_at(site)
            wave.places |= {*before.places(site), *self.year.places(site)}
        for product in wave.products:
            wave.sites |= before.sites_named_with(product)
            for site in self._sites_that_tell_of(product):
                wave.told_of[site].add(product)
        wave.sites |= wave.told_of.keys()
        for product in wave.products:
            self._opened_in(before, product)  # how it looked is compared with how it looks
        wave.keys |= self.catalogue.follow(standing, registered, admitted)
        self._take_in(wave)
        return wave

    def network(self) -> Network:
        """The arrays of the year as it is now; what they share with earlier ones is not copied."""
        if not self._is_written:
            accounts = [self.accounts[key] for key in sorted(self._changed, key=_order)]
            around = self._surroundings()
            self._network = revised(self._network, self.numbering, accounts, self._gone, around)
            self._changed, self._gone = set(), set()
            self._is_written = True
        return self._network

    def number(self, key: NodeKey) -> int:
        """The number of a node in ``network()``."""
        return self.numbering[key]

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            year=self.year.year,
            books=self.books,
            site_owners=self.site_owners,
            site_as_of=self.site_as_of,
            findings=tuple(dict.fromkeys((*self.noticed.findings, *self._overruled()))),
        )

    def _overruled(self) -> Iterator[Finding]:
        sites = set(overruled(self.standing, self.year.year))
        for site in sorted(site for site in sites if site in self.standing.sites):
            yield finding("overruled", site=self.year.site_name(site))

    # -- where a wave begins -----------------------------------------------------------------

    def _begin(self, wave: Wave, key: NaturalKey) -> None:
        kind, parts = key.type, key.parts
        if kind in OF_PRODUCTS:
            wave.products.add(parts[0])
        if kind in AT_SITES:
            self._note_site(wave, key)
        if kind in OF_SITES:
            wave.sites.add(parts[0])
            wave.places |= set(self.year.places(parts[0]))
        if kind in CUTS_SITES:
            site = parts[CUTS_SITES[kind]]
            wave.sites.add(site)
            wave.recut.add(site)
            self.sites_of[self.standing.last_owner_of("site", site)].add(site)
        if kind == "factors":
            wave.keys.add(LADDER)

    def _note_site(self, wave: Wave, key: NaturalKey) -> None:
        product = key.parts[0]
        if key.type == "footprint" and is_of_no_site(key):
            owner = self.standing.last_owner_of("product", product)
            self.somewhere[owner].add(product)
        else:
            wave.sites.add(key.parts[1])

    def _sites_that_tell_of(self, product: str) -> set[str]:
        """Sites whose last word depends on a product: where it is named, or may be made."""
        sites = self.year.sites_named_with(product)
        owner = self.standing.last_owner_of("product", product)
        if product in self.somewhere[owner]:
            sites |= self.sites_of[owner]
        return sites

    # -- the way of a wave -------------------------------------------------------------------

    def _take_in(self, wave: Wave) -> None:
        describer = self._describer(wave)
        for product in sorted(wave.products):
            self._open(wave, product)
        readers = {unit for key in wave.keys for unit in self.readers.of(key)}
        wave.places |= {unit for unit in readers if isinstance(unit, Place)}
        wave.accounts |= {unit for unit in readers if not isinstance(unit, Place)}
        for place in sorted(wave.places):
            self._buy(wave, place, describer)
        for key in sorted(wave.accounts - wave.gone, key=_order):
            self._describe(wave, key, describer)
        for site in sorted(wave.sites):
            self._tell_site(wave, site)
        for place in sorted(wave.places):
            self._leave_over(wave, place, describer)
        for key in wave.gone:
            self._forget(key)
        wave.accounts -= wave.gone
        self._changed = (self._changed | wave.accounts) - wave.gone
        self._gone |= wave.gone
        self._is_written = self._is_written and wave.is_empty

    def _describer(self, wave: Wave) -> Describer:
        if LADDER in wave.keys:
            self._ladder = Ladder.of(self.standing, self.year.year)
        as_of = self.standing.touched.get(LADDER, -1)
        reader = LineReader(self.catalogue, self._opened, self._ladder, as_of)
        return Describer(self.year, reader, self._last_word)

    def _opened(self, product: str) -> Opened:
        return cast(Opened, self._opened_in(self.year, product))

    def _opened_in(self, year: Year, product: str) -> Opened | None:
        """How a product is opened; made in ``year`` if it was not yet."""
        if product not in self.opened:
            if (listed := self.catalogue.product(product)) is None:
                return None
            self.opened[product] = open_product(year, listed)
        return self.opened[product]

    def _bought(self, place: Place | None, describer: Describer) -> Bought:
        """What a place bought, if its site states that."""
        if place is None:
            return Bought()
        if place not in self.bought:
            is_told = self._stands(place) and describer.book(place).has_purchases
            self.bought[place] = describer.bought(place) if is_told else Bought()
        return self.bought[place]

    def _account(self, key: NodeKey, describer: Describer) -> Account:
        """The account of a product's node."""
        if key not in self.accounts:
            product, place = key
            opened = self._opened(cast(str, product))
            seat = next(seat for seat in opened.seats if seat.place == place)
            self.accounts[key] = describer.of_seat(opened, seat, self._bought(place, describer))
        return self.accounts[key]

    def _last_word(self, product: str) -> int:
        """As ``Year.last_word``; of what is opened it is known."""
        opened = self.opened.get(product)
        return opened.last_word if opened else self.year.last_word(product)

    def _open(self, wave: Wave, product: str) -> None:
        listed, before = self.catalogue.product(product), self.opened.pop(product, None)
        after = open_product(self.year, listed) if listed else None
        if after is not None:
            self.opened[product] = after
        wave.keys.add(("word", product))
        if after is None or not after.looks_like(before):
            wave.keys.add(("face", product))
        self.noticed.note(product, after.findings if after else ())
        now = {(product, seat.place) for seat in after.seats} if after else set()
        was = {(product, seat.place) for seat in before.seats} if before else set()
        wave.accounts |= now
        wave.gone |= was - now

    def _buy(self, wave: Wave, place: Place, describer: Describer) -> None:
        """Read what a place bought, and with it the recipes that distribute it."""
        self.bought.pop(place, None)
        asked = self._bought(place, describer).asked
        self.readers.ask(place, asked | describer.stated(place).asked)
        wave.accounts |= self._seats_at[place]

    def _describe(self, wave: Wave, key: NodeKey, describer: Describer) -> None:
        self.accounts.pop(key, None)
        account = self._account(key, describer)
        self.readers.ask(key, account.asked)
        self.noticed.note(key, account.findings)
        if (place := key[1]) is not None:
            self._seats_at[place].add(key)
            wave.places.add(place)

    def _tell_site(self, wave: Wave, site: str) -> None:
        owner = self.standing.owner_of("site", site)
        if owner is None:
            self.site_owners.pop(site, None)
            self.site_as_of.pop(site, None)
            return
        # What was the last word before stays one: whatever ends it is a later word about the site.
        words = map(self._last_word, wave.told_of.get(site, ()))
        before = self.site_as_of.get(site, -1)
        self.site_owners[site] = owner
        self.site_as_of[site] = max(before, self.year.last_word_at(site), *words)
        wave.places |= set(self.year.places(site))

    def _leave_over(self, wave: Wave, place: Place, describer: Describer) -> None:
        """The overhead of a place, if its site states anything of its days."""
        key: NodeKey = (None, place)
        book = describer.book(place) if self._stands(place) else Book(0, 0)
        if not (book.has_inventory or book.has_purchases):
            if self.books.pop(place, None) is not None:
                wave.gone.add(key)
            return
        seats = sorted(self._seats_at[place] - wave.gone, key=_order)
        bought, as_of = self._bought(place, describer), self.site_as_of[place.site]
        here = [self._account(seat, describer) for seat in seats]
        self.books[place] = book
        self.accounts[key] = account = describer.overhead(place, here, bought, as_of)
        self.noticed.note(key, account.findings)
        wave.accounts.add(key)

    def _stands(self, place: Place) -> bool:
        return place in self.year.places(place.site)

    def _forget(self, key: NodeKey) -> None:
        self.accounts.pop(key, None)
        self.readers.ask(key, frozenset())
        self.noticed.note(key, ())
        if key[1] is not None:
            self._seats_at[key[1]].discard(key)


_MAPPINGS = (
    "opened",
    "bought",
    "books",
    "accounts",
    "site_as_of",
    "site_owners",
)


def _order(key: NodeKey) -> tuple[bool, str, bool, Place | None]:
    """Products by id, each by its places; then the overhead of places."""
    product, place = key
    return product is None, product or "", place is not None, place
