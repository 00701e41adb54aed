"""Words for the rungs of the factor ladder: how an amount of carbon is known."""

from __future__ import annotations

from typing import Final

from graph.terms import Rung

RUNG_WORDS: Final = {
    Rung.COMPUTED: "computed",
    Rung.DECLARED: "declared",
    Rung.OTHER_YEAR: "by a recipe of another year",
    Rung.EXPIRED: "by an expired footprint",
    Rung.AVERAGE: "by a product average",
    Rung.SPEND: "by what was spent",
    Rung.UNKNOWN: "unknown",
}

SEVERAL: Final = "several, added up"
