"""Which sites a park's fence encloses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from graph.findings import Finding, finding
from ledger.statements import Park, Site

Corner = tuple[Decimal, Decimal]


def encloses(fence: Sequence[Corner], longitude: Decimal, latitude: Decimal) -> bool:
    """Whether a point lies inside a polygon, by counting crossings of a ray to the east.

    Corners are (longitude, latitude) in order, the last joining the first. Plane geometry: a park
    is small against the curvature of the Earth and does not cross the antimeridian.
    """
    inside = False
    for (x1, y1), (x2, y2) in zip(fence, [*fence[1:], fence[0]], strict=True):
        crosses = (y1 > latitude) != (y2 > latitude)
        if crosses and longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def fence_findings(park: Park, sites: Iterable[Site], members: set[str]) -> tuple[Finding, ...]:
    """Members outside the fence, and registered sites inside it that are no members."""
    found = []
    for site in sites:
        within = encloses(park.fence, site.longitude, site.latitude)
        if within != (site.id in members):
            rule = "site-inside-fence" if within else "member-outside-fence"
            found.append(finding(rule, site=site.name))
    return tuple(found)
