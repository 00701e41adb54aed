"""The answers about meters: one meter by month, and a boundary's year as its meters tell it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final, cast

from flask_babel import gettext

from api.figures.parts import Answer, site_name, told
from graph.books.metering import Kind, Known, MeteredYear, Row
from graph.findings import Finding
from graph.reading.meters import FLAGS, Flag, Metered, Stretch
from graph.version import VERSION
from ledger.standing import Standing
from ledger.statements import Meter, Site

MOST_FLAGS: Final = 200
"""How many flags of a meter are listed."""
_FEW_FLAGS: Final = 5
"""Of each meter of a boundary."""
_DAY: Final = 86_400.0


def from_meters() -> str:
    """What the estimate is called wherever it is shown."""
    told = gettext("From meters: a running estimate of operational emissions, not the inventory.")
    return str(told)


def asked(standing: Standing, year: int, as_of: int) -> Answer:
    return {"year": year, "at": standing.size, "as_of": as_of, "engine": VERSION}


def meter_answer(standing: Standing, found: Metered) -> Answer:
    """One meter, month by month, in its own unit."""
    meter, stands = found.meter, standing.sites[found.site]
    site = cast(Site, stands.statement.body)
    return {
        **asked(standing, found.year, found.as_of),
        **_kind(meter),
        "site": {"id": found.site, "name": site.name},
        "meter": meter.meter,
        "reads": meter.reads,
        "time_zone": site.time_zone,
        "owner": standing.owner_on("site", found.site, dt.date(found.year, 12, 31)),
        "months": [
            {**_stretch(each), "month": _month(found.year, k)}
            for k, each in enumerate(found.months, 1)
        ],
        "total": _stretch(found.whole),
        "through": _moment(found.through),
        "flags": [_flag(each) for each in found.flags[:MOST_FLAGS]],
        "flags_not_shown": len(found.flags[MOST_FLAGS:]),
    }


def boundary_meters_answer(
    standing: Standing, found: MeteredYear, gwp: str, hidden: int, findings: Iterable[Finding]
) -> Answer:
    """What is the same of a park and of an enterprise; ``hidden`` sites are not shown."""
    estimate, year = found.estimate, found.year
    return {
        **asked(standing, year, found.as_of),
        "gwp": gwp,
        "through": _moment(found.through),
        "latest": _moment(found.latest),
        "rows": [
            {**_told_kind(row.kind), "meters": row.meters, **_row(year, row)} for row in found.rows
        ],
        "estimate": {
            "label": from_meters(),
            "unit": "kg CO2e",
            "scope1": estimate.scope1 and _row(year, estimate.scope1),
            "scope2": estimate.scope2 and _row(year, estimate.scope2),
            "together": estimate.together and _row(year, estimate.together),
            "factors": list(estimate.factors),
            "lacks": [told(each) for each in estimate.lacks],
        },
        "meters": [_listed(standing, each) for each in found.metered],
        "sites": len(found.sites),
        "without_meters": [_named(standing, site) for site in found.without_meters],
        "sites_not_shown": hidden,
        "findings": [told(each) for each in findings],
    }


def _named(standing: Standing, site: str) -> Answer:
    return {"id": site, "name": site_name(standing, site)}


def _kind(meter: Meter) -> Answer:
    return {
        "measures": meter.measures,
        "flow": meter.flow,
        "source": meter.source,
        "fuel": meter.fuel,
        "unit": meter.unit,
    }


def _told_kind(kind: Kind) -> Answer:
    return {
        "measures": kind.measures,
        "flow": kind.flow,
        "source": kind.source or None,
        "fuel": kind.fuel or None,
        "unit": kind.unit,
    }


def _row(year: int, row: Row) -> Answer:
    months = [{**_known(each), "month": _month(year, k)} for k, each in enumerate(row.months, 1)]
    return {"months": months, "total": _known(row.whole)}


def _known(known: Known | Stretch) -> Answer:
    return {"amount": known.amount, "share": known.share}


def _stretch(stretch: Stretch) -> Answer:
    return {
        **_known(stretch),
        "days": stretch.known / _DAY if stretch.seconds else None,
        "readings": stretch.readings,
        "flags": list(stretch.flags),
    }


def _listed(standing: Standing, found: Metered) -> dict[str, Any]:
    noticed = sorted(found.flags, key=lambda flag: flag.kind == "gap")
    return {
        **_kind(found.meter),
        "site": _named(standing, found.site),
        "meter": found.meter.meter,
        "total": _known(found.whole),
        "through": _moment(found.through),
        "flags": list(found.whole.flags),
        "noticed": [_flag(each) for each in noticed[:_FEW_FLAGS]],
        "noticed_not_shown": len(noticed[_FEW_FLAGS:]),
    }


def _flag(flag: Flag) -> Answer:
    return {
        "kind": flag.kind,
        "start": _moment(flag.start),
        "end": _moment(flag.end),
        "sentence": gettext(FLAGS[flag.kind]) % flag.params,
    }


def _month(year: int, month: int) -> str:
    return f"{year:04}-{month:02}"


def _moment(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
