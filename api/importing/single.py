"""Sheets each of whose rows is a statement of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from api.importing.cells import Cells, Rows, same, whole
from api.importing.fuels import fuel_urn
from api.importing.wanted import Reading, Wanted, entity_id
from ledger.schema import dump
from ledger.statements import BODIES
from ledger.statements.certificates import MOST_SERIALS_OF_ONE
from ledger.statements.parts import FIRST_YEAR, LAST_YEAR

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
_LABELS = (
    "code", "park", "product", "site", "meter", "period", "opens", "object", "registry", "serial",
)  # fmt: skip

Reader: TypeAlias = Callable[[Rows, Reading, dt.datetime], None]


def single(
    kind: str,
    members: Callable[[Cells, dt.datetime], dict[str, Any]],
    columns: Mapping[str, str],
) -> Reader:
    """The reader of a sheet each of whose rows is a statement."""

    def read_rows(rows: Rows, reading: Reading, now: dt.datetime) -> None:
        for cells in rows:
            said = members(cells, now) if cells.sound else {}
            body = cells.load(BODIES[kind], said, columns)
            if body is not None:
                label = " ".join(filter(None, map(cells.get, _LABELS)))
                reading.wanted.append(Wanted(str(cells.enterprise), body, label, (cells.where,)))

    return read_rows


def _site(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    return {
        "id": entity_id(str(cells.enterprise), "site", str(cells.get("code"))),
        "name": cells.get("name"),
        "latitude": cells.amount("latitude"),
        "longitude": cells.amount("longitude"),
        "timeZone": cells.get("time_zone"),
        "gridRegion": cells.get("grid_region"),
        "division": cells.get("division"),
    }


def _product(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    return {
        "id": entity_id(str(cells.enterprise), "product", str(cells.get("code"))),
        "name": cells.get("name"),
        "unit": cells.unit("unit"),
        "identifiers": cells.words("identifiers"),
        "classifications": cells.words("classifications"),
        "massPerUnit": cells.amount("mass_per_unit"),
        "energyCarrier": cells.word("energy_carrier"),
        "grid": cells.get("grid"),
        "replaces": cells.words("replaces"),
    }


def _park(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    corners = [corner.split() for corner in str(cells.get("fence")).split(";") if corner.strip()]
    return {
        "id": entity_id(str(cells.enterprise), "park", str(cells.get("code"))),
        "name": cells.get("name"),
        "fence": corners,
    }


def _membership(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    return {
        "park": cells.own("park", "park"),
        "site": cells.own("site", "site"),
        "serial": cells.read("serial", whole(1, 10**6)) or 1,
        "from": cells.get("from"),
        "to": cells.get("to"),
        "consent": cells.get("consent"),
    }


def _production(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    period = cells.period()
    amount, unit = cells.quantity()
    return {
        "product": cells.own("product", "product"),
        "site": cells.own("site", "site"),
        "period": period and dump(period),
        "amount": amount,
        "unit": unit,
    }


def _meter(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    return {
        "site": cells.own("site", "site"),
        "meter": cells.get("meter"),
        "measures": cells.word("measures"),
        "flow": cells.word("flow"),
        "source": cells.word("source"),
        "fuel": cells.read("fuel", fuel_urn),
        "unit": cells.unit("unit"),
        "reads": cells.word("reads"),
        "multiplier": cells.amount("multiplier"),
        "rollover": cells.amount("rollover"),
        "spacingSeconds": cells.read("spacing_seconds", whole(60, 31 * 86_400)),
    }


def _certificate(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    amount, unit = cells.quantity()
    return {
        "kind": cells.word("kind"),
        "registry": cells.get("registry"),
        "serial": cells.get("serial"),
        "count": cells.read("count", whole(1, MOST_SERIALS_OF_ONE)) or 1,
        "amount": amount,
        "unit": unit,
        "year": cells.read("year", whole(FIRST_YEAR, LAST_YEAR)),
        "vintage": cells.read("vintage", whole(FIRST_YEAR, LAST_YEAR)),
        "site": cells.own("site", "site"),
        "park": cells.own("park", "park"),
        "project": cells.get("project"),
    }


def _disclosure(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    opens = cells.word("opens")
    kinds = _OBJECT_KINDS.get(str(opens), ("product", "site", "park"))
    return {
        "object": {"type": opens, "id": cells.own("object", *kinds)},
        "level": cells.word("level"),
        "grantee": cells.get("grantee"),
    }


READERS: Final[Mapping[str, Reader]] = {
    "site": single(
        "site",
        _site,
        {"/timeZone": "time_zone", "/gridRegion": "grid_region"}
        | same("name", "latitude", "longitude", "division"),
    ),
    "product": single(
        "product",
        _product,
        {"/massPerUnit": "mass_per_unit", "/energyCarrier": "energy_carrier"}
        | same("name", "unit", "identifiers", "classifications", "grid", "replaces"),
    ),
    "park": single("park", _park, same("name", "fence")),
    "membership": single(
        "membership", _membership, same("park", "site", "serial", "from", "to", "consent")
    ),
    "meter": single(
        "meter",
        _meter,
        {"/spacingSeconds": "spacing_seconds"}
        | same("site", "meter", "measures", "flow", "source", "fuel", "unit", "reads")
        | same("multiplier", "rollover"),
    ),
    "production": single(
        "production", _production, same("product", "site", "period", "amount", "unit")
    ),
    "certificate": single(
        "certificate",
        _certificate,
        same("kind", "registry", "serial", "count", "amount", "unit")
        | same("year", "vintage", "site", "park", "project"),
    ),
    "disclosure": single(
        "disclosure",
        _disclosure,
        {"/object/type": "opens"} | same("object", "level", "grantee"),
    ),
}
"""Type of statement -> what reads the rows of its sheet."""
