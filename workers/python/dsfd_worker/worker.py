"""A worker: handlers by decorator, threads that run them, and sessions with the site one after the other."""
from __future__ import annotations

import argparse
import logging
import os
import queue
import random
import signal
import socket
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from . import outcome as outcomes, values
from .activation import Activation, Cancelled
from .connection import BadAddress, Connection
from .pb import worker_pb2 as pb
from .services import Services, ServiceError
from .session import Ended, Refused, Session, log

Handler = Callable[[Activation, Services], Any]

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 15.0
DEFAULT_CREDITS = 8


@dataclass(frozen=True)
class Question:
    """An expression over an object that only this worker understands: the member of it that is asked for."""
    process_key: str
    version_tag: str
    instance_id: str
    text: str
    object: Any
    member: str
    is_method: bool
    arguments: list


class Worker:
    """worker = Worker("ping on host 1", plugin="ping"): the plugin is the name in the site's settings (workers.plugins.<name>)."""

    def __init__(self, name: str, plugin: str | None = None, credits: int = DEFAULT_CREDITS):
        self.name = name
        self.plugin = plugin or name
        self.credits = credits
        self.handlers: dict[tuple[str, str, str], Handler] = {}
        self.evaluate: Callable[[Question], Any] = member_of_json

    def handler(self, process: str, cls: str, version: str = "") -> Callable[[Handler], Handler]:
        """@worker.handler(process="dsfdev_ping", cls="dev.dsf.bpe.service.LogPong"): both as the model has them; version: one version only."""
        key = (process, version, cls)
        if not process or not cls:
            raise ValueError("a handler needs the key of its process and the class name in the model")
        if key in self.handlers:
            raise ValueError(f"there are two handlers for {cls} of {process}|{version or 'any version'}")

        def add(function: Handler) -> Handler:
            self.handlers[key] = function
            return function

        return add

    def evaluator(self, function: Callable[[Question], Any]) -> Callable[[Question], Any]:
        """@worker.evaluator: answers expressions over objects of this worker. Without one: members of JSON objects."""
        self.evaluate = function
        return function

    def find(self, a: Activation) -> Handler | None:
        return (self.handlers.get((a.process_key, a.version_tag, a.class_name)) or self.handlers.get((a.process_key, "", a.class_name)))

    def start(self, connection: Connection, credits: int | None = None) -> "Running":
        """Serves on threads of its own."""
        return Running(self, connection, credits or self.credits)

    def run(self, argv: Sequence[str] | None = None) -> None:
        """The program: reads the command line and the environment, serves until SIGTERM or SIGINT, and ends the process."""
        sys.exit(self.main(sys.argv[1:] if argv is None else argv))

    def main(self, argv: Sequence[str]) -> int:
        """As run(), with the exit code: 0 in order, 2 when the site refuses the worker or the configuration is wrong."""
        parser = argparse.ArgumentParser(description=f"{self.name}: runs handlers of plugin {self.plugin} for a dsfd site")
        parser.add_argument("--socket", default="", metavar="PATH|HOST:PORT", help="of the site (DSFD_WORKER_SOCKET)")
        parser.add_argument("--credits", type=int, default=self.credits, help="handlers at the same time (%(default)s)")
        parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
        options = parser.parse_args(argv)
        logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        if options.credits < 1:
            parser.error("--credits must be at least 1")
        try:
            connection = Connection.from_environment(options.socket)
            connection.open().close()
        except BadAddress as e:
            log.error("%s", e)
            return 2
        running = self.start(connection, options.credits)
        asked = 0

        def stop(number: int, _: Any) -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                os._exit(128 + number)
            running.stop_soon()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        while not running.wait(0.5):
            pass  # short waits, so that signals are seen
        if running.refused:
            log.error("%s", running.refused)
            return 2
        return 0


