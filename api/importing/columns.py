"""What an import may hold: its sheets, their columns, and what each column means.

One description serves the reader, the empty workbook and the help text.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from api.importing import chinese
from ledger import gases
from ledger.statements import CARRIERS, CERTIFICATES, DISCLOSED
from ledger.statements.flows import (
    ENERGY_SOURCES,
    FATES,
    FLOWS,
    FUEL_USES,
    SINKS,
    SOURCES,
    TREATMENTS,
    WASTES,
    WATERS,
)
from ledger.statements.meters import METER_FLOWS, METERED
from ledger.statements.plans import AMBITIONS

NOTES: Final = ("columns", "lists")
"""Sheets of the empty workbook that hold no data."""

NONE: Final = "none"
"""Where a line begins: the period has no line at all, which says more than no statement."""

_UNITS = ("KGM", "TNE", "KWH", "MWH", "3B", "GV", "MTQ", "NM3", "SM3", "LTR", "MTK", "H87", "TKM")
_CATEGORIES = tuple(str(number) for number in range(1, 9))
_LEVELS = ("private", "named", "public")


@dataclass(frozen=True, slots=True)
class Column:
    """``choices`` are offered as a drop-down; they bind only where the statement type says so."""

    name: str
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def zh(self) -> str:
        return chinese.COLUMNS[self.name]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: ``kind`` is the statement type its rows become."""

    name: str
    kind: str
    doc: str
    columns: tuple[Column, ...]

    @property
    def zh(self) -> str:
        return chinese.SHEETS[self.name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)


_ENTERPRISE = Column("enterprise", "Id of the enterprise spoken for; only with --keys.")
_CODE = Column("code", "Your own code; the id is derived from it, so keep it.", required=True)
_PERIOD = Column(
    "period",
    "2025, 2025-Q3, 2025-07, or 2025-01-01/2025-07-01 (the last day excluded).",
    required=True,
)
_SITE = Column("site", "Code or id of your site.", required=True)
_PRODUCT = Column("product", "Code or id of your product.", required=True)
_GAS = Column(
    "gas",
    f"Formula, or CO2e with gwp; {NONE}: nothing emitted.",
    choices=("CO2", "CH4", "N2O", "SF6"),
)
_ORIGIN = Column("origin", "Where the carbon comes from; empty: fossil.", choices=gases.ORIGINS)
_GWP = Column("gwp", "GWP set, for CO2e only.", choices=gases.GWP_SETS)
_LINE = (
    Column("ref", "Your product's code, a product id, URNs, or class:urn:… with region."),
    Column("region", "Where a product of a class comes from, such as CN-JS."),
    Column("supplier", "Enterprise id, or URN such as urn:uscc:…."),
    Column("supplier_site", "Id of the supplier's site, if known."),
)
_CATEGORY = Column("category", "Upstream Scope 3 category, 1 to 8.", choices=_CATEGORIES)
_TRANSPORT = (
    Column("transport_ref", "The transport service, as in ref, if stated apart."),
    Column("transport_region", "Region of a class of transport service."),
    Column("transport_supplier", "Who carried it."),
    Column("transport_amount", "How much of the service."),
    Column("transport_unit", "Unit of that amount.", choices=("TKM",)),
)


def _amount(doc: str, required: bool = False) -> tuple[Column, Column]:
    return (
        Column("amount", f"{doc} Plain decimals such as 1234.5.", required),
        Column(
            "unit",
            "Unit code or word: KGM, kg, t, kWh, 千瓦时; or 万kWh, 10⁴ Nm3.",
            required,
            _UNITS,
        ),
    )


def _flows(name: str, doc: str, *columns: Column) -> Sheet:
    """A sheet that is a part of the inventories of sites."""
    return Sheet(name, "inventory", doc, (_ENTERPRISE, _SITE, _PERIOD, *columns))


