"""A city, a county or a province as a boundary: all sites that state to lie in it.

Administrative divisions are coded by GB/T 2260: two digits of the province, two of the city, two of
the county, so that what lies in a division has a code that begins with its own. Trailing pairs of
zeros name the whole (``320000`` is the province ``32``). Nobody is put anywhere by coordinates: a
site that states no division, or only a larger one, may lie in it or not, and such sites are counted
instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

from graph.engine import Answered, Books, books_of_places, last_of_sites, places_of_park
from graph.errors import NoSiteInDivision
from graph.reading.year import Place, Year
from ledger.standing import Said, Standing
from ledger.statements import Site

KIND: Final = "division"


def code_of(text: str) -> str:
    """The digits that all codes in a division begin with: ``32`` of ``320000``."""
    while len(text) > 2 and text.endswith("00"):
        text = text[:-2]
    return text


def division_books(answered: Answered, division: str) -> Books:
    """The books of all sites in ``division``, two, four or six digits.

    Certificates that a park has used up belong to it where the whole park does.

    Raises
    ------
    NoSiteInDivision
        No site says that it lies there.
    NoDataForYear
        Nothing was stated about any of them in the year.
    """
    code, standing = code_of(division), answered.standing
    inside = sorted(site.id for site in _sites(standing) if lies_in(site, code))
    if not inside:
        raise NoSiteInDivision(division=code, undecided=len(undecided(standing, [code])))
    cut = Year(standing, answered.year, answered.valid_on)
    places = tuple(place for site in inside for place in cut.places(site))

    def decides(said: Said | None, _: str) -> bool:
        # Where a site lay before it was revised is not kept, so every revision counts.
        if said is None or said.is_revised:
            return True
        return lies_in(cast(Site, said.statement.body), code)

    return books_of_places(
        KIND,
        code,
        f"GB/T 2260 {code}",
        answered,
        places,
        noticed=(),
        drawn=last_of_sites(standing, decides),
        parks=parks_within(answered, places),
    )


def lies_in(site: Site, code: str) -> bool:
    """Whether a site states a division in the one of ``code``."""
    return site.division is not None and code_of(site.division).startswith(code)


def may_lie_in(site: Site, code: str) -> bool:
    """Whether a site states none, or only a larger one that holds the one of ``code``."""
    if site.division is None:
        return True
    stated = code_of(site.division)
    return stated != code and code.startswith(stated)


def undecided(standing: Standing, codes: Iterable[str]) -> frozenset[str]:
    """The sites of which nobody knows whether they lie in one of the divisions."""
    asked = list(codes)
    return frozenset(
        site.id for site in _sites(standing) if any(may_lie_in(site, code) for code in asked)
    )


def _sites(standing: Standing) -> Iterator[Site]:
    return (cast(Site, said.statement.body) for said in standing.sites.values())


def parks_within(answered: Answered, places: Iterable[Place]) -> dict[str, tuple[Place, ...]]:
    """The parks all of whose places in the year are among these."""
    among = frozenset(places)
    members = {
        park: places_of_park(answered.standing, park, answered.year, answered.valid_on)
        for park in answered.standing.parks
    }
    return {park: own for park, own in members.items() if own and among.issuperset(own)}
