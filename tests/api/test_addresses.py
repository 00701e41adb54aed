"""Where webhooks may go: nothing inside, however it is spelt and whatever it resolves to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
import requests

from api.errors import UrlRefused
from api.settings import Settings
from api.subscriptions import addresses
from api.subscriptions.addresses import check, is_public, session
from tests.patience import HANG_SECONDS, hanging_fails
from tests.serving import dripping

DEVELOPMENT = Settings()
PRODUCTION = Settings(environment="production")
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private, RFC 1918"),
        ("172.16.0.1", "private, RFC 1918"),
        ("192.168.1.1", "private, RFC 1918"),
        ("169.254.169.254", "link-local, where clouds keep credentials"),
        ("fe80::1%eth0", "link-local"),
        ("fc00::1", "unique local, RFC 4193"),
        ("fd00:ec2::254", "unique local, where a cloud keeps credentials"),
        ("fec0::1", "site-local"),
        ("100.64.0.1", "shared, RFC 6598"),
        ("0.0.0.0", "this host"),
        ("0.1.2.3", "this network"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("ff0e::1", "multicast of global scope"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("192.0.2.1", "documentation"),
        ("198.18.0.1", "benchmarks"),
        ("2001:db8::1", "documentation"),
        ("::ffff:127.0.0.1", "IPv4-mapped loopback"),
        ("::ffff:10.0.0.1", "IPv4-mapped private"),
        ("::ffff:169.254.169.254", "IPv4-mapped link-local"),
        ("::127.0.0.1", "IPv4-compatible"),
        ("64:ff9b::127.0.0.1", "NAT64 of loopback"),
        ("64:ff9b::10.0.0.1", "NAT64 of a private address"),
        ("64:ff9b:1::1", "NAT64 of one network"),
        ("2002:7f00:1::", "6to4 of loopback"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("192.88.99.1", "6to4 relay"),
        ("no address", "no address"),
    ],
)
def test_no_other_address_is_public(address: str, what: str) -> None:
    assert not is_public(address), what


HOSTILE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://localhost/",
    "https://localhost./",
    "https://10.0.0.1:8443/admin",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://0/",
    f"http://{PUBLIC}/",
    f"ftp://{PUBLIC}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    f"https://{PUBLIC}@127.0.0.1/",
    f"https://user:word@{PUBLIC}/",
    f"https://127.0.0.1\\@{PUBLIC}/",
    f"https://{PUBLIC}#@127.0.0.1/",
    f"https://{PUBLIC}/\r\nHost: inside",
    f"https://{PUBLIC}/ x",
    f"https://{PUBLIC}:99999/",
    f"https://{PUBLIC}:port/",
    "https://",
    "https:///path",
    "https://[::1",
    "//127.0.0.1/",
    "https://１２７.０.０.１/",
    "https://" + "a" * 3000,
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_are_refused_when_subscribing(url: str) -> None:
    with pytest.raises(UrlRefused):
        check(url, PRODUCTION)


@pytest.mark.parametrize("url", [each for each in HOSTILE if each.startswith("https://")])
def test_nothing_is_sent_to_a_hostile_url_that_was_not_checked(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever requests makes of such a URL: nothing is connected to but public addresses."""
    reached: list[str] = []

    def connect(self: socket.socket, address: tuple[Any, ...]) -> None:
        reached.append(str(address[0]))
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "socket", _unconnected(connect))
    with session(PRODUCTION) as opened, pytest.raises((requests.RequestException, UrlRefused)):
        opened.post(url, b"{}", timeout=1)
    assert all(map(is_public, reached))


def _unconnected(connect: Callable[..., None]) -> type[socket.socket]:
    return type("Unconnected", (socket.socket,), {"connect": connect})


def test_a_public_address_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolves(monkeypatch, [PUBLIC])
    check("https://erp.example/hooks?x=1", PRODUCTION)


def test_a_name_that_leads_inside_is_refused_as_one_that_does_not_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = set()
    for answer in (["10.0.0.7"], [PUBLIC, "10.0.0.7"], []):
        _resolves(monkeypatch, answer)
        with pytest.raises(UrlRefused) as refused:
            check("https://database.internal/", PRODUCTION)
        told.add(str(refused.value))
    assert len(told) == 1


