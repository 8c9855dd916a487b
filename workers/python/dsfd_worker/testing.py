"""Process tests: a whole site without a network runs the process, the worker under test runs its handlers, and time moves when the test says so.

    site = site_fixture(bundle=FOLDER, worker=ping.worker, partners=["dic-a.example", "dic-b.example"])

    def test_nobody_answers(site):
        started = site.start("startPing")
        site.advance("PT5M")
        assert started.status == "completed"

The site is dsfd_testbed, a program of dsfd: the real engine, endpoint and worker service over a store in memory.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping

from . import fhir, values
from .connection import Connection
from .pb import worker_pb2 as pb
from .worker import Worker

_CONNECT_SECONDS = 10
_STOP_SECONDS = 10
_ROUNDS = 1_000


class TestbedError(Exception):
    """The site could not do what the test asked for."""
    __test__ = False


def find_testbed() -> str:
    named = os.environ.get("DSFD_TESTBED") or shutil.which("dsfd_testbed")
    if named:
        return named
    for folder in Path(__file__).resolve().parents:
        found = folder / "build" / "release" / "site" / "testbed" / "dsfd_testbed"
        if found.exists():
            return str(found)
    raise TestbedError("dsfd_testbed is not built or not found: build target dsfd_testbed, or name the program in DSFD_TESTBED")


@dataclass(frozen=True)
class Partner:
    organization: str
    role: str = "DIC"


class Sent:
    """A message that left the site, as the partner got it."""

    def __init__(self, wire: dict):
        self.url: str = wire["url"]
        self.to: str = wire["to"]
        self.status: int = wire["status"]  # what the partner answered; 0: not reachable
        self.task: dict = wire["task"]

    @property
    def delivered(self) -> bool:
        return 200 <= self.status < 300

    def text(self, system: str, code: str) -> str:
        return fhir.input_of(self.task, system, code).get("valueString", "")

    @property
    def message_name(self) -> str:
        return self.text(fhir.BPMN_MESSAGE, "message-name")

    @property
    def business_key(self) -> str:
        return self.text(fhir.BPMN_MESSAGE, "business-key")

    @property
    def correlation_key(self) -> str:
        return self.text(fhir.BPMN_MESSAGE, "correlation-key")

    def __repr__(self) -> str:
        return f"Sent({self.message_name} to {self.to}, {self.status})"


@dataclass(frozen=True)
class Mail:
    """A mail that a process sent."""
    subject: str
    text: str
    to: list[str]
    message_id: str


@dataclass
class Instance:
    id: str
    process: str
    business_key: str
    state: str  # running, completed, failed, incident
    reason: str
    activities: list[str]
    waits: list[dict]
    variables: values.Values  # of the process's own scope


class Received:
    """A Task that the site took, and what became of it: read anew each time."""

    def __init__(self, site: "Site", id: str):
        self._site = site
        self.id = id

    @property
    def task(self) -> dict:
        return self._site.read("Task", self.id)

    @property
    def status(self) -> str:
        return self.task["status"]

    def outputs(self, system: str, code: str) -> list[dict]:
        return fhir.outputs_of(self.task, system, code)

    @property
    def error(self) -> str:
        """The texts of its error outputs."""
        return "\n".join(o.get("valueString", "") for o in self.outputs(fhir.BPMN_MESSAGE, "error"))

    @property
    def business_key(self) -> str:
        return fhir.input_of(self.task, fhir.BPMN_MESSAGE, "business-key").get("valueString", "")

    @property
    def instance(self) -> Instance:
        key = self.business_key
        for i in self._site.instances():
            if i.business_key == key:
                return i
        raise TestbedError(f"Task/{self.id} ({self.status}) has no process instance: {self.error}")


def _input(element: Any) -> dict:
    """A Task.input element as it is, or (system, code, text)."""
    return element if isinstance(element, dict) else fhir.parameter(element[0], element[1], "valueString", element[2])


class Site:
    """A site of its own for one test. Every command comes back when all handlers are done and nothing is left to do before time moves."""

    def __init__(self, bundle: str | os.PathLike | Iterable[str | os.PathLike], workers: Iterable[Worker], partners: Iterable[str | Partner],
                 organization: str = "site.test", role: str = "HRP", settings: Mapping[str, str] | None = None, time: str = "",
                 processes: Iterable[str] = (), parent: str = "network.test", patience: float = 10.0,
                 connections: Mapping[str, str] | None = None):
        self._workers = list(workers)
        plugins = {w.plugin for w in self._workers}
        if len(plugins) != 1:
            raise TestbedError("the workers of one site belong to one plugin")
        self.organization = organization
        self._folder = tempfile.mkdtemp(prefix="dsfd-test-")
        self._answers: list[tuple[str, str, Callable[[Sent], Any]]] = []
        self._seen = 0
        self._reacting = False
        self.log_file = os.path.join(self._folder, "site.log")
        socket = os.path.join(self._folder, "w.sock")
        bundles = [bundle] if isinstance(bundle, (str, os.PathLike)) else list(bundle)
        keys = sorted({p for w in self._workers for p, _, _ in w.handlers})
        config = {
            "socket": socket, "bundles": [os.fspath(Path(b).resolve()) for b in bundles], "plugin": plugins.pop(), "parent": parent,
            "processes": list(processes) or keys, "site": {"organization": organization, "role": role},
            "partners": [vars(p if isinstance(p, Partner) else Partner(p)) for p in partners],
            "settings": dict(settings or {}), "connections": dict(connections or {}), "patience_ms": int(patience * 1000), "log": self.log_file,
        }
        if time:
            config["time"] = time
        self._running: list = []
        self._program = subprocess.Popen([find_testbed()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        try:
            self._exchange(config)
            for w in self._workers:
                running = w.start(Connection(socket))
                self._running.append(running)
                if not running.wait_connected(_CONNECT_SECONDS):
                    raise TestbedError(str(running.refused or "the worker does not come to the site"))
        except BaseException:
            self.close()
            raise

    # ---- what happens

    def start(self, message: str, inputs: Iterable[Any] = (), *, process: str = "", business_key: str = "", wait: bool = True) -> Received:
        """A Task of the site itself, as an operator or a user would make it. Inputs beyond DSF's three: elements, or (system, code, text)."""
        return self.receive(message, "", inputs, process=process, business_key=business_key, wait=wait)

    def receive(self, message: str, sender: str, inputs: Iterable[Any] = (), *, process: str = "", business_key: str = "",
                correlation_key: str = "", wait: bool = True) -> Received:
        """A Task from a partner."""
        answer = self._do("receive", message=message, process=process, business_key=business_key, correlation_key=correlation_key,
                          inputs=[_input(i) for i in inputs], wait=wait, **({"from": sender} if sender else {}))
        return Received(self, answer["task"])

    def answer(self, sent: Sent, message: str, inputs: Iterable[Any] = (), *, process: str = "") -> Received:
        """The partner that got `sent` answers it."""
        return self.receive(message, sent.to, inputs, process=process, business_key=sent.business_key, correlation_key=sent.correlation_key)

    def advance(self, duration: str, wait: bool = True) -> datetime:
        """Time passes ("PT5M"): every timer and every retry on the way happens at its own time. wait=False: also while handlers run."""
        return datetime.fromisoformat(self._do("advance", by=duration, wait=wait)["now"].replace("Z", "+00:00"))

    def settle(self) -> None:
        """Until nothing is left to do before time moves; commands do it by themselves, but for wait=False."""
        self._do("settle")

    # ---- partners

    def script(self, partner: str, *answers: int | tuple[int, str] | None) -> None:
        """How a partner answers the messages from now on, the last one for ever: a status, (status, text), or None for not reachable."""
        pairs = [(0, "") if a is None else a if isinstance(a, tuple) else (a, "") for a in answers]
        self._do("script", partner=partner, answers=[{"status": status, "text": text} for status, text in pairs])

    def on(self, message: str, do: Callable[[Sent], Any], partner: str = "") -> None:
        """Whenever this message was delivered (to this partner): site.on("ping", lambda sent: site.answer(sent, "pong"))."""
        self._answers.append((message, partner, do))

    def serve(self, url: str, resource: dict) -> None:
        """What reading this URL finds, at a partner's endpoint or at a FHIR connection."""
        self._do("script", serve=url, body=resource)

    def put(self, resource: dict) -> dict:
        """Creates a resource at the site's own endpoint."""
        return self._do("put", resource=resource)["resource"]

    # ---- what can be seen

    @property
    def sent(self) -> list[Sent]:
        """All messages that left the site, refused ones and each attempt too."""
        return [Sent(s) for s in self._do("sent")["sent"]]

    @property
    def mail(self) -> list[Mail]:
        """All mails that processes sent, in their order."""
        return [Mail(**m) for m in self._do("mail")["mail"]]

    def read(self, type: str, id: str) -> dict:
        return self._do("read", type=type, id=id)["resource"]

    def instances(self) -> list[Instance]:
        out = []
        for i in self._do("instances")["instances"]:
            activation = pb.Activation.FromString(bytes.fromhex(i["variables"]))
            out.append(Instance(i["id"], i["process"], i["business_key"], i["state"], i["reason"], i["activities"], i["waits"],
                                values.Values(activation.variables)))
        return out

    # ---- the program

    def _do(self, what: str, **more: Any) -> dict:
        answer = self._exchange({"do": what, **more})
        if what in ("receive", "advance", "settle") and self._answers and not self._reacting:
            self._react()
        return answer

    def _react(self) -> None:
        self._reacting = True
        try:
            for _ in range(_ROUNDS):
                fresh = [Sent(s) for s in self._exchange({"do": "sent", "from": self._seen})["sent"]]
                if not fresh:
                    return
                self._seen += len(fresh)
                for sent in fresh:
                    for message, partner, do in self._answers:
                        if sent.delivered and sent.message_name == message and partner in ("", sent.to):
                            do(sent)
            raise TestbedError(f"site and partners still answer each other after {_ROUNDS} rounds")
        finally:
            self._reacting = False

    def _exchange(self, line: dict) -> dict:
        try:
            self._program.stdin.write(fhir.dumps(line).decode() + "\n")
            self._program.stdin.flush()
            answer = self._program.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            raise TestbedError(f"dsfd_testbed ended with exit code {self._program.wait(_STOP_SECONDS)}; its log: {self.log_file}")
        read = json.loads(answer)
        if not read["ok"]:
            raise TestbedError(read["error"])
        return read

    def close(self) -> None:
        for running in self._running:
            running.stop_soon()
        for running in self._running:
            running.stop(2.0)
        self._program.stdin.close()
        try:
            self._program.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        self._program.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def site_fixture(*, bundle: Any, worker: Worker | Iterable[Worker], partners: Iterable[str | Partner] = (), **more: Any) -> Any:
    """A pytest fixture that gives each test a Site of its own. `more`: as Site takes it."""
    import pytest

    workers = [worker] if isinstance(worker, Worker) else list(worker)

    @pytest.fixture
    def site():
        with Site(bundle, workers, partners, **more) as s:
            yield s

    return site
