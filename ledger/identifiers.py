"""Business identifiers, written as URNs (PACT ``companyIds``, ``productIds``; RFC 8141).

====================================  =====================  ===============================
URN                                   names                  verified
====================================  =====================  ===============================
``urn:uscc:<18>``                     enterprise in China    GB 32100 check character
``urn:lei:<20>``                      legal entity           ISO 17442, MOD 97-10
``urn:gtin:<8, 12, 13 or 14>``        trade item             GS1 check digit
``urn:cas:<digits-nn-n>``             substance              CAS check digit
``urn:duns:<9>``                      enterprise             format (its check digit is retired)
``urn:bpn:<BPNL, BPNS or BPNA...>``   Catena-X partner       format only, no public check digit
``urn:did:web:<domain>...``           holder of a domain     syntax (W3C did:web)
``urn:pact:<domain>:<type>:<value>``  what the issuer says   syntax; ``issuer`` is the domain
any other namespace                   classifications, ...   RFC 8141 syntax only
====================================  =====================  ===============================

A valid check digit says that nobody mistyped; it never says that the holder is who it claims.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stdnum import casrn, ean, lei
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from ledger.errors import IdentifierRefused

MAX_LENGTH = 256

# RFC 8141 section 2, without the r-, q- and f-components: those are not part of the name.
_PCHAR = r"(?:[a-z0-9._~!$&'()*+,;=:@-]|%[0-9a-f]{2})"
_URN = re.compile(
    rf"urn:(?P<nid>[a-z0-9][a-z0-9-]{{0,30}}[a-z0-9]):(?P<nss>{_PCHAR}(?:{_PCHAR}|/)*)",
    re.IGNORECASE | re.ASCII,
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])"
_DID_WEB = re.compile(rf"{_DOMAIN}(?:%3A[0-9]{{1,5}})?(?::[^:/]+)*")
_PACT = re.compile(rf"(?P<domain>{_DOMAIN}):(?P<type>[a-z0-9-]+):(?P<value>.+)")


@dataclass(frozen=True)
class Identifier:
    """One name of an entity, canonical in its scheme. Made by :func:`parse` alone.

    ``scheme`` is the lower-case URN namespace (``did:web`` for that DID method), ``value`` the
    name in it, ``issuer`` the domain of a ``pact`` number and otherwise ``None``: public schemes
    have one issuer for everybody. Compare ``key``, never ``value``.
    """

    scheme: str
    value: str
    issuer: str | None = None

    @property
    def urn(self) -> str:
        """The canonical URN; ``parse(identifier.urn) == identifier``."""
        return ":".join(("urn", self.scheme, *filter(None, (self.issuer,)), self.value))

    @property
    def key(self) -> str:
        """Equal for two identifiers exactly when they name the same thing.

        A GTIN-8, -12 or -13 and the same digits behind zeros are one number (GS1 General
        Specifications, 14-digit reference format).
        """
        return f"urn:gtin:{self.value.zfill(14)}" if self.scheme == "gtin" else self.urn


def parse(urn: str) -> Identifier:
    """Read a URN, verify it as far as its scheme allows, and make it canonical.

    Scheme names ignore case; USCC, LEI and BPN become upper case, domains lower case, percent
    escapes upper case (RFC 8141 section 3.1).

    Raises
    ------
    IdentifierRefused
        With the reason ``syntax``, ``alphabet``, ``length`` or ``check digit``.
    """
    if len(urn) > MAX_LENGTH:
        raise _refused(urn, "URN", "length", f"At most {MAX_LENGTH} characters are allowed.")
    if not urn.isascii() or not urn.isprintable() or " " in urn:
        raise _refused(urn, "URN", "alphabet", "Percent-encode spaces and other letters.")
    match = _URN.fullmatch(urn)
    if match is None:
        raise _refused(urn, "URN", "syntax", "Write urn:<scheme>:<value>.")
    nid, nss = match["nid"].lower(), _upper_escapes(match["nss"])
    if nid == "did" and nss.startswith("web:"):
        nid, nss = "did:web", nss.removeprefix("web:")
    return _SCHEMES.get(nid, _unverified)(nid, nss)


@dataclass(frozen=True)
class _Form:
    """What a scheme with fixed-length numbers allows."""

    lengths: tuple[int, ...]
    alphabet: re.Pattern[str]
    layout: re.Pattern[str]
    check: Callable[[str], str] | None
    expected: str

    def read(self, scheme: str, nss: str) -> Identifier:
        value = nss.upper()
        if not self.alphabet.fullmatch(value):
            raise _refused(nss, scheme, "alphabet", self.expected)
        if len(value) not in self.lengths:
            raise _refused(nss, scheme, "length", self.expected)
        if not self.layout.fullmatch(value):
            raise _refused(nss, scheme, "syntax", self.expected)
        if self.check and not _passes(self.check, value):
            raise _refused(nss, scheme, "check digit", self.expected)
        return Identifier(scheme, value)


def _passes(check: Callable[[str], str], value: str) -> bool:
    # python-stdnum drops spaces and hyphens before it checks; the alphabet was judged before.
    try:
        return check(value) == value
    except ValidationError:
        return False


def _uscc(value: str) -> str:
    # Not stdnum's validate(): it wants eight leading digits, but GB 32100 also issues codes that
    # begin with a letter, for example N for rural cooperatives.
    return value[:-1] + uscc.calc_check_digit(value[:-1])


def _did_web(scheme: str, nss: str) -> Identifier:
    domain, _, rest = nss.partition(":")
    host, escape, port = domain.partition("%3A")
    canonical = host.lower() + escape + port + (f":{rest}" if rest else "")
    if not _DID_WEB.fullmatch(canonical):
        raise _refused(nss, scheme, "syntax", "Write urn:did:web:<domain>, e.g. example.com.")
    return Identifier(scheme, canonical)


def _pact(scheme: str, nss: str) -> Identifier:
    domain, _, rest = nss.partition(":")
    kind, _, value = rest.partition(":")
    match = _PACT.fullmatch(f"{domain.lower()}:{kind.lower()}:{value}")
    if match is None:
        raise _refused(nss, scheme, "syntax", "Write urn:pact:<issuer domain>:<type>:<value>.")
    return Identifier(scheme, f"{match['type']}:{match['value']}", match["domain"])


def _unverified(scheme: str, nss: str) -> Identifier:
    return Identifier(scheme, nss)


def _upper_escapes(nss: str) -> str:
    return re.sub(r"%[0-9a-fA-F]{2}", lambda escape: escape[0].upper(), nss)


def _refused(text: str, scheme: str, reason: str, expected: str) -> IdentifierRefused:
    shown = ascii(text if len(text) <= 80 else f"{text[:77]}...")
    return IdentifierRefused(text=shown, scheme=scheme, reason=reason, expected=expected)


_DIGITS = re.compile(r"[0-9]+")
_ALNUM = re.compile(r"[0-9A-Z]+")

_FORMS = {
    "uscc": _Form(
        (18,),
        re.compile(r"[0-9A-HJ-NPQRTUWXY]+"),
        re.compile(r"[0-9A-Y][0-9A-Y][0-9]{6}[0-9A-Y]{10}"),
        _uscc,
        "A unified social credit code has 18 digits and capital letters, without I, O, S, V, Z.",
    ),
    "lei": _Form(
        (20,),
        _ALNUM,
        re.compile(r"[0-9A-Z]{18}[0-9]{2}"),
        lei.validate,
        "A legal entity identifier has 18 digits or letters and 2 check digits.",
    ),
    "gtin": _Form(
        (8, 12, 13, 14), _DIGITS, _DIGITS, ean.validate, "A GTIN has 8, 12, 13 or 14 digits."
    ),
    "cas": _Form(
        tuple(range(7, 13)),
        re.compile(r"[0-9-]+"),
        re.compile(r"[1-9][0-9]{1,6}-[0-9]{2}-[0-9]"),
        casrn.validate,
        "A CAS number looks like 124-38-9.",
    ),
    "duns": _Form((9,), _DIGITS, _DIGITS, None, "A DUNS number has 9 digits, without hyphens."),
    "bpn": _Form(
        (16,),
        _ALNUM,
        re.compile(r"BPN[LSA][0-9A-Z]{12}"),
        None,
        "A business partner number is BPNL, BPNS or BPNA and 12 digits or letters.",
    ),
}

_SCHEMES: dict[str, Callable[[str, str], Identifier]] = {
    **{scheme: form.read for scheme, form in _FORMS.items()},
    "did:web": _did_web,
    "pact": _pact,
}
