"""The answers about carbon accounts, as far as the caller may know what they are made of.

An account has several sums over the same suppliers: one for each cause. Where a supplier's figure
is not disclosed, its part in all of them is one movement, *undisclosed*, which tells no more than
opening and closing do; it must be over three enterprises or more in each of the years. The other
movements are then about what the caller may know. For the same reason Scope 2 and 3 have no
account of their own where anything is undisclosed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final, cast

from api.access.access import Access
from api.access.rule_of_three import allows
from api.account.wire import SITE
from api.errors import FewerThanThree
from api.figures.boundaries import BOUNDARY, Guarded, on_behalf
from api.figures.parts import Answer, head, name_of, site_name
from graph.books.account_rows import Matter, Row, Side, sides_of
from graph.books.advice import Advice, Less
from graph.books.carbon_account import ACCOUNTS, Account, CarbonAccount, Made, Movement, YearOf
from graph.books.movements import Cause, Hides, Key, Subject, hidden_keys, key_of
from graph.books.shared import Shared, shared_of
from graph.engine import Question
from graph.figures.boundary import Amount
from graph.tracing.explain import Kg
from graph.tracing.levers import TENTH
from ledger.errors import CatchmentError
from ledger.standing import Standing
from ledger.statements import Park, Product

MOST_ITEMS: Final = 10
MOST_PRODUCTS: Final = 50
T2: Final = ACCOUNTS[0]
_SCOPES: Final = {"scope1": "scope1", "scope2": "scope2Location", "scope3": "scope3Upstream"}


@dataclass(frozen=True)
class Pair:
    """The books of two years with what must not be read from them."""

    before: Guarded
    after: Guarded

    @property
    def access(self) -> Access:
        return self.after.access

    @cached_property
    def sides(self) -> tuple[Side, Side]:
        return sides_of(self.before.books, self.after.books)

    @property
    def hides(self) -> Hides:
        return partial(is_hidden, self.before), partial(is_hidden, self.after)

    @cached_property
    def hidden(self) -> frozenset[Key]:
        return hidden_keys(*self.sides, self.hides)

    @property
    def hidden_rows(self) -> list[Row]:
        """Rows of the later year that are hidden in one of both."""
        return [row for row in self.sides[1].rows if key_of(row) in self.hidden]

    @property
    def tells_filled(self) -> bool:
        return self.before.tells_filled and self.after.tells_filled

    def require_three(self) -> None:
        """Whether what is undisclosed of each year is of nobody, or of three or more.

        Raises FewerThanThree.
        """
        for guarded, side in zip((self.before, self.after), self.sides, strict=True):
            hidden = (row for row in side.rows if key_of(row) in self.hidden and row.kg.any())
            if not allows(len(set[str]().union(*(_behind(guarded, row) for row in hidden)))):
                raise FewerThanThree


def is_hidden(guarded: Guarded, row: Row) -> bool:
    """Whether the caller may not tell apart a row of a year.

    What comes from undisclosed products; of a park, also what its tenants take in of nobody in
    particular. Where an account is told, no tenant's own emissions have to be protected.
    """
    access = guarded.access
    if access.caller.is_auditor or row.is_direct:
        return False
    if guarded.tenants is None:
        return any(guarded.behind_inflow(node, node) for node in row.nodes)
    if access.standing.owner_of("site", row.site) == access.caller.enterprise:
        return False
    return row.product is None or not access.may_read_footprint_of(row.product)


def _behind(guarded: Guarded, row: Row) -> set[str]:
    """Whose figures a hidden row is; what one year alone hides counts in the other as its
    supplier's."""
    solved = guarded.books.answered.solved
    suppliers = {solved.network.nodes[node].owner for node in row.nodes}
    if guarded.tenants is not None:
        return suppliers
    behind = (guarded.behind_inflow(node, node, solved.footprints) for node in row.nodes)
    return set[str]().union(*behind) or suppliers


