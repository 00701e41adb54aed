"""From published tables of factors to the parts of a set: pure, without a server.

A table has one of these layouts; what each column means is in ``docs/factors.md``.

==============  ==================================================================================
``catchment``   ours: one line per gas of a factor; lines for the same factor are joined
``epa``         US EPA supply chain factors by NAICS, by gas or as CO2e: purchaser prices, with
                margins
``china-grid``  China's electricity factors: kg CO2 per kWh of the country, its grids, provinces
``china-fuels`` default values of China's reporting guides: calorific value, carbon, oxidation
==============  ==================================================================================

What is wrong with a line is a `Problem` that names it. Rows are sorted, so that a set is the same
however its lines were ordered.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from api.errors import AmountRefused, CellRefused, FactorTableRefused, NumberRefused
from api.importing.sheets import Row, Table
from api.importing.wanted import Problem
from graph.books.energy import MJ_PER_KGCE
from ledger import units
from ledger.errors import CatchmentError, StatementMalformed
from ledger.schema import dump, load
from ledger.statements import CARRIER_URNS, ELECTRICITY, FactorRow, Factors, Part
from ledger.statements.factors import EARLIEST_YEAR, LATEST_YEAR, MOST_ROWS, RESIDUAL_MIX
from ledger.strict_json import dumps

PART_BYTES: Final = 150 * 1024
"""What the rows of a part may have; a payload may have 192 KiB, and the rest needs some."""
ANYWHERE: Final = "anywhere"
FOSSIL_POWER: Final = "urn:catchment:electricity:fossil"
FUEL: Final = "urn:catchment:fuel:"

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_EPA_UNIT = re.compile(r"kg( CO2e)?/(?P<year>\d{4}) USD, purchaser price", re.ASCII)
_CO2_PER_CARBON = Decimal(44) / Decimal(12)
_DIGITS = 12
_PRINTED = Decimal("0.000001")
"""How far China's fuel table may be from its own product of the three default values."""
_EPA_GASES = {
    "Carbon dioxide": "CO2",
    "Methane": "CH4",
    "Nitrous oxide": "N2O",
    "Sulfur hexafluoride": "SF6",
    "Nitrogen trifluoride": "NF3",
    "Carbon tetrafluoride": "CF4",
    "Hexafluoroethane": "C2F6",
    "Perfluoropropane": "C3F8",
    "Perfluorobutane": "C4F10",
    "Perfluorocyclobutane": "cC4F8",
    "Perfluorohexane": "C6F14",
    "HFCs and PFCs, unspecified": "CO2e",
    "All GHGs": "CO2e",
}
"""EPA's names; others are as ``ledger.gases`` has them."""
_EPA_GWP = "AR5"
_GRIDS = {
    "华北": "CN-NORTH",
    "东北": "CN-NORTHEAST",
    "华东": "CN-EAST",
    "华中": "CN-CENTRAL",
    "西北": "CN-NORTHWEST",
    "南方": "CN-SOUTH",
    "西南": "CN-SOUTHWEST",
}
"""China's regional grids, which have no ISO code."""
_GRID_KINDS = {
    "average": ELECTRICITY,
    "average_excluding_market_traded_non_fossil": RESIDUAL_MIX,
    "fossil_power": FOSSIL_POWER,
}
_FUEL_UNITS = {"t": ("TNE", Decimal(1)), "1e4 Nm3": ("NM3", Decimal(10_000))}

_OF_EMISSION = ("gas", "origin", "gwp")

_Said: TypeAlias = tuple[dict[str, Any], dict[str, Any] | None]
"""The members of a row but for its emissions, and one emission."""
_Reader: TypeAlias = Callable[[Row], _Said | None]
"""``None``: the line is checked and says nothing that is loaded."""


@dataclass(frozen=True, slots=True)
class About:
    """What all parts of a set say alike; ``year`` None: the latest year of its rows."""

    name: str
    version: str
    publisher: str
    source: str
    year: int | None = None
    licence: str | None = None


