"""Errors as PACT v3 has them: a code out of six, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

CODES: Final = (
    "BadRequest",
    "AccessDenied",
    "TokenExpired",
    "NotFound",
    "InternalError",
    "NotImplemented",
)

_OF_STATUS: Final[Mapping[int, str]] = MappingProxyType(
    {
        HTTPStatus.FORBIDDEN: "AccessDenied",
        HTTPStatus.NOT_FOUND: "NotFound",
        HTTPStatus.GONE: "NotFound",
        HTTPStatus.NOT_IMPLEMENTED: "NotImplemented",
    }
)
_OF_CONDITION: Final[Mapping[str, str]] = MappingProxyType({"token-expired": "TokenExpired"})
"""Where the status alone does not tell: any other token that is refused is a BadRequest."""


def pact_error(problem: Mapping[str, Any]) -> dict[str, str]:
    """The error object that says what a problem document says.

    Every broken rule has its place before it; where there is only one thing to say, it comes with
    what to do next.
    """
    flaws = [f"{flaw['where']}: {flaw['detail']}" for flaw in problem.get("problems", ())]
    told = flaws or [problem["detail"], *filter(None, [problem.get("advice")])]
    return {"code": _code(problem["code"], problem["status"]), "message": " ".join(told)}


def _code(condition: str, status: int) -> str:
    general = "InternalError" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "BadRequest"
    return _OF_CONDITION.get(condition) or _OF_STATUS.get(status, general)
