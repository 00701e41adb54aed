"""Computed figures on the shelf: kept up with the log, and only touched when the log moves them.

Every product whose footprint is disclosed to anybody, and that recipes feed, has a footprint for
each of the last three complete years, whose validity is not over yet. It is made from the figure of
the whole log as the product's owner may show it (`api.pact.computed_document`). Where something
forbids that, nothing is handed out, and the condition is kept for the owner (``withheld``).

A figure gets a new id when its document really differs: ``UUIDv5(log, question + asOf)``. The one
before becomes Deprecated, is named in ``precedingPfIds``, and stays readable in the same bytes. A
footprint that the owner declares for the year takes the place of the computed one. Where a
disclosure is closed, access decides: what was computed stays on the shelf and is kept up.

Reading touches no figures: this is an errand of the server, which looks first at whether anything
came that moves figures or decides access.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import sqlalchemy as sa

from api import tables
from api.access.access import Access
from api.callers import Caller
from api.pact import provenance
from api.pact.computed_document import (
    ADDED_UP,
    DIGITS,
    GWP,
    Computed,
    computed,
    is_declared,
    span_of,
)
from api.pact.documents import Document
from api.pact.marks import mark, set_mark
from api.pact.shelf import New, computed_key, ms_of, put, shelf_of
from api.services import Services
from graph.engine import MOVES_FIGURES, Answered, Question
from graph.version import VERSION
from ledger import pact, strict_json
from ledger.errors import CatchmentError
from ledger.standing import Standing
from ledger.statements import Disclosure
from ledger.store import reading, writing

YEARS: Final = 3
"""How many complete years a footprint is valid for, and so how many are kept."""

_DECIDES: Final = (
    *MOVES_FIGURES,
    "disclosure",
    "erasure",
    "revocation",
    "recovery",
    "key",
    "delegation",
)
"""What may change what is handed out, or to whom; a withdrawal counts as what it ends."""
_OF_EVERYTHING: Final = (
    "transfer",
    "factors",
    "attestation",
    "accreditation",
    "disclosure",
    "erasure",
    "revocation",
    "recovery",
    "key",
    "delegation",
)
"""What may change what is told of a figure that has not moved."""
_EXPECTED: Final = ("no-data-for-year", "not-by-recipe")
"""Of concern for the latest year alone, and only where nothing else of a product is handed out."""
_ENDS_AT: Final = dt.timedelta(hours=14)
"""A year is over on Earth's easternmost clocks so long before it is in UTC."""
_DAY_MS: Final = 86_400_000
_NOISE: Final = Decimal(1).scaleb(2 - DIGITS)
"""By how much, relatively, numbers differ that are the same figure added up in another order."""

_SHELVED, _WITHHELD = tables.shelved.c, tables.withheld.c
_SIZE, _TODAY = f"computed by engine {VERSION}", "computed on day"


@dataclass(frozen=True, slots=True)
class About:
    """A product in a calendar year."""

    product: str
    year: int

    @property
    def key(self) -> str:
        return computed_key(self.product, self.year)


Outcome: TypeAlias = Computed | CatchmentError | None
"""What is handed out, or why nothing is; ``None``: a declared footprint is."""


def follow(services: Services) -> None:
    """Bring the computed footprints up to the log, if anything came that may change them."""
    standing = services.engine.standing()
    shelf_of(services).follow(standing)
    today = services.clock() // _DAY_MS
    done, day = _followed(services)
    is_new_day = day != today  # years end, too
    if not is_new_day and standing.touched.last(_DECIDES) < done:
        return
    everything = is_new_day or standing.touched.last(_OF_EVERYTHING) >= done
    since = None if everything else done
    outcomes = dict(_outcomes(services, standing, since))
    # Compared before the lock is taken: most often little has changed, and others wait to append.
    changed = _changed(services, outcomes)
    with writing(services.database) as connection:
        # Whoever was faster has seen at least as much.
        if mark(connection, _SIZE) > standing.size:
            return
        _put_on_the_shelf(services, connection, changed)
        _withhold(connection, outcomes, _latest(services), everything=everything)
        set_mark(connection, _SIZE, standing.size)
        set_mark(connection, _TODAY, today)


def _followed(services: Services) -> tuple[int, int]:
    """To which size of the log this has come, and on which day; 0 before the first time."""
    with reading(services.database) as connection:
        return mark(connection, _SIZE), mark(connection, _TODAY)


# -- what there is to hand out -------------------------------------------------------------------


