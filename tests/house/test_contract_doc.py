"""docs/contract.md says what the code says, no more and no less."""

import types
import typing

import msgspec
import pytest

from models.contract import observations, results, topics
from tests.house.markdown import tables

PAGE = tables("docs/contract.md")

DESCRIBED: dict[str, type[msgspec.Struct]] = {
    "obs": observations.Envelope,
    **{f"obs/{kind}": reading for kind, reading in observations.KINDS.items()},
    "obs/bookings.slots": observations.BookedSlot,
    **results.DEVICE_MESSAGES,
    "about.sensors": results.SensorAbout,
    "screen.services": results.ScreenRow,
    "screen.emergencies": results.ScreenNotice,
    **{f"hub/{kind}": result for kind, result in results.RESULTS.items()},
    "hub/service.wait": results.Spread,
    "hub/service.booked": results.Booked,
    "hub/lot.free": results.Free,
    "hub/lot.accessible": results.AccessibleResult,
    "hub/line.tickets": results.LineTicket,
    "hub/accuracy.total": results.Measured,
    "hub/accuracy.levels": results.MeasuredLevel,
    "hub/accuracy.days": results.MeasuredDay,
    "hub/forecast/service.steps": results.ServiceStep,
    "hub/forecast/service.waiting": results.People,
    "hub/forecast/service.best": results.BestTime,
    "hub/forecast/service.today": results.HalfHour,
    "hub/forecast/lot.steps": results.LotStep,
    "hub/notices": results.NoticesResult,
    "hub/calls": results.CallsResult,
    "hub/call": results.Call,
    "hub/about": results.HubAbout,
    "hub/about.shipping": results.Shipping,
}
"""Every message by its heading on the page."""

ROOTS = {
    observations.Reading,
    observations.Observation,
    results.Message,
    results.Result,
}
"""What is never written as it stands."""


def bare(annotation: object) -> object:
    """A type without its bounds."""
    return (
        bare(typing.get_args(annotation)[0]) if hasattr(annotation, "__metadata__") else annotation
    )


def words(annotation: object) -> set[str]:
    """What the page must say of a type: the words of a choice, and `null`."""
    annotation = bare(annotation)
    if annotation is type(None):
        return {"null"}
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return {f"`{word}`" for word in inner}
    if origin in {typing.Union, types.UnionType}:
        return set().union(*map(words, inner))
    return set()


def test_every_message_is_described() -> None:
    structs = {
        thing
        for module in (observations, results)
        for thing in vars(module).values()
        if isinstance(thing, type)
        and issubclass(thing, msgspec.Struct)
        and thing.__module__ == module.__name__
    }
    assert structs - ROOTS == set(DESCRIBED.values())


def test_nothing_else_is_described() -> None:
    without_fields = {h for h, struct in DESCRIBED.items() if not msgspec.structs.fields(struct)}
    assert set(PAGE) - {"Topics"} == set(DESCRIBED) - without_fields


@pytest.mark.parametrize("heading", DESCRIBED)
def test_fields_and_their_choices(heading: str) -> None:
    fields = msgspec.structs.fields(DESCRIBED[heading])
    rows = PAGE.get(heading, [])
    assert [row["field"].strip("`") for row in rows] == [field.encode_name for field in fields]
    for row, field in zip(rows, fields, strict=True):
        said = {word for word in ("null",) if word in row["value"]}
        said |= {f"`{word}`" for word in row["value"].split("`")[1::2]}
        assert said == words(field.type), f"{heading}: {field.name}"
        assert row["meaning"]


def test_topics() -> None:
    written = {
        *(topics.device("s", "d", leaf) for leaf in results.DEVICE_MESSAGES),
        topics.observation("s", "d", "kind", "name"),
        topics.command("s", "d", "name"),
        *(topics.result("s", leaf) for leaf in ("state", "about", "notices", "calls", "call")),
        *(topics.result("s", kind, "id") for kind in results.RESULTS),
    }
    told = set()
    for row in PAGE["Topics"]:
        levels = row["topic"].replace("<device>", "d").replace("<", "").replace(">", "")
        told.add(f"{topics.VERSION}/s/{levels}")
    assert told == written
