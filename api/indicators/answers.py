"""What a system of indicators says of a park, item by item, and the parts of the national one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from flask_babel import get_locale, gettext

from api.figures.boundaries import BOUNDARY, Guarded, on_behalf
from api.figures.parts import Answer, head, site_name
from api.inventory.answers import Inventory
from graph.books.downstream import last_moved
from graph.books.energy import Basis, Consumption, Line
from graph.books.unsaid import LACKS, Lack, lack
from graph.indicators.indicators import BUILT_IN, Judged, Measured, Outcome, Verdict, apply
from graph.indicators.notice910 import (
    NAME,
    OUTSIDE,
    RULES,
    UNIT_PRODUCT_ENERGY,
    UNSTATED,
    Apart,
    Emitted,
    Part,
)
from graph.indicators.quantities import Ground
from ledger.statements import NON_PRINCIPLED, QUANTITIES, Indicator, Indicators

ANOTHER_NUMBER: Final = (
    "This is the national indicator of notice 910: fossil CO2 of energy and processes alone, with "
    "no Scope 3, no removals and no offsets. It is a different number from the net figure of the "
    "park."
)
_SHARE: Final = "1"
_NOT_SHOWN: Final = lack("not-shown")
_ALSO_MOVE: Final = ("certificate", "attestation", "accreditation", "target", "indicators")
"""Statement types that move an indicator and no figure."""
_TOLD_AS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "scope2-location": ("scope2", "location"),
        "scope2-market": ("scope2", "market"),
        "scope3": ("scope3", "total"),
        "scope3-upstream": ("scope3", "upstream"),
        "scope3-downstream": ("scope3", "downstream"),
        "gross-operational": ("gross", "operational", "market"),
        "gross": ("gross", "full", "market"),
        "net-operational": ("net", "operational", "market"),
        "net": ("net", "full", "market"),
        "removals-verified": ("ledgers", "removals", "verified"),
        "removals": ("ledgers", "removals", "unverified"),
        "captured": ("ledgers", "captured", "stored_fossil"),
        "coverage": ("bridge", "t2"),
    }
)
"""Quantity -> where the answer about the inventory tells the same, or does not."""
_WEIGHED: Final = ("primary-share", "verified-share")


def system_answer(system: Indicators) -> Answer:
    """A system with all of its rules."""
    return {
        **_about(system),
        "title_zh": system.title_zh,
        "pass_mark": system.pass_mark,
        "bonus_cap": system.bonus_cap,
        "park_types": list(system.park_types),
        "items": [_rule(item) | {"title_zh": item.title_zh} for item in system.items],
    }


def _about(system: Indicators) -> Answer:
    return {
        "name": system.name,
        "version": system.version,
        "title": _titled(system.title, system.title_zh),
        "publisher": system.publisher,
        "source": system.source,
        "built_in": system.name in BUILT_IN,
    }


def _titled(title: str, title_zh: str | None) -> str:
    return title_zh if title_zh and str(get_locale()).startswith("zh") else title


def _rule(item: Indicator) -> Answer:
    return {
        "id": item.id,
        "title": _titled(item.title, item.title_zh),
        "kind": item.kind,
        "quantity": item.quantity,
        "per": item.per,
        "unit": _unit_of(item),
        "operator": item.operator,
        "threshold": item.threshold,
        "weight": item.weight,
        "when": item.when,
        "at_least": item.at_least,
        "below": item.below,
        "park_type": item.park_type,
        "source": item.source,
    }


def _unit_of(item: Indicator) -> str:
    of = QUANTITIES[item.quantity]
    if item.per is None:
        return of
    per = QUANTITIES[item.per]
    return _SHARE if of == per else f"{of} / {per}"


@dataclass(frozen=True)
class IndicatorAnswer:
    """A system asked of a park; the caller may read every inventory behind it."""

    guarded: Guarded
    ground: Ground
    system: Indicators
    park_type: str | None
    is_earlier: bool
    """Whether the question is about an earlier position of the log."""

    def document(self) -> Answer:
        books, outcome = self.guarded.books, self._outcome
        items = [_item(each) for each in outcome.items]
        is_national = self.system.name == NAME
        return {
            "park": {"id": books.id, "name": books.name},
            **head(books.answered, self._as_of, BOUNDARY),
            "on_behalf": on_behalf(self.guarded),
            "system": _about(self.system),
            "park_type": self.park_type,
            "result": str(outcome.result),
            "points": outcome.points,
            "out_of": outcome.out_of + (len(UNSTATED) if is_national else 0),
            "bonus": outcome.bonus,
            "bonus_cap": self.system.bonus_cap,
            "pass_mark": self.system.pass_mark,
            "basis": self._basis,
            "items": [*items, *map(_unstated, UNSTATED)] if is_national else items,
            "notice": self._notice() if is_national else None,
        }

    @cached_property
    def _outcome(self) -> Outcome:
        return apply(self.system, self._measured, self.park_type)

    @property
    def _as_of(self) -> int:
        touched = self.guarded.books.answered.standing.touched
        return max(last_moved(self.guarded.books), touched.last(_ALSO_MOVE))

    @property
    def _basis(self) -> Answer | None:
        """The basis that was named, or that is the only one; null where nothing asks for it."""
        asked = {item.quantity for item in self.system.items} | {i.per for i in self.system.items}
        if not asked & {"energy", "energy-clean"}:
            return None
        basis = self.ground.basis
        return {"name": basis.name, "version": basis.version} if isinstance(basis, Basis) else None

    # -- what may be shown ---------------------------------------------------------------------

    def _measured(self, name: str) -> Measured:
        measured = self.ground(name)
        if self._is_shown(name, measured):
            return measured
        return Measured.of(0.0, (_NOT_SHOWN,))

    def _is_shown(self, name: str, measured: Measured) -> bool:
        """Whether the inventory tells the caller as much; what else is asked rests on inventories
        of tenants, all of which the caller may read."""
        tenants = self.guarded.tenants
        if self.guarded.access.caller.is_auditor or tenants is None:
            return True
        if name in _WEIGHED:
            return not tenants.guarded
        told: Any = self._inventory if name in _TOLD_AS else True
        for member in _TOLD_AS.get(name, ()):
            told = told[member]
        if isinstance(told, dict):
            return told["value"] is not None or measured.value is None
        return told is not None

    @cached_property
    def _inventory(self) -> Answer:
        return Inventory(self.guarded, self.ground.full, self.is_earlier).answer()

    # -- the parts of the national one ---------------------------------------------------------

    def _notice(self) -> Answer:
        emitted, found = self.ground.emitted, self.ground.consumption
        return {
            "remark": gettext(ANOTHER_NUMBER),
            "emissions": self._emissions(emitted),
            "energy": self._energy(found) if isinstance(found, Consumption) else None,
        }

    def _emissions(self, emitted: Emitted) -> Answer:
        return {
            "t_co2": emitted.value,
            "known": emitted.known,
            "terms": [
                {"rule": rule, "title": gettext(title), "t_co2": emitted.of(rule)}
                for rule, title in RULES.items()
            ],
            "parts": [self._part(part) for part in emitted.parts],
            "outside": [_apart(each) for each in emitted.outside],
            "missing": _missing(emitted.missing),
        }

    def _part(self, part: Part) -> Answer:
        return {
            "rule": part.rule,
            "site": self._named(part.site),
            "what": part.what,
            "how": part.how,
            "amount": part.amount,
            "unit": part.unit,
            "factor": part.factor,
            "by": part.by,
            "t_co2": part.t_co2,
        }

    def _energy(self, found: Consumption) -> Answer:
        return {
            "tce": None if found.missing else found.known,
            "known": found.known,
            "clean": found.clean,
            "certified": found.certified,
            "certificates_unused": self.ground.balance.certificates_unused,
            "lines": [self._line(line) for line in found.lines],
            "missing": _missing(found.missing),
        }

    def _line(self, line: Line) -> Answer:
        return {
            "site": self._named(line.site),
            "what": line.what,
            "how": line.how,
            "source": line.source,
            "amount": line.amount,
            "unit": line.unit,
            "kgce": line.kgce,
            "by": line.factor,
            "tce": line.tce,
            "clean": line.is_clean,
        }

    def _named(self, holder: str) -> Answer:
        """A site, or the park where it holds the certificates."""
        books = self.guarded.books
        name = books.name if holder == books.id else site_name(books.answered.standing, holder)
        return {"id": holder, "name": name}


def _item(judged: Judged) -> Answer:
    is_hidden = _NOT_SHOWN in judged.missing
    return {
        **_rule(judged.item),
        "value": judged.value,
        "known": None if is_hidden else judged.known,
        "verdict": str(judged.verdict),
        "points": judged.points,
        "beyond": judged.beyond,
        "beyond_unit": QUANTITIES[judged.item.quantity],
        "missing": _missing(judged.missing),
    }


def _unstated(name: str) -> Answer:
    """An indicator of which nothing that is stated tells anything."""
    title, title_zh, source = UNSTATED[name]
    return {
        "id": name,
        "title": _titled(title, title_zh),
        "kind": NON_PRINCIPLED,
        "quantity": None,
        "per": None,
        "unit": None,
        "operator": None,
        "threshold": None,
        "weight": 1,
        "when": None,
        "at_least": None,
        "below": None,
        "park_type": None,
        "source": source,
        "value": None,
        "known": None,
        "verdict": str(Verdict.MISSING),
        "points": 0,
        "beyond": None,
        "beyond_unit": None,
        "missing": _missing((lack(UNIT_PRODUCT_ENERGY),)),
    }


def _missing(lacks: Iterable[Lack]) -> list[Answer]:
    return [
        {"reason": each.reason, "sentence": gettext(LACKS[each.reason]) % each.params}
        for each in lacks
    ]


def _apart(each: Apart) -> Answer:
    return {
        "what": each.what,
        "sentence": gettext(OUTSIDE[each.what]),
        "amount": each.amount,
        "unit": each.unit,
    }
