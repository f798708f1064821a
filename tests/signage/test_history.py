import asyncio
import csv
import logging
from datetime import date
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from signage.feed import feed
from signage.feed.history import COLUMNS, Days, keep
from signage.web import web_app
from tests.signage.office import HandClock, Hub

DAY = date(2026, 11, 24)


@pytest.fixture
def days(hub: Hub, tmp_path: Path) -> Days:
    return Days(tmp_path, hub.site)


@pytest.fixture
def app(hub: Hub, days: Days) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock, days=days)


def note(days: Days, hub: Hub) -> None:
    days.note(feed.document(hub.mirror, hub.clock.now()))


def rows(days: Days, day: date = DAY) -> list[dict[str, str]]:
    return list(csv.DictReader((days.read(day) or b"").decode().splitlines()))


def test_a_day_holds_what_was_told_and_no_ticket_number(hub: Hub, days: Days) -> None:
    hub.busy()
    note(days, hub)
    (moving,) = [row for row in rows(days) if row["id"] == "moving"]
    assert tuple(moving) == COLUMNS
    assert (moving["at"], moving["kind"]) == ("2026-11-24T01:32:00.000Z", "service")
    assert (moving["waiting"], moving["wait_p50_s"], moving["people"]) == ("8", "1140", "")
    (lot,) = [row for row in rows(days) if row["kind"] == "lot"]
    assert (lot["free_p50"], lot["capacity"], lot["accessible_free_p50"]) == ("12", "40", "1")
    (zone,) = [row for row in rows(days) if row["kind"] == "zone"]
    assert (zone["people"], zone["over"]) == ("42", "0")
    assert b"A1" not in (days.read(DAY) or b"")


def test_what_was_stale_is_empty_in_history_too(hub: Hub, days: Days) -> None:
    hub.stale()
    note(days, hub)
    assert {row["state"] for row in rows(days)} == {"no_data"}
    assert {row["wait_p50_s"] + row["people"] + row["free_p50"] for row in rows(days)} == {""}


def test_what_stays_closed_is_told_once(hub: Hub, days: Days) -> None:
    hub.closed()
    note(days, hub)
    closed = rows(days, date(2026, 11, 23))
    hub.clock.move(300)
    note(days, hub)
    assert {row["state"] for row in closed} == {"closed"}
    assert rows(days, date(2026, 11, 23)) == closed


def test_a_day_is_the_offices_and_old_ones_are_forgotten(hub: Hub, days: Days) -> None:
    hub.busy()
    for shift_s in (0, 15 * 3600, 5 * 366 * 86_400):
        hub.clock.move(shift_s)
        note(days, hub)
    hub.clock.move(2 * 86_400)
    note(days, hub)
    kept = [day.day for day in days.history().days]
    assert DAY not in kept
    assert len(kept) == 2


def test_a_line_that_a_power_cut_left_unfinished_goes(hub: Hub, days: Days, tmp_path: Path) -> None:
    hub.busy()
    note(days, hub)
    before = days.read(DAY)
    with (tmp_path / "minami" / "2026-11-24.csv").open("a", encoding="utf-8") as file:
        file.write("2026-11-24T01:37")
    assert days.read(DAY) == before
    note(Days(tmp_path, hub.site), hub)
    assert len(rows(days)) == 2 * len(list(csv.DictReader((before or b"").decode().splitlines())))


def test_a_disk_that_refuses_stops_nothing_else(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "minami").write_text("a file where a folder should be", "utf-8")
    hub.busy()
    days = Days(tmp_path, hub.site)
    with caplog.at_level(logging.WARNING):
        note(days, hub)
        note(days, hub)
    (said,) = caplog.messages
    assert said.startswith("want to keep history")
    (tmp_path / "minami").unlink()
    note(days, hub)
    assert rows(days)


class Turned(HandClock):
    """Whoever sleeps by it has slept."""

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)
        await asyncio.sleep(0)


async def test_a_row_is_kept_at_each_full_five_minutes(hub: Hub, days: Days) -> None:
    clock = Turned()
    hub.busy()
    hub.mirror.clock = clock
    task = asyncio.create_task(keep(days, hub.mirror))
    while True:
        noted = {row["at"][11:16] for row in await asyncio.to_thread(rows, days)}
        if len(noted) >= 3:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    assert {"01:35", "01:40", "01:45"} <= noted


async def test_days_are_listed_and_served_as_csv(hub: Hub, days: Days, app: Application) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        listed = await (await client.get("/api/v1/sites/minami/history")).json()
        assert listed["days"] == []
        await asyncio.to_thread(note, days, hub)
        (day,) = (await (await client.get("/api/v1/sites/minami/history")).json())["days"]
        assert (day["day"], day["url"]) == (
            "2026-11-24",
            "/api/v1/sites/minami/history/2026-11-24.csv",
        )
        told = await client.get(day["url"])
        assert told.content_type == "text/csv"
        assert len(await told.read()) == day["bytes"]
        known = {"If-None-Match": told.headers["ETag"]}
        assert (await client.get(day["url"], headers=known)).status == 304
        for other in ("2026-11-25", "2026-02-30", "..", "20261124", "x"):
            gone = await client.get(f"/api/v1/sites/minami/history/{other}.csv")
            assert gone.status == 404
