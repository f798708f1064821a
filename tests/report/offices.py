"""A small office and journals made by hand: what a report says of them is known beforehand."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from broker.hub.history.reading import Past
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal
from models.report.kept import SOURCES, Kept
from models.report.month import reads
from models.report.plan import Plan, month_of
from models.site import Site, parse

SITE = """
[site]
id = "kita"
name = { ja = "北区役所", en = "Kita Ward Office" }
hours = [{ days = "mon-fri", open = "09:00", close = "17:00" }]
holidays = "jp"

[[services]]
id = "tax"
name = { ja = "税", en = "Tax" }
counters = ["c1", "c2"]

[[services]]
id = "pension"
name = { ja = "年金", en = "Pension" }
counters = ["c3"]

[[counters]]
id = "c1"
[[counters]]
id = "c2"
[[counters]]
id = "c3"

[[zones]]
id = "lobby"
capacity = 30

[[lots]]
id = "front"
capacity = 20

[[devices]]
id = "desk"
[[devices.sensors]]
kind = "ticket"
services = { A = "tax" }

[[devices]]
id = "gates"
"""

Value = tuple[str, str, str, float, datetime]
"""Kind, name, measure, value, when."""


def small_office() -> Site:
    return parse(SITE, "small.toml")


def at(site: Site, day: date, hour: float) -> datetime:
    """A moment of the office's own clock."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=site.zone_info)
    return midnight + timedelta(hours=hour)


def each_slot(
    site: Site, day: date, kind: str, name: str, measures: dict[str, float]
) -> Iterable[Value]:
    """The same values in every five minutes of an open day."""
    for number in range(8 * 12):
        moment = at(site, day, 9 + number / 12)
        for measure, value in measures.items():
            yield kind, name, measure, value, moment


def write(folder: Path, values: Iterable[Value]) -> Path:
    """A real journal with these values rolled up."""
    rolled_up = Rollup()
    for kind, name, measure, value, moment in values:
        rolled_up.count(kind, name, measure, value, round(moment.timestamp() * 1000))
    path = folder / "journal.sqlite"
    journal = Journal(path)
    journal.commit([], [], rolled_up)
    journal.close()
    return path


def read(path: Path, plan: Plan, month: str, change: date | None = None) -> Kept:
    """What a report reads of it."""
    spans = reads(plan, month_of(month), change)
    with Past(path) as past:
        return Kept({s: [c for span in spans for c in past.cells(*s, *span)] for s in SOURCES})
