"""Keys, judged by Wycheproof, RFC 7515, RFC 8037 and by arithmetic on the curve done here again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, OKPKey

from ledger import strict_base64
from ledger.errors import KeyRefused, NotCanonicalBase64, SignatureInvalid
from ledger.keys import ED25519, P256, PrivateKey, PublicKey

# RFC 8037 appendix A.2 to A.4
RFC8037_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
RFC8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
RFC8037_JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
# RFC 7515 appendix A.3
RFC7515_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC7515_JWS = (
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
L = 2**252 + 27742317777372353535851937790883648493
SQRT_M1 = pow(2, (P - 1) // 4, P)
BASE_Y = 4 * pow(5, -1, P) % P


def accepts(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except SignatureInvalid:
        return False
    return True


def split(jws: str) -> tuple[bytes, bytes]:
    signing_input, _, signature = jws.rpartition(".")
    return strict_base64.from_url(signature), signing_input.encode()


def wycheproof(vectors, name: str) -> Iterator[tuple[dict, dict]]:
    document = json.loads((vectors / f"wycheproof/{name}_test.json").read_bytes())
    return ((group, case) for group in document["testGroups"] for case in group["tests"])


def wycheproof_key(group: dict) -> PublicKey:
    """The key by its raw point; where a JWK is given too, it must be the same key."""
    public = group["publicKey"]
    if "pk" in public:
        key = PublicKey(ED25519, bytes.fromhex(public["pk"]))
    else:
        key = PublicKey(P256, bytes.fromhex(public["uncompressed"])[1:])
    assert key == PublicKey.from_jwk(group.get("publicKeyJwk", key.jwk))
    return key


@pytest.mark.parametrize(
    ("name", "cases"), [("ed25519", 151), ("ecdsa_secp256r1_sha256_p1363", 262)]
)
def test_wycheproof_signatures_are_judged_as_wycheproof_judges_them(vectors, name, cases):
    judged = {
        case["tcId"]: (
            accepts(
                wycheproof_key(group),
                bytes.fromhex(case["sig"]),
                bytes.fromhex(case["msg"]),
            ),
            case["result"],
        )
        for group, case in wycheproof(vectors, name)
    }
    assert [n for n, (ok, result) in judged.items() if ok != (result == "valid")] == []
    assert len(judged) == cases


def test_wycheproof_json_web_keys_of_our_curves_are_refused_where_they_must_be(vectors):
    """Key sets with RSA and symmetric keys are out of scope: no such key can be registered."""
    refused = 0
    for group, case in wycheproof(vectors, "json_web_key"):
        if case["result"] == "valid" or "public" not in group:
            continue
        with pytest.raises(KeyRefused):
            PublicKey.from_jwk(group["public"]["keys"][0])
        refused += 1
    assert refused >= 9


def test_the_signature_and_thumbprint_of_rfc_8037_hold():
    key = PublicKey.from_jwk(RFC8037_JWK)
    key.verify(*split(RFC8037_JWS))
    assert key.kid == RFC8037_THUMBPRINT
    assert key.alg == "EdDSA"
    assert key.jwk == RFC8037_JWK


def test_the_signature_of_rfc_7515_holds():
    key = PublicKey.from_jwk(RFC7515_JWK)
    key.verify(*split(RFC7515_JWS))
    assert key.alg == "ES256"
    assert key.jwk == RFC7515_JWK
    assert key.kid == ECKey.import_key(RFC7515_JWK).thumbprint()


def test_published_jose_keys_of_our_curves_are_read(vectors):
    """The other keys there are RSA, symmetric, P-384, P-521 and X25519: none can be registered."""
    ed25519 = json.loads((vectors / "jose/okp-ed25519-public.json").read_bytes())
    assert PublicKey.from_jwk(ed25519).kid == ed25519["kid"]
    p256 = json.loads((vectors / "jose/ec-p256-alice.json").read_bytes())
    with pytest.raises(KeyRefused, match="secret"):
        PublicKey.from_jwk(p256)
    del p256["d"]
    assert PublicKey.from_jwk(p256).kid == ECKey.import_key(p256).thumbprint()


@pytest.mark.parametrize(
    "name", ["RFC7520-EC-public", "RFC7520-RSA-public", "RFC7520-oct-sig", "okp-x25519-alice"]
)
def test_published_jose_keys_of_other_kinds_are_refused(vectors, name):
    with pytest.raises(KeyRefused):
        PublicKey.from_jwk(json.loads((vectors / f"jose/{name}.json").read_bytes()))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"d": "AA"}, "/d"),
        ({"k": "AA"}, "/k"),
        ({"crv": "X25519"}, "/crv"),
        ({"crv": ["Ed25519"]}, "/crv"),
        ({"crv": "P-256"}, "/kty"),
        ({"kty": "EC"}, "/kty"),
        ({"kty": ["OKP"]}, "/kty"),
        ({"alg": "ES256"}, "/alg"),
        ({"alg": ["EdDSA"]}, "/alg"),
        ({"use": "enc"}, "/use"),
        ({"key_ops": ["sign"]}, "/key_ops"),
        ({"key_ops": "verify"}, "/key_ops"),
        ({"x": None}, "/x"),
        ({"x": RFC8037_JWK["x"] + "="}, "/x"),
        ({"x": RFC8037_JWK["x"][:-1] + "p"}, "/x"),
        ({"x": RFC8037_JWK["x"].replace("_", "/")}, "/x"),
        ({"x": "é" + RFC8037_JWK["x"][1:]}, "/x"),
        ({"x": strict_base64.to_url(bytes(31))}, "/x"),
        ({"x": strict_base64.to_url(bytes(33))}, "/x"),
    ],
)
def test_a_jwk_that_is_not_a_public_signing_key_is_refused(change, where):
    with pytest.raises(KeyRefused) as refused:
        PublicKey.from_jwk(RFC8037_JWK | change)
    assert refused.value.where == where


def test_a_jwk_may_carry_members_that_mean_nothing_here():
    annotated = RFC8037_JWK | {"kid": "2026", "use": "sig", "alg": "Ed25519", "x5t": "?"}
    assert PublicKey.from_jwk(annotated) == PublicKey.from_jwk(RFC8037_JWK)


def add(a, b):
    """Edwards addition in affine coordinates (RFC 8032 section 5.1.4)."""
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - t, -1, P)
    return x % P, y % P


def roots_of(y: int) -> set[int]:
    """Both x with -x² + y² = 1 + d x² y², if any."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * SQRT_M1 % P):
        if x * x % P == square:
            return {x, -x % P}
    return set()


