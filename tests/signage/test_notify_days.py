"""A synthetic morning: notices come while there is still time, and each once."""

from bench.notices import Found, at, play, share
from models.site import parse
from models.turn import LATE_AHEAD
from tests.conftest import ROOT


def test_notices_come_while_three_tickets_remain() -> None:
    name = ROOT / "ansible" / "sites" / "kita.toml"
    found = Found()
    play(parse(name.read_text("utf-8"), name.name), 2, 1, found)
    assert len(found.near) > 50
    assert share([came.before >= LATE_AHEAD for came in found.near]) >= 0.95
    minutes = sorted(came.minutes for came in found.near)
    assert 10 <= at(minutes, 0.5) <= 45
    out = found.outcomes
    assert out["now"] == out["called"]
    assert out["passed absent"] >= 0.9 * out["absent"] > 0
    assert out["passed served"] <= 0.05 * out["served"]
