"""The envelope: hostile input by the table, Wycheproof's cases, and joserfc as a second opinion."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress

import pytest
from joserfc import jws as peer
from joserfc.jwk import ECKey, OKPKey

from ledger import strict_base64
from ledger.errors import (
    AlgorithmMismatch,
    AlgorithmRefused,
    CatchmentError,
    DuplicateKey,
    EnvelopeTooLarge,
    FloatRefused,
    HeaderRefused,
    IntegerTooLarge,
    JsonSyntax,
    KidMismatch,
    KidRefused,
    LedgerError,
    LoneSurrogate,
    NotCanonicalBase64,
    NotCompact,
    NotUtf8,
    PayloadNotObject,
    SignatureInvalid,
    SignatureMalformed,
    TooDeep,
    TypMismatch,
)
from ledger.jws import (
    CONSENT_TYP,
    KEY_PROOF_TYP,
    MAX_COMPACT_BYTES,
    MAX_PAYLOAD_BYTES,
    STATEMENT_TYP,
    parse,
    sign,
    verify,
)
from ledger.keys import PrivateKey, PublicKey
from ledger.strict_json import Float, dumps, loads
from tests.work import calls

ED = PrivateKey.generate("EdDSA")
EC = PrivateKey.generate("ES256")
PAYLOAD = {"type": "footprint", "v": 1, "amount": "12.5", "text": "钢卷"}
HEADER = {"alg": "EdDSA", "kid": ED.public.kid, "typ": STATEMENT_TYP}


def sealed(header: bytes, payload: bytes, key: PrivateKey = ED) -> bytes:
    """A truly signed envelope of any header and payload bytes."""
    signing_input = b".".join(strict_base64.to_url(part).encode() for part in (header, payload))
    return signing_input + b"." + strict_base64.to_url(key.sign(signing_input)).encode()


def with_header(**members) -> bytes:
    return sealed(json.dumps(HEADER | members).encode(), dumps(PAYLOAD))


def with_raw_header(header: bytes) -> bytes:
    return sealed(header, dumps(PAYLOAD))


def with_payload(payload: bytes) -> bytes:
    return sealed(dumps(HEADER), payload)


def with_signature(signature: bytes) -> bytes:
    return GOOD.rpartition(b".")[0] + b"." + signature


def stray_bit(segment: bytes) -> bytes:
    """The same bytes by a lenient decoder: another last character, equal in the bits that count."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1 :][:1]


GOOD = sign(PAYLOAD, ED)
TAIL = GOOD.rpartition(b".")[2]

