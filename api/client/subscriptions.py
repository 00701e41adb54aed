"""Subscriptions: to be told by webhooks when a figure has changed."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from api.client.http import Http


class Subscriptions(Http):
    """Who is told of what."""

    def subscribe(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Have changes of a figure posted to a URL; with the secret, shown once. Raises Refused."""
        return self._request("POST", "/v1/subscriptions", json=wanted)

    def subscriptions(self) -> list[dict[str, Any]]:
        """Those of the token's enterprise that last."""
        items: list[dict[str, Any]] = self._get("/v1/subscriptions")["items"]
        return items

    def subscription(self, subscription: str) -> dict[str, Any]:
        """One of them, and what it was last told. Raises Refused."""
        return self._get(f"/v1/subscriptions/{subscription}")

    def deliveries(self, subscription: str) -> list[dict[str, Any]]:
        """What was sent to a subscription, the newest first. Raises Refused."""
        return self._all_pages(f"/v1/subscriptions/{subscription}/deliveries", {})

    def replay_delivery(self, subscription: str, event: str) -> dict[str, Any]:
        """Send an event once more under its id. Raises Refused."""
        path = f"/v1/subscriptions/{subscription}/deliveries/{event}/replay"
        return self._request("POST", path)

    def rotate_subscription(self, subscription: str) -> dict[str, Any]:
        """A new secret, shown once; for a day the former signs as well. Raises Refused."""
        return self._request("POST", f"/v1/subscriptions/{subscription}/rotate")

    def test_subscription(self, subscription: str) -> dict[str, Any]:
        """Have an event sent that tells nothing. Raises Refused."""
        return self._request("POST", f"/v1/subscriptions/{subscription}/test")

    def end_subscription(self, subscription: str) -> None:
        """Be told nothing more. Raises Refused."""
        response = self._send("DELETE", f"/v1/subscriptions/{subscription}")
        if response.status_code != HTTPStatus.NO_CONTENT:
            self._read(response)
