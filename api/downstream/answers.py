"""The answer about what lies after the gate, as far as the caller may read it.

A category is a sum over what others keep to themselves: tenants of a park, customers that process
what was sold, services that carry or treat it. By the rule of three it contains undisclosed parts
of none of them, or of three or more, the caller excluded. Products are named to those who may know
what they are made from; shares, which tell who draws how much of what, to auditors only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from flask_babel import gettext

from api.access.rule_of_three import allows
from api.figures.boundaries import BOUNDARY, Guarded
from api.figures.parts import Answer, amount, head, name_of
from api.figures.scope3 import DOWNSTREAM
from graph.books.downstream import REASONS, Concern, Downstream, Share, Stage, last_moved
from graph.figures.behalf import on_behalf
from graph.reading.network import Node

LARGEST = 100
"""How many shares are listed."""


@dataclass(frozen=True)
class Readable:
    """Downstream figures with what must not be read from them."""

    guarded: Guarded
    found: Downstream
    is_earlier: bool
    """Whether the question is about an earlier position of the log."""

    @property
    def nodes(self) -> Sequence[Node]:
        return self.guarded.books.answered.solved.network.nodes

    @cached_property
    def inside(self) -> frozenset[str]:
        """Sites inside."""
        return frozenset(place.site for place in self.guarded.books.places)

    def answer(self) -> Answer:
        books = self.guarded.books
        return {
            books.kind: {"id": books.id, "name": books.name},
            **head(books.answered, last_moved(books), BOUNDARY),
            "unit": "kg CO2e",
            "categories": [self._stage(stage) for stage in self.found.stages],
            "not_stated": [_category(category) for category in self.found.not_stated],
            "shares": self._shares(),
            "on_behalf": self._on_behalf(),
        }

    def _stage(self, stage: Stage) -> Answer:
        told = [self._concern(each) for each in stage.concerns if self.may_name(each)]
        return {
            **_category(stage.category),
            "amount": amount(stage.amount) if self.may_read(stage.category) else None,
            "status": str(stage.status),
            "concerns": told,
            "concerns_not_shown": len(stage.concerns) - len(told),
        }

    def may_read(self, category: int) -> bool:
        hidden = {
            owner for i in self.found.behind.get(category, ()) for owner in self._hidden_behind(i)
        } - {self.guarded.access.caller.enterprise}
        return allows(len(hidden)) and not (hidden and self.is_earlier)

    def _hidden_behind(self, i: int) -> Iterator[str]:
        """Whose undisclosed statements a node brings into a figure."""
        node, access = self.nodes[i], self.guarded.access
        if access.caller.is_auditor:
            return
        if node.place is not None and node.place.site in self.inside:
            tenants = self.guarded.tenants
            yield from {node.owner} & tenants.guarded if tenants else ()
        elif node.owner != self._viewer and not self._is_disclosed(node):
            yield node.owner

    @property
    def _viewer(self) -> str | None:
        """From whose point of view the figure is judged: disclosing it on is that one's act."""
        books = self.guarded.books
        if books.kind == "enterprise":
            return books.id
        return self.guarded.access.standing.owner_of("park", books.id)

    def _is_disclosed(self, node: Node) -> bool:
        access, viewer = self.guarded.access, self._viewer
        kinds = ("contributions", "recipe")
        return node.product is not None and any(
            access.granted_to(viewer, kind, node.product) for kind in kinds
        )

    def may_name(self, concern: Concern) -> bool:
        node, access = self.nodes[concern.node], self.guarded.access
        return access.may_know_inputs_of(node)

    def _concern(self, concern: Concern) -> Answer:
        product = self.nodes[concern.node].name
        sentence = gettext(REASONS[concern.reason]) % {"product": product}
        return {"product": product, "reason": concern.reason, "sentence": sentence}

    def _shares(self) -> list[Answer] | None:
        if not self.guarded.access.caller.is_auditor:
            return None
        largest = sorted(self.found.shares, key=lambda s: (-abs(s.kg_co2e), s.node))
        return [self._share(each) for each in largest[:LARGEST]]

    def _share(self, share: Share) -> Answer:
        node, standing = self.nodes[share.node], self.guarded.books.answered.standing
        return {
            "product": node.product and {"id": node.product, "name": node.name},
            "enterprise": {"id": node.owner, "name": name_of(standing, node.owner) or node.owner},
            "upstream": share.upstream,
            "processing": share.processing,
            "kg_co2e": share.kg_co2e,
        }

    def _on_behalf(self) -> bool:
        answered = self.guarded.books.answered
        behind = {i for nodes in self.found.behind.values() for i in nodes}
        products = {product for i in behind if (product := self.nodes[i].product)}
        about = [*(("downstream", each) for each in products), ("holdings", self.guarded.books.id)]
        after_the_gate = (said for each in about for said in answered.standing.about(*each))
        return not answered.spoken_for.isdisjoint(products | self.inside) or any(
            on_behalf(answered.standing, said) for said in after_the_gate
        )


def _category(category: int) -> Answer:
    return {"category": category, "name": gettext(DOWNSTREAM[category])}
