"""The books of a site: what passes through it in a period, and what it takes in.

An inventory is said on several sheets, one for each kind of flow. A sheet without a row for a site
and period leaves what stands of it as it is, and so does a workbook without the sheet; ``none`` in
the first column of a line says that there are no lines. Whether anything is emitted besides what
fuels emit is never taken for granted: the sheet of emissions says it, or what stands does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar, cast

from api.importing import chinese
from api.importing.cells import Cells, Rows, same, says_none, whole
from api.importing.columns import NONE, SHEETS
from api.importing.fuels import fuel_urn, is_gas
from api.importing.gathering import About, gathered, in_first_row, parts, want
from api.importing.lines import emission, kilograms, line
from api.importing.single import Reader
from api.importing.wanted import Reading
from ledger import units
from ledger.statements import (
    Capture,
    DirectEmission,
    Energy,
    Fuel,
    Inventory,
    OutputValue,
    Purchases,
    Removal,
    Waste,
    Water,
)

T = TypeVar("T")

_Lines: TypeAlias = dict[str, tuple[Any, ...]]
"""Member of an inventory -> its lines."""


# --- Inventories ---------------------------------------------------------------------------


def _read_inventories(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in gathered(rows).items():
        said = dict(_said(group))
        stands = cast(
            list[Inventory],
            group[0].known.stated(about.enterprise, Inventory, (about.site,), about.period),
        )
        if "emissions" not in said and not stands:
            _refuse_silence(group[0])
        want(reading, about, group, _inventories(about, said, stands))


def _refuse_silence(cells: Cells) -> None:
    """Fuels, or anything else, without a word on what is emitted besides."""
    sheet, in_english = SHEETS["inventory"], cells.table.name.isascii()
    name, none = (sheet.name, NONE) if in_english else (sheet.zh, chinese.WORDS[NONE][0])
    cells.refuse("", "Say what the site emits besides: rows for the same site and period in the "
                 "sheet %(sheet)s, or one with %(none)s.",
                 sheet=f"“{name}”", none=f"“{none}”")  # fmt: skip


def _said(group: Rows) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The lines of each sheet that has rows; none where the rows say so."""
    for name in dict.fromkeys(cells.sheet.name for cells in group):
        flow = _FLOWS[name]
        rows = [cells for cells in group if cells.sheet.name == name]
        lines = [flow.read(cells) for cells in rows if not says_none(cells, flow.begins, rows)]
        for again in rows[1:] if flow.is_single else ():
            again.refuse("", "The same is stated in %(first)s already.", first=rows[0].where)
        yield flow.member, tuple(each for each in lines if each is not None)


def _inventories(
    about: About, said: Mapping[str, tuple[Any, ...]], stands: Iterable[Inventory]
) -> Iterator[Inventory]:
    """What is said, and of everything else what stands: in parts, each with some of the lines.

    What is not a list is in the first part alone, so that it counts once.
    """
    stood = list(stands)
    values = said.get("output_value", [each.output_value for each in stood])
    qualities = (each.quality for each in stood)
    whole_lists = {m: said[m] if m in said else tuple(_stood(m, stood)) for m in _LISTS}
    lines = [(member, each) for member, of in whole_lists.items() for each in of]
    for part, these in parts(len(lines)):
        of_part: _Lines = {
            member: tuple(each for name, each in lines[these] if name == member)
            for member in _LISTS
        }
        first = part.k == 1
        yield Inventory(
            site=about.site,
            period=about.period,
            part=part,
            **of_part,
            output_value=next(filter(None, values), None) if first else None,
            quality=next(filter(None, qualities), None) if first else None,
        )


def _stood(member: str, stands: Iterable[Inventory]) -> Iterator[Any]:
    return (each for body in stands for each in getattr(body, member))


def _direct(cells: Cells) -> DirectEmission | None:
    return emission(cells, DirectEmission, source=cells.word("source"))


def _fuel(cells: Cells) -> Fuel | None:
    amount, unit = cells.quantity()
    urn = cells.read("fuel", fuel_urn)
    if is_gas(urn) and unit is not None and units.parse(unit).dimension == "volume":
        cells.refuse("unit", "A volume of gas is nothing without its condition: write Nm3 (0 °C) "
                     "or Sm3 (15 °C), or 万Nm3.")  # fmt: skip
    members = {
        "fuel": urn,
        "amount": amount,
        "unit": unit,
        "use": cells.word("use"),
        "netCalorificValue": _per_single(cells),
        "carbonContent": cells.amount("carbon_content"),
        "oxidation": cells.amount("oxidation"),
    }
    columns = {
        "/netCalorificValue": "net_calorific_value",
        "/carbonContent": "carbon_content",
        **same("fuel", "amount", "unit", "use", "oxidation"),
    }
    return cells.load(Fuel, members, columns)


