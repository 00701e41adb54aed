"""What an amount may be said in: a whitelist of units, prices, and conversion that is exact.

Codes are those of UN/CEFACT Recommendation 20 (UNECE, revision 17, annexes II and III), each with
a dimension and an exact factor to the base unit of that dimension. Three traps of that list are
avoided here: ``GJ`` is gram per millilitre (a gigajoule is ``GV``), ``KTM`` was withdrawn (a
kilometre is ``KMT``), and ``HAR`` is deprecated in favour of ``H18`` (both are a hectare). Gas
volumes at normal (``NM3``, 0 °C) and standard (``SM3``, 15 °C) conditions are dimensions of their
own: neither converts to cubic metres nor into the other.

Two kinds of code are not from that list. ``catchment:megabit-second`` serves PACT, whose unit has
no code there. A price, ``CNY:2023:purchaser``, is currency, price year and price basis; each is a
dimension of its own, because neither exchange rates nor deflators belong in a ledger.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Context, Decimal
from types import MappingProxyType

from ledger.errors import UnitAmbiguous, UnitMismatch, UnitNotInPact, UnitUnknown

# Statements carry far fewer digits; the rest is room so that no conversion shows its rounding.
_EXACT = Context(prec=50)


@dataclass(frozen=True)
class Unit:
    """``factor`` base units of ``dimension`` make one ``code``: 1 KWH = 3.6 MJ of energy."""

    code: str
    dimension: str
    factor: Decimal


# dimension -> code -> factor; the first unit with factor 1 is the base.
_TABLE: dict[str, dict[str, str]] = {
    "mass": {"KGM": "1", "MGM": "1E-6", "GRM": "1E-3", "TNE": "1E3", "KTN": "1E6"},
    "energy": {
        "3B": "1",
        "JOU": "1E-6",
        "KJO": "1E-3",
        "GV": "1E3",
        "D30": "1E6",
        "C68": "1E9",
        "WHR": "3.6E-3",
        "KWH": "3.6",
        "MWH": "3.6E3",
        "GWH": "3.6E6",
        "D32": "3.6E9",
    },
    "volume": {
        "MTQ": "1",
        "LTR": "1E-3",
        "DMQ": "1E-3",
        "MLT": "1E-6",
        "CMQ": "1E-6",
        "HLT": "0.1",
        "R9": "1E3",
        "HMQ": "1E6",
    },
    "gas volume at 0 °C": {"NM3": "1"},
    "gas volume at 15 °C": {"SM3": "1"},
    "area": {"MTK": "1", "CMK": "1E-4", "KMK": "1E6", "HAR": "1E4", "H18": "1E4"},
    "length": {"MTR": "1", "MMT": "1E-3", "CMT": "1E-2", "KMT": "1E3"},
    "time": {"SEC": "1", "MIN": "60", "HUR": "3600", "DAY": "86400"},
    "freight": {"TKM": "1"},
    "count": {"H87": "1", "C62": "1", "T3": "1E3"},
    "data": {"catchment:megabit-second": "1"},
}

UNITS = MappingProxyType(
    {
        code: Unit(code, dimension, Decimal(factor))
        for dimension, factors in _TABLE.items()
        for code, factor in factors.items()
    }
)

# ISO 4217 list one as of amendment 180 (1 January 2026), without what nobody prices in: precious
# metals, bond market units, XTS (testing) and XXX (no currency).
_LIST_ONE = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
    CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
    KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
    MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XDR XOF XPF XSU XUA YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_LIST_ONE.split())
# A price year looks back: currencies withdrawn since 2020 still say what was paid before.
WITHDRAWN_CURRENCIES = frozenset({"ANG", "BGN", "CUC", "HRK", "SLL", "ZWL"})
PRICE_BASES = ("basic", "producer", "purchaser", "purchaser-with-tax")
_PRICE = re.compile(
    rf"(?P<currency>[A-Z]{{3}}):(?P<year>(?:19|20)[0-9]{{2}}):(?P<basis>{'|'.join(PRICE_BASES)})"
)


@dataclass(frozen=True, order=True)
class Price:
    """What a price unit says: ``CNY:2023:purchaser`` is yuan of 2023 as the purchaser paid them."""

    currency: str
    year: int
    basis: str

    @property
    def code(self) -> str:
        """The unit code; ``price_of(price.code) == price``."""
        return f"{self.currency}:{self.year}:{self.basis}"


def parse(code: str) -> Unit:
    """The unit of a code, exactly as written: ``KGM``, ``catchment:megabit-second``, a price.

    Raises
    ------
    UnitUnknown
        The code is not on the list. Words for units are read by :func:`from_alias`.
    """
    unit = UNITS.get(code)
    if unit is not None:
        return unit
    price = _PRICE.fullmatch(code)
    if price is None or price["currency"] not in CURRENCIES | WITHDRAWN_CURRENCIES:
        raise UnitUnknown(text=_shown(code))
    return Unit(code, f"price {code}", Decimal(1))


def price_of(code: str) -> Price | None:
    """Currency, price year and basis of a price unit; ``None`` for any other unit."""
    price = _PRICE.fullmatch(code)
    return Price(price["currency"], int(price["year"]), price["basis"]) if price else None


def convert(amount: Decimal, source: Unit, target: Unit) -> Decimal:
    """``amount`` in ``source``, said in ``target``, to 50 significant digits.

    Raises
    ------
    UnitMismatch
        The two are of different dimensions.
    """
    if source.dimension != target.dimension:
        raise _mismatch(source, target)
    return _EXACT.divide(_EXACT.multiply(amount, source.factor), target.factor)


def ratio(source: Unit, target: Unit, mass_per_unit: Decimal | None = None) -> Decimal:
    """How many ``target`` one ``source`` is: an edge's amount times this is in ``target``.

    ``target`` is the unit that a product is declared in and ``mass_per_unit`` the kg of that
    product in one ``target`` (PACT ``productMassPerDeclaredUnit`` of a declared amount of 1). It
    bridges from mass alone: ``ratio(TNE, H87, 2.5)`` is 1000 / 2.5 = 400 pieces per tonne. The way
    back, kg per piece, is one over it; pieces of a product declared by mass stay unknown, because
    its own mass per unit says nothing about a piece.

    Raises
    ------
    UnitMismatch
        Different dimensions and no bridge: no mass, a mass that is not positive (PACT states 0
        for energy and services), or a source that is not a mass.
    """
    bridges = source.dimension == "mass" != target.dimension
    if bridges and mass_per_unit is not None and mass_per_unit > 0:
        return _EXACT.divide(source.factor, mass_per_unit)
    return convert(Decimal(1), source, target)


# PACT v3 DeclaredUnitOfMeasurement; its "ton" is the metric one.
_PACT = {
    "liter": "LTR",
    "kilogram": "KGM",
    "cubic meter": "MTQ",
    "kilowatt hour": "KWH",
    "megajoule": "3B",
    "ton kilometer": "TKM",
    "square meter": "MTK",
    "piece": "H87",
    "hour": "HUR",
    "megabit second": "catchment:megabit-second",
}
_TO_PACT = {code: word for word, code in _PACT.items()}


def from_pact(word: str) -> str:
    """The code of a PACT v3 ``declaredUnitOfMeasurement``. Raises ``UnitUnknown``."""
    code = _PACT.get(word)
    if code is None:
        raise UnitUnknown(text=_shown(word))
    return code


def to_pact(code: str) -> str:
    """The PACT v3 ``declaredUnitOfMeasurement`` of a code.

    Raises
    ------
    UnitNotInPact
        PACT has ten units; amounts in others (TNE, MWH ...) are converted first.
    """
    word = _TO_PACT.get(code)
    if word is None:
        raise UnitNotInPact(text=_shown(code), choices=", ".join(_TO_PACT))
    return word


# What people write in spreadsheets, after NFKC (m³ -> m3, ㎏ -> kg), without spaces and dots.
_WORDS = {
    "MGM": "mg milligram milligrams 毫克",
    "GRM": "g gram grams 克",
    "KGM": "kg kgs kilogram kilograms kilogramme 千克 公斤",
    "TNE": "t tonne tonnes metricton metrictons 吨 公吨",
    "KTN": "kt kilotonne kilotonnes 千吨",
    "JOU": "j joule joules 焦 焦耳",
    "KJO": "kj kilojoule kilojoules 千焦",
    "3B": "mj megajoule megajoules 兆焦",
    "GV": "gj gigajoule gigajoules 吉焦",
    "D30": "tj terajoule terajoules 太焦",
    "C68": "pj petajoule petajoules",
    "WHR": "wh watthour 瓦时",
    "KWH": "kwh kilowatthour kilowatthours 千瓦时 度",
    "MWH": "mwh megawatthour megawatthours 兆瓦时",
    "GWH": "gwh gigawatthour gigawatthours 吉瓦时",
    "D32": "twh terawatthour terawatthours 太瓦时",
    "MLT": "ml milliliter millilitre 毫升",
    "LTR": "l liter liters litre litres 升",
    "MTQ": "m3 m^3 cbm cubicmeter cubicmeters cubicmetre cubicmetres 立方米",
    "NM3": "nm3 nm^3",
    "SM3": "sm3 sm^3",
    "CMK": "cm2 cm^2 平方厘米",
    "MTK": "m2 m^2 sqm squaremeter squaremeters squaremetre squaremetres 平方米",
    "KMK": "km2 km^2 平方千米 平方公里",
    "H18": "ha hectare hectares 公顷",
    "MMT": "mm millimeter millimetre 毫米",
    "CMT": "cm centimeter centimetre 厘米",
    "MTR": "m meter meters metre metres 米",
    "KMT": "km kilometer kilometers kilometre kilometres 千米 公里",
    "SEC": "s sec second seconds 秒",
    "MIN": "min minute minutes 分钟",
    "HUR": "h hr hrs hour hours 小时",
    "DAY": "d day days 天",
    "TKM": "tkm t-km t*km tonnekilometer tonnekilometre tonnekilometres tonkilometer 吨公里 吨千米",
    "H87": "pc pcs piece pieces ea each 件 个 只 台 片 块 支 根",
    "T3": "千件 千个 千只",
    "catchment:megabit-second": "megabitsecond",
}
_ALIASES = {word: code for code, words in _WORDS.items() for word in words.split()}

_TON = "tonne (1000 kg), or convert a short or long ton to kg"
_YUAN = "a price with its year and what it includes, such as CNY:2025:basic"
# Case decides between milli, mega and metre here, or the word itself has several meanings.
_AMBIGUOUS = {
    "Mg": "mg (milligram) or tonne (megagram)",
    "MG": "mg (milligram) or tonne (megagram)",
    "mJ": "MJ (megajoule); millijoules are not accepted",
    "mWh": "MWh (megawatt hour); milliwatt hours are not accepted",
    "ML": "ml (millilitre), or convert megalitres to m3",
    "Mm": "mm (millimetre) or km",
    "M": "m (metre)",
    "MM": "mm (millimetre)",
    "Mm3": "m3",
    "ton": _TON,
    "tons": _TON,
    "Ton": _TON,
    "Tons": _TON,
    "TON": _TON,
    "TONS": _TON,
    "MT": _TON,
    "Mt": _TON,
    "mt": _TON,
    "标方": "Nm3 (0 °C) or Sm3 (15 °C)",
    "标立方米": "Nm3 (0 °C) or Sm3 (15 °C)",
    "标准立方米": "Nm3 (0 °C) or Sm3 (15 °C)",
    "元": _YUAN,
    "人民币": _YUAN,
    "CNY": _YUAN,
    "RMB": _YUAN,
}


def from_alias(text: str) -> str:
    """The code of what a person wrote in a spreadsheet: ``kg``, ``m³``, ``千瓦时``, ``KGM``.

    Words come before codes: in a spreadsheet ``GJ`` is a gigajoule, never Recommendation 20's
    gram per millilitre. Case is ignored unless it decides the size.

    Raises
    ------
    UnitUnknown
        No such unit; ``UnitAmbiguous``, a kind of it, for words like ``ton``, which is 907, 1000
        or 1016 kg depending on who writes it.
    """
    word = re.sub(r"[\s.·]", "", unicodedata.normalize("NFKC", text))
    if word in _AMBIGUOUS:
        raise UnitAmbiguous(text=_shown(text), choices=_AMBIGUOUS[word])
    code = _ALIASES.get(word) or _ALIASES.get(word.lower())
    return code or parse(text.strip()).code


_POWERS = {"万": 4, "百万": 6, "千万": 7, "亿": 8}
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
# Before NFKC, which makes 104 of 10⁴.
_MULTIPLE = re.compile(
    rf"\s*(?:(?P<word>{'|'.join(_POWERS)})"
    r"|[×xX]?\s*10(?:\^(?P<plain>[2-9])(?![0-9])|(?P<raised>[²³⁴-⁹])))\s*(?P<unit>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Multiple:
    """``count`` of a unit at a time: ``万Nm3`` is 10 000 ``NM3``."""

    count: Decimal
    code: str

    def singly(self, amount: Decimal) -> Decimal:
        """So many of these in single units, to 50 significant digits."""
        return _EXACT.multiply(amount, self.count)

    def per_single(self, rate: Decimal) -> Decimal:
        """Something per one of these, per single unit."""
        return _EXACT.divide(rate, self.count)


def multiple(text: str) -> Multiple:
    """A unit as `from_alias` reads it, or a power of ten of one, as statistics count.

    ``万Nm3``, ``10⁴ Nm3``, ``10^4 Nm3``, ``万千瓦时``, ``亿立方米``. Raises ``UnitUnknown``.
    """
    found = _MULTIPLE.fullmatch(text)
    if found is None:
        return Multiple(Decimal(1), from_alias(text))
    raised = found["raised"] and _SUPERSCRIPTS.index(found["raised"])
    power = _POWERS.get(found["word"]) or int(found["plain"] or raised)
    return Multiple(Decimal(10) ** power, from_alias(found["unit"]))


def _mismatch(source: Unit, target: Unit) -> UnitMismatch:
    return UnitMismatch(
        source=source.code,
        source_dimension=source.dimension,
        target=target.code,
        target_dimension=target.dimension,
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
