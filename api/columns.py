"""What an import may hold: its sheets, their columns, and what each column means.

One description serves the reader, the empty workbook and the help text.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ledger import gases
from ledger.statements import CARRIERS, DISCLOSED

NOTES: Final = ("columns", "lists")
"""Sheets of the empty workbook that hold no data."""

NONE: Final = "none"
"""In the gas or ref column: the period has no line at all, which says more than no statement."""

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


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: ``kind`` is the statement type its rows become."""

    name: str
    kind: str
    doc: str
    columns: tuple[Column, ...]

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
    "gas", f"Formula, or CO2e with gwp; {NONE}: nothing emitted.", choices=("CO2", "CH4", "N2O")
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
        Column("unit", "Unit code or word: KGM, kg, t, kWh, 千瓦时.", required, _UNITS),
    )


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
        "All direct emissions of a site, one row per gas and origin.",
        (_ENTERPRISE, _SITE, _PERIOD, _GAS, _ORIGIN, _GWP, *_amount("Mass emitted.")),
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