class Running:
    """A worker that serves a site."""

    def __init__(self, worker: Worker, connection: Connection, credits: int):
        self.worker = worker
        self.connection = connection
        self.credits = credits
        self.refused: Refused | None = None
        self._work: queue.SimpleQueue = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._busy = 0
        self._session: Session | None = None
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._connected = threading.Event()
        for n in range(credits):
            threading.Thread(target=self._handle, name=f"dsfd-handler-{n}", daemon=True).start()
        threading.Thread(target=self._serve, name="dsfd-session", daemon=True).start()

    # ---- control

    def wait_connected(self, seconds: float) -> bool:
        """True when the site has welcomed the worker; False when it has not, or has refused it."""
        return self._connected.wait(seconds) and self.refused is None

    def stop_soon(self) -> None:
        """No new activations; what runs is finished."""
        self._stopping.set()
        with self._lock:
            session = self._session
        if session:
            session.drain()

    def wait(self, seconds: float | None = None) -> bool:
        return self._done.wait(seconds)

    def stop(self, seconds: float = 10.0) -> bool:
        """In order; after that long the connection is cut. True: in order."""
        self.stop_soon()
        if self.wait(seconds):
            return True
        with self._lock:
            session = self._session
        if session:
            session.abort()
        self.wait(5.0)
        return False

    # ---- sessions

    def _serve(self) -> None:
        pause = FIRST_PAUSE
        try:
            while not self._stopping.is_set():
                session = self._open_session()
                if session is None:
                    return
                try:
                    session[1].run()
                    why = "the site ended the session"
                except Ended as e:
                    why = str(e)
                except Refused as e:
                    why = str(e)
                    if not e.again:
                        self.refused = e
                        return
                finally:
                    with self._lock:
                        self._session = None
                    session[0].close()
                if session[1].welcomed.is_set():
                    pause = FIRST_PAUSE
                if self._stopping.is_set():
                    return
                # Between half and all of it: many workers don't come back in step.
                wait = pause * random.uniform(0.5, 1.0)
                log.warning("%s; again in %.1f s", why, wait)
                self._stopping.wait(wait)
                pause = min(pause * 2, LONGEST_PAUSE)
        except Exception:
            log.exception("the worker's session thread ended by a fault of its own")
        finally:
            for _ in range(self.credits):
                self._work.put(None)
            self._connected.set()
            self._done.set()

    def _open_session(self) -> tuple[Any, Session] | None:
        channel = self.connection.open()
        with self._lock:
            # A handler of a lost session still has its thread; its credit comes when it ends.
            hello = self._hello(self.credits - self._busy)
            session = Session(channel, hello, self._activated, self._asked)
            session.welcomed = self._Welcome(self._connected)
            self._session = session
            if not self._stopping.is_set():
                return channel, session
        channel.close()
        return None

    class _Welcome(threading.Event):
        def __init__(self, also: threading.Event):
            super().__init__()
            self._also = also

        def set(self) -> None:
            super().set()
            self._also.set()

    def _hello(self, credits: int) -> pb.Hello:
        claims = [pb.HandlerClaim(process_key=p, version_tag=v, class_name=c) for p, v, c in sorted(self.worker.handlers)]
        name = f"{self.worker.name} ({socket.gethostname()}, process {os.getpid()})"
        return pb.Hello(protocol=1, worker_name=name[:400], plugin=self.worker.plugin, handlers=claims, credits=max(0, credits))

    # ---- handlers

    def _activated(self, session: Session, activation_id: int, a: Activation) -> None:
        with self._lock:
            self._busy += 1
        self._work.put((session, activation_id, a))

    def _handle(self) -> None:
        while (work := self._work.get()) is not None:
            session, activation_id, a = work
            outcome = self._outcome_of(session, activation_id, a)
            session.finished(activation_id, outcome)
            with self._lock:
                self._busy -= 1
                now = self._session
            if now is not None and now is not session:
                now.add_credits(1)

    def _outcome_of(self, session: Session, activation_id: int, a: Activation) -> outcomes.Outcome:
        if a.cancelled:
            return outcomes.Failed(f"not begun: {a.cancel_reason}")
        services = Services(session, activation_id, a.idempotency_key)
        try:
            run = self.worker.find(a)
            if run is None:
                return outcomes.Failed(f"this worker has no handler for {a.class_name} of {a.process_key}|{a.version_tag}", retryable=False)
            return outcomes.of_result(run(a, services))
        except (outcomes.BpmnError, outcomes.Failed, outcomes.EndInstance) as e:
            return e
        except Cancelled as e:
            return outcomes.Failed(f"given up: {e}")
        except values.UnsupportedValue as e:
            return outcomes.Failed(str(e), retryable=False)
        except Exception as e:  # whatever a handler throws is the outcome of this attempt, and the worker goes on
            log.warning("%r failed: %s", a, traceback.format_exc())
            retryable = e.retryable if isinstance(e, ServiceError) else True
            text = str(e) or type(e).__name__
            return outcomes.Failed(text if isinstance(e, ServiceError) else f"{type(e).__name__}: {text}", retryable)

    # ---- questions

    def _asked(self, session: Session, q: pb.Question) -> None:
        # A thread of its own: the handlers' threads may all be busy, and the instance waits.
        threading.Thread(target=self._answer, args=(session, q), name="dsfd-question", daemon=True).start()

    def _answer(self, session: Session, q: pb.Question) -> None:
        answer = pb.Answer(question_id=q.question_id)
        try:
            question = Question(q.process_key, q.version_tag, q.instance_id, values.text_in(q.text), values.decode(q.object), q.member,
                                q.is_method, [values.decode(v) for v in q.arguments])
            value = self.worker.evaluate(question)
            answer.value.SetInParent()
            values.encode(value, answer.value)
        except Exception as e:  # the expression's error is told to the instance
            answer.error = f"{type(e).__name__}: {e}"
        session.answer(answer)


def member_of_json(q: Question) -> Any:
    """The default evaluator: a member of a JSON object, by name or as a Java bean's getter."""
    content = q.object.content if isinstance(q.object, values.JsonObject) else None
    if not isinstance(content, dict):
        raise LookupError(f"this worker has no evaluator for {q.text}")
    if q.is_method:
        if q.arguments or not q.member.startswith("get") or len(q.member) < 4:
            raise LookupError(f"a JSON object has no method {q.member}")
        return content.get(q.member[3].lower() + q.member[4:])
    return content.get(q.member)
