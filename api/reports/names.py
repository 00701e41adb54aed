"""What a file is called that is sent, whatever the thing in it calls itself.

Header: RFC 6266, Content-Disposition; the name beyond ASCII as RFC 8187 has it, with one of ASCII
for readers that know only that.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

MOST_CHARACTERS: Final = 80
"""Of the name of the thing; the rest is short, and file systems stop at 255 bytes."""
_FALLBACK: Final = "report"
_NOT_A_WORD: Final = re.compile(r"[^A-Za-z0-9]+", re.ASCII)
_NOT_IN_NAMES: Final = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


def disposition(name: str, ending: str, *, inline: bool = False) -> str:
    """The value of Content-Disposition for a file ``<name>-<ending>``."""
    kind = "inline" if inline else "attachment"
    plain = f"{_ascii(name)}-{ending}"
    told = quote(f"{_told(name)}-{ending}", safe="")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{told}"


def _ascii(name: str) -> str:
    """Letters and digits, words divided by hyphens."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return _NOT_A_WORD.sub("-", letters)[:MOST_CHARACTERS].strip("-") or _FALLBACK


def _told(name: str) -> str:
    """The name as it is, without what no file system takes, or takes for something else."""
    shown = "".join(each for each in name if unicodedata.category(each)[0] != "C")
    return _NOT_IN_NAMES.sub(" ", shown)[:MOST_CHARACTERS].strip(" .-~") or _FALLBACK
