"""Arrays in a file, mapped and not read: what nobody asks about stays on the disk.

The file is one of ``ledger.filed``; its header is JSON, and names the arrays in their order.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger import filed
from ledger.filed import ALIGNED, refused

Array = NDArray[Any]

_KIND: Final = b"catchment arrays\n"


def write(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> bool:
    """Put arrays into a file in place of what was there; ``header`` is kept as JSON.

    False where somebody removed the file on its way.
    """
    sections = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    text = json.dumps({**header, "sections": sections}).encode()
    return filed.write(path, _KIND, text, _content(arrays))


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header and the arrays, read-only.

    Raises ``SnapshotRefused`` for a file that is none, or not as it was written.
    """
    text, start, mapped = filed.opened(path, _KIND)
    header = _header(text, path)
    filed.check_digest(mapped, path)
    return header, dict(_arrays(header, start, mapped))


def _content(arrays: Mapping[str, Array]) -> Iterator[memoryview]:
    for array in arrays.values():
        if array.size:
            yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        yield memoryview(bytes(-array.nbytes % ALIGNED))


def _header(text: bytes, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError:
        raise refused(path, "its header cannot be read") from None
    if not isinstance(header, dict) or "sections" not in header:
        raise refused(path, "its header cannot be read")
    return header


def _arrays(
    header: Mapping[str, Any], start: int, mapped: mmap.mmap
) -> Iterator[tuple[str, Array]]:
    offset = start
    for name, kind, shape in header["sections"]:
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        yield name, np.frombuffer(mapped, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
        offset += -offset % ALIGNED