def _outcomes(
    services: Services, standing: Standing, since: int | None
) -> Iterator[tuple[About, Outcome]]:
    """Of the figures that entries from ``since`` on have moved; ``None``: of all."""
    now, latest = _now(services), _latest(services)
    products = sorted(disclosed(standing) | _kept_up(services))
    if not products:
        return
    for year in range(latest, latest - YEARS, -1):
        answered = services.engine.answer(Question(year, GWP))
        for product in products:
            if since is not None and not _has_moved(answered, product, since):
                continue
            span = span_of(answered, product)
            if span is None or _is_valid(span[1], now):
                yield About(product, year), _outcome(services, answered, product, now.date())


def _now(services: Services) -> dt.datetime:
    return dt.datetime.fromtimestamp(services.clock() / 1000, dt.UTC)


def _latest(services: Services) -> int:
    """The last calendar year that is over anywhere."""
    return (_now(services) + _ENDS_AT).year - 1


def _has_moved(answered: Answered, product: str, since: int) -> bool:
    """Whether an entry from ``since`` on had a say in a figure, or in the names it goes under."""
    standing, solved = answered.standing, answered.solved
    made = solved.network.nodes_of.get(product, [])
    places = (solved.network.nodes[i].place for i in made)
    named = [("product", product), ("enterprise", standing.owner_of("product", product) or "")]
    named += [("site", place.site) for place in places if place]
    told = max(standing.touched.get(each, -1) for each in named)
    return not made or max(told, int(solved.as_of[made].max())) >= since


def disclosed(standing: Standing) -> set[str]:
    """The products whose footprint is open to anybody beside owner and auditors."""
    bodies = (cast(Disclosure, each.statement.body) for each in standing.statements("disclosure"))
    return {
        body.object.id
        for body in bodies
        if body.object.type == "footprint" and body.level != "private"
    }


def _kept_up(services: Services) -> set[str]:
    """Products of which something computed is handed out, to whomever it still is."""
    query = sa.select(_SHELVED.product).where(
        _SHELVED.kind == provenance.COMPUTED, _SHELVED.deprecated_at.is_(None)
    )
    with reading(services.database) as connection:
        return set(connection.execute(query.distinct()).scalars())


def _is_valid(end: dt.datetime, now: dt.datetime) -> bool:
    return end <= now < pact.three_years_after(end.astimezone(dt.UTC))


def _outcome(services: Services, answered: Answered, product: str, today: dt.date) -> Outcome:
    owner = answered.standing.owner_of("product", product)
    access = Access(answered.standing, Caller("supplier", owner))
    try:
        if is_declared(answered, product):
            return None
        made = computed(answered, product, access, provenance.log_of(services), today)
    except CatchmentError as forbids:
        return forbids
    return _placed(services, answered, made)


def _placed(services: Services, answered: Answered, made: Computed) -> Computed:
    """With the prefix it was computed from, and where it is computed again."""
    question, size = made.provenance["question"], answered.at
    told = {
        **made.provenance,
        "asOf": made.as_of,
        "size": size,
        "root": provenance.root_of(services, size),
        "address": f"{services.settings.public_address}/v1/products/{question['product']}"
        f"/footprint?year={question['year']}&gwp={question['gwp']}&at={size}",
    }
    return Computed(made.members, told, made.as_of, made.start, made.end)


# -- handing it out ------------------------------------------------------------------------------


def _put_on_the_shelf(
    services: Services, connection: sa.Connection, outcomes: Mapping[About, Outcome]
) -> None:
    new = list[New]()
    for about, outcome in outcomes.items():
        last = _newest(connection, about.key)
        if _stands(last, outcome):
            continue  # another process did it
        if last is not None and last.deprecated_at is None:
            size = _ends_at(services, last, outcome)
            _deprecate(connection, last.serial, services.clock(), size)
        if isinstance(outcome, Computed):
            new.append(_new(services, connection, about, outcome, last))
    put(connection, new)


def _ends_at(services: Services, last: Any, outcome: Outcome) -> int:
    """Size of the log at which a figure no longer was what it had been."""
    if not isinstance(outcome, Computed):
        return services.log.size()
    moved = outcome.as_of > last.entry
    return outcome.as_of + 1 if moved else int(outcome.provenance["size"])


def _changed(services: Services, outcomes: Mapping[About, Outcome]) -> dict[About, Outcome]:
    """Those that say something else than what is on the shelf."""
    with reading(services.database) as connection:
        return {
            about: outcome
            for about, outcome in outcomes.items()
            if not _stands(_newest(connection, about.key), outcome)
        }


def _stands(last: Any, outcome: Outcome) -> bool:
    """Whether what was handed out last is still what there is to hand out."""
    if isinstance(outcome, Computed):
        return last is not None and _is_same(last, outcome)
    return last is None or last.deprecated_at is not None


def _newest(connection: sa.Connection, key: str) -> Any:
    query = sa.select(tables.shelved).where(_SHELVED.key == key).order_by(_SHELVED.serial.desc())
    return connection.execute(query.limit(1)).one_or_none()


