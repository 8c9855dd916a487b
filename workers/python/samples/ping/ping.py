#!/usr/bin/python3
"""The handlers of ping, pong and the ping autostart (processes/ping/bundle), as dsfd has them in C++ (processes/ping)."""
import os
import re
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from dsfd_worker import BpmnError, Completed, Failed, Target, Targets, Worker, fhir  # noqa: E402

PING, PONG, AUTOSTART = "dsfdev_ping", "dsfdev_pong", "dsfdev_pingAutostart"
PING_CODES = "http://dsf.dev/fhir/CodeSystem/ping"
STATUS_CODES = "http://dsf.dev/fhir/CodeSystem/ping-status"
STATUS_EXTENSION = "http://dsf.dev/fhir/StructureDefinition/extension-ping-status"
NOT_ALLOWED, NOT_REACHABLE = "not-allowed", "not-reachable"
PONG_MISSING, PONG_RECEIVED, PONG_SEND = "pong-missing", "pong-received", "pong-send"
MAX_PAGES = 1_000
# Types of which a match or an include can be an Endpoint.
ENDPOINT_TYPES = {"Endpoint", "HealthcareService", "ImagingStudy", "InsurancePlan", "Location", "Organization", "OrganizationAffiliation",
                  "PractitionerRole"}

worker = Worker("ping", plugin="ping")


def bad_task(text):
    return Failed(f"Task.input: {text}", retryable=False)


def status_output(output, status, target, error=""):
    """Output ping-status or pong-status (StructureDefinition extension-ping-status); an empty error is left out."""
    parts = [
        {"url": "correlation-key", "valueString": target.correlation_key},
        {"url": "organization-identifier", "valueIdentifier": fhir.identifier(fhir.ORGANIZATION_SID, target.organization_identifier)},
        {"url": "endpoint-identifier", "valueIdentifier": fhir.identifier(fhir.ENDPOINT_SID, target.endpoint_identifier)},
    ]
    if error:
        parts.append({"url": "error-message", "valueString": error})
    return {"extension": [{"extension": parts, "url": STATUS_EXTENSION}], "type": fhir.concept(PING_CODES, output),
            "valueCoding": fhir.coding(STATUS_CODES, status)}


def status_of(error):
    return NOT_ALLOWED if error.http_status == 403 else NOT_REACHABLE


# ---- ping: choose, send, wait, note


def relative_search(query):
    """The search of input target-endpoints without what stands before the resource type."""
    path, question, rest = query.partition("?")
    relative = path.rpartition("/")[2] + question + rest
    if relative.partition("?")[0] not in ENDPOINT_TYPES:
        raise bad_task("input target-endpoints must be a search that results in Endpoints, as "
                       "Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|x")
    return relative


def search_endpoints(services, query):
    """Identifiers of the active Endpoints among matches and includes, over all pages."""
    found, seen = set(), 0
    for page in range(1, MAX_PAGES + 1):
        bundle = services.local_endpoint.search(f"{query}{'&' if '?' in query else '?'}_page={page}")
        entries = bundle.get("entry", [])
        matches = sum(e.get("search", {}).get("mode", "match") == "match" for e in entries)
        for resource in (e.get("resource", {}) for e in entries):
            if resource.get("resourceType") == "Endpoint" and resource.get("status") == "active":
                found.update(i["value"] for i in resource.get("identifier", []) if i.get("system") == fhir.ENDPOINT_SID)
        seen += matches
        if matches == 0 or seen >= bundle.get("total", 0):
            return found
    raise bad_task(f"input target-endpoints results in more than {MAX_PAGES} pages; narrow the search")


@worker.handler(process=PING, cls="dev.dsf.bpe.service.SelectPingTargets")
def select_ping_targets(activation, services):
    query = activation.start_task.input(PING_CODES, "target-endpoints").get("valueString", "")
    wanted = search_endpoints(services, relative_search(query)) if query else None
    targets = Targets(m.target(services.new_uuid()) for m in services.members()
                      if not m.local and (wanted is None or m.endpoint_identifier in wanted))
    services.log("targets selected", targets=len(targets), task=activation.start_task.reference)
    return Completed().set_in_instance("targets", targets)


@worker.handler(process=PING, cls="dev.dsf.bpe.message.SendPing")
def send_ping(activation, services):
    # A failed send is the model's business: it looks at statusCode.
    if error := activation.send_error:
        return Completed().set_local("statusCode", status_of(error)).set_local("errorMessage", error.text)
    local = services.local()
    if not local.endpoint_identifier:
        raise Failed(f"the site's own Endpoint with address {local.endpoint_url} is not on its allow-list", retryable=False)
    # The message names the endpoint that waits for the pong.
    reference = {"type": "Endpoint", "identifier": fhir.identifier(fhir.ENDPOINT_SID, local.endpoint_identifier)}
    message = activation.message(additional_inputs=[fhir.parameter(PING_CODES, "endpoint-identifier", "valueReference", reference)])
    return Completed().send(message)


@worker.handler(process=PING, cls="dev.dsf.bpe.listener.SetCorrelationKeyListener")
def set_correlation_key(activation, services):
    return Completed().set_local("correlationKey", activation.target.correlation_key)


