"""Where a product is made, from what its sites say of themselves, in PACT's words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from api.pact.geography import PROVINCES, geography_of
from ledger.statements import Site

pytestmark = pytest.mark.only_on("sqlite", "it has no database")


def site(**told: Any) -> Site:
    members: dict[str, Any] = {
        "id": "0a4d3c2b-1111-4222-8333-944455566677",
        "name": "Plant",
        "latitude": Decimal(31),
        "longitude": Decimal(120),
        "time_zone": "Asia/Shanghai",
    }
    return Site(**members, **told)


SUZHOU, WUXI, HEFEI = (site(division=code) for code in ("320500", "320200", "340100"))


@pytest.mark.parametrize(
    ("sites", "told"),
    [
        ([SUZHOU], {"geographyCountrySubdivision": "CN-JS"}),
        ([SUZHOU, WUXI], {"geographyCountrySubdivision": "CN-JS"}),
        ([SUZHOU, HEFEI], {"geographyCountry": "CN"}),
        ([site(grid_region="CN-AH")], {"geographyCountrySubdivision": "CN-AH"}),
        ([site(grid_region="CN-EAST")], {"geographyCountry": "CN"}),
        ([site(grid_region="CN-NW")], {"geographyCountry": "CN"}),  # a grid, not a province
        ([site(grid_region="US-SRV")], {"geographyCountry": "US"}),
        ([site(grid_region="DE")], {"geographyCountry": "DE"}),
        ([site(grid_region="Nordic")], {}),
        ([site(grid_region="CN-AH", division="320500")], {"geographyCountrySubdivision": "CN-JS"}),
        ([SUZHOU, site(grid_region="DE")], {}),
        ([SUZHOU, site()], {}),
        ([site()], {}),
    ],
)
def test_sites_are_where_all_of_them_are(sites: list[Site], told: dict[str, str]) -> None:
    assert geography_of(sites) == told


def test_31_provinces_have_a_code_of_their_own() -> None:
    """GB/T 2260 has 31 on the mainland; ISO 3166-2:CN names them by two letters."""
    assert len(PROVINCES) == len(set(PROVINCES.values())) == 31
    assert all(len(code) == 2 for code in PROVINCES.values())