def _deprecate(connection: sa.Connection, serial: int, now: int, size: int) -> None:
    change = tables.shelved.update().where(_SHELVED.serial == serial)
    connection.execute(change.values(deprecated_at=now, deprecated_size=size))


def _new(
    services: Services, connection: sa.Connection, about: About, made: Computed, last: Any
) -> New:
    preceding = {} if last is None else {"precedingPfIds": [last.id]}
    named = {
        "id": _id(services, connection, about, made),
        **made.members,
        **preceding,
        "created": _moment(services.clock()),
    }
    return New(
        id=named["id"],
        kind=provenance.COMPUTED,
        product=about.product,
        key=about.key,
        entry=made.as_of,
        digest=None,
        document=Document(named, ()),
        provenance=made.provenance,
        valid_from=ms_of(made.end),
        valid_until=ms_of(pact.three_years_after(made.end.astimezone(dt.UTC))),
    )


def _moment(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat().replace("+00:00", "Z")


def _id(services: Services, connection: sa.Connection, about: About, made: Computed) -> str:
    """UUIDv5 of the log, the question and ``asOf``.

    What is disclosed upstream moves no figure, but decides what is told of it: then that id is
    taken, and the size of the log tells the two apart. Anybody could have declared these ids, too,
    so one follows from the other until one is free.
    """
    log = provenance.log_of(services)
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, f"catchment:{log['origin']}:{log['genesis']}")
    question = f"{about.product} {about.year} {GWP} as of {made.as_of}"
    name = str(uuid.uuid5(namespace, question))
    if _is_taken(connection, name):
        name = str(uuid.uuid5(namespace, f"{question} in {made.provenance['size']}"))
    while _is_taken(connection, name):
        name = str(uuid.uuid5(namespace, name))
    return name


def _is_taken(connection: sa.Connection, name: str) -> bool:
    taken = sa.select(sa.exists().where(_SHELVED.id == name))
    return bool(connection.execute(taken).scalar_one())


_OF_ISSUE: Final = ("id", "created", "precedingPfIds")
_OF_PREFIX: Final = ("asOf", "size", "root", "address", "ageDays", "engine")


def _is_same(last: Any, made: Computed) -> bool:
    """Whether what was handed out last still says the same; the newest prefix is no news."""
    if last.deprecated_at is not None:
        return False
    told = _without(json.loads(last.document), _OF_ISSUE)
    why = _without(json.loads(last.provenance), _OF_PREFIX)
    return _agree(told, made.members) and _agree(why, _without(made.provenance, _OF_PREFIX))


def _without(members: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


def _agree(one: Any, other: Any, named: str = "") -> bool:
    """Whether two documents say the same, but for the noise of adding up."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = one.keys()
        return names == other.keys() and all(_agree(one[n], other[n], n) for n in names)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_agree, one, other))
    return bool(one == other) or (named in ADDED_UP and _is_noise(one, other))


def _is_noise(one: str, other: str) -> bool:
    a, b = Decimal(one), Decimal(other)
    return abs(a - b) <= _NOISE * max(abs(a), abs(b))


# -- what is withheld ----------------------------------------------------------------------------


def _withhold(
    connection: sa.Connection,
    outcomes: Mapping[About, Outcome],
    latest: int,
    *,
    everything: bool,
) -> None:
    """Keep the conditions, in the place of those before."""
    for about in outcomes:
        before = _WITHHELD.product == about.product, _WITHHELD.year == about.year
        connection.execute(tables.withheld.delete().where(*before))
    if everything:
        connection.execute(tables.withheld.delete())
    rows = [
        _row(about, outcome)
        for about, outcome in outcomes.items()
        if isinstance(outcome, CatchmentError)
        and (outcome.code not in _EXPECTED or about.year == latest)
        and not (outcome.code in _EXPECTED and _has_another(connection, about.product))
    ]
    if rows:
        connection.execute(tables.withheld.insert(), rows)


def _has_another(connection: sa.Connection, product: str) -> bool:
    found = _SHELVED.product == product, _SHELVED.deprecated_at.is_(None)
    return bool(connection.execute(sa.select(sa.exists().where(*found))).scalar_one())


def _row(about: About, forbids: CatchmentError) -> dict[str, Any]:
    params = {name: _particular(value) for name, value in forbids.params.items()}
    return {
        "product": about.product,
        "year": about.year,
        "code": forbids.code,
        "params": strict_json.dumps(params).decode(),
        "problems": strict_json.dumps(list(map(list, forbids.problems))).decode(),
    }


def _particular(value: object) -> str | int:
    """Sentences write some numbers as such; all else is words by now."""
    return value if isinstance(value, int) else str(value)
