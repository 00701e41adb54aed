"""Threats 12 to 17: what strangers send costs a bounded amount of memory and work, and is refused.

Every reader takes any bytes and answers with a value or a `CatchmentError`; what it accepts it
writes back byte for byte. The tables of single cases stand with each reader's own tests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from ledger import jws, note, strict_base64, strict_json
from ledger.checkpoint import Checkpoint
from ledger.errors import (
    AlgorithmRefused,
    CatchmentError,
    CheckpointRefused,
    EnvelopeTooLarge,
    HeaderRefused,
    JsonRefused,
    NotCanonicalBase64,
    NoteRefused,
    ProofMismatch,
    ReceiptRefused,
    SignatureInvalid,
)
from ledger.keys import P256, PrivateKey, PublicKey
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash
from ledger.note import SignerKey, VerifierKey, open_note
from ledger.receipt import Receipt, verify
from ledger.statements import read
from ledger.tiles import extend, inclusion_path, parse_place, place, root
from tests.work import calls

KEY = PrivateKey.generate("EdDSA")
SIGNER = SignerKey("log.example/park", PrivateKey.generate("EdDSA"))
LEAVES = [
    Leaf(
        envelope="e" * 64,
        signed="5" * 64,
        type="footprint",
        kid="kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        chain="c" * 64,
        time=time,
    )
    for time in range(7)
]


def _receipt() -> Receipt:
    records = [leaf.encode() for leaf in LEAVES]
    tiles: dict[tuple[int, int], bytes] = {}
    tiles = extend(0, map(leaf_hash, records), lambda *key: tiles[key])
    head = Checkpoint(SIGNER.name, 7, root(7, lambda *key: tiles[key]))
    path = inclusion_path(4, 7, lambda *key: tiles[key])
    return Receipt(4, tuple(path), note.sign(head.text, SIGNER), records[4])


RECEIPT = _receipt().encode()
NOTE = _receipt().checkpoint_note
ENVELOPE = jws.sign({"type": "product", "v": 1, "name": "钢卷"}, KEY)
HEADER, PAYLOAD, SIGNATURE = ENVELOPE.split(b".")


def _sealed(header: bytes, payload: bytes) -> bytes:
    signing_input = b".".join(strict_base64.to_url(part).encode() for part in (header, payload))
    return signing_input + b"." + strict_base64.to_url(KEY.sign(signing_input)).encode()


# --- 17: every bit


def _flips(data: bytes) -> list[bytes]:
    flipped = (
        data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]
        for position in range(len(data))
        for bit in range(8)
    )
    return list(flipped)


def _refusals(check: Callable[[bytes], object], data: bytes) -> Counter[type[CatchmentError]]:
    """Which check refused each flip; a flip that passes fails the test."""
    found: Counter[type[CatchmentError]] = Counter()
    for flipped in _flips(data):
        with pytest.raises(CatchmentError) as refused:
            check(flipped)
        assert str(refused.value)
        found[type(refused.value)] += 1
    return found


def test_each_flipped_bit_of_a_receipt_is_refused_by_the_check_it_breaks() -> None:
    """Threat 17: form, signature of the note, or path to the root; each has its name."""
    found = _refusals(
        lambda data: verify(Receipt.parse(data), [SIGNER.verifier], SIGNER.name), RECEIPT
    )
    assert found.keys() == {ReceiptRefused, NoteRefused, ProofMismatch}
    assert found.total() == 8 * len(RECEIPT)


def test_each_flipped_bit_of_a_checkpoint_is_refused_as_a_note() -> None:
    """Threats 3 and 17: no bit of a note is outside its signature or free of a fixed form."""
    found = _refusals(lambda data: open_note(data, [SIGNER.verifier]), NOTE)
    assert found == {NoteRefused: 8 * len(NOTE)}


# --- 12, 13: algorithms and headers


def test_an_hmac_over_a_public_key_is_no_signature() -> None:
    """Threat 12: RS/HS confusion, under its own name and under the name of the key's algorithm."""
    for secret in (KEY.public.point, strict_json.dumps(KEY.public.jwk)):
        for alg, refusal in (("HS256", AlgorithmRefused), ("EdDSA", SignatureInvalid)):
            header = {"alg": alg, "kid": KEY.public.kid, "typ": jws.STATEMENT_TYP}
            parts = (strict_json.dumps(header), b"{}")
            signing_input = ".".join(map(strict_base64.to_url, parts)).encode()
            mac = hmac.digest(secret, signing_input, hashlib.sha512)
            forged = signing_input + b"." + strict_base64.to_url(mac).encode()
            with pytest.raises(refusal):
                jws.verify(jws.parse(forged), KEY.public)


