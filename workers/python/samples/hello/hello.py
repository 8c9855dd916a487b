#!/usr/bin/python3
"""The smallest worker: one handler of one service task."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from dsfd_worker import BpmnError, Completed, Worker, fhir  # noqa: E402

CODES = "http://example.org/fhir/CodeSystem/hello"

worker = Worker("hello")


@worker.handler(process="exampleorg_hello", cls="org.example.Greet")
def greet(activation, services):
    task = activation.start_task
    name = task.text_input(CODES, "name")
    if not any(c.isalpha() for c in name):
        raise BpmnError("nobody", f"{name!r} is no name")
    greeting = f"Hello {name}, this is {services.organization}"
    services.log("greeted", name=name)
    return Completed({"greeting": greeting}).change(task.change(fhir.parameter(CODES, "greeting", "valueString", greeting)))


if __name__ == "__main__":
    worker.run()
