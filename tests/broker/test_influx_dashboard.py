"""docs/grafana/office.json over a real VictoriaMetrics that our shipper filled."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.clock import Clock
from broker.hub.history.ship import Shipper
from broker.hub.history.sqlite import milliseconds
from models.site import Influx
from tests.broker.shipped import SITE, Filled
from tests.broker.victoria import Victoria
from tests.conftest import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs/grafana/office.json").read_text("utf-8"))
SLOTS = 12 * 26
TARGETS = [
    pytest.param(target, panel, id=f"{panel['title']} {target['refId']}")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]


class Office:
    """26 hours of an office at the city's server."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = milliseconds(Clock().now())
        self.filled = Filled(folder / "journal.sqlite", start_ms=self.now_ms - SLOTS * 300_000)
        self.victoria = Victoria(folder)

    def fill(self) -> None:
        self.victoria.start()
        self.filled.live(SLOTS)
        table = Influx(url=self.victoria.url)
        shipper = Shipper(SITE, table, Clock(), self.filled.path)
        while shipper._turn() < 1:
            pass
        shipper._server.close()
        self.victoria.ask("/internal/force_flush")

    def end(self) -> None:
        self.victoria.kill()
        self.filled.journal.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("grafana"))
    try:
        made.fill()
        yield made
    finally:
        made.end()


def chosen(expression: str) -> str:
    """As Grafana writes it when all is chosen."""
    return expression.replace("$site", ".+").replace("$service", ".+")


@pytest.mark.parametrize(("target", "panel"), TARGETS)
def test_each_query_finds_something(
    office: Office, target: dict[str, Any], panel: dict[str, Any]
) -> None:
    expression, now_s = chosen(target["expr"]), office.now_ms / 1000
    found = office.victoria.graph(expression, now_s - 20 * 3600, now_s)
    if target.get("instant"):
        found = office.victoria.query(expression, now_s)
    assert found, panel["title"]
    values = [value for series in found for _, value in series.get("values", [series.get("value")])]
    assert all(float(value) >= 0 for value in values)
    for series in found:
        wanted = {
            part.partition("}}")[0] for part in target["legendFormat"].split("{{") if "}}" in part
        }
        assert wanted <= set(series["metric"]), panel["title"]


def test_the_pictures_show_what_is_so(office: Office) -> None:
    """Counts over a day are those of the journal, to the last one."""
    since_ms, now_s = office.now_ms - 86_400_000, office.now_ms / 1000
    pulses = [
        record
        for record in office.filled.journal.records()
        if record.kind == "pulse" and since_ms < record.at_ms <= office.now_ms
    ]
    (found,) = office.victoria.query("sum(sum_over_time(machiai_pulse_count[1d]))", now_s)
    assert float(found["value"][1]) == len(pulses) > 100
    (age,) = office.victoria.query(chosen(DASHBOARD["panels"][3]["targets"][0]["expr"]), now_s)
    assert 0 <= float(age["value"][1]) <= 900


def test_a_city_chooses_among_its_offices_and_services(office: Office) -> None:
    for variable in DASHBOARD["templating"]["list"][1:]:
        query, _, label = variable["query"].removeprefix("label_values(").rpartition(", ")
        series = json.loads(office.victoria.ask("/api/v1/series", **{"match[]": chosen(query)}))
        names = {one[label.removesuffix(")")] for one in series["data"]}
        assert names == ({SITE} if variable["name"] == "site" else {"tax"})


def test_each_panel_has_an_id_a_title_and_a_place_of_its_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels})
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
