"""What a subscriber is told of a figure: what the API would answer it if it asked now.

Who may read, the rule of three and what is left out of an answer are those of the routes that read
the figure: the same functions decide. A figure is in one of four states.

============  ==================================================================================
value         it is known, with what was filled in
at-least      something in it is open, or what was filled in may not be told: a lower bound
none          it may be read, and there is none, for ``reason``
closed        it may not be read (any more), for ``reason``; no number goes with that
============  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from api.access.access import Access
from api.errors import ApiError
from api.figures.boundaries import Guarded
from api.figures.numbers import plain
from api.figures.products import footprint_answer
from api.inventory.answers import Inventory
from graph.books.inventory import full_books
from graph.books.targets import FULL, OPERATIONAL
from graph.engine import Books, Engine, Question
from graph.errors import GraphError
from graph.figures.footprint import product_footprint
from graph.terms import MARKET

VALUE: Final = "value"
AT_LEAST: Final = "at-least"
NONE: Final = "none"
CLOSED: Final = "closed"
NUMBERED: Final = (VALUE, AT_LEAST)

KINDS: Final = ("product", "enterprise", "park")
NETS: Final = (FULL, OPERATIONAL)
_DISCLOSED: Final = {"product": "footprint", "enterprise": "figure", "park": "figure"}
_NET_UNIT: Final = "kg CO2e"
_NOT_SHOWN: Final = "not-shown"


@dataclass(frozen=True, slots=True)
class Told:
    """A figure as it was told. Numbers are plain decimals in ``unit``; ``coverage`` is a share.

    ``as_of`` is the last entry that moved it. ``held``: it contains what others keep to themselves,
    so that what a single one of them says must not be told at once.
    """

    state: str
    year: int | None = None
    value: str | None = None
    at_least: str | None = None
    coverage: str | None = None
    unit: str | None = None
    as_of: int | None = None
    reason: str | None = None
    held: bool = False

    @property
    def number(self) -> Decimal | None:
        """What is compared: the value, or the lower bound where there is none."""
        text = self.value if self.state == VALUE else self.at_least
        return None if text is None else Decimal(text)

    @property
    def json(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def parse(cls, text: str) -> Told:
        return cls(**orjson.loads(text))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every figure of a subscription: a calendar year, by default the latest; and
    which net figure of a park or an enterprise: of Scope 1 and 2 (operational), or of all scopes.
    """

    year: int | None = None
    net: str = FULL


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that may be subscribed to: the footprint of a product, cradle to gate per declared
    unit, or a net figure of a park or an enterprise, market-based."""

    kind: str
    id: str

    def name(self, asked: Asked) -> str:
        """What it is called in events."""
        return "footprint" if self.kind == "product" else f"net-{asked.net}"

    @property
    def path(self) -> str:
        """Where it is read."""
        what = "footprint" if self.kind == "product" else "net"
        return f"/v1/{self.kind}s/{self.id}/{what}"

    @property
    def diff_path(self) -> str:
        return f"/v1/{self.kind}s/{self.id}/diff"

    def require(self, access: Access) -> None:
        """Raises TokenMissing, UnknownProduct, UnknownBoundary or NotDisclosed."""
        access.require(self.kind, self.id, _DISCLOSED[self.kind])

    def may_be_read(self, access: Access) -> bool:
        """Whether it is open to the caller at all; the rule of three may still close it."""
        try:
            self.require(access)
        except (ApiError, GraphError):
            return False
        return True

    def now(self, engine: Engine, access: Access, asked: Asked, last: Told | None = None) -> Told:
        """What the caller is told of it at this moment.

        ``last`` is what was told when the caller might read the same as now; it is what is told
        again where no entry has moved the figure since.
        """
        question = Question(asked.year)
        try:
            self.require(access)
            if self.kind == "product":
                return self._footprint(engine, access, question, last)
            return self._net(engine, access, question, asked.net)
        except GraphError as none:
            return Told(NONE, asked.year, reason=none.code)
        except ApiError as closed:
            return Told(CLOSED, asked.year, reason=closed.code)

    def _footprint(
        self, engine: Engine, access: Access, question: Question, last: Told | None
    ) -> Told:
        answered = engine.about_product(self.id, question)
        solved = answered.solved
        made = solved.network.nodes_of.get(self.id, [])
        as_of = max((int(solved.as_of[node]) for node in made), default=-1)
        if last is not None and (last.year, last.as_of) == (answered.year, as_of):
            return last
        sight = access.require_footprint(self.id, solved, question)
        figure = product_footprint(solved, self.id, answered.weights)
        answer = footprint_answer(answered, figure, sight, access)
        return _told(answer, answered.year, answer["unit"], figure.as_of, held=bool(sight.hidden))

    def _net(self, engine: Engine, access: Access, question: Question, ambition: str) -> Told:
        guarded = self._guarded(engine, access, question)
        full = full_books(guarded.books)
        net = Inventory(guarded, full, is_earlier=False).answer()["net"][ambition][MARKET]
        year = guarded.books.answered.year
        if net is None:
            return Told(CLOSED, year, reason=_NOT_SHOWN)
        return _told(net, year, _NET_UNIT, full.as_of, held=_rests_on_others(guarded))

    def _guarded(self, engine: Engine, access: Access, question: Question) -> Guarded:
        books: Books
        if self.kind == "park":
            books = engine.park(self.id, question)
            return Guarded(books, access, tenants=access.require_tenants(books, question))
        books = engine.enterprise(self.id, question)
        return Guarded(books, access, suppliers=access.require_suppliers(books, question))


def _rests_on_others(guarded: Guarded) -> bool:
    if guarded.tenants is not None:
        return bool(guarded.tenants.guarded or guarded.tenants.unread)
    return guarded.suppliers is not None and bool(guarded.suppliers.hidden)


def _told(answer: dict[str, Any], year: int, unit: str, as_of: int, *, held: bool) -> Told:
    value = plain(answer["value"])
    return Told(
        state=AT_LEAST if value is None else VALUE,
        year=year,
        value=value,
        at_least=plain(answer["at_least"]),
        coverage=plain(answer["coverage"]),
        unit=unit,
        as_of=as_of,
        held=held,
    )


def figures_of(access: Access, kind: str, about: str) -> Iterator[Figure]:
    """What a subscription to ``about`` is about.

    Of a product or a park that is its figure. An enterprise is followed as a supplier: the
    footprint of each of its products that the caller may read, and its own net figure if that is
    open to the caller too.
    """
    if kind != "enterprise":
        yield Figure(kind, about)
        return
    own = Figure("enterprise", about)
    if own.may_be_read(access):
        yield own
    made = (each for each, owner in access.standing.ever_owned("product") if owner == about)
    for product in sorted(made):
        if (figure := Figure("product", product)).may_be_read(access):
            yield figure


def has_moved(before: Told | None, after: Told, threshold: Decimal) -> bool:
    """Whether ``after`` is worth telling to whom ``before`` was told.

        |after − before| > threshold · |before|

    or the state has changed, or the year, or the unit. What is closed or not there stays so,
    whatever the reason; of what nothing was told yet, a number is worth telling.
    """
    if before is None:
        return after.state in NUMBERED
    if before.state != after.state:
        return True
    was, now = before.number, after.number
    if was is None or now is None:
        return False
    if (before.year, before.unit) != (after.year, after.unit):
        return True
    return abs(now - was) > threshold * abs(was)


def change_of(before: Told | None, after: Told) -> dict[str, str | None] | None:
    """By how much, absolute and relative to ``before``; None where the two cannot be compared."""
    if before is None or (before.state, before.year, before.unit) != (
        after.state,
        after.year,
        after.unit,
    ):
        return None
    was, now = before.number, after.number
    if was is None or now is None:
        return None
    return {
        "absolute": plain(float(now - was)),
        "relative": plain(float((now - was) / abs(was))) if was else None,
    }
