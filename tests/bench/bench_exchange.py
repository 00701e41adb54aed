"""What a procurement system waits for: one footprint, a list, an answer by GTIN, a comparison.

Beside them, in the same run and through the same application, a view that answers a constant:
rounds of all take turns, so that what else the machine does slows each of them, and a ratio is the
median of those of the rounds. All times are CPU time. Run with ``python -m
tests.bench.bench_exchange``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from flask import Response, jsonify
from flask.testing import FlaskClient

from api.app import create_app
from api.callers import SCOPES
from api.keys.tokens import Tokens
from api.oauth.clients import clients_of
from api.oauth.grants import grants_of
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from tests.bench.row import Row
from tests.factory import Factory

PRODUCTS: Final = 300
PAGE: Final = 100
ROUNDS: Final = 25
REQUESTS: Final = 100
FEW: Final = 20
TRIVIAL: Final = "/trivial"
UNLIMITED: Final = "9999999 per minute"


def run() -> list[Row]:
    with TemporaryDirectory() as folder:
        return _measured(Path(folder))


def _measured(folder: Path) -> list[Row]:
    factory = Factory(folder)
    maker, buyer = factory.enterprise("Maker"), factory.enterprise("Buyer")
    plant = maker.site()
    declared = []
    for number in range(PRODUCTS):
        urn = f"urn:pact:maker.example:product-id:{number}"
        product = maker.product(f"Part {number}", identifiers=[urn])
        declared.append((product, urn, maker.footprint(product, f"{1 + number / 100}")))
        maker.disclose("footprint", product, to=buyer)
    steel = maker.product("Steel", identifiers=["urn:gtin:6901234000016"])
    maker.recipe(steel, plant, emissions=[("CO2", "fossil", "2")])
    maker.production(steel, plant, "5")
    maker.disclose("footprint", steel, to=buyer)

    settings = Settings(data=folder, read_limit=UNLIMITED)
    log, engine = factory.log, factory.engine
    tokens = Tokens(engine, factory.clock)
    services = Services(log, Engine(log), tokens, settings, engine, factory.clock)
    app = create_app(settings, services=services)
    app.add_url_rule(TRIVIAL, view_func=_trivial)
    client, bearer = app.test_client(), _access_token(services, buyer.id)
    headers = {"Authorization": f"Bearer {bearer}"}

    one = f"/3/footprints/{declared[0][2].statement.body.pact.id}"
    by_gtin = f"/v1/footprint?gtin=6901234000016&supplier={maker.id}&year=2025"
    tag = client.get(by_gtin, headers=headers).headers["ETag"]
    asked = [
        (TRIVIAL, headers, 200),
        (one, headers, 200),
        (by_gtin, headers, 200),
        (by_gtin, {**headers, "If-None-Match": tag}, 304),
    ]
    rounds = [[_round(client, *each) for each in asked] for _ in range(ROUNDS)]
    trivial, read, looked_up, unchanged = map(median, zip(*rounds, strict=True))
    ratios = [median(times[k] / times[0] for times in rounds) for k in range(len(asked))]
    listed = _cpu(lambda: _ok(client, f"/3/footprints?limit={PAGE}", headers))
    offers = [
        {"label": urn, "product": product, "amount": "1", "unit": "KGM"}
        for product, urn, _ in declared[:PAGE]
    ]
    question = {"unit": "KGM", "year": 2025, "offers": offers}
    compared = _cpu(lambda: _compared(client, question, headers))
    factory.close()
    beside = "a view that answers a constant"
    return [
        Row(beside, trivial * 1e6, "µs", 1, beside),
        Row("GET /3/footprints/{id}", read * 1e6, "µs", ratios[1], beside),
        Row("GET /v1/footprint?gtin=…", looked_up * 1e6, "µs", ratios[2], beside),
        Row("the same, unchanged (304)", unchanged * 1e6, "µs", ratios[3], beside),
        Row(f"a list of {PAGE}, CPU", listed * 1e3, "ms", listed * 1e3 / 5, "5 ms"),
        Row(f"{PAGE} offers compared, CPU", compared * 1e3, "ms", compared * 1e3 / 50, "50 ms"),
    ]


def _trivial() -> Response:
    return jsonify({"value": "1"})


def _access_token(services: Services, enterprise: str) -> str:
    client, secret = clients_of(services).add("procurement", enterprise, "Buyer", tuple(SCOPES))
    return grants_of(services).grant(clients_of(services).authenticate(client, secret)).token


def _round(client: FlaskClient, path: str, headers: dict[str, str], status: int) -> float:
    """Seconds of CPU for each request."""
    begun = time.process_time()
    for _ in range(REQUESTS):
        assert client.get(path, headers=headers).status_code == status
    return (time.process_time() - begun) / REQUESTS


def _ok(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    assert client.get(path, headers=headers).status_code == 200


def _compared(client: FlaskClient, question: object, headers: dict[str, str]) -> None:
    response = client.post("/v1/comparisons", json=question, headers=headers)
    assert response.status_code == 200, response.text


def _cpu(work: Callable[[], None]) -> float:
    """Seconds of CPU for each call, after one to warm up; the best of five rounds."""
    work()
    return min(_cpu_round(work) for _ in range(5))


def _cpu_round(work: Callable[[], None]) -> float:
    begun = time.process_time()
    for _ in range(FEW):
        work()
    return (time.process_time() - begun) / FEW


if __name__ == "__main__":
    for row in run():
        print(f"{row.what}: {row.value:.4g} {row.unit}, {row.ratio:.3g} × {row.beside}")
