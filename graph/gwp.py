"""Global warming potentials over 100 years: kg CO2e per kg of a gas, as versioned data.

=====  =======================================================================================
AR4    IPCC 2007, WG1, Table 2.14
AR5    IPCC 2013, WG1, Table 8.A.1, without climate-carbon feedbacks
AR6    IPCC 2021, WG1, Chapter 7 Supplementary Material, Table 7.SM.7; methane from Table 7.15
=====  =======================================================================================

Where sources disagree, this is what stands here and why.

* **Methane in AR6** is 29.8 when fossil and 27.0 otherwise (Table 7.15): the fossil value counts
  the CO2 that it decays to. The 27.9 of Table 7.SM.7 is neither, and is not used. Who computes CO2
  as if all carbon of a fuel had burnt has that CO2 already, and lowers it, not the methane.
* **Methane in AR5** is 28 for every origin. Table 8.A.1 also prints 30 for fossil methane; 28 is
  what US EPA's supply chain factors use and what the UNFCCC's common metrics leave (they exclude
  the fossil value), so the CO2 of decay stays with whoever reports it as CO2. AR4 has 25 alone.
* **SF6 in AR6** is 25 200, as in the chapter authors' published data of Table 7.SM.7 (lifetime
  3200 years). The GHG Protocol's sheet of 2024 prints 24 300, close to what a lifetime of 1000
  years gives. Whoever must report that one needs another set, not another number in this one.
* **HFC-134a in AR6** is 1530 (7.SM.7, three digits); Table 7.15 prints 1526.
* **CO2** is 1 when fossil or from land use, and 0 when biogenic: biogenic CO2 is reported apart
  from every gross total (ISO 14067, GHG Protocol, PACT), never inside it.

A gas without carbon, or a synthetic one, has the same value whatever its origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from graph.errors import GasWithoutGwp, UnknownGwpSet
from ledger.gases import CO2E, GWP_SETS, ORIGINS, Gas, Origin


@dataclass(frozen=True)
class GwpSet:
    """One assessment report's values. ``version`` changes whenever any value here changes."""

    name: str
    version: str
    source: str
    values: Mapping[tuple[str, Origin], float] = field(repr=False)

    def factor(self, gas: Gas, origin: Origin) -> float:
        """kg CO2e per kg of ``gas``, biogenic CO2 excluded (0).

        ``CO2e`` has 1 under any set: it cannot be taken apart again. Whoever adds it up under a
        set other than ``gas.gwp_set`` marks the sum as mixed.

        Raises
        ------
        GasWithoutGwp
            The report has no value for the gas. It is never taken as zero.
        """
        if gas.id == CO2E:
            return 1.0
        value = self.values.get((gas.id, origin))
        if value is None:
            raise GasWithoutGwp(gas=gas.id, set=self.name)
        return value


def set_of(name: str) -> GwpSet:
    """The set ``AR4``, ``AR5`` or ``AR6``. Raises ``UnknownGwpSet``."""
    found = _SETS.get(name)
    if found is None:
        raise UnknownGwpSet(name=repr(name[:80]), choices=", ".join(_SETS))
    return found


# One row per gas, one column per set of GWP_SETS; None: the report prints no value.
_TABLE: Final[dict[str, tuple[float | None, ...]]] = {
    "N2O": (298, 265, 273),
    "SF6": (22800, 23500, 25200),
    "NF3": (17200, 16100, 17400),
    "SO2F2": (None, 4090, 4630),
    "CF4": (7390, 6630, 7380),
    "C2F6": (12200, 11100, 12400),
    "C3F8": (8830, 8900, 9290),
    "cC4F8": (10300, 9540, 10200),
    "C4F10": (8860, 9200, 10000),
    "C5F12": (9160, 8550, 9220),
    "C6F14": (9300, 7910, 8620),
    "C7F16": (None, 7820, 8410),
    "C8F18": (None, 7620, 8260),
    "C10F18": (None, 7190, 7480),
    "HFC-23": (14800, 12400, 14600),
    "HFC-32": (675, 677, 771),
    "HFC-41": (None, 116, 135),
    "HFC-125": (3500, 3170, 3740),
    "HFC-134": (None, 1120, 1260),
    "HFC-134a": (1430, 1300, 1530),
    "HFC-143": (None, 328, 364),
    "HFC-143a": (4470, 4800, 5810),
    "HFC-152": (None, 16, 21.5),
    "HFC-152a": (124, 138, 164),
    "HFC-161": (None, 4, 4.84),
    "HFC-227ea": (3220, 3350, 3600),
    "HFC-236cb": (None, 1210, 1350),
    "HFC-236ea": (None, 1330, 1500),
    "HFC-236fa": (9810, 8060, 8690),
    "HFC-245ca": (None, 716, 787),
    "HFC-245fa": (1030, 858, 962),
    "HFC-365mfc": (794, 804, 914),
    "HFC-43-10mee": (1640, 1650, 1600),
}
# The two gases whose origin matters: (fossil, biogenic, land-use), in the order of ORIGINS.
_BY_ORIGIN: Final[dict[str, dict[str, tuple[float, float, float]]]] = {
    "AR4": {"CO2": (1, 0, 1), "CH4": (25, 25, 25)},
    "AR5": {"CO2": (1, 0, 1), "CH4": (28, 28, 28)},
    "AR6": {"CO2": (1, 0, 1), "CH4": (29.8, 27.0, 27.0)},
}
_SOURCES: Final = {
    "AR4": "IPCC 2007, AR4 WG1, Table 2.14",
    "AR5": "IPCC 2013, AR5 WG1, Table 8.A.1",
    "AR6": "IPCC 2021, AR6 WG1, Tables 7.SM.7 and 7.15",
}


def _values(name: str) -> Iterator[tuple[tuple[str, Origin], float]]:
    for gas, by_origin in _BY_ORIGIN[name].items():
        yield from (((gas, o), float(v)) for o, v in zip(ORIGINS, by_origin, strict=True))
    column = GWP_SETS.index(name)
    for gas, row in _TABLE.items():
        value = row[column]
        if value is not None:
            yield from (((gas, origin), float(value)) for origin in ORIGINS)


_SETS: Final = {
    name: GwpSet(name, "1", source, MappingProxyType(dict(_values(name))))
    for name, source in _SOURCES.items()
}
