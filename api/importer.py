"""From rows of tables to the statements that make the log say the same: pure, without a server.

1. `read` turns rows into wanted statements. Ids are UUIDv5 of the enterprise and the row's own
   code, so the same file always speaks of the same things. Rows that belong to one statement (the
   lines of a recipe, say) are gathered; lists longer than `LINES_PER_PART` become several parts.
2. `plan` compares them with what stands, and says for each whether it is new, changes something,
   or is said already.

What is wrong with a row is a `Problem` that names sheet, row and column. Whether the log will take
a statement is for the log to say.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import hashlib
import re
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar, cast

from api.columns import NONE, NOTES, SHEETS, Sheet
from api.errors import AmountRefused, CodeUnknown, NumberRefused, PeriodRefused
from api.sheets import Row, Table
from ledger import units
from ledger.errors import CatchmentError, StatementMalformed
from ledger.schema import dump, load
from ledger.statements import (
    BODIES,
    Basis,
    Body,
    DirectEmission,
    Emission,
    Enterprise,
    Footprint,
    InputLine,
    Inventory,
    Part,
    Period,
    Periodic,
    Purchases,
    Recipe,
    Withdrawal,
)
from ledger.strict_json import dumps

LINES_PER_PART: Final = 400
PACT_VERSION: Final = "3.0.3"

T = TypeVar("T")

_ORDER = [sheet.kind for sheet in SHEETS.values()]
_AMOUNT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_PERIOD = re.compile(
    r"(?P<year>\d{4})(?:-?[Qq](?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?", re.ASCII
)
_PACT_UNITS = {"mass": "KGM", "energy": "3B", "volume": "LTR", "count": "H87", "time": "HUR"}
_PACT_CODES = ("KGM", "LTR", "MTQ", "KWH", "3B", "TKM", "MTK", "H87", "HUR")
_OBJECT_KINDS = {
    "footprint": ("product",),
    "recipe": ("product",),
    "contributions": ("product",),
    "production": ("product", "site"),
    "inventory": ("site",),
    "purchases": ("site",),
    "downstream": ("product",),
    "figure": ("park", "product"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong where: ``where`` is ``sheet!row column``, as far as it applies.

    ``sentence`` and ``advice`` are templates over ``params``, as in a CatchmentError.
    """

    where: str
    sentence: str
    params: Mapping[str, object] = field(default_factory=dict)
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".rstrip() % self.params


@dataclass(frozen=True, slots=True)
class Wanted:
    """A statement that the rows ask for; ``rows`` are where they stand, ``label`` what it is."""

    subject: str
    body: Body
    label: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stands:
    """What stands in the log under one natural key."""

    digest: str
    body: Body


Books: TypeAlias = Mapping[str, Stands]
"""Everything of one enterprise that stands, by the text of its natural key."""


@dataclass
class Reading:
    """What the tables ask for, and what is wrong with them."""

    wanted: list[Wanted] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """``action`` is new, change, unchanged, or end (of parts that no longer fit)."""

    action: str
    wanted: Wanted
    prev: str | None
    changed: tuple[str, ...] = ()


def entity_id(enterprise: str, kind: str, code: str) -> str:
    """The id of what an enterprise calls ``code``: UUIDv5(enterprise, "kind:code")."""
    return str(uuid.uuid5(uuid.UUID(enterprise), f"{kind}:{code}"))


def read(
    tables: Iterable[Table],
    enterprise: str | None,
    books: Callable[[str], Books],
    now: dt.datetime,
) -> Reading:
    """The statements that tables ask for, in the order in which a log can take them.

    ``enterprise`` is spoken for where a row names none; with ``None`` every row must name one.
    ``books`` gives what stands of an enterprise. Nothing is raised for a bad row: see
    `Reading.problems`.
    """
    reading = Reading()
    sheets = [(sheet, table) for table in tables if (sheet := _sheet(table, reading))]
    sheets.sort(key=lambda pair: _ORDER.index(pair[0].kind))
    known = _Known(books)
    rows = [(sheet, _Cells(sheet, row, enterprise, known)) for sheet, t in sheets for row in t.rows]
    for sheet, cells in rows:
        known.announce(sheet, cells)
    for sheet in SHEETS.values():
        _READERS[sheet.name]([cells for s, cells in rows if s is sheet], reading, now)
    reading.problems += [problem for _, cells in rows for problem in cells.problems]
    _refuse_twice(reading)
    return reading


