"""A server listens where nobody else does, and says in a sentence why it cannot."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.errors import AddressRefused
from api.serving.server import free_address
from tests.cli_world import ORIGIN, Terminal, terminal


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which a server listens that shares it, as ours do."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


@pytest.fixture
def at(database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return terminal(tmp_path, monkeypatch, database_setting)


def test_a_name_becomes_an_address_and_the_port_stays_free() -> None:
    assert {free_address("localhost", 0) for _ in range(2)} <= {"127.0.0.1", "::1"}


def test_two_servers_never_share_a_port(taken: int) -> None:
    with pytest.raises(AddressRefused):
        free_address("127.0.0.1", taken)


def test_serving_twice_is_refused_before_an_address_is_shown(at: Terminal, taken: int) -> None:
    at.ok("init", "--origin", ORIGIN)
    said = at.run("serve", "--port", taken)
    assert said.code == 1
    assert f"cannot listen on 127.0.0.1, port {taken}" in said.err
    assert "--port" in said.err
    assert "/docs" not in said.out


def test_a_host_that_is_none_is_refused(at: Terminal) -> None:
    at.ok("init", "--origin", ORIGIN)
    said = at.run("serve", "--host", "no such host")
    assert said.code == 1
    assert "cannot listen on no such host" in said.err


def test_there_is_no_port_above_65535(at: Terminal) -> None:
    assert at.run("serve", "--port", 99999).code == 2
