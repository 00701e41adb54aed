"""How far a PACT footprint can be used, by what it tells: WBCSD's usability levels. Pure.

=====  ===========================  ===========================================================
level  name                         beyond what PACT's schema always asks for
=====  ===========================  ===========================================================
1      indicative                   nothing: a total for a unit of a product and a period
2      consistent                   primary-data share, standards, packaging, secondary sources
3      methodologically complete    parts of the total, carbon content, allocation, boundary
=====  ===========================  ===========================================================

Source: appendix "Using PCF Data" of WBCSD's Usability Model (2026), which gives a level to every
member of PACT v3. Asked for is what the methodology says *shall* or *should* be told; what it says
of biogenic carbon, of captured carbon and of packaging is asked for where the footprint has any,
and that there is none is for it to say. Members without a reporting rule are asked of nobody.

Three values may stand in for a member that the schema forces on who knows less, and do not count as
told: ``N/A`` among the standards; no fossil emissions beside a total that they do not explain; and
the total with uptake repeated from the one without, of a product that has biogenic carbon.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from ledger.pact import CarbonFootprint, ProductFootprint

INDICATIVE: Final = 1
CONSISTENT: Final = 2
COMPLETE: Final = 3
NOT_AVAILABLE: Final = "N/A"
"""What stands among the standards where none is known."""
_YEAR_OF_MORE: Final = 2027
"""From this year ratings and land management are asked for at level 3."""


@dataclass(frozen=True, slots=True)
class Usability:
    """The level, and pointers (RFC 6901) to the members that the next one asks for as well."""

    level: int
    lacking: tuple[str, ...]


def usability(footprint: ProductFootprint, day: dt.date) -> Usability:
    """The level of a footprint on a day, and what it lacks for the next; 3 lacks nothing."""
    for level in (CONSISTENT, COMPLETE):
        asked = [member for each in _ASKED if each.level == level for member in each.of(footprint)]
        if day.year >= _YEAR_OF_MORE and level == COMPLETE:
            asked += _from_2027(footprint.pcf)
        if asked:
            return Usability(level - 1, tuple(f"/pcf/{member}" for member in asked))
    return Usability(COMPLETE, ())


Untold: TypeAlias = Callable[[CarbonFootprint], bool]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A member that a level asks for, and when a footprint does not tell it."""

    level: int
    member: str
    is_untold: Untold

    def of(self, footprint: ProductFootprint) -> Iterator[str]:
        if self.is_untold(footprint.pcf):
            yield self.member


def _is_biogenic(pcf: CarbonFootprint) -> bool:
    """Whether anything in it is of biological origin, or taken up from the air by growing."""
    told = (
        pcf.biogenic_carbon_content,
        pcf.packaging_biogenic_carbon_content,
        pcf.land_use_change_ghg_emissions,
        pcf.land_management_biogenic_co2_emissions,
        pcf.land_management_biogenic_co2_removals,
        pcf.land_management_fossil_ghg_emissions,
        pcf.biogenic_non_co2_emissions,
        pcf.biogenic_co2_uptake,
    )
    return any(told)


def _repeats_the_total(pcf: CarbonFootprint) -> bool:
    repeated = pcf.pcf_including_biogenic_uptake == pcf.pcf_excluding_biogenic_uptake
    return repeated and _is_biogenic(pcf) and pcf.biogenic_co2_uptake is None


def _has_secondary_data(pcf: CarbonFootprint) -> bool:
    return pcf.known_primary_data_share is not None and pcf.known_primary_data_share < 100


def _fossil_stands_in(pcf: CarbonFootprint) -> bool:
    return not pcf.fossil_ghg_emissions and not pcf.parts_known


def _captures(pcf: CarbonFootprint) -> bool:
    return pcf.ccs_technological_co2_capture_included is True


def _uses_captured(pcf: CarbonFootprint) -> bool:
    return bool(pcf.ccu_carbon_content) or pcf.ccu_calculation_approach is not None


def _from_2027(pcf: CarbonFootprint) -> list[str]:
    found = [] if pcf.dqi is not None else ["dqi"]
    if _is_biogenic(pcf) and pcf.land_management_fossil_ghg_emissions is None:
        found.append("landManagementFossilGhgEmissions")
    if _is_biogenic(pcf) and pcf.land_management_biogenic_co2_emissions is None:
        found.append("landManagementBiogenicCO2Emissions")
    return found


_ASKED: Final = tuple(
    _Asked(level, member, is_untold)
    for level, member, is_untold in (
        (2, "pcfIncludingBiogenicUptake", _repeats_the_total),
        (
            2,
            "biogenicCarbonContent",
            lambda pcf: _is_biogenic(pcf) and pcf.biogenic_carbon_content is None,
        ),
        (2, "packagingEmissionsIncluded", lambda pcf: pcf.packaging_emissions_included is None),
        (
            2,
            "packagingGhgEmissions",
            lambda pcf: (
                pcf.packaging_emissions_included is True and pcf.packaging_ghg_emissions is None
            ),
        ),
        (
            2,
            "crossSectoralStandards",
            lambda pcf: set(pcf.cross_sectoral_standards) <= {NOT_AVAILABLE},
        ),
        (
            2,
            "secondaryEmissionFactorSources",
            lambda pcf: _has_secondary_data(pcf) and not pcf.secondary_emission_factor_sources,
        ),
        (2, "primaryDataShare", lambda pcf: pcf.known_primary_data_share is None),
        (3, "boundaryProcessesDescription", lambda pcf: not pcf.boundary_processes_description),
        (3, "recycledCarbonContent", lambda pcf: pcf.recycled_carbon_content is None),
        (3, "fossilGhgEmissions", _fossil_stands_in),
        (
            3,
            "landUseChangeGhgEmissions",
            lambda pcf: _is_biogenic(pcf) and pcf.land_use_change_ghg_emissions is None,
        ),
        (
            3,
            "biogenicCO2Uptake",
            lambda pcf: _is_biogenic(pcf) and pcf.biogenic_co2_uptake is None,
        ),
        (
            3,
            "biogenicNonCO2Emissions",
            lambda pcf: _is_biogenic(pcf) and pcf.biogenic_non_co2_emissions is None,
        ),
        (
            3,
            "ccsTechnologicalCO2CaptureIncluded",
            lambda pcf: pcf.ccs_technological_co2_capture_included is None,
        ),
        (
            3,
            "ccsTechnologicalCO2Capture",
            lambda pcf: _captures(pcf) and pcf.ccs_technological_co2_capture is None,
        ),
        (
            3,
            "technologicalCO2CaptureOrigin",
            lambda pcf: _captures(pcf) and not pcf.technological_co2_capture_origin,
        ),
        (
            3,
            "technologicalCO2Removals",
            lambda pcf: _captures(pcf) and pcf.technological_co2_removals is None,
        ),
        (
            3,
            "ccuCarbonContent",
            lambda pcf: _uses_captured(pcf) and pcf.ccu_carbon_content is None,
        ),
        (
            3,
            "ccuCalculationApproach",
            lambda pcf: _uses_captured(pcf) and pcf.ccu_calculation_approach is None,
        ),
        (3, "allocationRulesDescription", lambda pcf: not pcf.allocation_rules_description),
    )
)
