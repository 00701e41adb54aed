"""What the engine noticed and kept: conditions that a reader must know but that refuse nothing.

A finding names its rule and its particulars; the sentence is a template so that it can be shown in
another language where a person reads it.
"""

from __future__ import annotations

from ledger.findings import Finding, Rulebook

__all__ = ["SENTENCES", "Finding", "finding"]

SENTENCES = {
    "unit-mismatch": "%(consumer)s states %(amount)s %(unit)s of %(supplier)s, which is declared "
    "in %(declared)s: the line is set aside until both sides agree.",
    "recipe-unit": "The recipe of %(product)s is for a basis in %(unit)s, but the product is "
    "declared in %(declared)s: the recipe is set aside.",
    "footprint-unit": "The footprint of %(product)s is declared in %(unit)s, but the product is "
    "declared in %(declared)s: the footprint is set aside.",
    "production-unit": "The production of %(product)s is stated in %(unit)s, but the product is "
    "declared in %(declared)s: the output counts as unknown.",
    "recipe-weights": "Several recipes of %(product)s lie in %(year)s without production for each "
    "period: they are weighted by their bases.",
    "recipe-bases-differ": "The parts of one recipe of %(product)s name different bases: the "
    "recipe is set aside.",
    "split-by-days": "A period of %(site)s straddles a change of park membership: it is split by "
    "days.",
    "overruled": "Something said of %(site)s stands again because its withdrawal is suspect, and "
    "overlaps what was said since: the later word counts.",
    "negative-input": "%(consumer)s states a negative amount of %(supplier)s: it is kept.",
    "negative-residual": "The recipes of %(site)s use more than the site states as a whole: the "
    "negative rest is kept.",
    "deliveries-exceed-output": "Stated uses of %(product)s exceed its output by %(amount)s "
    "%(unit)s: the statements do not fit.",
    "mixed-sites": "%(product)s is made at several sites and the line names none: the "
    "output-weighted mix is used.",
    "supplier-differs": "%(consumer)s names a supplier for %(supplier)s that does not own it.",
    "characterisation-unknown": "The footprint of %(product)s names the GWP sets %(sets)s, of "
    "which not all are known here: it cannot be recomputed under any other.",
    "net-inside": "The footprint of %(product)s gives only a total, which may contain removals.",
    "generation-above-footprint": "%(product)s states more emissions at generation than its "
    "footprint has.",
    "member-outside-fence": "Member site %(site)s lies outside the park's fence.",
    "site-inside-fence": "Site %(site)s lies inside the fence without being a member.",
    "production-incomplete": "The production of %(product)s at %(site)s leaves out days of the "
    "year: what was made on them is unknown, not zero.",
    "output-unknown": "%(product)s has a recipe but no production: its output is unknown.",
    "recipes-for-inventory": "%(site)s states no inventory: its recipes and production stand in.",
    "recipes-for-purchases": "%(site)s states no purchases: its recipes and production stand in.",
    "supplier-incomplete": "The footprint of %(product)s, which is bought, lacks something "
    "upstream.",
    "generation-unknown": "%(product)s does not say what was emitted at its generation: Scope 2 "
    "and category 3 cannot be told apart.",
    "mix-across-fence": "%(product)s is made inside and outside and was bought without naming a "
    "site: the output-weighted mix decides.",
    "loop-gain": "A loop with gain %(gain)s or more is refused: %(loop)s.",
}


RULES = Rulebook(SENTENCES)
finding = RULES.finding

GAP_SENTENCES = {
    "unregistered": "%(consumer)s takes in %(wanted)s, which nobody has registered: ask the "
    "supplier to register the product and state its footprint.",
    "not-admitted": "%(consumer)s takes in %(wanted)s without naming the supplier, and no single "
    "enterprise has been admitted under this identifier: name the supplier in the line.",
    "ambiguous": "%(consumer)s takes in %(wanted)s, which fits several products of the supplier: "
    "name the product by its id.",
    "class-only": "%(consumer)s takes in something of the class %(wanted)s: name the product and "
    "its supplier.",
    "undeclared": "%(consumer)s takes in %(wanted)s, for which no footprint and no recipe has been "
    "stated: ask the supplier to state its footprint.",
    "site-unknown": "%(consumer)s takes in %(wanted)s, which is made at several sites whose output "
    "is not stated: name the supplier's site in the line, or ask it to state its production.",
    "unit-mismatch": "%(consumer)s takes in %(wanted)s in %(unit)s, which cannot be converted into "
    "the product's declared unit: correct the unit of the line, or ask the supplier to state the "
    "mass per unit.",
}
"""By the reason of a gap: what is missing, and what to do next."""

MISSING_SENTENCES = {
    "inventory": "%(site)s has stated no inventory for %(first)s to %(last)s: state its direct "
    "emissions; if there are none, state an empty list.",
    "inventory-incomplete": "The inventories of %(site)s leave out days between %(first)s and "
    "%(last)s: state the rest.",
    "purchases": "%(site)s has stated no purchases for %(first)s to %(last)s: state what it took "
    "in; if nothing, state an empty list.",
    "purchases-incomplete": "The purchases of %(site)s leave out days between %(first)s and "
    "%(last)s: state the rest.",
}
"""By what a place has left open: what is missing, and what to do next."""
