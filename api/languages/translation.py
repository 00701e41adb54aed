"""The Chinese catalogue: what belongs into it, and whether it is complete and compiled.

    python -m api.languages.translation        collect what is new, keep what is translated, compile

English sentences are the keys. Those of conditions and findings stand in the code where they are
raised, those of the command line where they are said: ``api.languages.messages`` finds both. The
pages mark theirs.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from api.languages.messages import phrases, spoken, templates

ROOT: Final = Path(__file__).parents[2]
LANGUAGE: Final = "zh"
SOURCE: Final = ROOT / "api" / "locale" / LANGUAGE / "LC_MESSAGES" / "messages.po"
COMPILED: Final = SOURCE.with_suffix(".mo")
"""What flask-babel reads."""
_MARKED: Final = [
    ("templates/**.html", "jinja2"),
    ("pages/*.py", "python"),
    ("reports/*.py", "python"),
]
"""Where texts are marked by a call, and how they are found."""
_MARKS: Final = {**DEFAULT_KEYWORDS, "lazy_gettext": None}


def wanted() -> Catalog:
    """Every text there is, untranslated and in a stable order."""
    catalogue = Catalog(project="Catchment", locale=LANGUAGE)
    for text in (*templates(), *phrases(), *spoken()):
        catalogue.add(text)
    for found in extract_from_dir(str(ROOT / "api"), _MARKED, keywords=_MARKS):
        catalogue.add(found[2], context=found[4])
    return catalogue


def translated() -> Catalog:
    """The catalogue as it is kept."""
    with SOURCE.open("rb") as stored:
        return read_po(stored, locale=LANGUAGE)


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue in the form that is read when the server runs."""
    written = io.BytesIO()
    write_mo(written, catalogue)
    return written.getvalue()


def renew() -> Catalog:
    """Take up new texts, drop those that are gone, and compile what is translated."""
    catalogue = translated()
    begun = catalogue.creation_date
    catalogue.update(wanted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.creation_date = begun
    with SOURCE.open("wb") as stored:
        write_po(stored, catalogue, width=100, omit_header=False, no_location=True)
    COMPILED.write_bytes(compiled(translated()))
    return catalogue


if __name__ == "__main__":
    kept = renew()
    missing = [str(message.id) for message in kept if message.id and not message.string]
    print(f"{len(kept)} texts, {len(missing)} without a translation", *missing, sep="\n")
