"""What a handler gets: plugins/handler.hpp, field by field."""
from __future__ import annotations

import enum
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from . import fhir, values
from .outcome import Failed, Message, TaskChange
from .pb import worker_pb2 as pb


class Call(enum.Enum):
    SERVICE_TASK = 0
    SEND_TASK = 1
    MESSAGE_THROW = 2
    MESSAGE_END = 3
    EXECUTION_LISTENER = 4
    TASK_LISTENER = 5
    EXPRESSION_DELEGATE = 6


class Cancelled(Exception):
    """Raised by Activation.check(): the site does not wait for this handler any more."""


@dataclass(frozen=True)
class SendError:
    text: str
    http_status: int  # 0: not reachable until the deadline


class Task:
    """A FHIR Task as the instance sees it, with the instance's own pending changes."""

    def __init__(self, document: pb.TaskDocument):
        self.id: str = document.id
        self.version: int = document.version
        self._raw: bytes = document.content
        self._content: dict | None = None

    @property
    def content(self) -> dict:
        if self._content is None:
            self._content = fhir.loads(self._raw) if self._raw else {}
        return self._content

    @property
    def reference(self) -> str:
        return f"Task/{self.id}"

    @property
    def requester(self) -> str:
        """The organization that sent it; fails the handler when the Task names none."""
        who = self.content.get("requester", {}).get("identifier", {})
        if who.get("system") != fhir.ORGANIZATION_SID or not who.get("value"):
            raise Failed("Task.requester.identifier: the requester must be an organization by its identifier", retryable=False)
        return who["value"]

    def input(self, system: str, code: str) -> dict:
        """The first input with this coding, or an empty dict."""
        return fhir.input_of(self.content, system, code)

    def text_input(self, system: str, code: str, value_name: str = "valueString") -> str:
        """Its text; fails the handler when there is none."""
        text = self.input(system, code).get(value_name)
        if not isinstance(text, str) or not text:
            raise Failed(f"Task.input: the Task needs an input {code} with a {value_name}", retryable=False)
        return text

    def outputs(self) -> list[dict]:
        return self.content.get("output", [])

    def change(self, *outputs: dict, status: str = "", status_reason: str = "", write_now: bool = False) -> TaskChange:
        """A change to this Task, for Completed.tasks, BpmnError.tasks or Message.on_delivered."""
        return TaskChange(self.id, list(outputs), status, status_reason, write_now)


class Activation:
    def __init__(self, wire: pb.Activation, delivery: int = 1):
        self.call = Call(wire.call)
        self.event: str = wire.event  # listeners: start, end, create, ...; send activities: "" or "send_error"
        self.class_name: str = wire.class_name
        self.process_key: str = wire.process_key
        self.version_tag: str = wire.version_tag
        self.instance_id: str = wire.instance_id
        self.business_key: str = values.text_in(wire.business_key)
        self.activity_id: str = wire.activity_id
        self.activity_instance_id: str = wire.activity_instance_id
        self.fields = values.Values(wire.fields)
        self.variables = values.Values(wire.variables)  # nearest scope first
        self._start = Task(wire.start_task) if wire.HasField("start_task") else None
        self.latest_task = Task(wire.latest_task) if wire.HasField("latest_task") else None
        self.current_tasks = [Task(t) for t in wire.current_tasks]
        self.attempt: int = wire.attempt
        self.delivery = delivery  # more than 1: another session had this attempt and was lost
        self.deadline: datetime | None = values.time_in(wire.deadline_us) if wire.deadline_us > 0 else None
        self.idempotency_key: str = wire.idempotency_key  # equal over all attempts
        self.cancel_reason: str = ""
        self._cancelled = threading.Event()

    @property
    def start_task(self) -> Task:
        """The Task that started the instance; fails the handler when there is none."""
        if self._start is None:
            raise Failed("Task: the instance was not started by a Task", retryable=False)
        return self._start

    @property
    def has_start_task(self) -> bool:
        return self._start is not None

    # ---- cancellation and time

    @property
    def cancelled(self) -> bool:
        """The site does not wait for the outcome any more: interrupted, deadline, lease_expired, site_stops or disconnected."""
        return self._cancelled.is_set()

    def wait_cancelled(self, seconds: float) -> bool:
        """A pause that ends early when the activation is cancelled."""
        return self._cancelled.wait(seconds)

    def check(self) -> None:
        """Raises Cancelled when the site does not wait any more; for long loops."""
        if self.cancelled:
            raise Cancelled(self.cancel_reason)

    def cancel(self, reason: str) -> None:
        self.cancel_reason = self.cancel_reason or reason
        self._cancelled.set()

    def seconds_left(self, now: datetime | None = None) -> float | None:
        """Until the deadline, None: it has none."""
        if self.deadline is None:
            return None
        return (self.deadline - (now or datetime.now(timezone.utc))).total_seconds()

    # ---- sends

    @property
    def send_error(self) -> SendError | None:
        """Set when the handler is called once more, because its message was refused or not delivered in time."""
        if self.event != "send_error":
            return None
        status = self.fields.get("http_status")
        return SendError(self.fields.text("error")[:1000], status if isinstance(status, int) else 0)

    @property
    def target(self) -> values.Target:
        """Variable `target`; fails the handler when the model did not set it."""
        found = self.variables.get("target")
        if not isinstance(found, values.Target):
            raise Failed(f"{self.activity_id}: variable target is not set; a step before must select it", retryable=False)
        return found

    def message(self, to: values.Target | None = None, **more: Any) -> Message:
        """The message that the model's fields describe (dsf-bpe 1.10), with the instance's business key; to variable `target` by default."""
        texts = {name: self.fields.text(name) for name in ("instantiatesCanonical", "messageName", "profile")}
        for name, text in texts.items():
            if not text:
                raise Failed(f"{self.activity_id}: the model gives no field {name} to {self.class_name}", retryable=False)
        arguments = {"business_key": self.business_key, **more}
        return Message(to or self.target, texts["instantiatesCanonical"], texts["messageName"], texts["profile"], **arguments)

    def __repr__(self) -> str:
        return f"Activation({self.class_name} at {self.activity_id} of {self.process_key}|{self.version_tag} {self.instance_id}, attempt {self.attempt})"