_SHEETS = (
    Sheet(
        "sites",
        "site",
        "Places where you make things.",
        (
            _ENTERPRISE,
            _CODE,
            Column("name", "Name of the place.", required=True),
            Column("latitude", "Degrees north, WGS 84.", required=True),
            Column("longitude", "Degrees east, WGS 84.", required=True),
            Column("time_zone", "Such as Asia/Shanghai.", True, ("Asia/Shanghai", "UTC")),
            Column("grid_region", "Power grid region, such as CN-JS."),
            Column("division", "Six digits of the administrative division (GB/T 2260)."),
        ),
    ),
    Sheet(
        "products",
        "product",
        "What you make.",
        (
            _ENTERPRISE,
            _CODE,
            Column("name", "Trade name.", required=True),
            Column("unit", "Declared unit.", True, _UNITS),
            Column("identifiers", "URNs, separated by spaces."),
            Column("classifications", "URNs of product classes, separated by spaces."),
            Column("mass_per_unit", "kg per declared unit; 0 for energy and services."),
            Column("energy_carrier", "For energy only.", choices=CARRIERS),
            Column("grid", "Electricity only: the public grid whose mix it is, such as CN-JS."),
            Column("replaces", "Ids of products whose references now mean this one."),
        ),
    ),
    Sheet(
        "parks",
        "park",
        "Fenced groups of sites, by their administrators.",
        (
            _ENTERPRISE,
            _CODE,
            Column("name", "Name of the park.", required=True),
            Column("fence", "Corners “longitude latitude”, separated by ;", required=True),
        ),
    ),
    Sheet(
        "memberships",
        "membership",
        "Which site belongs to which park, and since when.",
        (
            _ENTERPRISE,
            Column("park", "Code or id of your park.", required=True),
            Column("site", "Id of the member site.", required=True),
            Column("serial", "Tells apart several memberships of one site; empty: 1."),
            Column("from", "First day as a member.", required=True),
            Column("to", "First day no longer a member, if it ends."),
            Column("consent", "The consent that the site's owner signed."),
        ),
    ),
    Sheet(
        "meters",
        "meter",
        "Meters at your sites; their readings are sent apart.",
        (
            _ENTERPRISE,
            _SITE,
            Column("meter", "Its number or name at the site.", required=True),
            Column("measures", "What it measures.", True, METERED),
            Column(
                "flow", "Where it stands; used: a part of what others count.", True, METER_FLOWS
            ),
            Column("source", "Energy only: what it was made from.", choices=ENERGY_SOURCES),
            Column("fuel", "Fuel only: which, as in the sheet fuels."),
            Column("unit", "Unit of what it shows: KGM, kWh, Nm3.", True, _UNITS),
            Column(
                "reads",
                "register: a count that grows; interval: since the reading before.",
                True,
                ("register", "interval"),
            ),
            Column("multiplier", "What a reading is multiplied by; empty: 1."),
            Column("rollover", "Registers: the count at which it begins again at 0."),
            Column("spacing_seconds", "How often it is read, in seconds."),
        ),
    ),
    Sheet(
        "production",
        "production",
        "How much was made.",
        (_ENTERPRISE, _PRODUCT, _SITE, _PERIOD, *_amount("Output of the period.", True)),
    ),
    Sheet(
        "recipes",
        "recipe",
        "How a product is made, one row per emission or input.",
        (
            _ENTERPRISE,
            _PRODUCT,
            _SITE,
            _PERIOD,
            Column("basis_amount", "Output that the lines are totals for; in the first row."),
            Column("basis_unit", "Unit of the basis; in the first row.", choices=_UNITS),
            Column("line", "What the row is.", True, ("emission", "input", "generation", NONE)),
            _GAS,
            _ORIGIN,
            _GWP,
            *_LINE,
            *_amount("Total for the basis."),
            _CATEGORY,
            *_TRANSPORT,
        ),
    ),
    Sheet(
        "inventory",
        "inventory",
        "Direct emissions of a site but for those of its fuels, one row per gas, origin, source.",
        (
            _ENTERPRISE,
            _SITE,
            _PERIOD,
            _GAS,
            _ORIGIN,
            Column("source", "What from; combustion: of fuels not listed apart.", choices=SOURCES),
            _GWP,
            *_amount("Mass emitted."),
        ),
    ),
    _flows(
        "fuels",
        "Fuels that a site used, one row per fuel and use; what they emit follows.",
        Column(
            "fuel",
            f"Name in China's guides, such as 天然气 or natural-gas; or a URN; {NONE}: no fuel.",
            True,
            tuple(chinese.FUELS),
        ),
        Column("use", "What for; empty: final. A feedstock emits nothing here.", choices=FUEL_USES),
        *_amount("Total of the period."),
        Column("net_calorific_value", "Measured: MJ in one unit of this row."),
        Column("carbon_content", "Measured: kg of carbon per MJ, which is t per GJ."),
        Column("oxidation", "Measured: share of the carbon that is oxidised, such as 0.99."),
    ),
    _flows(
        "energy",
        "Electricity, heat, steam and cooling that came, went or was made.",
        Column(
            "carrier", f"Which energy; 0 is stated as an amount, {NONE} takes back.", True, CARRIERS
        ),
        Column("flow", "recoverable: waste heat, cold or pressure there is to use.", choices=FLOWS),
        Column("source", "What it was made from.", choices=ENERGY_SOURCES),
        *_amount("Total of the period."),
    ),
    _flows(
        "waste",
        "Waste that arose, by what became of it.",
        Column("kind", f"Which kind; 0 is stated as an amount, {NONE} takes back.", True, WASTES),
        Column("treatment", "What became of it.", choices=TREATMENTS),
        *_amount("Mass."),
    ),
    _flows(
        "water",
        "Water taken in fresh, used again, discharged.",
        Column("kind", f"Which kind; 0 is stated as an amount, {NONE} takes back.", True, WATERS),
        *_amount("Volume."),
    ),
    _flows(
        "removals",
        "CO2 that sinks at a site took out of the air.",
        Column("sink", f"natural, technical; {NONE}: no sink.", True, SINKS),
        Column("name", "What the sink is."),
        *_amount("Mass of CO2."),
        Column("method", "How it was determined."),
    ),
    _flows(
        "captured",
        "CO2 caught before it left a site; direct emissions are stated before it.",
        Column(
            "origin",
            f"Where its carbon comes from; {NONE}: nothing is caught.",
            True,
            ("fossil", "biogenic"),
        ),
        Column("fate", "stored for good, or used.", choices=FATES),
        *_amount("Mass of CO2."),
    ),
    _flows(
        "output_value",
        "The value of what a site made, one row per period.",
        Column("amount", f"Total of the period; {NONE} takes back.", required=True),
        Column("unit", "A price with year and basis: CNY:2025:basic, 万CNY:2025:basic."),
    ),
    Sheet(
        "purchases",
        "purchases",
        "All that a site took in, one row per input.",
        (
            _ENTERPRISE,
            _SITE,
            _PERIOD,
            *_LINE,
            *_amount("Total of the period."),
            _CATEGORY,
            *_TRANSPORT,
            Column(
                "without", "Categories with nothing at all taken in, such as 2 8; in the first row."
            ),
        ),
    ),
    Sheet(
        "allocations",
        "allocation",
        "For whom a shared site works, one row per site; the shares sum to 1.",
        (
            _ENTERPRISE,
            Column("site", "Code or id of the shared site.", required=True),
            _PERIOD,
            Column("service", "What is shared, such as steam; in the first row."),
            Column("key", "What the shares follow, such as metered heat; in the first row."),
            Column("used_at", "Code or id of a site that it works for.", required=True),
            Column("share", "Its share, such as 0.25.", required=True),
        ),
    ),
    Sheet(
        "certificates",
        "certificate",
        "Certificates used up for a year of a site or of a park.",
        (
            _ENTERPRISE,
            Column("kind", "green-power, removal or offset.", True, CERTIFICATES),
            Column("registry", "The registry, such as gec.cn.", required=True),
            Column("serial", "The first serial number, as the registry writes it.", required=True),
            Column("count", "How many serial numbers in a row; empty: 1."),
            *_amount("What they are for, together.", True),
            Column("year", "The year they are used up for.", required=True),
            Column("vintage", "The year in which it was generated, removed or reduced."),
            Column("site", "Code or id of the site they are used for; or else a park."),
            Column("park", "Code or id of the park they are used for."),
            Column("project", "What they come from, such as a wind farm by name."),
        ),
    ),
    Sheet(
        "targets",
        "target",
        "What a park or an enterprise means to reach, one row per milestone.",
        (
            _ENTERPRISE,
            Column("park", "Code or id of your park; empty: the enterprise's own target."),
            Column("serial", "Tells apart several targets; empty: 1."),
            Column("name", "What it is called; in the first row."),
            Column(
                "ambition",
                "operational: Scope 1 and 2; full: 1 to 3; in the first row.",
                choices=AMBITIONS,
            ),
            Column("base_year", "The year it is measured against; in the first row."),
            Column("near_zero", "Percent of the base year that may remain; in the first row."),
            Column("year", "Year of the milestone.", required=True),
            Column("reduction", "Percent below the base year by then.", required=True),
        ),
    ),
    Sheet(
        "footprints",
        "footprint",
        "Footprints you declare, as in PACT v3.",
        (
            _ENTERPRISE,
            _PRODUCT,
            Column("site", "Code or id of the site, if it is for one."),
            _PERIOD,
            Column("time_zone", "Zone of the period; empty: the site's."),
            Column("total", "kg CO2e per declared unit, without biogenic uptake.", True),
            Column("total_with_uptake", "The same with biogenic uptake; empty: equal."),
            Column("fossil", "The part from fossil sources; empty: all."),
            Column("fossil_carbon", "kg fossil carbon in the product per declared unit.", True),
            Column("biogenic_carbon", "kg biogenic carbon in it per declared unit."),
            Column("mass", "kg of product per declared unit; empty: as registered."),
            Column("gwp", "IPCC report behind the total.", True, ("AR5", "AR6")),
            Column("standards", "Standards followed, separated by spaces.", True, ("ISO14067",)),
            Column("exempted_percent", "Emissions left out, in percent.", required=True),
            Column("country", "Country of production, such as CN."),
            Column("subdivision", "Or a subdivision, such as CN-JS."),
            Column("primary_share", "Primary data share, percent."),
            Column("boundary", "Processes inside the boundary."),
        ),
    ),
    Sheet(
        "disclosures",
        "disclosure",
        "Who else may read.",
        (
            _ENTERPRISE,
            Column("opens", "The kind of information.", True, DISCLOSED),
            Column("object", "Code or id of what it is about.", required=True),
            Column("level", "private, named or public.", True, _LEVELS),
            Column("grantee", "Id of the enterprise that may read."),
        ),
    ),
)

SHEETS: Final = MappingProxyType({sheet.name: sheet for sheet in _SHEETS})
"""The sheets by name, in the order in which their statements are sent."""
