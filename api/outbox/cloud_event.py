"""CloudEvents 1.0 in structured mode: one JSON object with what happened and about what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from api.web.wire import iso_time

MEDIA_TYPE: Final = "application/cloudevents+json"
SPEC_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """Something that happened; ``source`` and ``id`` together name it for good.

    ``data`` may hold `orjson.Fragment` for what is JSON already. ``time_ms`` is milliseconds since
    1970 (UTC).
    """

    id: str
    type: str
    source: str
    time_ms: int
    data: Mapping[str, Any]
    subject: str | None = None

    @property
    def body(self) -> bytes:
        """The whole event as JSON (CloudEvents JSON format, section 3)."""
        about = {} if self.subject is None else {"subject": self.subject}
        return orjson.dumps(
            {
                "specversion": SPEC_VERSION,
                "id": self.id,
                "source": self.source,
                "type": self.type,
                "time": iso_time(self.time_ms),
                **about,
                "data": self.data,
            }
        )
