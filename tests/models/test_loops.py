import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Direction
from models.sensing.loops import Loop, LoopPair, Loops

BOUNCE_S = 0.05
A, B = 17, 27


def directions(loops: Loops, edges: str, step_s: float = 0.3) -> list[Direction]:
    """What comes of edges like "A B a b": capitals for a car that comes, small when it leaves."""
    t_s = 0.0
    passed: list[Direction] = []
    for name in edges.split():
        if name == "...":
            t_s += 60
            continue
        t_s += step_s
        passed += loops.feed({"A": A, "B": B}[name.upper()], name.isupper(), t_s)
    return passed + loops.due(t_s + 60)


def pair() -> LoopPair:
    return LoopPair(A, B, bounce_s=BOUNCE_S)


@pytest.mark.parametrize(
    ("edges", "passed"),
    [
        ("A B a b", ["in"]),
        ("B A b a", ["out"]),
        ("A B a b A B a b", ["in", "in"]),
        ("A B a b B A b a", ["in", "out"]),
        ("A a", []),
        ("A B b a", []),
        ("B A a b", []),
        ("A B a A b a", []),
        ("A B b B a b", ["in"]),
        ("A B a A a b", ["in"]),
        ("A B a A b B a b", ["in", "in"]),
        ("A B a A b B a A b B a b", ["in", "in", "in"]),
        ("B A b B a A b a", ["out", "out"]),
        ("A a B b", ["in"]),
        ("B b A a", ["out"]),
        ("A a A a B b B b", ["in", "in"]),
        ("A a ... B b", []),
        ("A a A B a b B b", ["in"]),
    ],
    ids=[
        "in",
        "out",
        "two, one after the other",
        "one in, one out",
        "touches the first loop and backs off",
        "backs off from both",
        "backs off from both, from inside",
        "backs off from the far loop",
        "hesitates and passes",
        "passes, while the next only noses in",
        "two close together",
        "three close together",
        "two close together, out",
        "shorter than the loops lie apart",
        "shorter than the loops lie apart, out",
        "two motorcycles at once",
        "two that back off, one on each side, a minute apart",
        "backs off, comes again and passes; later one backs off inside",
    ],
)
def test_two_loops_by_table(edges: str, passed: list[str]) -> None:
    assert directions(pair(), edges) == passed


@pytest.mark.parametrize(
    ("edges", "passed"),
    [("A a", ["out"]), ("A", []), ("A a A a", ["out", "out"]), ("", [])],
    ids=["passes", "waits at the barrier", "two", "nobody"],
)
def test_one_loop_counts_when_a_car_leaves_it(edges: str, passed: list[str]) -> None:
    assert directions(Loop(A, "out", bounce_s=BOUNCE_S), edges) == passed


def test_the_loops_that_stand_further_apart_than_a_car_forget_after_apart_s() -> None:
    for gap_s, passed in ((4.9, ["in"]), (5.1, [])):
        loops = LoopPair(A, B, bounce_s=BOUNCE_S, apart_s=5.0)
        for pin, active, t_s in [(A, True, 0.0), (A, False, 1.0)]:
            assert loops.feed(pin, active, t_s) == []
        assert loops.feed(B, True, 1.0 + gap_s) == []
        assert loops.feed(B, False, 2.0 + gap_s) == []
        assert loops.due(10.0) == passed


CARS = {
    "A B a b": ["in"],
    "B A b a": ["out"],
    "A B b a": [],
    "B A a b": [],
    "A B a A b a": [],
    "A B a A b B a b": ["in", "in"],
    "B A b B a A b a": ["out", "out"],
}


@given(
    cars=st.lists(st.sampled_from(sorted(CARS)), max_size=8),
    bursts=st.lists(
        st.lists(st.floats(1e-4, BOUNCE_S * 0.9), max_size=6), min_size=70, max_size=70
    ),
    glitches=st.lists(st.sampled_from([A, B, None]), min_size=70, max_size=70),
)
def test_bounce_and_glitches_never_change_what_is_counted(
    cars: list[str], bursts: list[list[float]], glitches: list[int | None]
) -> None:
    loops = pair()
    passed: list[Direction] = []
    t_s = 0.0
    level = {A: False, B: False}
    edges = [name for car in cars for name in car.split()]
    for name, burst, glitch in zip(edges, bursts, glitches, strict=False):
        pin, active = {"A": A, "B": B}[name.upper()], name.isupper()
        passed += loops.feed(pin, active, t_s)
        for gap_s in burst:  # there and back, at most bounce_s each
            t_s += gap_s
            passed += loops.feed(pin, not active, t_s)
            t_s += gap_s / 2
            passed += loops.feed(pin, active, t_s)
        level[pin] = active
        t_s += BOUNCE_S * 1.5
        if glitch is not None:
            passed += loops.feed(glitch, not level[glitch], t_s)
            passed += loops.feed(glitch, level[glitch], t_s + BOUNCE_S / 2)
            t_s += BOUNCE_S * 2
    assert passed + loops.due(t_s + 1) == [way for car in cars for way in CARS[car]]


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.booleans(), st.floats(0, 3)), max_size=80))
def test_any_signal_is_survived_and_never_counts_more_than_loops_were_left(
    steps: list[tuple[int, bool, float]],
) -> None:
    loops = pair()
    single = {pin: Loop(pin, "in", bounce_s=BOUNCE_S) for pin in (A, B)}
    t_s, passed, left = 0.0, 0, 0
    for pin, active, gap_s in steps:
        t_s += gap_s
        passed += len(loops.feed(pin, active, t_s))
        left += len(single[pin].feed(pin, active, t_s))
    passed += len(loops.due(t_s + 9))
    left += sum(len(loop.due(t_s + 9)) for loop in single.values())
    assert passed * 2 <= left + 1
