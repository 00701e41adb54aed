"""The PACT v3.0.3 data model (WBCSD, 2025-11-18): what a product footprint can say.

A ``footprint`` statement carries one ``ProductFootprint``, exactly as procurement systems exchange
it. Here a body is read into frozen dataclasses and held to the rules of the OpenAPI file and of the
specification's text. Input is read generously where PACT asks for it: ``null`` is the same as
absent, properties and extensions that nobody here knows are passed over, and decimals may have a
``+`` or an exponent. Output is strict: absent keys are left out, decimals are plain and times end
in ``Z``.

Emission values are for the whole declared unit, which is ``declaredUnitAmount`` times
``declaredUnitOfMeasurement``, not for one unit of measurement.

Three kinds of rule hold, in this order of severity:

* types, ranges and patterns, member by member;
* rules across members (``__post_init__``), which refuse;
* ``findings``, which accept and tell.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import reduce
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlsplit

import marshmallow as ma
from marshmallow import fields, validate

from ledger import units
from ledger.findings import Finding, Rulebook
from ledger.schema import Many, said, schema_of

T = TypeVar("T")

STATUSES: Final = ("Active", "Deprecated")
DECLARED_UNITS: Final = (
    "liter",
    "kilogram",
    "cubic meter",
    "kilowatt hour",
    "megajoule",
    "ton kilometer",
    "square meter",
    "piece",
    "hour",
    "megabit second",
)
REGIONS: Final = (
    "Africa",
    "Americas",
    "Asia",
    "Europe",
    "Oceania",
    "Australia and New Zealand",
    "Central Asia",
    "Eastern Asia",
    "Eastern Europe",
    "Latin America and the Caribbean",
    "Melanesia",
    "Micronesia",
    "Northern Africa",
    "Northern America",
    "Northern Europe",
    "Polynesia",
    "South-eastern Asia",
    "Southern Asia",
    "Southern Europe",
    "Sub-Saharan Africa",
    "Western Asia",
    "Western Europe",
)
GLOBAL: Final = "Global"
RULE_OPERATORS: Final = ("PEF", "EPD International", "Other")
CCU_APPROACHES: Final = ("Cut-off", "Credit")
COVERAGES: Final = ("PCF calculation model", "PCF program", "product level")

GROSS_PARTS: Final = ("fossil", "landUseChange", "landManagementBiogenicCO2", "biogenicNonCO2")
UPTAKE: Final = "biogenicCO2Uptake"
NEGATIVE_PARTS: Final = (
    "landManagementBiogenicCO2Removals",
    "technologicalCO2Removals",
    "ccsTechnologicalCO2Capture",
    UPTAKE,
)

ENERGY_GENERATION_PATH: Final = "/schemas/catchment-energy-generation-1.json"
_GENERATION = "generationKgCo2ePerDeclaredUnit"

_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_MOST_CHARACTERS = 120
_MOST_WHOLE_DIGITS = 40
_MOST_DECIMAL_PLACES = 60
# Enough digits that sums of accepted decimals are exact.
_EXACT = Context(prec=2 * (_MOST_WHOLE_DIGITS + _MOST_DECIMAL_PLACES))
_RELATIVE_TOLERANCE = Decimal("1e-6")

_INSTANT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ](?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    r"(?P<fraction>\.\d+)?(?P<offset>[Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)
_SHORTEST_INSTANT = len("2025-01-31T00:00:00Z")
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_YEARS_VALID = 3
# Across these days of UTC, senders in other time zones count three years to another day.
_AROUND_LEAP_DAY = {(2, 28), (2, 29), (3, 1)}

_LONGEST_TEXT = 20_000
_MOST_ITEMS = 1000
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", re.ASCII)

# --- Fields --------------------------------------------------------------------------------


class _Member(fields.Field[T]):
    """A member of a PACT object: ``null`` is read as if the key were not there."""

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        return super().deserialize(ma.missing if value is None else value, attr, data, **kwargs)


class Words(_Member[str]):
    """A text. Line breaks of every system are kept; other control characters are refused."""

    def __init__(self, *, least: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least = least

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        # Not isinstance: strict_json reads a JSON number with a fraction into a kind of str.
        if type(value) is not str:
            raise ma.ValidationError("A text is expected.")
        if not self.least <= len(value) <= _LONGEST_TEXT:
            raise ma.ValidationError(
                f"Between {self.least} and {_LONGEST_TEXT} characters are expected."
            )
        if _UNPRINTABLE.search(value):
            raise ma.ValidationError("Control characters are not accepted.")
        return value

    def reread(self, value: str) -> str:
        return value


class Uuid(Words):
    """A UUID in any case (RFC 9562 section 4), kept in lower case; no braces, no ``urn:``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _UUID.fullmatch(text):
            raise ma.ValidationError("A UUID with hyphens, without braces, is expected.")
        return text.lower()

    def reread(self, value: str) -> str:
        return value.lower()


