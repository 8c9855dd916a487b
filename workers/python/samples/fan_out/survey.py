#!/usr/bin/python3
"""Fan-out: one question to all sites at once, their answers added up, those that do not answer counted."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from dsfd_worker import BpmnError, Completed, Failed, Targets, Worker, fhir  # noqa: E402

SURVEY, ANSWER = "exampleorg_survey", "exampleorg_surveyAnswer"
CODES = "http://example.org/fhir/CodeSystem/survey"
COUNT_SETTING = "org.example.survey.count"

worker = Worker("survey")


def number(code, value):
    return fhir.parameter(CODES, code, "valueInteger", value)


@worker.handler(process=SURVEY, cls="org.example.Choose")
def choose(activation, services):
    # Each has a correlation key of its own: by it the answers find their way.
    return {"targets": Targets(m.target(services.new_uuid()) for m in services.members() if not m.local)}


@worker.handler(process=SURVEY, cls="org.example.Ask")
def ask(activation, services):
    if error := activation.send_error:
        services.log.warning("not asked", partner=activation.target.organization_identifier, error=error.text)
        raise BpmnError("not_sent", error.text)
    return Completed().send(activation.message())


@worker.handler(process=SURVEY, cls="org.example.SetCorrelationKey")
def set_correlation_key(activation, services):
    return Completed().set_local("correlationKey", activation.target.correlation_key)


@worker.handler(process=SURVEY, cls="org.example.Note")
def note(activation, services):
    count = activation.latest_task.input(CODES, "count").get("valueInteger")
    return Completed().change(activation.start_task.change(number("count", count)))


@worker.handler(process=SURVEY, cls="org.example.AddUp")
def add_up(activation, services):
    task = activation.start_task
    counts = [o["valueInteger"] for o in fhir.outputs_of(task.content, CODES, "count")]
    missing = len(activation.variables["targets"]) - len(counts)
    return Completed({"total": sum(counts)}).change(task.change(number("total", sum(counts)), number("missing", missing)))


@worker.handler(process=ANSWER, cls="org.example.Answer")
def answer(activation, services):
    if error := activation.send_error:
        raise Failed(error.text)
    count = services.settings.get(COUNT_SETTING, "")
    if not count.isdigit():
        raise Failed(f"setting {COUNT_SETTING} must be a number, is {count!r}", retryable=False)
    task = activation.start_task
    asker = next((m for m in services.members() if m.organization_identifier == task.requester), None)
    if not asker:
        raise Failed(f"{task.requester} has no active endpoint on the allow-list", retryable=False)
    to = asker.target(task.text_input(fhir.BPMN_MESSAGE, "correlation-key"))
    return Completed().send(activation.message(to, additional_inputs=[number("count", int(count))]))


if __name__ == "__main__":
    worker.run()
