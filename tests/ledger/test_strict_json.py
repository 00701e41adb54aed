"""Strict JSON, judged by JSONTestSuite (every n_, y_ and i_ file) and by RFC 8785's own examples.

The float cases of RFC 8785 are left out: no float is ever written here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import (
    DuplicateKey,
    FloatRefused,
    IntegerTooLarge,
    JsonRefused,
    JsonSyntax,
    LoneSurrogate,
    NotUtf8,
    TooDeep,
)
from ledger.strict_json import MAX_INTEGER, Float, dumps, loads, pointer
from tests.patience import endless_work_fails

# Valid by RFC 8259, refused here on purpose; every other y_ file must be read.
STRICTER = {
    "y_number.json": FloatRefused,
    "y_number_0e+1.json": FloatRefused,
    "y_number_0e1.json": FloatRefused,
    "y_number_double_close_to_zero.json": FloatRefused,
    "y_number_int_with_exp.json": FloatRefused,
    "y_number_real_capital_e.json": FloatRefused,
    "y_number_real_capital_e_neg_exp.json": FloatRefused,
    "y_number_real_capital_e_pos_exp.json": FloatRefused,
    "y_number_real_exponent.json": FloatRefused,
    "y_number_real_fraction_exponent.json": FloatRefused,
    "y_number_real_neg_exp.json": FloatRefused,
    "y_number_real_pos_exponent.json": FloatRefused,
    "y_number_simple_real.json": FloatRefused,
    "y_object_duplicated_key.json": DuplicateKey,
    "y_object_duplicated_key_and_value.json": DuplicateKey,
    "y_object_extreme_numbers.json": FloatRefused,
    "y_structure_lonely_negative_real.json": FloatRefused,
}


def refusal(data: bytes, **options) -> JsonRefused | None:
    try:
        loads(data, **options)
    except JsonRefused as error:
        return error
    return None


def suite(vectors: Path, prefix: str) -> list[Path]:
    files = sorted(vectors.glob(f"json/test_parsing/{prefix}_*.json"))
    assert len(files) > 30
    return files


def test_every_text_that_is_not_json_is_refused(vectors):
    accepted = [f.name for f in suite(vectors, "n") if refusal(f.read_bytes()) is None]
    assert accepted == []


def test_every_json_text_is_read_or_refused_by_a_stricter_rule_of_ours(vectors):
    for file in suite(vectors, "y"):
        error = refusal(file.read_bytes())
        assert type(error) is (STRICTER.get(file.name) or type(None)), file.name


def test_what_is_read_is_what_the_standard_parser_reads(vectors):
    for file in suite(vectors, "y"):
        if STRICTER.get(file.name) is None:
            assert loads(file.read_bytes()) == json.loads(file.read_bytes()), file.name


def test_texts_on_which_parsers_differ_never_crash_this_one(vectors):
    answers = {f.name: type(refusal(f.read_bytes())) for f in suite(vectors, "i")}
    assert answers["i_structure_UTF-8_BOM_empty_object.json"] is NotUtf8
    assert answers["i_structure_500_nested_arrays.json"] is TooDeep
    assert answers["i_string_invalid_lonely_surrogate.json"] is LoneSurrogate
    assert answers["i_number_too_big_pos_int.json"] is IntegerTooLarge
    assert type(None) not in answers.values()


def test_canonical_form_is_that_of_rfc_8785_wherever_no_float_is_written(vectors):
    compared = 0
    for file in sorted(vectors.glob("jcs/input/*.json")):
        value = json.loads(file.read_bytes())
        if refusal(file.read_bytes()) is None:
            assert dumps(value) == (vectors / "jcs/output" / file.name).read_bytes(), file.name
            compared += 1
    assert compared >= 4


@pytest.mark.parametrize(
    ("data", "error", "where"),
    [
        (b'\xef\xbb\xbf{"a":1}', NotUtf8, "byte 0"),
        (b'{"a":"\xff"}', NotUtf8, "byte 6"),
        (b'{"a":"\xed\xa0\x80"}', NotUtf8, "byte 6"),
        (b'{"a":1}{}', JsonSyntax, "character 7"),
        (b"", JsonSyntax, "character 0"),
        (b'{"a":[1,NaN]}', JsonSyntax, "/a/1"),
        (b'{"a":-Infinity}', JsonSyntax, "/a"),
        (b'{"a":[{"b":1,"c":2,"b":3}]}', DuplicateKey, "/a/0"),
        (b'{"a":1,"\\u0061":2}', DuplicateKey, ""),
        (b'{"amount":{"x/y":1.0}}', FloatRefused, "/amount/x~1y"),
        (b"[0,1e2]", FloatRefused, "/1"),
        (b"[9007199254740992]", IntegerTooLarge, "/0"),
        (b"[-9007199254740992]", IntegerTooLarge, "/0"),
        (b"[" + b"9" * 5000 + b"]", IntegerTooLarge, "/0"),
        (b'{"\\ud800":1}', LoneSurrogate, ""),
        (b'{"a":{"b":"\\uDC00"}}', LoneSurrogate, "/a/b"),
        (b'{"\\ud800":1,"\\ud800":2}', DuplicateKey, ""),
        (b"[" * 17 + b"]" * 17, TooDeep, ""),
        (b"[" * 100_000, TooDeep, ""),
        (b'{"a":' * 17 + b"1" + b"}" * 17, TooDeep, ""),
    ],
)
def test_each_refusal_has_its_name_and_its_place(data, error, where):
    found = refusal(data)
    assert type(found) is error
    assert found.where == where
    assert str(found).encode("utf-8")


def test_sixteen_levels_are_read_and_brackets_inside_strings_do_not_count():
    assert refusal(b"[" * 16 + b"]" * 16) is None
    assert loads(b'["' + b"[{" * 40 + b'\\"[["]') == ["[{" * 40 + '"[[']


@pytest.mark.parametrize(
    "hostile",
    [
        lambda n: b'"' + b'\\"' * (n // 2),
        lambda n: b'"' + b"\\" * (n + 1),
        lambda n: b"[" + b'"' * n,
        lambda n: b"[" + b"9" * n + b"]",
        lambda n: b"[" + b"9" * n + b".5]",
        lambda n: b"[" + b"-" * n,
        lambda n: b'{"a":"' + b"\\ud800" * (n // 6) + b'"}',
        lambda n: b"[" + b"[]," * (n // 3) + b"1]",
        lambda n: b"{" + b",".join(b'"%d":1' % i for i in range(n // 10)) + b',"7":1}',
    ],
    ids=range(9),
)
def test_hostile_input_costs_linear_time(hostile):
    """Of four megabytes: quadratic time would be hours."""
    data = hostile(4_000_000)
    with endless_work_fails():
        refusal(data)


def test_an_allowed_float_is_kept_as_it_was_written():
    value = loads(b'{"free":{"x":[1.50e+3]}}', float_allowed=lambda path: path[0] == "free")
    assert value == {"free": {"x": ["1.50e+3"]}}
    assert type(value["free"]["x"][0]) is Float
    assert dumps(value) == b'{"free":{"x":[1.50e+3]}}'


@pytest.mark.parametrize("token", ["", "01.5", "1.", ".5", "NaN", "1.5,", "1.5 ", "١.5"])
def test_a_float_that_is_no_json_number_cannot_be_made(token):
    with pytest.raises(JsonSyntax):
        Float(token)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"a": [0.5]}, FloatRefused),
        ([2**53], IntegerTooLarge),
        ({"a": "\ud800"}, LoneSurrogate),
        ({"\udfff": 1}, LoneSurrogate),
        ({1: "a"}, TypeError),
        ([b"bytes"], TypeError),
    ],
)
def test_what_could_not_be_read_back_is_not_written(value, error):
    with pytest.raises(error):
        dumps(value)


def test_as_deep_as_it_reads_it_writes():
    deep: list = []
    for _ in range(15):
        deep = [deep]
    assert loads(dumps(deep)) == deep
    with pytest.raises(TooDeep):
        dumps([deep])


def test_pointers_escape_as_rfc_6901_says():
    assert pointer(("a/b", "m~n", 0)) == "/a~1b/m~0n/0"


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=("Cs",)))
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_writing_then_reading_is_identity(value):
    assert loads(dumps(value)) == value


@given(values)
def test_the_written_form_is_canonical(value):
    assert dumps(loads(dumps(value))) == dumps(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_by_name(data):
    refusal(data)
