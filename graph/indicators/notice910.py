"""China's national indicator for zero-carbon parks: notice 发改环资〔2025〕910号, annexes 3 and 4.

**A different number from the net figure of a park.** It counts CO2 of fossil carbon alone, from
energy and industrial processes, with neither Scope 3 nor any removal, capture or offset:

    E = E_fuel + E_conversion + E_process + E_electricity + E_heat        t CO2 of a calendar year

================  ===============================================================================
E_fuel            Σ amount · factor of fuels that are burnt (final, power, heat); feedstock is no
                  fuel. With it, CO2 of combustion that was stated without its fuel
E_conversion      Σ input · factor − Σ output · factor of fuels turned into fuels; all of the carbon
                  counts as oxidised
E_process         CO2 that inventories state from processes; from fugitive and other sources and of
                  no stated source as well, for the method covers more than the processes it lists
E_electricity     (received − delivered − covered by certificates) · 0.8325 t/MWh, non-fossil power
                  apart: green power supplied directly, and that of certificates, counts 0, all
                  other power counts as fossil, on its way in and out
E_heat            (received − delivered of heat and steam of fossil fuels) · 0.11 t/GJ; non-fossil
                  and recovered heat count 0
================  ===============================================================================

Over the fence only differences count, so trade between tenants cancels. Factors of fuels are those
of the factor ladder, with measured values first (``graph.reading.direct``).

Not in it: cooling, for which the method has no rule; CO2 of waste treatment, which is neither
energy nor a process. Both are named, with their amounts (``Emitted.outside``). Fuel for
international flights and ships is neither deducted nor, as the method asks, listed apart: no
statement tells it apart.

**Core indicator**: ``E / energy`` in t CO2 per tce, the energy as in ``graph.books.energy``: at
most 0.2 from 200 000 to less than 1 000 000 tce, at most 0.3 from 1 000 000 tce. Below 200 000 tce
the annex has no threshold: there is a value and no verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from graph.books.energy import ELECTRIC, GJ_PER_MWH, HEATS, MWH, NON_FOSSIL, Balance, FuelUse
from graph.books.unsaid import Lack, lack
from graph.reading.flows import inventories_of
from graph.reading.network import Vector
from ledger.gases import CO2E
from ledger.schema import load
from ledger.statements import BURNT, CARRIER_URNS, NON_PRINCIPLED, PRINCIPLED, Indicators

NAME: Final = "notice-910"
FOSSIL_POWER_T_PER_MWH: Final = 0.8325
"""t CO2 per MWh of all power that is not green (annex 4, II.2.3.1)."""
FOSSIL_HEAT_T_PER_GJ: Final = 0.11
"""t CO2 per GJ of heat of fossil fuels, where none was measured (annex 4, II.2.3.2)."""
FUEL, CONVERSION, PROCESS = "fuel", "conversion", "process"
ELECTRICITY, HEAT = "electricity", "heat"
RULES: Final[Mapping[str, str]] = {
    FUEL: "Fossil fuels that are burnt",
    CONVERSION: "Fuels turned into fuels, by their carbon",
    PROCESS: "Industrial processes",
    ELECTRICITY: "Electricity over the fence",
    HEAT: "Heat and steam over the fence",
}
"""The terms of the sum, in the order of the method."""
FOSSIL: Final = "fossil"
OUTSIDE: Final[Mapping[str, str]] = {
    "cooling": "Cooling over the fence: the method has no rule for it.",
    "waste": "CO2 of waste treatment: neither energy nor an industrial process.",
}
"""What the method leaves out, where there is any of it."""
CERTIFIED: Final = "certified"
"""How power is told that certificates cover."""
_KG_PER_TONNE: Final = 1000
_GIGAJOULE: Final = "GV"


@dataclass(frozen=True, slots=True)
class Part:
    """One term of the sum: ``t_co2 = amount · factor``, so that it can be checked on paper.

    ``what`` is a fuel or carrier by its URN, or the source of emissions that were stated as such;
    ``how`` the use of a fuel, or the source of energy. ``factor`` is t CO2 per unit, ``by`` the row
    that says so, where it is one; ``t_co2`` is ``None`` while there is no factor. ``site`` is the
    site, or the holder of certificates.
    """

    rule: str
    site: str
    what: str
    how: str
    amount: float
    unit: str
    factor: float | None
    by: str | None
    t_co2: float | None


@dataclass(frozen=True, slots=True)
class Apart:
    """What the method leaves out (a key of ``OUTSIDE``), and how much of it there is."""

    what: str
    amount: float
    unit: str


@dataclass(frozen=True)
class Emitted:
    """E of a boundary by its parts; ``value`` is ``None`` while anything is missing."""

    parts: tuple[Part, ...]
    outside: tuple[Apart, ...]
    missing: tuple[Lack, ...]

    @property
    def known(self) -> float:
        """t CO2 of what is known."""
        return sum(part.t_co2 or 0.0 for part in self.parts)

    @property
    def value(self) -> float | None:
        return None if self.missing else self.known

    def of(self, rule: str) -> float:
        """t CO2 of one term, as far as it is known."""
        return sum(part.t_co2 or 0.0 for part in self.parts if part.rule == rule)


def emitted(balance: Balance) -> Emitted:
    """The CO2 of a boundary by the rules of the notice."""
    stated = _Stated.of(balance)
    fuels = (_fuel(use) for use in balance.fuels if use.is_energy)
    return Emitted(
        parts=(*fuels, *stated.parts, *_electricity(balance), *_heat(balance)),
        outside=tuple(each for each in (*stated.outside, _cooling(balance)) if each.amount),
        missing=tuple(dict.fromkeys((*balance.silent, *_lacking(balance), *stated.missing))),
    )


# -- fuels -------------------------------------------------------------------------------------


def _fuel(use: FuelUse) -> Part:
    factor = None
    if use.burnt is not None and not _is_untold(use.burnt.emissions):
        factor = _fossil_co2(use.burnt.emissions) / _KG_PER_TONNE
    return Part(
        rule=FUEL if use.fuel.use in BURNT else CONVERSION,
        site=use.site,
        what=use.fuel.fuel,
        how=use.fuel.use,
        amount=use.amount,
        unit=use.fuel.unit,
        factor=factor,
        by=use.burnt.factor if use.burnt else None,
        t_co2=None if factor is None else use.amount * factor,
    )


def _fossil_co2(emissions: Vector) -> float:
    return sum(
        kg for column, kg in emissions.items() if (column.gas, column.origin) == ("CO2", "fossil")
    )


def _is_untold(emissions: Vector) -> bool:
    """Whether CO2 is somewhere in what is only told as CO2e."""
    gases = {column.gas for column in emissions}
    return CO2E in gases and "CO2" not in gases


def _lacking(balance: Balance) -> Iterator[Lack]:
    for use in balance.fuels:
        told = {"fuel": use.fuel.fuel, "site": balance.year.site_name(use.site)}
        if use.is_energy and use.burnt is None:
            yield lack("fuel-factor", **told, unit=use.fuel.unit)
        elif use.burnt is not None and _is_untold(use.burnt.emissions):
            yield lack("fuel-co2", **told)


# -- what was stated as emitted ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stated:
    """Fossil CO2 that inventories state as such."""

    parts: tuple[Part, ...]
    outside: tuple[Apart, ...]
    missing: tuple[Lack, ...]

    @classmethod
    def of(cls, balance: Balance) -> _Stated:
        kg: dict[tuple[str, str], float] = defaultdict(float)
        missing: list[Lack] = []
        for each in inventories_of(balance.year, balance.places):
            for row in each.body.emissions:
                if (row.gas, row.origin) == ("CO2", "fossil"):
                    kg[each.place.site, row.source or "unsaid"] += float(row.amount) * each.share
                elif row.gas == CO2E and row.origin == "fossil" and row.amount:
                    name = balance.year.site_name(each.place.site)
                    missing.append(lack("emissions-co2", site=name))
        waste = sum(amount for (_, source), amount in kg.items() if source == "waste")
        return cls(
            tuple(_by_source(kg)), (Apart("waste", waste / _KG_PER_TONNE, "TNE"),), tuple(missing)
        )


def _by_source(kg: Mapping[tuple[str, str], float]) -> Iterator[Part]:
    for (site, source), amount in kg.items():
        if source != "waste":
            tonnes = amount / _KG_PER_TONNE
            rule = FUEL if source == "combustion" else PROCESS
            yield Part(rule, site, source, "stated", tonnes, "TNE", 1.0, None, tonnes)


# -- what crosses the fence --------------------------------------------------------------------


def _electricity(balance: Balance) -> Iterator[Part]:
    for site, carrier, source in _crossing(balance, (ELECTRIC,)):
        mwh = balance.net((carrier,), (source,), site)
        factor = 0.0 if source == NON_FOSSIL else FOSSIL_POWER_T_PER_MWH
        yield _over_the_fence(ELECTRICITY, site, carrier, source, mwh, MWH, factor)
    for holder, mwh in balance.certified.items():
        factor = FOSSIL_POWER_T_PER_MWH
        yield _over_the_fence(ELECTRICITY, holder, ELECTRIC, CERTIFIED, -mwh, MWH, factor)


def _heat(balance: Balance) -> Iterator[Part]:
    for site, carrier, source in _crossing(balance, HEATS):
        gj = balance.net((carrier,), (source,), site) * GJ_PER_MWH
        factor = FOSSIL_HEAT_T_PER_GJ if source == FOSSIL else 0.0
        yield _over_the_fence(HEAT, site, carrier, source, gj, _GIGAJOULE, factor)


def _over_the_fence(
    rule: str, site: str, carrier: str, how: str, amount: float, unit: str, factor: float
) -> Part:
    urn = CARRIER_URNS[carrier]
    return Part(rule, site, urn, how, amount, unit, factor, None, amount * factor)


def _crossing(balance: Balance, carriers: Collection[str]) -> list[tuple[str, str, str]]:
    """(site, carrier, source) of what was bought or sold."""
    over = (flow for flow in balance.flows if flow.flow in ("bought", "sold"))
    return sorted({(f.site, f.carrier, f.source) for f in over if f.carrier in carriers})


def _cooling(balance: Balance) -> Apart:
    return Apart("cooling", balance.net(("cooling",)), MWH)


# -- the indicators ----------------------------------------------------------------------------


def _guiding(name: str, title: str, title_zh: str, ratio: str, threshold: str) -> dict[str, str]:
    quantity, per = ratio.split(" / ")
    return {
        "id": name,
        "title": title,
        "titleZh": title_zh,
        "class": NON_PRINCIPLED,
        "quantity": quantity,
        "per": per,
        "operator": "at-least",
        "threshold": threshold,
        "weight": "1",
        "source": f"{_NOTICE}, 附件3, 引导性指标",
    }


def _core(threshold: str, **band: str) -> dict[str, str]:
    return {
        "id": CORE,
        "title": "CO2 per unit of energy",
        "titleZh": "单位能耗碳排放",
        "class": PRINCIPLED,
        "quantity": "co2-of-notice-910",
        "per": "energy",
        "operator": "at-most",
        "threshold": threshold,
        "when": "energy",
        **band,
        "source": f"{_NOTICE}, 附件3, 核心指标",
    }


CORE: Final = "carbon-per-energy"
UNIT_PRODUCT_ENERGY: Final = "unit-product-energy"
_NOTICE: Final = "发改环资〔2025〕910号"
UNSTATED: Final[Mapping[str, tuple[str, str, str]]] = {
    UNIT_PRODUCT_ENERGY: (
        "Energy per unit of product, at or below the second level of the national limit",
        "园区企业产出产品单位能耗",
        f"{_NOTICE}, 附件3, 引导性指标",
    )
}
"""Guiding indicators of which nothing that is stated tells anything: title in English and Chinese,
and source."""
SYSTEM: Final[Indicators] = load(
    Indicators,
    {
        "name": NAME,
        "version": "2025",
        "title": "Indicators of national zero-carbon parks (trial)",
        "titleZh": "国家级零碳园区建设指标体系（试行）",
        "publisher": "国家发展改革委、工业和信息化部、国家能源局",
        "source": f"{_NOTICE} 关于开展零碳园区建设的通知, 附件3, 附件4, https://www.ndrc.gov.cn/"
        "xxgk/zcfb/tz/202507/P020250708509043242519.pdf",
        "passMark": "0",
        "items": [
            _core("0.2", atLeast="200000", below="1000000"),
            _core("0.3", atLeast="1000000"),
            _guiding(
                "clean-energy",
                "Share of clean energy",
                "清洁能源消费占比",
                "energy-clean / energy",
                "0.9",
            ),
            _guiding(
                "industrial-waste",
                "Industrial solid waste utilised",
                "工业固体废弃物综合利用率",
                "waste-industrial-utilised / waste-industrial",
                "0.8",
            ),
            _guiding(
                "waste-energy",
                "Waste heat, cold and pressure used",
                "余热/余冷/余压综合利用率",
                "heat-recovered / heat-recoverable",
                "0.5",
            ),
            _guiding(
                "water-reuse",
                "Industrial water used again",
                "工业用水重复利用率",
                "water-reused / water",
                "0.8",
            ),
            _guiding(
                "direct-green-power",
                "Green power supplied directly (in principle)",
                "绿色电力直接供应比例（原则上）",
                "electricity-green-direct / electricity",
                "0.5",
            )
            | {"weight": "0", "source": f"{_NOTICE}, 附件4"},
        ],
    },
)
"""Annex 3 as a rule table: the core indicator decides, the guiding ones are counted.

The share of green power that is supplied directly is a rule of annex 4, “in principle”: it is
shown and has no weight. Of `UNIT_PRODUCT_ENERGY` there is no quantity: it is always missing.
"""