def test_a_name_that_resolves_inside_the_second_time_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: public when it is subscribed to, private when the event is sent."""
    answers = _resolves(monkeypatch, [PUBLIC], ["127.0.0.1"])
    check("https://rebinding.example/", PRODUCTION)
    with session(PRODUCTION) as opened, pytest.raises(UrlRefused):
        opened.post("https://rebinding.example/", b"{}", timeout=1)
    assert answers == []


def test_what_is_connected_to_is_what_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one resolution per connection: a third answer would not be asked for."""
    _resolves(monkeypatch, [PUBLIC], ["127.0.0.1"])
    reached: list[str] = []

    def connect(self: socket.socket, address: tuple[Any, ...]) -> None:
        reached.append(str(address[0]))
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "socket", _unconnected(connect))
    with session(PRODUCTION) as opened, pytest.raises(requests.ConnectionError):
        opened.post("https://rebinding.example/", b"{}", timeout=1)
    assert reached == [PUBLIC]


def _resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[list[str]]:
    """A resolver that gives one answer after the other; the last one for good."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        found = left.pop(0)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        inet = socket.AF_INET
        return [(inet, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return left


# -- exceptions, and what else a session does not do --------------------------------------------


@pytest.fixture
def server() -> Iterator[Callable[[bytes], str]]:
    """Answers one connection with the bytes it is given; the address of the server."""
    threads: list[threading.Thread] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(HANG_SECONDS)

        def answer(raw: bytes) -> None:
            with closing(listening.accept()[0]) as connection:
                connection.recv(65_536)
                connection.sendall(raw)

        def serve(raw: bytes) -> str:
            threads.append(threading.Thread(target=answer, args=(raw,)))
            threads[-1].start()
            return f"http://127.0.0.1:{listening.getsockname()[1]}/hook"

        yield serve
        for each in threads:
            each.join()


OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


def test_in_development_this_machine_may_be_called(server: Callable[[bytes], str]) -> None:
    url = server(OK)
    check(url, DEVELOPMENT)
    with session(DEVELOPMENT) as opened, opened.post(url, b"{}", timeout=HANG_SECONDS) as answer:
        assert answer.status_code == 204


def test_in_development_other_machines_inside_may_not() -> None:
    with pytest.raises(UrlRefused):
        check("http://10.0.0.1/", DEVELOPMENT)


def test_in_production_this_machine_may_not_be_called() -> None:
    with session(PRODUCTION) as opened, pytest.raises(UrlRefused):
        opened.post("https://127.0.0.1:9/", b"{}", timeout=1)


def test_in_production_nothing_is_sent_in_the_open() -> None:
    with session(PRODUCTION) as opened, pytest.raises(requests.exceptions.InvalidSchema):
        opened.post(f"http://{PUBLIC}/", b"{}", timeout=1)


def test_hosts_that_the_operator_names_may_be_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Settings(environment="production", reachable=("erp.internal",))
    _resolves(monkeypatch, ["10.0.0.7"], ["10.0.0.7"])
    check("https://ERP.internal./hook", named)
    with pytest.raises(UrlRefused):
        check("https://other.internal/", named)


def test_redirects_are_not_followed(server: Callable[[bytes], str]) -> None:
    answer = b"HTTP/1.1 307 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    url = server(answer)
    with session(DEVELOPMENT) as opened, opened.post(url, b"{}", timeout=HANG_SECONDS) as found:
        assert (found.status_code, found.history) == (307, [])


def test_proxies_of_the_environment_are_not_used(
    server: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    url = server(OK)
    with session(DEVELOPMENT) as opened, opened.post(url, b"{}", timeout=HANG_SECONDS) as answer:
        assert answer.status_code == 204


def test_a_proxy_that_somebody_sets_is_refused() -> None:
    proxies = {"http": "http://127.0.0.1:1"}
    with session(DEVELOPMENT) as opened, pytest.raises(UrlRefused):
        opened.post(f"http://{PUBLIC}/", b"{}", timeout=1, proxies=proxies)


def test_a_connection_is_cut_when_it_lasts_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte every now and then keeps every read timeout from running out."""
    monkeypatch.setattr(addresses, "LONGEST_SECONDS", 0.3)
    with (
        dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ") as url,
        session(DEVELOPMENT) as opened,
        hanging_fails(),
        suppress(requests.RequestException),
    ):
        opened.post(url, b"{}", timeout=HANG_SECONDS).close()
