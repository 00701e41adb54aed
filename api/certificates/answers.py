"""The answer about certificates that are used up, as far as the caller may read it.

Single certificates are told to whom their statements are open: who stated them, and auditors.
Whoever else may read the figure gets sums, as far as these tell of nobody alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flask_babel import gettext

from api.access.rule_of_three import merged
from api.figures.boundaries import BOUNDARY, SCOPE2, Guarded
from api.figures.covered import covered_may_be_told, may_be_told
from api.figures.parts import Answer, head
from graph.figures.certificates import Used, used_for
from graph.figures.market import Use


@dataclass(frozen=True)
class Certified:
    """Certificates behind the books of a boundary, with what must not be read from them."""

    guarded: Guarded

    def answer(self) -> Answer:
        books = self.guarded.books
        market = books.market
        readable = [each for each in self._used if self._may_read(each)]
        uses = [each for each in market.uses if self._may_read_all(each)]
        return {
            books.kind: {"id": books.id, "name": books.name},
            **head(books.answered, books.as_of, BOUNDARY),
            "grid_kwh": market.grid_kwh if self._shows_power else None,
            "direct_kwh": market.direct_kwh if self._shows_power else None,
            "covered_kwh": market.covered_kwh if self._shows_covered else None,
            "excess_kwh": market.excess_kwh if self._shows_covered else None,
            "uses": [self._use(each) for each in uses],
            "certificates": [self._row(each) for each in readable],
            "not_shown": len(readable) < len(self._used),
            "findings": self._findings(),
            "on_behalf": any(each.said.on_behalf for each in readable),
        }

    @cached_property
    def _used(self) -> tuple[Used, ...]:
        books = self.guarded.books
        answered = books.answered
        return used_for(answered.standing, answered.year, books.places, books.parks)

    def _may_read(self, used: Used) -> bool:
        return self.guarded.access.may_read_said(used.said)

    def _may_read_all(self, use: Use) -> bool:
        """What certificates of a site cover tells what it takes in, and that is its own affair."""
        return all(map(self._may_read, (*use.used, *use.refused)))

    @cached_property
    def _shows_power(self) -> bool:
        """As Scope 2 is shown: it is a sum over what the tenants take in."""
        return SCOPE2 not in merged(self.guarded.inflow_parts(), self.guarded.filled_parts)

    @property
    def _shows_covered(self) -> bool:
        return self._shows_power and covered_may_be_told(self.guarded.books, self.guarded.tenants)

    def _use(self, use: Use) -> Answer:
        """What a park's certificates cover is what those of its tenants have left."""
        holder = self._holder(use.holder)
        told = holder["type"] == "site" or self._shows_covered
        return {
            "holder": holder,
            "kwh": use.kwh,
            "covered_kwh": use.covered_kwh if told else None,
            "excess_kwh": use.excess_kwh if told else None,
        }

    def _row(self, used: Used) -> Answer:
        body, refused = used.body, {each.said.index for each in self._refused}
        return {
            "kind": body.kind,
            "registry": body.registry,
            "serial": body.serial,
            "count": body.count,
            "amount": float(body.amount),
            "unit": body.unit,
            "vintage": body.vintage,
            "project": body.project,
            "holder": self._holder(body.used_for),
            "share": used.share,
            "counted": used.said.index not in refused,
            "index": used.said.index,
        }

    @property
    def _refused(self) -> list[Used]:
        return [each for use in self.guarded.books.market.uses for each in use.refused]

    def _holder(self, holder: str) -> Answer:
        standing = self.guarded.books.answered.standing
        site = standing.sites.get(holder)
        said = site or standing.parks.get(holder)
        name = getattr(said.statement.body, "name", holder) if said else holder
        return {"type": "site" if site else "park", "id": holder, "name": name}

    def _findings(self) -> list[str]:
        books, access, tenants = self.guarded.books, self.guarded.access, self.guarded.tenants
        noticed = books.market.findings
        told = (each for each in noticed if may_be_told(each, books, access, tenants))
        return [gettext(each.template) % each.params for each in told]
