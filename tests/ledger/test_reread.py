"""What was admitted is read again without being judged, and says the same."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from api.cli.examples import EXAMPLES
from ledger import jws, schema
from ledger.errors import CatchmentError
from ledger.keys import PrivateKey
from ledger.schema import said
from ledger.statements import BODIES, Common, LogId, read, reread
from ledger.strict_json import dumps, loads
from tests.factory import Factory

KEY = PrivateKey.generate("EdDSA")
COMMON = schema.dump(
    Common(
        type="recipe",
        v=1,
        log=LogId(origin="log.test.example/2026", genesis="ab" * 32),
        jti="A" * 22,
        iat=1_768_435_200,
        iss="00000000-0000-4000-8000-000000000001",
        subject="00000000-0000-4000-8000-000000000002",
        prev="cd" * 32,
    )
)


def signed(document: dict[str, Any]) -> bytes:
    return jws.sign({**COMMON, **document}, KEY)


def assert_read_again_alike(compact: bytes) -> None:
    strictly, again = read(jws.parse(compact)), reread(compact)
    assert again == strictly
    # Equal decimals and times may be written differently, and figures are computed from them.
    assert repr(again) == repr(strictly)
    one, other = again.envelope, strictly.envelope
    for each in dataclasses.fields(jws.Envelope):
        assert getattr(one, each.name) == getattr(other, each.name)
    assert dumps(dict(one.payload)) == dumps(dict(other.payload))
    assert again.digest == strictly.digest


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_every_type_is_read_again_alike(kind: str) -> None:
    assert_read_again_alike(signed(EXAMPLES[kind]))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in inside:
            yield from _places(inner, (*path, name))


PLACES = sorted(
    ((kind, path) for kind, document in EXAMPLES.items() for path in _places(document) if path),
    key=repr,
)
_ANOTHER = st.one_of(
    st.none(),
    st.decimals(0, 10**6, allow_nan=False, places=3).map(lambda number: format(number, "f")),
    st.sampled_from(["-0", "0.0", "+1.5e3", "1E-3", "007", "12.50"]),
    st.dates().map(str),
    st.sampled_from(
        [
            "2025-01-31T00:00:00Z",
            "2025-01-31t00:00:00z",
            "2025-01-31T08:00:00+08:00",
            "2025-01-31T00:00:00.123456789Z",
            "urn:gtin:04006381333931",
            "4C3B7A90-5D0B-4F6E-9D3A-2F1F6A8B1C06",
            "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c06",
            "ab" * 32,
        ]
    ),
    st.text(max_size=30),
    st.integers(-2, 2**53 - 1),
    st.booleans(),
)


@given(place=st.sampled_from(PLACES), value=_ANOTHER, leave_out=st.booleans())
def test_whatever_is_taken_is_read_again_alike(
    place: tuple[str, tuple[Any, ...]], value: object, leave_out: bool
) -> None:
    kind, (*path, last) = place
    document = copy.deepcopy(EXAMPLES[kind])
    inner = document
    for step in path:
        inner = inner[step]
    if leave_out:
        del inner[last]
    else:
        inner[last] = value
    try:
        compact = signed(document)
        read(jws.parse(compact))
    except CatchmentError:
        return
    assert_read_again_alike(compact)


def test_an_extension_keeps_the_digits_of_its_floats() -> None:
    document = copy.deepcopy(EXAMPLES["footprint"])
    data = {"score": loads(b"0.10", float_allowed=lambda _: True), "none": None}
    document["pact"]["extensions"] = [
        {"specVersion": "2.0.0", "dataSchema": "https://example.com/schema.json", "data": data}
    ]
    assert_read_again_alike(signed(document))


def test_the_log_reads_its_own_entries_alike(factory: Factory, tmp_path: Path) -> None:
    acme = factory.enterprise("Acme")
    site, product = acme.site(), acme.product("Steel")
    acme.recipe(product, site)
    acme.footprint(product, "1")
    acme.purchases(site)
    for entry in factory.log.entries():
        assert entry.is_own
        assert_read_again_alike(entry.envelope)
        assert entry.statement == read(jws.parse(entry.envelope))


def test_a_field_that_makes_something_of_a_value_must_say_how_it_is_read_again() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Timed:
        at: Any = said(fields.DateTime(required=True), "When.")

    with pytest.raises(TypeError, match="DateTime does not say how"):
        schema.reread(Timed, {"at": "2025-01-31T00:00:00Z"})
    assert isinstance(schema.schema_of(Timed)(), ma.Schema)
