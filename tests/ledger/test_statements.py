"""What the types of statements take and refuse, before anybody asks who said it."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import jws
from ledger.errors import EnvelopeTooLarge, StatementMalformed
from ledger.keys import PrivateKey
from ledger.note import SignerKey
from ledger.statements import NaturalKey, Part, Period, Periodic, Statement, read
from tests.factory import day
from tests.work import calls

ID = "00000000-0000-4000-8000-000000000001"
DIGEST = "ab" * 32
YEAR = {"start": "2025-01-01", "end": "2026-01-01"}
KEY = PrivateKey.generate("EdDSA")


def _envelope(kind: str, **members: Any) -> jws.Envelope:
    payload = {
        "type": kind,
        "v": 1,
        "log": {"origin": "log.example", "genesis": DIGEST},
        "jti": "A" * 22,
        "iat": 1_768_435_200,
        "iss": ID,
        "subject": ID,
        **members,
    }
    return jws.parse(jws.sign(payload, KEY))


def _read(kind: str, **members: Any) -> Statement:
    return read(_envelope(kind, **members))


def _problems(kind: str, **members: Any) -> dict[str, str]:
    with pytest.raises(StatementMalformed) as refused:
        _read(kind, **members)
    return dict(refused.value.problems)


# --- sizes ---


def test_a_list_too_long_is_refused_before_its_items_are_read() -> None:
    envelope = _envelope("purchases", site=ID, period=YEAR, inputs=[{}] * 60_000)
    problems: dict[str, str] = {}

    def refused() -> None:
        with pytest.raises(StatementMalformed) as raised:
            read(envelope)
        problems.update(raised.value.problems)

    # Reading them all would make a quarter of a million problems.
    assert calls(refused) < 10_000
    assert list(problems) == ["/inputs"]


@pytest.mark.parametrize("kind", ["inventory", "recipe"])
def test_emissions_are_as_many_as_gases_and_origins_allow_and_no_more(kind: str) -> None:
    each = {"gas": "CO2", "amount": "1"}
    problems = _problems(kind, site=ID, period=YEAR, emissions=[each] * 501)
    assert "/emissions" in problems


def test_no_more_than_a_hundred_problems_are_named_at_once() -> None:
    with pytest.raises(StatementMalformed) as refused:
        _read("site", **{f"x{number}": 1 for number in range(5000)})
    assert len(refused.value.problems) == 100


@pytest.mark.parametrize(
    "junk", [{"x5c": "A" * 300}, {f"member{number}": "x" for number in range(20)}]
)
def test_a_key_brings_nothing_along_that_would_stay_in_memory(junk: dict[str, str]) -> None:
    jwk = {**KEY.public.jwk, **junk}
    problems = _problems("key", action="register", jwk=jwk, roles=["supplier"], proof="x")
    assert all(path.startswith("/jwk") for path in problems)


def test_a_header_is_short_for_refusals_quote_it() -> None:
    payload, signature = jws.sign({}, KEY).split(b".")[1:]
    header = b"A" * 2000
    with pytest.raises(EnvelopeTooLarge, match="header"):
        jws.parse(b".".join((header, payload, signature)))


# --- emissions ---


@pytest.mark.parametrize(
    ("wrong", "member"),
    [
        ({"gas": "CO2eq", "gwp": "AR6"}, "gas"),
        ({"gas": "CO2e"}, "gwp"),
        ({"gas": "CO2e", "gwp": "AR3"}, "gwp"),
        ({"gas": "CH4", "gwp": "AR6"}, "gwp"),
        ({"origin": "Fossil"}, "origin"),
        ({"amount": "-1"}, "amount"),
        ({"amount": 1}, "amount"),
        ({"amount": "1e3"}, "amount"),
    ],
)
def test_an_emission_is_a_mass_of_a_gas_or_co2e_under_its_gwp_set(
    wrong: dict[str, Any], member: str
) -> None:
    emission = {"gas": "CO2", "amount": "1", **wrong}
    problems = _problems("inventory", site=ID, period=YEAR, emissions=[emission])
    assert list(problems) == [f"/emissions/0/{member}"]


# --- periods ---


@pytest.mark.parametrize(
    ("start", "end", "member"),
    [
        ("2025-01-01", "2025-01-01", "/period/end"),
        ("2025-12-31", "2025-01-01", "/period/end"),
        ("2025-07-01", "2026-01-02", "/period/end"),
        ("0001-01-01", "0001-02-01", "/period/start"),
        ("9999-01-01", "9999-12-31", "/period/start"),
        ("2025-02-29", "2025-03-01", "/period/start"),
    ],
)
def test_a_period_is_of_real_days_within_one_year(start: str, end: str, member: str) -> None:
    problems = _problems("inventory", site=ID, period={"start": start, "end": end}, emissions=[])
    assert list(problems) == [member]


@pytest.mark.parametrize("part", [{"k": 0, "n": 1}, {"k": 2, "n": 1}, {"k": 1, "n": 1000}])
def test_parts_count_from_one(part: dict[str, int]) -> None:
    problems = _problems("inventory", site=ID, period=YEAR, part=part, emissions=[])
    assert list(problems) == ["/part/k"]


def test_period_and_part_can_be_told_from_the_key() -> None:
    said = _read("inventory", site=ID, period=YEAR, part={"k": 2, "n": 11}, emissions=[])
    key = NaturalKey.parse(said.body.natural_key(ID).text)
    whole_year = Period(start=day("2025-01-01"), end=day("2026-01-01"))
    assert Periodic.span(key) == (whole_year, Part(k=2, n=11))


# --- places and serials ---


@pytest.mark.parametrize("zone", ["localtime", "Factory", "Asia/Nowhere", "../etc/passwd", ""])
def test_a_time_zone_means_the_same_on_every_computer(zone: str) -> None:
    place = {"id": ID, "name": "Plant", "latitude": "31", "longitude": "120"}
    assert list(_problems("site", **place, timeZone=zone)) == ["/timeZone"]
    _read("site", **place, timeZone="Asia/Shanghai")


@pytest.mark.parametrize("serial", [0, 1000, True, "1"])
def test_a_serial_is_a_small_number(serial: Any) -> None:
    problems = _problems("delegation", delegate=ID, serial=serial, until="2027-01-01")
    assert list(problems) == ["/serial"]


# --- genesis ---


def _genesis(**members: Any) -> dict[str, Any]:
    signer = SignerKey("log.example", KEY)
    return {
        "name": "Log",
        "registrar": KEY.public.jwk,
        "checkpointKey": str(signer.verifier),
        "recovery": {"threshold": 0, "keys": []},
        "pastSeconds": 60,
        "futureSeconds": 0,
        **members,
    }


@pytest.mark.parametrize(("threshold", "count"), [(1, 0), (-1, 0), (0, 1), (3, 2)])
def test_as_many_recovery_keys_must_agree_as_there_can_be(threshold: int, count: int) -> None:
    keys = [PrivateKey.generate("EdDSA").public.jwk for _ in range(count)]
    recovery = {"threshold": threshold, "keys": keys}
    assert list(_problems("genesis", **_genesis(recovery=recovery))) == ["/recovery/threshold"]


def test_recovery_keys_are_different_keys_and_not_the_registrars() -> None:
    spare = PrivateKey.generate("ES256").public.jwk
    disguised = {**spare, "kid": "another"}
    twice = {"threshold": 2, "keys": [spare, disguised]}
    assert list(_problems("genesis", **_genesis(recovery=twice))) == ["/recovery/keys"]
    own = {"threshold": 1, "keys": [KEY.public.jwk]}
    assert list(_problems("genesis", **_genesis(recovery=own))) == ["/recovery"]
    _read("genesis", **_genesis(recovery={"threshold": 1, "keys": [spare]}))


def test_the_checkpoint_key_is_one_that_verifies_notes() -> None:
    problems = _problems("genesis", **_genesis(checkpointKey="log.example+00000000+AAAA"))
    assert list(problems) == ["/checkpointKey"]
