"""The cars in a lot, against a lot whose cars are known: gates and cameras that err."""

import random

import pytest

from models.parking.kalman import SHARE, Cars

CAPACITY = 100
MORNING_S = 8 * 3600.0
DAY_S = 86_400.0


class Lot:
    """A lot with known cars; its gates miss, its camera undercounts."""

    def __init__(
        self, seed: int, *, gates: bool = True, camera: bool = True, missed_out: float = 0.04
    ) -> None:
        self.rng = random.Random(seed)
        self.cars = Cars()
        self.true = 4
        self.gates, self.camera, self.missed_out = gates, camera, missed_out

    def day(self, number: int) -> list[float]:
        """From eight to six, a minute at a time; the error of each ten minutes, in cars."""
        start_s = number * DAY_S
        if self.gates and number:
            self.cars.night(start_s, CAPACITY)
        self.cars.begin_day(start_s, number % 7)
        sees = self.rng.gauss(0.95, 0.02)
        errors = []
        for minute in range(600):
            at_s = start_s + MORNING_S + minute * 60.0
            wanted = 85 if minute < 300 else 4
            for _ in range(3):
                if self.rng.random() < 0.45:
                    self._pass(into=self.true < wanted or self.rng.random() < 0.3, at_s=at_s)
            if self.camera and minute % 5 == 0:
                seen = 90 if minute % 100 == 0 else CAPACITY
                share = sum(self.rng.random() < sees for _ in range(self.true)) / CAPACITY
                self.cars.camera(round(share * seen), seen, at_s, CAPACITY)
            told = self.cars.quantiles(at_s, CAPACITY)
            if told is not None and minute % 10 == 0:
                errors.append(told[1] - self.true)
        self.true = 4
        return errors

    def _pass(self, *, into: bool, at_s: float) -> None:
        if (into and self.true >= CAPACITY) or (not into and self.true <= 0):
            return
        self.true += 1 if into else -1
        if self.gates and self.rng.random() > (0.01 if into else self.missed_out):
            self.cars.pulse(into=into, at_s=at_s, capacity=CAPACITY)


def mean_error(lot: Lot, days: range) -> float:
    errors = [abs(error) for number in days for error in lot.day(number)]
    return sum(errors) / len(errors)


def test_gates_that_miss_more_one_way_are_learnt_at_night() -> None:
    """Without learning, every evening ends some fifteen cars too high."""
    lot = Lot(1, camera=False)
    first = mean_error(lot, range(1, 4))
    later = mean_error(lot, range(4, 30))
    assert later < 0.7 * first
    assert later < 6


def test_with_gates_the_share_that_a_camera_sees_is_learnt() -> None:
    lot = Lot(2)
    assert mean_error(lot, range(1, 20)) < 2.5
    assert lot.cars.x[SHARE] == pytest.approx(0.95, abs=0.03)


def test_a_camera_alone_that_never_sees_a_part_is_taken_for_a_machine_that_counts_all() -> None:
    cars = Cars()
    for number in range(20):
        cars.camera(60, CAPACITY, number * 300.0, CAPACITY)
    assert cars.x[0] == pytest.approx(60, abs=0.5)
    for number in range(20, 60):
        cars.camera(54, 90, number * 300.0, CAPACITY)
    assert 61 < cars.x[0] < 65, "a camera misses a few"


def test_pulses_that_come_late_are_not_counted_again_where_a_camera_has_seen_their_cars() -> None:
    cars = Cars()
    cars.set(40, 0.0, CAPACITY)
    for at_s in (300.0, 600.0, 900.0, 1200.0):
        cars.camera(round(0.96 * 60), 99, at_s, CAPACITY)
    before = cars.x[0]
    for late_s in range(20):
        cars.pulse(into=True, at_s=10.0 + late_s * 10, capacity=CAPACITY)
    assert before < cars.x[0] < before + 6


def test_a_burst_of_a_broken_loop_is_no_cars() -> None:
    cars = Cars()
    cars.set(40, 0.0, CAPACITY)
    for minute in range(60):
        cars.pulse(into=True, at_s=minute * 60.0, capacity=CAPACITY)
        cars.pulse(into=False, at_s=minute * 60.0 + 30, capacity=CAPACITY)
    for number in range(40):
        cars.pulse(into=True, at_s=3600.0 + number * 0.7, capacity=CAPACITY)
    assert cars.x[0] < 52


def test_a_lot_that_is_unknown_for_a_day_is_told_by_what_is_usual() -> None:
    lot = Lot(4, gates=False)
    for number in range(1, 15):
        lot.day(number)
    lot.camera = False
    errors = lot.day(15)
    assert errors
    assert sum(map(abs, errors)) / len(errors) < 12
