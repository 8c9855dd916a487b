"""The worker against a site that the test plays: sessions, credits, leases, cancellation, failures, stops."""
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dsfd_worker import (BpmnError, Completed, Connection, EndInstance, Failed, Scope, ServiceError, Target, Worker)
from dsfd_worker.pb import event_pb2, worker_pb2 as pb

PACKAGE = Path(__file__).parents[1]


def text(value):
    return event_pb2.Value(text=value.encode())


@pytest.fixture
def worker():
    return Worker("test", plugin="plug", credits=2)


@pytest.fixture
def started(fake, worker):
    """start() -> (running, session), stopped at the end."""
    all = []

    def start(**welcome):
        running = worker.start(fake.connection)
        all.append(running)
        session = fake.session()
        session.welcome(**welcome)
        assert running.wait_connected(5)
        return running, session

    yield start
    for running in all:
        running.stop(1.0)


# Would find: a claim that the site can't match, credits that do not fit the threads.
def test_hello(worker, started):
    @worker.handler(process="p", cls="A")
    def a(activation, services): ...

    @worker.handler(process="p", cls="B", version="1.0")
    def b(activation, services): ...

    _, s = started()
    assert s.hello.protocol == 1 and s.hello.plugin == "plug" and s.hello.credits == 2
    assert str(os.getpid()) in s.hello.worker_name
    assert [(h.process_key, h.version_tag, h.class_name) for h in s.hello.handlers] == [("p", "", "A"), ("p", "1.0", "B")]
    with pytest.raises(ValueError, match="two handlers for A"):
        worker.handler(process="p", cls="A")(a)


# Would find: an outcome of the wrong kind, a handler's exception that ends the worker, an object that can't be carried and is swallowed.
def test_outcomes(worker, started):
    def case(function):
        worker.handler(process="p", cls=function.__name__)(function)

    @case
    def nothing(a, s): ...

    @case
    def some(a, s): return {"n": 3, "who": Target("o", "e", "u")}

    @case
    def scoped(a, s): return Completed().set_local("x", a.variables["in"]).set("y", True, Scope.INSTANCE).remove("z")

    @case
    def error(a, s): return BpmnError("code", "why", {"v": 1})

    @case
    def raised(a, s): raise BpmnError("code")

    @case
    def ended(a, s): return EndInstance("enough")

    @case
    def final(a, s): raise Failed("no", retryable=False)

    @case
    def broken(a, s): return 1 / 0

    @case
    def strange(a, s): return object()

    @case
    def unfit(a, s): return {"x": {1, 2}}

    _, s = started()

    def run(cls):
        s.activate(7, cls, variables=[("in", text("hi")), ("in", text("far"))])
        return s.outcome(7)

    assert run("nothing") == pb.Outcome(completed=pb.Completed())
    done = run("some").completed
    assert [v.name for v in done.variables] == [b"n", b"who"]
    assert done.variables[0].new_value.i32 == 3 and done.variables[0].scope == pb.NEAREST
    assert done.variables[1].new_value.target.endpoint_url == b"u"
    x, y, z = run("scoped").completed.variables
    assert (x.scope, x.new_value.text) == (pb.LOCAL, b"hi")
    assert (y.scope, y.new_value.boolean) == (pb.INSTANCE, True)
    assert z.remove and z.new_value.WhichOneof("kind") is None
    wrong = run("error").bpmn_error
    assert (wrong.code, wrong.message, wrong.variables[0].name) == (b"code", b"why", b"v")
    assert run("raised").bpmn_error.code == b"code"
    assert run("ended").end_instance.reason == b"enough"
    assert run("final").failed == pb.Failed(error=b"no", retryable=False)
    assert run("broken").failed == pb.Failed(error=b"ZeroDivisionError: division by zero", retryable=True)
    for cls, why in (("strange", b"not a object"), ("unfit", b"variable x: a process variable can't hold a builtins.set")):
        failed = run(cls).failed
        assert why in failed.error and not failed.retryable
    assert not run("unknown").failed.retryable


# Would find: an activation that waits although a thread is free, or one that runs although none is.
def test_as_many_at_the_same_time_as_credits(worker, started):
    inside, go = threading.Semaphore(0), threading.Event()

    @worker.handler(process="p", cls="A")
    def wait(a, s):
        inside.release()
        go.wait(5)

    _, s = started()
    for n in (1, 2, 3):
        s.activate(n, "A")
    assert inside.acquire(timeout=5) and inside.acquire(timeout=5)
    assert not inside.acquire(timeout=0.1)
    go.set()
    assert {s.next("outcome").activation_id for _ in range(3)} == {1, 2, 3}


