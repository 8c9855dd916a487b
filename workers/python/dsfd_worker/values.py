"""Values of process variables as Python has them, and as proto/event.proto carries them (docs/design.md, "Ids, values, handlers").

A value that came in and goes out unchanged keeps its type: where plain Python would lose it, it comes as one of the classes below, which are
subclasses of what one expects (Long is an int, Resource a dict).
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Iterator, Mapping

from . import fhir
from .pb import event_pb2 as pb

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
# As many levels as a process variable may have.
_DEPTH = 32


class Short(int):
    """16 bits; a plain int is written with 32, or with 64 if it needs them."""


class Long(int):
    """64 bits, also when it is small."""


class StringList(list):
    """A list of texts with a type of its own (Variables.setStringList)."""


class Map(dict):
    """A map, also when it has a member resourceType and would be taken for a FHIR resource."""


class Resource(dict):
    """A FHIR resource as JSON. A dict with a resourceType is written as one, too."""


class ResourceList(list):
    """A list of FHIR resources."""


@dataclass(frozen=True)
class Target:
    """Where a message goes (dsf-bpe 4.3). An empty correlation key: none."""
    organization_identifier: str
    endpoint_identifier: str
    endpoint_url: str
    correlation_key: str = ""


class Targets(list):
    """A list of Target; models read it as ${targets.entries}."""


@dataclass(frozen=True)
class Reference:
    """A stored version of a resource."""
    type: str
    id: str
    version: int = 0


@dataclass(frozen=True)
class JsonObject:
    """A JSON value with the name of its class (Variables.setJsonVariable)."""
    class_name: str
    content: Any


@dataclass(frozen=True)
class Opaque:
    """Bytes that only the worker that made them understands."""
    class_name: str
    data: bytes
    owner: str = ""


@dataclass(frozen=True)
class Typed:
    """A value with a serializer of the plugin's own."""
    serializer: str
    text: str = ""
    number: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Blob:
    id: str
    size: int
    sha256: str


class UnsupportedValue(TypeError):
    """A Python object that no process variable can hold."""


def text_in(raw: bytes) -> str:
    # What a partner or an older handler sent need not be UTF-8; surrogates carry it through unchanged.
    return raw.decode("utf-8", "surrogateescape")


