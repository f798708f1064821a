"""When the holder of a ticket is told: near, now, passed, each once."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.results import Call, CallsResult, LineResult, LineTicket, Spread
from models.turn import GONE_S, NEAR_AHEAD, NOW_S, PASSED_S, Hold, Place, What, is_near, step

TEN = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
WALK_S, USUAL_S = 600.0, 660.0


def at(seconds: float) -> datetime:
    return TEN + timedelta(seconds=seconds)


def hold(number: str = "B010") -> Hold:
    return Hold(service="moving", number=number, walk_s=WALK_S, since=at(-3600), seen_at=TEN)


def line(seconds: float, *numbers: str, each_s: float = 300.0, valid_s: float = 90.0) -> LineResult:
    tickets = tuple(
        LineTicket(
            number=number,
            ahead=n,
            wait=Spread(p10_s=each_s * n, p50_s=each_s * n, p90_s=each_s * n),
        )
        for n, number in enumerate(numbers)
    )
    return LineResult(at=at(seconds), valid_until=at(seconds + valid_s), tickets=tickets)


def calls(*called: tuple[str, float, str | None], service: str = "moving") -> CallsResult:
    """Oldest first as one writes it, newest first as the hub tells it."""
    made = tuple(Call(number=n, service=service, counter=c, at=at(s)) for n, s, c in called)
    return CallsResult(at=TEN, valid_until=at(99_999), calls=made[::-1])


def ahead(count: int, number: str = "B010") -> tuple[str, ...]:
    return (*(f"A{n:03}" for n in range(count)), number)


def told(
    start: Hold, *looks: tuple[float, LineResult | None, CallsResult | None]
) -> tuple[list[What], Hold]:
    """All that is told over a few looks."""
    said: list[What] = []
    for seconds, seen, called in looks:
        start, what = step(start, seen, called, at(seconds), USUAL_S)
        said += [what] if what else []
    return said, start


@pytest.mark.parametrize(
    ("count", "p10_s", "age_s", "near"),
    [
        (NEAR_AHEAD, None, 0, True),
        (NEAR_AHEAD + 1, None, 0, False),
        (NEAR_AHEAD + 1, 3000, 0, False),
        (12, 601, 0, False),
        (12, 600, 0, True),
        (12, 1200, 599, False),
        (12, 1200, 600, True),
        (0, 0, 0, True),
    ],
    ids=["few", "more", "slow", "far", "fast", "runs", "ran down", "next"],
)
def test_near_by_table(count: int, p10_s: float | None, age_s: float, *, near: bool) -> None:
    wait = None if p10_s is None else Spread(p10_s=p10_s, p50_s=p10_s + 60, p90_s=p10_s + 120)
    assert is_near(Place(TEN, count, wait), at(age_s), WALK_S) is near


def test_a_ticket_is_told_near_and_now_and_no_more_when_it_was_served() -> None:
    own = ("B010", 90.0, "c3")
    said, end = told(
        hold(),
        (0, line(0, *ahead(9), each_s=700), calls()),
        (30, line(30, *ahead(NEAR_AHEAD)), calls()),
        (60, line(60, *ahead(3)), calls()),
        (90, line(60, *ahead(3)), calls(own)),
        (91, line(91), calls(own)),
        (91 + PASSED_S, line(91), calls(own, ("B011", 90.0 + 0.9 * USUAL_S, "c3"))),
    )
    assert said == ["near", "now"]
    assert end.is_over


@pytest.mark.parametrize(
    ("next_call", "usual_s", "passed"),
    [
        (("B011", 60.0, "c3"), 660.0, True),
        (("B011", 60.0, "c4"), 660.0, False),
        (("B011", 60.0, None), 660.0, False),
        (("B011", 119.0, "c3"), 660.0, True),
        (("B011", 119.0, "c3"), 240.0, False),
        (("C001", 60.0, "c3"), 660.0, True),
        (("B009", -60.0, "c3"), 660.0, False),
    ],
    ids=[
        "at once",
        "another counter",
        "unknown counter",
        "two minutes",
        "short service",
        "of another service",
        "before",
    ],
)
def test_passed_is_told_when_the_counter_went_on_too_soon(
    next_call: tuple[str, float, str | None], usual_s: float, *, passed: bool
) -> None:
    own = ("B010", 0.0, "c3")
    called = calls(*sorted([own, next_call], key=lambda call: call[1]))
    state, now_said = step(hold(), line(1), called, at(1), usual_s)
    state, early = step(state, line(119), called, at(119), usual_s)
    state, late = step(state, line(120), called, at(120), usual_s)
    assert (now_said, early, late) == ("now", None, "passed" if passed else None)
    assert state.is_over


def test_a_call_without_a_counter_never_counts_as_passed() -> None:
    called = calls(("B010", 0.0, None), ("B011", 20.0, None))
    said, _ = told(hold(), (1, line(1), called), (130, line(130), called))
    assert said == ["now"]


def test_a_line_that_jumps_is_told_once_though_late() -> None:
    said, _ = told(
        hold(),
        (0, line(0, *ahead(9), each_s=700), calls()),
        (1, line(1, *ahead(1)), calls()),
        (2, line(2, *ahead(0)), calls()),
    )
    assert said == ["near"]


def test_whoever_is_called_at_once_is_told_now_alone() -> None:
    said, _ = told(
        hold(),
        (0, line(0, *ahead(9), each_s=700), calls()),
        (1, line(1), calls(("B010", 1.0, "c3"))),
    )
    assert said == ["now"]


def test_a_line_that_is_not_told_any_more_runs_down_by_the_clock() -> None:
    last = line(0, *ahead(9), each_s=200)
    said, _ = told(hold(), (0, last, calls()), (1199, last, calls()))
    assert said == []
    said, _ = told(hold(), (0, last, calls()), (1200, last, calls()))
    assert said == ["near"]


def test_a_line_that_was_taken_away_says_nothing() -> None:
    said, end = told(hold(), (0, line(0, *ahead(9), each_s=200), calls()), (7200, None, calls()))
    assert said == []
    assert not end.is_over


def test_a_ticket_that_is_given_back_ends_in_silence() -> None:
    looks = [(s, line(s, "A001"), calls(("A000", -5.0, "c3"))) for s in (10, 10 + GONE_S)]
    said, end = told(hold(), (0, line(0, *ahead(9), each_s=700), calls()), *looks)
    assert said == []
    assert end.is_over


def test_a_ticket_that_vanished_while_nobody_looked_is_told_as_passed() -> None:
    """Ten others were called since it was last seen: it may have been before them."""
    ten = calls(*((f"C{n:03}", 600.0 + n, "c1") for n in range(10)))
    looks = [(s, line(s, "A001"), ten) for s in (700, 700 + GONE_S)]
    said, end = told(hold(), (0, line(0, *ahead(9), each_s=700), calls()), *looks)
    assert said == ["passed"]
    assert end.is_over


def test_a_ticket_that_is_missing_for_a_moment_is_waited_for() -> None:
    said, _ = told(
        hold(),
        (0, line(0, *ahead(9), each_s=700), calls()),
        (5, line(5), calls()),
        (6, line(6), calls(("B010", 4.0, "c3"))),
    )
    assert said == ["now"]


def test_the_same_number_of_an_earlier_time_is_not_called_now() -> None:
    yesterday, other = calls(("B010", -80_000.0, "c3")), calls(("B010", 5.0, "c1"), service="tax")
    for called in (yesterday, other):
        said, _ = told(hold(), (10, line(10, *ahead(9), each_s=700), called))
        assert said == []


def test_an_old_call_is_not_told_as_being_now() -> None:
    own, after = ("B010", 0.0, "c3"), ("B011", 30.0, "c3")
    said, end = told(hold(), (NOW_S, line(NOW_S), calls(own, after)))
    assert said == ["passed"]
    assert end.is_over


def test_after_a_restart_nothing_is_told_twice() -> None:
    told_before = msgspec.structs.replace(hold(), told=frozenset({"near", "now"}))
    own = calls(("B010", 0.0, "c3"))
    said, _ = told(told_before, (60, line(60), own), (61, line(61), own))
    assert said == []
    forgotten = calls(*((f"C{n:03}", 600.0 + n, "c1") for n in range(10)))
    said, end = told(told_before, (700, line(700), forgotten), (731, line(731), forgotten))
    assert said == []
    assert end.is_over


moments = st.tuples(
    st.floats(0, 2000),
    st.sampled_from(["line", "stale", "none", "gone"]),
    st.integers(0, 12),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(moments, max_size=30))
def test_whatever_happens_each_is_told_once_at_most_and_in_order(
    happened: list[tuple[float, str, int, bool, bool]],
) -> None:
    looks = []
    for seconds, kind, count, is_called, goes_on in sorted(happened):
        seen = {
            "line": line(seconds, *ahead(count)),
            "stale": line(seconds - 500, *ahead(count)),
            "none": None,
            "gone": line(seconds, "A001"),
        }[kind]
        called = [("B010", 500.0, "c3")] if is_called and seconds >= 500 else []
        called += [("B011", 540.0, "c3")] if goes_on and seconds >= 540 else []
        looks.append((seconds, seen, calls(*called)))
    said, _ = told(hold(), *looks)
    assert len(said) == len(set(said))
    order: list[What] = ["near", "now", "passed"]
    assert said == [what for what in order if what in said]
