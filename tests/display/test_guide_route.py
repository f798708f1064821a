"""The shortest way through a building, held against all ways there are."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.guide.route import Edge, Spot, Turn, route, shortest

NODES = "abcdef"
floats = st.integers(1, 50)
pairs = st.sampled_from(list(itertools.combinations(NODES, 2)))
houses = st.lists(
    st.builds(lambda p, m, s: Edge(p[0], p[1], float(m), s), pairs, floats, st.booleans())
)


def length(edges: list[Edge], places: tuple[str, ...], *, step_free: bool) -> float:
    """Metres of a way, or infinite if it is none."""
    total = 0.0
    for one, other in itertools.pairwise(places):
        found = [
            edge.metres
            for edge in edges
            if {edge.one, edge.other} == {one, other} and not (edge.steps and step_free)
        ]
        total += min(found, default=math.inf)
    return total


def least(edges: list[Edge], start: str, goal: str, *, step_free: bool) -> float:
    """By trying all."""
    between = [node for node in NODES if node not in {start, goal}]
    ways = itertools.chain.from_iterable(
        itertools.permutations(between, count) for count in range(len(between) + 1)
    )
    return min(length(edges, (start, *way, goal), step_free=step_free) for way in ways)


@given(houses, st.booleans())
def test_no_way_is_shorter_than_the_shortest(edges: list[Edge], step_free: bool) -> None:  # noqa: FBT001
    found = shortest(edges, "a", "f", step_free=step_free)
    best = least(edges, "a", "f", step_free=step_free)
    if found is None:
        assert best == math.inf
    else:
        assert found[0] == "a"
        assert found[-1] == "f"
        assert length(edges, found, step_free=step_free) == pytest.approx(best)


@given(houses)
def test_there_and_back_are_as_long(edges: list[Edge]) -> None:
    there, back = shortest(edges, "a", "f"), shortest(edges, "f", "a")
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert length(edges, there, step_free=False) == length(edges, back, step_free=False)


@given(houses)
def test_a_way_without_steps_is_never_shorter_and_has_none(edges: list[Edge]) -> None:
    spots = {node: Spot(node, "1", (i, i * i)) for i, node in enumerate(NODES)}
    free = route(spots, edges, "a", "f", step_free=True)
    any_way = route(spots, edges, "a", "f")
    if free is not None:
        assert any_way is not None
        assert not free.has_steps
        assert free.metres >= any_way.metres
        assert sum(leg.metres for leg in free.legs) == pytest.approx(free.metres)


def test_whoever_is_there_need_not_walk() -> None:
    made = route({"a": Spot("a", "1", (0, 0))}, [], "a", "a")
    assert made is not None
    assert (made.places, made.legs, made.metres) == (("a",), (), 0)


@pytest.mark.parametrize(
    ("looking", "at", "turn"),
    [
        ((0, -1), (0, -5), "ahead"),
        ((0, -1), (5, 0), "right"),
        ((0, -1), (-5, -1), "left"),
        ((0, -1), (0.5, 5), "back"),
        ((1, 0), (0, -5), "left"),
        (None, (5, 0), None),
    ],
)
def test_turns_are_told_as_the_reader_looks(
    looking: tuple[float, float] | None, at: tuple[float, float], turn: Turn | None
) -> None:
    spots = {"a": Spot("a", "1", (0, 0), ahead=looking), "b": Spot("b", "1", at)}
    made = route(spots, [Edge("a", "b", 5)], "a", "b")
    assert made is not None
    assert made.legs[0].turn == turn


def test_a_straight_corridor_is_one_leg_and_a_lift_begins_anew() -> None:
    spots = {
        "a": Spot("a", "1", (0, 0), ahead=(1, 0)),
        "b": Spot("b", "1", (5, 0)),
        "c": Spot("c", "1", (9, 0)),
        "d": Spot("d", "2", (9, 0), ahead=(0, 1)),
        "e": Spot("e", "2", (9, 4), middle=(7, 4)),
    }
    edges = [Edge("a", "b", 5), Edge("b", "c", 4), Edge("c", "d", 12), Edge("d", "e", 4)]
    made = route(spots, edges, "a", "e")
    assert made is not None
    told = [(leg.kind, leg.turn, leg.metres, leg.floor) for leg in made.legs]
    assert told == [
        ("walk", "ahead", 9, "1"),
        ("lift", None, 12, "2"),
        ("walk", "ahead", 4, "2"),
    ]
    assert made.side == "right"
