"""Where the site listens: a Unix socket on the same machine, or TCP with mutual TLS."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import grpc

# The site's own limit (Welcome.max_message_bytes) is the one that counts.
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # With it a heartbeat that nobody acknowledges ends the connection after the time-out. Pings more often than every five minutes would be
    # taken for an attack by a server that has nothing to say.
    ("grpc.keepalive_time_ms", 330_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A session after another must not find the broken connection of the one before.
    ("grpc.use_local_subchannel_pool", 1),
]


class BadAddress(ValueError):
    pass


@dataclass(frozen=True)
class Connection:
    """address: a path, unix:<path> or host:port. The files are PEM; over TCP all three are needed."""
    address: str
    certificate: str = ""
    key: str = ""
    trust: str = ""       # authorities of the site's certificate
    server_name: str = ""  # when the certificate names another host than the address

    @staticmethod
    def from_environment(address: str = "") -> "Connection":
        env = os.environ.get
        address = address or env("DSFD_WORKER_SOCKET", "") or env("DSFD_WORKER_ADDRESS", "")
        if not address:
            raise BadAddress("where is the site? Give --socket PATH or --socket HOST:PORT, or set DSFD_WORKER_SOCKET")
        return Connection(address, env("DSFD_WORKER_CERTIFICATE", ""), env("DSFD_WORKER_KEY", ""), env("DSFD_WORKER_TRUST", ""),
                          env("DSFD_WORKER_SERVER_NAME", ""))

    @property
    def local_path(self) -> str:
        """The socket's path, or "" for TCP."""
        if self.address.startswith("unix:"):
            return self.address.removeprefix("unix://").removeprefix("unix:")
        return self.address if "/" in self.address else ""

    def open(self) -> grpc.Channel:
        path = self.local_path
        if path:
            return grpc.insecure_channel("unix:" + os.path.abspath(path), _OPTIONS)
        host, colon, port = self.address.rpartition(":")
        if not colon or not host or not port.isdigit():
            raise BadAddress(f"{self.address!r} is neither the path of a socket nor host:port")
        credentials = grpc.ssl_channel_credentials(self._read("trust", "DSFD_WORKER_TRUST"), self._read("key", "DSFD_WORKER_KEY"),
                                                   self._read("certificate", "DSFD_WORKER_CERTIFICATE"))
        options = _OPTIONS + ([("grpc.ssl_target_name_override", self.server_name)] if self.server_name else [])
        return grpc.secure_channel(self.address, credentials, options)

    def _read(self, what: str, variable: str) -> bytes:
        path = getattr(self, what)
        if not path:
            raise BadAddress(f"over TCP the worker needs TLS: {variable} names no PEM file")
        try:
            return Path(path).read_bytes()
        except OSError as e:
            raise BadAddress(f"{variable}: {path} can't be read: {e.strerror}") from e
