"""Which product a line means: nobody captures waiting buyers, and nothing is guessed."""

from __future__ import annotations

import pytest

from graph.reading.references import Catalogue, Resolved, Unresolved
from ledger.statements import Product
from tests.factory import Accepted, Actor, Factory, line, ref
from tests.graph.ask import figure, known, reasons, rules

pytestmark = pytest.mark.only_on("sqlite", "it is about what was stated, wherever it is stored")

GTIN_13 = "urn:gtin:4006381333931"
GTIN_14 = "urn:gtin:04006381333931"
OTHER_GTIN = "urn:gtin:9780201379624"
DUNS = "urn:duns:804735132"


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker", identifiers=(DUNS,))


@pytest.fixture
def pretender(factory: Factory) -> Actor:
    """Claims what is not its own."""
    return factory.enterprise("Pretender")


def admit(f: Factory, firm: Actor, *identifiers: str) -> Accepted:
    """Let the registrar admit product identifiers of a firm."""
    said = f.standing().enterprises[firm.id]
    registered = said.statement.body
    body = type(registered)(
        id=firm.id,
        name=firm.name,
        identifiers=registered.identifiers,
        admitted=identifiers,
    )
    return f.operator.say(body, subject=firm.id, prev=said.digest)


def meaning(f: Factory, what: object, supplier: str | None = None) -> str:
    """The name of the product that a reference means, or the reason why it means none."""
    found = Catalogue(f.standing()).resolve(ref(what), supplier)
    return found.listed.product.name if isinstance(found, Resolved) else found.reason


# --- Identifiers ---------------------------------------------------------------------------


def test_an_identifier_means_the_product_of_the_supplier_that_is_named(
    factory: Factory, maker: Actor, pretender: Actor
) -> None:
    maker.product("Steel", identifiers=(GTIN_13,))
    pretender.product("Copy", identifiers=(GTIN_13,))
    assert meaning(factory, GTIN_13, maker.id) == "Steel"
    assert meaning(factory, GTIN_13, pretender.id) == "Copy"


def test_a_supplier_may_be_named_by_a_urn_it_is_known_under(factory: Factory, maker: Actor) -> None:
    maker.product("Steel", identifiers=(GTIN_13,))
    assert meaning(factory, GTIN_13, DUNS) == "Steel"
    assert meaning(factory, GTIN_13, "URN:DUNS:804735132") == "Steel"
    assert meaning(factory, GTIN_13, "urn:duns:804735133") == "unregistered"


def test_a_urn_that_two_enterprises_carry_names_neither(factory: Factory, maker: Actor) -> None:
    maker.product("Steel", identifiers=(GTIN_13,))
    factory.enterprise("Double", identifiers=(DUNS,))
    assert meaning(factory, GTIN_13, DUNS) == "unregistered"


def test_a_claim_alone_never_catches_lines_that_name_nobody(
    factory: Factory, maker: Actor, pretender: Actor
) -> None:
    pretender.product("Copy", identifiers=(GTIN_13,))
    assert meaning(factory, GTIN_13) == "not-admitted"
    maker.product("Steel", identifiers=(GTIN_13,))
    admit(factory, maker, GTIN_13)
    assert meaning(factory, GTIN_13) == "Steel"


def test_two_admitted_claimants_leave_a_gap(
    factory: Factory, maker: Actor, pretender: Actor
) -> None:
    for firm, name in ((maker, "Steel"), (pretender, "Copy")):
        firm.product(name, identifiers=(GTIN_13,))
        admit(factory, firm, GTIN_13)
    assert meaning(factory, GTIN_13) == "not-admitted"


def test_an_admitted_identifier_does_not_lend_its_trust_to_another(
    factory: Factory, maker: Actor, pretender: Actor
) -> None:
    """The pretender is admitted for one number and claims the other of the two in the line."""
    maker.product("Steel", identifiers=(GTIN_13,))
    pretender.product("Own", identifiers=(OTHER_GTIN,))
    admit(factory, pretender, OTHER_GTIN)
    body = Product(id=factory.uuid(), name="Copy", unit="KGM", identifiers=(GTIN_13,))
    copy = pretender.say(body)
    assert meaning(factory, [GTIN_13, OTHER_GTIN]) == "Own"
    pretender.withdraw(copy)
    admit(factory, pretender, GTIN_13)
    assert meaning(factory, [GTIN_13, OTHER_GTIN]) == "not-admitted"


def test_a_gtin_is_the_same_number_behind_zeros(factory: Factory, maker: Actor) -> None:
    maker.product("Steel", identifiers=(GTIN_13,))
    assert meaning(factory, GTIN_14, maker.id) == "Steel"
    admit(factory, maker, GTIN_14)
    assert meaning(factory, GTIN_13) == "Steel"


def test_two_products_of_the_supplier_under_one_number_are_ambiguous(
    factory: Factory, maker: Actor
) -> None:
    maker.product("Steel", identifiers=(GTIN_13,))
    maker.product("Also steel", identifiers=(GTIN_14,))
    assert meaning(factory, GTIN_13, maker.id) == "ambiguous"


def test_a_number_nobody_carries_and_a_class_are_gaps_with_their_reasons(
    factory: Factory, maker: Actor
) -> None:
    maker.product("Steel", classifications=("urn:cpc:4121",))
    assert meaning(factory, GTIN_13) == "unregistered"
    assert meaning(factory, GTIN_13, maker.id) == "unregistered"
    assert meaning(factory, ("urn:cpc:4121", "CN")) == "class-only"
    assert meaning(factory, factory.uuid()) == "unregistered"


