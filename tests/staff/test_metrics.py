"""`/metrics`: for who shows the token, in Prometheus' text format; and the dashboard over it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.contract.results import AccuracyResult, HubAbout, Measured, Shipping
from models.errors import BadSite, Missing
from models.site import Site, Staff
from signage.staff.metrics import METRICS, Metrics
from tests.conftest import ROOT
from tests.staff.house import StaffHouse
from tests.staff.test_devices import Machines

TOKEN = "q7" * 16
DASHBOARD = ROOT / "docs" / "grafana" / "machiai.json"
LINE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\} (-?[0-9.]+(?:e[+-][0-9]+)?)')


@pytest.fixture
def measured(site: Site, tmp_path: Path) -> Iterator[Machines]:
    """The example office, all well, with a token."""
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n", "utf-8")
    house = StaffHouse(site, tmp_path, staff=Staff(metrics_token_file=str(file)))
    try:
        yield Machines(house)
    finally:
        house.close()


def asked(house: StaffHouse, authorization: str | None = f"Bearer {TOKEN}") -> tuple[int, str]:
    headers = {} if authorization is None else {"Authorization": authorization}
    said = house.stranger().ask("GET", "/metrics", headers=headers)
    return said.status, said.text


def numbers(house: StaffHouse) -> dict[str, float]:
    """Each line as it stands, with its number."""
    status, text = asked(house)
    assert status == 200
    found = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            assert LINE.fullmatch(line), line
            key, _, value = line.rpartition(" ")
            assert key not in found
            found[key] = float(value)
    return found


def test_nobody_reads_it_without_the_token(measured: Machines) -> None:
    wrong = [None, "", "Bearer", "Bearer ", "Bearer ümlaut", TOKEN, f"Basic {TOKEN}"]
    for authorization in [*wrong, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"]:
        status, text = asked(measured.house, authorization)
        assert status == 401, authorization
        assert "machiai_" not in text


def test_the_token_goes_by_tls_or_stays_on_the_machine(measured: Machines) -> None:
    client = measured.house.stranger()
    proxied = {"Authorization": f"Bearer {TOKEN}", "Host": "hub.minami.example.jp"}
    for told, status in [({}, 403), ({"X-Forwarded-Proto": "http"}, 403),
                         ({"X-Forwarded-Proto": "https"}, 200)]:  # fmt: skip
        assert client.ask("GET", "/metrics", headers=proxied | told).status == status, told


def test_a_log_in_opens_it_no_more_than_it_opens_the_pages(measured: Machines) -> None:
    client = measured.house.client("facility")
    assert client.ask("GET", "/metrics").status == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert measured.house.stranger().ask("GET", "/staff/devices", headers=headers).status == 303


def test_without_a_token_in_the_site_file_there_is_none(house: StaffHouse) -> None:
    assert asked(house)[0] == 404


def test_a_token_that_can_be_guessed_or_is_not_there_is_refused_at_start(
    house: StaffHouse, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    with pytest.raises(Missing, match="token"):
        Metrics(house.room, str(file))
    file.write_text("x" * 31, "utf-8")
    with pytest.raises(BadSite, match=r"at least 32 signs, got 31 .*metrics_token_file"):
        Metrics(house.room, str(file))


def test_it_says_how_the_machines_are(measured: Machines) -> None:
    found = numbers(measured.house)
    site = 'site="minami"'
    assert found[f"machiai_hub_up{{{site}}}"] == 1
    assert found[f'machiai_machines{{{site},severity="well"}}'] == 10
    assert found[f'machiai_disk_free_ratio{{{site},machine="gates"}}'] == 0.71
    assert found[f'machiai_wait_seconds{{{site},name="moving"}}'] == 540
    assert found[f'machiai_value_missing{{{site},kind="zone",name="lobby"}}'] == 0

    measured.lose("cam-lobby")
    measured.feel("gates", outbox=4711)
    found = numbers(measured.house)
    assert found[f'machiai_machine_up{{{site},machine="cam-lobby",kind="device"}}'] == 0
    lost = f'machiai_trouble{{{site},machine="cam-lobby",trouble="lost",severity="urgent"}}'
    assert found[lost] == 1
    assert found[f'machiai_last_word_seconds{{{site},machine="cam-lobby"}}'] == 720
    assert found[f'machiai_outbox_observations{{{site},machine="gates"}}'] == 4711
    assert found[f'machiai_value_missing{{{site},kind="zone",name="lobby"}}'] == 1
    assert f'machiai_zone_people{{{site},name="lobby"}}' not in found, "unknown is never 0"


def told_of(text: str) -> set[str]:
    return set(re.findall(r"\bmachiai_[a-z_]+", text))


def test_all_that_is_documented_is_told(measured: Machines) -> None:
    house = measured.house
    total = Measured(count=9, told_s=1, came_s=1, error_s=100, coverage=0.8)
    measured.tell("accuracy/moving", AccuracyResult(**house.hub.times(), total=total))
    measured.feel("gates", clock_synchronised=False)
    shipping = Shipping(lag_s=7, waiting=2, missing=3)
    measured.tell("about", HubAbout(version="1.0.0", site_hash="aa", shipping=shipping))
    found = numbers(house)
    assert found['machiai_shipping_lag_seconds{site="minami"}'] == 7
    assert found['machiai_shipping_lost{site="minami",why="forgotten"}'] == 3
    assert told_of(asked(house)[1]) == set(METRICS)
    page = (ROOT / "docs" / "staff.md").read_text("utf-8")
    assert told_of(page) == set(METRICS)
    assert all(f"| `{name}` | {meaning} |" in page for name, meaning in METRICS.items())


def expressions(thing: object) -> Iterator[str]:
    """What a dashboard asks Prometheus for."""
    if isinstance(thing, dict):
        for key, value in thing.items():
            if key in ("expr", "query") and isinstance(value, str):
                yield value
            yield from expressions(value)
    elif isinstance(thing, list):
        for one in thing:
            yield from expressions(one)


def test_the_dashboard_asks_for_what_is_there() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    asked_for = list(expressions(dashboard))
    assert len(asked_for) > 10
    names = told_of(" ".join(asked_for))
    assert names <= set(METRICS)
    assert set(METRICS) - names == {"machiai_refused_inputs"}, "all else is drawn"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert all(panel["title"] for panel in dashboard["panels"])
