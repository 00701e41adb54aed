"""A program with an OAuth client: it is granted a token, uses it, and renews it when it has to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, jsonify, request

from api.client import Client, Refused
from api.client.credentials import ClientCredentials
from api.errors import AnswerNotUnderstood, CredentialsRefused
from tests.serving import served

pytestmark = pytest.mark.only_on("sqlite", "about HTTP, not about the database")


class Host:
    """Grants ``token-1``, ``token-2`` … and answers the newest only."""

    def __init__(self, seconds: int = 1800) -> None:
        self.granted, self.seconds, self.asked = 0, seconds, list[str]()
        self.app = Flask("host")
        self.app.add_url_rule("/auth/token", view_func=self.token, methods=["POST"])
        self.app.add_url_rule("/3/footprints", view_func=self.footprints)

    def token(self):  # type: ignore[no-untyped-def]  # a view
        sent = request.authorization
        assert request.form["grant_type"] == "client_credentials"
        if sent is None or (sent.username, sent.password) != ("id", "s%E2%82%ACcret"):
            return jsonify(error="invalid_client"), 401
        self.granted += 1
        return jsonify(access_token=f"token-{self.granted}", expires_in=self.seconds)

    def footprints(self):  # type: ignore[no-untyped-def]  # a view
        self.asked.append(request.headers["Authorization"])
        if request.headers["Authorization"] != f"Bearer token-{self.granted}":
            return jsonify(code="TokenExpired", message="It has expired."), 401
        if "cursor" in request.args:
            return jsonify(data=[{"id": "2"}])
        link = f"<{request.base_url}?productId=a&cursor=1>; rel=next"
        return jsonify(data=[{"id": "1"}]), 200, {"Link": link}


@contextmanager
def client(address: str, secret: str = "s€cret") -> Iterator[Client]:
    with Client(address, credentials=ClientCredentials(address, "id", secret)) as made:
        yield made


def test_one_token_serves_all_pages() -> None:
    host = Host()
    with served(host.app) as address, client(address) as program:
        assert [each["id"] for each in program.pact_footprints(productId="a")] == ["1", "2"]
    assert host.asked == ["Bearer token-1"] * 2


def test_a_token_that_the_host_ended_is_renewed_once() -> None:
    host = Host()
    with served(host.app) as address, client(address) as program:
        assert list(program.pact_footprints())
        host.granted += 1  # what it granted before is over
        assert list(program.pact_footprints())
    assert host.asked[-3:] == ["Bearer token-1", "Bearer token-3", "Bearer token-3"]


def test_a_token_is_renewed_before_it_runs_out() -> None:
    host = Host(seconds=0)
    with served(host.app) as address, client(address) as program:
        assert list(program.pact_footprints())
    assert host.granted == 2


def test_a_wrong_secret_is_told_in_words() -> None:
    with (
        served(Host().app) as address,
        client(address, "guess") as program,
        pytest.raises(CredentialsRefused, match="invalid_client"),
    ):
        list(program.pact_footprints())


def test_an_answer_that_holds_no_token_is_not_understood() -> None:
    host = Host()
    host.app.view_functions["token"] = lambda: jsonify(expires_in=1800)
    with (
        served(host.app) as address,
        client(address) as program,
        pytest.raises(AnswerNotUnderstood),
    ):
        list(program.pact_footprints())


def test_a_refusal_in_pacts_form_is_told_as_well() -> None:
    host = Host()
    with (
        served(host.app) as address,
        Client(address, "ctm_x") as program,
        pytest.raises(Refused, match="It has expired"),
    ):
        list(program.pact_footprints())