# Would find: a lease that expires under a handler that works, a heartbeat for what is over.
def test_heartbeats_name_what_runs(worker, started):
    go = threading.Event()
    worker.handler(process="p", cls="A")(lambda a, s: go.wait(5) and None)
    _, s = started()
    s.activate(4, "A")
    time.sleep(0.3)
    go.set()
    s.outcome(4)
    before = len(s.beats)
    time.sleep(0.2)
    assert [4] in s.beats[:before]
    assert [] in s.beats[before + 1:] and [4] not in s.beats[before + 1:]


# Would find: a handler that can't see that its boundary event fired, or whose outcome is not given back (the credit would be lost).
def test_cancel(worker, started):
    @worker.handler(process="p", cls="A")
    def wait(a, s):
        assert a.wait_cancelled(5)
        seen.append((a.cancelled, a.cancel_reason))
        a.check()

    seen = []
    _, s = started()
    s.activate(1, "A")
    s.send(cancel=pb.Cancel(activation_id=1, reason=pb.INTERRUPTED))
    s.send(cancel=pb.Cancel(activation_id=99, reason=pb.INTERRUPTED))
    assert b"given up: interrupted" in s.outcome(1).failed.error
    assert seen == [(True, "interrupted")]


# Would find: results given to the wrong call, an error of the site that the handler can't tell from others.
def test_host_services(worker, started):
    @worker.handler(process="p", cls="A")
    def ask(a, s):
        members = s.members("parent", "DIC")
        assert s.members() == []
        assert s.local_endpoint.read("Task", "1")["x"].as_tuple().digits == (1, 5, 0)
        s.log("asked", count=len(members))
        try:
            s.setting("secret")
        except ServiceError as e:
            assert (e.kind, e.retryable) == ("forbidden", False)
        assert s.settings == {"a": "b"} and s.organization == "org"
        assert s.update_state("n", lambda old: str(int(old or b"0") + 1).encode()) == b"6"
        s.local_endpoint.create({"resourceType": "Task"})
        return {"first": members[0].target("ck")}

    states = iter([b"4", b"5"])

    def swap(c):
        right = c.swap_state.expected == b"5"
        return {"state": pb.State(value=c.swap_state.next if right else b"5", swapped=right)}

    _, s = started(settings={"a": "b"}, local_organization="org")
    member = pb.Member(organization_identifier="o", endpoint_identifier="e", endpoint_url="u")
    created = []
    s.calls = {
        "members": lambda c: {"members": pb.Members(entries=[member] if c.members.role_code == "DIC" else [])},
        "fhir_read": lambda c: {"fhir": b'{"x":1.50}'},
        "setting": lambda c: {"error": pb.ServiceError(code="worker.not_allowed", kind="forbidden", text="may not")},
        "read_state": lambda c: {"state": pb.State(value=next(states))},
        "swap_state": swap,
        "fhir_create": lambda c: created.append(c) or {"fhir": c.fhir_create.resource},
    }
    s.activate(3, "A")
    line = s.next("log")
    assert (line.activation_id, line.text, line.fields["count"]) == (3, "asked", "1")
    done = s.outcome(3)
    assert done.completed.variables[0].new_value.target.correlation_key == b"ck", done
    assert (created[0].activation_id, created[0].fhir_create.idempotency_key) == (3, "key-3")


# Would find: a lost connection that fails a process for good, or that a handler waits for for ever.
@pytest.mark.parametrize("kind,text,again", [("unavailable", "HTTP 503", True), ("unavailable", "HTTP 404 Not Found", False),
                                             ("unavailable", "HTTP 429", True), ("invalid", "no", False), ("overloaded", "later", True)])
def test_uncaught_service_errors(worker, started, kind, text, again):
    worker.handler(process="p", cls="A")(lambda a, s: s.now())
    _, s = started()
    s.calls = {"now": lambda c: {"error": pb.ServiceError(code="c", kind=kind, text=text)}}
    s.activate(1, "A")
    failed = s.outcome(1).failed
    assert failed.error == text.encode() and failed.retryable == again


# Would find: an outcome above the site's limit, which would end the session and every other activation with it.
def test_too_large(worker, started):
    worker.handler(process="p", cls="A")(lambda a, s: {"x": "y" * 5_000})
    worker.handler(process="p", cls="B")(lambda a, s: s.hash(b"y" * 5_000))
    _, s = started(max_message_bytes=2_000)
    for cls in "AB":
        s.activate(1, cls)
        failed = s.outcome(1).failed
        assert b"the site takes 2000" in failed.error and not failed.retryable