class Flag(_Member[bool]):
    """``true`` or ``false``, and none of the words or numbers that look like them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ma.ValidationError("true or false is expected.")
        return value

    def reread(self, value: bool) -> bool:
        return value


class PactDecimal(_Member[Decimal]):
    """A decimal in a string: read with ``+`` or exponent, written plain.

    Ranges are checked on the number. The published patterns for them have alternatives that are
    not anchored, so that ``"5abc"`` passes for positive and ``"5.0"`` for negative or zero.
    """

    def __init__(
        self,
        *,
        least: int | None = None,
        above: int | None = None,
        most: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.least, self.above, self.most = least, above, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        number = read_decimal(value)
        if self.least is not None and number < self.least:
            raise ma.ValidationError(f"At least {self.least} is expected.")
        if self.above is not None and number <= self.above:
            raise ma.ValidationError(f"More than {self.above} is expected.")
        if self.most is not None and number > self.most:
            raise ma.ValidationError(f"At most {self.most} is expected.")
        return number

    def reread(self, value: str) -> Decimal:
        if "e" in value or "E" in value:
            return read_decimal(value)
        return Decimal(value) or Decimal(value).copy_abs()

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else format(value, "f")


class Instant(_Member[dt.datetime]):
    """A point in time with its offset (RFC 3339), kept and written in UTC, to microseconds.

    Finer fractions are cut off; a leap second, ``:60``, is refused.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime:
        match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ma.ValidationError(
                "A time with seconds and an offset, such as 2025-01-31T00:00:00Z, is expected."
            )
        fraction = (match["fraction"] or "")[:7]
        return _utc(f"{match['day']}T{match['time']}{fraction}{match['offset'].upper()}")

    def reread(self, value: str) -> dt.datetime:
        if len(value) == _SHORTEST_INSTANT and value[10] + value[-1] == "TZ":
            return dt.datetime.fromisoformat(value)
        return self._deserialize(value, None, None)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(dt.UTC).isoformat()[:-6] + "Z"


class Listed(_Member[Any], Many):
    """An array, kept as a tuple. An empty one is never written: PACT leaves the key out."""

    def __init__(
        self, inner: fields.Field[Any], *, least: int = 1, unique: bool = True, **kwargs: Any
    ) -> None:
        if not kwargs.get("required"):
            kwargs["load_default"] = ()
        super().__init__(inner, most=_MOST_ITEMS, **kwargs)
        self.least, self.unique = least, unique

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, list | tuple) and None in value:
            raise ma.ValidationError("An array holds no null.")
        items: tuple[Hashable, ...] = super()._deserialize(value, attr, data, **kwargs)
        if len(items) < self.least:
            raise ma.ValidationError("At least one item is expected; leave the key out if none.")
        if self.unique and len(set(items)) < len(items):
            raise ma.ValidationError("The same item is given twice.")
        return items

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(value, attr, obj, **kwargs) if value else None


class Object(_Member[Any], fields.Nested):
    """An object that has a class of its own here."""

    def __init__(self, cls: type[Any], **kwargs: Any) -> None:
        super().__init__(schema_of(cls), **kwargs)


class Kept(_Member[dict[str, Any]], fields.Dict):
    """An object that is not looked into; nulls and numbers inside it stay as they came."""


def read_decimal(value: Any) -> Decimal:
    """The number in a PACT decimal string, in plain form: ``"+1.5e3"`` gives ``1500``.

    Raises
    ------
    marshmallow.ValidationError
        Not a string, not a decimal, or so long, large or fine that writing it plainly would take
        more than 40 digits before or 60 after the point. The check itself is cheap.
    """
    if type(value) is not str:
        raise ma.ValidationError('A decimal string such as "12.5" is expected, not a number.')
    if len(value) > _MOST_CHARACTERS or not _DECIMAL.fullmatch(value):
        raise ma.ValidationError('A decimal such as "12.5" is expected.')
    number = Decimal(value)
    exponent = int(number.as_tuple().exponent)
    if number.adjusted() >= _MOST_WHOLE_DIGITS or exponent < -_MOST_DECIMAL_PLACES:
        raise ma.ValidationError(
            f"At most {_MOST_WHOLE_DIGITS} digits before and {_MOST_DECIMAL_PLACES} after the "
            "point are accepted."
        )
    plain = Decimal(format(number, "f"))
    # PACT has no way to write minus zero where zero or more is asked for.
    return plain if plain else plain.copy_abs()


