"""The sections of a report that the inventory of a park or an enterprise fills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flask_babel import gettext, lazy_gettext

from api.figures.grades import COVER_WORDS
from api.figures.ladder import RUNG_WORDS, SEVERAL
from api.figures.parts import Answer
from api.reports.document import (
    EMPTY,
    Cell,
    Missing,
    Number,
    Row,
    Section,
    Share,
    Table,
    Text,
    Whole,
)
from graph.terms import Cover, Rung

KILOGRAM: Final = "kg"
KILOWATT_HOUR: Final = "kWh"

LACKING: Final = {
    "nothing": lazy_gettext("nothing"),
    "estimated": lazy_gettext("partly estimated"),
    "open": lazy_gettext("something is open"),
}
DIRECTION: Final = {
    "upstream": lazy_gettext("up the chain"),
    "downstream": lazy_gettext("down the chain"),
}
SINK: Final = {
    "natural": lazy_gettext("natural"),
    "technical": lazy_gettext("technical"),
}
FATE: Final = {
    "stored": lazy_gettext("stored for good"),
    "used": lazy_gettext("used, which only delays it"),
}
VERIFIED_BY: Final = {
    "limited": lazy_gettext("a verifier, limited assurance"),
    "reasonable": lazy_gettext("a verifier, reasonable assurance"),
    "certificate": lazy_gettext("a certificate"),
}


def sections(answer: Answer) -> Iterator[Section]:
    """The inventory from scopes to status, then what it consists of and what it lacks."""
    yield scopes(answer)
    yield categories(answer["scope3"])
    yield bridge(answer)
    yield net(answer)
    yield status(answer["status"])
    yield gases(answer["by_gas"])
    if answer.get("by_tenant") is not None:
        yield tenants(answer["by_tenant"])
    yield lacking(answer)


# --- Amounts -------------------------------------------------------------------------------


def amount_heads() -> tuple[str, ...]:
    """The columns that `amount_cells` fills."""
    return (
        gettext("Amount"),
        gettext("Lower bound"),
        gettext("Upper bound"),
        gettext("Coverage"),
        gettext("Lacking"),
    )


def amount_cells(amount: Answer | None) -> Row:
    """An amount of kg CO2e: the figure, or what is known of it; its bounds, its coverage.

    What is null because something is open is unknown; otherwise it is not shown to the reader.
    """
    if amount is None:
        return Missing(gettext("not shown")), EMPTY, EMPTY, EMPTY, EMPTY
    unknown = gettext("unknown") if amount["lacking"] == "open" else gettext("not shown")
    is_whole = amount["value"] is not None
    figure = amount["value"] if is_whole else amount["at_least"]
    return (
        Number(figure, at_least=not is_whole),
        Number(amount["lower"]),
        _or_missing(amount["upper"], unknown, Number),
        _or_missing(amount["coverage"], unknown, Share),
        Text(str(LACKING[amount["lacking"]])),
    )


def _or_missing(value: float | None, words: str, kind: type[Number] | type[Share]) -> Cell:
    return Missing(words) if value is None else kind(value)


def amounts(title: str, first: str, rows: Iterable[tuple[str, Answer | None]]) -> Table:
    """A table of amounts by name."""
    told = tuple((Text(name), *amount_cells(amount)) for name, amount in rows)
    return Table(title, (first, *amount_heads()), told)


def result(answer: Answer) -> Table:
    """What a reader looks for first."""
    gross, net_of = answer["gross"], answer["net"]
    rows = (
        (gettext("Gross emissions, Scope 1 to 3, market-based"), gross["full"]["market"]),
        (gettext("Operational net, Scope 1 and 2, market-based"), net_of["operational"]["market"]),
        (gettext("Full net, Scope 1 to 3, market-based"), net_of["full"]["market"]),
        (gettext("Full net, Scope 1 to 3, location-based"), net_of["full"]["location"]),
    )
    return amounts(gettext("Result"), gettext("Figure"), rows)


# --- Scopes --------------------------------------------------------------------------------


def scopes(answer: Answer) -> Section:
    """Scope 1 to 3, Scope 2 by both methods, and the electricity behind the second."""
    title, scope2, scope3 = gettext("Scopes"), answer["scope2"], answer["scope3"]
    rows = (
        (gettext("Scope 1"), answer["scope1"]),
        (gettext("Scope 2, location-based"), scope2["location"]),
        (gettext("Scope 2, market-based"), scope2["market"]),
        (gettext("Scope 3, upstream"), scope3["upstream"]),
        (gettext("Scope 3, downstream"), scope3["downstream"]),
        (gettext("Scope 3"), scope3["total"]),
    )
    return Section(title, (amounts(title, gettext("Scope"), rows), *_electricity(scope2)))


def _electricity(scope2: Answer) -> Iterator[Table]:
    if scope2["grid_kwh"] is None:
        return
    named = (
        (gettext("From public grids"), scope2["grid_kwh"]),
        (gettext("Of that covered by certificates"), scope2["covered_kwh"]),
        (gettext("From elsewhere, by contract or line"), scope2["direct_kwh"]),
    )
    rows = tuple((Text(name), Number(kwh, KILOWATT_HOUR)) for name, kwh in named)
    heads = gettext("Source"), gettext("Amount")
    yield Table(gettext("Electricity that crossed the fence"), heads, rows)
    yield from _filled(_uncovered(scope2["residual"]))


def _uncovered(residual: Iterable[Answer]) -> Table:
    heads = gettext("Grid"), gettext("Not covered"), gettext("Counts by")
    return Table(gettext("Power that no certificate covers"), heads, tuple(map(_grid, residual)))


def _grid(row: Answer) -> Row:
    region = Missing(gettext("unknown")) if row["region"] is None else Text(row["region"])
    stood_in = gettext("the average of the grid: no residual mix is stated")
    return region, Number(row["kwh"], KILOWATT_HOUR), Text(row["factor"] or stood_in)


def categories(scope3: Answer) -> Section:
    """All 15 categories with what is known of each, and why that is not more, or may be less."""
    title, rows = gettext("Scope 3 by category"), scope3["by_category"]
    heads = gettext("Category"), gettext("No."), gettext("Direction"), gettext("Status")
    table = Table(title, (*heads, *amount_heads()), tuple(map(_category, rows)))
    reasons = tuple(
        (Text(row["name"]), Whole(row["category"]), Text(each))
        for row in rows
        for each in row["reasons"]
    )
    remark_heads = gettext("Category"), gettext("No."), gettext("Reason")
    remarks = Table(gettext("Remarks on categories"), remark_heads, reasons)
    return Section(title, (table, remarks) if reasons else (table,))


def _category(row: Answer) -> Row:
    direction, cover = DIRECTION[row["direction"]], COVER_WORDS[Cover(row["status"])]
    known = amount_cells(row["amount"])
    if row["amount"] is None and row["status"] == Cover.NOT_STATED:
        known = Missing(gettext("unknown")), *known[1:]
    return (
        Text(row["name"]),
        Whole(row["category"]),
        Text(str(direction)),
        Text(gettext(cover)),
        *known,
    )


def bridge(answer: Answer) -> Section:
    """From the sum over products to the figure of the boundary."""
    title, steps = gettext("Bridge"), answer["bridge"]
    rows = (
        (gettext("All products (T0)"), steps["t0"]),
        (gettext("Trade inside (T0 − T1)"), steps["internal"]),
        (gettext("Deliveries (T1)"), steps["t1"]),
        (gettext("Left and came back (T1 − T2)"), steps["returned"]),
        (gettext("Scope 1 and all that is upstream (T2)"), steps["t2"]),
    )
    assessed = [row for row in rows if row[1] is not None]
    notes = () if len(assessed) == len(rows) else (str(_NOT_ASSESSABLE),)
    return Section(title, (amounts(title, gettext("Step"), assessed),), notes)


_NOT_ASSESSABLE: Final = lazy_gettext(
    "T0, T1 and what came back cannot be assessed: recipes or outputs of products made inside are "
    "not stated."
)


# --- Net -----------------------------------------------------------------------------------


def net(answer: Answer) -> Section:
    """From gross to net, and the ledgers that never net inside a scope."""
    title = gettext("Net emissions")
    rows = tuple(_net_rows(answer))
    heads = gettext("Item"), gettext("Scope 2"), *amount_heads()
    notes = (gettext("Offsets are told beside the net figures and never lower them."),)
    return Section(title, (Table(title, heads, rows), *_ledgers(answer)), notes)


def _net_rows(answer: Answer) -> Iterator[Row]:
    spans = {
        "operational": gettext("Scope 1 and 2"),
        "full": gettext("Scope 1 to 3"),
    }
    bases = {"location": gettext("location-based"), "market": gettext("market-based")}
    for kind, sign in (("gross", gettext("gross, %(span)s")), ("net", gettext("net, %(span)s"))):
        for span, words in spans.items():
            for basis, told in bases.items():
                cells = amount_cells(answer[kind][span][basis])
                yield Text(sign % {"span": words}), Text(told), *cells


def _ledgers(answer: Answer) -> Iterator[Table]:
    ledgers = answer["ledgers"]
    captured, removals, offsets = (ledgers[each] for each in ("captured", "removals", "offsets"))
    rows = (
        (gettext("Fossil CO2 captured and stored"), _mass(captured["stored_fossil"])),
        (gettext("Removals, verified"), _mass(removals["verified"])),
        (gettext("Removals that nobody has verified"), _mass(removals["unverified"])),
        (gettext("Biogenic CO2 emitted inside, in no scope"), _mass(answer["biogenic"])),
        (gettext("Offsets"), Number(offsets["amount"])),
        (
            gettext("Offsets, relative to all gross emissions"),
            _or_missing(offsets["share_of_gross"], gettext("unknown"), Share),
        ),
    )
    told = tuple((Text(name), cell) for name, cell in rows)
    yield Table(gettext("Ledgers"), (gettext("Ledger"), gettext("Amount")), told)
    yield from _filled(_capture(captured["rows"]), _sinks(removals["rows"]), _offsets(offsets))


def _mass(kg: float | None) -> Cell:
    return _or_missing(kg, gettext("not shown"), Number)


def _filled(*tables: Table) -> Iterator[Table]:
    yield from (table for table in tables if table.rows)


def _capture(rows: Iterable[Answer]) -> Table:
    heads = (
        gettext("Site"),
        gettext("Origin"),
        gettext("Fate"),
        gettext("Amount"),
        gettext("Lowers the net figure"),
    )
    told = (
        (
            Text(row["site"]["name"]),
            Text(_origin(row)),
            Text(str(FATE[row["fate"]])),
            Number(row["kg"]),
            Number(row["counted_kg"]),
        )
        for row in rows
    )
    return Table(gettext("What was captured"), heads, tuple(told))


def _sinks(rows: Iterable[Answer]) -> Table:
    heads = (
        gettext("Sink"),
        gettext("Kind"),
        gettext("Site"),
        gettext("Removed"),
        gettext("Of that verified"),
        gettext("Verified by"),
    )
    told = (
        (
            Text(row["name"]),
            Text(str(SINK[row["sink"]])),
            Text(row["site"]["name"]),
            Number(row["kg"]),
            _or_missing(row["verified_kg"], gettext("not shown"), Number),
            _verified_by(row),
        )
        for row in rows
    )
    return Table(gettext("What sinks removed"), heads, tuple(told))


def _verified_by(row: Answer) -> Cell:
    if row["by"]:
        return Text(str(VERIFIED_BY[row["by"]]))
    return Missing(gettext("not shown") if row["verified_kg"] is None else gettext("nobody"))


def _offsets(offsets: Answer) -> Table:
    heads = (
        gettext("Registry"),
        gettext("Serial number"),
        gettext("How many"),
        gettext("Project"),
        gettext("Vintage"),
        gettext("Amount"),
        gettext("Entry"),
    )
    told = (
        (
            Text(row["registry"]),
            Text(row["serial"]),
            Whole(row["count"]),
            Text(row["project"] or ""),
            EMPTY if row["vintage"] is None else Text(str(row["vintage"])),
            Number(row["kg"]),
            Whole(row["index"]),
        )
        for row in offsets["rows"]
    )
    return Table(gettext("Offsets used up"), heads, tuple(told))


def _yes_or_no(is_so: bool) -> Text:
    return Text(gettext("yes") if is_so else gettext("no"))


def status(found: Answer) -> Section:
    """What the boundary may be called, judged market-based, and what stands in the way of more."""
    grades = found["grades"]
    reached = tuple((Text(each["title"]), _yes_or_no(each["reached"])) for each in grades)
    obstacles = tuple(
        (Text(each["title"]), Text(obstacle["sentence"]))
        for each in grades
        for obstacle in each["obstacles"]
    )
    tables = (
        Table(gettext("What it may be called"), (gettext("Name"), gettext("Reached")), reached),
        Table(gettext("What stands in the way"), (gettext("Name"), gettext("Obstacle")), obstacles),
    )
    return Section(gettext("Status"), tuple(_filled(*tables)), (called(found),))


def called(found: Answer) -> str:
    """What the boundary may be called, in a sentence."""
    words = gettext("It may be called: %(name)s. Judged market-based.")
    return str(words % {"name": found["title"]})


# --- What it consists of, and what it lacks -------------------------------------------------


def gases(by_gas: Answer) -> Section:
    """Gases by origin, inside and upstream."""
    heads = gettext("Gas"), gettext("Origin"), gettext("Mass"), gettext("Amount")
    named = ((gettext("Scope 1"), "scope1"), (gettext("Scope 2 and upstream Scope 3"), "upstream"))
    tables = tuple(
        Table(title, heads, tuple(map(_gas, by_gas[name]))) for title, name in named if by_gas[name]
    )
    return Section(gettext("By gas"), tables)


def _gas(row: Answer) -> Row:
    mass = EMPTY if row["kg"] is None else Number(row["kg"], KILOGRAM)
    gas = row["gas"] or gettext(SEVERAL)
    return Text(gas), Text(_origin(row)), mass, Number(row["kg_co2e"])


def _origin(row: Answer) -> str:
    """Where carbon comes from, in words."""
    origin = row["origin"]
    return str(gettext(origin)) if origin else ""


def tenants(rows: Iterable[Answer]) -> Section:
    """Scope 1 by tenant, alone and with what shared sites emit for it."""
    title = gettext("By tenant")
    heads = (
        gettext("Tenant"),
        *amount_heads(),
        gettext("Shared sites for it"),
        gettext("Scope 1 with that"),
    )
    return Section(title, (Table(title, heads, tuple(map(_tenant, rows))),))


def _tenant(row: Answer) -> Row:
    several = gettext("%(count)s tenants, added up") % {"count": row["enterprises"]}
    name = row["enterprise"]["name"] if row["enterprise"] else several
    shared = (amount_cells(row[each])[0] for each in ("allocated", "scope1_with_shared"))
    return Text(name), *amount_cells(row["scope1"]), *shared


def lacking(answer: Answer) -> Section:
    """How well it is known, and every sentence about what is missing or was noticed."""
    tables = [_sentences(answer)]
    if answer["rungs"]:
        rows = tuple((Text(_rung(row["rung"])), Share(row["share"])) for row in answer["rungs"])
        heads = gettext("How it is known"), gettext("Share of T2")
        tables.append(Table(gettext("How well it is known"), heads, rows))
    return Section(gettext("What is missing"), tuple(tables))


def _rung(rung: str | None) -> str:
    return str(gettext(RUNG_WORDS[Rung(rung)] if rung else SEVERAL))


def _sentences(answer: Answer) -> Table:
    rows = [
        *_told(gettext("Missing"), answer["missing"], answer["missing_not_shown"]),
        *_told(gettext("Gap"), answer["gaps"], answer["gaps_not_shown"]),
        *_told(gettext("Finding"), answer["findings"], 0),
    ]
    heads = gettext("Kind"), gettext("Sentence"), gettext("At most")
    return Table(gettext("What is missing, and what was noticed"), heads, tuple(rows))


def _told(kind: str, found: Iterable[Answer], more: int) -> Iterator[Row]:
    for each in found:
        effect = each.get("effect")
        yield Text(kind), Text(each["sentence"]), EMPTY if effect is None else Number(effect)
    if more:
        hidden = gettext("%(count)s more, not shown to you") % {"count": more}
        yield Text(kind), Missing(hidden), EMPTY
