from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from broker.hub.history.sqlite import from_milliseconds, milliseconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(us=st.integers(0, 4_000_000_000 * 10**6))
def test_every_microsecond_falls_into_its_millisecond(us: int) -> None:
    at = EPOCH + timedelta(microseconds=us)
    assert milliseconds(at) == us // 1000
    assert milliseconds(from_milliseconds(us // 1000)) == us // 1000