def _per_single(cells: Cells) -> str | None:
    """MJ per unit: of a row in ``万Nm3`` it is stated for ten thousand."""
    value, unit = cells.amount("net_calorific_value"), cells.get("unit")
    if value is None or not cells.sound:
        return None
    many = units.multiple(str(unit))
    return value if many.count == 1 else format(many.per_single(Decimal(value)), "f")


def _energy(cells: Cells) -> Energy | None:
    return _counted(cells, Energy, "carrier", "flow", "source")


def _waste(cells: Cells) -> Waste | None:
    return _counted(cells, Waste, "kind", "treatment")


def _water(cells: Cells) -> Water | None:
    return _counted(cells, Water, "kind")


def _value(cells: Cells) -> OutputValue | None:
    return _counted(cells, OutputValue)


def _counted(cells: Cells, cls: type[T], *words: str) -> T | None:
    """An amount in a unit of something that words tell."""
    amount, unit = cells.quantity()
    members = {name: cells.word(name) for name in words} | {"amount": amount, "unit": unit}
    return cells.load(cls, members, same(*members))


def _removal(cells: Cells) -> Removal | None:
    members = {
        "sink": cells.word("sink"),
        "name": cells.get("name"),
        "amount": kilograms(cells),
        "method": cells.get("method"),
    }
    return cells.load(Removal, members, same(*members))


def _capture(cells: Cells) -> Capture | None:
    members = {
        "origin": cells.word("origin"),
        "fate": cells.word("fate"),
        "amount": kilograms(cells),
    }
    return cells.load(Capture, members, same(*members))


@dataclass(frozen=True, slots=True)
class _Flow:
    """A sheet of an inventory: the member it fills, and the column where ``none`` stands."""

    member: str
    begins: str
    read: Callable[[Cells], Any]

    @property
    def is_single(self) -> bool:
        return self.member not in _LISTS


_FLOWS: Mapping[str, _Flow] = MappingProxyType(
    {
        "inventory": _Flow("emissions", "gas", _direct),
        "fuels": _Flow("fuels", "fuel", _fuel),
        "energy": _Flow("energy", "carrier", _energy),
        "waste": _Flow("waste", "kind", _waste),
        "water": _Flow("water", "kind", _water),
        "removals": _Flow("removals", "sink", _removal),
        "captured": _Flow("captured", "origin", _capture),
        "output_value": _Flow("output_value", "amount", _value),
    }
)
_LISTS = ("emissions", "fuels", "energy", "waste", "water", "removals", "captured")


# --- Purchases -----------------------------------------------------------------------------


def _read_purchases(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in gathered(rows).items():
        said = [line(cells) for cells in group if not says_none(cells, "ref", group)]
        inputs = [each for each in said if each is not None]
        taken = frozenset(each.category for each in inputs)
        without = _without(about, group, taken)
        bodies = [
            Purchases(
                site=about.site,
                period=about.period,
                part=part,
                inputs=tuple(inputs[these]),
                without=without if part.k == 1 else (),
            )
            for part, these in parts(len(inputs))
        ]
        want(reading, about, group, bodies)


def _without(about: About, group: Rows, taken: frozenset[int]) -> tuple[int, ...]:
    """Categories with nothing in them: as a row says, else those that stand and still are so."""
    first = in_first_row(group, "without")
    if first.get("without") is None:
        stands = first.known.stated(about.enterprise, Purchases, (about.site,), about.period)
        stood = {each for body in stands for each in cast(Purchases, body).without}
        return tuple(sorted(stood - taken))
    if says_none(first, "without", [first]):
        return ()
    said = first.read("without", lambda _: {whole(1, 8)(each) for each in first.words("without")})
    if said and (both := sorted(said & taken)):
        first.refuse("without", "Something was taken in under category %(category)d.",
                     category=both[0])  # fmt: skip
        return ()
    return tuple(sorted(said or ()))


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {"inventory": _read_inventories, "purchases": _read_purchases}
)
"""Type of statement -> what reads the rows of its sheets."""
