"""The members that every statement has are read as their schema has it, only faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger import jws
from ledger.errors import StatementMalformed
from ledger.keys import PrivateKey
from ledger.schema import load
from ledger.statements import Common, read

KEY = PrivateKey.generate("EdDSA")
BODY = {"reason": "A mistake."}
MEMBERS: dict[str, Any] = {
    "type": "withdrawal",
    "v": 1,
    "log": {"origin": "log.test.example/2026", "genesis": "ab" * 32},
    "jti": "A" * 22,
    "iat": 1_768_435_200,
    "iss": "00000000-0000-4000-8000-000000000001",
    "subject": "00000000-0000-4000-8000-000000000002",
    "prev": "cd" * 32,
}

_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**53 - 1),
    st.text(max_size=70),
    st.text("0123456789abcdefABCDEF-_ ", min_size=20, max_size=66),
    st.sampled_from([*MEMBERS.values(), "", "genesis", "withdrawal ", "AB" * 32, {}, [], ["x"]]),
    st.dictionaries(
        st.sampled_from(["origin", "genesis", "more"]), st.text(max_size=5) | st.none()
    ),
)


@given(name=st.sampled_from(sorted(MEMBERS)), value=_ODD, left_out=st.sampled_from([*MEMBERS, ""]))
def test_reading_takes_and_refuses_what_the_schema_does(
    name: str, value: object, left_out: str
) -> None:
    members = {each: said for each, said in MEMBERS.items() if each != left_out}
    members[name] = value
    expected = _outcome(lambda: load(Common, members))
    found = _outcome(lambda: read(jws.parse(jws.sign(members | BODY, KEY))).common)
    if not isinstance(expected, Common) or (expected.type == "withdrawal" and expected.prev):
        assert found == expected


def _outcome(make: Callable[[], Common]) -> object:
    """What is read, or everything that is wrong."""
    try:
        return make()
    except StatementMalformed as refused:
        return refused.problems
