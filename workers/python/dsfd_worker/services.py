"""What the site does for a handler, over the worker's own connection (proto/worker.proto, host services). Calls block; what fails raises
ServiceError, whose `retryable` decides how a handler that does not catch it ends."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable, Iterable, Mapping, Protocol

from . import fhir, values
from .pb import worker_pb2 as pb

_PASSING = {"conflict", "overloaded", "unavailable", "timeout"}


class ServiceError(Exception):
    def __init__(self, code: str, kind: str, text: str, place: str = ""):
        super().__init__(f"{place}: {text}" if place else text)
        self.code, self.kind, self.text, self.place = code, kind, text, place

    @property
    def retryable(self) -> bool:
        return self.kind in _PASSING and not self._refused_for_good

    @property
    def _refused_for_good(self) -> bool:
        # "HTTP 404": the answer will be the same next time; time-outs and floods pass.
        at = self.text.find("HTTP 4")
        return at >= 0 and self.text[at + 5:at + 8] not in ("408", "409", "429")


@dataclass(frozen=True)
class Member:
    """An organisation of the allow-list with its endpoint."""
    organization_identifier: str
    organization_name: str
    endpoint_identifier: str
    endpoint_url: str
    local: bool = False

    def target(self, correlation_key: str = "") -> values.Target:
        return values.Target(self.organization_identifier, self.endpoint_identifier, self.endpoint_url, correlation_key)


class Caller(Protocol):
    """The session: sends a call and waits for its result."""

    settings: Mapping[str, str]
    local_organization: str
    base_url: str

    def call(self, call: pb.ServiceCall) -> pb.ServiceResult: ...
    def send_log(self, line: pb.LogLine) -> None: ...


def _member(m: pb.Member) -> Member:
    return Member(m.organization_identifier, m.organization_name, m.endpoint_identifier, m.endpoint_url, m.local)


class FhirClient:
    """The site's own endpoint, another site's, or a clinical store."""

    def __init__(self, services: "Services", **server: str):
        self._services = services
        self._server = pb.FhirServer(**server)

    def read(self, type: str, id: str, version: int = 0) -> dict:
        return self._fhir(fhir_read=pb.FhirRead(server=self._server, type=type, id=id, version=version))

    def search(self, query: str) -> dict:
        """"Task?status=requested", or what follows the base address in the link to a next page."""
        return self._fhir(fhir_search=pb.FhirSearch(server=self._server, query=query))

    def create(self, resource: dict, idempotency_key: str = "") -> dict:
        """Once: the same key gives the same resource, also after a crash. A handler that creates more than one needs a key for each."""
        key = idempotency_key or self._services.idempotency_key
        return self._fhir(fhir_create=pb.FhirCreate(server=self._server, resource=fhir.dumps(resource), idempotency_key=key))

    def transaction(self, bundle: dict) -> dict:
        return self._fhir(fhir_transaction=pb.FhirTransaction(server=self._server, bundle=fhir.dumps(bundle)))

    def _fhir(self, **what: Any) -> dict:
        return fhir.loads(self._services.ask(**what).fhir)


class Log:
    """Lines in the site's own log, with the process, instance and activity they belong to."""

    def __init__(self, services: "Services"):
        self._services = services

    def debug(self, text: str, **fields: Any) -> None:
        self._line(pb.DEBUG, text, fields)

    def info(self, text: str, **fields: Any) -> None:
        self._line(pb.INFO, text, fields)

    def warning(self, text: str, **fields: Any) -> None:
        self._line(pb.WARNING, text, fields)

    def error(self, text: str, **fields: Any) -> None:
        self._line(pb.ERROR, text, fields)

    __call__ = info

    def _line(self, level: int, text: str, fields: Mapping[str, Any]) -> None:
        line = pb.LogLine(activation_id=self._services.activation_id, level=level, text=_plain(text))
        for name, value in fields.items():
            line.fields[name] = _plain(str(value))
        self._services.caller.send_log(line)


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class Services:
    def __init__(self, caller: Caller, activation_id: int = 0, idempotency_key: str = ""):
        self.caller = caller
        self.activation_id = activation_id
        self.idempotency_key = idempotency_key
        self.log = Log(self)
        self.local_endpoint = FhirClient(self)

    def ask(self, **what: Any) -> pb.ServiceResult:
        result = self.caller.call(pb.ServiceCall(activation_id=self.activation_id, **what))
        if result.HasField("error"):
            e = result.error
            raise ServiceError(e.code, e.kind, e.text, e.place)
        return result

    # ---- the network

    def local(self) -> Member:
        return _member(self.ask(local=pb.GetLocal()).member)

    def members(self, parent: str = "", role: str = "") -> list[Member]:
        """Active organisations with an active endpoint, the own one included: all, or those with the role under the parent."""
        asked = pb.GetMembers(parent_organization=parent, role_code=role)
        return [_member(m) for m in self.ask(members=asked).members.entries]

    def parents_of(self, organization: str, role: str = "") -> list[str]:
        asked = pb.GetParents(organization_identifier=organization, role_code=role)
        return list(self.ask(parents=asked).names.entries)

    @property
    def organization(self) -> str:
        """The site's own identifier."""
        return self.caller.local_organization

    @property
    def base_url(self) -> str:
        return self.caller.base_url

    # ---- FHIR

    def endpoint(self, url: str) -> FhirClient:
        """Another site's; the URL must stand in the allow-list."""
        return FhirClient(self, endpoint_url=url)

    def store(self, name: str) -> FhirClient:
        """A clinical server of the site's settings that this plugin may use."""
        return FhirClient(self, store=name)

    def connection(self, name: str) -> FhirClient:
        """A FHIR server that the site's FHIR connections name and this plugin may use."""
        return FhirClient(self, connection=name)

    # ---- people

    def mail(self, subject: str, text: str, to: Iterable[str] = ()) -> str:
        """Sends a mail of plain text, to the site's own recipients when it names none; its Message-ID, or "" where the site has no mail server.
        An attempt that is made again sends it again, with the same Message-ID."""
        asked = pb.SendMail(subject=subject, text=text, to=[to] if isinstance(to, str) else to)
        return values.text_in(self.ask(mail=asked).text)

    # ---- what the site counts and tags

    def cohort_count(self, ccdl: dict) -> int:
        return self.ask(cohort_count=pb.CohortCount(ccdl=fhir.dumps(ccdl))).number

    def add_read_access(self, resource: dict, *, everyone: bool = False, local: bool = False, organizations: Iterable[str] = (),
                        roles: Iterable[tuple[str, str]] = ()) -> dict:
        """The resource with DSF's read access tags. Roles are pairs of parent organisation and role code."""
        asked = pb.AddReadAccess(resource=fhir.dumps(resource), all=everyone, local=local, organizations=organizations,
                                 roles=[pb.ReadAccessRole(parent_organization=p, role_code=r) for p, r in roles])
        return fhir.loads(self.ask(add_read_access=asked).fhir)

    # ---- settings and state

    @property
    def settings(self) -> Mapping[str, str]:
        """The process settings that this plugin may see, as they were when the session began."""
        return self.caller.settings

    def setting(self, name: str) -> str:
        """"" when it is not set; ServiceError when the plugin may not see it."""
        return values.text_in(self.ask(setting=pb.GetSetting(name=name)).text)

    def process_configuration(self, process_key: str) -> Any:
        raw = self.ask(process_configuration=pb.GetProcessConfiguration(process_key=process_key)).json
        return fhir.loads(raw) if raw else None

    def read_state(self, name: str) -> bytes:
        return self.ask(read_state=pb.ReadState(name=name)).state.value

    def update_state(self, name: str, change: Callable[[bytes], bytes]) -> bytes:
        """A small durable value of the plugin: `change` makes the next value of the one before, again when somebody else was quicker."""
        before = self.read_state(name)
        for _ in range(100):
            after = change(before)
            state = self.ask(swap_state=pb.SwapState(name=name, expected=before, next=after)).state
            if state.swapped:
                return after
            before = state.value
        raise ServiceError("worker.busy_state", "conflict", f"state {name} was changed by others a hundred times in a row")

    # ---- clock and dice, which a simulation can hold

    def now(self) -> datetime:
        return values.time_in(self.ask(now=pb.GetNow()).time_us)

    def uniform(self) -> float:
        return self.ask(uniform=pb.GetUniform()).real

    def new_uuid(self) -> str:
        return values.text_in(self.ask(uuid=pb.GetUuid()).text)

    def random_bytes(self, count: int) -> bytes:
        return self.ask(random=pb.GetRandom(bytes=count)).data

    # ---- hashes

    def hash(self, data: bytes, algorithm: str = "sha256") -> bytes:
        return self.ask(hash=pb.Hash(algorithm=_algorithm(algorithm), data=data)).data

    def hmac(self, key: bytes, data: bytes, algorithm: str = "sha256") -> bytes:
        return self.ask(hmac=pb.Hmac(algorithm=_algorithm(algorithm), key=key, data=data)).data


def _algorithm(name: str) -> int:
    try:
        return {"sha256": pb.SHA256, "sha512": pb.SHA512}[name]
    except KeyError:
        raise ValueError(f"hash algorithm {name!r}: sha256 or sha512") from None
