"""Handlers of a dsfd site's processes in Python. workers/python/README.md tells how."""
try:
    import google.protobuf  # noqa: F401
    import grpc  # noqa: F401
except ImportError as _e:
    raise ImportError("dsfd_worker needs Debian's python3-grpcio and python3-protobuf: apt-get install python3-grpcio python3-protobuf "
                      "(and to be run by /usr/bin/python3)") from _e
try:
    from .pb import event_pb2, worker_pb2  # noqa: F401
except ImportError as _e:
    raise ImportError("dsfd_worker's protobuf code is not made yet: run scripts/python_worker") from _e

from .activation import Activation, Call, Cancelled, SendError, Task
from .connection import BadAddress, Connection
from .outcome import BpmnError, Completed, EndInstance, Failed, Message, Scope, TaskChange, VariableChange
from .services import FhirClient, Member, ServiceError, Services
from .session import Refused
from .values import (Blob, JsonObject, Long, Map, Opaque, Reference, Resource, ResourceList, Short, StringList, Target, Targets, Typed,
                     UnsupportedValue)
from .worker import Question, Running, Worker

__all__ = [
    "Activation", "BadAddress", "Blob", "BpmnError", "Call", "Cancelled", "Completed", "Connection", "EndInstance", "Failed",
    "FhirClient", "JsonObject", "Long", "Map", "Member", "Message", "Opaque", "Question", "Reference", "Refused", "Resource",
    "ResourceList", "Running", "Scope", "SendError", "ServiceError", "Services", "Short", "StringList", "Target", "Targets", "Task",
    "TaskChange", "Typed", "UnsupportedValue", "VariableChange", "Worker",
]
