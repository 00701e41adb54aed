"""Signatures of webhooks, against the vector that Standard Webhooks publishes."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from api.errors import SignatureRefused
from api.subscriptions.signatures import headers, new_secret, verify

# As the specification's own test suites have it (standardwebhooks, svix).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIME = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT = {"webhook-id": ID, "webhook-timestamp": str(TIME), "webhook-signature": SIGNATURE}


def test_the_published_vector_is_made() -> None:
    assert headers([SECRET], ID, TIME, BODY) == SENT


def test_the_published_vector_is_verified() -> None:
    assert verify(SECRET, SENT, BODY, TIME) == ID


@pytest.mark.parametrize("shift", [-300, 300])
def test_clocks_may_differ_by_five_minutes(shift: int) -> None:
    assert verify(SECRET, SENT, BODY, TIME + shift) == ID
    with pytest.raises(SignatureRefused):
        verify(SECRET, SENT, BODY, TIME + shift + (1 if shift > 0 else -1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "msg_another"),
        ("webhook-timestamp", str(TIME + 1)),
        ("webhook-timestamp", "now"),
        ("webhook-timestamp", "-1614265330"),
        ("webhook-timestamp", "¹"),
        ("webhook-signature", SIGNATURE.replace("v1,", "v2,")),
        ("webhook-signature", SIGNATURE.removeprefix("v1,")),
        ("webhook-signature", SIGNATURE[:-4] + "AAA="),
        ("webhook-signature", ""),
        ("webhook-signature", "v1,é"),
    ],
)
def test_whatever_is_changed_is_noticed(name: str, value: str) -> None:
    with pytest.raises(SignatureRefused):
        verify(SECRET, SENT | {name: value}, BODY, TIME)


@pytest.mark.parametrize("name", list(SENT))
def test_without_one_of_the_headers_nothing_is_believed(name: str) -> None:
    with pytest.raises(SignatureRefused):
        verify(SECRET, {n: value for n, value in SENT.items() if n != name}, BODY, TIME)


def test_another_body_or_secret_is_noticed() -> None:
    with pytest.raises(SignatureRefused):
        verify(SECRET, SENT, BODY + b" ", TIME)
    with pytest.raises(SignatureRefused):
        verify(new_secret(), SENT, BODY, TIME)
    with pytest.raises(SignatureRefused):
        verify("whsec_not base64", SENT, BODY, TIME)


def test_either_of_two_secrets_is_enough() -> None:
    fresh, former = new_secret(), new_secret()
    sent = headers([fresh, former], "e", TIME, BODY)
    assert len(sent["webhook-signature"].split(" ")) == 2
    assert verify(fresh, sent, BODY, TIME) == verify(former, sent, BODY, TIME) == "e"


def test_a_secret_holds_256_bits_of_which_all_sign() -> None:
    secret = new_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    mac = hmac.new(key, b"e.%d." % TIME + BODY, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(mac).decode()
    assert headers([secret], "e", TIME, BODY)["webhook-signature"] == expected
