import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "samples")]

from fake_site import FakeSite  # noqa: E402


@pytest.fixture
def fake(tmp_path):
    site = FakeSite(tmp_path / "w.sock")
    yield site
    site.stop()
