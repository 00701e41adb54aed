"""Problems: every condition has a status and words, and nothing internal ever gets out."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from http import HTTPStatus

import pytest
import sqlalchemy.exc
from flask import Flask
from flask.testing import FlaskClient

import graph.errors
import ledger.errors
from api import errors
from api.app import create_app
from api.languages import messages
from api.services import Services
from api.web import problems
from api.web.catalogue import conditions
from ledger.errors import (
    CatchmentError,
    StaleHead,
    StatementMalformed,
    StoreBusy,
    StoreUnavailable,
)
from tests.api.conftest import AsRole

PLACES = re.compile(r"%\((\w+)\)[sd]")


def every_condition() -> Iterator[type[CatchmentError]]:
    unseen = list(CatchmentError.__subclasses__())
    while unseen:
        each = unseen.pop()
        unseen += each.__subclasses__()
        yield each


def test_every_condition_of_every_floor_has_a_status_with_a_title() -> None:
    for condition in every_condition():
        assert errors.status_of(condition) in problems.TITLES, condition


def test_every_condition_says_something_under_a_code_of_its_own() -> None:
    spoken = [each for each in every_condition() if "sentence" in vars(each)]
    for each in spoken:
        assert "code" in vars(each), each
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.code)
    codes = [each.code for each in spoken]
    assert sorted(codes) == sorted(set(codes))


def test_a_class_outside_the_vocabulary_has_no_status() -> None:
    with pytest.raises(KeyError):
        errors.status_of(CatchmentError)


def test_the_table_names_no_class_twice_over() -> None:
    """A row that says what the class would have anyway is noise."""
    for condition, status in errors.STATUS.items():
        inherited = next((each for each in condition.__mro__[1:] if each in errors.STATUS), None)
        assert inherited is None or errors.STATUS[inherited] is not status, condition


def test_a_problem_carries_all_that_is_known(app: Flask) -> None:
    refused = StatementMalformed("/unit", (("/unit", "No."), ("/name", "Neither.")))
    with app.test_request_context():
        assert problems.problem_of(refused) == {
            "type": "/v1/problems/statement-malformed",
            "title": "The content is not accepted",
            "status": 422,
            "detail": "The statement does not follow its type: No.",
            "code": "statement-malformed",
            "where": "/unit",
            "advice": "Correct the members listed under 'problems', sign again and submit again.",
            "problems": [
                {"where": "/unit", "detail": "No."},
                {"where": "/name", "detail": "Neither."},
            ],
            "params": {"problem": "No."},
        }


def test_what_is_not_known_is_left_out(app: Flask) -> None:
    with app.test_request_context():
        assert "where" not in problems.problem_of(StaleHead(head="0" * 64))


def test_an_unforeseen_failure_shows_a_reference_and_nothing_else(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(services.settings, services=services)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("secret-connection-string")

    with caplog.at_level(logging.ERROR, "catchment"):
        response = app.test_client().get("/broken")
    problem = response.get_json(force=True)
    assert (response.status_code, problem["code"]) == (500, "internal")
    assert "secret" not in response.text
    reference = re.search(r"[0-9a-f]{16}", problem["detail"])
    assert reference
    assert reference[0] in caplog.text
    assert "secret-connection-string" in caplog.text


def test_a_database_that_does_not_answer_is_a_503(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down() -> int:
        raise sqlalchemy.exc.OperationalError("SELECT secret", {}, Exception("down"))

    monkeypatch.setattr(services.log, "size", down)
    response = client.get("/health")
    assert (response.status_code, response.get_json(force=True)["code"]) == (
        503,
        "database-unavailable",
    )
    assert "secret" not in response.text


def test_what_a_lost_database_says_of_itself_is_for_the_operator(
    client: FlaskClient,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def lost() -> int:
        raise StoreUnavailable(reason="no route to db.internal.example")

    monkeypatch.setattr(services.log, "size", lost)
    response = client.get("/health")
    assert (response.status_code, response.get_json(force=True)["code"]) == (
        503,
        "database-unavailable",
    )
    assert "db.internal" not in response.text
    assert "db.internal" in caplog.text


def test_a_busy_database_says_when_to_come_again(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> int:
        raise StoreBusy(seconds=30)

    monkeypatch.setattr(services.log, "size", busy)
    response = client.get("/health")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    ("method", "address", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "not-found"),
        ("GET", "/v1/log/", 404, "not-found"),
        ("DELETE", "/v1/log", 405, "method-not-allowed"),
        ("PUT", "/v1/statements", 405, "method-not-allowed"),
        ("GET", "/static/../app.py", 404, "not-found"),
        ("GET", "/static/%2e%2e/app.py", 404, "not-found"),
    ],
)
def test_http_itself_speaks_in_problems(
    client: FlaskClient, method: str, address: str, status: int, code: str
) -> None:
    response = client.open(address, method=method)
    assert response.content_type == "application/problem+json"
    assert (response.status_code, response.get_json(force=True)["code"]) == (status, code)
    assert ("Allow" in response.headers) == (status == HTTPStatus.METHOD_NOT_ALLOWED)


def test_the_language_is_the_readers(client: FlaskClient) -> None:
    for wanted, given in (
        ("zh-CN,zh;q=0.9", "zh"),
        ("de", "en"),
        ("de,zh;q=0.5", "zh"),
        ("", "en"),
    ):
        response = client.get("/nothing", headers={"Accept-Language": wanted})
        assert response.headers["Content-Language"] == given
        assert "Accept-Language" in response.headers["Vary"]


def test_the_type_of_a_problem_leads_to_its_meaning(client: FlaskClient, as_role: AsRole) -> None:
    problem = client.get("/v1/log/entries/7", headers=as_role("auditor")).get_json(force=True)
    told = client.get(problem["type"]).get_json()
    assert (told["code"], told["status"]) == ("entry-not-found", 404)
    assert told["sentence"] == ledger.errors.EntryNotFound.sentence
    assert client.get("/v1/problems/nonsense").status_code == 404


def test_all_kinds_of_problems_are_listed(client: FlaskClient) -> None:
    listed = [each["code"] for each in client.get("/v1/problems").get_json()["items"]]
    assert listed == sorted(conditions())
    assert {"stale-head", "loop-gain", "token-missing"} <= set(listed)


def test_whatever_people_read_is_handed_to_the_translators_once() -> None:
    handed = list(messages.templates())
    assert len(handed) == len(set(handed))
    assert "" not in handed
    assert ledger.errors.StaleHead.sentence in handed
    assert graph.errors.LoopGain.advice in handed
    assert set(problems.TITLES.values()) <= set(handed)


def test_every_template_is_filled_by_name() -> None:
    for template in messages.templates():
        assert template % dict.fromkeys(PLACES.findall(template), 1)


def test_the_phrases_that_sentences_quote_are_handed_over_too() -> None:
    handed = list(messages.phrases())
    assert len(handed) == len(set(handed))
    for phrase in (
        "its point has small order",
        "The period ends before it starts.",
        "it holds no delegation that has not run out",
        "A list of at least one compact JWS is expected.",
    ):
        assert phrase in handed
    assert not {"/park", "reason"} & set(handed)


@pytest.mark.parametrize("query", ["yaer=2025", "year=soon", "year=2025&year=2024"])
def test_what_a_schema_says_of_a_parameter_is_told_in_chinese(
    client: FlaskClient, as_role: AsRole, query: str
) -> None:
    headers = {**as_role("auditor"), "Accept-Language": "zh"}
    answer = client.get(f"/v1/parks/{uuid.uuid4()}/inventory?{query}", headers=headers)
    assert answer.status_code == 400
    (flaw,) = answer.get_json()["problems"]
    assert flaw["where"].startswith("?y")
    assert not re.search(r"[A-Za-z]", flaw["detail"])


@pytest.mark.parametrize(
    "address", ["/v1/products?limit=1&limit=2", f"/parks/{uuid.UUID(int=1)}?year=2025&year=2024"]
)
def test_a_parameter_given_twice_is_refused(
    client: FlaskClient, as_role: AsRole, address: str
) -> None:
    answer = client.get(address, headers=as_role("auditor"))
    assert answer.status_code == 400
    assert "more than once" in answer.text
