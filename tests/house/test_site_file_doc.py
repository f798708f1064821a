"""docs/site-file.md tells every key of the site file and its default, no more and no less."""

import importlib
import json
import re
import typing
from collections.abc import Iterator

import msgspec
import pytest

from edge.sensors import SENSORS
from models import site as site_file
from models.site import Site, Table
from tests.house.markdown import tables

PAGE = tables("docs/site-file.md")


def tables_in(annotation: object) -> Iterator[type[Table]]:
    """Tables that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from tables_in(inner)


def below(heading: str, table: type[Table]) -> Iterator[tuple[str, type[Table]]]:
    """A table by its heading, and all below it."""
    yield heading, table
    name = heading.strip("[]")
    told: set[type[Table]] = set()
    for field in msgspec.structs.fields(table):
        for inner in tables_in(field.type):
            if inner not in told:  # the three gestures of a button have the same
                told.add(inner)
                yield from below(f"{name}.{field.encode_name}", inner)


def described() -> Iterator[tuple[str, type[Table]]]:
    for field in msgspec.structs.fields(Site):
        for table in tables_in(field.type):
            is_list = typing.get_origin(field.type) is tuple
            yield from below(f"[[{field.name}]]" if is_list else f"[{field.name}]", table)
    for kind, where in SENSORS.items():
        module, _, name = where.partition(":")
        yield from below(kind, getattr(importlib.import_module(module), name).Settings)


DESCRIBED = dict(described())
SHARED = {"lots.hours", "services.hours"}
"""Tables that are told of in another place."""


def default(field: msgspec.structs.FieldInfo) -> str:
    """As the page writes it."""
    if field.required:
        return "needed"
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if value is None:
        return "–"
    whole = re.sub(r"\b(\d+)\.0(?=[],]|$)", r"\1", json.dumps(value))
    return f"`{whole}`"


def test_every_table_is_told_and_nothing_else() -> None:
    assert set(PAGE) == set(DESCRIBED) - SHARED


@pytest.mark.parametrize("heading", sorted(set(DESCRIBED) - SHARED))
def test_every_key_is_told_with_its_default(heading: str) -> None:
    fields = msgspec.structs.fields(DESCRIBED[heading])
    told = [(row["key"], row["default"]) for row in PAGE.get(heading, [])]
    assert told == [(field.encode_name, default(field)) for field in fields]
    assert all(row["meaning"] for row in PAGE[heading])


@pytest.mark.parametrize("heading", sorted(set(DESCRIBED) - SHARED))
def test_a_unit_in_a_name_stands_in_the_meaning(heading: str) -> None:
    units = {"_s": "seconds", "_ms": "milliseconds", "_minutes": "minutes", "_mib": "MiB"}
    for row in PAGE[heading]:
        for suffix, unit in units.items():
            if row["key"].endswith(suffix):
                assert unit in row["meaning"], row


def test_what_is_shared_is_the_same_table() -> None:
    assert {DESCRIBED[name] for name in SHARED} == {site_file.Hours}
