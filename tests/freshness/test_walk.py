"""No surface shows a value past its end, whatever dies, is cut, is late or is wrong about time."""

from datetime import timedelta
from pathlib import Path

import pytest

from models import freshness
from models.site import Site, parse
from signage import mirror
from tests.freshness.browser import Browser
from tests.freshness.walk import Walk

EXAMPLE = Path(__file__).resolve().parents[2] / "ansible" / "sites" / "example.toml"
STEPS = 1000


@pytest.fixture(scope="module")
def site() -> Site:
    return parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_surface_shows_a_value_past_its_end(site: Site, seed: int) -> None:
    walk = Walk(site, seed)
    for _ in range(STEPS):
        walk.step()
        assert walk.old == []
    assert walk.ledger.looked_at > STEPS, "the walk shows hardly anything: it proves nothing"


def test_the_walk_finds_a_surface_that_looks_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that is one second late is found out."""
    phase = freshness.Life.phase
    late = timedelta(seconds=1)
    monkeypatch.setattr(freshness.Life, "phase", lambda life, now: phase(life, now - late))
    assert _old(site) > 0


def test_the_walk_finds_a_browser_that_believes_its_own_clock(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Browser, "_now_s", lambda browser: browser.wall_s)
    assert _old(site) > 0


def test_the_walk_finds_a_mirror_that_believes_a_clock_that_is_ahead(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Devices without a clock are dated by the hub's, which is an hour ahead."""
    assert _old(site, hub_ahead=True) == 0
    monkeypatch.setattr(mirror, "_by_our_clock", lambda result, _now, *, retain: result)  # noqa: ARG005
    assert _old(site, hub_ahead=True) > 0


def _old(site: Site, *, hub_ahead: bool = False) -> int:
    for seed in range(1, 4):
        walk = Walk(site, seed)
        if hub_ahead:
            walk.world.hub_ahead = timedelta(hours=1)
            for device in walk.world.devices.values():
                device.has_clock = False
        for _ in range(STEPS):
            walk.step()
        if walk.old:
            return len(walk.old)
    return 0
