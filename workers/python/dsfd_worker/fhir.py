"""FHIR as JSON: text in and out without losing a digit, and the inputs and outputs of Tasks (dsf-bpe 1.3, 1.12)."""
from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Iterator

ORGANIZATION_SID = "http://dsf.dev/sid/organization-identifier"
ENDPOINT_SID = "http://dsf.dev/sid/endpoint-identifier"
BPMN_MESSAGE = "http://dsf.dev/fhir/CodeSystem/bpmn-message"


def loads(text: bytes | str) -> Any:
    """Numbers with a fraction become Decimal: FHIR keeps their digits."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> bytes:
    """Without white space, members in their order."""
    out: list[str] = []
    _write(value, out, 0)
    return "".join(out).encode("utf-8", "surrogateescape")


_DEPTH = 100


def _write(value: Any, out: list[str], depth: int) -> None:
    if depth > _DEPTH:
        raise ValueError(f"JSON nested deeper than {_DEPTH}")
    if value is None or isinstance(value, (bool, str)):
        out.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("JSON has no infinite numbers")
        out.append(str(value))
    elif isinstance(value, int):
        out.append(int.__repr__(value))
    elif isinstance(value, float):
        out.append(json.dumps(value, allow_nan=False))
    elif isinstance(value, dict):
        mark = "{"
        for name, member in value.items():
            if not isinstance(name, str):
                raise TypeError(f"a JSON object has texts as names, not {name!r}")
            out.append(mark + json.dumps(name, ensure_ascii=False) + ":")
            _write(member, out, depth + 1)
            mark = ","
        out.append("}" if mark == "," else "{}")
    elif isinstance(value, (list, tuple)):
        mark = "["
        for entry in value:
            out.append(mark)
            _write(entry, out, depth + 1)
            mark = ","
        out.append("]" if mark == "," else "[]")
    else:
        raise TypeError(f"a {type(value).__name__} has no form in JSON")


def identifier(system: str, value: str) -> dict:
    return {"system": system, "value": value}


def coding(system: str, code: str) -> dict:
    return {"system": system, "code": code}


def concept(system: str, code: str) -> dict:
    return {"coding": [coding(system, code)]}


def parameter(system: str, code: str, value_name: str, value: Any) -> dict:
    """An element of Task.input or Task.output: parameter(SYSTEM, "code", "valueString", "text")."""
    return {"type": concept(system, code), value_name: value}


def parameters(elements: list | None, system: str, code: str) -> Iterator[dict]:
    for element in elements or ():
        for c in element.get("type", {}).get("coding", ()):
            if c.get("system") == system and c.get("code") == code:
                yield element
                break


def input_of(task: dict, system: str, code: str) -> dict:
    """The first input with this coding, or an empty dict."""
    return next(parameters(task.get("input"), system, code), {})


def outputs_of(task: dict, system: str, code: str) -> list[dict]:
    return list(parameters(task.get("output"), system, code))
