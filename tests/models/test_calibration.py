"""Cameras with a known error, counted beside by hand: what they tell afterwards."""

import random
import sys
from collections.abc import Callable
from statistics import fmean

import pytest

from models.contract.observations import People, SetCount
from models.contract.results import ServiceResult, ZoneResult
from models.state.calibration import Calibration
from models.state.office import Office
from tests.models.offices import SITE, Hand, after

Camera = Callable[[random.Random, int], int]
"""What it sees of so many people."""


def sees(share: float) -> Camera:
    return lambda rng, people: sum(rng.random() < share for _ in range(people))


def misses_the_corner(rng: random.Random, people: int) -> int:
    """A desk that it cannot see, at which one to three stand while anybody is there."""
    return max(people - rng.randint(1, 3), 0)


def misses_both(rng: random.Random, people: int) -> int:
    return sees(0.8)(rng, misses_the_corner(rng, people))


def sees_a_poster(_rng: random.Random, people: int) -> int:
    return people + 1


def learnt(camera: Camera, counts: list[int], seed: int) -> Calibration:
    rng, made = random.Random(seed), Calibration()
    for people in counts:
        made.learn(camera(rng, people), people, "cam")
    return made


def error(camera: Camera, calibration: Calibration, seed: int) -> float:
    """Mean error in people on counts that were not learnt from."""
    rng = random.Random(1000 + seed)
    people = [rng.randint(0, 60) for _ in range(300)]
    return fmean(abs(calibration.people(camera(rng, n), "cam") - n) for n in people)


def mean_error(camera: Camera, counts: int, wrong: Callable[[int], int] = lambda n: n) -> float:
    """Of twenty offices that have counted so often, in the third of which `wrong` was noted."""
    errors = []
    for seed in range(20):
        rng, seen = random.Random(seed), Calibration()
        for n in range(counts):
            people = rng.randint(3, 60)
            seen.learn(camera(rng, people), wrong(people) if n == 2 else people, "cam")
        errors.append(error(camera, seen, seed))
    return fmean(errors)


@pytest.mark.parametrize(
    ("camera", "raw", "calibrated"),
    [
        (sees(0.8), 5.9, 2.5),
        (sees(0.6), 11.9, 4.5),
        (misses_the_corner, 2.0, 1.0),
        (misses_both, 7.5, 2.7),
        (sees_a_poster, 1.0, 0.2),
    ],
    ids=["sees 80 %", "sees 60 %", "misses a corner", "misses both", "counts a poster"],
)
def test_six_counts_by_hand_set_a_camera_right(
    camera: Camera, raw: float, calibrated: float
) -> None:
    assert mean_error(camera, 0) > raw * 0.9
    assert mean_error(camera, 6) < calibrated


@pytest.mark.parametrize("counts", [0, 1, 2, 3, 6, 20, 60])
def test_a_camera_that_is_right_is_left_so(counts: int) -> None:
    assert mean_error(lambda _rng, people: people, counts) < 0.05