# Would find: a worker that stays away after a restart of the site; a handler that goes on for a site that is gone; an outcome of a lost session
# that is sent to the next one; a credit lost with it.
def test_connection_lost(worker, started, fake):
    go, reasons = threading.Event(), []

    @worker.handler(process="p", cls="A")
    def wait(a, s):
        a.wait_cancelled(5)
        reasons.append(a.cancel_reason)
        go.wait(5)

    running, s = started()
    s.activate(1, "A")
    while not s.beats:
        time.sleep(0.01)
    fake.stop()
    fake.listen()
    s2 = fake.session()
    assert s2.hello.credits == 1  # the other thread is still busy
    s2.welcome()
    go.set()
    assert s2.next("add_credits").credits == 1
    assert reasons == ["disconnected"]
    worker.handler(process="p", cls="B")(lambda a, s: None)
    s2.activate(1, "B")
    s2.outcome(1)


def test_refused_for_good(worker, fake):
    running = worker.start(fake.connection)
    fake.session().send(refused=pb.Refused(code="plugin", reason="no plugin 'plug'"))
    assert running.wait(5)
    assert not running.wait_connected(0)
    assert "(plugin): no plugin 'plug'" in str(running.refused)


def test_refused_for_now(worker, fake):
    running = worker.start(fake.connection)
    fake.session().send(refused=pb.Refused(code="busy", reason="wait", again=True))
    fake.session().welcome()
    assert running.wait_connected(5)
    assert running.stop(5)


# Would find: a stop that loses what runs, that takes new work, or that never ends.
def test_stop_finishes_what_runs(worker, started):
    inside, go = threading.Event(), threading.Event()

    @worker.handler(process="p", cls="A")
    def wait(a, s):
        inside.set()
        go.wait(5)

    running, s = started()
    s.activate(1, "A")
    assert inside.wait(5)
    running.stop_soon()
    s.next("drain")
    assert not running.wait(0.1)
    go.set()
    s.outcome(1)
    assert s.over.wait(5)
    assert running.wait(5)


def test_stop_while_the_site_is_away(worker, tmp_path):
    running = worker.start(Connection(str(tmp_path / "nobody.sock")))
    time.sleep(0.1)
    assert running.stop(5)


def test_questions(worker, started):
    _, s = started()
    object = event_pb2.Value(json=event_pb2.JsonObject(class_name=b"a.B", json=b'{"size":3}'))
    for n, (member, is_method, want) in enumerate([("size", False, 3), ("getSize", True, 3), ("drop", True, None)]):
        s.send(question=pb.Question(question_id=n, text=b"${x}", object=object, member=member, is_method=is_method))
        answer = s.next("answer")
        assert answer.question_id == n
        assert answer.value.i32 == want if want else "no method drop" in answer.error

    worker.evaluator(lambda q: q.arguments[0] * 2)
    s.send(question=pb.Question(question_id=9, object=object, member="twice", is_method=True, arguments=[event_pb2.Value(i32=4)]))
    assert s.next("answer").value.i32 == 8


PROGRAM = """
import time
from dsfd_worker import Worker
worker = Worker("program")
@worker.handler(process="p", cls="A")
def slow(a, s):
    time.sleep(0.3)
    return {"done": True}
worker.run()
"""


# Would find: a program that ignores SIGTERM, or that drops the handler it runs.
def test_program_and_sigterm(fake, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    env = {**os.environ, "PYTHONPATH": str(PACKAGE), "DSFD_WORKER_SOCKET": fake.path}
    program = subprocess.Popen([sys.executable, str(tmp_path / "program.py"), "--credits", "3"], env=env, stderr=subprocess.PIPE)
    try:
        s = fake.session()
        assert s.hello.credits == 3
        s.welcome()
        s.activate(1, "A")
        time.sleep(0.1)
        program.send_signal(signal.SIGTERM)
        s.next("drain")
        assert s.outcome(1).completed.variables[0].name == b"done"
        assert program.wait(5) == 0
    finally:
        program.kill()
        program.communicate()


@pytest.mark.parametrize("arguments,why", [([], b"Give --socket"), (["--socket", "nowhere"], b"neither the path of a socket nor host:port"),
                                           (["--socket", "host:1"], b"DSFD_WORKER_TRUST names no PEM file")])
def test_program_with_a_bad_address(tmp_path, arguments, why):
    (tmp_path / "program.py").write_text(PROGRAM)
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("DSFD_")}, "PYTHONPATH": str(PACKAGE)}
    done = subprocess.run([sys.executable, str(tmp_path / "program.py"), *arguments], env=env, capture_output=True, timeout=20)
    assert done.returncode == 2 and why in done.stderr
