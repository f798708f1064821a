"""An independent referee: ciw, given the tickets of our world, has everybody wait as long.

The laws by which tickets are drawn are compared by `make ciw`, which takes minutes.
"""

import numpy as np
import pytest

from tests.world.offices import CIW, OFFICES, given_s, lived

DAYS = 20


@pytest.mark.parametrize("name", OFFICES)
def test_ciw_has_everybody_wait_as_long_as_our_world(name: str) -> None:
    if not CIW.is_file():
        pytest.skip("ciw is not installed in var/ciw: make ciw")
    office = OFFICES[name]
    days = [lived(office, seed) for seed in range(DAYS)]
    for ours, theirs in zip(days, given_s(office, days), strict=True):
        waited = np.array([ticket.wait_s for ticket in ours])
        assert len(theirs) == len(waited) > 50
        assert np.abs(theirs - waited).max() < 0.01