REFUSED = [
    ("empty", b"", NotCompact),
    ("one dot", GOOD.rpartition(b".")[0], NotCompact),
    ("three dots", GOOD + b".", NotCompact),
    ("four dots, as in JWE", GOOD + b"..", NotCompact),
    ("JSON serialisation", b'{"payload":"e30","signatures":[]}', NotCompact),
    ("padded signature", GOOD + b"==", NotCanonicalBase64),
    ("stray trailing bits", with_signature(stray_bit(TAIL)), NotCanonicalBase64),
    ("newline in the middle", GOOD[:9] + b"\n" + GOOD[9:], NotCanonicalBase64),
    ("newline at the end", GOOD + b"\n", NotCanonicalBase64),
    ("space in front", b" " + GOOD, NotCanonicalBase64),
    ("standard alphabet", with_signature(b"+" * 86), NotCanonicalBase64),
    ("byte beyond ASCII", GOOD[:-1] + b"\xe9", NotCanonicalBase64),
    ("empty header", b"." + GOOD.partition(b".")[2], JsonSyntax),
    ("empty payload", sealed(dumps(HEADER), b""), JsonSyntax),
    ("empty signature", with_signature(b""), SignatureMalformed),
    ("alg none", with_header(alg="none"), AlgorithmRefused),
    ("alg None", with_header(alg="None"), AlgorithmRefused),
    ("alg HS256", with_header(alg="HS256"), AlgorithmRefused),
    ("alg RS256", with_header(alg="RS256"), AlgorithmRefused),
    ("alg eddsa", with_header(alg="eddsa"), AlgorithmRefused),
    ("alg is a list", with_header(alg=["EdDSA"]), HeaderRefused),
    ("kid is a number", with_header(kid=1), HeaderRefused),
    ("kid is a name", with_header(kid="other"), KidRefused),
    ("kid holds a NUL", with_header(kid="\0" * 43), KidRefused),
    ("kid is longer than a thumbprint", with_header(kid=ED.public.kid + "A"), KidRefused),
    ("typ is null", with_header(typ=None), HeaderRefused),
    ("crit", with_header(crit=["b64"]), HeaderRefused),
    ("jwk", with_header(jwk=ED.public.jwk), HeaderRefused),
    ("jku", with_header(jku="https://evil.example/jwks"), HeaderRefused),
    ("x5c", with_header(x5c=["MIIB"]), HeaderRefused),
    ("b64", with_header(b64=False), HeaderRefused),
    ("zip", with_header(zip="DEF"), HeaderRefused),
    ("no typ", with_raw_header(b'{"alg":"EdDSA","kid":"k"}'), HeaderRefused),
    ("header is a list", with_raw_header(b"[]"), HeaderRefused),
    (
        "duplicate header key",
        with_raw_header(b'{"alg":"none",' + dumps(HEADER)[1:]),
        DuplicateKey,
    ),
    ("header with a BOM", with_raw_header(b"\xef\xbb\xbf" + dumps(HEADER)), NotUtf8),
    ("typ of a consent", with_header(typ=CONSENT_TYP), TypMismatch),
    ("typ JWT", with_header(typ="JWT"), TypMismatch),
    ("59-byte signature", with_signature(strict_base64.to_url(bytes(59)).encode()), None),
    ("DER signature", with_signature(strict_base64.to_url(bytes(71)).encode()), None),
    ("whole too large", GOOD + b"A" * MAX_COMPACT_BYTES, EnvelopeTooLarge),
    ("payload too large", with_payload(b" " * MAX_PAYLOAD_BYTES + b"{}"), EnvelopeTooLarge),
    ("payload with a BOM", with_payload(b"\xef\xbb\xbf{}"), NotUtf8),
    ("payload in Latin-1", with_payload(b'{"a":"\xe9"}'), NotUtf8),
    ("payload is a list", with_payload(b"[]"), PayloadNotObject),
    ("payload twice", with_payload(b"{}{}"), JsonSyntax),
    ("NaN", with_payload(b'{"a":NaN}'), JsonSyntax),
    ("duplicate key", with_payload(b'{"a":1,"a":2}'), DuplicateKey),
    ("lone surrogate", with_payload(b'{"a":"\\ud800"}'), LoneSurrogate),
    ("depth 17", with_payload(b'{"a":' + b"[" * 16 + b"]" * 16 + b"}"), TooDeep),
    ("depth 90 000", with_payload(b"[" * 90_000), TooDeep),
    ("5000 digits", with_payload(b'{"a":' + b"9" * 5000 + b"}"), IntegerTooLarge),
    ("2^53", with_payload(b'{"a":9007199254740992}'), IntegerTooLarge),
    ("float amount", with_payload(b'{"amount":12.5}'), FloatRefused),
    ("float in pact", with_payload(b'{"pact":{"pcf":{"amount":1.5}}}'), FloatRefused),
    (
        "float beside extension data",
        with_payload(b'{"pact":{"extensions":[{"version":2.0}]}}'),
        FloatRefused,
    ),
    (
        "float under extensions that are no list",
        with_payload(b'{"pact":{"extensions":{"0":{"data":{"a":1.5}}}}}'),
        FloatRefused,
    ),
]


@pytest.mark.parametrize(
    ("compact", "error"),
    [(compact, error or SignatureMalformed) for _, compact, error in REFUSED],
    ids=[name for name, _, _ in REFUSED],
)
def test_a_hostile_envelope_is_refused_by_name_and_at_once(compact, error):
    with pytest.raises(LedgerError) as refused:
        parse(compact)
    assert type(refused.value) is error
    assert str(refused.value)
    assert calls(lambda: _refused(compact)) < 500


def _refused(compact):
    with suppress(LedgerError):
        parse(compact)


