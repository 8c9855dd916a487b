"""The site's side of proto/worker.proto for tests: it takes one session at a time and does what the test says."""
import queue
import threading
from concurrent import futures

import grpc

from dsfd_worker import Connection
from dsfd_worker.pb import worker_pb2 as pb

WAIT = 5.0


class FakeSession:
    def __init__(self, requests, context):
        self.received = queue.SimpleQueue()
        self.out = queue.SimpleQueue()
        self.beats = []
        self.calls = {}  # name of the call -> function(ServiceCall) -> dict of ServiceResult
        self.over = threading.Event()
        self._context = context
        self.hello = next(requests).hello
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def _read(self, requests):
        try:
            for m in requests:
                what = m.WhichOneof("what")
                if what == "heartbeat":
                    self.beats.append(list(m.heartbeat.activation_ids))
                elif what == "call" and m.call.WhichOneof("what") in self.calls:
                    result = self.calls[m.call.WhichOneof("what")](m.call)
                    self.send(result=pb.ServiceResult(call_id=m.call.call_id, **result))
                else:
                    self.received.put(m)
        except grpc.RpcError:
            pass  # the worker is gone
        self.over.set()
        self.out.put(None)

    def send(self, **what):
        self.out.put(pb.ToWorker(**what))

    def welcome(self, **more):
        more = {"protocol": 1, "session_id": "s", "lease_ms": 400, "heartbeat_ms": 50, "max_message_bytes": 1 << 20, "max_calls": 4, **more}
        self.send(welcome=pb.Welcome(**more))

    def activate(self, id, cls, process="p", variables=(), **more):
        a = pb.Activation(class_name=cls, process_key=process, version_tag="1.0", business_key=b"bk", activity_id="act", attempt=1,
                          idempotency_key=f"key-{id}", **more)
        for name, value in variables:
            a.variables.append(pb.NamedValue(name=name.encode(), value=value))
        self.send(activate=pb.Activate(activation_id=id, lease_ms=400, delivery=1, activation=a))

    def next(self, what):
        """The next message, which must be of this kind."""
        m = self.received.get(timeout=WAIT)
        assert m.WhichOneof("what") == what, m
        return getattr(m, what)

    def outcome(self, id):
        o = self.next("outcome")
        assert o.activation_id == id
        return o.outcome

    def end(self):
        self.out.put(None)

    def cut(self):
        """As when the connection is lost."""
        self._context.abort(grpc.StatusCode.UNAVAILABLE, "cut")


class FakeSite:
    def __init__(self, path):
        self.path = str(path)
        self.sessions = queue.SimpleQueue()
        handler = grpc.stream_stream_rpc_method_handler(self._session, pb.FromWorker.FromString, pb.ToWorker.SerializeToString)
        self._handlers = grpc.method_handlers_generic_handler("dsf.worker.v1.Workers", {"Session": handler})
        self._server = None
        self.listen()

    def listen(self):
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self._handlers,))
        self._server.add_insecure_port("unix:" + self.path)
        self._server.start()

    def stop(self):
        self._server.stop(0).wait()

    @property
    def connection(self):
        return Connection(self.path)

    def session(self):
        return self.sessions.get(timeout=WAIT)

    def _session(self, requests, context):
        s = FakeSession(requests, context)
        self.sessions.put(s)
        while (m := s.out.get()) is not None:
            yield m