# --- The account -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """An account with what its answer needs to know besides."""

    account: CarbonAccount
    pair: Pair
    question: Question
    advice: tuple[Advice, ...]
    parks: Mapping[str, bool]
    """The parks that advice is about, and whether the caller may read the figure of each."""
    parks_as_of: int
    """The last entry that moved the figure of one of them."""

    @property
    def as_of(self) -> int:
        """The last entry that had a say in the account, the advice or what is allocated."""
        return max(self.account.as_of, self.parks_as_of, self.shared.as_of)

    @cached_property
    def shared(self) -> Shared:
        return shared_of(self.account.after.books)

    @property
    def standing(self) -> Standing:
        return self.account.after.books.answered.standing


def account_answer(told: Told) -> Answer:
    """The account of an enterprise or a park, kg CO2e."""
    account, pair = told.account, told.pair
    books, published = account.after.books, account.published
    whole = account.accounts[T2]
    products, left = _products(told)
    return {
        books.kind: {"id": books.id, "name": books.name},
        **head(books.answered, told.as_of, BOUNDARY),
        "on_behalf": on_behalf(pair.before) or on_behalf(pair.after),
        "unit": "kg CO2e",
        "since": account.before.books.answered.year,
        "published": published and {"digest": published.digest, "index": published.index},
        "account": _ends(told, whole),
        "movements": [_movement(told, whole, each) for each in whole.movements],
        "scopes": {name: _scope(told, name) for name in _SCOPES},
        "products": products,
        "products_not_shown": left,
        "output_value": {
            "before": _output_value(account.before),
            "after": _output_value(account.after),
        },
        "less": TENTH,
        "advice": [_advice(told, each) for each in told.advice],
        "allocated": _allocated(told),
    }


def _ends(told: Told, account: Account) -> Answer:
    shown = told.pair.tells_filled
    ends = {
        "opening": account.opening,
        "restated": account.restated,
        "closing": account.closing,
    }
    return {name: _end(figure, shown) for name, figure in ends.items()}


def _end(figure: Amount | None, shown: bool) -> Answer | None:
    """What is filled in is told with the value, which a published figure may leave out."""
    if figure is None:
        return None
    value = figure.value if shown or figure.complete else None
    filled = None if value is None else figure.filled
    return {"at_least": figure.at_least, "filled": filled, "value": value}


def _scope(told: Told, name: str) -> Answer | None:
    if told.pair.hidden and name != "scope1":
        return None
    account = told.account.accounts[_SCOPES[name]]
    restated = account.restatement
    moved = [Movement(Cause.RESTATEMENT, restated)] if restated is not None else []
    causes = [
        {"cause": str(each.cause), **_kg(told, account, each.kg)}
        for each in (*moved, *account.movements)
        if each.cause is Cause.RESTATEMENT or each.kg != Kg()
    ]
    return {**_ends(told, account), "movements": causes}


def _kg(told: Told, account: Account, kg: Kg) -> Answer:
    shown = told.pair.tells_filled
    return {
        "at_least": kg.known,
        "filled": kg.filled if shown else None,
        "value": kg.total if shown and account.is_valued else None,
    }


def _movement(told: Told, account: Account, movement: Movement) -> Answer:
    items = () if movement.cause is Cause.UNDISCLOSED else movement.items
    rest = items[MOST_ITEMS:]
    others = _kg(told, account, sum((item.kg.t2 for item in rest), Kg()))
    return {
        "cause": str(movement.cause),
        **_kg(told, account, movement.kg),
        "items": [
            {**_about(told.standing, item.of), **_kg(told, account, item.kg.t2)}
            for item in items[:MOST_ITEMS]
        ],
        "others": {"count": len(rest), **others} if rest else None,
    }


