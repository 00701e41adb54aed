"""Errands: one process does them, another takes over, and no failure ends them."""

from __future__ import annotations

import threading

from api.services import Services
from api.serving.errands import TURN_SECONDS, Errand, Turn, start
from tests.factory import Factory


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
    factory.clock.advance(seconds=TURN_SECONDS - 1)
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
    assert done.wait(10)
    stop.set()
    assert attempts[:2] == [services, services]
