"""The blueprint every JSON operation belongs to: query parameters are read strictly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NoReturn, Protocol, TypeVar, cast

import flask_smorest
import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from api.errors import ParametersRefused

V = TypeVar("V", bound=Callable[..., Any])


class _Decorator(Protocol):
    def __call__(self, view: V, /) -> V: ...


class _QueryParser(FlaskParser):
    """Leaves it to the schema what to do with unknown parameters, and speaks our vocabulary."""

    DEFAULT_VALIDATION_STATUS = HTTPStatus.BAD_REQUEST

    def __init__(self) -> None:
        super().__init__(unknown=None)

    def handle_error(
        self,
        error: ma.ValidationError,
        req: Request,
        schema: ma.Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        problems = tuple(_problems(error.messages))
        raise ParametersRefused(problems[0][0], problems)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # it comes without types
    """Used like its base, whose decorators it gives types; parameters are those of the query."""

    ARGUMENTS_PARSER = _QueryParser()

    def route(self, rule: str, **options: Any) -> _Decorator:
        return cast(_Decorator, super().route(rule, **options))

    def query(self, schema: type[ma.Schema]) -> _Decorator:
        """Decorate a view that takes the query parameters of ``schema`` as a dict."""
        return cast(_Decorator, self.arguments(schema, location="query"))

    def response(self, status_code: int, schema: Any = None, **documented: Any) -> _Decorator:
        return cast(_Decorator, super().response(status_code, schema, **documented))

    def alt_response(self, status_code: int, **documented: Any) -> _Decorator:
        return cast(_Decorator, super().alt_response(status_code, **documented))

    @staticmethod
    def doc(**members: Any) -> _Decorator:
        return cast(_Decorator, flask_smorest.Blueprint.doc(**members))


def _problems(messages: Any) -> Iterator[tuple[str, str]]:
    for name, told in messages["query"].items():
        for sentence in dict.fromkeys(_sentences(told)):
            yield f"?{name}", sentence


def _sentences(told: Any) -> Iterator[str]:
    """What is wrong with a parameter; of one given several times it is told by position."""
    if isinstance(told, str):
        yield told
        return
    for each in told.values() if isinstance(told, Mapping) else told:
        yield from _sentences(each)
