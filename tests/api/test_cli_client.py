"""The client says what a server refused, and waits only when it is asked to."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from api.client import MOST_WAITS, Client, Refused
from api.errors import AnswerNotUnderstood, ServerUnreachable, TokenInvalid
from ledger.errors import TrustRefused

Answer = tuple[int, str, dict[str, str]]


class Scripted(BaseAdapter):
    """Gives its answers in order, the last again and again; keeps what it was asked."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(request)
        status, body, headers = self.answers[min(len(self.asked), len(self.answers)) - 1]
        response = requests.Response()
        response.status_code, response.raw = status, BytesIO(body.encode())
        response.headers.update(headers)
        response.encoding = "utf-8"
        return response

    def close(self) -> None: ...


def client(*answers: Answer) -> tuple[Client, Scripted, list[float]]:
    session, server, waited = requests.Session(), Scripted(answers), list[float]()
    session.mount("http://", server)
    made = Client("http://log.example/", "ctm_x", session=session, wait=waited.append)
    return made, server, waited


def test_a_problem_document_becomes_a_refusal_in_the_servers_words() -> None:
    problem = '{"code": "stale-head", "detail": "Somebody was first.", "advice": "Read again."}'
    made, _, _ = client((409, problem, {}))
    with pytest.raises(Refused) as refused:
        made.submit(b"x")
    assert (refused.value.code, refused.value.status) == ("stale-head", 409)
    assert str(refused.value) == "Somebody was first. Read again."


@pytest.mark.parametrize("body", ["<html>", "[]", "", '"x"'])
def test_an_answer_of_something_else_is_not_taken_for_one(body: str) -> None:
    made, _, _ = client((200, body, {}))
    with pytest.raises(AnswerNotUnderstood):
        made.log()


def test_a_server_that_turns_away_is_asked_again_when_it_said() -> None:
    made, server, waited = client((429, "{}", {"Retry-After": "7"}), (200, '{"size": 1}', {}))
    assert made.log() == {"size": 1}
    assert waited == [7]
    assert len(server.asked) == 2


def test_waiting_ends() -> None:
    made, server, _ = client((429, '{"detail": "Too many."}', {"Retry-After": "7"}))
    with pytest.raises(Refused):
        made.log()
    assert len(server.asked) == MOST_WAITS


@pytest.mark.parametrize("header", ["", "86400", "soon"])
def test_nobody_waits_for_long_or_for_nothing(header: str) -> None:
    made, _, waited = client((429, '{"detail": "Too many."}', {"Retry-After": header}))
    with pytest.raises(Refused):
        made.log()
    assert waited == []


def test_the_next_page_is_asked_of_the_server_the_user_named() -> None:
    link = '<http://elsewhere.example/v1/sites?cursor=9>; rel="next"'
    made, server, _ = client(
        (200, '{"items": [{"id": 1}]}', {"Link": link}), (200, '{"items": []}', {})
    )
    assert made.entities("sites") == [{"id": 1}]
    assert server.asked[1].url == "http://log.example/v1/sites?cursor=9"


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(ServerUnreachable):
        Client("ftp://log.example").log()


@pytest.mark.parametrize("token", ["令牌", "ctm_ab\nc"])
def test_a_token_that_no_header_can_carry_is_refused_before_anything_is_sent(token: str) -> None:
    with pytest.raises(TokenInvalid):
        Client("http://server.test", token)


def test_a_server_that_names_no_key_is_not_trusted() -> None:
    made, _, _ = client((200, '{"origin": "x"}', {}))
    with pytest.raises(TrustRefused):
        made.trust()