@pytest.mark.parametrize(
    "wrong",
    [lambda n: n // 10, lambda n: n * 10, lambda n: n + 40, lambda _: 1_000_000],
    ids=["a digit lost", "a digit more", "forty more", "a slip of the hand"],
)
@pytest.mark.parametrize("counts", [3, 6, 12])
@pytest.mark.parametrize("camera", [sees(1.0), sees(0.8), misses_the_corner])
def test_one_wrong_count_by_hand_does_no_harm(
    camera: Camera, counts: int, wrong: Callable[[int], int]
) -> None:
    assert mean_error(camera, counts, wrong) < mean_error(camera, counts) + 0.6


@pytest.mark.parametrize("camera", [sees(0.8), misses_the_corner, sees(1.0)])
def test_counts_in_a_quiet_lobby_do_not_spoil_a_full_one(camera: Camera) -> None:
    quiet = [n % 4 + 2 for n in range(20)]
    for seed in range(20):
        rng = random.Random(seed)
        made, full = learnt(camera, quiet, seed), [camera(rng, 55) for _ in range(50)]
        raw = fmean(abs(n - 55) for n in full)
        assert fmean(abs(made.people(n, "cam") - 55) for n in full) < raw + 3.0


def test_a_camera_that_is_hung_elsewhere_is_learnt_anew() -> None:
    made = learnt(sees(0.7), [30, 40, 50] * 5, 1)
    rng = random.Random(2)
    for people in [30, 40, 50] * 6:
        made.learn(sees(1.0)(rng, people), people, "cam")
    assert error(sees(1.0), made, 3) < 1.0


def test_nobody_is_invented_where_the_camera_sees_nobody() -> None:
    made = learnt(misses_the_corner, [4, 5, 6] * 5, 1)
    assert made.people(0, "cam") == 0


def test_a_zero_that_begins_the_day_says_nothing_of_the_camera() -> None:
    made, before = (learnt(sees(0.8), [30, 40, 50], 1) for _ in range(2))
    made.learn(12, 0, "cam")
    assert made == before


def zone(hand: Hand, at_s: float) -> ZoneResult:
    result = hand.office.results(after(at_s))["zone/lobby"]
    assert isinstance(result, ZoneResult)
    return result


def counted(hand: Hand, times: int, *, later_s: float = 5.0) -> None:
    """The camera sees 40 where somebody counts 50, every five minutes."""
    for n in range(times):
        hand.see("lobby", People(count=40), after(300 * n), device="cam")
        hand.see("lobby", SetCount(count=50, by="desk"), after(300 * n + later_s), device="web")


def test_without_a_count_by_hand_the_camera_is_told_as_it_is() -> None:
    hand = Hand()
    hand.see("lobby", People(count=40), device="cam")
    assert (zone(hand, 1).people, zone(hand, 1).basis) == (40, "camera")


def test_from_the_third_count_on_it_is_told_by_how_many() -> None:
    for times, basis in ((2, "camera"), (3, "camera, calibrated by 3 counts")):
        hand = Hand()
        counted(hand, times)
        assert zone(hand, 1000).basis == "set"
        hand.see("lobby", People(count=40), after(1010), device="cam")
        assert zone(hand, 1011).basis == basis
    people = zone(hand, 1011).people
    assert people is not None
    assert 46 <= people <= 50


def test_services_and_over_rest_on_the_calibrated_count() -> None:
    hand = Hand()
    counted(hand, 8)
    for n in range(12):
        hand.see("lobby", People(count=50), after(3000 + n), device="cam")
    people = zone(hand, 3012).people
    assert people is not None
    assert people > 60
    assert zone(hand, 3012).over is True
    tax = hand.office.results(after(3012))["service/tax"]
    assert isinstance(tax, ServiceResult)
    assert (tax.level, tax.basis) == (4, "camera")


def test_a_count_beside_a_camera_that_has_not_just_counted_says_nothing() -> None:
    hand = Hand()
    counted(hand, 8, later_s=46.0)  # half of its ninety seconds is over
    hand.see("lobby", People(count=40), after(3000), device="cam")
    assert (zone(hand, 3001).people, zone(hand, 3001).basis) == (40, "camera")


def test_another_camera_is_not_set_right_by_the_errors_of_the_first() -> None:
    hand = Hand()
    counted(hand, 8)
    hand.see("lobby", People(count=40), after(3000), device="cam-2")
    assert (zone(hand, 3001).people, zone(hand, 3001).basis) == (40, "camera")


def test_what_was_learnt_survives_a_restart() -> None:
    hand = Hand()
    counted(hand, 8)
    again = Hand(Office.load(SITE, hand.office.dump()))
    for one in (hand, again):
        one.see("lobby", People(count=30), after(3000), device="cam")
    assert zone(again, 3001) == zone(hand, 3001)
    assert zone(again, 3001).people != 30


def main() -> None:
    """The table of docs/estimators.md."""
    cameras: dict[str, Camera] = {
        "sees 80 %": sees(0.8),
        "sees 60 %": sees(0.6),
        "misses one to three in a corner": misses_the_corner,
        "both (80 %)": misses_both,
        "counts a poster": sees_a_poster,
        "sees all": sees(1.0),
    }
    for name, camera in cameras.items():
        errors = [mean_error(camera, counts) for counts in (0, 3, 6, 12, 20)]
        errors.append(mean_error(camera, 6, lambda n: n // 10))
        sys.stdout.write(f"| {name} | {' | '.join(f'{each:.2f}' for each in errors)} |\n")


if __name__ == "__main__":
    main()
