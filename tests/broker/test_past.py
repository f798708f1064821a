"""The demo's hub begins with a past: it knows what is usual, and believes no device of then."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from broker.hub.history.sqlite import Journal
from broker.past import observations, remember
from models.site import Site, parse
from models.state.office import Office
from tests.conftest import ROOT

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def site() -> Site:
    return parse((ROOT / "ansible/sites/example.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def office(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Office:
    path: Path = tmp_path_factory.mktemp("hub") / "journal.sqlite"
    remember(path, site, TODAY, 7, seed=1)
    journal = Journal(path)
    found = journal.snapshot()
    assert not list(journal.records())
    journal.close()
    assert found is not None
    return Office.load(site, found[1])


def test_what_is_usual_is_known_and_nothing_of_now(site: Site, office: Office) -> None:
    now = datetime(2026, 11, 24, 10, tzinfo=site.zone_info)
    assert office.people("moving", now, 3600.0) is not None
    assert office.wait("moving", now) is None
    assert office.results(now)["service/moving"].observed_at is None
    assert office.results(now)["accuracy/moving"].observed_at is not None


def test_a_device_of_today_is_believed_at_once(site: Site, office: Office) -> None:
    for seen in observations(site, TODAY, seed=1):
        at = seen.envelope.at
        assert at is not None
        office.fold(seen, at.timestamp(), at.timestamp())
        if seen.kind == "ticket" and at.astimezone(site.zone_info).hour >= 10:
            assert office.basis(seen.name, at) == "tickets"
            return
    pytest.fail("want a ticket after 10:00, got none")


def test_sensors_speak_in_the_order_of_time(site: Site) -> None:
    times = [seen.envelope.at for seen in observations(site, TODAY - timedelta(days=4), seed=2)]
    assert len(times) > 1000
    assert times == sorted(times, key=lambda at: at or datetime.min.replace(tzinfo=site.zone_info))