FURTHER = [
    "crit",
    "jwk",
    "jku",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "b64",
    "zip",
    "cty",
    "enc",
    "epk",
    "nonce",
    "url",
    "apu",
    "p2c",
    "Alg",
    "alg_",
    "iss",
]


@pytest.mark.parametrize("member", FURTHER)
@pytest.mark.parametrize("value", [None, False, "x", ["alg"], {"kty": "OKP"}, 2**53 - 1])
def test_any_further_header_member_is_refused_whatever_it_holds(member: str, value: object) -> None:
    """Threat 13: nothing in a header brings a key, an option or a certificate of its own."""
    header = {"alg": "EdDSA", "kid": KEY.public.kid, "typ": jws.STATEMENT_TYP, member: value}
    with pytest.raises(HeaderRefused):
        jws.parse(_sealed(json.dumps(header).encode(), b"{}"))


# --- 14: base64

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _spellings(segment: bytes) -> list[bytes]:
    """Other texts that lenient decoders read as the same bytes, or nearly."""
    spare = {0: 0, 2: 4, 3: 2}[len(segment) % 4]
    last = ALPHABET.index(segment[-1:])
    strays = [segment[:-1] + ALPHABET[last + n : last + n + 1] for n in range(1, 1 << spare)]
    middle = len(segment) // 2
    white = [segment[:middle] + each + segment[middle:] for each in (b" ", b"\n", b"\r\n", b"\t")]
    padded = [segment + b"=" * n for n in (1, 2, 3, 4)]
    odd = [segment[:middle] + each + segment[middle + 1 :] for each in (b"+", b"/", b"%", b"\xc3")]
    return [*strays, *white, *padded, *odd, segment + b"\x00", b"\xef\xbb\xbf" + segment]


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_segment_has_one_spelling(part: int) -> None:
    """Threat 14: each would make a second envelope of one statement."""
    segments = [HEADER, PAYLOAD, SIGNATURE]
    for other in _spellings(segments[part]):
        changed = [*segments[:part], other, *segments[part + 1 :]]
        with pytest.raises(NotCanonicalBase64):
            jws.parse(b".".join(changed))


# --- 15: huge, slow, deep


def _peak(work: Callable[[], object]) -> int:
    """Bytes of memory that ``work`` held at most, beyond what was there before."""
    tracemalloc.start()
    try:
        with pytest.raises(CatchmentError):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("parse", "head", "refusal"),
    [
        (jws.parse, ENVELOPE, EnvelopeTooLarge),
        (jws.parse, HEADER + b"." + b"A" * jws.MAX_PAYLOAD_BYTES, EnvelopeTooLarge),
        (Receipt.parse, RECEIPT, ReceiptRefused),
        (lambda data: open_note(data, [SIGNER.verifier]), NOTE, NoteRefused),
    ],
    ids=["envelope", "payload", "receipt", "note"],
)
def test_what_is_too_large_is_refused_before_it_is_read(
    parse: Callable[[bytes], object], head: bytes, refusal: type[CatchmentError]
) -> None:
    """Threat 15: thirty megabytes are refused in less memory than one."""
    huge = head + b"A" * 30_000_000
    with pytest.raises(refusal):
        parse(huge)
    assert _peak(lambda: parse(huge)) < 1_000_000


