"""Lines that no ticket tells of: what is said of them, and what is not believed."""

import time
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Beat, Counter, Crossing, People, Press, Reading, SetLevel
from models.contract.results import ServiceResult, Spread
from models.site import parse
from models.state.office import Office
from models.wait import estimator
from models.wait.belief import Belief
from models.wait.durations import first_guess
from models.wait.leaving import Leaving
from models.wait.line import Learnt
from models.wait.noshow import NoShow
from models.wait.unseen import Crowd, Window, play, wait
from tests.models.offices import Hand

SITE = parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
holidays = "none"
[[services]]
id = "tax"
name = { en = "Tax" }
counters = ["c1", "c2"]
[[counters]]
id = "c1"
[[counters]]
id = "c2"
[[zones]]
id = "lobby"
capacity = 60
services = ["tax"]
""")
OPENS = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
"""Half past eight in Tokyo on a Tuesday."""


def at(minutes: float) -> datetime:
    return OPENS + timedelta(minutes=minutes)


class Day:
    """A morning at two counters, whose sensors are the devices desk, cam and door."""

    def __init__(self) -> None:
        self.hand = Hand(Office(SITE))
        self.minute = 0.0

    def see(self, device: str, name: str, reading: Reading) -> None:
        self.hand.see(name, reading, at(self.minute), device=device)

    def beat(self, *devices: str) -> None:
        for device in devices:
            self.see(device, "all", Beat())

    def press(self, counter: str) -> None:
        self.see("desk", f"next-{counter}", Press(gesture="short"))

    def calls(self, minutes: int, people: int | None, each: int = 4) -> None:
        """Both counters call every so many minutes; the camera sees so many all the time."""
        for _ in range(minutes):
            self.beat("desk", "cam")
            if int(self.minute) % each == 0:
                self.press("c1")
                self.press("c2")
            if people is not None:
                self.see("cam", "lobby", People(count=people))
            self.minute += 1

    def passes(self, minutes: int, people: int) -> None:
        """One comes in and one goes out each second minute, while so many are seen to wait."""
        for _ in range(minutes):
            self.beat("door", "cam")
            if int(self.minute) % 2 == 0:
                self.see("door", "entrance", Crossing(direction="in"))
                self.see("door", "entrance", Crossing(direction="out"))
            self.see("cam", "lobby", People(count=people))
            self.minute += 1

    def told(self, later_s: float = 0.0) -> ServiceResult:
        now = at(self.minute) + timedelta(seconds=later_s)
        result = self.hand.office.results(now)["service/tax"]
        assert isinstance(result, ServiceResult)
        return result

    def wait(self) -> Spread:
        found = self.told().wait
        assert found is not None
        return found


def test_buttons_and_a_camera_tell_a_wait() -> None:
    day = Day()
    day.calls(90, people=26)
    told = day.told()
    assert (told.basis, told.waiting, told.called) == ("buttons+camera", None, None)
    assert told.counters_open == 2
    assert told.wait is not None
    assert 20 * 60 < told.wait.p50_s < 60 * 60  # twenty of 4 to 7 minutes by two clerks
    assert told.level in (2, 3)


def test_a_camera_and_a_doorway_tell_a_wait() -> None:
    day = Day()
    day.passes(120, people=13)
    told = day.told()
    assert told.basis == "camera+door"
    assert told.wait is not None
    assert 10 * 60 < told.wait.p50_s < 40 * 60  # ten, of whom one goes each second minute


def test_buttons_alone_tell_a_wait_and_are_less_sure() -> None:
    both, alone = Day(), Day()
    both.calls(90, people=6)
    alone.calls(90, people=None)
    assert alone.told().basis == "buttons"
    wide, narrow = (day.wait().p90_s - day.wait().p10_s for day in (alone, both))
    assert wide > narrow


def test_where_nobody_waits_there_is_no_wait() -> None:
    day = Day()
    day.calls(60, people=0, each=20)
    assert day.wait().p50_s == 0.0


def test_a_dead_camera_is_forgotten_and_the_buttons_go_on() -> None:
    day = Day()
    day.calls(60, people=26)
    day.calls(3, people=None)
    assert day.told().basis == "buttons"


def test_a_doorway_without_a_camera_tells_no_wait() -> None:
    day = Day()
    day.passes(60, people=13)
    day.beat("door")
    day.minute += 1.6
    day.beat("door")
    told = day.told()
    assert told.wait is None
    assert told.basis != "camera+door"


def test_buttons_that_fall_silent_tell_nothing() -> None:
    day = Day()
    day.calls(60, people=None)
    assert day.told(later_s=0.0).wait is not None
    assert day.told(later_s=95.0).wait is None


def test_a_button_that_sticks_is_one_call() -> None:
    once, stuck = Day(), Day()
    for day in (once, stuck):
        day.calls(60, people=26)
    once.press("c1")
    for _ in range(50):
        stuck.press("c1")
    assert stuck.wait() == once.wait()


def test_a_wrong_level_does_not_outweigh_the_camera() -> None:
    silent, wrong = Day(), Day()
    for day in (silent, wrong):
        day.calls(60, people=0, each=20)
    wrong.see("desk", "tax", SetLevel(level=3))
    for day in (silent, wrong):
        day.calls(2, people=0, each=20)
    assert wrong.wait().p50_s < silent.wait().p50_s + 20.0


def test_who_is_seen_suddenly_is_believed_within_minutes() -> None:
    day = Day()
    day.calls(60, people=0, each=20)
    day.calls(9, people=39)
    assert day.wait().p50_s > 30 * 60


def test_a_counter_that_closes_lengthens_the_wait() -> None:
    day = Day()
    day.calls(60, people=26)
    before = day.wait()
    day.see("desk", "c2", Counter(open=False))
    assert day.wait().p50_s > before.p50_s


def test_a_hub_that_is_started_again_tells_the_same() -> None:
    day = Day()
    day.calls(75, people=26)
    again = Office.load(SITE, day.hand.office.dump())
    now = at(day.minute)
    assert again.results(now)["service/tax"] == day.told()


def test_the_looks_of_an_ask_change_nothing() -> None:
    day = Day()
    day.calls(75, people=26)
    before = day.hand.office.dump()
    day.told(later_s=80.0)
    assert day.hand.office.dump() == before


def steadfast() -> Learnt:
    noshow = NoShow(called=[1e12] * 12, absent=[2e11] * 12)
    return Learnt(durations=first_guess(7), noshow=noshow)


def line(people: int, desks: int, *, lunch: bool = False) -> Crowd:
    closures = ((600.0, 4200.0),) if lunch else ()
    learnt = steadfast()
    belief = Belief.sure(people, 0.15)
    belief.come(3.0, 60.0)
    return Crowd(
        now_s=0.0,
        windows=(Window(learnt, -60.0, closures),) * desks,
        belief=belief,
        ages_s=tuple(60.0 * n for n in range(people + 40)),
        leave=learnt,
        factor_sd=0.1,
        scale_sd=0.1,
    )


@given(st.integers(-2, 60), st.integers(2, 6), st.booleans())
def test_one_more_in_the_line_never_shortens_the_wait(
    people: int,
    desks: int,
    lunch: bool,  # noqa: FBT001
) -> None:
    less = line(people, desks, lunch=lunch)
    more = msgspec.structs.replace(less, belief=less.belief.copy())
    more.belief.step(1, -desks)
    shorter, longer = wait(less), wait(more)
    assert shorter is not None
    assert longer is not None
    assert 0 <= shorter.p10_s <= shorter.p50_s <= shorter.p90_s
    assert shorter.p10_s <= longer.p10_s
    assert shorter.p50_s <= longer.p50_s
    assert shorter.p90_s <= longer.p90_s


@given(st.integers(1, 60), st.integers(1, 6), st.booleans())
def test_opening_a_counter_never_lengthens_the_wait(
    people: int,
    desks: int,
    lunch: bool,  # noqa: FBT001
) -> None:
    less = line(people, desks, lunch=lunch)
    opened = Window(less.windows[0].learnt)
    more = msgspec.structs.replace(less, windows=(*less.windows, opened))
    assert (play(more) <= play(less)).all()


def test_where_no_counter_is_the_wait_is_unknown() -> None:
    assert wait(msgspec.structs.replace(line(5, 1), windows=())) is None


def test_an_estimate_takes_less_than_10_ms() -> None:
    crowd = line(90, 9)
    took_s = []
    for _ in range(9):
        start_s = time.process_time()
        estimator("buttons+camera")(crowd)
        took_s.append(time.process_time() - start_s)
    assert sorted(took_s)[4] < 0.010


@given(st.lists(st.sampled_from(["come", "call", "quiet", "opens", "closes", "step"]), max_size=40))
def test_a_belief_stays_a_probability(moves: list[str]) -> None:
    belief = Belief.sure(-2, 0.3)
    for move in moves:
        if move == "come":
            belief.come(1.5, 60.0)
        elif move == "call":
            assert 0.0 <= belief.call(0.01, 0.005) <= 1.0
        elif move == "quiet":
            belief.quiet(0.3, 0.2, 2)
        elif move == "opens":
            belief.opens()
        elif move == "closes":
            belief.closes(2)
        else:
            belief.step(-1, -2)
    table = belief.table()
    assert table.min() >= 0.0
    assert table.sum() == pytest.approx(1.0)


def test_who_goes_out_is_told_apart_from_who_was_served() -> None:
    """Services of 8 minutes by three clerks, and a line of changing length that loses patience."""
    rng = np.random.default_rng(7)
    leaving, patience = Leaving(), 1.5e-7
    for _ in range(20):
        leaving.begin_day()
        for span in range(48):
            people = 40 * abs(np.sin(span / 7.0))
            age_s = people * people / 2 * 160.0  # one came each 160 s
            leaving.went = float(rng.poisson(600 * (3 / 480 + patience * age_s)))
            leaving.pass_by(600.0, 1800.0, 600.0 * age_s, 600.0)
        leaving.forget()
    service_s, found = leaving.belief(600.0)
    assert service_s == pytest.approx(480.0, rel=0.1)
    assert found == pytest.approx(patience, rel=0.2)
