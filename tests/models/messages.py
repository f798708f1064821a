"""Any message of the contract, for hypothesis: made from the types themselves."""

import types
import typing
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

from models.contract.ids import Id, Time

TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)


PLAIN = {
    Id: st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=32),
    Time: TIMES,
    date: st.dates(),
    str: st.text(max_size=64),
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
    msgspec.UnsetType: st.just(msgspec.UNSET),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  a type, or what stands for one
    """Every value of a type that the contract uses."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    made: st.SearchStrategy[Any]
    if kind in PLAIN:
        made = PLAIN[kind]
    elif hasattr(kind, "__metadata__"):
        bounds = kind.__metadata__[0]
        text = st.text(max_size=min(bounds.max_length or 0, 80))
        made = text if kind.__origin__ is str else st.integers(bounds.ge, bounds.le)
    elif origin is typing.Literal:
        made = st.sampled_from(inner)
    elif origin in {typing.Union, types.UnionType}:
        made = st.one_of(*map(any_of, inner))
    elif origin is tuple:
        made = st.lists(any_of(inner[0]), max_size=2).map(tuple)
    elif origin is dict:
        made = st.dictionaries(st.text(max_size=4), any_of(inner[1]), max_size=2)
    else:
        fields = msgspec.structs.fields(kind)
        made = st.builds(kind, **{field.name: any_of(field.type) for field in fields})
    return made
