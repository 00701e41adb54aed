"""What the engine noticed and kept: conditions that a reader must know but that refuse nothing.

``REGISTRY`` is the one list of rules. A rule has a severity, a sentence for whoever may know all of
it, and where two enterprises meet a sentence for each: what is wrong on its side, and what to do
next. What the supplier reads never tells a buyer's name or amounts, and what the buyer reads never
tells what the supplier makes its product from.

A finding names its rule and its particulars; the sentence is a template so that it can be shown in
another language where a person reads it.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Final

from ledger.findings import Audience, Finding, Rule, Rulebook, Severity

__all__ = ["REGISTRY", "RULES", "SENTENCES", "Finding", "figure", "finding"]


_notice: Final = partial(Rule, severity=Severity.NOTICE)
_warning: Final = partial(Rule, severity=Severity.WARNING)
_quarantine: Final = partial(Rule, severity=Severity.QUARANTINE)


def _said(severity: Severity, owner: str, reader: str, audience: Audience) -> Rule:
    """A rule about what one enterprise says of its own product."""
    return Rule(severity=severity, sentence=owner, consumer=reader, audience=audience)


def _footprint(severity: Severity, owner: str, reader: str) -> Rule:
    return _said(severity, owner, reader, Audience.FOOTPRINT)


_LINES: Final = {
    "unit-mismatch": _quarantine(
        sentence="%(consumer)s states %(amount)s %(unit)s of %(supplier)s, which is declared "
        "in %(declared)s: the line is set aside until both sides agree.",
        supplier="A buyer states %(supplier)s in %(unit)s, but you declare it in %(declared)s: "
        "tell your buyers the unit, or register the product in the unit it is sold in.",
        consumer="You state %(amount)s %(unit)s of %(supplier)s for %(consumer)s, but its supplier "
        "declares it in %(declared)s: the line is set aside; state the amount in that unit.",
    ),
    "mass-missing": _quarantine(
        sentence="%(consumer)s states %(amount)s %(unit)s of %(supplier)s, which is declared in "
        "%(declared)s without a mass per unit: the line is set aside until its supplier states it.",
        supplier="A buyer states %(supplier)s by mass, but you declare it in %(declared)s: correct "
        "the registration of the product and add its mass per unit.",
        consumer="You state %(amount)s %(unit)s of %(supplier)s for %(consumer)s, but its supplier "
        "declares it in %(declared)s without a mass per unit: ask for it, or state the amount in "
        "that unit.",
    ),
    "mass-disputed": _quarantine(
        sentence="%(consumer)s states %(amount)s %(unit)s of %(supplier)s, and its supplier gives "
        "two masses per %(declared)s that contradict each other: the line is set aside.",
        supplier="A buyer states %(supplier)s by mass, and you give two masses per %(declared)s "
        "that contradict each other: correct the product or its footprint.",
        consumer="You state %(amount)s %(unit)s of %(supplier)s for %(consumer)s, and its supplier "
        "gives two masses per %(declared)s that contradict each other: state the amount in "
        "%(declared)s, or ask the supplier.",
    ),
    "line-units-differ": _warning(
        sentence="%(consumer)s states %(supplier)s in %(unit)s here and in %(other)s there: one of "
        "the two is wrong; it is declared in %(declared)s.",
        supplier="A buyer states %(supplier)s in %(unit)s here and in %(other)s there: tell your "
        "buyers which unit it is sold in.",
        consumer="You state %(supplier)s for %(consumer)s in %(unit)s here and in %(other)s in "
        "another statement: use the unit it is declared in, %(declared)s.",
        audience=Audience.INPUTS,
    ),
    "repeated-line": _warning(
        sentence="%(consumer)s lists the same line on %(supplier)s %(count)s times: all of them "
        "count.",
        supplier="A buyer lists the same line on %(supplier)s several times: if it asks, tell it "
        "what you delivered.",
        consumer="You list the same line on %(supplier)s for %(consumer)s %(count)s times, and all "
        "of them count: several pieces are one line with the whole amount; if the list was "
        "imported several times, correct it.",
        audience=Audience.INPUTS,
    ),
    "supplier-differs": _warning(
        sentence="%(consumer)s names a supplier for %(supplier)s that does not own it.",
        supplier="A buyer of %(supplier)s names another enterprise as its supplier: tell your "
        "buyers who sells it.",
        consumer="The supplier that you name for %(supplier)s, for %(consumer)s, does not own it: "
        "name its owner, or the product of the supplier you mean.",
        audience=Audience.INPUTS,
    ),
    "negative-input": _notice(
        sentence="%(consumer)s states a negative amount of %(supplier)s: it is kept.",
        supplier="A line on %(supplier)s is negative: it is kept.",
        consumer="You state a negative amount of %(supplier)s for %(consumer)s: it is kept; if it "
        "is no by-product that replaces something, correct the sign.",
        audience=Audience.INPUTS,
    ),
}

_UNITS: Final = {
    "recipe-unit": _said(
        Severity.QUARANTINE,
        "The recipe of %(product)s is for a basis in %(unit)s, but the product is "
        "declared in %(declared)s: the recipe is set aside.",
        "The recipe of %(product)s cannot be read in its declared unit, %(declared)s, and is set "
        "aside: ask the supplier.",
        Audience.RECIPE,
    ),
    "footprint-unit": _footprint(
        Severity.QUARANTINE,
        "The footprint of %(product)s is declared in %(unit)s, but the product is "
        "declared in %(declared)s: the footprint is set aside.",
        "The footprint of %(product)s is in %(unit)s, which cannot be converted into %(declared)s: "
        "it is set aside; ask the supplier for one in %(declared)s.",
    ),
    "production-unit": _said(
        Severity.QUARANTINE,
        "The production of %(product)s is stated in %(unit)s, but the product is "
        "declared in %(declared)s: the output counts as unknown.",
        "The production of %(product)s cannot be read in its declared unit, %(declared)s: its "
        "output counts as unknown.",
        Audience.RECIPE,
    ),
    "recipe-bases-differ": _said(
        Severity.QUARANTINE,
        "The parts of one recipe of %(product)s name different bases: the recipe is set aside.",
        "The recipe of %(product)s contradicts itself and is set aside: ask the supplier.",
        Audience.RECIPE,
    ),
    "mass-contradictory": _footprint(
        Severity.WARNING,
        "%(product)s is registered with %(mass)s kg per %(declared)s, but its footprint says "
        "%(stated)s kg: correct one of the two; until then nothing is converted by its mass.",
        "The supplier of %(product)s gives two masses per %(declared)s, %(mass)s kg and %(stated)s "
        "kg: ask which is right, and state amounts in %(declared)s.",
    ),
    "declared-amount-by-mass": _footprint(
        Severity.QUARANTINE,
        "The footprint of %(product)s is for %(amount)s %(unit)s, but its mass is that of one: it "
        "looks as if the value were for one, too. It is set aside; state all values for the whole "
        "declared amount.",
        "The footprint of %(product)s is for %(amount)s %(unit)s, but its mass is that of one: the "
        "value may be wrong by that factor and is set aside; ask the supplier.",
    ),
    "declared-amount-by-siblings": _footprint(
        Severity.WARNING,
        "The footprint of %(product)s is for %(amount)s %(unit)s, and exactly by that factor apart "
        "from the other figures of the product: check that its values are for the whole amount.",
        "The footprint of %(product)s is for %(amount)s %(unit)s, and exactly by that factor apart "
        "from the other figures of the product: ask the supplier before you use it.",
    ),
    "declared-amount-by-buyers": _warning(
        sentence="Stated uses of %(product)s are %(amount)s times its output, and its footprint is "
        "for %(amount)s %(unit)s: somebody counts in declared amounts instead of units.",
        supplier="What buyers state of %(product)s exceeds your output by the very amount its "
        "footprint is for: state production in %(unit)s, and tell your buyers to.",
        consumer="What is stated of %(product)s exceeds its output by the very amount its "
        "footprint is for: state what you took in in %(unit)s.",
        audience=Audience.TOTALS,
    ),
}

_FOOTPRINTS: Final = {
    "primary-data-share": _footprint(
        Severity.WARNING,
        "primaryDataShare of %(product)s is %(share)s: a fraction or a percentage? It counts as "
        "unknown; state it in percent, greater than 1.",
        "primaryDataShare of %(product)s is %(share)s, a fraction or a percentage: it counts as "
        "unknown; ask the supplier which.",
    ),
    "primary-data-share-range": _footprint(
        Severity.WARNING,
        "primaryDataShare of %(product)s is %(share)s, which is no percentage: it counts as "
        "unknown; state one from 0 to 100.",
        "primaryDataShare of %(product)s is %(share)s, which is no percentage: it counts as "
        "unknown; ask the supplier.",
    ),
    "parts-do-not-add-up": _footprint(
        Severity.WARNING,
        "The parts of the footprint of %(product)s add up to %(sum)s kg CO2e, but the total "
        "without uptake is stated as %(total)s: correct the one or the others.",
        "The parts of the footprint of %(product)s add up to %(sum)s kg CO2e, not to the total of "
        "%(total)s: the total counts, its parts do not; ask the supplier.",
    ),
    "uptake-does-not-add-up": _footprint(
        Severity.WARNING,
        "The total without uptake and the uptake of %(product)s add up to %(sum)s kg CO2e, but "
        "%(total)s is stated: correct the total with uptake.",
        "The total with uptake of %(product)s is %(total)s kg CO2e, but its parts add up to "
        "%(sum)s: rely on the total without uptake.",
    ),
    "part-above-whole": _footprint(
        Severity.WARNING,
        "%(part)s of %(product)s is %(value)s kg CO2e, more than %(whole)s, %(limit)s kg, which "
        "contains it: correct one of the two.",
        "%(part)s of %(product)s is %(value)s kg CO2e, more than %(whole)s, %(limit)s kg, which "
        "contains it: ask the supplier.",
    ),
    "secondary-sources-needless": _footprint(
        Severity.NOTICE,
        "All data of %(product)s are said to be primary, yet sources of secondary factors are "
        "listed: correct one of the two.",
        "All data of %(product)s are said to be primary, yet sources of secondary factors are "
        "listed.",
    ),
    "unsigned-external": _footprint(
        Severity.WARNING,
        "The footprint of %(product)s was read from %(host)s, and you have signed nothing: state "
        "it with a key of your own.",
        "The footprint of %(product)s was read from %(host)s: its owner has not signed it, and it "
        "is worth what that host's word is worth; ask the supplier to sign it.",
    ),
    "secondary-sources-absent": _footprint(
        Severity.NOTICE,
        "Not all data of %(product)s are primary, but no source of secondary factors is listed: "
        "name the databases.",
        "Not all data of %(product)s are primary, but no source of secondary factors is listed.",
    ),
    "stages-differ": _footprint(
        Severity.NOTICE,
        "The stages of %(product)s add up to %(sum)s kg CO2e, but the total is stated as "
        "%(total)s: they are between 1 and 5 per cent apart.",
        "The stages of %(product)s add up to %(sum)s kg CO2e, but the total is stated as "
        "%(total)s: they are between 1 and 5 per cent apart; the total counts.",
    ),
    "stages-do-not-add-up": _footprint(
        Severity.WARNING,
        "The stages of %(product)s add up to %(sum)s kg CO2e, but the total is stated as "
        "%(total)s: correct the one or the others.",
        "The stages of %(product)s add up to %(sum)s kg CO2e, but the total is stated as "
        "%(total)s: the total counts; ask the supplier.",
    ),
    "copied-forward": _footprint(
        Severity.WARNING,
        "The footprint of %(product)s until %(end)s has the numbers of that until %(before)s, "
        "digit by digit: calculate it anew from the data of its own period.",
        "The footprint of %(product)s until %(end)s has the numbers of that until %(before)s, "
        "digit by digit: it seems to be carried forward.",
    ),
    "copied-across-products": _footprint(
        Severity.NOTICE,
        "%(count)s products, %(product)s among them, have footprints with the same numbers, digit "
        "by digit: if one was calculated for all of them, say so in its comment.",
        "The footprint of %(product)s has the numbers of other products of its supplier, digit by "
        "digit: it may stand for a group of products.",
    ),
    "copied-across-owners": _said(
        Severity.WARNING,
        "%(count)s enterprises state footprints with the same numbers, digit by digit, as that of "
        "%(product)s: they cannot all have calculated it.",
        "The footprint of %(product)s has the numbers of another enterprise's product.",
        Audience.AUDITORS,
    ),
    "outlier-high": _footprint(
        Severity.WARNING,
        "The footprint of %(product)s is about %(factor)s times the median of %(peers)s others of "
        "the class %(classification)s: check unit, amount and value.",
        "The footprint of %(product)s is about %(factor)s times the median of %(peers)s others of "
        "the class %(classification)s: ask the supplier before you use it.",
    ),
    "outlier-low": _footprint(
        Severity.WARNING,
        "The median of %(peers)s others of the class %(classification)s is about %(factor)s times "
        "the footprint of %(product)s: check unit, amount and value.",
        "The median of %(peers)s others of the class %(classification)s is about %(factor)s times "
        "the footprint of %(product)s: ask the supplier before you use it.",
    ),
}

_BALANCES: Final = {
    "deliveries-exceed-output": _warning(
        sentence="Stated uses of %(product)s exceed its output by %(amount)s "
        "%(unit)s: the statements do not fit.",
        supplier="What buyers state of %(product)s exceeds the output you state: check your "
        "production, and what you told them.",
        consumer="What is stated of %(product)s exceeds the output its supplier states: check your "
        "amount and its unit, and whether the supplier sold the same batch to others.",
        audience=Audience.TOTALS,
    ),
    "embodied-sold-below-bought": _said(
        Severity.WARNING,
        "%(enterprise)s sells under declared footprints %(sold)s kg CO2e, but its products hold "
        "%(held)s kg CO2e of what came in and was emitted: the footprint of a low-carbon batch may "
        "stand for more than was made of it. Declare the footprint of all that was made.",
        "The declared footprints of %(enterprise)s do not account for what came in and was "
        "emitted: the footprint of a low-carbon batch may stand for more than was made of it; ask "
        "which batch yours is for.",
        Audience.RECIPE,
    ),
    "footprint-below-direct": _said(
        Severity.WARNING,
        "The footprint of %(product)s is declared as %(declared)s kg CO2e per %(unit)s, less than "
        "the %(direct)s kg that its recipe emits at the site alone: correct one of the two.",
        "The footprint of %(product)s is declared as less than its own recipe emits: ask the "
        "supplier.",
        Audience.RECIPE,
    ),
}

_PERIODS: Final = {
    "nothing-in-force": _footprint(
        Severity.NOTICE,
        "No recipe and no footprint of %(product)s is in force for %(when)s: that of %(start)s to "
        "%(end)s stands in; state one for that time.",
        "Nothing of %(product)s is in force for %(when)s: what was stated for %(start)s to %(end)s "
        "stands in; ask the supplier for a new footprint.",
    ),
    "made-nowhere": _footprint(
        Severity.NOTICE,
        "Nothing that stands says where %(product)s is made, or what its footprint is: it counts "
        "as unknown, never as zero; open its site and state its recipe, production or footprint.",
        "Nothing that stands says where %(product)s is made, or what its footprint is: it counts "
        "as unknown, never as zero; ask the supplier to state it.",
    ),
    "recipe-weights": _notice(
        sentence="Several recipes of %(product)s lie in %(year)s without production for each "
        "period: they are weighted by their bases."
    ),
    "split-by-days": _notice(
        sentence="A period of %(site)s straddles a change of park membership: it is split by days."
    ),
    "capture-exceeds-emissions": _warning(
        sentence="%(site)s says that it caught and stored %(excess)s kg more of fossil CO2 than it "
        "emitted before capture: that part counts for nothing."
    ),
    "removal-certificate-of-another-year": _warning(
        sentence="Certificate %(serial)s of %(registry)s is for a removal of %(vintage)s and used "
        "for %(year)s: it verifies nothing."
    ),
    "removal-certificates-exceed": _warning(
        sentence="Certificates from %(serial)s of %(registry)s are for %(excess)s kg CO2 more than "
        "the sinks inside are said to have removed: that part counts for nothing."
    ),
    "fuel-without-factor": _warning(
        sentence="%(site)s burnt %(fuel)s, stated in %(unit)s, and no factor for it stands: what "
        "it emitted is missing from Scope 1."
    ),
    "overruled": _warning(
        sentence="Something said of %(site)s stands again because its withdrawal is suspect, and "
        "overlaps what was said since: the later word counts."
    ),
    "production-incomplete": _notice(
        sentence="The production of %(product)s at %(site)s leaves out days of the "
        "year: what was made on them is unknown, not zero."
    ),
    "output-unknown": _notice(
        sentence="%(product)s has a recipe but no production: its output is unknown."
    ),
}

_POWER: Final = {
    "residual-mix-absent": _notice(
        sentence="No residual mix stands for the grid %(region)s in %(year)s: power from it that "
        "no certificate covers counts market-based as it does location-based; have one stated."
    ),
    "grid-power-unmeasured": _warning(
        sentence="%(product)s is the mix of a grid, but its unit is none of energy: no certificate "
        "covers it, and it counts market-based as it does location-based; register it in kWh."
    ),
    "certificate-of-another-time": _warning(
        sentence="Certificate %(serial)s of %(registry)s is of power made in %(vintage)s and used "
        "for %(holder)s for %(year)s: more than one year lies between, and it is not counted."
    ),
    "certificates-in-excess": _warning(
        sentence="Certificates for %(amount)s MWh more are used for %(holder)s for %(year)s than "
        "it took from public grids over the fence: they count for nothing there."
    ),
}

_SHARING: Final = {
    "allocation-beside-sales": _warning(
        sentence="%(site)s puts what it emits to the sites it works for, and %(product)s, which is "
        "made there, is bought elsewhere as well: the same may be told twice. State a recipe and "
        "production of %(product)s, which take it out of what is shared."
    ),
    "allocation-to-strangers": _warning(
        sentence="%(site)s puts a share of what it emits to %(taker)s, a site of another "
        "enterprise that was in no park with it on those days: it is not accepted, and the owner "
        "of %(taker)s takes nothing.",
        consumer="%(site)s, a site of another enterprise, puts a share of what it emits to your "
        "site %(taker)s, which was in no park with it on those days: it does not count for you.",
    ),
}

_METERS: Final = {
    "meter-without-source": _notice(
        sentence="Meter %(meter)s of %(site)s does not say what its electricity was made from: "
        "what was emitted for it is not in the estimate; state the meter again with its source."
    ),
    "meter-without-grid-factor": _notice(
        sentence="No factor of generation stands for %(measures)s in %(region)s: what was emitted "
        "for what meter %(meter)s of %(site)s counts is not in the estimate; have one stated."
    ),
    "meter-without-fuel-factor": _notice(
        sentence="No factor stands for %(fuel)s in %(unit)s: what was emitted by the fuel that "
        "meter %(meter)s of %(site)s counts is not in the estimate; have one stated."
    ),
    "metered-supply": _notice(
        sentence="Meter %(meter)s of %(site)s counts %(measures)s that is not bought from a public "
        "grid: what was emitted for it is said by its supplier, and is not in the estimate."
    ),
    "metered-in-part": _notice(
        sentence="Meter %(meter)s of %(site)s counts a part of what is counted elsewhere, and no "
        "meter there counts what is bought: it is not in the estimate; if it counts what is "
        "bought, state it again with that flow."
    ),
    "metered-fuel-made": _notice(
        sentence="Meter %(meter)s of %(site)s counts a fuel that is made there: what burning it "
        "emits is not in the estimate."
    ),
    "meters-against-inventory": _warning(
        sentence="The meters of %(site)s count %(metered)s %(unit)s of %(what)s in %(year)s, and "
        "its inventory states %(stated)s %(unit)s: correct the inventory, or what the meters are "
        "said to measure."
    ),
    "metered-and-unstated": _notice(
        sentence="The meters of %(site)s count %(metered)s %(unit)s of %(what)s in %(year)s, and "
        "its inventory says nothing of it: state it."
    ),
}

_ENGINE: Final = {
    "negative-residual": _warning(
        sentence="The recipes of %(site)s use more than the site states as a whole: the "
        "negative rest is kept."
    ),
    "mixed-sites": _notice(
        sentence="%(product)s is made at several sites and the line names none: the "
        "output-weighted mix is used."
    ),
    "characterisation-unknown": _notice(
        sentence="The footprint of %(product)s names the GWP sets %(sets)s, of "
        "which not all are known here: it cannot be recomputed under any other."
    ),
    "net-inside": _notice(
        sentence="The footprint of %(product)s gives only a total, which may contain removals."
    ),
    "generation-above-footprint": _warning(
        sentence="%(product)s states more emissions at generation than its footprint has."
    ),
    "member-outside-fence": _warning(
        sentence="Member site %(site)s lies outside the park's fence."
    ),
    "member-of-another-park": _warning(
        sentence="%(site)s is a member of %(other)s as well, from %(first)s to %(after)s: both "
        "parks count it; in a region of both it counts once. End one of the memberships."
    ),
    "site-inside-fence": _warning(
        sentence="Site %(site)s lies inside the fence without being a member."
    ),
    "recipes-for-inventory": _notice(
        sentence="%(site)s states no inventory: its recipes and production stand in."
    ),
    "recipes-for-purchases": _notice(
        sentence="%(site)s states no purchases: its recipes and production stand in."
    ),
    "supplier-incomplete": _notice(
        sentence="The footprint of %(product)s, which is bought, lacks something upstream."
    ),
    "generation-unknown": _notice(
        sentence="%(product)s does not say what was emitted at its generation: Scope 2 "
        "and category 3 cannot be told apart."
    ),
    "mix-across-fence": _notice(
        sentence="%(product)s is made inside and outside and was bought without naming a "
        "site: the output-weighted mix decides."
    ),
    "loop-gain": Rule(
        severity=Severity.REFUSE,
        sentence="A loop with gain %(gain)s or more is refused: %(loop)s.",
    ),
}

REGISTRY: Final = {
    **_LINES,
    **_UNITS,
    **_FOOTPRINTS,
    **_BALANCES,
    **_PERIODS,
    **_POWER,
    **_SHARING,
    **_METERS,
    **_ENGINE,
}
"""Rule id -> severity, the sentences of both sides, and who may be told."""

RULES: Final = Rulebook(REGISTRY)
SENTENCES: Final = RULES.sentences
finding = RULES.finding


def figure(value: float, digits: int = 6) -> str:
    """A number for a sentence: a few significant digits, without an exponent."""
    return format(Decimal(f"{value:.{digits}g}"), "f")


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
    "mass-disputed": "%(consumer)s takes in %(wanted)s in %(unit)s, but its supplier states two "
    "masses per unit that contradict each other: state the amount in the product's declared unit, "
    "or ask the supplier to correct the mass.",
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
    "inventory-fuels": "The inventories of %(site)s for %(first)s to %(last)s list fuels for which "
    "no factor stands: have one stated, or state measured values of calorific value, carbon "
    "content and oxidation.",
    "purchases": "%(site)s has stated no purchases for %(first)s to %(last)s: state what it took "
    "in; if nothing, state an empty list.",
    "purchases-incomplete": "The purchases of %(site)s leave out days between %(first)s and "
    "%(last)s: state the rest.",
}
"""By what a place has left open: what is missing, and what to do next."""
