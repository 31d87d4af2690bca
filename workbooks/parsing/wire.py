"""Messages between this process and its children: framed pickles, of which few kinds may come back."""

import importlib
import pickle
import struct
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import cache
from io import BytesIO
from types import MappingProxyType
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<Q")
_OURS = "workbooks."
# Types of the interpreter itself: none of them can be changed through a pickle, and none does anything when called.
_PLAIN = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (date, datetime, time, timedelta, timezone, Decimal, frozenset, set, bytearray, complex)
}


class MessageError(Exception):
    """What came back is not a message: the child was cut off, or is not itself any more."""


def dumps(value: object) -> bytes:
    """*value* as a message; our dataclasses, enumerations and exceptions go by name."""
    out = BytesIO()
    _Pickler(out, pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getvalue()


def loads(data: bytes) -> Any:
    """
    The value of a message from a child, which may have been taken over by what it read.

    Raises:
        MessageError: It is damaged, or holds anything but plain values and this package's
            own dataclasses, enumerations and exceptions.
    """
    try:
        # A forged pickle can raise anything.
        return _Restricted(BytesIO(data)).load()
    except Exception as error:
        raise MessageError(f"{type(error).__name__}: {error}") from error


def loads_trusted(data: bytes) -> Any:
    """The value of a message from the parent process."""
    return _Trusting(BytesIO(data)).load()


def send(stream: BinaryIO, data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO, at_most: int) -> bytes:
    """
    The next message on *stream*; empty when the other side has closed it.

    Raises:
        MessageError: It is cut off, or longer than *at_most* bytes.
    """
    head = stream.read(_LENGTH.size)
    if not head:
        return b""
    if len(head) < _LENGTH.size:
        raise MessageError("cut off")
    length = _LENGTH.unpack(head)[0]
    if length > at_most:
        raise MessageError(f"{length} bytes announced")
    data = stream.read(length)
    if len(data) < length:
        raise MessageError("cut off")
    return data


class _Build:
    """
    Makes one of our objects from its type's name and its values.

    An object without attributes, so that a forged pickle can only call it: a class or
    function handed to the unpickler could be altered by it.
    """

    __slots__ = ()

    def __reduce__(self) -> str:
        return "build"

    def __call__(self, name: str, values: Any) -> Any:
        kind = _kind(name)
        if issubclass(kind, Enum):
            return kind[values]
        attributes = _attributes(kind)
        if attributes is None:
            return kind(*values)
        made: Any = object.__new__(kind)
        for attribute, value in zip(attributes, values, strict=True):
            object.__setattr__(made, attribute, value)
        return made


build = _Build()


class _Freeze:
    """Makes a read-only mapping, which pickle cannot."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return "freeze"

    def __call__(self, values: Any) -> MappingProxyType[Any, Any]:
        return MappingProxyType(dict(values))


freeze = _Freeze()


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        kind: Any = type(value)
        if kind is MappingProxyType:
            return freeze, (dict(value),)
        if not kind.__module__.startswith(_OURS) or kind in (_Build, _Freeze):
            return NotImplemented
        name = f"{kind.__module__}:{kind.__qualname__}"
        if isinstance(value, Enum):
            return build, (name, value.name)
        if (attributes := _attributes(kind)) is not None:
            return build, (name, tuple(getattr(value, attribute) for attribute in attributes))
        if isinstance(value, BaseException):
            return build, (name, value.args)
        if isinstance(value, tuple):
            return build, (name, tuple(value))
        return NotImplemented


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == __name__ and name in ("build", "freeze"):
            return build if name == "build" else freeze
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        raise MessageError(f"{module}.{name} is not taken from a child")


class _Trusting(pickle.Unpickler):
    pass


@cache
def _attributes(kind: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass, in the order they are sent in; None for another type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


@cache
def _kind(name: str) -> Any:
    """The dataclass, enumeration, named tuple or exception called "workbooks.module:Name"."""
    module, _, qualname = name.partition(":")
    if not module.startswith(_OURS) or not qualname.isidentifier():
        raise MessageError(f"{name} is not taken from a child")
    kind: Any = getattr(importlib.import_module(module), qualname)
    if not isinstance(kind, type) or kind.__module__ != module:
        raise MessageError(f"{name} is not taken from a child")
    ours: Any = kind
    if _attributes(ours) is None and not issubclass(ours, (Enum, Exception, tuple)):
        raise MessageError(f"{name} is not taken from a child")
    return ours
