"""The Python handlers of ping do what those in C++ do (processes/ping/ping.test.cpp), seen from outside."""
import os
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pytest  # noqa: E402

import ping  # noqa: E402
from dsfd_worker import fhir  # noqa: E402
from dsfd_worker.testing import site_fixture  # noqa: E402

BUNDLE = Path(__file__).parents[4] / "processes" / "ping" / "bundle"
A, B = "dic-a.example", "dic-b.example"

site = site_fixture(bundle=BUNDLE, worker=ping.worker, partners=[A, B], organization="hrp.example")


def statuses(received, output="ping-status"):
    """Endpoint or organization -> code, as the outputs say."""
    out = {}
    for o in received.outputs(ping.PING_CODES, output):
        parts = {e["url"]: e for e in o["extension"][0]["extension"]}
        out[parts["organization-identifier"]["valueIdentifier"]["value"]] = o["valueCoding"]["code"]
    return out


def reference(endpoint):
    value = {"type": "Endpoint", "identifier": fhir.identifier(fhir.ENDPOINT_SID, endpoint)}
    return fhir.parameter(ping.PING_CODES, "endpoint-identifier", "valueReference", value)


# Would find: the own site pinged, one correlation key for two targets, a pong that is counted for the other site.
def test_all_answer(site):
    started = site.start("startPing")
    sent = site.sent
    assert sorted(s.to for s in sent) == [A, B]
    assert len({s.correlation_key for s in sent}) == 2
    assert {s.business_key for s in sent} == {started.business_key}
    where = fhir.input_of(sent[0].task, ping.PING_CODES, "endpoint-identifier")
    assert where["valueReference"]["identifier"]["value"] == "endpoint.hrp.example"
    assert started.status == "in-progress"
    for s in sent:
        answered = site.answer(s, "pong")
        assert answered.status == "completed"
    assert started.status == "completed"
    assert statuses(started) == {A: "pong-received", B: "pong-received"}
    assert started.instance.state == "completed"


# Would find: a timer that does not fire, fires early, or fires for the one that has answered.
def test_one_is_silent(site):
    site.on("ping", lambda s: site.answer(s, "pong"), partner=A)
    started = site.start("startPing")
    site.advance("PT19S")
    assert started.status == "in-progress" and statuses(started) == {}
    site.advance("PT1S")
    assert started.status == "completed"
    assert statuses(started) == {A: "pong-received", B: "pong-missing"}


# Would find: a refusal that fails the instance, a refusal that is tried for ever, a broken connection that is not tried again.
def test_one_refuses_and_one_is_away(site):
    site.script(A, (403, "not you"))
    site.script(B, None)
    started = site.start("startPing")
    site.advance("PT5M")
    assert started.status == "completed"
    assert statuses(started) == {A: "not-allowed", B: "not-reachable"}
    attempts = Counter(s.to for s in site.sent)
    assert attempts[A] == 1 and attempts[B] > 2
    refused = [o for o in started.outputs(ping.PING_CODES, "ping-status") if o["valueCoding"]["code"] == "not-allowed"][0]
    assert "not you" in refused["extension"][0]["extension"][3]["valueString"]


def test_targets_by_search(site):
    search = "https://hrp.example/fhir/Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|endpoint.dic-b.example"
    site.start("startPing", [(ping.PING_CODES, "target-endpoints", search)])
    assert [s.to for s in site.sent] == [B]


def test_a_search_for_something_else(site):
    started = site.start("startPing", [(ping.PING_CODES, "target-endpoints", "Patient?name=x")])
    assert started.status == "failed" and "must be a search that results in Endpoints" in started.error
    assert site.sent == []


def test_pong(site):
    received = site.receive("ping", A, [reference("endpoint.dic-a.example")], business_key="bk", correlation_key="ck")
    assert [(s.to, s.message_name, s.business_key, s.correlation_key) for s in site.sent] == [(A, "pong", "bk", "ck")]
    assert received.status == "completed" and statuses(received, "pong-status") == {A: "pong-send"}


# Would find: an answer sent to an endpoint that is not the requester's.
def test_pong_to_a_stranger(site):
    received = site.receive("ping", A, [reference("endpoint.dic-b.example")], business_key="bk", correlation_key="ck")
    assert site.sent == []
    assert statuses(received, "pong-status") == {A: "not-allowed"}


def test_pong_refused(site):
    site.script(A, 403)
    received = site.receive("ping", A, [reference("endpoint.dic-a.example")], business_key="bk", correlation_key="ck")
    assert received.status == "failed" and statuses(received, "pong-status") == {A: "not-allowed"}
    assert "send failed [recipient: dic-a.example" in received.error


# Would find: a timer without a pause, pings that share a business key, a second start that does not end the first.
def test_autostart(site):
    site.start("startPingAutostart", [(ping.PING_CODES, "timer-interval", "PT1H")])
    site.advance("PT3H30M")
    pings = [s for s in site.sent if s.message_name == "startPing"]
    assert len(pings) == 4 and len({s.business_key for s in pings}) == 4
    assert {s.to for s in pings} == {"hrp.example"}
    site.start("stopPingAutostart")
    site.advance("PT3H")
    assert len([s for s in site.sent if s.message_name == "startPing"]) == 4


@pytest.mark.parametrize("interval,usable", [("PT0S", False), ("soon", False), ("PT0.5S", False), ("P", False), ("PT", False), ("P1DT", False),
                                             ("PT1S", True), ("P1M", True), ("P2W", True), ("P1DT2H", True), ("PT1.5S", True)])
def test_intervals(interval, usable):
    assert ping.lasts_a_second(interval) == usable