def plan(reading: Reading, books: Callable[[str], Books]) -> list[Step]:
    """What has to be said so that the log stands as wanted, in order."""
    return [step for wanted in reading.wanted for step in _steps(wanted, books(wanted.subject))]


# --- Sheets and rows -----------------------------------------------------------------------


def _sheet(table: Table, reading: Reading) -> Sheet | None:
    """The sheet of a table, if its columns can be used; says what is wrong otherwise."""
    if table.name in NOTES:
        return None
    sheet = SHEETS.get(table.name.strip().lower())
    problems = list(_flaws(table, sheet))
    reading.problems += problems
    return None if problems else sheet


def _flaws(table: Table, sheet: Sheet | None) -> Iterator[Problem]:
    if sheet is None:
        yield Problem(table.name, "There is no sheet of this name; the sheets are %(known)s. For a "
                      "CSV file there is --type.",
                      {"known": ", ".join(SHEETS)})  # fmt: skip
        return
    for column in filter(None, table.columns):
        if column not in sheet.names:
            close = difflib.get_close_matches(column, sheet.names, 1) or sheet.names
            yield Problem(f"{sheet.name}!1 {column}", "There is no such column; known: %(known)s.",
                          {"known": ", ".join(close)})  # fmt: skip
    for column in sheet.required:
        if column not in table.columns:
            yield Problem(f"{sheet.name}!1 {column}", "This column is missing.")


class _Known:
    """What codes in the files can mean: entities of the files and entities that stand."""

    def __init__(self, books: Callable[[str], Books]) -> None:
        self.books = books
        self._announced: dict[tuple[str, str], _Cells] = {}

    def announce(self, sheet: Sheet, cells: _Cells) -> None:
        code = cells.row.cells.get("code")
        if code and cells.enterprise:
            self._announced[sheet.kind, entity_id(cells.enterprise, sheet.kind, code)] = cells

    def has(self, enterprise: str, kind: str, entity: str) -> bool:
        return (kind, entity) in self._announced or f"{kind}|{entity}" in self.books(enterprise)

    def cell(self, enterprise: str, kind: str, entity: str, column: str) -> str:
        """What the file, or else the log, says of an entity; empty when neither does."""
        if announced := self._announced.get((kind, entity)):
            return announced.row.cells.get(column, "")
        if stands := self.books(enterprise).get(f"{kind}|{entity}"):
            value = getattr(stands.body, column)
            return format(value, "f") if isinstance(value, Decimal) else str(value or "")
        return ""


