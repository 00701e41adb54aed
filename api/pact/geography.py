"""Where something is made, in PACT's words, from what its sites say of themselves. Pure.

A site in China states its division (GB/T 2260), whose first two digits are a province; a grid
region is read where it is a province of China, and else for its country alone, as grids have names
of their own (``US-SRVC``). Sites in one subdivision are there, sites in one country there, and
others are somewhere: PACT then says nothing, which it calls global.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ledger.statements import Site

PROVINCES: Final = {
    "11": "BJ", "12": "TJ", "13": "HE", "14": "SX", "15": "NM",
    "21": "LN", "22": "JL", "23": "HL",
    "31": "SH", "32": "JS", "33": "ZJ", "34": "AH", "35": "FJ", "36": "JX", "37": "SD",
    "41": "HA", "42": "HB", "43": "HN", "44": "GD", "45": "GX", "46": "HI",
    "50": "CQ", "51": "SC", "52": "GZ", "53": "YN", "54": "XZ",
    "61": "SN", "62": "GS", "63": "QH", "64": "NX", "65": "XJ",
}  # fmt: skip
"""First two digits of a division (GB/T 2260) -> second part of ISO 3166-2:CN."""
_CHINA: Final = "CN"
_COUNTRY: Final = re.compile(r"[A-Z]{2}(?=-|\Z)", re.ASCII)


def geography_of(sites: Iterable[Site]) -> dict[str, str]:
    """The one geographic member of a carbon footprint; none where the sites do not agree."""
    places = {_place(site) for site in sites}
    if len(places) == 1 and (place := places.pop()) is not None:
        member = "geographyCountrySubdivision" if "-" in place else "geographyCountry"
        return {member: place}
    countries = {place[:2] if place else None for place in places}
    if len(countries) == 1 and (country := countries.pop()) is not None:
        return {"geographyCountry": country}
    return {}


def _place(site: Site) -> str | None:
    if site.division is not None and site.division[:2] in PROVINCES:
        return f"{_CHINA}-{PROVINCES[site.division[:2]]}"
    grid = site.grid_region or ""
    country, _, part = grid.partition("-")
    if country == _CHINA and part in PROVINCES.values():
        return grid
    found = _COUNTRY.match(grid)
    return found.group() if found else None
