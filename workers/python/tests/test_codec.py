"""Values, activations and outcomes against the bytes of the C++ converter (workers/golden, plugins/worker_golden.test.cpp)."""
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from dsfd_worker import (Activation, Blob, Call, Completed, JsonObject, Long, Map, Message, Opaque, Reference, Resource, ResourceList, Scope,
                         Short, StringList, Target, Targets, TaskChange, Typed, UnsupportedValue, VariableChange, fhir, outcome, values)
from dsfd_worker.pb import event_pb2, worker_pb2 as pb

GOLDEN = Path(__file__).parents[2] / "golden"

VALUES = {
    "null": None,
    "boolean": True,
    "short": Short(-3),
    "int": -70_000,
    "long": Long(5),
    "double": 0.25,
    "decimal": Decimal("1.10"),
    "text": "Grüße",
    "odd text": "\udcff\0",
    "time": datetime.fromtimestamp(1_763_850_000, timezone.utc) + timedelta(microseconds=123_456),
    "bytes": b"\0\xff",
    "list": ["a", None, []],
    "map": {"b": 1, "a": True},
    "map like a resource": Map(resourceType="Task"),
    "strings": StringList(["x", ""]),
    "target": Target("o", "e", "u", "c"),
    "targets": Targets([Target("o", "e", "u", "c"), Target("o2", "e2", "u2")]),
    "no targets": Targets(),
    "resource": Resource(resourceType="Observation", valueQuantity={"value": Decimal("1.50")}),
    "resources": ResourceList([Resource(resourceType="Patient")]),
    "reference": Reference("Task", "id", 7),
    "json": JsonObject("org.example.Size", {"width": 2, "unit": None}),
    "opaque": Opaque("Class", b"data", "owner"),
    "typed": Typed("s", "t", -5, b"d"),
    "blob": Blob("id", 9, "hash"),
}


def golden(name):
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text().replace("\n", ""))


def wire(value):
    out = event_pb2.Value()
    values.encode(value, out)
    return out


# Would find: a kind that Python reads as another, or a name of an outer scope that hides the nearest.
def test_golden_activation():
    a = Activation(pb.Activation.FromString(golden("activation")))
    assert list(a.variables) == list(VALUES)
    for name, want in VALUES.items():
        assert a.variables[name] == want and type(a.variables[name]) is type(want), name
    assert str(a.variables["decimal"]) == "1.10"
    assert (a.call, a.event, a.class_name, a.process_key, a.version_tag) == \
        (Call.MESSAGE_THROW, "send_error", "org.example.Send", "exampleorg_golden", "1.0")
    assert (a.business_key, a.activity_id, a.attempt, a.idempotency_key) == ("business key", "Send", 4, "instance/17")
    assert a.instance_id.endswith("1") and a.activity_instance_id.endswith("2")
    assert (a.send_error.text, a.send_error.http_status) == ("HTTP 403", 403)
    assert (a.start_task.id, a.start_task.version, a.latest_task.content["id"]) == ("start", 2, "latest")
    assert [t.reference for t in a.current_tasks] == ["Task/start", "Task/latest"]
    assert a.deadline == datetime.fromtimestamp(1_763_850_600, timezone.utc)
    assert a.seconds_left(a.deadline - timedelta(seconds=5)) == 5
    assert a.target == VALUES["target"]


# Would find: an outcome that the site reads otherwise than it was meant, to the byte.
def test_golden_outcome():
    changes = [VariableChange(name, value, Scope.LOCAL) for name, value in VALUES.items()]
    changes.append(VariableChange("gone", scope=Scope.INSTANCE, remove=True))
    message = Message(Target("o", "e", "u", "c"), "canonical|1.0", "name", "profile|1.0", "key",
                      [{"valueInteger": 1}], "PT5M", [TaskChange("t1", [{}])])
    done = Completed(changes, [TaskChange("t", [{"valueString": "x"}], "failed", "why", True)], [message])
    assert pb.Outcome.FromString(golden("outcome")) == outcome.encode(done)
    assert outcome.encode(done).SerializeToString() == golden("outcome")


@pytest.mark.parametrize("value", [*VALUES.values(), 2**31 - 1, -2**31, 2**31, 2**63 - 1, -2**63, 1e308, [[{"a": [StringList()]}]], Map(), ""],
                         ids=repr)
def test_round_trip(value):
    back = values.decode(event_pb2.Value.FromString(wire(value).SerializeToString()))
    assert back == value
    assert wire(back) == wire(value)


# Would find: a number that wraps around, a time without a zone that is taken for UTC, a set stored as a list.
@pytest.mark.parametrize("value,why", [
    (2**63, "64 bits"), (Short(40_000), "Short"), (datetime(2026, 1, 1), "time zone"), (Decimal("NaN"), "finite"), ({1: 2}, "names"),
    ({"a": {1, 2}}, "builtins.set"), (StringList([1]), "texts"), (Resource(), "resourceType"), (ResourceList([{}]), "resourceType"),
    (VALUES["json"].__class__("c", {"x": object()}), "no form in JSON"), (Decimal("Infinity"), "finite")])
def test_what_no_variable_can_hold(value, why):
    with pytest.raises(TypeError, match=why):
        wire(value)


def test_a_value_nested_too_deep():
    value = []
    for _ in range(40):
        value = [value]
    with pytest.raises(UnsupportedValue, match="deeper than 32"):
        wire(value)


def test_an_unused_variable_that_python_cannot_hold_hurts_nobody():
    far = event_pb2.Value(timestamp_us=2**62)
    v = values.Values([pb.NamedValue(name=b"far", value=far), pb.NamedValue(name=b"n", value=wire(1))])
    assert v["n"] == 1 and "far" in v and v.get("other") is None
    with pytest.raises(UnsupportedValue, match="variable far"):
        v["far"]


# Would find: digits lost between the site and a handler, a JSON that other programs can't read.
def test_json_keeps_digits_and_order():
    text = '{"b":1.10,"e":-12.500,"a":[0.00001,true,null,"ä\\n"],"c":{}}'
    assert fhir.dumps(fhir.loads(text)) == text.encode()
    for bad in (float("nan"), Decimal("NaN")):
        with pytest.raises(ValueError):
            fhir.dumps({"x": bad})
