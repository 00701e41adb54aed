"""Requests for footprints: to ask suppliers, and to answer buyers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.client.http import Http


class Asking(Http):
    """What was asked for, from either side."""

    def ask(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for footprints. Raises Refused."""
        return self._request("POST", "/v1/requests", json=asked)

    def requests_made(self, **query: str | None) -> list[dict[str, Any]]:
        """What was asked of the token's enterprise, or with ``box="sent"`` what it has asked."""
        return self._all_pages("/v1/requests", query)

    def request(self, request: str) -> dict[str, Any]:
        """One request, from the side of the token's enterprise. Raises Refused."""
        return self._get(f"/v1/requests/{request}")

    def answer_request(self, request: str, footprints: Sequence[str]) -> dict[str, Any]:
        """Answer a request with footprints of one's own, by their PACT ids. Raises Refused."""
        return self._about(request, "answer", {"footprints": list(footprints)})

    def decline_request(self, request: str, reason: str) -> dict[str, Any]:
        """Say why there is no footprint. Raises Refused."""
        return self._about(request, "decline", {"reason": reason})

    def pass_on(self, request: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Ask one's own suppliers on account of a request. Raises Refused."""
        return self._about(request, "pass-on", asked)

    def _about(self, request: str, how: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._request("POST", f"/v1/requests/{request}/{how}", json=body)

    def asking(self, asking: str) -> dict[str, Any]:
        """How far what was asked at once has come. Raises Refused."""
        return self._get(f"/v1/askings/{asking}")