class _Cells:
    """One row: reads cells, and collects what is wrong with them."""

    def __init__(self, sheet: Sheet, row: Row, enterprise: str | None, known: _Known) -> None:
        self.sheet, self.row, self.known = sheet, row, known
        self.problems: list[Problem] = []
        self.enterprise = self._enterprise(enterprise)
        for column, sentence in row.errors.items():
            self.refuse(column, sentence)
        for column in sheet.required:
            if column not in row.cells and column not in row.errors:
                self.refuse(column, "This cell must not be empty.")

    @property
    def where(self) -> str:
        return f"{self.sheet.name}!{self.row.number}"

    @property
    def sound(self) -> bool:
        return not self.problems

    def refuse(self, column: str, sentence: str, **params: object) -> None:
        self.problems.append(Problem(f"{self.where} {column}".rstrip(), sentence, params))

    def refuse_for(self, column: str, refused: CatchmentError) -> None:
        where = f"{self.where} {column}"
        self.problems.append(Problem(where, refused.sentence, refused.params, refused.advice))

    def get(self, column: str) -> str | None:
        return self.row.cells.get(column)

    def words(self, column: str) -> list[str]:
        return self.row.cells.get(column, "").replace(";", " ").split()

    def read(self, column: str, parse: Callable[[str], T]) -> T | None:
        """A cell through a parser of the ledger; None, and a problem, where it refuses."""
        text = self.get(column)
        if text is None:
            return None
        try:
            return parse(text)
        except CatchmentError as refused:
            self.refuse_for(column, refused)
        return None

    def amount(self, column: str) -> str | None:
        return self.read(column, plain_amount)

    def unit(self, column: str) -> str | None:
        return self.read(column, units.from_alias)

    def period(self) -> Period | None:
        return self.read("period", period_of)

    def own(self, column: str, *kinds: str) -> str | None:
        """The id of an entity of the enterprise, by code or id."""
        return self.read(column, lambda text: self._own(text, kinds))

    def load(
        self, cls: type[T], members: Mapping[str, Any], columns: Mapping[str, str]
    ) -> T | None:
        """Make a declared dataclass; ``columns`` says which column a JSON path came from."""
        if not self.sound:
            return None
        present = {name: value for name, value in members.items() if value not in (None, "", [])}
        try:
            return load(cls, present)
        except StatementMalformed as refused:
            for path, sentence in refused.problems:
                self.refuse(_column(path, columns), sentence.replace("%", "%%"))
        return None

    def _enterprise(self, default: str | None) -> str | None:
        named = self.row.cells.get("enterprise")
        if named is None:
            if default is None:
                self.refuse("enterprise", "Name the enterprise that this row speaks for.")
            return default
        if default is not None and named != default:
            self.refuse("enterprise", "The key speaks for %(own)s.", own=default)
            return None
        if not _is_id(named):
            self.refuse("enterprise", "The id of an enterprise is expected.")
            return None
        return named

    def _own(self, text: str, kinds: Sequence[str]) -> str:
        if _is_id(text):
            return text
        enterprise = str(self.enterprise)
        for kind in kinds:
            entity = entity_id(enterprise, kind, text)
            if self.known.has(enterprise, kind, entity):
                return entity
        raise CodeUnknown(kinds=" or ".join(kinds), text=text)


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _column(path: str, columns: Mapping[str, str]) -> str:
    """The column behind a JSON path; longer paths are named before shorter ones."""
    return next((column for prefix, column in columns.items() if path.startswith(prefix)), "")


# --- Cells ---------------------------------------------------------------------------------


def plain_amount(text: str) -> str:
    """An amount as typed; raises AmountRefused, also for separators: readers differ on those."""
    if not _AMOUNT.fullmatch(text):
        raise AmountRefused(text=text)
    return text


def period_of(text: str) -> Period:
    """A period of days or by name; raises PeriodRefused.

    ``2025``, ``2025-Q3``, ``2025-07``, or days ``2025-01-01/2025-07-01``, the last excluded.
    """
    start, _, end = text.partition("/") if "/" in text else _named_period(text)
    try:
        return load(Period, {"start": start.strip(), "end": end.strip()})
    except StatementMalformed:
        raise PeriodRefused(text=text) from None


def _named_period(text: str) -> tuple[str, str, str]:
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise PeriodRefused(text=text)
    year, first, months = int(match["year"]), 1, 12
    if match["quarter"]:
        first, months = 3 * int(match["quarter"]) - 2, 3
    elif match["month"]:
        first, months = int(match["month"]), 1
    after = first + months
    end = f"{year + 1:04}-01-01" if after > 12 else f"{year:04}-{after:02}-01"
    return f"{year:04}-{first:02}-01", "/", end


def _reference(cells: _Cells, ref: str, region: str) -> dict[str, Any] | None:
    text = cells.get(ref)
    if text is None:
        cells.refuse(ref, "Say what it is: a code, an id, URNs, or class:urn:….")
        return None
    if text.lower().startswith("class:"):
        return {"classification": text[len("class:") :], "region": cells.get(region)}
    if text.lower().startswith("urn:"):
        return {"identifiers": cells.words(ref)}
    product = cells.own(ref, "product")
    return {"product": product} if product else None