@dataclass
class Reading:
    """What a table says, and what is wrong with it."""

    lines: int
    rows: list[FactorRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def latest_year(self) -> int | None:
        return max((row.year for row in self.rows if row.year is not None), default=None)


def read(table: Table, layout: str, region: str | None = None) -> Reading:
    """The rows of a table; ``region`` takes the place of theirs, ``"anywhere"`` of every one.

    Raises FactorTableRefused for a table that is not of the layout. A bad line raises nothing: see
    ``problems``.
    """
    reader = LAYOUTS[layout]
    missing = [name for name in reader.columns if name not in table.columns]
    if missing:
        raise FactorTableRefused(
            reason=f"it has no column {missing[0]}, as the layout {layout} has"
        )
    reading = Reading(len(table.rows))
    for gathered in _gathered(table.rows, reader.read, region, reading.problems):
        row = gathered.row(reading.problems)
        if row is not None:
            reading.rows.append(row)
    return reading


def parts_of(reading: Reading, about: About) -> list[Factors]:
    """The set in parts that the log takes, rows in the order of their keys.

    Rows of the set's own year say none. Two rows for the same become a problem, and leave no parts.
    Raises StatementMalformed for what is wrong with ``about``.
    """
    year = reading.latest_year if about.year is None else about.year
    if year is None:
        # Where every row was refused, the years may stand in them.
        if not reading.problems:
            reading.problems.append(Problem("--year", "Say the year that the factors are for."))
        return []
    plain = [_without_year(row, year) for row in reading.rows]
    keyed = {row.key: row for row in plain}
    for row in plain:
        if keyed[row.key] is not row:
            told = {"name": row.name, "other": keyed[row.key].name}
            reading.problems.append(
                Problem("", "“%(name)s” and “%(other)s” are for the same.", told)
            )
    if reading.problems:
        return []
    pieces = list(_pieces([keyed[key] for key in sorted(keyed)]))
    said = {**dataclasses.asdict(about), "year": year}
    parts = [
        Factors(**said, part=Part(k=k, n=len(pieces)), rows=tuple(piece))
        for k, piece in enumerate(pieces, 1)
    ]
    # Rows were read by the schema; what all parts say alike was typed by somebody.
    for part in parts[:1]:
        load(Factors, dump(dataclasses.replace(part, rows=part.rows[:1])))
    return parts


def _without_year(row: FactorRow, year: int) -> FactorRow:
    return dataclasses.replace(row, year=None) if row.year == year else row


def _pieces(rows: Sequence[FactorRow]) -> Iterator[list[FactorRow]]:
    piece: list[FactorRow] = []
    size = 0
    for row in rows:
        length = len(dumps(dump(row)))
        if piece and (size + length > PART_BYTES or len(piece) == MOST_ROWS):
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += length
    if piece:
        yield piece


# --- Lines that belong together ------------------------------------------------------------


@dataclass
class _Gathered:
    """The lines of one factor: what they say alike, and their emissions with their lines."""

    line: int
    members: dict[str, Any]
    emissions: list[tuple[int, dict[str, Any]]]

    def row(self, problems: list[Problem]) -> FactorRow | None:
        self.emissions.sort(key=lambda each: [str(each[1].get(name)) for name in _OF_EMISSION])
        emissions = [emission for _, emission in self.emissions]
        said = {**self.members, **({"emissions": emissions} if emissions else {})}
        try:
            return load(FactorRow, said)
        except StatementMalformed as refused:
            problems += [
                Problem(self._where(path), sentence.replace("%", "%%"))
                for path, sentence in refused.problems
            ]
        return None

    def _where(self, path: str) -> str:
        """The line and column of a path such as ``/emissions/2/gas``."""
        _, *names = path.split("/")
        if names[0] == "emissions" and len(names) > 1:
            return _place(self.emissions[int(names[1])][0], names[-1])
        return _place(self.line, names[0])


def _gathered(
    rows: Sequence[Row], read_row: _Reader, region: str | None, problems: list[Problem]
) -> list[_Gathered]:
    found: dict[tuple[Any, ...], _Gathered] = {}
    for row in rows:
        try:
            _check_cells(row)
            said = read_row(row)
        except CatchmentError as refused:
            where = _place(row.number, refused.where)
            problems.append(Problem(where, refused.sentence, refused.params, refused.advice))
            continue
        if said is None:
            continue
        members, emission = said
        members = {name: value for name, value in members.items() if value not in (None, "")}
        _put_elsewhere(members, region)
        key = tuple(members.get(name) for name in ("kind", "of", "region", "year", "unit", "to"))
        first = found.setdefault(key, _Gathered(row.number, members, []))
        if first.members != members:
            told = {"line": first.line}
            problems.append(
                Problem(_place(row.number), "Line %(line)d says otherwise of the same.", told)
            )
        elif emission is not None:
            first.emissions.append((row.number, emission))
    return list(found.values())


def _put_elsewhere(members: dict[str, Any], region: str | None) -> None:
    if region == ANYWHERE:
        members.pop("region", None)
    elif region is not None and "of" in members:
        members["region"] = region


def _check_cells(row: Row) -> None:
    for column in row.errors:
        raise CellRefused(column, text=row.cells.get(column, ""))


def _place(line: int, column: str = "") -> str:
    return f"line {line} {column}".rstrip()


# --- Cells ---------------------------------------------------------------------------------


def _number(row: Row, column: str) -> Decimal | None:
    """Published tables write 3.23e-09, which a statement does not."""
    text = row.cells.get(column)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise AmountRefused(column, text=text)
    return Decimal(text)


def _needed(row: Row, column: str) -> Decimal:
    found = _number(row, column)
    if found is None:
        raise CellRefused(column, text="")
    return found


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _rounded(number: Decimal) -> str:
    """To 12 significant digits: what is computed here was printed with fewer."""
    return format(Decimal(f"{number:.{_DIGITS}g}").normalize(), "f")


def _year(row: Row, column: str) -> int | None:
    text = row.cells.get(column)
    if text is None:
        return None
    if not re.fullmatch(r"\d{4}", text, re.ASCII):
        raise NumberRefused(column, text=text, least=EARLIEST_YEAR, most=LATEST_YEAR)
    return int(text)


def _unit(row: Row, column: str) -> str | None:
    text = row.cells.get(column)
    return None if text is None else units.from_alias(text)


def _known(row: Row, column: str, known: Mapping[str, Any]) -> Any:
    text = row.cells.get(column, "")
    if text not in known:
        raise CellRefused(column, text=text)
    return known[text]


# --- Layouts -------------------------------------------------------------------------------


def _catchment(row: Row) -> _Said:
    cells = row.cells
    members = {
        "kind": cells.get("kind"),
        "name": cells.get("name"),
        "of": cells.get("of"),
        "region": cells.get("region"),
        "year": _year(row, "year"),
        "unit": _unit(row, "unit"),
        "gsd": _plain(_number(row, "gsd")),
        "netCalorificValue": _plain(_number(row, "net_calorific_value")),
        "carbonContent": _plain(_number(row, "carbon_content")),
        "oxidation": _plain(_number(row, "oxidation")),
        "to": _unit(row, "to"),
        "factor": _plain(_number(row, "factor")),
    }
    if "gas" not in cells:
        return members, None
    emission = {
        "gas": cells["gas"],
        "origin": cells.get("origin", "fossil"),
        "amount": _plain(_needed(row, "amount")),
        "gwp": cells.get("gwp"),
    }
    return members, {name: value for name, value in emission.items() if value is not None}


def _epa(row: Row) -> _Said:
    """The column “with margins” is what a purchaser's price buys: made, moved and sold.

    EPA does not tell biogenic methane apart, so all of it counts as fossil, which is the higher of
    the two in AR6 and the same in AR5.
    """
    unit = _EPA_UNIT.fullmatch(row.cells.get("unit", ""))
    if unit is None:
        raise CellRefused("unit", text=row.cells.get("unit", ""))
    name = row.cells.get("ghg", "")
    gas = _EPA_GASES.get(name, name)
    amount = _needed(row, "supply_chain_emission_factors_with_margins")
    members = {
        "kind": "spend",
        "name": row.cells.get("2017_naics_title"),
        "of": f"urn:naics:{row.cells.get('2017_naics_code', '')}",
        "region": "US",
        "year": int(unit["year"]),
        "unit": units.Price("USD", int(unit["year"]), "purchaser").code,
    }
    emission = {"gas": gas, "origin": "fossil", "amount": _plain(amount)}
    return members, emission | ({"gwp": _EPA_GWP} if gas == "CO2e" else {})


def _china_grid(row: Row) -> _Said:
    """The kind may carry a remark in brackets, which stays in the name."""
    kind, name = row.cells.get("kind", ""), row.cells.get("name", "")
    bare = kind.partition(" (")[0]
    if bare not in _GRID_KINDS:
        raise CellRefused("kind", text=kind)
    region = row.cells.get("iso3166_2") or _known(row, "name", _GRIDS)
    members = {
        "kind": "grid",
        "name": f"{name}, {kind.replace('_', ' ')}",
        "of": _GRID_KINDS[bare],
        "region": region,
        "year": _year(row, "data_year"),
        "unit": "KWH",
    }
    amount = _needed(row, "kgco2_per_kwh")
    return members, {"gas": "CO2", "origin": "fossil", "amount": _plain(amount)}


def _china_fuels(row: Row) -> _Said:
    """kg CO2 = calorific value × carbon content × oxidation × 44/12; the table's own product of
    the three, in t CO2, has to be the same."""
    unit, size = _known(row, "activity_unit", _FUEL_UNITS)
    heat, carbon = _needed(row, "ncv_gj_per_unit"), _needed(row, "carbon_tc_per_gj")
    oxidation = _needed(row, "oxidation")
    tonnes = heat * carbon * oxidation * _CO2_PER_CARBON
    if abs(tonnes - _needed(row, _FUEL_PRODUCT)) > _PRINTED:
        raise CellRefused(_FUEL_PRODUCT, text=row.cells[_FUEL_PRODUCT])
    english = row.cells.get("fuel_en", "")
    members = {
        "kind": "fuel",
        "name": f"{row.cells.get('fuel_zh', '')} {english}".strip(),
        "of": FUEL + _slug(english),
        "region": "CN",
        "unit": unit,
        "netCalorificValue": _rounded(heat * 1000 / size),
        "carbonContent": _rounded(carbon),
        "oxidation": _rounded(oxidation),
    }
    return members, {"gas": "CO2", "origin": "fossil", "amount": _rounded(tonnes * 1000 / size)}


_FUEL_PRODUCT = "tco2_per_unit(computed_ncv*c*ox*44/12)"


def _china_coal(row: Row) -> _Said | None:
    """Coefficients for standard coal; the English part of a name says what it is.

    How sure the table is of a number stays in the name. Its line on the unit itself, 1 kg of
    standard coal in MJ, has to be the definition and says nothing else. Gas is by the cubic metre
    at 0 °C: 1.33 kg is the 38.98 MJ of one, as in China's table of fuels.
    """
    energy = row.cells.get("energy", "")
    coefficient = _needed(row, "kgce_per_unit")
    if energy == "1 kgce":
        if abs(float(coefficient) - MJ_PER_KGCE) > _PRINTED or _unit(row, "unit") != "3B":
            raise CellRefused("kgce_per_unit", text=row.cells["kgce_per_unit"])
        return None
    english = re.sub(r"^[^A-Za-z]*", "", energy).lower()
    slug = _slug(english)
    if not slug:
        raise CellRefused("energy", text=energy)
    unit = _unit(row, "unit")
    status = row.cells.get("status")
    return {
        "kind": "coal-equivalent",
        "name": f"{energy} ({status})" if status else energy,
        "of": CARRIER_URNS.get(english.partition(",")[0], FUEL + slug),
        "region": "CN",
        "unit": "NM3" if unit == "MTQ" else unit,
        "factor": _plain(coefficient),
    }, None


def _slug(english: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", english.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a table of this layout has at least, and how a line of it is read."""

    columns: tuple[str, ...]
    read: _Reader


LAYOUTS: Final[Mapping[str, Layout]] = MappingProxyType(
    {
        "catchment": Layout(("kind", "name", "unit"), _catchment),
        "epa": Layout(
            (
                "2017_naics_code",
                "2017_naics_title",
                "ghg",
                "unit",
                "supply_chain_emission_factors_with_margins",
            ),
            _epa,
        ),
        "china-grid": Layout(
            ("name", "iso3166_2", "kgco2_per_kwh", "data_year", "kind"), _china_grid
        ),
        "china-fuels": Layout(
            (
                "fuel_zh",
                "fuel_en",
                "activity_unit",
                "ncv_gj_per_unit",
                "carbon_tc_per_gj",
                "oxidation",
                _FUEL_PRODUCT,
            ),
            _china_fuels,
        ),
        "china-coal": Layout(("energy", "unit", "kgce_per_unit"), _china_coal),
    }
)
