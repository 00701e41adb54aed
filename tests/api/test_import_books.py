"""Everything the books of a site and of a park can say is read from tables, in both languages."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from api.importing import chinese
from api.importing.cells import words_of
from api.importing.columns import SHEETS
from api.importing.fuels import fuel_urn
from api.importing.planning import plan
from api.importing.sheets import Table, read_csv, read_file
from api.importing.tables import read
from api.importing.template import Wording, write_template
from api.importing.wanted import Books, Reading, Stands, entity_id
from ledger.statements import (
    Allocation,
    Certificate,
    Inventory,
    Meter,
    Product,
    Purchases,
    Site,
    Target,
    Withdrawal,
)
from ledger.statements.quality import DataQuality

ACME = "5b7c1b1e-59d4-4bb0-9a52-0d3f5a9f6f01"
NOW = dt.datetime(2026, 1, 15, tzinfo=dt.UTC)
SITES = """code,name,latitude,longitude,time_zone,division
plant,Plant,31.5,120.5,Asia/Shanghai,320505
boiler,Boiler house,31.5,120.5,Asia/Shanghai,
"""
GAS = "urn:catchment:fuel:natural-gas"


def tables(**sheets: str) -> list[Table]:
    return [read_csv(text.encode(), name) for name, text in sheets.items()]


def understood(books: Books | None = None, **sheets: str) -> Reading:
    return read(tables(sites=SITES, **sheets), ACME, lambda _: books or {}, NOW)


def told(books: Books | None = None, **sheets: str) -> list[tuple[str, str]]:
    problems = understood(books, **sheets).problems
    return [(problem.where, str(problem)) for problem in problems]


def books_of(reading: Reading) -> dict[str, Stands]:
    """The log as it stands once everything wanted was said."""
    assert [str(problem) for problem in reading.problems] == []
    return {
        wanted.body.natural_key(wanted.subject).text: Stands(f"{number:064x}", wanted.body)
        for number, wanted in enumerate(reading.wanted)
    }


def inventories(reading: Reading) -> list[Inventory]:
    assert [str(problem) for problem in reading.problems] == []
    return [each.body for each in reading.wanted if isinstance(each.body, Inventory)]


EVERYTHING = {
    "inventory": "site,period,gas,source,amount,unit\n"
    "plant,2025,CO2,process,3,t\nplant,2025,SF6,fugitive,0.2,kg\n",
    "fuels": "site,period,fuel,use,amount,unit,net_calorific_value,carbon_content,oxidation\n"
    "plant,2025,natural-gas,,10,万Nm3,,,\n"
    f"plant,2025,{GAS},heat,2,10⁴ Nm3,389310,0.0153,0.99\n"
    "plant,2025,urn:acme:fuel:straw,feedstock,7,t,,,\n",
    "energy": "site,period,carrier,flow,source,amount,unit\n"
    "plant,2025,electricity,bought,grid,40,万kWh\n"
    "plant,2025,heat,recoverable,recovered,12,GJ\n",
    "waste": "site,period,kind,treatment,amount,unit\nplant,2025,hazardous,incinerated,4,t\n",
    "water": "site,period,kind,amount,unit\nplant,2025,fresh,5000,m3\n",
    "removals": "site,period,sink,name,amount,unit,method\n"
    "plant,2025,natural,Alder grove,2.1,t,Stock change\n",
    "captured": "site,period,origin,fate,amount,unit\nplant,2025,fossil,stored,50,t\n",
    "output_value": "site,period,amount,unit\nplant,2025,1200,万CNY:2025:basic\n",
}


def test_all_sheets_of_a_site_and_period_are_one_inventory() -> None:
    (said,) = inventories(understood(**EVERYTHING))
    assert said.part.n == 1
    assert [(e.gas, e.source, e.amount) for e in said.emissions] == [
        ("CO2", "process", 3000),
        ("SF6", "fugitive", Decimal("0.2")),
    ]
    gas, measured, straw = said.fuels
    assert (gas.fuel, gas.use, gas.amount, gas.unit) == (GAS, "final", 100_000, "NM3")
    assert gas.measured == ()
    assert (measured.use, measured.amount) == ("heat", 20_000)
    assert (straw.fuel, straw.use) == ("urn:acme:fuel:straw", "feedstock")
    power, heat = said.energy
    assert (power.flow, power.source, power.amount, power.unit) == (
        "bought",
        "grid",
        400_000,
        "KWH",
    )
    assert (heat.flow, heat.unit) == ("recoverable", "GV")
    assert (said.waste[0].treatment, said.water[0].amount) == ("incinerated", 5000)
    assert (said.removals[0].amount, said.removals[0].method) == (2100, "Stock change")
    assert (said.captured[0].fate, said.captured[0].amount) == ("stored", 50_000)
    assert said.output_value is not None
    assert (said.output_value.amount, said.output_value.unit) == (12_000_000, "CNY:2025:basic")


def test_gas_in_ten_thousands_emits_what_the_guides_say() -> None:
    """389.31 GJ per 10⁴ Nm³ · 0.0153 t C per GJ · 0.99 · 44/12 = 21.6219 t CO2 per 10⁴ Nm³."""
    (said,) = inventories(understood(**EVERYTHING))
    gas = said.fuels[1]
    heat, carbon, oxidised = gas.net_calorific_value, gas.carbon_content, gas.oxidation
    assert heat is not None
    assert carbon is not None
    assert oxidised is not None
    assert heat == Decimal("38.931")  # MJ per Nm³
    tonnes = gas.amount * heat * carbon * oxidised * 44 / 12 / 1000
    assert float(tonnes) == pytest.approx(2 * 21.621888, rel=1e-7)


def test_the_same_sheets_again_change_nothing() -> None:
    books = books_of(understood(**EVERYTHING))
    steps = plan(understood(books, **EVERYTHING), lambda _: books)
    assert {step.action for step in steps} == {"unchanged"}


@pytest.mark.parametrize("sheet", sorted(EVERYTHING.keys() - {"inventory"}))
def test_a_sheet_alone_leaves_what_stands_of_the_others(sheet: str) -> None:
    books = books_of(understood(**EVERYTHING))
    (said,) = inventories(understood(books, **{sheet: EVERYTHING[sheet]}))
    assert said == inventories(understood(**EVERYTHING))[0]


def test_the_quality_that_stands_is_not_lost() -> None:
    books = books_of(understood(**EVERYTHING))
    key, stands = next((k, s) for k, s in books.items() if isinstance(s.body, Inventory))
    quality = DataQuality(technology=Decimal(2))
    books[key] = Stands(stands.digest, replace(cast(Inventory, stands.body), quality=quality))
    (said,) = inventories(understood(books, water=EVERYTHING["water"]))
    assert said.quality == quality


def test_fuels_without_a_word_on_other_emissions_are_refused() -> None:
    """That nothing else is emitted is said, never supposed."""
    ((where, sentence),) = told(fuels=EVERYTHING["fuels"])
    assert where == "fuels!2"
    assert "“none”" in sentence
    nothing = "site,period,gas\nplant,2025,none\n"
    (said,) = inventories(understood(fuels=EVERYTHING["fuels"], inventory=nothing))
    assert (said.emissions, len(said.fuels)) == ((), 3)


def test_none_takes_back_what_stood_and_nothing_more() -> None:
    books = books_of(understood(**EVERYTHING))
    said = understood(
        books,
        fuels="site,period,fuel\nplant,2025,none\n",
        output_value="site,period,amount\nplant,2025,none\n",
    )
    (body,) = inventories(said)
    assert (body.fuels, body.output_value) == ((), None)
    assert len(body.energy) == 2
    steps = plan(said, lambda _: books)
    assert steps[-1].changed == ("fuels", "output_value")


def test_two_output_values_of_one_period_are_refused() -> None:
    rows = EVERYTHING["output_value"] + "plant,2025,1,CNY:2025:basic\n"
    assert told(**(EVERYTHING | {"output_value": rows})) == [
        ("output_value!3", "The same is stated in output_value!2 already.")
    ]


def test_a_long_inventory_is_cut_into_parts_that_hold_every_line_once() -> None:
    lines = "".join(f"plant,2025,CO2,process,{n + 1},kg\n" for n in range(399))
    sheets = EVERYTHING | {"inventory": "site,period,gas,source,amount,unit\n" + lines}
    first, second = inventories(understood(**sheets))
    assert (len(first.emissions), len(first.fuels), len(first.energy)) == (399, 1, 0)
    assert (len(second.emissions), len(second.fuels), len(second.energy)) == (0, 2, 2)
    assert first.output_value is not None
    assert second.output_value is None


def test_what_stands_in_parts_is_whole_again_when_one_sheet_is_corrected() -> None:
    lines = "".join(f"plant,2025,CO2,process,{n + 1},kg\n" for n in range(399))
    books = books_of(
        understood(**(EVERYTHING | {"inventory": f"site,period,gas,source,amount,unit\n{lines}"}))
    )
    shorter = understood(books, inventory=EVERYTHING["inventory"])
    (said,) = inventories(shorter)
    assert (len(said.emissions), len(said.fuels), len(said.energy)) == (2, 3, 2)
    steps = plan(shorter, lambda _: books)
    assert [isinstance(step.wanted.body, Withdrawal) for step in steps[-3:]] == [True, True, False]


# --- Bad cells ---


@pytest.mark.parametrize(
    ("sheet", "header", "row", "column", "told_of"),
    [
        ("fuels", "fuel,amount,unit", "moon gas,1,t", "fuel", "URN of the fuel"),
        ("fuels", "fuel,amount,unit", "天然气,1,万立方米", "unit", "write Nm3"),
        ("fuels", "fuel,amount,unit", "天然气,1,万标方", "unit", "Write Nm3"),
        ("fuels", "fuel,amount,unit", "天然气,1,10000 Nm3", "unit", "is not a unit"),
        ("fuels", "fuel,amount,unit", "天然气,-1,Nm3", "amount", ""),
        ("fuels", "fuel,amount,unit,oxidation", "coke,1,t,99", "oxidation", "At most 1"),
        ("energy", "carrier,flow,source,amount,unit", "gas,bought,grid,1,kWh", "carrier",
         "Write one of electricity, heat, steam, cooling"),
        ("energy", "carrier,flow,source,amount,unit", "heat,bought,grid,1,GJ", "source",
         "Only electricity"),
        ("energy", "carrier,flow,source,amount,unit", "heat,bought,fossil,1,t", "unit",
         "A unit of energy"),
        ("waste", "kind,treatment,amount,unit", "hazardous,buried,1,t", "treatment",
         "Write one of utilised"),
        ("waste", "kind,treatment,amount,unit", "hazardous,,1,t", "treatment", ""),
        ("water", "kind,amount,unit", "fresh,1,t", "unit", "A unit of volume"),
        ("removals", "sink,name,amount,unit", "natural,,1,t", "name", ""),
        ("captured", "origin,fate,amount,unit", "fossil,stored,1,m3", "unit", ""),
        ("captured", "origin,fate,amount,unit", "fossil,stored,1,", "unit", "must not be empty"),
        ("inventory", "gas,amount,unit", "CO2,1,", "unit", "must not be empty"),
        ("output_value", "amount,unit", "1200,万元", "unit", "CNY:2025:basic"),
        ("output_value", "amount,unit", "1200,t", "unit", "A price unit"),
        ("inventory", "gas,source,amount,unit", "CO2,chimney,1,t", "source", "combustion"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_told_by_row_and_column_and_refuses_the_whole_inventory(
    sheet: str, header: str, row: str, column: str, told_of: str
) -> None:
    bad = {sheet: f"site,period,{header}\nplant,2025,{row}\n"}
    reading = understood(**(EVERYTHING | bad))
    ((where, sentence),) = [(problem.where, str(problem)) for problem in reading.problems]
    assert where == f"{sheet}!2 {column}"
    assert told_of in sentence
    assert not any(isinstance(wanted.body, Inventory) for wanted in reading.wanted)


# --- Sites, products, purchases ---


def test_a_site_has_its_division_and_electricity_its_grid() -> None:
    reading = understood(
        products="code,name,unit,energy_carrier,grid\nmix,Grid mix,kWh,电力,CN-JS\n"
    )
    site, _, mix = (wanted.body for wanted in reading.wanted)
    assert isinstance(site, Site)
    assert isinstance(mix, Product)
    assert site.division == "320505"
    assert (mix.energy_carrier, mix.grid) == ("electricity", "CN-JS")


def test_a_division_that_is_no_code_and_the_grid_of_heat_are_refused() -> None:
    sites = "code,name,latitude,longitude,time_zone,division\nx,X,1,1,UTC,3205\n"
    products = "code,name,unit,energy_carrier,grid\nheat,Heat,GJ,heat,CN-JS\n"
    bad = read(tables(sites=sites, products=products), ACME, lambda _: {}, NOW)
    assert [problem.where for problem in bad.problems] == ["sites!2 division", "products!2 grid"]


BOUGHT = """site,period,ref,region,amount,unit,category,without
plant,2025,class:urn:cpc:17100,CN-JS,4,万kWh,3,2 8
plant,2025,class:urn:cpc:41211,CN,3,t,1,
"""


def purchases(books: Books | None = None, rows: str = BOUGHT) -> Purchases:
    reading = understood(books, purchases=rows)
    assert [str(problem) for problem in reading.problems] == []
    (body,) = (each.body for each in reading.wanted if isinstance(each.body, Purchases))
    return body


def test_purchases_say_under_which_categories_there_was_nothing() -> None:
    said = purchases()
    assert said.without == (2, 8)
    assert (said.inputs[0].amount, said.inputs[0].unit) == (40_000, "KWH")


def test_categories_with_nothing_stay_until_something_else_is_said() -> None:
    books = books_of(understood(purchases=BOUGHT))
    silent = BOUGHT.replace("2 8", "")
    assert purchases(books, silent).without == (2, 8)
    assert purchases(books, silent.replace("CN,3,t,1", "CN,3,t,2")).without == (8,)
    assert purchases(books, BOUGHT.replace("2 8", "none")).without == ()


def test_a_category_with_something_in_it_is_not_empty() -> None:
    assert told(purchases=BOUGHT.replace("2 8", "1 8")) == [
        ("purchases!2 without", "Something was taken in under category 1.")
    ]


# --- Meters, certificates, allocations, targets ---


def only(reading: Reading) -> object:
    assert [str(problem) for problem in reading.problems] == []
    return reading.wanted[-1].body


def test_a_meter_is_read_with_its_fuel_and_its_unit() -> None:
    rows = "site,meter,measures,flow,fuel,unit,reads,multiplier,spacing_seconds\n"
    meter = only(understood(meters=rows + "plant,G-01,燃料,外购,天然气,Nm3,累计,10,3600\n"))
    assert isinstance(meter, Meter)
    assert (meter.site, meter.measures, meter.flow) == (
        entity_id(ACME, "site", "plant"),
        "fuel",
        "bought",
    )
    assert (meter.fuel, meter.reads, meter.spacing_seconds) == (GAS, "register", 3600)
    ((where, _),) = told(meters=rows + "plant,G-01,fuel,bought,,Nm3,register,,\n")
    assert where == "meters!2 fuel"


def test_a_certificate_is_read_for_a_site_or_a_park() -> None:
    head = "kind,registry,serial,count,amount,unit,year,vintage,site,park\n"
    parks = "code,name,fence\neast,East,120 31; 121 31; 121 32\n"
    row = "绿电,gec.cn,GEC-001,400,40,万kWh,2025,2025,,east\n"
    said = understood(parks=parks, certificates=head + row).wanted
    (body,) = (each.body for each in said if isinstance(each.body, Certificate))
    assert (body.kind, body.count, body.amount, body.unit) == (
        "green-power",
        400,
        400_000,
        "KWH",
    )
    assert body.park == entity_id(ACME, "park", "east")
    ((where, sentence),) = told(certificates=head + row.replace(",,east", ",,"))
    assert (where, "name one" in sentence) == ("certificates!2 site", True)


SHARES = """site,period,service,key,used_at,share
boiler,2025,Steam,Metered heat,plant,0.25
boiler,2025,,,boiler,0.75
"""


def test_the_rows_of_an_allocation_are_its_shares() -> None:
    body = only(understood(allocations=SHARES))
    assert isinstance(body, Allocation)
    assert (body.service, body.key) == ("Steam", "Metered heat")
    assert [each.share for each in body.shares] == [Decimal("0.25"), Decimal("0.75")]


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    assert told(allocations=SHARES.replace("0.75", "0.7")) == [
        ("allocations!2 share", "The shares sum to 0.95; 1 is expected.")
    ]
    assert told(allocations=SHARES.replace("0.75", "0"))[0][0] == "allocations!3 share"


TARGET = """park,name,ambition,base_year,near_zero,year,reduction
,Net zero,operational,2025,10,2035,100
,,,,,2030,50
"""


def test_the_rows_of_a_target_are_its_milestones_in_the_order_of_years() -> None:
    body = only(understood(targets=TARGET))
    assert isinstance(body, Target)
    assert (body.object.type, body.object.id, body.serial) == ("enterprise", ACME, 1)
    assert [(each.year, each.reduction) for each in body.milestones] == [(2030, 50), (2035, 100)]
    assert body.near_zero == 10


def test_a_milestone_before_the_base_year_is_refused() -> None:
    ((where, sentence),) = told(targets=TARGET.replace("2030", "2020"))
    assert (where, sentence) == ("targets!2 base_year", "Milestones lie after the base year.")


# --- Chinese ---


def test_chinese_tables_say_the_same_as_english_ones() -> None:
    sites = (
        "代码,名称,纬度,经度,时区,行政区划代码\nplant,Plant,31.5,120.5,Asia/Shanghai,320505\n"
        "boiler,Boiler house,31.5,120.5,Asia/Shanghai,\n"
    )
    chinese_tables = tables(
        场地=sites,
        直接排放="场地,期间,气体,来源,数量,单位\n"
        "plant,2025,二氧化碳,工业过程,3,吨\nplant,2025,六氟化硫,逸散,0.2,千克\n",
        燃料="场地,期间,燃料,用途,数量,单位,低位发热量,单位热值含碳量,碳氧化率\n"
        "plant,2025,天然气,,10,万Nm3,,,\nplant,2025,天然气,供热,2,万Nm3,389310,0.0153,0.99\n"
        "plant,2025,urn:acme:fuel:straw,原料,7,吨,,,\n",
        能源="场地,期间,能源品种,流向,来源,数量,单位\n"
        "plant,2025,电力,外购,电网,40,万千瓦时\nplant,2025,热力,可回收,余热,12,吉焦\n",
        废物="场地,期间,种类,处理方式,数量,单位\nplant,2025,危险废物,焚烧,4,吨\n",
        用水="场地,期间,种类,数量,单位\nplant,2025,新水,5000,立方米\n",
        碳清除="场地,期间,碳汇类型,名称,数量,单位,确定方法\n"
        "plant,2025,自然,Alder grove,2.1,吨,Stock change\n",
        碳捕集="场地,期间,碳来源,去向,数量,单位\nplant,2025,化石,封存,50,吨\n",
        产值="场地,期间,数量,单位\nplant,2025,1200,万CNY:2025:basic\n",
    )
    in_chinese = read(chinese_tables, ACME, lambda _: {}, NOW)
    assert [str(problem) for problem in in_chinese.problems] == []
    english = understood(**EVERYTHING)
    assert [w.body for w in in_chinese.wanted] == [w.body for w in english.wanted]


def test_what_is_wrong_is_told_in_the_words_of_the_file() -> None:
    rows = "场地,期间,种类,处理方式,数量,单位\nplant,2025,危废,掩埋,4,吨\n"
    reading = read(tables(sites=SITES, 废物=rows), ACME, lambda _: {}, NOW)
    assert [problem.where for problem in reading.problems] == ["废物!2 处理方式", "废物!2"]
    word, silence = map(str, reading.problems)
    assert "综合利用, 焚烧, 填埋" in word
    assert "“直接排放”, or one with “无”" in silence


def test_a_column_in_both_languages_is_refused() -> None:
    rows = "code,代码,name,latitude,longitude,time_zone\nx,y,X,1,1,UTC\n"
    reading = read(tables(sites=rows), ACME, lambda _: {}, NOW)
    assert [(p.where, str(p)) for p in reading.problems] == [
        ("sites!1 代码", "The column code is the same.")
    ]


def test_every_sheet_and_column_has_one_chinese_name() -> None:
    for sheet in SHEETS.values():
        assert len({column.zh for column in sheet.columns}) == len(sheet.columns)
    assert len(set(chinese.SHEETS.values())) == len(chinese.SHEETS)


def test_no_word_means_two_things_in_one_column() -> None:
    for sheet in SHEETS.values():
        for column in sheet.columns:
            words = [w for c in column.choices for w in (c, *chinese.WORDS.get(c, ()))]
            assert len(words_of(sheet.name, column.name)) == len(words)


def test_every_fuel_of_the_guides_is_known_by_both_names() -> None:
    for name, zh in chinese.FUELS.items():
        assert fuel_urn(zh) == fuel_urn(name) == f"urn:catchment:fuel:{name}"


def test_the_fuels_are_those_of_the_published_table() -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / "china" / "fuel_defaults_ndrc_guides.csv"
    if not path.exists():
        pytest.skip("needs ../shared/data/china/fuel_defaults_ndrc_guides.csv")
    rows = read_csv(path.read_bytes(), "fuels").rows
    published = {row.cells["fuel_zh"]: row.cells for row in rows}
    assert set(chinese.FUELS.values()) == published.keys()
    for name, zh in chinese.FUELS.items():
        assert published[zh]["fuel_en"].lower().replace(" ", "-") == name
        assert (published[zh]["activity_unit"] == "1e4 Nm3") == (name in chinese.GASES)


def test_the_chinese_workbook_has_every_sheet_and_column_in_chinese(tmp_path: Path) -> None:
    path = tmp_path / "empty.xlsx"
    write_template(path, Wording("zh"))
    tables = {table.name: table for table in read_file(path)}
    for sheet in SHEETS.values():
        assert tables[sheet.zh].columns == tuple(column.zh for column in sheet.columns)
    assert read(tables.values(), ACME, lambda _: {}, NOW) == Reading()
