"""What most tests of the console stand on."""

from pathlib import Path

import pytest

from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from tests.support.company import company


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """Return the small company in real time; a test file that needs another has its own."""
    return company(tmp_path, utc_now)