def test_a_gap_knows_the_supplier_it_would_come_from(factory: Factory, maker: Actor) -> None:
    catalogue = Catalogue(factory.standing())
    found = catalogue.resolve(ref(GTIN_13), DUNS)
    assert isinstance(found, Unresolved)
    assert found.supplier == maker.id


def test_a_product_of_an_owner_that_is_not_registered_breaks_nothing(factory: Factory) -> None:
    """The operator is there from the start; only its keys are registered."""
    operator = factory.operator.with_key()
    factory.operator.say(factory.key_body(operator), subject=operator.id)
    operator.product("Certificate", identifiers=(GTIN_13,))
    assert meaning(factory, GTIN_13) == "not-admitted"


# --- Replacements --------------------------------------------------------------------------


def test_a_replaced_product_is_redirected_along_the_whole_chain(
    factory: Factory, maker: Actor
) -> None:
    old = maker.product("Old")
    newer = maker.product("Newer", replaces=(old,))
    maker.product("Newest", replaces=(newer,))
    assert [meaning(factory, each) for each in (old, newer)] == ["Newest", "Newest"]


def test_a_withdrawn_product_still_redirects(factory: Factory, maker: Actor) -> None:
    old = Product(id=factory.uuid(), name="Old", unit="KGM")
    said = maker.say(old)
    maker.product("New", replaces=(old.id,))
    maker.withdraw(said)
    assert meaning(factory, old.id) == "New"


def test_nobody_replaces_the_product_of_another(
    factory: Factory, maker: Actor, pretender: Actor
) -> None:
    old = maker.product("Steel")
    pretender.product("Copy", replaces=(old,))
    assert meaning(factory, old) == "Steel"


def test_products_that_replace_one_another_in_a_ring_mean_themselves(
    factory: Factory, maker: Actor
) -> None:
    first, second, third = (factory.uuid() for _ in range(3))
    for name, own, old in (("A", first, second), ("B", second, third), ("C", third, first)):
        maker.product(name, id=own, replaces=(old,))
    assert [meaning(factory, each) for each in (first, second, third)] == ["A", "B", "C"]


def test_of_two_replacements_the_later_said_counts(factory: Factory, maker: Actor) -> None:
    old = maker.product("Old")
    maker.product("One", replaces=(old,))
    maker.product("Other", replaces=(old,))
    assert meaning(factory, old) == "Other"


def test_an_identifier_of_the_old_product_is_redirected_too(factory: Factory, maker: Actor) -> None:
    """Both carry the number for a while: that is no ambiguity, the owner said which counts."""
    old = maker.product("Old", identifiers=(GTIN_13,))
    assert meaning(factory, GTIN_13, maker.id) == "Old"
    maker.product("New", identifiers=(GTIN_13,), replaces=(old,))
    assert meaning(factory, GTIN_13, maker.id) == "New"


def test_a_replaced_product_keeps_its_own_unit_and_figure(factory: Factory, maker: Actor) -> None:
    """2 kg CO2 per kg of old steel; the new one is declared in tonnes and has 1500 kg per tonne."""
    site = maker.site()
    old = maker.product("Old", unit="KGM")
    maker.recipe(old, site, basis=("1", "KGM"), emissions=[("CO2", "fossil", "2")])
    new = maker.product("New", unit="TNE", replaces=(old,))
    maker.recipe(new, site, basis=("1", "TNE"), emissions=[("CO2", "fossil", "1500")])
    beam = maker.product("Beam")
    maker.recipe(beam, site, inputs=[line((old, "3", "KGM"))])
    assert known(figure(factory, old).amount) == pytest.approx(2)
    assert known(figure(factory, new).amount) == pytest.approx(1500)
    assert known(figure(factory, beam).amount) == pytest.approx(3 * 1.5)


# --- What a figure says about it -----------------------------------------------------------


def test_a_line_waits_as_a_gap_and_resolves_when_its_supplier_appears(
    factory: Factory, maker: Actor
) -> None:
    site = maker.site()
    beam = maker.product("Beam")
    waiting = line((GTIN_13, "3", "KGM"), supplier="urn:duns:111111111")
    maker.recipe(beam, site, emissions=[("CO2", "fossil", "1")], inputs=[waiting])
    before = figure(factory, beam)
    assert (before.amount.value, before.amount.at_least) == (None, pytest.approx(1))
    assert reasons(before.gaps) == ["unregistered"]
    assert (before.gaps[0].wanted, before.gaps[0].amount) == (GTIN_13, pytest.approx(3))
    mill = factory.enterprise("Mill", identifiers=("urn:duns:111111111",))
    steel = mill.product("Steel", identifiers=(GTIN_13,))
    assert reasons(figure(factory, beam).gaps) == ["undeclared"]
    mill.footprint(steel, "2")
    assert known(figure(factory, beam).amount) == pytest.approx(1 + 3 * 2)


def test_a_line_of_nothing_is_no_gap(factory: Factory, maker: Actor) -> None:
    site = maker.site()
    beam = maker.product("Beam")
    maker.recipe(
        beam,
        site,
        emissions=[("CO2", "fossil", "1")],
        inputs=[line((GTIN_13, "0", "KGM"))],
    )
    assert known(figure(factory, beam).amount) == pytest.approx(1)


def test_a_product_id_counts_whatever_supplier_the_line_names_but_is_noticed(
    factory: Factory, maker: Actor, pretender: Actor
) -> None:
    site = maker.site()
    steel, beam = maker.product("Steel"), maker.product("Beam")
    maker.footprint(steel, "2")
    maker.recipe(beam, site, inputs=[line((steel, "3", "KGM"), supplier=pretender.id)])
    assert known(figure(factory, beam).amount) == pytest.approx(6)
    assert "supplier-differs" in rules(factory)
