import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import survey  # noqa: E402
from dsfd_worker import fhir  # noqa: E402
from dsfd_worker.testing import site_fixture  # noqa: E402

PARTNERS = [f"dic-{n}.example" for n in range(20)]

site = site_fixture(bundle=Path(__file__).parent / "bundle", worker=survey.worker, partners=PARTNERS,
                    settings={survey.COUNT_SETTING: "7"})


def numbers(received, code):
    return [o["valueInteger"] for o in received.outputs(survey.CODES, code)]


# Would find: answers taken for another target's, a target that keeps the others waiting, one counted twice.
def test_some_answer(site):
    site.script(PARTNERS[0], 403)
    for n in range(1, 15):
        site.on("question", lambda sent, n=n: site.answer(sent, "answer", [survey.number("count", n)]), partner=PARTNERS[n])
    started = site.start("startSurvey")
    assert started.status == "in-progress"
    site.advance("PT59M")
    assert started.status == "in-progress"
    site.advance("PT1M")
    assert started.status == "completed"
    assert sorted(numbers(started, "count")) == list(range(1, 15))
    assert numbers(started, "total") == [sum(range(1, 15))] and numbers(started, "missing") == [6]
    assert started.instance.variables["total"] == 105


def test_the_answering_side(site):
    asked = site.receive("question", PARTNERS[3], business_key="bk", correlation_key="ck")
    assert asked.status == "completed"
    sent = site.sent[0]
    assert (sent.to, sent.message_name, sent.business_key, sent.correlation_key) == (PARTNERS[3], "answer", "bk", "ck")
    assert fhir.input_of(sent.task, survey.CODES, "count")["valueInteger"] == 7