def test_a_refusal_says_whether_the_header_or_the_payload_is_meant():
    with pytest.raises(AlgorithmRefused) as header:
        parse(with_header(alg="none"))
    assert header.value.where == "header /alg"
    with pytest.raises(DuplicateKey) as inside:
        parse(with_raw_header(b'{"kid":"1",' + dumps(HEADER)[1:]))
    assert inside.value.where.startswith("header")
    with pytest.raises(FloatRefused) as payload:
        parse(with_payload(b'{"inputs":[{"amount":0.5}]}'))
    assert payload.value.where == "/inputs/0/amount"


def test_floats_inside_pact_extension_data_are_kept_as_written():
    raw = b'{"pact":{"extensions":[{"data":{"share":0.10,"deep":[{"x":1E3}]}}]}}'
    payload = parse(with_payload(raw)).payload
    data = payload["pact"]["extensions"][0]["data"]
    assert data == {"share": "0.10", "deep": [{"x": "1E3"}]}
    assert isinstance(data["share"], Float)
    assert parse(sign(payload, ED)).payload == payload


def test_a_payload_of_exactly_the_cap_is_read():
    payload = b'{"a":"' + b"x" * (MAX_PAYLOAD_BYTES - 8) + b'"}'
    assert len(parse(with_payload(payload)).payload["a"]) == MAX_PAYLOAD_BYTES - 8


@pytest.mark.parametrize("key", [ED, EC], ids=["EdDSA", "ES256"])
@pytest.mark.parametrize("typ", [STATEMENT_TYP, KEY_PROOF_TYP, CONSENT_TYP])
def test_signing_then_parsing_is_identity(key, typ):
    compact = sign(PAYLOAD, key, typ)
    envelope = parse(compact, typ)
    verify(envelope, key.public)
    assert envelope.compact == compact
    assert envelope.payload == PAYLOAD
    assert (envelope.alg, envelope.kid, envelope.typ) == (key.public.alg, key.public.kid, typ)
    assert envelope.envelope_digest == hashlib.sha256(compact).hexdigest()
    assert envelope.signing_digest == hashlib.sha256(compact.rpartition(b".")[0]).hexdigest()


def test_only_what_can_be_parsed_is_signed():
    with pytest.raises(EnvelopeTooLarge):
        sign({"a": "x" * MAX_PAYLOAD_BYTES}, ED)
    with pytest.raises(FloatRefused):
        sign({"amount": 0.5}, ED)
    with pytest.raises(FloatRefused):
        sign({"amount": Float("0.5")}, ED)


def test_the_new_name_of_eddsa_is_accepted():
    verify(parse(with_header(alg="Ed25519")), ED.public)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (HEADER | {"alg": "ES256"}, ED),
        ({"alg": "EdDSA", "kid": EC.public.kid, "typ": STATEMENT_TYP}, EC),
    ],
)
def test_the_header_never_chooses_the_algorithm(header, key):
    envelope = parse(sealed(dumps(header), b"{}", key))
    with pytest.raises(AlgorithmMismatch):
        verify(envelope, key.public)


def test_an_envelope_is_not_verified_with_a_key_it_does_not_name():
    with pytest.raises(KidMismatch):
        verify(parse(GOOD), EC.public)
    with pytest.raises(KidMismatch):
        verify(parse(with_header(kid=EC.public.kid)), ED.public)


def test_a_changed_payload_does_not_verify():
    header, _, signature = GOOD.split(b".")
    payload = strict_base64.to_url(dumps(PAYLOAD | {"amount": "1.25"})).encode()
    with pytest.raises(SignatureInvalid):
        verify(parse(b".".join((header, payload, signature))), ED.public)


def test_the_malleable_twin_of_an_es256_signature_is_the_same_statement():
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    first = parse(sign(PAYLOAD, EC))
    r, s = first.signature[:32], int.from_bytes(first.signature[32:], "big")
    twin = strict_base64.to_url(r + (order - s).to_bytes(32, "big")).encode()
    second = parse(first.signing_input + b"." + twin)
    verify(second, EC.public)
    assert second.signing_digest == first.signing_digest
    assert second.envelope_digest != first.envelope_digest


def test_every_flipped_bit_of_an_envelope_is_refused():
    for position in range(len(GOOD)):
        for bit in range(8):
            flipped = bytearray(GOOD)
            flipped[position] ^= 1 << bit
            with pytest.raises(CatchmentError):
                verify(parse(bytes(flipped)), ED.public)


