"""Errands: one process does them, another takes over, and no failure ends them."""

from __future__ import annotations

import threading

import pytest

from api.services import Services
from api.serving import errands
from api.serving.errands import Errand, Turn, start
from tests.factory import Factory
from tests.patience import HANG_SECONDS


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's turn ends because this machine is slow."""
    monkeypatch.setattr(errands, "TURN_SECONDS", HANG_SECONDS)


def test_of_two_processes_one_has_its_turn_until_it_gives_it_back(services: Services) -> None:
    one, other = Turn(services), Turn(services)
    one.renew()
    other.renew()
    assert (one.is_mine, other.is_mine) == (True, False)
    one.end()
    other.renew()
    assert (one.is_mine, other.is_mine) == (False, True)


def test_a_process_that_is_gone_keeps_its_turn_for_so_long_and_no_longer(
    factory: Factory, services: Services
) -> None:
    gone, other = Turn(services), Turn(services)
    gone.renew()
    factory.clock.advance(seconds=HANG_SECONDS - 1)
    other.renew()
    assert not other.is_mine
    factory.clock.advance(seconds=1)
    other.renew()
    assert other.is_mine


def test_an_errand_that_fails_is_run_again(services: Services) -> None:
    done, attempts = threading.Event(), list[Services]()

    def fails_once(given: Services) -> None:
        attempts.append(given)
        if len(attempts) == 1:
            raise KeyError("nobody foresaw this")
        done.set()

    stop = start(services, [Errand("fails once", fails_once, seconds=0.01)])
    assert done.wait(HANG_SECONDS)
    stop.set()
    assert attempts[:2] == [services, services]
