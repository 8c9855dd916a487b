"""One session with a site: hello, then activations and calls over one stream until it ends (proto/worker.proto)."""
from __future__ import annotations

import logging
import queue
import threading
from typing import Callable, Iterator

import grpc

from . import outcome as outcomes
from .activation import Activation
from .pb import worker_pb2 as pb
from .services import ServiceError

METHOD = "/dsf.worker.v1.Workers/Session"
# Beyond this many messages on their way, log lines are counted instead of sent.
_LOG_BACKLOG = 1_000
# The frame around an outcome or call, added to its own size.
_FRAME = 64

log = logging.getLogger("dsfd_worker")


class Refused(Exception):
    """The site does not take this worker as it is."""

    def __init__(self, code: str, reason: str, again: bool):
        super().__init__(f"the site refused the worker ({code}): {reason}")
        self.code, self.reason, self.again = code, reason, again


class Ended(Exception):
    """The stream is over; the text says why."""


def disconnected() -> ServiceError:
    return ServiceError("worker.disconnected", "unavailable", "the connection to the site is gone")


class Session:
    """`activated` and `asked` are called on the reading thread and must come back at once."""

    def __init__(self, channel: grpc.Channel, hello: pb.Hello, activated: Callable[["Session", int, Activation], None],
                 asked: Callable[["Session", pb.Question], None]):
        self._hello = hello
        self._activated = activated
        self._asked = asked
        self._channel = channel
        self._out: queue.SimpleQueue[pb.FromWorker | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running: dict[int, Activation] = {}
        self._waiting: dict[int, tuple[threading.Event, list[pb.ServiceResult]]] = {}
        self._last_call = 0
        self._closed = False
        self._over = threading.Event()
        self._draining = False
        self._dropped_lines = 0
        self._max_bytes = 1 << 20
        self._calls = threading.Semaphore(1)
        self._stream: grpc.Call | None = None
        self.welcomed = threading.Event()
        self.settings: dict[str, str] = {}
        self.local_organization = ""
        self.base_url = ""

    # ---- the stream

    def run(self) -> None:
        """Until the stream ends in order. Raises Refused or Ended."""
        open_stream = self._channel.stream_stream(METHOD, pb.FromWorker.SerializeToString, pb.ToWorker.FromString)
        self._out.put(pb.FromWorker(hello=self._hello))
        stream = open_stream(self._messages(), wait_for_ready=False)
        self._stream = stream
        try:
            for message in stream:
                self._received(message)
        except grpc.RpcError as e:
            if not (self._closed and e.code() == grpc.StatusCode.CANCELLED):
                raise Ended(f"{e.code().name.lower()}: {e.details()}") from e
        finally:
            self._end()
            stream.cancel()

    def _messages(self) -> Iterator[pb.FromWorker]:
        while (message := self._out.get()) is not None:
            yield message

    def _received(self, message: pb.ToWorker) -> None:
        what = message.WhichOneof("what")
        if what == "welcome":
            self._welcome(message.welcome)
        elif what == "refused":
            raise Refused(message.refused.code, message.refused.reason, message.refused.again)
        elif what == "activate":
            a = Activation(message.activate.activation, message.activate.delivery)
            with self._lock:
                self._running[message.activate.activation_id] = a
            self._activated(self, message.activate.activation_id, a)
        elif what == "cancel":
            with self._lock:
                a = self._running.get(message.cancel.activation_id)
            if a:
                a.cancel(pb.CancelReason.Name(message.cancel.reason).lower())
        elif what == "result":
            with self._lock:
                waiting = self._waiting.pop(message.result.call_id, None)
            if waiting:
                waiting[1].append(message.result)
                waiting[0].set()
        elif what == "question":
            self._asked(self, message.question)
        else:
            log.warning("a message of a kind that this release does not know was ignored")

    def _welcome(self, w: pb.Welcome) -> None:
        self.settings = dict(w.settings)
        self.local_organization = w.local_organization
        self.base_url = w.base_url
        self._max_bytes = w.max_message_bytes or self._max_bytes
        self._calls = threading.Semaphore(max(1, w.max_calls))
        self.welcomed.set()
        beat = max(0.05, w.heartbeat_ms / 1000)
        threading.Thread(target=self._heartbeats, args=(beat,), name="dsfd-heartbeat", daemon=True).start()
        log.info("session %s with %s", w.session_id, w.local_organization)

    def _heartbeats(self, every: float) -> None:
        while not self._over.wait(every):
            with self._lock:
                ids = list(self._running)
            self._send(pb.FromWorker(heartbeat=pb.Heartbeat(activation_ids=ids)))

    def _end(self) -> None:
        """Nobody waits for anything any more."""
        with self._lock:
            self._closed = True
            running, self._running = list(self._running.values()), {}
            waiting, self._waiting = list(self._waiting.values()), {}
        self._over.set()
        self._out.put(None)
        for a in running:
            a.cancel("disconnected")
        for event, _ in waiting:
            event.set()

    def _send(self, message: pb.FromWorker) -> None:
        if not self._closed:
            self._out.put(message)

    # ---- what the worker says

    def finished(self, activation_id: int, outcome: outcomes.Outcome) -> None:
        """The outcome goes out; an activation that is not this session's any more is forgotten."""
        try:
            wire = outcomes.encode(outcome)
        except (TypeError, ValueError) as e:
            wire = outcomes.encode(outcomes.Failed(f"the handler's outcome can't be carried: {e}", retryable=False))
        if wire.ByteSize() + _FRAME > self._max_bytes:
            text = f"the handler's outcome has {wire.ByteSize()} bytes, the site takes {self._max_bytes} (workers.max_message)"
            wire = outcomes.encode(outcomes.Failed(text, retryable=False))
        with self._lock:
            if self._running.pop(activation_id, None) is None:
                return
            last = self._draining and not self._running
        self._send(pb.FromWorker(outcome=pb.ActivationOutcome(activation_id=activation_id, outcome=wire)))
        if last:
            self._out.put(None)

    def add_credits(self, count: int) -> None:
        self._send(pb.FromWorker(add_credits=pb.AddCredits(credits=count)))

    def answer(self, answer: pb.Answer) -> None:
        self._send(pb.FromWorker(answer=answer))

    def drain(self) -> None:
        """No new activations; the stream ends after the last outcome."""
        with self._lock:
            if self._draining:
                return
            self._draining = True
            idle = not self._running
        self._send(pb.FromWorker(drain=pb.Drain()))
        if idle:
            self._out.put(None)

    def abort(self) -> None:
        self._closed = True
        if self._stream:
            self._stream.cancel()

    # ---- host services

    def call(self, call: pb.ServiceCall) -> pb.ServiceResult:
        if call.ByteSize() + _FRAME > self._max_bytes:
            raise ServiceError("worker.too_large", "too_large", f"the call has {call.ByteSize()} bytes, the site takes {self._max_bytes}")
        with self._calls:
            arrived, result = threading.Event(), []
            with self._lock:
                if self._closed:
                    raise disconnected()
                self._last_call += 1
                call.call_id = self._last_call
                self._waiting[call.call_id] = (arrived, result)
            self._send(pb.FromWorker(call=call))
            arrived.wait()
        if not result:
            raise disconnected()
        return result[0]

    def send_log(self, line: pb.LogLine) -> None:
        if self._out.qsize() > _LOG_BACKLOG:
            self._dropped_lines += 1
            return
        if self._dropped_lines:
            line.fields["lines_dropped_before"] = str(self._dropped_lines)
            self._dropped_lines = 0
        self._send(pb.FromWorker(log=line))
