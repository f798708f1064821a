import msgspec
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Queue
from models.contract.results import ServiceResult
from models.wait import ESTIMATORS, estimator, monte_carlo, queue_length
from models.wait.conformal import Conformal
from models.wait.durations import EDGES, first_guess
from models.wait.line import Desk, Learnt, Line, Person, Snapshot, spread_of
from models.wait.noshow import NoShow
from tests.models.offices import Hand, after


def service(hand: Hand, at_s: float) -> ServiceResult:
    result = hand.office.results(after(at_s))["service/tax"]
    assert isinstance(result, ServiceResult)
    return result


def test_every_registered_estimator_is_there() -> None:
    assert all(callable(estimator(basis)) for basis in ESTIMATORS)


def test_a_polled_display_gives_a_wait() -> None:
    hand = Hand()
    hand.see("tax", Queue(waiting=5, called="A010", open=2))
    told = service(hand, 10)
    assert (told.waiting, told.called, told.counters_open, told.basis) == (5, "A010", 2, "queue")
    assert told.wait is not None
    assert 900 < told.wait.p50_s < 1500  # six calls of seven minutes by two clerks
    assert service(hand, 91).state == "no_data"


def test_the_pace_of_a_display_is_learnt_from_its_numbers() -> None:
    hand = Hand()
    for n in range(100):
        hand.see("tax", Queue(waiting=5, called=f"A{n:03}", open=1), after(60 * n))
    told = service(hand, 60 * 99 + 1)
    assert told.wait is not None
    assert 280 < told.wait.p50_s < 600  # six calls, about one a minute


def test_a_display_that_jumps_or_shows_no_number_teaches_nothing() -> None:
    hand = Hand()
    for n, called in enumerate(["A001", None, "B900", "A002", "--", "Z"]):
        hand.see("tax", Queue(waiting=5, called=called, open=1), after(60 * n))
    told = service(hand, 301)
    assert told.wait is not None
    assert told.wait.p50_s > 1800


@given(st.integers(0, 500), st.floats(1, 3600))
def test_one_more_call_never_shortens_a_displays_wait(calls: int, call_s: float) -> None:
    shorter, longer = (
        queue_length.wait(Snapshot(calls=n, call_s=call_s)) for n in (calls, calls + 1)
    )
    assert shorter is not None
    assert longer is not None
    assert 0 <= shorter.p10_s <= shorter.p50_s <= shorter.p90_s
    assert shorter.p50_s <= longer.p50_s


def steadfast() -> Learnt:
    """A service whose people leave one time in five, however long they wait."""
    noshow = NoShow(called=[1e12] * 12, absent=[2e11] * 12)
    return Learnt(durations=first_guess(7), noshow=noshow)


@given(st.integers(1, 60), st.integers(1, 6), st.booleans())
def test_opening_a_counter_never_lengthens_the_wait(
    people: int,
    desks: int,
    lunch: bool,  # noqa: FBT001
) -> None:
    closures = ((600.0, 4200.0),) if lunch else ()
    line = Line(
        now_s=0.0,
        desks=(Desk(services=("tax",), closures=closures),) * desks,
        people=(Person(service="tax", issued_s=0.0),) * people,
        learnt={"tax": steadfast()},
        factor_sd=0.1,
    )
    more = msgspec.structs.replace(line, desks=(*line.desks, Desk(services=("tax",))))
    assert (monte_carlo.play(more) <= monte_carlo.play(line)).all()


def test_an_idle_counter_calls_at_once() -> None:
    line = Line(
        now_s=0.0,
        desks=(Desk(services=("tax",)),),
        people=(Person(service="tax", issued_s=0.0),),
        learnt={"tax": steadfast()},
    )
    assert monte_carlo.wait(line) == spread_of(0.0, 0.0, 0.0)


def test_where_no_counter_serves_the_wait_is_unknown() -> None:
    line = Line(
        now_s=0.0,
        desks=(Desk(services=("moving",)),),
        people=(Person(service="tax", issued_s=0.0),),
        learnt={"tax": steadfast(), "moving": steadfast()},
    )
    assert monte_carlo.wait(line) is None


@given(st.floats(0.5, 600))
def test_the_first_guess_has_the_mean_of_the_site_file(minutes: float) -> None:
    capped = minutes * 60 <= EDGES[-1] / 4
    assert not capped or abs(first_guess(minutes).mean_s - minutes * 60) < 0.05 * minutes * 60


@given(st.lists(st.tuples(st.floats(0, 20_000), st.booleans()), max_size=80))
def test_who_waits_longer_leaves_no_less_often(calls: list[tuple[float, bool]]) -> None:
    noshow = NoShow()
    for waited_s, absent in calls:
        noshow.learn(waited_s, absent=absent)
    table = noshow.table()
    assert (table >= 0).all()
    assert (table <= 1).all()
    assert (table[1:] >= table[:-1] - 1e-12).all()


def test_margins_that_are_missed_grow_and_others_shrink() -> None:
    conformal = Conformal()
    told = spread_of(500.0, 600.0, 700.0)
    assert told is not None
    for _ in range(30):
        conformal.learn(told, 900.0)
    wider = conformal.apply(told)
    assert wider.p90_s > 700
    assert 500 < wider.p10_s <= wider.p50_s
