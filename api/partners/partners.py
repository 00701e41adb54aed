"""Registered hosts of others: where they are called, as whom, and for whom they are read.

An event names its source as it likes; called is only what the operator registered here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import sqlalchemy as sa

from api.errors import PartnerClientTaken, PartnerExists, PartnerRefused, PartnerUnknown
from api.keys.secret_box import SecretBox
from api.services import Services, one_each
from api.tables import partner
from ledger.store import reading, writing

KIND: Final = "partner"
"""What the outbox calls them."""

_ENDINGS: Final = ("/3/events", "/3/footprints", "/3")
"""What people copy with an address, and what is no part of it."""
_LISTS: Final = ("buyers", "companies")


@dataclass(frozen=True, slots=True)
class Partner:
    """A registered host. Times are milliseconds since 1970.

    ``enterprise`` is whose host it is in this log. ``client_id`` is who this server is over there,
    ``client`` who the host is here. ``buyers`` are told its footprints, and ``companies`` are the
    enterprises that were admitted through it: only these may it speak of.
    """

    id: str
    name: str
    enterprise: str
    url: str
    auth_url: str | None
    client_id: str
    client: str | None
    buyers: tuple[str, ...]
    companies: tuple[str, ...]
    created_at: int
    removed_at: int | None
    pulled_at: int | None


class Partners:
    """The partners of one deployment. Secrets are sealed before they reach the database."""

    def __init__(
        self, database: sa.Engine, box: SecretBox, clock: Callable[[], int], *, https_only: bool
    ) -> None:
        self._database, self._box, self._clock = database, box, clock
        self._https_only = https_only

    def add(
        self,
        *,
        name: str,
        enterprise: str,
        url: str,
        client_id: str,
        secret: str,
        auth_url: str | None = None,
        client: str | None = None,
        buyers: Iterable[str] = (),
    ) -> Partner:
        """Register a host; one that was removed under this name comes back with what it had.

        Raises PartnerExists, PartnerClientTaken, and PartnerRefused for an address that is not
        called: one without a host, with a user in it, or of another scheme than https (in
        development: or http).
        """
        self.check(name, url, auth_url, client)
        values = {
            "enterprise": enterprise,
            "url": self._address(url),
            "auth_url": self._address(auth_url) if auth_url else None,
            "client_id": client_id,
            "sealed_secret": self._box.seal(secret),
            "client": client,
            "buyers": json.dumps(sorted(set(buyers))),
            "removed_at": None,
        }
        with writing(self._database) as connection:
            named = sa.select(partner).where(partner.c.name == name)
            row = connection.execute(named).one_or_none()
            if row is not None and row.removed_at is None:
                raise PartnerExists(name=name)
            connection.execute(self._entered(row, name, values))
        return self.get(name)

    def check(
        self, name: str, url: str, auth_url: str | None = None, client: str | None = None
    ) -> None:
        """Raises as `add` does, before anything else is done."""
        for each in filter(None, (url, auth_url)):
            self._address(each)
        if any(each.name == name for each in self.active()):
            raise PartnerExists(name=name)
        taken = self.of_client(client) if client else None
        if taken is not None:
            raise PartnerClientTaken(client=client, name=taken.name)

    def _entered(
        self, row: sa.Row[Any] | None, name: str, values: dict[str, Any]
    ) -> sa.Insert | sa.Update:
        if row is not None:
            return partner.update().where(partner.c.id == row.id).values(values)
        new = {"id": uuid.uuid4().hex, "name": name, "created_at": self._clock()}
        return partner.insert().values(new | values | {"companies": "[]"})

    def get(self, name_or_id: str) -> Partner:
        """An active partner. Raises PartnerUnknown."""
        of_name = sa.or_(partner.c.id == name_or_id, partner.c.name == name_or_id)
        found = self._find(of_name, partner.c.removed_at.is_(None))
        if not found:
            raise PartnerUnknown(partner=name_or_id)
        return found[0]

    def active(self) -> list[Partner]:
        return self._find(partner.c.removed_at.is_(None))

    def of_client(self, client_id: str) -> Partner | None:
        """Whose host authenticates here as this client; ``None`` if no active partner's."""
        found = self._find(partner.c.client == client_id, partner.c.removed_at.is_(None))
        return found[0] if found else None

    def through_whom(self, enterprise: str) -> list[Partner]:
        """The partners, removed ones too, through which an enterprise was admitted."""
        return [each for each in self._find() if enterprise in each.companies]

    def secret(self, asked: Partner) -> str:
        """The secret this server authenticates with over there. Raises SealingKeyRefused."""
        query = sa.select(partner.c.sealed_secret).where(partner.c.id == asked.id)
        with reading(self._database) as connection:
            return self._box.open(connection.execute(query).scalar_one())

    def remove(self, asked: Partner) -> None:
        """Call the host no more, and hear it no more. What was taken over from it stays."""
        self._set(asked, removed_at=self._clock())

    def was_pulled(self, asked: Partner) -> None:
        self._set(asked, pulled_at=self._clock())

    def takes_company(self, asked: Partner, enterprise: str) -> Partner:
        """From now on the host may speak of an enterprise that was admitted through it."""
        with writing(self._database) as connection:
            row = partner.c.id == asked.id
            stored = connection.execute(sa.select(partner.c.companies).where(row)).scalar_one()
            companies = json.dumps(sorted({*json.loads(stored), enterprise}))
            connection.execute(partner.update().where(row).values(companies=companies))
        return self._find(row)[0]

    def _set(self, asked: Partner, **values: int) -> None:
        with writing(self._database) as connection:
            connection.execute(partner.update().where(partner.c.id == asked.id).values(values))

    def _find(self, *conditions: sa.ColumnElement[bool]) -> list[Partner]:
        query = sa.select(partner).where(*conditions).order_by(partner.c.name)
        with reading(self._database) as connection:
            return [_partner(row) for row in connection.execute(query)]

    def _address(self, text: str) -> str:
        parts = _split(text)
        allowed = ("https",) if self._https_only else ("https", "http")
        if parts.scheme not in allowed or not parts.hostname:
            raise PartnerRefused(url=text, reason=f"it does not begin with {allowed[0]}://")
        if parts.username or parts.password:
            raise PartnerRefused(url=text, reason="a name or password is no part of it")
        if parts.query or parts.fragment:
            raise PartnerRefused(url=text, reason="it has a query or a fragment")
        path = parts.path.rstrip("/")
        ending = next((each for each in _ENDINGS if path.endswith(each)), "")
        return f"{parts.scheme}://{parts.netloc}{path.removesuffix(ending)}"


@one_each
def partners_of(services: Services) -> Partners:
    """The partners of these services."""
    only = services.settings.is_production
    return Partners(services.database, services.box, services.clock, https_only=only)


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # a port that is none is found when it is asked for
    except ValueError:
        raise PartnerRefused(url=text, reason="it is no address") from None
    return parts


def _partner(row: sa.Row[Any]) -> Partner:
    kept = row._mapping
    lists = {name: tuple(json.loads(kept[name])) for name in _LISTS}
    return Partner(**{name: lists.get(name, kept[name]) for name in Partner.__slots__})