def record(activation, services, status, error=""):
    """What became of one target: a log line and an output of the start Task."""
    task, target = activation.start_task, activation.target
    say = services.log.info if status == PONG_RECEIVED else services.log.warning
    say("ping answered or given up", status=status, partner=target.organization_identifier, endpoint=target.endpoint_identifier,
        **({"error": error} if error else {}))
    return Completed().change(task.change(status_output("ping-status", status, target, error)))


@worker.handler(process=PING, cls="dev.dsf.bpe.service.LogPong")
def log_pong(activation, services):
    return record(activation, services, PONG_RECEIVED)


@worker.handler(process=PING, cls="dev.dsf.bpe.service.LogNoResponse")
def log_no_response(activation, services):
    return record(activation, services, PONG_MISSING)


@worker.handler(process=PING, cls="dev.dsf.bpe.service.LogSendError")
def log_send_error(activation, services):
    status = NOT_ALLOWED if activation.variables.text("statusCode") == NOT_ALLOWED else NOT_REACHABLE
    return record(activation, services, status, activation.variables.text("errorMessage"))


@worker.handler(process=PING, cls="dev.dsf.bpe.service.SaveResults")
def save_results(activation, services):
    # The outputs stand already; this says in the log how it went as a whole.
    codings = (o.get("valueCoding", {}) for o in activation.start_task.outputs())
    counts = Counter(c["code"] for c in codings if c.get("system") == STATUS_CODES)
    services.log("ping finished", task=activation.start_task.reference, **{code.replace("-", "_"): n for code, n in sorted(counts.items())})


# ---- pong: look up who asks, answer


@worker.handler(process=PONG, cls="dev.dsf.bpe.service.LogPing")
def log_ping(activation, services):
    services.log("ping received", partner=activation.start_task.requester, task=activation.start_task.reference)


@worker.handler(process=PONG, cls="dev.dsf.bpe.service.SelectPongTarget")
def select_pong_target(activation, services):
    """The endpoint that the ping names, if the allow-list says it is the requester's."""
    task = activation.start_task
    organization = task.requester
    key = task.text_input(fhir.BPMN_MESSAGE, "correlation-key")
    endpoint = task.input(PING_CODES, "endpoint-identifier").get("valueReference", {}).get("identifier", {}).get("value", "")
    if not endpoint:
        raise bad_task("the Task needs an input endpoint-identifier with a valueReference.identifier")
    for m in services.members():
        if (m.organization_identifier, m.endpoint_identifier) == (organization, endpoint):
            return Completed().set_in_instance("target", m.target(key))
    text = f"the allow-list has no active endpoint {endpoint} of organization {organization}"
    services.log.warning(f"no pong sent: {text}", partner=organization, task=task.reference)
    output = status_output("pong-status", NOT_ALLOWED, Target(organization, endpoint, "", key), text)
    return BpmnError("target_not_allowed", text, tasks=[task.change(output)])


@worker.handler(process=PONG, cls="dev.dsf.bpe.message.SendPong")
def send_pong(activation, services):
    task, target = activation.start_task, activation.target
    error = activation.send_error
    if not error:
        sent = task.change(status_output("pong-status", PONG_SEND, target))
        return Completed().send(activation.message(target, on_delivered=[sent]))
    # As the reference: the status is shown and the Task fails with the send error.
    services.log.warning("pong not sent", partner=target.organization_identifier, task=task.reference, error=error.text)
    text = (f"Task {activation.fields.text('instantiatesCanonical')} send failed [recipient: {target.organization_identifier}, "
            f"endpoint: {target.endpoint_identifier}, businessKey: {activation.business_key}, correlationKey: {target.correlation_key}, "
            f"message: {activation.fields.text('messageName')}, error: {error.text}]")
    return Completed().change(task.change(status_output("pong-status", status_of(error), target, error.text),
                                          fhir.parameter(fhir.BPMN_MESSAGE, "error", "valueString", text), status="failed"))


# ---- autostart: a ping at regular intervals

DURATION = re.compile(r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def lasts_a_second(interval):
    parts = DURATION.fullmatch(interval)
    return bool(parts) and (any(int(p or 0) for p in parts.groups()[:6]) or float(parts[7] or 0) >= 1)


@worker.handler(process=AUTOSTART, cls="dev.dsf.bpe.service.SetTargetAndConfigureTimer")
def set_target_and_configure_timer(activation, services):
    interval = activation.start_task.input(PING_CODES, "timer-interval").get("valueString") or "PT24H"
    # A duration of nothing would ping without a pause.
    if not lasts_a_second(interval):
        raise bad_task(f"input timer-interval must be a duration of at least one second, is {interval}")
    return Completed().set_in_instance("timerInterval", interval).set_in_instance("target", services.local().target())


@worker.handler(process=AUTOSTART, cls="dev.dsf.bpe.message.SendStartPing")
def send_start_ping(activation, services):
    if error := activation.send_error:
        return Failed(error.text)
    # Each ping is an instance of its own: it needs a business key of its own.
    message = activation.message(business_key=services.new_uuid())
    query = activation.start_task.input(PING_CODES, "target-endpoints").get("valueString", "")
    if query:
        message.additional_inputs.append(fhir.parameter(PING_CODES, "target-endpoints", "valueString", query))
    return Completed().send(message)


if __name__ == "__main__":
    worker.run()
