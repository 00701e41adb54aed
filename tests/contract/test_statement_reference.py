"""docs/statements.md is what the declarations say."""

from __future__ import annotations

from pathlib import Path

from ledger.reference import markdown
from ledger.statements import BODIES

REFERENCE = Path(__file__).parents[2] / "docs" / "statements.md"


def test_the_reference_of_statement_types_is_current() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == markdown(), (
        "write it anew: catchment reference > docs/statements.md"
    )


def test_the_reference_names_every_type_and_every_member_has_a_description() -> None:
    text = markdown()
    assert all(f"## `{name}`" in text for name in BODIES)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows
    assert all(row.strip(" |").rpartition("|")[2].strip() for row in rows)
    assert "`None`" not in text
