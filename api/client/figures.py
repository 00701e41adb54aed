"""Figures: computed, published, supposed, and what moved them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import requests

from api.client.http import Http, reason
from api.errors import AnswerNotUnderstood, ServerUnreachable

BUNDLE_TYPE: Final = "application/zip"
_PIECE_BYTES = 1 << 16


class Figures(Http):
    """Figures, and whom they are about."""

    def figure(self, kind: str, entity: str, **query: str | None) -> dict[str, Any]:
        """A computed figure: ``kind`` is products, parks or enterprises."""
        path = {"products": "footprint", "parks": "net", "enterprises": "net"}[kind]
        return self.about(kind, entity, path, **query)

    def about(self, kind: str, entity: str, resource: str, **query: str | None) -> dict[str, Any]:
        """What there is to say of a product, park or enterprise: ``kind`` is products, parks or
        enterprises, and ``resource`` what comes after it in the address."""
        return self._get(f"/v1/{kind}/{entity}/{resource}", **query)

    def region(
        self, parks: list[str], enterprises: list[str], divisions: list[str], **query: str | None
    ) -> dict[str, Any]:
        """The books of the union of parks and enterprises, by their ids, and divisions."""
        wanted = {name: value for name, value in query.items() if value is not None}
        members = {"park": parks, "enterprise": enterprises, "division": divisions}
        return self._request("GET", "/v1/region", params={**wanted, **members})

    def report(self, kind: str, entity: str, form: str, **query: str | None) -> bytes:
        """An inventory as a file: ``kind`` is parks or enterprises, ``form`` xlsx, csv or html.

        Raises Refused.
        """
        wanted = {name: value for name, value in query.items() if value is not None}
        response = self._send("GET", f"/v1/{kind}/{entity}/report.{form}", params=wanted)
        if not response.ok or "Content-Disposition" not in response.headers:
            self._read(response)
            raise AnswerNotUnderstood(url=self.base_url)
        return response.content

    def entity(self, kind: str, entity: str) -> dict[str, Any]:
        """What is registered under an id: ``kind`` is products, parks, sites or enterprises.

        Raises Refused.
        """
        return self._get(f"/v1/{kind}/{entity}")

    def published_figure(self, digest: str) -> dict[str, Any]:
        """A published figure, and what has come after it. Raises Refused."""
        return self._get(f"/v1/figures/{digest}")

    def published_figures(self, **query: str | None) -> list[dict[str, Any]]:
        """The published figures in force, in the log's order."""
        return self._all_pages("/v1/figures", query)

    def bundle_address(self, digest: str) -> str:
        return f"{self.base_url}/v1/figures/{digest}/bundle"

    def bundle(self, digest: str) -> Iterator[bytes]:
        """What it takes to check a published figure offline, piece by piece. Raises Refused."""
        with self._send("GET", f"/v1/figures/{digest}/bundle", stream=True) as response:
            if not response.ok or response.headers.get("Content-Type") != BUNDLE_TYPE:
                self._read(response)
                raise AnswerNotUnderstood(url=self.base_url)
            try:
                yield from response.iter_content(_PIECE_BYTES)
            except requests.RequestException as failed:
                raise ServerUnreachable(url=self.base_url, reason=reason(failed)) from failed

    def impact(self, cause: int, **query: str | None) -> dict[str, Any]:
        """By how much an entry that made others suspect moved the figures."""
        return self._get(f"/v1/log/suspects/{cause}/impact", **query)

    def wave(self, index: int, **query: str | None) -> dict[str, Any]:
        """Everything that an entry moved."""
        return self._get(f"/v1/log/{index}/wave", **query)

    def what_if(self, hypothesis: Mapping[str, Any]) -> dict[str, Any]:
        """What would follow. Raises Refused."""
        return self._request("POST", "/v1/what-if", json=hypothesis)

    def stress(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What would move if somebody were no longer trusted. Raises Refused."""
        return self._request("POST", "/v1/stress", json=asked)

    def entities(self, kind: str, **query: str | None) -> list[dict[str, Any]]:
        """The registered products, parks, sites or enterprises."""
        return self._all_pages(f"/v1/{kind}", query)
