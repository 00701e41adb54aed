"""Sheets each of whose rows is a statement of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from api.importing.cells import Cells, Rows, whole
from api.importing.wanted import Reading, Wanted, entity_id
from ledger.schema import dump
from ledger.statements import BODIES

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
_LABELS = ("code", "park", "product", "site", "period", "opens", "object")

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
    }


def _product(cells: Cells, _: dt.datetime) -> dict[str, Any]:
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
    return {
        "product": cells.own("product", "product"),
        "site": cells.own("site", "site"),
        "period": period and dump(period),
        "amount": cells.amount("amount"),
        "unit": cells.unit("unit"),
    }


def _disclosure(cells: Cells, _: dt.datetime) -> dict[str, Any]:
    opens = str(cells.get("opens"))
    kinds = _OBJECT_KINDS.get(opens, ("product", "site", "park"))
    return {
        "object": {"type": opens, "id": cells.own("object", *kinds)},
        "level": cells.get("level"),
        "grantee": cells.get("grantee"),
    }


READERS: Final[Mapping[str, Reader]] = {
    "site": single(
        "site",
        _site,
        {"/timeZone": "time_zone", "/gridRegion": "grid_region"}
        | {f"/{name}": name for name in ("name", "latitude", "longitude")},
    ),
    "product": single(
        "product",
        _product,
        {"/massPerUnit": "mass_per_unit", "/energyCarrier": "energy_carrier"}
        | {f"/{n}": n for n in ("name", "unit", "identifiers", "classifications", "replaces")},
    ),
    "park": single("park", _park, {"/name": "name", "/fence": "fence"}),
    "membership": single(
        "membership",
        _membership,
        {f"/{n}": n for n in ("park", "site", "serial", "from", "to", "consent")},
    ),
    "production": single(
        "production",
        _production,
        {f"/{n}": n for n in ("product", "site", "period", "amount", "unit")},
    ),
    "disclosure": single(
        "disclosure",
        _disclosure,
        {"/object/type": "opens", "/object": "object", "/level": "level", "/grantee": "grantee"},
    ),
}
"""Type of statement -> what reads the rows of its sheet."""
