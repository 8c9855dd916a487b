"""The fixture itself, and with it the worker against the real engine and the real services of a site."""
import hashlib
import shutil
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

from dsfd_worker import BpmnError, EndInstance, Failed, ServiceError, Worker, fhir
from dsfd_worker.testing import Site, TestbedError
from test_codec import VALUES

HELLO = Path(__file__).parents[1] / "samples" / "hello" / "bundle"
CODES = "http://example.org/fhir/CodeSystem/hello"
NAME = [(CODES, "name", "Ada")]


GRANTS = """
configuration:
  org.example.x: {type: text, doc: A setting.}
  org.example.token: {type: secret, doc: A secret.}
permissions:
  services: [crypto, directory, fhir-local, fhir-remote, fhir-stores, read-access, state]
  settings: [org.example.x]
"""


@pytest.fixture
def site_of(tmp_path):
    """site_of(handler): a site whose only process has this handler; grants: what the bundle's manifest says of permissions."""
    open_sites = []

    def make(handler, grants="", **more):
        bundle = tmp_path / f"bundle-{len(open_sites)}"
        shutil.copytree(HELLO, bundle)
        with open(bundle / "plugin.yaml", "a", encoding="utf-8") as manifest:
            manifest.write(grants)
        worker = Worker("test", plugin="test", credits=2)
        worker.handler(process="exampleorg_hello", cls="org.example.Greet")(handler)
        site = Site(bundle, [worker], ["dic-a.example"], **more)
        open_sites.append(site)
        return site

    yield make
    for site in open_sites:
        site.close()


# Would find: a value that the engine keeps otherwise than Python gave it.
def test_all_values_through_the_engine(site_of):
    site = site_of(lambda a, s: dict(VALUES))
    variables = site.start("startHello", NAME).instance.variables
    for name, want in VALUES.items():
        assert variables[name] == want and type(variables[name]) is type(want), name


@pytest.mark.parametrize("outcome,status,error", [
    (lambda: Failed("no way", retryable=False), "failed", "no way"),
    (lambda: RuntimeError("a fault of the handler"), "failed", "RuntimeError: a fault of the handler"),
    (lambda: EndInstance("enough"), "failed", "enough"),
    (lambda: BpmnError("nobody"), "completed", ""),
    (lambda: BpmnError("unknown code"), "failed", "unknown code"),
])
def test_what_becomes_of_the_task(site_of, outcome, status, error):
    def handler(a, s):
        raise outcome()

    started = site_of(handler).start("startHello", NAME)
    assert started.status == status and error in started.error


# Would find: a worker that gets what its bundle does not ask for, a refusal that does not say what is missing where.
def test_without_permission(site_of):
    def handler(a, s):
        assert "org.example.x" not in s.settings
        s.members()

    started = site_of(handler, settings={"org.example.x": "y"}).start("startHello", NAME)
    assert started.status == "failed" and "PERMISSION_DENIED" in started.error
    assert "'directory'" in started.error and "permissions.services" in started.error and "plugin.yaml of sample-hello 1.0.0.0" in started.error


# Would find: a host service that goes to the wrong call, time that is not the test's, a resource created twice.
def test_services(site_of):
    seen = {}

    def handler(a, s):
        seen["members"] = [(m.organization_identifier, m.local) for m in s.members()]
        seen["dics"] = [m.organization_identifier for m in s.members("network.test", "DIC")]
        seen["parents"] = s.parents_of("dic-a.example")
        seen["local"] = s.local().endpoint_identifier
        seen["now"] = s.now()
        seen["settings"] = (s.setting("org.example.x"), dict(s.settings))
        seen["state"] = [s.update_state("counter", lambda old: str(int(old or b"0") + n).encode()) for n in (2, 3)]
        library = {"resourceType": "Library", "status": "active", "type": fhir.concept("http://x.org", "y"),
                   "meta": {"tag": [{"system": "http://dsf.dev/fhir/CodeSystem/read-access-tag", "code": "LOCAL"}]}}
        seen["ids"] = [s.local_endpoint.create(library)["id"] for _ in (1, 2)]
        seen["read"] = s.local_endpoint.read("Library", seen["ids"][0])["status"]
        seen["found"] = s.local_endpoint.search("Library?status=active")["total"]
        seen["binary"] = s.endpoint("https://dic-a.example/fhir").read("Binary", "1")["data"]
        for name, ask in (("foreign", lambda: s.endpoint("https://elsewhere/fhir").read("Binary", "1")),
                          ("missing", lambda: s.local_endpoint.read("Library", "none")), ("hidden", lambda: s.setting("secret")),
                          ("token", lambda: s.setting("org.example.token")),
                          ("store", lambda: s.store("none").search("Patient"))):
            with pytest.raises(ServiceError) as e:
                ask()
            seen[name] = (e.value.kind, e.value.retryable)
        seen["hash"] = s.hash(b"x") == hashlib.sha256(b"x").digest()
        seen["random"] = (len(s.random_bytes(7)), 0 <= s.uniform() < 1, len(s.new_uuid()))
        tagged = s.add_read_access({"resourceType": "Binary"}, organizations=["dic-a.example"])
        seen["tag"] = tagged["meta"]["tag"][0]["code"]

    site = site_of(handler, GRANTS, settings={"org.example.x": "y", "org.example.token": "planted", "secret": "z"}, time="2030-01-02T03:04:05Z")
    site.serve("https://dic-a.example/fhir/Binary/1", {"resourceType": "Binary", "contentType": "text/plain", "data": "eA=="})
    site.advance("PT5S")
    started = site.start("startHello", NAME)
    assert started.status == "completed", started.error
    assert seen["members"] == [("dic-a.example", False), ("site.test", True)]
    assert (seen["dics"], seen["parents"], seen["local"]) == (["dic-a.example"], ["network.test"], "endpoint.site.test")
    assert seen["now"] == datetime(2030, 1, 2, 3, 4, 10, tzinfo=timezone.utc)
    assert seen["settings"] == ("y", {"org.example.x": "y"}) and seen["state"] == [b"2", b"5"]
    assert seen["ids"][0] == seen["ids"][1] and (seen["read"], seen["found"]) == ("active", 1)
    assert seen["binary"] == "eA==" and seen["hash"] and seen["random"] == (7, True, 36) and seen["tag"] == "ORGANIZATION"
    assert seen["foreign"] == ("forbidden", False) and seen["hidden"] == seen["token"] == ("forbidden", False)
    assert not seen["missing"][1] and not seen["store"][1]