HOSTILE = {
    "open brackets": lambda n: b"[" * n,
    "open objects": lambda n: b'{"":' * (n // 4),
    "empty lists": lambda n: b"[" + b"[]," * (n // 3) + b"x",
    "empty objects": lambda n: b"[" + b"{}," * (n // 3) + b"x",
    "members": lambda n: b"{" + b",".join(b'"%x":1' % i for i in range(n // 9)) + b",x",
    "one member, many times": lambda n: b"{" + b'"a":1,' * (n // 6) + b'"a":1}',
    "numbers": lambda n: b"[" + b"1," * (n // 2) + b"x",
    "digits": lambda n: b"[" + b"9" * n + b"]",
    "digits after a point": lambda n: b"[0." + b"9" * n + b"]",
    "zeros": lambda n: b"0" * n,
    "signs": lambda n: b"-" * n,
    "quotes": lambda n: b'"' * n,
    "backslashes": lambda n: b'"' + b"\\" * n,
    "escaped quotes": lambda n: b'"' + b'\\"' * (n // 2),
    "half surrogates": lambda n: b'"' + b"\\ud800" * (n // 6) + b'"',
    "an unclosed text": lambda n: b'["' + b"a" * n,
    "spaces": lambda n: b" " * n,
    "long names": lambda n: b'{"' + b"a" * n + b'":1.5}',
    "floats": lambda n: b"[" + b"1.5," * (n // 4) + b"1]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_costs_a_bounded_multiple_of_its_size(name: str) -> None:
    """Threat 15: memory at the payload cap, and calls that double when the input does."""
    size = jws.MAX_PAYLOAD_BYTES
    make = HOSTILE[name]
    data, half = make(size), make(size // 2)
    assert _peak(lambda: strict_json.loads(data)) < 48 * size
    assert _calls(data) < 2.5 * _calls(half) + 200
    with pytest.raises(CatchmentError):
        read(jws.parse(_sealed(strict_json.dumps(_header()), data)))


def _header() -> dict[str, str]:
    return {"alg": "EdDSA", "kid": KEY.public.kid, "typ": jws.STATEMENT_TYP}


def _calls(data: bytes) -> int:
    def read() -> None:
        with suppress(CatchmentError):
            strict_json.loads(data)

    return calls(read)


@pytest.mark.parametrize("digits", [17, 5_000, 100_000])
def test_numbers_of_many_digits_are_never_converted(digits: int) -> None:
    """Threat 15: also where a limit of Python itself (4300 digits) would raise something else."""
    number = b"9" * digits
    for text in (b"[%b]", b"[-%b]", b"[1e%b]", b"[0.%b]", b'{"v":%b}'):
        with pytest.raises(JsonRefused):
            strict_json.loads(text % number)


@pytest.mark.parametrize("digits", [20, 5_000, 100_000])
def test_sizes_and_indexes_of_many_digits_are_never_converted(digits: int) -> None:
    """Threat 15, in notes, receipts and addresses of tiles."""
    number = b"9" * digits
    with pytest.raises(CheckpointRefused):
        Checkpoint.parse(f"o\n{number.decode()}\n{'A' * 43}=\n")
    with pytest.raises(ReceiptRefused):
        Receipt.parse(RECEIPT.replace(b"index 4", b"index " + number))
    assert parse_place(f"x{number.decode()}") is None


# --- any bytes


def _mutated(sound: bytes) -> st.SearchStrategy[bytes]:
    """A sound document with pieces cut out, doubled, moved or overwritten; or no document."""

    @st.composite
    def mutate(draw: st.DrawFn) -> bytes:
        data = sound
        for _ in range(draw(st.integers(1, 3))):
            start, stop = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
            new = draw(st.one_of(st.binary(max_size=6), st.just(data[start:stop][:200] * 2)))
            data = data[:start] + new + data[stop:]
        return data

    return st.one_of(mutate(), st.binary(max_size=60))


def _opened(data: bytes) -> bytes:
    return data if open_note(data, [SIGNER.verifier]).text else b""


def _read_json(data: bytes) -> None:
    """JSON has many spellings; only what we write ourselves has one."""
    value = strict_json.loads(data)
    assert strict_json.loads(strict_json.dumps(value)) == value


READERS: dict[str, tuple[bytes, Callable[[bytes], bytes | None]]] = {
    "envelope": (ENVELOPE, lambda data: jws.parse(data).compact),
    "receipt": (RECEIPT, lambda data: Receipt.parse(data).encode()),
    "note": (NOTE, _opened),
    "leaf": (LEAVES[0].encode(), lambda data: Leaf.parse(data).encode()),
    "checkpoint": (
        NOTE.rpartition(b"\n\n")[0] + b"\n",
        lambda data: Checkpoint.parse(data.decode("latin-1")).text.encode("latin-1"),
    ),
    "verifier key": (
        str(SIGNER.verifier).encode(),
        lambda data: str(VerifierKey.parse(data.decode("latin-1"))).encode("latin-1"),
    ),
    "JSON": (strict_json.dumps({"a": [1, {"b": "é"}]}), _read_json),
}


@pytest.mark.parametrize("name", READERS)
@tried(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_reader_refuses_by_name_or_writes_back_what_it_read(
    name: str, data: st.DataObject
) -> None:
    """Threats 14 to 17: nothing but a CatchmentError comes out; no document has two spellings."""
    sound, parse = READERS[name]
    sent = data.draw(_mutated(sound))
    try:
        written = parse(sent)
    except CatchmentError as refused:
        _check_told(refused)
    else:
        assert written is None or written == sent


def _check_told(refused: CatchmentError) -> None:
    """A refusal can be sent: it is text without half characters or places left to fill."""
    assert str(refused).encode("utf-8")


@tried(max_examples=60, deadline=None)
@given(index=st.integers(0, 2**62), width=st.integers(1, 256))
def test_the_place_of_a_tile_is_read_as_it_was_written(index: int, width: int) -> None:
    assert parse_place(place(index, width)) == (index, width)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-strict_json.MAX_INTEGER, strict_json.MAX_INTEGER)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cs",)), max_size=5), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@tried(max_examples=60, deadline=None)
@given(payload=st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), JSON_VALUES))
def test_what_we_sign_our_own_strict_reader_takes_unchanged(payload: dict[str, object]) -> None:
    compact = jws.sign(payload, KEY)
    envelope = jws.parse(compact)
    jws.verify(envelope, KEY.public)
    assert envelope.payload == payload
    assert strict_json.dumps(envelope.payload) == strict_base64.from_url(
        compact.split(b".")[1].decode()
    )


@tried(max_examples=60, deadline=None)
@given(payload=st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
def test_a_signed_statement_of_any_json_is_read_or_refused_by_name(
    payload: dict[str, object],
) -> None:
    try:
        read(jws.parse(_sealed(strict_json.dumps(_header()), json.dumps(payload).encode())))
    except CatchmentError as refused:
        _check_told(refused)


# --- public vectors that are not ours to accept


def test_no_published_envelope_of_other_protocols_is_one_of_ours(vectors) -> None:
    """Threats 12, 13: RFC 7520, RFC 7797 (b64 and crit), joserfc's examples, Wycheproof's JWE."""
    jose = [
        case["compact"]
        for name in ("jws_examples", "jws_rfc7520", "jws_rfc7797")
        for case in json.loads((vectors / f"jose/{name}.json").read_bytes())["tests"]
        if "compact" in case
    ]
    document = json.loads((vectors / "wycheproof/json_web_crypto_test.json").read_bytes())
    crypto = [
        case[kind]
        for group in document["testGroups"]
        for case in group["tests"]
        for kind in ("jws", "jwe")
        if kind in case
    ]
    assert (len(jose), len(crypto)) == (14, 83)
    for each in jose + crypto:
        with pytest.raises(CatchmentError):
            jws.parse(each.encode() if isinstance(each, str) else json.dumps(each).encode())


def test_no_signature_in_der_is_taken_for_r_and_s(vectors) -> None:
    """Threat 14: Wycheproof's 484 DER cases; a second encoding would be a second envelope."""
    document = json.loads((vectors / "wycheproof/ecdsa_secp256r1_sha256_test.json").read_bytes())
    judged = 0
    for group in document["testGroups"]:
        key = PublicKey(P256, bytes.fromhex(group["publicKey"]["uncompressed"])[1:])
        for case in group["tests"]:
            with pytest.raises(SignatureInvalid):
                key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            judged += 1
    assert judged == 484


def test_json_that_parsers_transform_is_refused_or_read_as_it_is_written(vectors) -> None:
    """Threat 16: JSONTestSuite's transform files, on which parsers silently disagree."""
    files = sorted(vectors.glob("json/test_transform/*.json"))
    assert len(files) == 22
    taken = []
    for file in files:
        try:
            value = strict_json.loads(file.read_bytes())
        except JsonRefused:
            continue
        assert value == json.loads(file.read_bytes())
        assert strict_json.loads(strict_json.dumps(value)) == value
        taken.append(file.stem)
    assert taken == [
        "number_1000000000000000",
        "object_key_nfc_nfd",
        "object_key_nfd_nfc",
        "string_with_escaped_NULL",
    ]
