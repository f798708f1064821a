from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.place import Location
from signage.pages.city_map import APART, WIDE, Box, Spot, drawn, text_wide

NEAR = st.tuples(st.floats(139.0, 140.0), st.floats(35.0, 36.0))
NAMES = st.text("区役所市民センターaiW ", min_size=1, max_size=24)


def box(spot: Spot) -> Box | None:
    """What a name covers, at most."""
    if spot.label is None:
        return None
    wide = text_wide(spot.name)
    left = spot.label.x - wide * {"start": 0, "middle": 0.5, "end": 1}[spot.label.anchor]
    return left, spot.label.y - 14, left + wide, spot.label.y + 4


def overlap(one: Box, two: Box) -> bool:
    """Whether two boxes share more than the rounding of their sides."""
    across = min(one[2], two[2]) - max(one[0], two[0])
    return across > 0.5 and min(one[3], two[3]) - max(one[1], two[1]) > 0.5


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NEAR, NAMES), min_size=2, max_size=14))
def test_signs_can_be_hit_apart_and_names_cover_nothing(
    offices: list[tuple[Location, str]],
) -> None:
    made = drawn([place for place, _ in offices], [name for _, name in offices])
    assert len(made.spots) == len(offices)
    for one, two in combinations(made.spots, 2):
        assert ((one.x - two.x) ** 2 + (one.y - two.y) ** 2) ** 0.5 > APART - 4
    signs = [(s.x - 23, s.y - 14, s.x + 23, s.y + 14) for s in made.spots]
    for one_box, two_box in combinations(signs, 2):
        assert not overlap(one_box, two_box)
    for left, top, right, bottom in signs:
        assert left >= 0
        assert top >= 0
        assert right <= WIDE
        assert bottom <= made.high
    names = [found for found in map(box, made.spots) if found is not None]
    for i, (left, top, right, bottom) in enumerate(names):
        assert left >= 0
        assert right <= WIDE
        assert bottom <= made.high
        for other in [*signs, *names[:i]]:
            assert not overlap((left, top, right, bottom), other)


def test_north_is_above_and_east_is_to_the_right() -> None:
    made = drawn([(139.75, 35.55), (139.738, 35.568)], ["南区役所", "北区役所（きたくやくしょ）"])
    minami, kita = made.spots
    assert kita.y < minami.y
    assert kita.x < minami.x
    assert kita.name == "北区役所"


@pytest.mark.parametrize("count", [2, 5])
def test_offices_in_one_house_are_still_apart(count: int) -> None:
    made = drawn([(139.75, 35.55)] * count, ["本庁舎"] * count)
    assert made.bar < WIDE / 2
    for one, two in combinations(made.spots, 2):
        assert ((one.x - two.x) ** 2 + (one.y - two.y) ** 2) ** 0.5 > APART - 4


def test_the_bar_is_as_long_as_it_says() -> None:
    made = drawn([(139.75, 35.55), (139.738, 35.568)], ["", ""])
    (ax, ay), (bx, by) = [(s.x, s.y) for s in made.spots]
    units_a_km = ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5 / 2.28
    assert made.bar == pytest.approx(made.bar_km * units_a_km, rel=0.02)
