"""Bring values read from YAML to the declared type of a field, or say what was expected."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from vlrl.contracts import UserError
from vlrl.nearest import did_you_mean

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_LISTS = (list, tuple)


def field_types(dataclass: type) -> dict[str, Any]:
    """Field name -> type, of the fields that a dataclass is made from."""
    hints = typing.get_type_hints(dataclass)
    return {each.name: hints[each.name] for each in dataclasses.fields(dataclass) if each.init}


def coerce(value: Any, kind: Any, where: str) -> Any:
    """`value` as the type `kind`; raises UserError that begins with `where`.

    Numbers may be written as text (`"2e-6"`), whole numbers serve as numbers, one value serves as a
    list of one; a union takes the first member that fits as it is, else the first that can be made.
    """
    try:
        return _coerced(value, kind)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def _coerced(value: Any, kind: Any) -> Any:
    members = get_args(kind) if get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    choices = [each.value for member in members if _is_enum(member) for each in member]
    if choices and isinstance(value, str) and value not in choices:
        raise ValueError(f"{value!r} is no choice; {did_you_mean(value, choices)}")
    for attempt in (_exact, _made):
        for member in members:
            try:
                return attempt(value, member)
            except (TypeError, ValueError, OverflowError):
                continue
    expected = " or ".join(dict.fromkeys(_word(member) for member in members))
    raise ValueError(f"expected {expected}, got {value!r}")


def _exact(value: Any, kind: Any) -> Any:
    if kind is Any or (get_origin(kind) is Literal and value in get_args(kind)):
        return value
    if isinstance(kind, type) and type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return value
    raise ValueError


def _made(value: Any, kind: Any) -> Any:
    origin = get_origin(kind) or kind
    if origin is float and not isinstance(value, bool):
        return float(value)
    if origin is int and not isinstance(value, bool) and int(value) == float(value):
        return int(value)
    if origin in _LISTS:
        item = get_args(kind)[0]
        values = value if isinstance(value, _LISTS) else [value]
        return origin(_coerced(each, item) for each in values)
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        item = (get_args(kind) or (str, Any))[1]
        return {key: _coerced(each, item) for key, each in value.items()}
    raise ValueError


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _word(kind: Any) -> str:
    origin = get_origin(kind) or kind
    if origin in _LISTS:
        return "a list"
    if origin in (dict, Mapping):
        return "keys and values"
    return "null" if kind is type(None) else _WORDS.get(origin, str(kind))