def _line(cells: _Cells) -> InputLine | None:
    members = {
        "ref": _present(_reference(cells, "ref", "region")),
        "supplier": cells.get("supplier"),
        "site": cells.get("supplier_site"),
        "amount": cells.amount("amount"),
        "unit": cells.unit("unit"),
        "category": cells.read("category", _whole(1, 8)),
        "transport": _transport(cells),
    }
    return cells.load(InputLine, members, _LINE_COLUMNS)


def _transport(cells: _Cells) -> dict[str, Any] | None:
    if not any(name.startswith("transport_") for name in cells.row.cells):
        return None
    members = {
        "ref": _present(_reference(cells, "transport_ref", "transport_region")),
        "supplier": cells.get("transport_supplier"),
        "amount": cells.amount("transport_amount"),
        "unit": cells.unit("transport_unit"),
    }
    return _present(members)


def _present(members: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if members is None else {k: v for k, v in members.items() if v is not None}


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise NumberRefused(text=text, least=least, most=most)
        if not least <= int(text) <= most:
            raise NumberRefused(text=text, least=least, most=most)
        return int(text)

    return parse


def _emission(cells: _Cells) -> Emission | None:
    members = {
        "gas": cells.get("gas"),
        "origin": cells.get("origin"),
        "gwp": cells.get("gwp"),
        "amount": _kilograms(cells),
    }
    return cells.load(Emission, members, _EMISSION_COLUMNS)


def _kilograms(cells: _Cells) -> str | None:
    """The mass in kg: as typed where it is typed in kg, exactly converted otherwise."""
    amount, unit = cells.amount("amount"), cells.unit("unit")
    if amount is None or unit in (None, "KGM"):
        return amount
    try:
        mass = units.convert(Decimal(amount), units.parse(str(unit)), units.parse("KGM"))
    except CatchmentError as refused:
        cells.refuse_for("unit", refused)
        return None
    return format(mass, "f")


_LINE_COLUMNS = {
    "/ref/region": "region",
    "/ref": "ref",
    "/supplier": "supplier",
    "/site": "supplier_site",
    "/amount": "amount",
    "/unit": "unit",
    "/category": "category",
    "/transport/ref/region": "transport_region",
    "/transport/ref": "transport_ref",
    "/transport/supplier": "transport_supplier",
    "/transport/amount": "transport_amount",
    "/transport/unit": "transport_unit",
    "/transport": "transport_ref",
}
_EMISSION_COLUMNS = {f"/{name}": name for name in ("gas", "origin", "gwp", "amount")}


# --- One row, one statement ----------------------------------------------------------------

_LABELS = ("code", "park", "product", "site", "period", "opens", "object")

_Rows: TypeAlias = Sequence["_Cells"]
_Reader: TypeAlias = Callable[[_Rows, Reading, dt.datetime], None]


def _single(
    kind: str,
    members: Callable[[_Cells, dt.datetime], dict[str, Any]],
    columns: Mapping[str, str],
) -> _Reader:
    """The reader of a sheet each of whose rows is a statement."""

    def read_rows(rows: _Rows, reading: Reading, now: dt.datetime) -> None:
        for cells in rows:
            said = members(cells, now) if cells.sound else {}
            body = cells.load(BODIES[kind], said, columns)
            if body is not None:
                label = " ".join(filter(None, map(cells.get, _LABELS)))
                reading.wanted.append(Wanted(str(cells.enterprise), body, label, (cells.where,)))

    return read_rows


def _site(cells: _Cells, _: dt.datetime) -> dict[str, Any]:
    return {
        "id": entity_id(str(cells.enterprise), "site", str(cells.get("code"))),
        "name": cells.get("name"),
        "latitude": cells.amount("latitude"),
        "longitude": cells.amount("longitude"),
        "timeZone": cells.get("time_zone"),
        "gridRegion": cells.get("grid_region"),
    }


def _product(cells: _Cells, _: dt.datetime) -> dict[str, Any]:
    return {
        "id": entity_id(str(cells.enterprise), "product", str(cells.get("code"))),
        "name": cells.get("name"),
        "unit": cells.unit("unit"),
        "identifiers": cells.words("identifiers"),
        "classifications": cells.words("classifications"),
        "massPerUnit": cells.amount("mass_per_unit"),
        "energyCarrier": cells.get("energy_carrier"),
        "replaces": cells.words("replaces"),
    }


def _park(cells: _Cells, _: dt.datetime) -> dict[str, Any]:
    corners = [corner.split() for corner in str(cells.get("fence")).split(";") if corner.strip()]
    return {
        "id": entity_id(str(cells.enterprise), "park", str(cells.get("code"))),
        "name": cells.get("name"),
        "fence": corners,
    }


def _membership(cells: _Cells, _: dt.datetime) -> dict[str, Any]:
    return {
        "park": cells.own("park", "park"),
        "site": cells.own("site", "site"),
        "serial": cells.read("serial", _whole(1, 10**6)) or 1,
        "from": cells.get("from"),
        "to": cells.get("to"),
        "consent": cells.get("consent"),
    }


def _production(cells: _Cells, _: dt.datetime) -> dict[str, Any]:
    period = cells.period()
    return {
        "product": cells.own("product", "product"),
        "site": cells.own("site", "site"),
        "period": period and dump(period),
        "amount": cells.amount("amount"),
        "unit": cells.unit("unit"),
    }


def _disclosure(cells: _Cells, _: dt.datetime) -> dict[str, Any]:
    opens = str(cells.get("opens"))
    kinds = _OBJECT_KINDS.get(opens, ("product", "site", "park"))
    return {
        "object": {"type": opens, "id": cells.own("object", *kinds)},
        "level": cells.get("level"),
        "grantee": cells.get("grantee"),
    }


def _footprint(cells: _Cells, now: dt.datetime) -> dict[str, Any]:
    product, site = cells.own("product", "product"), cells.own("site", "site")
    pact = {**_pact_head(cells, product), "pcf": _present(_pact_pcf(cells, product, site))}
    named = hashlib.sha256(dumps({"pact": pact, "site": site})).hexdigest()
    pact["id"] = entity_id(str(cells.enterprise), "footprint", named)
    pact["created"] = now.astimezone(dt.UTC).replace(microsecond=0).isoformat()
    return {"product": product, "site": site, "pact": pact}


def _pact_head(cells: _Cells, product: str | None) -> dict[str, Any]:
    enterprise = str(cells.enterprise)
    holder = cells.known.books(enterprise).get(f"enterprise|{enterprise}")
    company = cast(Enterprise, holder.body) if holder else None
    known = cells.known.cell(enterprise, "product", str(product), "name")
    return {
        "specVersion": PACT_VERSION,
        "status": "Active",
        "companyName": company.name if company else enterprise,
        "companyIds": list(company.identifiers if company else ()) or [f"urn:uuid:{enterprise}"],
        "productDescription": "",
        "productIds": [f"urn:uuid:{product}"],
        "productNameCompany": known or str(cells.get("product")),
    }


def _pact_pcf(cells: _Cells, product: str | None, site: str | None) -> dict[str, Any]:
    total = cells.amount("total")
    unit, amount, mass = _declared_unit(cells, str(product))
    start, end = _instants(cells, site)
    return {
        "declaredUnitOfMeasurement": unit,
        "declaredUnitAmount": amount,
        "productMassPerDeclaredUnit": cells.amount("mass") or mass,
        "referencePeriodStart": start,
        "referencePeriodEnd": end,
        "geographyCountry": cells.get("country"),
        "geographyCountrySubdivision": cells.get("subdivision"),
        "boundaryProcessesDescription": cells.get("boundary"),
        "pcfExcludingBiogenicUptake": total,
        "pcfIncludingBiogenicUptake": cells.amount("total_with_uptake") or total,
        "fossilCarbonContent": cells.amount("fossil_carbon"),
        "biogenicCarbonContent": cells.amount("biogenic_carbon"),
        "fossilGhgEmissions": cells.amount("fossil") or total,
        "ipccCharacterizationFactors": cells.words("gwp"),
        "crossSectoralStandards": cells.words("standards"),
        "exemptedEmissionsPercent": cells.amount("exempted_percent"),
        "primaryDataShare": cells.amount("primary_share"),
    }


def _declared_unit(cells: _Cells, product: str) -> tuple[str | None, str | None, str | None]:
    """PACT's word, how many of it one declared unit is, and the mass of that in kg.

    PACT has ten units: a product declared in tonnes is said as 1000 kilogram.
    """
    enterprise = str(cells.enterprise)
    text = cells.known.cell(enterprise, "product", product, "unit")
    if not text:
        cells.refuse("product", "Its declared unit is not known; put it into the products sheet.")
        return None, None, None
    try:
        unit = units.parse(units.from_alias(text))
        word, amount = _in_pact(unit)
    except CatchmentError as refused:
        cells.refuse_for("product", refused)
        return None, None, None
    if unit.dimension == "mass":
        return word, amount, format(unit.factor, "f")
    mass = cells.known.cell(enterprise, "product", product, "mass_per_unit")
    if not mass and not cells.get("mass"):
        cells.refuse("mass", "Say the mass per declared unit; 0 for energy and services.")
    return word, amount, mass


def _in_pact(unit: units.Unit) -> tuple[str, str]:
    target = unit.code if unit.code in _PACT_CODES else _PACT_UNITS.get(unit.dimension, unit.code)
    amount = units.convert(Decimal(1), unit, units.parse(target))
    return units.to_pact(target), format(amount, "f")


def _instants(cells: _Cells, site: str | None) -> tuple[str | None, str | None]:
    """The period's first and last midnight in the zone of the row or of its site."""
    period = cells.period()
    zone = cells.get("time_zone") or (
        cells.known.cell(str(cells.enterprise), "site", site, "time_zone") if site else ""
    )
    if not zone or zone not in zoneinfo.available_timezones():
        cells.refuse("time_zone", "Name the time zone of the period, such as Asia/Shanghai.")
        return None, None
    if period is None:
        return None, None
    start, end = (_midnight(day, zone) for day in (period.start, period.end))
    return start, end


def _midnight(day: dt.date, zone: str) -> str:
    local = dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(zone))
    return local.astimezone(dt.UTC).isoformat()