# RFC 9864 prefers the name Ed25519, and joserfc says so; both names must keep working.
old_name = pytest.mark.filterwarnings(
    "ignore:EdDSA is deprecated via RFC 9864:joserfc.errors.SecurityWarning"
)

PEERS = {
    "EdDSA": (OKPKey, ["EdDSA"]),
    "Ed25519": (OKPKey, ["Ed25519"]),
    "ES256": (ECKey, ["ES256"]),
}


@old_name
@pytest.mark.parametrize("alg", PEERS)
def test_what_joserfc_signs_is_accepted(alg):
    kind, algorithms = PEERS[alg]
    theirs = kind.generate_key("P-256" if kind is ECKey else "Ed25519")
    key = PublicKey.from_jwk(theirs.as_dict(private=False))
    header = {"alg": alg, "kid": key.kid, "typ": STATEMENT_TYP}
    compact = peer.serialize_compact(header, dumps(PAYLOAD), theirs, algorithms=algorithms)
    envelope = parse(compact.encode())
    verify(envelope, key)
    assert envelope.payload == PAYLOAD


@old_name
@pytest.mark.parametrize("key", [ED, EC], ids=["EdDSA", "ES256"])
def test_what_is_signed_here_joserfc_verifies(key):
    kind, algorithms = PEERS[key.public.alg]
    theirs = kind.import_key(dict(key.public.jwk))
    opened = peer.deserialize_compact(sign(PAYLOAD, key), theirs, algorithms=algorithms)
    assert json.loads(opened.payload) == PAYLOAD
    assert opened.headers()["kid"] == theirs.thumbprint()


@old_name
def test_the_published_ed25519_key_of_joserfc_signs_for_us(vectors):
    """jws_examples.json has no EdDSA or ES256 signature, only keys to make one with.

    Its other algorithms, and RFC 7520 and RFC 7797 (RSA, ES512 and HMAC), are out of scope.
    """
    read = {
        half: json.loads((vectors / f"jose/okp-ed25519-{half}.json").read_bytes())
        for half in ("private", "public")
    }
    theirs = OKPKey.import_key(read["private"])
    key = PublicKey.from_jwk(read["public"])
    header = {"alg": "EdDSA", "kid": key.kid, "typ": STATEMENT_TYP}
    compact = peer.serialize_compact(header, b"{}", theirs, algorithms=["EdDSA"])
    verify(parse(compact.encode()), key)


def verifies(jws: str, jwk: dict) -> bool:
    """What `parse` and `verify` do, without the demands on kid, typ and payload of ours."""
    try:
        if jws.count(".") != 2:
            return False
        header, payload, signature = map(strict_base64.from_url, jws.split("."))
        key = PublicKey.from_jwk(jwk)
        if not key.goes_by(loads(header)["alg"]):
            return False
        key.verify(signature, jws.rpartition(".")[0].encode())
    except CatchmentError:
        return False
    return payload is not None


def test_wycheproof_web_signatures_of_our_curves_are_judged_as_wycheproof_judges_them(vectors):
    """The P-256 groups. RSA, HMAC and P-521 groups are out of scope: those algorithms are refused.

    Where a group gives its key twice, with ``use`` or ``key_ops`` for encryption, the key itself is
    refused.
    """
    document = json.loads((vectors / "wycheproof/json_web_signature_test.json").read_bytes())
    wrong, judged = [], 0
    for group in document["testGroups"]:
        if group.get("public", {}).get("crv") != "P-256":
            continue
        for case in group["tests"]:
            judged += 1
            if verifies(case["jws"], group["public"]) != (case["result"] == "valid"):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []
    assert judged == 15 + 1 + 1 + 24


def test_no_foreign_envelope_of_wycheproof_is_one_of_ours_and_none_crashes(vectors):
    document = json.loads((vectors / "wycheproof/json_web_signature_test.json").read_bytes())
    cases = [case["jws"] for group in document["testGroups"] for case in group["tests"]]
    assert len(cases) == 401
    for jws in cases:
        with pytest.raises(LedgerError):
            parse(jws.encode() if isinstance(jws, str) else json.dumps(jws).encode())
