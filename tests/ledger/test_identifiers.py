"""Identifiers: numbers from public sources, one mistyped character each, and round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from ledger.errors import IdentifierRefused
from ledger.identifiers import Identifier, parse

# Public numbers: python-stdnum's own documented examples (USCC, LEI, GTIN-8), GS1's manual
# (GTIN-13), IPCC AR6 Table 7.SM.7 (CAS of SF6), the W3C did:web method specification.
VALID = [
    ("urn:uscc:91110000600037341L", "uscc", "91110000600037341L"),
    ("urn:lei:213800KUD8LAJWSQ9D15", "lei", "213800KUD8LAJWSQ9D15"),
    ("urn:gtin:73513537", "gtin", "73513537"),
    ("urn:gtin:9780471117094", "gtin", "9780471117094"),
    ("urn:gtin:98412345678908", "gtin", "98412345678908"),
    ("urn:cas:2551-62-4", "cas", "2551-62-4"),
    ("urn:duns:150483782", "duns", "150483782"),
    ("urn:bpn:BPNL000000000001", "bpn", "BPNL000000000001"),
    ("urn:did:web:w3c-ccg.github.io:user:alice", "did:web", "w3c-ccg.github.io:user:alice"),
    ("urn:did:web:example.com%3A3000", "did:web", "example.com%3A3000"),
    ("urn:did:key:z6MkhaXgBZD", "did", "key:z6MkhaXgBZD"),
    ("urn:cpc:0151", "cpc", "0151"),
    ("urn:eclass:28070000", "eclass", "28070000"),
    ("urn:unspsc:43211507", "unspsc", "43211507"),
    ("urn:epc:id:sgtin:4012345.011111.987", "epc", "id:sgtin:4012345.011111.987"),
]


@pytest.mark.parametrize(("urn", "scheme", "value"), VALID)
def test_a_public_number_is_read_and_written_back(urn: str, scheme: str, value: str):
    read = parse(urn)
    assert read == Identifier(scheme, value)
    assert read.urn == urn
    assert parse(read.urn) == read


def test_an_own_number_belongs_to_the_domain_that_issued_it():
    read = parse("urn:pact:steel.example.com:product-id:HRC-2.5/1250")
    assert read == Identifier("pact", "product-id:HRC-2.5/1250", "steel.example.com")
    assert parse(read.urn) == read


def test_the_same_number_of_another_issuer_is_another_identifier():
    keys = {parse(f"urn:pact:{who}.example.com:product-id:7").key for who in ("mill", "smith")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("urn", "canonical"),
    [
        ("URN:USCC:91110000600037341l", "urn:uscc:91110000600037341L"),
        ("urn:Lei:213800kud8lajwsq9d15", "urn:lei:213800KUD8LAJWSQ9D15"),
        ("urn:bpn:bpnl000000000001", "urn:bpn:BPNL000000000001"),
        ("urn:did:web:Example.COM:Alice", "urn:did:web:example.com:Alice"),
        ("urn:pact:Example.COM:Product-Id:aB", "urn:pact:example.com:product-id:aB"),
        ("urn:example:caf%c3%a9", "urn:example:caf%C3%A9"),
    ],
)
def test_case_is_folded_only_where_the_scheme_ignores_it(urn: str, canonical: str):
    assert parse(urn).urn == canonical


def test_a_gtin_is_the_same_with_or_without_leading_zeros():
    spellings = ("9780471117094", "09780471117094")
    assert len({parse(f"urn:gtin:{digits}").key for digits in spellings}) == 1
    assert parse("urn:gtin:73513537").key == "urn:gtin:00000073513537"


@given(st.integers(min_value=0, max_value=10**7 - 1))
def test_zeros_in_front_never_change_a_valid_gtin(body: int):
    digits = f"{body:07d}"
    digits += ean.calc_check_digit(digits)
    keys = {parse(f"urn:gtin:{digits.zfill(length)}").key for length in (8, 12, 13, 14)}
    assert len(keys) == 1


def test_a_rural_cooperative_has_a_valid_credit_code():
    # By hand (GB 32100, weights 3^i mod 31): N=22 and 2 in front, then fifteen zeros:
    # 22*1 + 2*3 = 28, and (31 - 28) mod 31 = 3.
    assert parse("urn:uscc:N20000000000000003").scheme == "uscc"


@pytest.mark.parametrize(
    ("urn", "reason"),
    [
        ("urn:uscc:91110000600037342L", "check digit"),
        ("urn:uscc:91110000600037341", "length"),
        ("urn:uscc:9111000060003734IL", "alphabet"),
        ("urn:lei:213800KUD8LXJWSQ9D15", "check digit"),
        ("urn:lei:213800KUD8LAJWSQ9D1", "length"),
        ("urn:lei:213800KUD8LAJWSQ9DAB", "syntax"),
        ("urn:gtin:9780471117095", "check digit"),
        ("urn:gtin:978047111708", "check digit"),
        ("urn:gtin:97804711170", "length"),
        ("urn:gtin:978-0-471-11709-4", "alphabet"),
        ("urn:cas:2551-62-5", "check digit"),
        ("urn:cas:2551624", "syntax"),
        ("urn:duns:15-048-3782", "alphabet"),
        ("urn:duns:15048378", "length"),
        ("urn:bpn:BPNX000000000001", "syntax"),
        ("urn:did:web:localhost", "syntax"),
        ("urn:did:web:example.com/path", "syntax"),
        ("urn:pact:example.com:product-id", "syntax"),
        ("urn:pact:not_a_domain:product-id:1", "syntax"),
        ("urn:pact:example.com:product-id:", "syntax"),
        ("urn:x:too-short-a-namespace", "syntax"),
        ("urn:example:", "syntax"),
        ("urn:example:a?+b", "syntax"),
        ("urn:example:a#b", "syntax"),
        ("urn:example:50%", "syntax"),
        ("gtin:9780471117094", "syntax"),
        ("", "syntax"),
        ("urn:gtin: 9780471117094", "alphabet"),
        ("urn:gtin:9780471117094\n", "alphabet"),
        ("urn:example:a\x00b", "alphabet"),
        ("urn:example:钢", "alphabet"),
        ("urn:gtin:９７８０４７１１１７０９４", "alphabet"),
        ("urn:example:" + "a" * 245, "length"),
    ],
)
def test_a_wrong_number_is_refused_with_its_reason(urn: str, reason: str):
    with pytest.raises(IdentifierRefused) as refusal:
        parse(urn)
    assert refusal.value.params["reason"] == reason
    assert str(refusal.value).isprintable()


def test_the_longest_allowed_urn_is_accepted():
    assert len(parse("urn:example:" + "a" * 244).urn) == 256


@given(st.text(max_size=40))
def test_any_text_is_an_identifier_or_refused(text: str):
    for urn in (text, f"urn:{text}", f"urn:pact:{text}", f"urn:did:web:{text}", f"urn:gtin:{text}"):
        try:
            read = parse(urn)
        except IdentifierRefused:
            continue
        assert parse(read.urn) == read
        assert parse(read.urn).key == read.key