MAIL = """
permissions:
  services: [mail, fhir-connections]
  connections: [lab, unknown]
"""


# Would find: a mail that is lost or goes elsewhere, a second identity of the same mail, a connection that the bundle does not name.
def test_mail_and_connections(site_of):
    seen = {}

    def handler(a, s):
        seen["ids"] = [s.mail("Grüße", "text\n"), s.mail("Grüße", "text\n")]
        s.mail("to one", "", to="a@lab.test")
        lab = s.connection("lab")
        seen["patient"] = lab.read("Patient", "1")["active"]
        made = {"resourceType": "Basic", "identifier": [fhir.identifier("http://x.org", "1")], "code": fhir.concept("http://x.org", "y")}
        assert lab.create(made) == made
        for name, ask in (("his", lambda: s.connection("his").read("Patient", "1")), ("unknown", lambda: s.connection("unknown").search("X")),
                          ("subject", lambda: s.mail("a\nBcc: b@c", "")), ("address", lambda: s.mail("s", "", ["nobody"]))):
            with pytest.raises(ServiceError) as e:
                ask()
            seen[name] = (e.value.code, e.value.text)

    site = site_of(handler, MAIL, connections={"lab": "https://lab.test/fhir", "his": "https://his.test/fhir"})
    site.serve("https://lab.test/fhir/Patient/1", {"resourceType": "Patient", "active": True})
    started = site.start("startHello", NAME)
    assert started.status == "completed", started.error
    assert [(m.subject, m.text, m.to) for m in site.mail] == [("Grüße", "text\n", ["desk@site.test"])] * 2 + [("to one", "", ["a@lab.test"])]
    assert seen["ids"][0] == seen["ids"][1] == site.mail[0].message_id != site.mail[2].message_id
    assert seen["patient"] is True and [s.to for s in site.sent] == ["lab"]
    assert "permissions.connections" in seen["his"][1] and "the site's settings leave it out" in seen["unknown"][1]
    assert "line breaks" in seen["subject"][1] and "'nobody' is no mail address" in seen["address"][1]


def test_mail_and_connections_need_permission(site_of):
    def handler(a, s):
        for service, ask in (("mail", lambda: s.mail("s", "t")), ("fhir-connections", lambda: s.connection("lab").read("Patient", "1"))):
            with pytest.raises(ServiceError, match=f"'{service}'.*permissions.services"):
                ask()

    site = site_of(handler, connections={"lab": "https://lab.test/fhir"})
    started = site.start("startHello", NAME)
    assert started.status == "completed" and site.mail == [], started.error


# Would find: a test that hangs with its handler, or a time that can't pass while one runs.
def test_a_handler_that_does_not_end(site_of):
    reasons, over = [], threading.Event()

    def handler(a, s):
        a.wait_cancelled(30)
        reasons.append(a.cancel_reason)
        over.set()

    site = site_of(handler, patience=0.3)
    with pytest.raises(TestbedError, match="still run after 300 ms: org.example.Greet at Greet"):
        site.start("startHello", NAME)
    assert site.instances()[0].state == "running"
    site.advance("PT11M", wait=False)  # beyond the deadline of an attempt
    assert over.wait(5) and reasons == ["deadline"]


def test_what_a_site_does_not_take(site_of):
    site = site_of(lambda a, s: None)
    with pytest.raises(TestbedError, match="no process here takes message nothing"):
        site.start("nothing")
    with pytest.raises(TestbedError, match="refuses the Task from site.test: HTTP 403"):
        site.start("startHello")
    with pytest.raises(TestbedError, match="refuses the Task from dic-a.example: HTTP 403"):
        site.receive("startHello", "dic-a.example", NAME)
    with pytest.raises(TestbedError, match="stranger"):
        site.receive("startHello", "stranger", NAME)
    assert site.start("startHello", NAME).status == "completed"


def test_a_site_that_does_not_come_up(tmp_path):
    worker = Worker("test")
    worker.handler(process="exampleorg_other", cls="X")(lambda a, s: None)
    with pytest.raises(TestbedError, match="the bundles have no process exampleorg_other"):
        Site(HELLO, [worker], [])
    with pytest.raises(TestbedError, match="plugin.yaml"):
        Site(tmp_path, [worker], [])


# Would find: a handler that the model needs and nobody has, which no test would see before the site does.
def test_a_handler_that_is_missing(site_of):
    worker = Worker("test")
    worker.handler(process="exampleorg_hello", cls="org.example.Other")(lambda a, s: None)
    with Site(HELLO, [worker], []) as site:
        started = site.start("startHello", NAME)
        assert started.status == "in-progress"
        assert any(w["kind"] in ("handler", "incident") for w in started.instance.waits)
