"""An office whose results are put into a mirror."""

import pytest

from models.site import parse
from tests.signage.office import EXAMPLE, HandClock, Hub


@pytest.fixture
def hub() -> Hub:
    return Hub(parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name), HandClock())