def times(n: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    while n:
        total = add(total, point) if n & 1 else total
        point, n = add(point, point), n >> 1
    return total


def torsion() -> set[tuple[int, int]]:
    """The eight points of small order, from any generator of the group: L·(random point)."""
    found: set[tuple[int, int]] = set()
    y = 2
    while len(found) < 8:
        y += 1
        for x in roots_of(y):
            small = times(L, (x, y))
            found |= {times(n, small) for n in range(8)}
    return found


def encodings(y: int) -> Iterator[bytes]:
    """Every 32 bytes that some decoder takes for this y: either sign, and y + p where it fits."""
    for value in (y, y + P):
        if value < 2**255:
            yield value.to_bytes(32, "little")
            yield (value | 1 << 255).to_bytes(32, "little")


def test_every_encoding_of_every_ed25519_point_of_small_order_is_refused():
    points = torsion()
    assert len(points) == 8
    encoded = {each for _, y in points for each in encodings(y)}
    assert len(encoded) == 14
    for each in encoded:
        with pytest.raises(KeyRefused, match=r"small order|canonically"):
            PublicKey(ED25519, each)


def compressed(point: tuple[int, int]) -> bytes:
    """RFC 8032 section 5.1.2."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def point_of(key: PublicKey) -> tuple[int, int]:
    encoded = int.from_bytes(key.point, "little")
    sign, y = encoded >> 255, encoded & 2**255 - 1
    return next(x for x in roots_of(y) if x & 1 == sign), y


def test_a_key_plus_any_point_of_small_order_is_refused_and_the_key_itself_is_not():
    """Threat 2. The seven mixed-order relatives: verifiers with and without cofactor disagree."""
    keys = [PublicKey.from_jwk(RFC8037_JWK), *(PrivateKey.generate("EdDSA").public for _ in "12")]
    for key in keys:
        point = point_of(key)
        assert times(L, point) == (0, 1)
        for small in torsion() - {(0, 1)}:
            with pytest.raises(KeyRefused, match="part of small order"):
                PublicKey(ED25519, compressed(add(point, small)))
        assert PublicKey(ED25519, compressed(add(point, (0, 1)))) == key


def test_a_mixed_order_key_would_let_verifiers_disagree():
    """Why they are refused: R + S·B fits up to a point of small order, which the cofactor drops."""
    secret, nonce, message = 5, 7, b"said or not said"
    base = (next(x for x in roots_of(BASE_Y) if not x & 1), BASE_Y)
    small = next(point for point in torsion() if times(4, point) != (0, 1))
    key = add(times(secret, base), small)
    r = times(nonce, base)
    k = int.from_bytes(hashlib.sha512(compressed(r) + compressed(key) + message).digest(), "little")
    s = (nonce + k * secret) % L
    without = times(s, base), add(r, times(k % L, key))
    with_cofactor = [times(8, side) for side in without]
    assert without[0] != without[1]
    assert with_cofactor[0] == with_cofactor[1]


@pytest.mark.parametrize("excess", range(19))
def test_an_ed25519_point_with_y_beyond_the_field_is_refused(excess):
    with pytest.raises(KeyRefused, match="canonically"):
        PublicKey(ED25519, (P + excess).to_bytes(32, "little"))


def test_an_ed25519_point_off_the_curve_is_refused():
    """y = 2 has no x: (2² - 1)/(2²·d + 1) is not a square."""
    assert roots_of(2) == set()
    with pytest.raises(KeyRefused, match="not on the curve"):
        PublicKey(ED25519, (2).to_bytes(32, "little"))


# FIPS 186-5 / SEC 2: y² = x³ - 3x + b over the field of P256_P elements.
P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
P256_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def test_a_p256_point_has_one_spelling():
    """x = 0 is on the curve with y = √b; OpenSSL takes x = p for the same point."""
    y = pow(P256_B, (P256_P + 1) // 4, P256_P)
    assert y * y % P256_P == P256_B
    sound = bytes(32) + y.to_bytes(32, "big")
    assert PublicKey(P256, sound).point == sound
    with pytest.raises(KeyRefused, match="not canonically"):
        PublicKey(P256, P256_P.to_bytes(32, "big") + sound[32:])
    with pytest.raises(KeyRefused, match="not on the curve"):
        PublicKey(P256, sound[32:] + sound[:32])


@pytest.mark.parametrize("point", [bytes(64), (5).to_bytes(64, "big"), b"\1" * 64])
def test_a_p256_point_off_the_curve_is_refused(point):
    with pytest.raises(KeyRefused, match="not on the curve"):
        PublicKey(P256, point)


@pytest.mark.parametrize(
    "point", [b"\xff" * 64, P256_P.to_bytes(32, "big") * 2, bytes(32) + b"\xff" * 32]
)
def test_a_p256_coordinate_beyond_the_field_is_refused(point):
    with pytest.raises(KeyRefused, match="not canonically"):
        PublicKey(P256, point)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 63, 65, 66])
def test_a_p256_point_of_another_length_is_refused(size):
    """Also the compressed (33) and the uncompressed (65) form with their leading byte."""
    with pytest.raises(KeyRefused, match="length"):
        PublicKey(P256, b"\x04" * size)


@pytest.mark.parametrize(("curve", "point"), [("P-384", bytes(96)), (ED25519, bytes(64))])
def test_a_point_of_another_curve_or_length_is_refused(curve, point):
    with pytest.raises(KeyRefused):
        PublicKey(curve, point)


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519", "ES256"])
def test_what_a_key_signs_its_public_half_verifies_and_no_other(alg):
    key, other = PrivateKey.generate(alg), PrivateKey.generate(alg)
    signature = key.sign(b"message")
    assert len(signature) == 64
    assert accepts(key.public, signature, b"message")
    assert not accepts(key.public, signature, b"massage")
    assert not accepts(other.public, signature, b"message")
    assert not accepts(key.public, signature + b"\0", b"message")
    assert key.public.goes_by(alg)


@pytest.mark.parametrize("passphrase", [None, b"long enough"])
@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
def test_a_key_survives_its_pem(alg, passphrase):
    key = PrivateKey.generate(alg)
    pem = key.to_pem(passphrase)
    assert pem.startswith(b"-----BEGIN " + (b"ENCRYPTED " if passphrase else b"") + b"PRIVATE KEY")
    assert PrivateKey.from_pem(pem, passphrase).public == key.public


def test_a_key_that_cannot_be_read_or_used_is_refused():
    pem = PrivateKey.generate("EdDSA").to_pem(b"right")
    pkcs8 = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for passphrase in (None, b"wrong"):
        with pytest.raises(KeyRefused, match="passphrase"):
            PrivateKey.from_pem(pem, passphrase)
    with pytest.raises(KeyRefused, match="cannot be read"):
        PrivateKey.from_pem(b"no key")
    with pytest.raises(KeyRefused, match="only Ed25519"):
        PrivateKey.from_pem(rsa.generate_private_key(65537, 2048).private_bytes(*pkcs8))
    with pytest.raises(KeyRefused, match="only Ed25519"):
        PrivateKey.from_pem(ec.generate_private_key(ec.SECP384R1()).private_bytes(*pkcs8))
    with pytest.raises(KeyRefused, match="only EdDSA"):
        PrivateKey.generate("RS256")


def test_a_private_key_does_not_show_itself():
    key = PrivateKey.generate("EdDSA")
    assert not hasattr(key, "__dict__")
    assert "0x" in repr(key)
    assert "d" not in key.public.jwk


def test_thumbprints_are_those_of_another_implementation():
    for alg, peer in (("EdDSA", OKPKey), ("ES256", ECKey)):
        key = PrivateKey.generate(alg).public
        assert peer.import_key(dict(key.jwk)).thumbprint() == key.kid


@pytest.mark.parametrize("text", ["A", "AB", "AAB=", "AA=", "A A=", "AA\n", "AA-_", "é"])
def test_standard_base64_has_one_spelling(text):
    with pytest.raises(NotCanonicalBase64):
        strict_base64.from_standard(text, "here")
