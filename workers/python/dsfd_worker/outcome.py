"""What a handler hands back. All of it is durable in one commit with the step it belongs to, or none of it."""
from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping

from . import fhir, values
from .pb import event_pb2, worker_pb2 as pb


class Scope(enum.Enum):
    NEAREST = 0   # the scope that has the variable, else the instance
    LOCAL = 1     # the current execution
    INSTANCE = 2


@dataclass
class VariableChange:
    name: str
    value: Any = None
    scope: Scope = Scope.NEAREST
    remove: bool = False


@dataclass
class TaskChange:
    """Outputs (Task.output elements as dicts) and status of a received Task. write_now: a version of its own at once, else with the final one."""
    task_id: str
    add_outputs: list[dict] = field(default_factory=list)
    status: str = ""  # "" or "failed"
    status_reason: str = ""
    write_now: bool = False


@dataclass
class Message:
    """A message to another site. Inputs beyond DSF's three are Task.input elements as dicts; the changes of on_delivered happen when it arrived."""
    to: values.Target
    instantiates_canonical: str
    message_name: str
    profile: str
    business_key: str
    additional_inputs: list[dict] = field(default_factory=list)
    send_deadline: str = ""  # ISO 8601 duration; "": the process's own
    on_delivered: list[TaskChange] = field(default_factory=list)


def changes_of(variables: Mapping[str, Any] | Iterable[VariableChange] | None) -> list[VariableChange]:
    if variables is None:
        return []
    if isinstance(variables, Mapping):
        return [VariableChange(name, value) for name, value in variables.items()]
    return list(variables)


class Completed:
    """Completed(variables={"count": 3}), or step by step: done = Completed(); done.set("count", 3)."""

    def __init__(self, variables: Mapping[str, Any] | Iterable[VariableChange] | None = None, tasks: Iterable[TaskChange] = (),
                 messages: Iterable[Message] = ()):
        self.variables = changes_of(variables)
        self.tasks = list(tasks)
        self.messages = list(messages)

    def set(self, name: str, value: Any, scope: Scope = Scope.NEAREST) -> "Completed":
        self.variables.append(VariableChange(name, value, scope))
        return self

    def set_local(self, name: str, value: Any) -> "Completed":
        return self.set(name, value, Scope.LOCAL)

    def set_in_instance(self, name: str, value: Any) -> "Completed":
        return self.set(name, value, Scope.INSTANCE)

    def remove(self, name: str, scope: Scope = Scope.NEAREST) -> "Completed":
        self.variables.append(VariableChange(name, None, scope, True))
        return self

    def change(self, change: TaskChange) -> "Completed":
        self.tasks.append(change)
        return self

    def send(self, message: Message) -> "Completed":
        self.messages.append(message)
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Completed) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"Completed(variables={self.variables}, tasks={self.tasks}, messages={self.messages})"


class _Raised(Exception):
    """These outcomes may be returned or raised."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = Exception.__hash__


class BpmnError(_Raised):
    """Goes to the boundary event or event sub-process for this code."""

    def __init__(self, code: str, message: str = "", variables: Mapping[str, Any] | Iterable[VariableChange] | None = None,
                 tasks: Iterable[TaskChange] = ()):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.variables = changes_of(variables)
        self.tasks = list(tasks)


class Failed(_Raised):
    """A technical failure. retryable: the same call may succeed later."""

    def __init__(self, error: str, retryable: bool = True):
        super().__init__(error)
        self.error = error
        self.retryable = retryable


class EndInstance(_Raised):
    """Ends the whole process instance; its start Task fails with the reason."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


Outcome = Completed | BpmnError | Failed | EndInstance


def of_result(result: Any) -> Outcome:
    """What a handler returned: nothing is Completed(), a dict is Completed(variables)."""
    if result is None:
        return Completed()
    if isinstance(result, (Completed, BpmnError, Failed, EndInstance)):
        return result
    if isinstance(result, Mapping):
        return Completed(result)
    raise values.UnsupportedValue(f"a handler returns an outcome, a dict of variables or nothing, not a {type(result).__name__}")


def _put_changes(changes: list[VariableChange], to: Any) -> None:
    for c in changes:
        out = to.add()
        out.scope = Scope(c.scope).value
        out.name = values.text_out(c.name)
        out.remove = c.remove
        out.new_value.SetInParent()
        if c.remove:
            continue
        try:
            values.encode(c.value, out.new_value)
        except (TypeError, ValueError) as e:
            raise values.UnsupportedValue(f"variable {c.name}: {e}") from e


def _put_task(t: TaskChange, out: event_pb2.TaskChange) -> None:
    out.task_id = values.text_out(t.task_id)
    for output in t.add_outputs:
        out.add_outputs.append(fhir.dumps(output))
    out.status = values.text_out(t.status)
    out.status_reason = values.text_out(t.status_reason)
    out.write_now = t.write_now


def _put_message(m: Message, out: event_pb2.OutgoingMessage) -> None:
    out.to.SetInParent()
    values.target_out(m.to, out.to)
    out.instantiates_canonical = values.text_out(m.instantiates_canonical)
    out.message_name = values.text_out(m.message_name)
    out.profile = values.text_out(m.profile)
    out.business_key = values.text_out(m.business_key)
    for element in m.additional_inputs:
        out.additional_inputs.append(fhir.dumps(element))
    out.send_deadline = values.text_out(m.send_deadline)
    for t in m.on_delivered:
        _put_task(t, out.on_delivered.add())


def encode(outcome: Outcome) -> pb.Outcome:
    """Raises UnsupportedValue, TypeError or ValueError for what can't be carried."""
    out = pb.Outcome()
    if isinstance(outcome, Completed):
        out.completed.SetInParent()
        _put_changes(outcome.variables, out.completed.variables)
        for t in outcome.tasks:
            _put_task(t, out.completed.tasks.add())
        for m in outcome.messages:
            _put_message(m, out.completed.messages.add())
    elif isinstance(outcome, BpmnError):
        out.bpmn_error.SetInParent()
        out.bpmn_error.code = values.text_out(outcome.code)
        out.bpmn_error.message = values.text_out(outcome.message)
        _put_changes(outcome.variables, out.bpmn_error.variables)
        for t in outcome.tasks:
            _put_task(t, out.bpmn_error.tasks.add())
    elif isinstance(outcome, Failed):
        out.failed.SetInParent()
        out.failed.error = values.text_out(outcome.error)
        out.failed.retryable = outcome.retryable
    else:
        out.end_instance.SetInParent()
        out.end_instance.reason = values.text_out(outcome.reason)
    return out