# --- Many rows, one statement --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _About:
    """What the rows of one periodic statement have in common."""

    enterprise: str
    product: str | None
    site: str
    period: Period

    def label(self, cells: _Cells) -> str:
        named = filter(None, (cells.get("product"), cells.get("site"), cells.get("period")))
        return " ".join(named)


_Gathered: TypeAlias = dict[_About, list[_Cells]]


def _gathered(rows: _Rows) -> _Gathered:
    """Rows by what they are about. Rows that do not even say that are left out, with a problem."""
    groups: _Gathered = defaultdict(list)
    for cells in rows:
        if (about := _about(cells)) is not None:
            groups[about].append(cells)
    return groups


def _about(cells: _Cells) -> _About | None:
    if cells.enterprise is None:
        return None
    product, site = cells.own("product", "product"), cells.own("site", "site")
    period = cells.period()
    wants_product = "product" in cells.sheet.names
    if site is None or period is None or (wants_product and product is None):
        return None
    return _About(cells.enterprise, product, site, period)


def _parts(count: int) -> list[tuple[Part, slice]]:
    n = max(1, -(-count // LINES_PER_PART))
    return [
        (Part(k=k + 1, n=n), slice(k * LINES_PER_PART, (k + 1) * LINES_PER_PART)) for k in range(n)
    ]


def _want(reading: Reading, about: _About, rows: _Rows, bodies: Iterable[Body]) -> None:
    """Ask for the statements of a group, unless one of its rows is refused."""
    if not all(cells.sound for cells in rows):
        return
    places = tuple(cells.where for cells in rows)
    label = about.label(rows[0])
    reading.wanted += [Wanted(about.enterprise, body, label, places) for body in bodies]


def _read_inventory(rows: _Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in _gathered(rows).items():
        said = [_emission(cells) for cells in group if not _says_none(cells, "gas", group)]
        emissions = [
            DirectEmission(gas=each.gas, origin=each.origin, amount=each.amount, gwp=each.gwp)
            for each in said
            if each is not None
        ]
        bodies = [
            Inventory(
                site=about.site, period=about.period, part=part, emissions=tuple(emissions[these])
            )
            for part, these in _parts(len(emissions))
        ]
        _want(reading, about, group, bodies)


def _read_purchases(rows: _Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in _gathered(rows).items():
        said = [_line(cells) for cells in group if not _says_none(cells, "ref", group)]
        inputs = [each for each in said if each is not None]
        bodies = [
            Purchases(site=about.site, period=about.period, part=part, inputs=tuple(inputs[these]))
            for part, these in _parts(len(inputs))
        ]
        _want(reading, about, group, bodies)


def _says_none(cells: _Cells, column: str, group: _Rows) -> bool:
    """Whether the row says that there are no lines; it then stands alone."""
    if str(cells.get(column)).lower() != NONE:
        return False
    if len(group) > 1:
        cells.refuse(column, "“none” stands alone, but there are other lines.")
    return True


def _read_recipes(rows: _Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in _gathered(rows).items():
        basis = _basis(group)
        lines = [line for cells in group if (line := _recipe_line(cells, group)) is not None]
        # Generation comes first, so that one part holds all of it.
        lines.sort(key=lambda line: line[0] != "generation")
        if basis is not None:
            bodies = [_recipe(about, basis, part, lines[s]) for part, s in _parts(len(lines))]
            _want(reading, about, group, bodies)


def _basis(group: _Rows) -> Basis | None:
    """The basis in the first row that has one; rows that state another are refused."""
    first = next((cells for cells in group if cells.get("basis_amount")), group[0])
    members = {"amount": first.amount("basis_amount"), "unit": first.unit("basis_unit")}
    if not first.sound:
        return None
    basis = first.load(Basis, members, {"/amount": "basis_amount", "/unit": "basis_unit"})
    for cells in group:
        for column in ("basis_amount", "basis_unit"):
            if (text := cells.get(column)) and text != first.get(column):
                told = {"row": first.row.number, "text": first.get(column)}
                cells.refuse(column, "Row %(row)d of the same recipe says %(text)s.", **told)
    return basis


def _recipe_line(cells: _Cells, group: _Rows) -> tuple[str, Emission | InputLine] | None:
    kind = str(cells.get("line"))
    if _says_none(cells, "line", group):
        return None
    if kind not in ("emission", "input", "generation"):
        cells.refuse("line", "emission, input, generation or none is expected.")
        return None
    line = _line(cells) if kind == "input" else _emission(cells)
    return (kind, line) if line is not None else None


def _recipe(
    about: _About, basis: Basis, part: Part, lines: Sequence[tuple[str, Emission | InputLine]]
) -> Recipe:
    def of(kind: str) -> tuple[Any, ...]:
        return tuple(line for k, line in lines if k == kind)

    return Recipe(
        product=str(about.product),
        site=about.site,
        period=about.period,
        part=part,
        basis=basis,
        emissions=of("emission"),
        inputs=of("input"),
        generation=of("generation") or None,
    )


_READERS: Mapping[str, _Reader] = {
    "sites": _single(
        "site",
        _site,
        {"/timeZone": "time_zone", "/gridRegion": "grid_region"}
        | {f"/{name}": name for name in ("name", "latitude", "longitude")},
    ),
    "products": _single(
        "product",
        _product,
        {"/massPerUnit": "mass_per_unit", "/energyCarrier": "energy_carrier"}
        | {f"/{n}": n for n in ("name", "unit", "identifiers", "classifications", "replaces")},
    ),
    "parks": _single("park", _park, {"/name": "name", "/fence": "fence"}),
    "memberships": _single(
        "membership",
        _membership,
        {f"/{n}": n for n in ("park", "site", "serial", "from", "to", "consent")},
    ),
    "production": _single(
        "production",
        _production,
        {f"/{n}": n for n in ("product", "site", "period", "amount", "unit")},
    ),
    "recipes": _read_recipes,
    "inventory": _read_inventory,
    "purchases": _read_purchases,
    "footprints": _single(
        "footprint",
        _footprint,
        {
            "/pact/pcf/pcfExcluding": "total",
            "/pact/pcf/pcfIncluding": "total_with_uptake",
            "/pact/pcf/fossilGhg": "fossil",
            "/pact/pcf/fossilCarbon": "fossil_carbon",
            "/pact/pcf/biogenicCarbon": "biogenic_carbon",
            "/pact/pcf/productMass": "mass",
            "/pact/pcf/ipcc": "gwp",
            "/pact/pcf/crossSectoral": "standards",
            "/pact/pcf/exempted": "exempted_percent",
            "/pact/pcf/geographyCountrySubdivision": "subdivision",
            "/pact/pcf/geographyCountry": "country",
            "/pact/pcf/primary": "primary_share",
            "/pact/pcf/boundary": "boundary",
            "/pact/pcf/referencePeriod": "period",
            "/site": "site",
            "/product": "product",
        },
    ),
    "disclosures": _single(
        "disclosure",
        _disclosure,
        {"/object/type": "opens", "/object": "object", "/level": "level", "/grantee": "grantee"},
    ),
}


def _refuse_twice(reading: Reading) -> None:
    """Leave out statements of one natural key that are asked for twice, and say so."""
    groups: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    for wanted in reading.wanted:
        key = wanted.body.natural_key(wanted.subject).text
        groups[wanted.subject, key].append(wanted)
    for group in groups.values():
        for again in group[1:]:
            told = Problem(again.rows[0], "The same is stated in %(first)s already.",
                           {"first": group[0].rows[0]})  # fmt: skip
            reading.problems.append(told)
    reading.wanted = [group[0] for group in groups.values() if len(group) == 1]


# --- Comparing with what stands ------------------------------------------------------------


def _steps(wanted: Wanted, books: Books) -> Iterator[Step]:
    yield from _ends(wanted, books)
    stands = books.get(wanted.body.natural_key(wanted.subject).text)
    if stands is None:
        yield Step("new", wanted, None)
        return
    wanted = _continued(wanted, stands)
    changed = differences(stands.body, wanted.body)
    yield Step("change" if changed else "unchanged", wanted, stands.digest, changed)


def _ends(wanted: Wanted, books: Books) -> Iterator[Step]:
    """Before the first of n parts: withdraw the parts of the same that were cut otherwise."""
    body = wanted.body
    if not isinstance(body, Periodic) or body.part.k != 1:
        return
    for stands in books.values():
        other = stands.body
        if (
            type(other) is type(body)
            and isinstance(other, Periodic)
            and (other.about, other.period) == (body.about, body.period)
            and other.part.n != body.part.n
        ):
            reason = f"Stated again in {body.part.n} parts."
            ended = Wanted(wanted.subject, Withdrawal(reason=reason), wanted.label, wanted.rows)
            yield Step("end", ended, stands.digest)


def _continued(wanted: Wanted, stands: Stands) -> Wanted:
    """A footprint that changes takes a new PACT id and names the one before it."""
    body, old = wanted.body, stands.body
    if not isinstance(body, Footprint) or not isinstance(old, Footprint):
        return wanted
    same = dataclasses.replace(
        body.pact,
        id=old.pact.id,
        created=old.pact.created,
        preceding_pf_ids=old.pact.preceding_pf_ids,
    )
    if same == old.pact:
        return dataclasses.replace(wanted, body=dataclasses.replace(body, pact=same))
    fresh = str(uuid.uuid5(uuid.UUID(str(body.pact.id)), stands.digest))
    later = dataclasses.replace(body.pact, id=fresh, preceding_pf_ids=(old.pact.id,))
    return dataclasses.replace(wanted, body=dataclasses.replace(body, pact=later))


def differences(old: Body, new: Body) -> tuple[str, ...]:
    """The members in which two bodies of one type differ."""
    names = [each.name for each in dataclasses.fields(cast(Any, new))]
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))
