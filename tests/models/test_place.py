import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.place import Location, distance_km

PLACES = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        ((139.6917, 35.6895), (135.5200, 34.6863), 396),
        ((139.6917, 35.6895), (-0.1276, 51.5072), 9559),
        ((179.9, 0.0), (-179.9, 0.0), 22.2),
        ((0.0, 90.0), (77.0, -90.0), 20015),
    ],
    ids=["Tokyo to Osaka", "Tokyo to London", "over the date line", "pole to pole"],
)
def test_distance_by_table(here: Location, there: Location, km: float) -> None:
    assert distance_km(here, there) == pytest.approx(km, rel=0.006)


@given(PLACES, PLACES)
def test_the_way_there_is_as_long_as_the_way_back(here: Location, there: Location) -> None:
    assert distance_km(here, there) == pytest.approx(distance_km(there, here), abs=1e-6)
    assert 0 <= distance_km(here, there) <= 20016


@given(PLACES, PLACES, PLACES)
def test_no_detour_is_shorter(one: Location, two: Location, three: Location) -> None:
    detour = distance_km(one, two) + distance_km(two, three)
    assert distance_km(one, three) <= detour + 1e-3
