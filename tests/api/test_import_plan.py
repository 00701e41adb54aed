"""Rows become the statements they mean, once, and say what is wrong by row and column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import pytest

from api.errors import AmountRefused, CodeUnknown, PeriodRefused
from api.importing.cells import period_of, plain_amount
from api.importing.planning import plan
from api.importing.sheets import Row, Table, read_csv
from api.importing.tables import read
from api.importing.wanted import Books, Reading, Stands, entity_id
from ledger.statements import Body, Footprint, Inventory, Product, Purchases, Recipe, Withdrawal

ACME = "5b7c1b1e-59d4-4bb0-9a52-0d3f5a9f6f01"
OTHER = "11111111-59d4-4bb0-9a52-0d3f5a9f6f01"
NOW = dt.datetime(2026, 1, 15, tzinfo=dt.UTC)

SITES = """code,name,latitude,longitude,time_zone
plant,Plant,31.5,120.5,Asia/Shanghai
"""
PRODUCTS = """code,name,unit
steel,Steel,t
wire,Wire,kg
"""


def tables(**sheets: str) -> list[Table]:
    return [read_csv(text.encode(), name) for name, text in sheets.items()]


def understood(books: Books | None = None, **sheets: str) -> Reading:
    return read(tables(**sheets), ACME, lambda _: books or {}, NOW)


def bodies(reading: Reading) -> list[Body]:
    assert [str(problem) for problem in reading.problems] == []
    return [wanted.body for wanted in reading.wanted]


def told(books: Books | None = None, **sheets: str) -> list[tuple[str, str]]:
    reading = understood(books, **sheets)
    return [(problem.where, str(problem)) for problem in reading.problems]


def books_of(reading: Reading) -> Books:
    """The log as it stands once everything wanted was said."""
    return {
        wanted.body.natural_key(wanted.subject).text: Stands(f"{number:064x}", wanted.body)
        for number, wanted in enumerate(reading.wanted)
    }


def actions(reading: Reading, books: Books) -> list[str]:
    return [step.action for step in plan(reading, lambda _: books)]


# --- Ids and cells ---


def test_an_id_depends_on_the_enterprise_the_kind_and_the_code() -> None:
    first = entity_id(ACME, "product", "steel-01")
    assert first == entity_id(ACME, "product", "steel-01")
    others = {
        entity_id(OTHER, "product", "steel-01"),
        entity_id(ACME, "site", "steel-01"),
        entity_id(ACME, "product", "steel-02"),
    }
    assert len(others | {first}) == 4


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2025", "2025-01-01/2026-01-01"),
        ("2025-Q1", "2025-01-01/2025-04-01"),
        ("2025Q4", "2025-10-01/2026-01-01"),
        ("2025-02", "2025-02-01/2025-03-01"),
        ("2025-12", "2025-12-01/2026-01-01"),
        ("2025-01-01/2025-07-01", "2025-01-01/2025-07-01"),
    ],
)
def test_a_period_may_be_named_or_given_in_days(text: str, days: str) -> None:
    assert period_of(text).text == days


@pytest.mark.parametrize(
    "text", ["25", "2025-13", "2025-Q5", "2025-07-01/2026-02-01", "2025-1", "x/y", "/", "２０２５"]
)
def test_other_periods_are_refused(text: str) -> None:
    with pytest.raises(PeriodRefused):
        period_of(text)


@pytest.mark.parametrize("text", ["1,234.5", "1 234", "1.234,5", "1e5", "5 kg", "+5", ".5", "٣"])
def test_an_amount_is_a_plain_decimal(text: str) -> None:
    with pytest.raises(AmountRefused):
        plain_amount(text)


# --- Single rows ---


def test_sites_and_products_come_first_and_units_are_read_as_words() -> None:
    said = bodies(understood(products=PRODUCTS, sites=SITES))
    assert [body.TYPE for body in said] == ["site", "product", "product"]
    steel = said[1]
    assert isinstance(steel, Product)
    assert (steel.id, steel.unit) == (entity_id(ACME, "product", "steel"), "TNE")


def test_each_bad_cell_is_told_by_row_and_column() -> None:
    rows = (
        "code,name,unit,mass_per_unit,energy_carrier\n"
        'A,,kg,,\nB,B,ton,,\nC,C,kg,"1,5",\nD,D,kg,1,gas\n'
    )
    assert [where for where, _ in told(products=rows)] == [
        "products!2 name",
        "products!3 unit",
        "products!4 mass_per_unit",
        "products!5 energy_carrier",
    ]


def test_a_separator_in_an_amount_is_explained() -> None:
    ((_, sentence),) = told(products='code,name,unit,mass_per_unit\nC,C,kg,"1,234.5"\n')
    assert sentence == (
        "“1,234.5” is not a plain decimal. "
        "Write it without separators, exponent or unit, such as 1234.5."
    )


def test_an_unknown_column_names_its_neighbour() -> None:
    assert told(products="code,name,units\nA,A,kg\n") == [
        ("products!1 units", "There is no such column; known: unit."),
        ("products!1 unit", "This column is missing."),
    ]


def test_an_unknown_sheet_is_not_passed_over() -> None:
    ((where, sentence),) = told(recipies="a\n1\n")
    assert where == "recipies"
    assert "recipes" in sentence


def test_the_same_code_twice_is_refused() -> None:
    reading = understood(products=PRODUCTS + "steel,Steel again,kg\n")
    assert [str(p) for p in reading.problems] == ["The same is stated in products!2 already."]
    assert [w.label for w in reading.wanted] == ["wire"]


def test_a_code_that_nobody_knows_is_refused() -> None:
    rows = "product,site,period,amount,unit\nstel,plant,2025,1,t\n"
    assert told(sites=SITES, products=PRODUCTS, production=rows) == [
        (
            "production!2 product",
            str(CodeUnknown(kinds="product", text="stel")),
        )
    ]


def test_a_code_that_stands_in_the_log_need_not_be_in_the_file() -> None:
    books = books_of(understood(sites=SITES, products=PRODUCTS))
    rows = "product,site,period,amount,unit\nsteel,plant,2025,1,t\n"
    assert len(bodies(understood(books, production=rows))) == 1


# --- Many rows ---

LEI = "urn:lei:529900T8BM49AURSDO55"
RECIPE = f"""product,site,period,basis_amount,basis_unit,line,gas,ref,region,supplier,amount,\
unit,category
wire,plant,2025,1,t,emission,CO2,,,,0.2,t,
wire,plant,2025,,,input,,steel,,,1.05,t,1
wire,plant,2025,,,input,,urn:gtin:4006381333931 urn:cas:7439-89-6,,{LEI},3,kg,1
wire,plant,2025,,,input,,class:urn:cpc:17100,CN-JS,,400,kWh,3
"""


def test_the_rows_of_a_recipe_become_one_statement() -> None:
    (recipe,) = bodies(understood(sites=SITES, products=PRODUCTS, recipes=RECIPE))[3:]
    assert isinstance(recipe, Recipe)
    assert [(e.gas, e.amount) for e in recipe.emissions] == [("CO2", Decimal(200))]
    steel, named, power = recipe.inputs
    assert steel.ref.product == entity_id(ACME, "product", "steel")
    assert named.ref.identifiers == ("urn:gtin:4006381333931", "urn:cas:7439-89-6")
    assert named.supplier == LEI
    assert (power.ref.classification, power.ref.region) == ("urn:cpc:17100", "CN-JS")
    assert (power.amount, power.unit, power.category) == (Decimal(400), "KWH", 3)
    assert recipe.generation is None


def test_one_bad_line_refuses_its_whole_recipe_and_nothing_else() -> None:
    other = "steel,plant,2025,1,t,emission,CO2,,,,1900,kg,\n"
    reading = understood(
        sites=SITES, products=PRODUCTS, recipes=RECIPE.replace(",3,kg,1", ",3,kg,9") + other
    )
    assert [p.where for p in reading.problems] == ["recipes!4 category"]
    recipes = [w for w in reading.wanted if isinstance(w.body, Recipe)]
    assert [w.label for w in recipes] == ["steel plant 2025"]


def test_two_bases_in_one_recipe_are_refused() -> None:
    rows = RECIPE.replace("2025,,,input,,steel", "2025,2,t,input,,steel")
    assert told(sites=SITES, products=PRODUCTS, recipes=rows) == [
        ("recipes!3 basis_amount", "Row 2 of the same statement says 1.")
    ]


def test_transport_is_read_beside_its_input() -> None:
    rows = (
        "site,period,ref,amount,unit,category,transport_ref,transport_region,transport_amount,"
        "transport_unit\nplant,2025,steel,10,t,1,class:urn:cpc:65111,CN,500,tkm\n"
    )
    (purchases,) = bodies(understood(sites=SITES, products=PRODUCTS, purchases=rows))[3:]
    assert isinstance(purchases, Purchases)
    (line,) = purchases.inputs
    assert line.transport is not None
    assert (line.transport.amount, line.transport.unit) == (Decimal(500), "TKM")


def test_none_states_that_there_is_nothing() -> None:
    (inventory,) = bodies(understood(sites=SITES, inventory="site,period,gas\nplant,2025,none\n"))[
        1:
    ]
    assert isinstance(inventory, Inventory)
    assert inventory.emissions == ()


def test_none_beside_other_lines_is_refused() -> None:
    rows = "site,period,gas,amount,unit\nplant,2025,none,,\nplant,2025,CO2,1,kg\n"
    assert [where for where, _ in told(sites=SITES, inventory=rows)] == ["inventory!2 gas"]


def purchases_of(lines: int) -> str:
    rows = (f"plant,2025,steel,{number + 1},kg,1" for number in range(lines))
    return "\n".join(("site,period,ref,amount,unit,category", *rows, ""))


def test_a_list_longer_than_400_lines_becomes_parts_that_hold_every_line() -> None:
    said = bodies(understood(sites=SITES, products=PRODUCTS, purchases=purchases_of(801)))[3:]
    parts = [body for body in said if isinstance(body, Purchases)]
    assert [(p.part.k, p.part.n, len(p.inputs)) for p in parts] == [
        (1, 3, 400),
        (2, 3, 400),
        (3, 3, 1),
    ]
    amounts = [line.amount for part in parts for line in part.inputs]
    assert amounts == [Decimal(number + 1) for number in range(801)]


# --- Comparing ---


def test_the_same_file_again_changes_nothing() -> None:
    reading = understood(sites=SITES, products=PRODUCTS, recipes=RECIPE)
    assert actions(reading, {}) == ["new"] * 4
    assert actions(reading, books_of(reading)) == ["unchanged"] * 4


def test_a_number_written_otherwise_is_the_same_number() -> None:
    books = books_of(understood(sites=SITES, products=PRODUCTS, recipes=RECIPE))
    again = understood(sites=SITES, products=PRODUCTS, recipes=RECIPE.replace("0.2,t", "200.00,kg"))
    assert actions(again, books) == ["unchanged"] * 4


def test_one_edited_cell_corrects_one_statement_and_names_the_one_before() -> None:
    before = understood(sites=SITES, products=PRODUCTS, recipes=RECIPE)
    books = books_of(before)
    after = understood(sites=SITES, products=PRODUCTS, recipes=RECIPE.replace("1.05,t", "1.06,t"))
    steps = plan(after, lambda _: books)
    assert [step.action for step in steps] == ["unchanged"] * 3 + ["change"]
    assert steps[-1].changed == ("inputs",)
    assert steps[-1].prev == f"{3:064x}"


def test_parts_that_no_longer_fit_are_withdrawn_first() -> None:
    sheets: Mapping[str, str] = {"sites": SITES, "products": PRODUCTS}
    books = books_of(understood(**sheets, purchases=purchases_of(401)))
    steps = plan(understood(**sheets, purchases=purchases_of(3)), lambda _: books)[3:]
    assert [step.action for step in steps] == ["end", "end", "new"]
    assert isinstance(steps[0].wanted.body, Withdrawal)
    assert {steps[0].prev, steps[1].prev} == {f"{3:064x}", f"{4:064x}"}


FOOTPRINT = """product,period,time_zone,total,fossil_carbon,gwp,standards,exempted_percent
steel,2025,Asia/Shanghai,1900,0,AR6,ISO14067,0
"""


def test_a_footprint_is_declared_per_pact_unit_and_local_year() -> None:
    (said,) = bodies(understood(products=PRODUCTS, footprints=FOOTPRINT))[2:]
    assert isinstance(said, Footprint)
    pcf = said.pact.pcf
    assert (pcf.declared_unit_of_measurement, pcf.declared_unit_amount) == ("kilogram", 1000)
    assert pcf.product_mass_per_declared_unit == 1000
    assert pcf.reference_period_start == dt.datetime(2024, 12, 31, 16, tzinfo=dt.UTC)
    assert pcf.fossil_ghg_emissions == 1900


def test_a_footprint_takes_a_new_pact_id_only_when_it_changes() -> None:
    first = understood(products=PRODUCTS, footprints=FOOTPRINT)
    books = books_of(first)
    later = read(
        tables(products=PRODUCTS, footprints=FOOTPRINT),
        ACME,
        lambda _: {},
        NOW + dt.timedelta(days=9),
    )
    assert actions(later, books) == ["unchanged"] * 3
    changed = understood(products=PRODUCTS, footprints=FOOTPRINT.replace("1900", "1850"))
    step = plan(changed, lambda _: books)[2]
    old, new = first.wanted[2].body, step.wanted.body
    assert isinstance(old, Footprint)
    assert isinstance(new, Footprint)
    assert step.action == "change"
    assert new.pact.id != old.pact.id
    assert new.pact.preceding_pf_ids == (old.pact.id,)


def test_park_sheets_are_read() -> None:
    site = "0b7c1b1e-59d4-4bb0-9a52-0d3f5a9f6f02"
    said = bodies(
        understood(
            parks="code,name,fence\neast,East,120 31; 121 31; 121 32\n",
            memberships=f"park,site,from\neast,{site},2025-01-01\n",
            disclosures=f"opens,object,level,grantee\nfigure,east,named,{OTHER}\n",
        )
    )
    assert [body.TYPE for body in said] == ["park", "membership", "disclosure"]


# --- Several enterprises ---


def test_rows_speak_for_the_enterprise_they_name() -> None:
    rows = f"enterprise,code,name,unit\n{ACME},steel,Steel,kg\n{OTHER},steel,Steel,kg\n"
    reading = read(tables(products=rows), None, lambda _: {}, NOW)
    assert [w.subject for w in reading.wanted] == [ACME, OTHER]
    assert len({w.body.id for w in reading.wanted if isinstance(w.body, Product)}) == 2


def test_a_row_without_its_enterprise_is_refused_when_several_speak() -> None:
    reading = read(tables(products=PRODUCTS), None, lambda _: {}, NOW)
    assert {p.where for p in reading.problems} == {"products!2 enterprise", "products!3 enterprise"}


def test_a_row_for_another_enterprise_is_refused_when_one_speaks() -> None:
    rows = f"enterprise,code,name,unit\n{OTHER},steel,Steel,kg\n"
    assert told(products=rows) == [("products!2 enterprise", f"The key speaks for {ACME}.")]


def test_an_error_in_a_cell_is_told_where_it_is() -> None:
    row = Row(7, {"code": "A", "name": "A"}, {"unit": "The cell shows an error."})
    table = Table("products", ("code", "name", "unit"), (row,))
    reading = read([table], ACME, lambda _: {}, NOW)
    assert [(p.where, str(p)) for p in reading.problems] == [
        ("products!7 unit", "The cell shows an error.")
    ]