def _about(standing: Standing, of: Subject) -> Answer:
    material, product, site = of.material, of.product, of.site
    kind = SITE if material is None else str(material.matter)
    is_named = material is not None and material.matter is not Matter.PRODUCT
    owner = standing.owner_of("product", product) if product else None
    return {
        "kind": kind,
        "of": (material.of or None) if material and is_named else None,
        "product": product and {"id": product, "name": _product_name(standing, product)},
        "enterprise": owner and {"id": owner, "name": name_of(standing, owner) or owner},
        "site": site and {"id": site, "name": site_name(standing, site)},
    }


def _product_name(standing: Standing, product: str) -> str:
    said = standing.products.get(product)
    return cast(Product, said.statement.body).name if said else product


# --- What was made ---------------------------------------------------------------------------


def _products(told: Told) -> tuple[list[Answer], int]:
    """Products that the caller may know the footprints of, and how many others there are."""
    years = told.account.before, told.account.after
    before, after = ({made.product: made for made in year.made} for year in years)
    found = [after.get(product) or before[product] for product in dict.fromkeys([*after, *before])]
    shown = []
    for made in found[:MOST_PRODUCTS]:
        with suppress(CatchmentError):
            _require_product(told, made.product)
            lines = [_made(each.get(made.product)) for each in (before, after)]
            named = {"id": made.product, "name": made.name, "unit": made.unit}
            shown.append({"product": named, "before": lines[0], "after": lines[1]})
    return shown, len(found) - len(shown)


def _require_product(told: Told, product: str) -> None:
    """Whether the caller may read the footprint in both years. Raises as that does."""
    access = told.pair.access
    for guarded in (told.pair.before, told.pair.after) if not access.caller.is_auditor else ():
        access.require_footprint(product, guarded.books.answered.solved, told.question)


def _made(made: Made | None) -> Answer | None:
    if made is None:
        return None
    per_unit, kg = made.per_unit, made.kg
    footprint = per_unit and {
        "at_least": per_unit.known,
        "filled": per_unit.filled,
        "value": None if made.is_open else per_unit.total,
    }
    return {
        "footprint": footprint,
        "output": made.output,
        "kg_co2e": kg.total if kg is not None and not made.is_open else None,
        "share": made.share,
    }


def _output_value(year: YearOf) -> Answer | None:
    worth = year.output_value
    if worth is None:
        return None
    return {"amount": worth.amount, "unit": worth.unit, "per_unit": year.per_value}


# --- Advice ----------------------------------------------------------------------------------


def _advice(told: Told, advice: Advice) -> Answer:
    account = told.account.accounts[T2]
    return {
        "less": str(advice.less),
        **_about(told.standing, advice.of),
        "t2": _kg(told, account, advice.own),
        "parks": list(_park_effects(told, account, advice)),
    }


def _park_effects(told: Told, account: Account, advice: Advice) -> Iterator[Answer]:
    """What a site emits less, its park emits less; how much of what it buys comes from within a
    park is told only to those who may read the park's figure."""
    for park, kg in advice.on.items():
        shown = told.parks[park] or advice.less is Less.EMITTED
        name = cast(Park, told.standing.parks[park].statement.body).name
        yield {
            "park": {"id": park, "name": name},
            "t2": _kg(told, account, kg) if shown else None,
        }


# --- Shared infrastructure -------------------------------------------------------------------


def _allocated(told: Told) -> Answer | None:
    """What an enterprise gives and takes; what it takes where it may read those who give."""
    guarded = told.pair.after
    books, access = guarded.books, guarded.access
    shared = told.shared
    moved = shared.by_owner.get(books.id)
    if moved is None or books.kind != "enterprise":
        return None
    takes = (row for row in shared.rows if row.takes)
    shown = access.caller.is_auditor or all(
        row.giver == access.caller.enterprise or access.grants("inventory", row.place.site)
        for row in takes
    )
    return {
        "given": guarded.amount(moved.given),
        "taken": guarded.amount(moved.taken) if shown else None,
    }
