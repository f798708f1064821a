import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sensing.debounce import Debounce, Edge

BOUNCE_S = 0.05


def edges_of(levels: list[tuple[int, bool, float]], end_s: float) -> list[Edge]:
    debounce = Debounce(BOUNCE_S)
    edges = [edge for pin, active, t_s in levels for edge in debounce.feed(pin, active, t_s)]
    return edges + debounce.due(end_s)


@pytest.mark.parametrize(
    ("levels", "edges"),
    [
        ([], []),
        ([(1, False, 0.0)], []),
        ([(1, True, 0.0)], [Edge(1, True, 0.0)]),
        ([(1, True, 0.0), (1, False, 0.04)], []),
        ([(1, True, 0.0), (1, False, 0.01), (1, True, 0.02)], [Edge(1, True, 0.02)]),
        ([(1, True, 0.0), (1, True, 0.03)], [Edge(1, True, 0.03)]),
        ([(1, True, 0.0), (1, False, 0.05)], [Edge(1, True, 0.0), Edge(1, False, 0.05)]),
        ([(2, True, 0.0), (1, True, 0.01)], [Edge(2, True, 0.0), Edge(1, True, 0.01)]),
        ([(1, True, 0.0), (1, False, 0.2), (1, True, 0.21)], [Edge(1, True, 0.0)]),
    ],
    ids=[
        "nothing",
        "rest",
        "one edge",
        "too short",
        "bounce at the start",
        "an edge was missed between: stable only since the last",
        "just long enough",
        "two pins in the order of time",
        "a dropout is no release",
    ],
)
def test_edges_by_table(levels: list[tuple[int, bool, float]], edges: list[Edge]) -> None:
    assert edges_of(levels, end_s=1.0) == edges


def test_what_is_due_is_told_at_its_time_and_only_once() -> None:
    debounce = Debounce(BOUNCE_S)
    assert debounce.due_s is None
    debounce.feed(1, True, 7.3)
    assert debounce.due_s is not None
    assert debounce.due(debounce.due_s - 1e-6) == []
    assert debounce.due(debounce.due_s) == [Edge(1, True, 7.3)]
    assert debounce.due_s is None
    assert debounce.due(99.0) == []


noise = st.lists(st.floats(1e-4, BOUNCE_S * 0.9), max_size=9)
"""Times between raw edges, all shorter than the bounce."""


@given(
    held_s=st.lists(st.floats(BOUNCE_S * 1.01, 5.0), min_size=1, max_size=12),
    bursts=st.lists(noise, min_size=12, max_size=12),
)
def test_noise_around_a_clean_signal_changes_nothing_but_its_times(
    held_s: list[float], bursts: list[list[float]]
) -> None:
    t_s, clean = 0.0, []
    levels: list[tuple[int, bool, float]] = []
    for i, (length_s, burst) in enumerate(zip(held_s, bursts, strict=False)):
        active = i % 2 == 0
        levels.append((1, active, t_s))
        for j, gap_s in enumerate(burst):
            t_s += gap_s
            levels.append((1, active if j % 2 else not active, t_s))
        if len(burst) % 2:  # end on the level that is meant
            t_s += BOUNCE_S / 2
            levels.append((1, active, t_s))
        clean.append(Edge(1, active, t_s))
        t_s += length_s
    assert edges_of(levels, t_s) == clean


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.booleans(), st.floats(0, 0.2)), max_size=60))
def test_any_signal_gives_levels_in_turn_and_times_in_order(
    steps: list[tuple[int, bool, float]],
) -> None:
    t_s, levels = 0.0, []
    for pin, active, gap_s in steps:
        t_s += gap_s
        levels.append((pin, active, t_s))
    edges = edges_of(levels, t_s + 1)
    assert [edge.at_s for edge in edges] == sorted(edge.at_s for edge in edges)
    for pin in (1, 2):
        turns = [edge.active for edge in edges if edge.pin == pin]
        assert turns == [i % 2 == 0 for i in range(len(turns))]