def text_out(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def time_in(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def time_out(when: datetime) -> int:
    if when.tzinfo is None:
        raise UnsupportedValue("a datetime needs a time zone, as datetime.now(timezone.utc)")
    return (when - EPOCH) // _MICROSECOND


def target_out(t: Target, to: pb.Target) -> None:
    to.organization_identifier = text_out(t.organization_identifier)
    to.endpoint_identifier = text_out(t.endpoint_identifier)
    to.endpoint_url = text_out(t.endpoint_url)
    to.correlation_key = text_out(t.correlation_key)


def _target_in(t: pb.Target) -> Target:
    return Target(text_in(t.organization_identifier), text_in(t.endpoint_identifier), text_in(t.endpoint_url), text_in(t.correlation_key))


def _resource_out(r: dict, to: pb.FhirResource) -> None:
    kind = r.get("resourceType")
    if not isinstance(kind, str):
        raise UnsupportedValue("a FHIR resource needs a resourceType")
    to.type = text_out(kind)
    to.json = fhir.dumps(r)


def encode(value: Any, to: pb.Value, depth: int = 0) -> None:
    """Raises UnsupportedValue."""
    if depth > _DEPTH:
        raise UnsupportedValue(f"a value nested deeper than {_DEPTH}")
    if value is None:
        to.Clear()
    elif isinstance(value, bool):
        to.boolean = value
    elif isinstance(value, int):
        _encode_int(value, to)
    elif isinstance(value, float):
        to.f64 = value
    elif isinstance(value, Decimal):
        if not value.is_finite():
            raise UnsupportedValue("a Decimal must be finite")
        to.decimal = str(value).encode()
    elif isinstance(value, str):
        to.text = text_out(value)
    elif isinstance(value, datetime):
        to.timestamp_us = time_out(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        to.raw = bytes(value)
    elif isinstance(value, (list, tuple)):
        _encode_list(value, to, depth)
    elif isinstance(value, Mapping):
        _encode_map(value, to, depth)
    else:
        _encode_object(value, to)


def _encode_int(value: int, to: pb.Value) -> None:
    if isinstance(value, Short):
        if not -2**15 <= value < 2**15:
            raise UnsupportedValue(f"{int(value)} does not fit a Short")
        to.i16 = value
    elif not isinstance(value, Long) and -2**31 <= value < 2**31:
        to.i32 = value
    elif -2**63 <= value < 2**63:
        to.i64 = value
    else:
        raise UnsupportedValue(f"{value} needs more than 64 bits; use a Decimal or a text")


def _encode_list(value: list | tuple, to: pb.Value, depth: int) -> None:
    if isinstance(value, StringList):
        to.strings.SetInParent()
        for entry in value:
            if not isinstance(entry, str):
                raise UnsupportedValue(f"a StringList holds texts, not {type(entry).__name__}")
            to.strings.entries.append(text_out(entry))
    elif isinstance(value, Targets):
        to.targets.SetInParent()
        for entry in value:
            target_out(entry, to.targets.entries.add())
    elif isinstance(value, ResourceList):
        to.resources.SetInParent()
        for entry in value:
            _resource_out(entry, to.resources.entries.add())
    else:
        to.list.SetInParent()
        for entry in value:
            encode(entry, to.list.entries.add(), depth + 1)


def _encode_map(value: Mapping, to: pb.Value, depth: int) -> None:
    if isinstance(value, Resource) or ("resourceType" in value and not isinstance(value, Map)):
        _resource_out(dict(value), to.resource)
        return
    to.map.SetInParent()
    for name, content in value.items():
        if not isinstance(name, str):
            raise UnsupportedValue(f"a map has texts as names, not {name!r}")
        entry = to.map.entries.add()
        entry.name = text_out(name)
        entry.content.SetInParent()
        encode(content, entry.content, depth + 1)


def _encode_object(value: Any, to: pb.Value) -> None:
    if isinstance(value, Target):
        to.target.SetInParent()
        target_out(value, to.target)
    elif isinstance(value, Reference):
        to.reference.SetInParent()
        to.reference.type, to.reference.id, to.reference.version = text_out(value.type), text_out(value.id), value.version
    elif isinstance(value, JsonObject):
        to.json.SetInParent()
        to.json.class_name, to.json.json = text_out(value.class_name), fhir.dumps(value.content)
    elif isinstance(value, Opaque):
        to.opaque.SetInParent()
        to.opaque.class_name, to.opaque.data, to.opaque.owner = text_out(value.class_name), value.data, text_out(value.owner)
    elif isinstance(value, Typed):
        to.typed.SetInParent()
        to.typed.serializer, to.typed.text = text_out(value.serializer), text_out(value.text)
        to.typed.number, to.typed.data = value.number, value.data
    elif isinstance(value, Blob):
        to.blob.SetInParent()
        to.blob.id, to.blob.size, to.blob.sha256 = text_out(value.id), value.size, text_out(value.sha256)
    else:
        raise UnsupportedValue(f"a process variable can't hold a {type(value).__module__}.{type(value).__qualname__}")


def _decimal_in(raw: bytes) -> Decimal:
    try:
        return Decimal(raw.decode())
    except (InvalidOperation, UnicodeDecodeError) as e:
        raise UnsupportedValue(f"not a decimal number: {raw[:40]!r}") from e


def _resource_in(r: pb.FhirResource) -> Resource:
    return Resource(fhir.loads(r.json))


def _map_in(m: pb.ValueMap) -> dict:
    out = {text_in(e.name): decode(e.content) for e in m.entries}
    return Map(out) if "resourceType" in out else out


_DECODE = {
    None: lambda v: None,
    "boolean": lambda v: v.boolean,
    "i16": lambda v: Short(v.i16),
    "i32": lambda v: v.i32,
    "i64": lambda v: Long(v.i64),
    "f64": lambda v: v.f64,
    "decimal": lambda v: _decimal_in(v.decimal),
    "text": lambda v: text_in(v.text),
    "timestamp_us": lambda v: time_in(v.timestamp_us),
    "raw": lambda v: v.raw,
    "list": lambda v: [decode(e) for e in v.list.entries],
    "map": lambda v: _map_in(v.map),
    "strings": lambda v: StringList(text_in(e) for e in v.strings.entries),
    "target": lambda v: _target_in(v.target),
    "targets": lambda v: Targets(_target_in(e) for e in v.targets.entries),
    "resource": lambda v: _resource_in(v.resource),
    "resources": lambda v: ResourceList(_resource_in(e) for e in v.resources.entries),
    "reference": lambda v: Reference(text_in(v.reference.type), text_in(v.reference.id), v.reference.version),
    "json": lambda v: JsonObject(text_in(v.json.class_name), fhir.loads(v.json.json)),
    "opaque": lambda v: Opaque(text_in(v.opaque.class_name), v.opaque.data, text_in(v.opaque.owner)),
    "typed": lambda v: Typed(text_in(v.typed.serializer), text_in(v.typed.text), v.typed.number, v.typed.data),
    "blob": lambda v: Blob(text_in(v.blob.id), v.blob.size, text_in(v.blob.sha256)),
}


def decode(value: pb.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind not in _DECODE:
        raise UnsupportedValue(f"a value of kind {kind}, which this release of the worker does not know")
    return _DECODE[kind](value)


class Values(Mapping):
    """Names to values, read when they are asked for: a variable the handler does not use costs nothing. Of equal names the first counts."""

    def __init__(self, named: Any = ()):
        self._raw: dict[str, pb.Value] = {}
        self._read: dict[str, Any] = {}
        for n in named:
            self._raw.setdefault(text_in(n.name), n.value)

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            raw = self._raw[name]
            try:
                self._read[name] = decode(raw)
            except (ValueError, OverflowError, TypeError) as e:
                raise UnsupportedValue(f"variable {name}: {e}") from e
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return f"Values({', '.join(self._raw)})"

    def text(self, name: str) -> str:
        """The text of a string, or "" when there is none of this name."""
        value = self.get(name)
        return value if isinstance(value, str) else ""
