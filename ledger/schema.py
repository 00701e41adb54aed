"""How a statement type is declared: once, as a frozen dataclass whose fields carry their rules.

``said(field, doc)`` attaches a marshmallow field to a dataclass attribute; ``schema_of`` derives
the marshmallow schema from the class, so names, types, rules and documentation stand in one place.
Attributes are ``snake_case`` in Python and ``camelCase`` in JSON, as in PACT.

Cross-field rules live in ``__post_init__`` and raise ``marshmallow.ValidationError``: an instance
that exists is valid, however it was made.

What was read by ``load`` once need not be judged again: ``reread`` makes the same instance from the
same members, by the same declarations, and checks nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache, partial
from itertools import islice
from typing import Any, TypeAlias, TypeVar, cast

import marshmallow as ma
from marshmallow import fields, validate

from ledger.errors import CatchmentError, StatementMalformed
from ledger.recent import Recent

T = TypeVar("T")

_PLAIN_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
_LONGEST_DECIMAL = 60
"""Room for any double written out: coefficients of real tables reach 1e-20 with 17 digits."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_PROBLEMS = 100
"""Problems named at once; whoever has more will find the rest after mending these."""
_MOST_RECENT = 256
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Text(fields.String):
    """A line or paragraph a person wrote: no NUL or control characters, no lone surrogates."""

    def __init__(self, *, max_length: int = 400, min_length: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length, self.min_length = max_length, min_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not self.min_length <= len(text) <= self.max_length:
            raise ma.ValidationError(
                f"Between {self.min_length} and {self.max_length} characters are expected."
            )
        if _CONTROL.search(text):
            raise ma.ValidationError("Control characters are not accepted.")
        return text


class EntityId(fields.String):
    """A UUID in its canonical lower-case form, chosen by whoever opens the entity."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _UUID.fullmatch(text):
            raise ma.ValidationError("A UUID in lower case with hyphens is expected.")
        return text


class Quantity(fields.Field[Decimal]):
    """A plain decimal string such as ``"12.5"``. Never a JSON number, never an exponent."""

    def __init__(
        self, *, least: Decimal | None = None, above: Decimal | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.least, self.above = least, above

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if not isinstance(value, str):
            raise ma.ValidationError('A decimal string such as "12.5" is expected, not a number.')
        if len(value) > _LONGEST_DECIMAL:
            raise ma.ValidationError(f"At most {_LONGEST_DECIMAL} characters are expected.")
        if not _PLAIN_DECIMAL.fullmatch(value):
            raise ma.ValidationError('A plain decimal such as "12.5" is expected, no exponent.')
        number = Decimal(value)
        if self.least is not None and number < self.least:
            raise ma.ValidationError(f"At least {self.least} is expected.")
        if self.above is not None and number <= self.above:
            raise ma.ValidationError(f"More than {self.above} is expected.")
        return number

    def reread(self, value: str) -> Decimal:
        return Decimal(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else format(value, "f")


def positive(**kwargs: Any) -> Quantity:
    """A quantity above zero."""
    return Quantity(above=Decimal(0), **kwargs)


def nonnegative(**kwargs: Any) -> Quantity:
    """A quantity that is zero or more."""
    return Quantity(least=Decimal(0), **kwargs)


class Day(fields.Field[dt.date]):
    """A calendar day ``YYYY-MM-DD`` in the local time of the site it speaks of."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ma.ValidationError("A day such as 2025-01-31 is expected.")
        try:
            return dt.date.fromisoformat(value)
        except ValueError as unreal:
            raise ma.ValidationError("This day is not in the calendar.") from unreal

    def reread(self, value: str) -> dt.date:
        return dt.date.fromisoformat(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.isoformat()


class Checked(fields.String):
    """A string that one of the ledger's own parsers accepts; the text itself is kept."""

    def __init__(self, parse: Any, *, max_length: int = 256, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=1, max=max_length), **kwargs)
        self.parse = parse

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            self.parse(text)
        except CatchmentError as refused:
            raise ma.ValidationError(str(refused)) from refused
        return text


class Many(fields.List[Any]):
    """A list that becomes a tuple, so that statements stay hashable and unchangeable.

    A list given and shorter than ``least`` or longer than ``most`` is refused before its items are
    read: each wrong item costs a hundred times the bytes it was sent in.
    """

    def __init__(
        self,
        inner: fields.Field[Any],
        *,
        least: int = 0,
        most: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(inner, **kwargs)
        self._check_length = validate.Length(min=least, max=most)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, list):
            self._check_length(value)
        return tuple(super()._deserialize(value, attr, data, **kwargs))


def said(field: fields.Field[Any], doc: str) -> Any:
    """Declare a dataclass attribute by the marshmallow field that reads it.

    An attribute whose field is not required defaults to the field's ``load_default`` or ``None``.
    """
    field.metadata = {**field.metadata, "description": doc}
    if field.required:
        return dataclasses.field(metadata={"said": field})
    return dataclasses.field(default=_default(field), metadata={"said": field})


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class _StatedSchema(ma.Schema):
    """Loads into the dataclass it was derived from.

    Absent values are left out when it dumps, and so are empty lists where absence means empty.
    """

    MADE: type[Any]

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = field_obj.data_key or _camel(field_name)
        field_obj.allow_none = False

    @ma.post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.MADE(**data)

    @ma.post_dump
    def leave_out_absent(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        spared = {f.data_key for f in self.fields.values() if f.load_default == ()}
        return {
            name: value
            for name, value in data.items()
            if value is not None and not (value == [] and name in spared)
        }


_SCHEMAS: dict[type[Any], ma.Schema] = {}


def schema_of(cls: type[Any]) -> type[ma.Schema]:
    """The marshmallow schema of a dataclass declared with ``said``.

    A class attribute ``UNKNOWN`` (``marshmallow.EXCLUDE``) relaxes the default, which refuses
    members nobody declared.
    """
    return type(_instance(cls))


def _instance(cls: type[Any]) -> ma.Schema:
    if cls not in _SCHEMAS:
        _SCHEMAS[cls] = _derive(cls)()
    return _SCHEMAS[cls]


def _derive(cls: type[Any]) -> type[ma.Schema]:
    declared: dict[str, Any] = {
        f.name: f.metadata["said"] for f in dataclasses.fields(cls) if "said" in f.metadata
    }
    base = type(f"{cls.__name__}Base", (_StatedSchema,), {"MADE": cls})
    meta = type("Meta", (), {"unknown": getattr(cls, "UNKNOWN", ma.RAISE)})
    return type(f"{cls.__name__}Schema", (base,), {**declared, "Meta": meta})


def nested(cls: type[Any], **kwargs: Any) -> fields.Nested:
    """A field holding another declared dataclass."""
    return fields.Nested(schema_of(cls), **kwargs)


class _Recurring(fields.Nested):
    """Remembers what it read: most statements repeat it word for word."""

    def __init__(self, *arguments: Any, **kwargs: Any) -> None:
        super().__init__(*arguments, **kwargs)
        self._recent: Recent[Any, Any] = Recent(_MOST_RECENT)

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any
    ) -> Any:
        members = tuple(value.items()) if isinstance(value, dict) else ()
        if not all(isinstance(member, str) for _, member in members):
            members = ()  # nested or wrong: read every time, and not hashed
        if members and (known := self._recent.get(members)) is not None:
            return known
        made = super()._deserialize(value, attr, data, partial=partial, **kwargs)
        return self._recent.put(members, made) if members else made

    def reread(self, value: dict[str, str]) -> Any:
        members = tuple(value.items())
        if (known := self._recent.get(members)) is not None:
            return known
        return self._recent.put(members, _reread(self.schema)(value))


def recurring(cls: type[Any], **kwargs: Any) -> fields.Nested:
    """As `nested`, for a dataclass of texts that is the same in most statements."""
    return _Recurring(schema_of(cls), **kwargs)


def many(cls: type[Any], **kwargs: Any) -> Many:
    """A field holding a tuple of another declared dataclass."""
    return Many(nested(cls), **kwargs)


def load(cls: type[T], data: Mapping[str, Any], where: str = "") -> T:
    """Read ``data`` into ``cls``.

    Raises
    ------
    StatementMalformed
        With one ``(path, sentence)`` for every rule that was broken, not only the first; a hundred
        at most.
    """
    try:
        return cast(T, _instance(cls).load(data))
    except ma.ValidationError as refused:
        raise malformed(refused, where) from refused


def reread(cls: type[T], data: Mapping[str, Any]) -> T:
    """As ``load``, of members that ``load`` took before, at twenty times the speed.

    Nothing is checked, and members that are not of ``cls`` are passed over: only for what this
    program itself admitted and stored.
    """
    return cast(T, _reread(_instance(cls))(data))


_Reader: TypeAlias = Callable[[Any], Any]
_AS_THEY_ARE = (fields.String, fields.Integer, fields.Boolean, fields.Dict)


@cache
def _reread(schema: ma.Schema) -> _Reader:
    """How an object that was accepted before becomes an instance: slot by slot."""
    made: Any = cast(_StatedSchema, schema).MADE
    members = [
        (getattr(made, name).__set__, str(field.data_key), _reader(field), _default(field))
        for name, field in schema.fields.items()
    ]

    def read(data: Mapping[str, Any]) -> Any:
        instance = made.__new__(made)
        for put, name, reader, default in members:
            value = data.get(name)
            if value is None:  # absent; PACT also writes null for that
                put(instance, default)
            else:
                put(instance, reader(value) if reader else value)
        return instance

    return read


def _reader(field: fields.Field[Any]) -> _Reader | None:
    """How a value that was accepted before is read; ``None`` where it stays as it is.

    A field that makes something else of a value says so in ``reread``.
    """
    if hasattr(field, "reread"):
        return cast(_Reader, field.reread)
    if isinstance(field, fields.Nested):
        return _reread(field.schema)
    if isinstance(field, fields.List):
        return _items_reader(_reader(field.inner))
    if isinstance(field, fields.Tuple):
        return partial(_each, [_reader(each) or _as_it_is for each in field.tuple_fields])
    if isinstance(field, _AS_THEY_ARE):
        return None
    raise TypeError(f"{type(field).__name__} does not say how it is read again")


def _items_reader(inner: _Reader | None) -> _Reader:
    return tuple if inner is None else lambda items: tuple([inner(item) for item in items])


def _each(readers: list[_Reader], items: list[Any]) -> tuple[Any, ...]:
    return tuple([reader(item) for reader, item in zip(readers, items, strict=True)])


def _as_it_is(value: Any) -> Any:
    return value


def _default(field: fields.Field[Any]) -> Any:
    return None if field.load_default is ma.missing else field.load_default


def malformed(refused: ma.ValidationError, where: str = "") -> StatementMalformed:
    """The condition that says what marshmallow refused, in a member or when it was made."""
    messages = refused.messages
    if not isinstance(messages, Mapping):  # refused by an instance, of one of its members
        messages = {refused.field_name: messages}
    problems = tuple(islice(_flatten(messages, where), _MOST_PROBLEMS))
    return StatementMalformed(where=problems[0][0], problems=problems)


def dump(value: Any) -> dict[str, Any]:
    """Write a declared dataclass as JSON members; ``load`` of the result equals ``value``."""
    return cast(dict[str, Any], _instance(type(value)).dump(value))


def _flatten(messages: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _flatten(inner, where if name == "_schema" else f"{where}/{name}")
    elif isinstance(messages, list):
        for message in messages:
            yield from _flatten(message, where)
    else:
        yield where or "/", str(messages)