def _utc(text: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ma.ValidationError("This time is not in the calendar.") from None
    # The upper end leaves room for the validity that is counted from a reference period.
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise ma.ValidationError(f"A year from {_FIRST_YEAR} to {_LAST_YEAR} is expected.")
    return instant


def _name(**kwargs: Any) -> Words:
    return Words(least=1, **kwargs)


def _one_of(choices: tuple[str, ...], **kwargs: Any) -> Words:
    return Words(validate=validate.OneOf(choices), **kwargs)


def _like(pattern: str, expected: str, **kwargs: Any) -> Words:
    return Words(validate=validate.Regexp(rf"^(?:{pattern})\Z", re.ASCII, error=expected), **kwargs)


def _urn() -> Words:
    return Words(validate=validate.Regexp(r"^[uU][rR][nN]:", error="A URN, urn:…, is expected."))


def _is_uri(text: str) -> None:
    try:
        urlsplit(text)
    except ValueError:
        raise ma.ValidationError("A URI is expected.") from None
    if not _URI.fullmatch(text):
        raise ma.ValidationError("A URI that begins with its scheme is expected.")


def _uri(**kwargs: Any) -> Words:
    return Words(validate=_is_uri, **kwargs)


def _at_least_zero(**kwargs: Any) -> PactDecimal:
    return PactDecimal(least=0, **kwargs)


def _at_most_zero(**kwargs: Any) -> PactDecimal:
    return PactDecimal(most=0, **kwargs)


Problem = tuple[str, str]
"""A member by its JSON name, and the sentence about it."""


def _refuse(problems: Iterable[Problem]) -> None:
    """Raise all problems at once, so that a sender need not find them one by one."""
    by_member: dict[str, list[str]] = {}
    for member, sentence in problems:
        by_member.setdefault(member, []).append(sentence)
    if by_member:
        raise ma.ValidationError(by_member)


# --- Data types ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOrSectorSpecificRule:
    """A product category rule that was followed, and who operates it."""

    UNKNOWN: ClassVar[str] = ma.EXCLUDE
    operator: str = said(
        _one_of(RULE_OPERATORS, required=True), "Operator of the rule; Other is named apart."
    )
    rule_names: tuple[str, ...] = said(Listed(_name(), required=True), "Names of the rules.")
    other_operator_name: str | None = said(_name(), "The operator's name, if operator is Other.")

    def __post_init__(self) -> None:
        if self.operator == "Other" and self.other_operator_name is None:
            _refuse([("otherOperatorName", "Name the operator when operator is Other.")])


@dataclass(frozen=True, slots=True, kw_only=True)
class EmissionFactorSource:
    """A database that secondary emission factors were taken from."""

    UNKNOWN: ClassVar[str] = ma.EXCLUDE
    name: str = said(_name(required=True), "Name of the database, such as ecoinvent.")
    version: str = said(_name(required=True), "Its version.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQualityIndicators:
    """Data-quality ratings, each from 1 (best) to 5."""

    UNKNOWN: ClassVar[str] = ma.EXCLUDE
    technological_dqr: Decimal = said(
        PactDecimal(required=True, data_key="technologicalDQR"), "Rating of technology, 1 to 5."
    )
    geographical_dqr: Decimal = said(
        PactDecimal(required=True, data_key="geographicalDQR"), "Rating of geography, 1 to 5."
    )
    temporal_dqr: Decimal = said(
        PactDecimal(required=True, data_key="temporalDQR"), "Rating of time, 1 to 5."
    )

    def __post_init__(self) -> None:
        ratings = {
            "technologicalDQR": self.technological_dqr,
            "geographicalDQR": self.geographical_dqr,
            "temporalDQR": self.temporal_dqr,
        }
        _refuse(
            (member, "A rating from 1 to 5 is expected.")
            for member, rating in ratings.items()
            if not 1 <= rating <= 5
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The owner's word that somebody verified the footprint. It is no proof of that."""

    UNKNOWN: ClassVar[str] = ma.EXCLUDE
    coverage: str | None = said(_one_of(COVERAGES), "What was verified.")
    provider_name: str | None = said(Words(), "Who verified it.")
    completed_at: dt.datetime | None = said(Instant(), "When it was completed.")
    standard_name: str | None = said(Words(), "The standard it was verified against.")
    comments: str | None = said(Words(), "Remarks.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Data beyond PACT (``DataModelExtension``), described by a schema elsewhere.

    Extensions that nobody here knows are accepted and kept. One is known: emissions at generation
    of an energy carrier, see `energy_generation`.
    """

    UNKNOWN: ClassVar[str] = ma.EXCLUDE
    spec_version: str = said(Words(required=True), "Version of PACT's extension specification.")
    data_schema: str = said(_uri(required=True), "URL of the JSON Schema that `data` follows.")
    documentation: str | None = said(_uri(), "URL of a description for people.")
    data: Mapping[str, Any] = said(Kept(required=True), "The data, kept as they came.")

    def __post_init__(self) -> None:
        try:
            _ = self.energy_generation
        except ma.ValidationError as refused:
            raise ma.ValidationError({"data": {_GENERATION: refused.messages}}) from refused

    def __hash__(self) -> int:
        # `data` is a dict; equal extensions still have equal hashes.
        return hash((self.spec_version, self.data_schema))

    @property
    def energy_generation(self) -> Decimal | None:
        """kg CO2e at generation per declared unit, if this extension speaks of that."""
        if not urlsplit(self.data_schema).path.endswith(ENERGY_GENERATION_PATH):
            return None
        generation = read_decimal(self.data.get(_GENERATION))
        if generation < 0:
            raise ma.ValidationError("At least 0 is expected.")
        return generation


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonFootprint:
    """The footprint itself, cradle to gate, for one declared unit of the product."""

    UNKNOWN: ClassVar[str] = ma.EXCLUDE
    declared_unit_of_measurement: str = said(
        _one_of(DECLARED_UNITS, required=True), "Unit of the declared unit, PACT's word for it."
    )
    declared_unit_amount: Decimal = said(
        PactDecimal(above=0, required=True), "How many of that unit make the declared unit; > 0."
    )
    product_mass_per_declared_unit: Decimal = said(
        PactDecimal(required=True),
        "kg of product without packaging per declared unit; 0 for energy and services.",
    )
    reference_period_start: dt.datetime = said(
        Instant(required=True), "Time of the earliest activity data, inclusive."
    )
    reference_period_end: dt.datetime = said(
        Instant(required=True), "Time of the latest activity data, exclusive."
    )
    geography_region_or_subregion: str | None = said(
        _one_of(REGIONS), "UN M49 region or subregion of production."
    )
    geography_country: str | None = said(
        _like("[A-Z]{2}", "Two capital letters (ISO 3166-1) are expected."),
        "Country of production, ISO 3166-1 alpha-2.",
    )
    geography_country_subdivision: str | None = said(
        _like("[A-Z]{2}-[A-Z0-9]{1,3}", "A code such as CN-JS (ISO 3166-2) is expected."),
        "Subdivision of production, ISO 3166-2.",
    )
    boundary_processes_description: str | None = said(
        Words(), "The processes inside the system boundary."
    )
    pcf_excluding_biogenic_uptake: Decimal = said(
        PactDecimal(required=True),
        "Total without biogenic CO2 uptake, kg CO2e per declared unit; may be negative.",
    )
    pcf_including_biogenic_uptake: Decimal = said(
        PactDecimal(required=True),
        "Total with biogenic CO2 uptake, kg CO2e per declared unit; may be negative.",
    )
    fossil_carbon_content: Decimal = said(
        _at_least_zero(required=True), "Fossil carbon in the product, kg C per declared unit."
    )
    biogenic_carbon_content: Decimal | None = said(
        _at_least_zero(), "Biogenic carbon in the product, kg C per declared unit."
    )
    recycled_carbon_content: Decimal | None = said(
        _at_least_zero(), "Carbon from recycled material, kg C per declared unit."
    )
    fossil_ghg_emissions: Decimal = said(
        _at_least_zero(required=True),
        "Emissions from fossil sources, kg CO2e per declared unit; land management's included.",
    )
    land_use_change_ghg_emissions: Decimal | None = said(
        _at_least_zero(), "Emissions of land-use change, kg CO2e per declared unit."
    )
    land_carbon_leakage: Decimal | None = said(
        _at_least_zero(), "Indirect land-use change, kg CO2e per declared unit; in no total."
    )
    land_management_fossil_ghg_emissions: Decimal | None = said(
        _at_least_zero(),
        "The part of fossilGhgEmissions that land management causes, kg CO2e per declared unit.",
    )
    land_management_biogenic_co2_emissions: Decimal | None = said(
        _at_least_zero(data_key="landManagementBiogenicCO2Emissions"),
        "Biogenic CO2 released by land management, kg CO2e per declared unit.",
    )
    land_management_biogenic_co2_removals: Decimal | None = said(
        _at_most_zero(data_key="landManagementBiogenicCO2Removals"),
        "CO2 stored by land management, kg CO2e per declared unit; zero or negative.",
    )
    biogenic_co2_uptake: Decimal | None = said(
        _at_most_zero(data_key="biogenicCO2Uptake"),
        "CO2 taken up by growing biomass, kg CO2e per declared unit; zero or negative.",
    )
    biogenic_non_co2_emissions: Decimal | None = said(
        _at_least_zero(data_key="biogenicNonCO2Emissions"),
        "Biogenic emissions other than CO2, such as methane, kg CO2e per declared unit.",
    )
    land_area_occupation: Decimal | None = said(
        _at_least_zero(), "Land occupied, m2 a per declared unit."
    )
    aircraft_ghg_emissions: Decimal | None = said(
        _at_least_zero(),
        "The part of the total that comes from aircraft, kg CO2e per declared unit.",
    )
    packaging_emissions_included: bool | None = said(
        Flag(), "Whether the totals include packaging."
    )
    packaging_ghg_emissions: Decimal | None = said(
        _at_least_zero(), "The part of the total that is packaging's, kg CO2e per declared unit."
    )
    packaging_biogenic_carbon_content: Decimal | None = said(
        _at_least_zero(), "Biogenic carbon in the packaging, kg C per declared unit."
    )
    outbound_logistics_ghg_emissions: Decimal | None = said(
        _at_least_zero(),
        "Emissions of outbound logistics, kg CO2e per declared unit; outside the totals.",
    )
    ccs_technological_co2_capture_included: bool | None = said(
        Flag(data_key="ccsTechnologicalCO2CaptureIncluded"),
        "Whether the totals include carbon capture and storage.",
    )
    ccs_technological_co2_capture: Decimal | None = said(
        _at_most_zero(data_key="ccsTechnologicalCO2Capture"),
        "CO2 captured and stored, kg CO2e per declared unit; zero or negative.",
    )
    technological_co2_capture_origin: str | None = said(
        Words(data_key="technologicalCO2CaptureOrigin"), "Where captured CO2 comes from or stays."
    )
    technological_co2_removals: Decimal | None = said(
        _at_most_zero(data_key="technologicalCO2Removals"),
        "CO2 removed from the air by technology, kg CO2e per declared unit; zero or negative.",
    )
    ccu_carbon_content: Decimal | None = said(
        _at_least_zero(), "Carbon from captured CO2 in the product, kg C per declared unit."
    )
    ccu_calculation_approach: str | None = said(
        _one_of(CCU_APPROACHES), "How captured and used carbon is accounted for."
    )
    ccu_credit_certification: str | None = said(
        _uri(), "Where the credit of the Credit approach is certified."
    )
    ipcc_characterization_factors: tuple[str, ...] = said(
        Listed(_like(r"AR\d+", "An assessment report such as AR6 is expected."), required=True),
        "IPCC assessment reports whose GWP values were used.",
    )
    cross_sectoral_standards: tuple[str, ...] = said(
        Listed(Words(), required=True), "Standards followed, such as ISO14067; an open list."
    )
    product_or_sector_specific_rules: tuple[ProductOrSectorSpecificRule, ...] = said(
        Listed(Object(ProductOrSectorSpecificRule)), "Product category rules followed."
    )
    exempted_emissions_percent: Decimal = said(
        PactDecimal(required=True), "Emissions left out, percent of the total without uptake."
    )
    exempted_emissions_description: str | None = said(Words(), "Why they were left out.")
    allocation_rules_description: str | None = said(
        Words(), "How emissions were allocated among co-products."
    )
    secondary_emission_factor_sources: tuple[EmissionFactorSource, ...] = said(
        Listed(Object(EmissionFactorSource), unique=False), "Where secondary factors came from."
    )
    primary_data_share: Decimal | None = said(
        PactDecimal(), "Percent of pcfExcludingBiogenicUptake that rests on primary data."
    )
    dqi: DataQualityIndicators | None = said(Object(DataQualityIndicators), "Data quality.")
    verification: Verification | None = said(
        Object(Verification), "Who verified the footprint, in the owner's words."
    )

    def __post_init__(self) -> None:
        _refuse(_broken_in_carbon_footprint(self))

    @property
    def geography(self) -> str:
        """The one geography that is given, else ``Global``."""
        return next(iter(_geographies(self).values()), GLOBAL)

    @property
    def reference_year(self) -> int:
        """The calendar year in which the middle of the reference period lies."""
        start, end = self.reference_period_start, self.reference_period_end
        return (start + (end - start) / 2).year

    @property
    def unit_code(self) -> str:
        """Code of the unit of measurement (`ledger.units`)."""
        return units.from_pact(self.declared_unit_of_measurement)

    @property
    def components(self) -> Mapping[str, Decimal]:
        """The parts that make up the totals, in kg CO2e per declared unit; what is absent is 0.

        ``GROSS_PARTS`` are zero or more, ``NEGATIVE_PARTS`` zero or less; of the latter
        ``biogenicCO2Uptake`` counts only in ``pcfIncludingBiogenicUptake``.
        """
        stated = {
            "fossil": self.fossil_ghg_emissions,
            "landUseChange": self.land_use_change_ghg_emissions,
            "landManagementBiogenicCO2": self.land_management_biogenic_co2_emissions,
            "biogenicNonCO2": self.biogenic_non_co2_emissions,
            "landManagementBiogenicCO2Removals": self.land_management_biogenic_co2_removals,
            "technologicalCO2Removals": self.technological_co2_removals,
            "ccsTechnologicalCO2Capture": self.ccs_technological_co2_capture,
            "biogenicCO2Uptake": self.biogenic_co2_uptake,
        }
        return {name: part or Decimal(0) for name, part in stated.items()}

    @property
    def parts_known(self) -> bool:
        """Whether the parts given make up ``pcfExcludingBiogenicUptake``, but for rounding.

        Where only a total is known, PACT lets the mandatory ``fossilGhgEmissions`` be filled in
        with 0; then the parts say nothing and the total alone is meant.
        """
        return _adds_up(_parts_of_total(self), self.pcf_excluding_biogenic_uptake)

    @property
    def known_primary_data_share(self) -> Decimal | None:
        """Primary-data share in percent, where it is given and can be read in one way only."""
        share = self.primary_data_share
        if share is None or _share_is_ambiguous(share) or not 0 <= share <= 100:
            return None
        return share


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFootprint:
    """A PACT product footprint: whose product, which, when valid, and its carbon footprint."""

    UNKNOWN: ClassVar[str] = ma.EXCLUDE
    id: str = said(Uuid(required=True), "UUID of this footprint; every change takes a new one.")
    spec_version: str = said(
        _like(r"\d+\.\d+\.\d+(-\d{8})?", "A version such as 3.0.3 is expected.", required=True),
        "Version of the PACT specification it follows.",
    )
    preceding_pf_ids: tuple[str, ...] = said(Listed(Uuid()), "Footprints that this one replaces.")
    created: dt.datetime = said(
        Instant(required=True), "When this was made; says nothing about validity."
    )
    status: str = said(_one_of(STATUSES, required=True), "Active, or Deprecated for good.")
    validity_period_start: dt.datetime | None = said(
        Instant(), "First instant it may be used; not before the reference period ends."
    )
    validity_period_end: dt.datetime | None = said(
        Instant(), "End of use, exclusive; at most 3 years after the reference period ends."
    )
    company_name: str = said(_name(required=True), "Name of the owner.")
    company_ids: tuple[str, ...] = said(Listed(_urn(), required=True), "URNs of the owner.")
    product_description: str = said(Words(required=True), "Description; may be empty.")
    product_ids: tuple[str, ...] = said(Listed(_urn(), required=True), "URNs of the product.")
    product_classifications: tuple[str, ...] = said(
        Listed(_urn()), "URNs of classes that the product belongs to."
    )
    product_name_company: str = said(_name(required=True), "Trade name.")
    comment: str | None = said(Words(), "Remarks on the calculation and on what changed.")
    pcf: CarbonFootprint = said(Object(CarbonFootprint, required=True), "The carbon footprint.")
    extensions: tuple[Extension, ...] = said(
        Listed(Object(Extension), least=0, unique=False), "Data beyond PACT."
    )

    def __post_init__(self) -> None:
        _refuse(_broken_in_product_footprint(self))

    @property
    def valid_from(self) -> dt.datetime:
        """First instant of validity: as stated, else the end of the reference period."""
        return self.validity_period_start or self.pcf.reference_period_end

    @property
    def valid_until(self) -> dt.datetime:
        """End of validity, exclusive: as stated, else 3 years after the reference period."""
        return self.validity_period_end or three_years_after(self.pcf.reference_period_end)


# --- Rules across members, which refuse ------------------------------------------------------


def three_years_after(instant: dt.datetime) -> dt.datetime:
    """The same day and time three years later; 29 February becomes 28 February."""
    year = instant.year + _YEARS_VALID
    try:
        return instant.replace(year=year)
    except ValueError:
        return instant.replace(year=year, day=28)


def _latest_end(reference_period_end: dt.datetime) -> dt.datetime:
    """The last end of validity that any reading of "3 years" gives."""
    end = three_years_after(reference_period_end)
    day = (reference_period_end.month, reference_period_end.day)
    return end + dt.timedelta(days=1) if day in _AROUND_LEAP_DAY else end


def _geographies(pcf: CarbonFootprint) -> dict[str, str]:
    stated = {
        "geographyRegionOrSubregion": pcf.geography_region_or_subregion,
        "geographyCountry": pcf.geography_country,
        "geographyCountrySubdivision": pcf.geography_country_subdivision,
    }
    return {member: place for member, place in stated.items() if place is not None}


def _broken_in_carbon_footprint(pcf: CarbonFootprint) -> Iterator[Problem]:
    """From the texts of the properties in PACT's OpenAPI file, and its ``oneOf`` on geography."""
    geographies = _geographies(pcf)
    if len(geographies) > 1:
        yield list(geographies)[-1], "Give one of region, country and subdivision, or none."
    if pcf.reference_period_end <= pcf.reference_period_start:
        yield "referencePeriodEnd", "The reference period ends before it starts."
    if pcf.packaging_emissions_included is False and pcf.packaging_ghg_emissions is not None:
        yield "packagingGhgEmissions", "Leave this out when packagingEmissionsIncluded is false."
    if pcf.ccs_technological_co2_capture_included is False:
        yield from _ccs_members(pcf)
    if pcf.ccu_credit_certification is not None and pcf.ccu_calculation_approach != "Credit":
        yield "ccuCreditCertification", "Only the Credit approach has a certified credit."


def _ccs_members(pcf: CarbonFootprint) -> Iterator[Problem]:
    members = {
        "ccsTechnologicalCO2Capture": pcf.ccs_technological_co2_capture,
        "technologicalCO2Removals": pcf.technological_co2_removals,
        "technologicalCO2CaptureOrigin": pcf.technological_co2_capture_origin,
    }
    for member, value in members.items():
        if value is not None:
            yield member, "Leave this out when ccsTechnologicalCO2CaptureIncluded is false."


def _broken_in_product_footprint(footprint: ProductFootprint) -> Iterator[Problem]:
    """From the specification's section on the validity period, and our own extension."""
    measured_until = footprint.pcf.reference_period_end
    start, end = footprint.validity_period_start, footprint.validity_period_end
    if start is not None and start < measured_until:
        yield "validityPeriodStart", "Validity starts before the reference period has ended."
    if end is not None and end > _latest_end(measured_until):
        yield "validityPeriodEnd", "Validity ends more than 3 years after the reference period."
    if footprint.valid_until <= footprint.valid_from:
        yield "validityPeriodEnd", "Validity ends before it starts."
    if sum(e.energy_generation is not None for e in footprint.extensions) > 1:
        yield "extensions", "Emissions at generation are stated twice."


# --- Findings, which accept and tell ---------------------------------------------------------


def energy_generation(footprint: ProductFootprint) -> Decimal | None:
    """Emissions at generation, kg CO2e per declared unit of an energy carrier, where stated.

    They are a part of the total; what remains of it is upstream of generation. They stand in an
    extension whose schema's path ends in ``ENERGY_GENERATION_PATH``, as a decimal string, zero or
    more, named ``generationKgCo2ePerDeclaredUnit``.
    """
    stated = (extension.energy_generation for extension in footprint.extensions)
    return next((generation for generation in stated if generation is not None), None)


def findings(footprint: ProductFootprint) -> tuple[Finding, ...]:
    """What the specification's text asks for and the footprint does not keep.

    ==========================  ================================================================
    rule                        seen
    ==========================  ================================================================
    ``parts-do-not-add-up``     ``pcfExcludingBiogenicUptake`` is not the sum of its parts
    ``uptake-does-not-add-up``  ``pcfIncludingBiogenicUptake`` is not that plus the uptake
    ``primary-data-share``      a share that may be a fraction or a percentage, or neither
    ``secondary-sources``       sources of secondary factors, against the primary-data share
    ==========================  ================================================================
    """
    return tuple(found for look in _LOOKS for found in look(footprint))


def _plain(number: Decimal) -> str:
    return format(number, "f")


def _total(numbers: Iterable[Decimal]) -> Decimal:
    return reduce(_EXACT.add, numbers, Decimal(0))


def _parts_of_total(pcf: CarbonFootprint) -> tuple[Decimal, ...]:
    """All parts but the uptake, which only ``pcfIncludingBiogenicUptake`` contains."""
    return tuple(part for name, part in pcf.components.items() if name != UPTAKE)


def _half_last_digit(number: Decimal) -> Decimal:
    """What rounding can have taken from a number: 0.005 for 1.20. Zero is taken as exact."""
    if not number:
        return Decimal(0)
    return Decimal((0, (5,), int(number.as_tuple().exponent) - 1))


def _adds_up(parts: tuple[Decimal, ...], total: Decimal) -> bool:
    """Whether ``total`` is the sum of ``parts``, but for their rounding or 1e-6 of their size.

    No part's rounding counts for more than the total's, and a zero has none: so a part filled in
    with 0 never passes for the total.
    """
    rounding = _half_last_digit(total)
    rounded = _total([rounding, *(min(rounding, _half_last_digit(part)) for part in parts)])
    size = _total(part.copy_abs() for part in parts)
    tolerance = max(rounded, _EXACT.multiply(size, _RELATIVE_TOLERANCE))
    return _EXACT.subtract(_total(parts), total).copy_abs() <= tolerance


RULES: Final = Rulebook(
    {
        "parts-do-not-add-up": "The parts given add up to %(sum)s kg CO2e, but the total is "
        "stated as %(total)s.",
        "uptake-does-not-add-up": "The total without uptake and the uptake add up to %(sum)s kg "
        "CO2e, but %(total)s is stated.",
        "primary-data-share": "primaryDataShare is %(share)s: a fraction or a percentage? It "
        "counts as unknown until its owner says.",
        "primary-data-share-range": "primaryDataShare is %(share)s, which is no percentage. It "
        "counts as unknown.",
        "secondary-sources-needless": "All data are said to be primary, yet sources of secondary "
        "factors are listed.",
        "secondary-sources-absent": "Not all data are primary, but no source of secondary factors "
        "is listed.",
    }
)


def _look_at_parts(footprint: ProductFootprint) -> Iterator[Finding]:
    pcf = footprint.pcf
    if not pcf.parts_known:
        yield RULES.finding(
            "parts-do-not-add-up",
            "/pcf/pcfExcludingBiogenicUptake",
            sum=_plain(_total(_parts_of_total(pcf))),
            total=_plain(pcf.pcf_excluding_biogenic_uptake),
        )


def _look_at_uptake(footprint: ProductFootprint) -> Iterator[Finding]:
    pcf = footprint.pcf
    parts = (pcf.pcf_excluding_biogenic_uptake, pcf.components[UPTAKE])
    if not _adds_up(parts, pcf.pcf_including_biogenic_uptake):
        yield RULES.finding(
            "uptake-does-not-add-up",
            "/pcf/pcfIncludingBiogenicUptake",
            sum=_plain(_total(parts)),
            total=_plain(pcf.pcf_including_biogenic_uptake),
        )


def _share_is_ambiguous(share: Decimal) -> bool:
    return 0 < share <= 1


def _look_at_share(footprint: ProductFootprint) -> Iterator[Finding]:
    share = footprint.pcf.primary_data_share
    if share is None or footprint.pcf.known_primary_data_share is not None:
        return
    rule = "primary-data-share" if _share_is_ambiguous(share) else "primary-data-share-range"
    yield RULES.finding(rule, "/pcf/primaryDataShare", share=_plain(share))


def _look_at_sources(footprint: ProductFootprint) -> Iterator[Finding]:
    pcf, share = footprint.pcf, footprint.pcf.primary_data_share
    where = "/pcf/secondaryEmissionFactorSources"
    # Below 1 the share is less than whole as a fraction and as a percentage; 1 may be the whole.
    if share is None or share == 1 or not 0 <= share <= 100:
        return
    if share == 100 and pcf.secondary_emission_factor_sources:
        yield RULES.finding("secondary-sources-needless", where)
    if share < 100 and not pcf.secondary_emission_factor_sources:
        yield RULES.finding("secondary-sources-absent", where)


_LOOKS: Final[tuple[Callable[[ProductFootprint], Iterator[Finding]], ...]] = (
    _look_at_parts,
    _look_at_uptake,
    _look_at_share,
    _look_at_sources,
)
