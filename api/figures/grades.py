"""Words for how far a category of Scope 3 is covered, and for what a boundary may be called."""

from __future__ import annotations

from typing import Final

from graph.terms import Cover, Grade

COVER_WORDS: Final = {
    Cover.STATED: "stated",
    Cover.NONE: "none",
    Cover.PARTIAL: "stated in part",
    Cover.NOT_ASSESSABLE: "not assessable",
    Cover.NOT_STATED: "nothing stated",
}
GRADE_WORDS: Final = {
    Grade.NONE: "no status",
    Grade.OPERATIONAL: "operational net zero",
    Grade.NEAR_ZERO: "near zero",
    Grade.NET_ZERO: "net zero",
}
SILENT: Final = "%(site)s has stated neither inputs under this category nor that there were none."
NOTHING_ENTERED: Final = "Nobody has entered anything: state it, or that there was nothing."
AT_MOST: Final = (
    "Suppliers that state only a total may hide that more of it comes back: it is this or less."
)
NOT_SHOWN: Final = "Something stands in the way that is not shown to you."
