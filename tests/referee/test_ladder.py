"""One office of the referee without its tickets: a wait is told, nearly as well as was measured."""

import csv
from datetime import timedelta
from pathlib import Path

import pytest

from tests.referee.replay import replay

_DAYS = timedelta(days=3)


@pytest.mark.parametrize(
    ("rung", "basis", "ratio"),
    [("camera-door", "camera+door", 1.35), ("buttons-camera", "buttons+camera", 1.40)],
)
def test_a_wait_is_told_without_tickets(rung: str, basis: str, ratio: float) -> None:
    root = Path(__file__).resolve().parents[2]
    folder = root.parent / f"shared/referee/sets/ladder-public/juminka4-{rung}"
    if not folder.is_dir():
        pytest.skip("no ../shared beside this clone: the referee's logs are not here")
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as file:
        truth = {row["id"]: row for row in csv.DictReader(file)}
    told = replay(folder, _DAYS)
    assert {answer.basis for answer in told} == {basis}
    pairs = [(answer, truth[answer.id]) for answer in told]
    ours = sum(abs(answer.p50 - float(row["truth_s"])) for answer, row in pairs)
    oracle = sum(abs(float(row["oracle_p50_s"]) - float(row["truth_s"])) for _, row in pairs)
    inside = sum(answer.p10 <= float(row["truth_s"]) <= answer.p90 for answer, row in pairs)
    assert len(told) > 80
    assert ours / oracle < ratio
    assert 0.65 < inside / len(told) < 0.95
