import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import hello  # noqa: E402
from dsfd_worker.testing import site_fixture  # noqa: E402

site = site_fixture(bundle=Path(__file__).parent / "bundle", worker=hello.worker)


def test_greets(site):
    started = site.start("startHello", [(hello.CODES, "name", "Ada")])
    assert started.status == "completed"
    assert [o["valueString"] for o in started.outputs(hello.CODES, "greeting")] == ["Hello Ada, this is site.test"]
    assert started.instance.variables["greeting"] == "Hello Ada, this is site.test"


def test_nobody(site):
    started = site.start("startHello", [(hello.CODES, "name", "42")])
    assert started.status == "completed" and started.outputs(hello.CODES, "greeting") == []
    assert "greeting" not in started.instance.variables
