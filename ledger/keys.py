"""Signing keys: Ed25519 (RFC 8032) and ECDSA on P-256 with SHA-256 (FIPS 186-5), as JWKs.

A public key is checked once, when it is made: a `PublicKey` that exists is safe to verify with.
The algorithm is a property of the key; nothing here ever reads it from what is verified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from ledger import strict_base64
from ledger.errors import KeyRefused, NotCanonicalBase64, SignatureInvalid
from ledger.strict_json import dumps

ED25519: Final = "Ed25519"
P256: Final = "P-256"
SIGNATURE_BYTES: Final = 64
COORDINATE_BYTES: Final = 32

_Secret: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey

_ES256 = ECDSA(hashes.SHA256())
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True)
class _Curve:
    """What JOSE says of a curve (RFC 7518 section 6.2, RFC 8037 section 2, RFC 9864)."""

    kty: str
    alg: str
    synonyms: tuple[str, ...]
    coordinates: tuple[str, ...]


_CURVES = {
    ED25519: _Curve("OKP", "EdDSA", ("EdDSA", "Ed25519"), ("x",)),
    P256: _Curve("EC", "ES256", ("ES256",), ("x", "y")),
}

ALGORITHMS: Final = frozenset(alg for curve in _CURVES.values() for alg in curve.synonyms)


@dataclass(frozen=True)
class PublicKey:
    """A public key that passed every check; equal keys have equal ``curve`` and ``point``.

    ``point`` is the 32-byte RFC 8032 encoding for Ed25519, and x then y, 32 bytes each, for P-256.
    Raises KeyRefused for a wrong length, a point off the curve, and an Ed25519 point outside the
    group of prime order: under those one signature fits many messages, or verifiers disagree, and
    the owner could disown what was signed. Refused, too, is a coordinate not below the field's
    size, which would spell one key in two ways.
    """

    curve: str
    point: bytes

    def __post_init__(self) -> None:
        if self.curve not in _CURVES:
            raise KeyRefused("/crv", reason="only Ed25519 and P-256 keys are accepted")
        if len(self.point) != COORDINATE_BYTES * len(_CURVES[self.curve].coordinates):
            raise KeyRefused("/x", reason="its length is wrong")
        if self.curve == ED25519:
            _check_edwards_point(self.point)
        else:
            _weierstrass_key(self.point)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> PublicKey:
        """Read a public JWK (RFC 7517). Members without meaning here, ``kid`` too, are ignored.

        Raises KeyRefused, also for secret members, and for a ``use``, ``key_ops`` or ``alg`` that
        forbids verifying with the key.
        """
        if shown := sorted(_SECRET_MEMBERS & jwk.keys()):
            raise KeyRefused(f"/{shown[0]}", reason="it shows a secret member")
        crv = jwk.get("crv")
        if not isinstance(crv, str) or crv not in _CURVES:
            raise KeyRefused("/crv", reason="only Ed25519 and P-256 keys are accepted")
        _check_purpose(jwk, _CURVES[crv])
        return cls(crv, b"".join(_coordinate(jwk, name) for name in _CURVES[crv].coordinates))

    @property
    def alg(self) -> str:
        """The JWS algorithm this key signs with: ``EdDSA`` or ``ES256``."""
        return _CURVES[self.curve].alg

    @property
    def jwk(self) -> dict[str, str]:
        """The required public members, and only those."""
        curve = _CURVES[self.curve]
        starts = range(0, len(self.point), COORDINATE_BYTES)
        values = [strict_base64.to_url(self.point[s : s + COORDINATE_BYTES]) for s in starts]
        return {"kty": curve.kty, "crv": self.curve} | dict(
            zip(curve.coordinates, values, strict=True)
        )

    @cached_property
    def kid(self) -> str:
        """The RFC 7638 thumbprint (SHA-256, base64url)."""
        return strict_base64.to_url(hashlib.sha256(dumps(self.jwk)).digest())

    def goes_by(self, alg: str) -> bool:
        """Whether a header may call this key's algorithm ``alg``; RFC 9864 renames EdDSA."""
        return alg in _CURVES[self.curve].synonyms

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a raw 64-byte signature (RFC 8032; r then s for ES256); raises SignatureInvalid."""
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureInvalid
        try:
            self._check(signature, message)
        except InvalidSignature:
            raise SignatureInvalid from None

    def _check(self, signature: bytes, message: bytes) -> None:
        if isinstance(self._verifier, Ed25519PublicKey):
            self._verifier.verify(signature, message)
        else:
            self._verifier.verify(_der(signature), message, _ES256)

    @cached_property
    def _verifier(self) -> Ed25519PublicKey | EllipticCurvePublicKey:
        if self.curve == ED25519:
            return Ed25519PublicKey.from_public_bytes(self.point)
        return _weierstrass_key(self.point)


class PrivateKey:
    """The secret half. Its ``repr`` shows nothing; only `to_pem` lets it out."""

    __slots__ = ("_secret", "public")

    def __init__(self, secret: _Secret) -> None:
        self._secret = secret
        self.public: Final = _public_of(secret)

    @classmethod
    def generate(cls, alg: str) -> PrivateKey:
        """Make a key for ``EdDSA`` (or ``Ed25519``) or ``ES256``; raises KeyRefused for others."""
        if alg in _CURVES[ED25519].synonyms:
            return cls(Ed25519PrivateKey.generate())
        if alg in _CURVES[P256].synonyms:
            return cls(generate_ec(SECP256R1()))
        raise KeyRefused(reason="only EdDSA and ES256 keys are accepted")

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: bytes | None = None) -> PrivateKey:
        """Read a PKCS #8 PEM; raises KeyRefused for another kind, or a wrong passphrase."""
        try:
            secret = serialization.load_pem_private_key(pem, passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyRefused(reason="it cannot be read, or its passphrase is wrong") from None
        if not isinstance(secret, Ed25519PrivateKey | EllipticCurvePrivateKey):
            raise KeyRefused(reason="only Ed25519 and P-256 keys are accepted")
        return cls(secret)

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """Write PKCS #8 PEM, encrypted when a passphrase is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase is not None:
            encryption = serialization.BestAvailableEncryption(passphrase)
        return self._secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    def sign(self, message: bytes) -> bytes:
        """Sign; 64 raw bytes, r then s for ES256 (RFC 7518 section 3.4)."""
        if isinstance(self._secret, Ed25519PrivateKey):
            return self._secret.sign(message)
        r, s = decode_dss_signature(self._secret.sign(message, _ES256))
        return _big_endian(r) + _big_endian(s)


def _public_of(secret: _Secret) -> PublicKey:
    if isinstance(secret, Ed25519PrivateKey):
        return PublicKey(ED25519, secret.public_key().public_bytes_raw())
    numbers = secret.public_key().public_numbers()
    if not isinstance(numbers.curve, SECP256R1):
        raise KeyRefused(reason="only Ed25519 and P-256 keys are accepted")
    return PublicKey(P256, _big_endian(numbers.x) + _big_endian(numbers.y))


def _check_purpose(jwk: Mapping[str, object], curve: _Curve) -> None:
    if jwk.get("kty") != curve.kty:
        raise KeyRefused("/kty", reason="its type does not fit its curve")
    if jwk.get("use", "sig") != "sig":
        raise KeyRefused("/use", reason="it is not meant for signatures")
    if jwk.get("alg", curve.alg) not in curve.synonyms:
        raise KeyRefused("/alg", reason="its algorithm does not fit its curve")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise KeyRefused("/key_ops", reason="it is not meant for signatures")


def _coordinate(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise KeyRefused(f"/{name}", reason="a coordinate is missing")
    try:
        data = strict_base64.from_url(value)
    except NotCanonicalBase64:
        raise KeyRefused(f"/{name}", reason="a coordinate is not canonical base64url") from None
    if len(data) != COORDINATE_BYTES:
        raise KeyRefused(f"/{name}", reason="its length is wrong")
    return data


def _der(signature: bytes) -> bytes:
    half = SIGNATURE_BYTES // 2
    return encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )


def _big_endian(number: int) -> bytes:
    return number.to_bytes(COORDINATE_BYTES, "big")


_FIELD_OF_P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1  # FIPS 186-5, SP 800-186 section 3.2.1.3


def _weierstrass_key(point: bytes) -> EllipticCurvePublicKey:
    x = int.from_bytes(point[:COORDINATE_BYTES], "big")
    y = int.from_bytes(point[COORDINATE_BYTES:], "big")
    # OpenSSL reduces what it is given: one key could be registered under two thumbprints.
    if max(x, y) >= _FIELD_OF_P256:
        raise KeyRefused("/x", reason="its point is not canonically encoded")
    try:
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError:
        raise KeyRefused("/x", reason="its point is not on the curve") from None


# Edwards curve of RFC 8032 section 5.1: -x² + y² = 1 + d x² y² over the field of p elements; its
# points are a group of prime order L times one of order 8.
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_L = 2**252 + 27742317777372353535851937790883648493
_SIGN_BIT = 1 << 255
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
# The y of a point of order 8; with (0, ±1) and (±√-1, 0) its relatives are all 8 torsion points.
_Y8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


# Extended homogeneous coordinates (RFC 8032 section 5.1.4): x = X/Z, y = Y/Z, xy = T/Z.
_Extended: TypeAlias = tuple[int, int, int, int]
_IDENTITY: _Extended = (0, 1, 1, 0)


# A key is read again with every statement it signed, and the check takes a millisecond or two.
@lru_cache(maxsize=4096)
def _check_edwards_point(encoded: bytes) -> None:
    y = int.from_bytes(encoded, "little") & ~_SIGN_BIT
    if y >= _P:
        raise KeyRefused("/x", reason="its point is not canonically encoded")
    if y in _SMALL_ORDER_Y:
        raise KeyRefused("/x", reason="its point has small order")
    x = _x_of(y)
    if x is None:
        raise KeyRefused("/x", reason="its point is not on the curve")
    if not _has_prime_order((x, y, 1, x * y % _P)):
        raise KeyRefused("/x", reason="its point has a part of small order")


def _x_of(y: int) -> int | None:
    """One of the two x of a point, or None (RFC 8032 section 5.1.3); -x has the same order."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    root = pow(square, (_P + 3) // 8, _P)
    candidates = (root, root * _ROOT_OF_MINUS_1 % _P)
    return next((x for x in candidates if x * x % _P == square), None)


def _has_prime_order(point: _Extended) -> bool:
    """Whether L times the point is the identity.

    Verifiers that multiply by 8 and those that do not may disagree on signatures under a point
    that is not in the group of prime order.
    """
    total = _IDENTITY
    for bit in f"{_L:b}":
        total = _sum(total, total)
        total = _sum(total, point) if bit == "1" else total
    x, y, z, _ = total
    return x == 0 and y == z


def _sum(a: _Extended, b: _Extended) -> _Extended:
    """The formula of RFC 8032 section 5.1.4, which holds for all points, equal ones too."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    minus, plus = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = 2 * _D * t1 * t2, 2 * z1 * z2
    e, f, g, h = (plus - minus) % _P, (d - c) % _P, (d + c) % _P, (plus + minus) % _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P
