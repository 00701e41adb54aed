"""Meters that count evenly, and factors for what they count.

The grid emits 0.6 kg CO2 per kWh; natural gas has 38.931 MJ per m³ and 0.0153 kg of carbon per MJ,
of which 0.99 is oxidised: 38.931 · 0.0153 · 0.99 · 44/12 = 2.16219 kg CO2 (21.6219 t per 10⁴ m³).
"""

from __future__ import annotations

from typing import Any

from ledger.schema import load
from ledger.statements import Factors, Meter, Readings
from tests.factory import Actor, Factory

GAS = "urn:catchment:fuel:natural-gas"
POWER = "urn:cpc:17100"


def state_factors(f: Factory, *kinds: str) -> None:
    rows = {
        "grid": {
            "of": POWER,
            "region": "CN-JS",
            "unit": "MWH",
            "emissions": [{"gas": "CO2", "origin": "fossil", "amount": "600"}],
        },
        "fuel": {
            "of": GAS,
            "unit": "NM3",
            "netCalorificValue": "38.931",
            "carbonContent": "0.0153",
            "oxidation": "0.99",
            "emissions": [{"gas": "CO2", "origin": "fossil", "amount": "2.16219"}],
        },
    }
    stated = [{"kind": kind, "name": kind, **rows[kind]} for kind in kinds]
    about = {"name": "china", "version": "1", "publisher": "I", "source": "Y", "year": 2025}
    f.operator.say(load(Factors, {**about, "rows": stated}))


def count(actor: Actor, site: str, name: str, total: str, **members: Any) -> None:
    """A register that counts evenly from 0 to ``total`` over the year."""
    plain = {"measures": "electricity", "flow": "bought", "source": "grid", "unit": "KWH"}
    if members.get("measures", "electricity") != "electricity":
        del plain["source"]
    actor.say(Meter(**{"site": site, "meter": name, "reads": "register", **plain, **members}))
    ends = [("2025-01-01T00:00:00+08:00", "0"), ("2026-01-01T00:00:00+08:00", total)]
    readings = [{"at": at, "value": value} for at, value in ends]
    period = {"start": "2025-01-01", "end": "2026-01-01"}
    actor.say(load(Readings, {"site": site, "meter": name, "period": period, "readings": readings}))
