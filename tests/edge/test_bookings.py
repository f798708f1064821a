"""A book of reservations at an agent: what it tells, when, and what of a book that is none."""

import asyncio
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import Bookings
from models.errors import BadSite, SensorFailed
from models.site import parse
from tests.conftest import ROOT
from tests.edge.recording import Emitted, HandClock, Recording, running
from tests.edge.test_queue import Page, served

NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
TODAY = date(2026, 11, 24)
HEAD = "day,time,name"


class Noon(HandClock):
    """Always noon; only durations pass, and only by hand."""

    def now(self) -> datetime:
        return NOON


def sensor(**settings: object) -> Sensor:
    """One book of the example office, in which `mynumber` takes reservations."""
    text = (ROOT / "ansible/sites/example.toml").read_text("utf-8")
    text = text.replace('id = "mynumber"', 'id = "mynumber"\nbookings = "first"')
    told: dict[str, object] = {
        "format": "csv",
        "date": "day",
        "time": "time",
        "days": 2,
        "every_s": 10,
    }
    told |= {"source": "/book.csv", **settings}
    lines = ["[[devices]]", 'id = "pi"', "[[devices.sensors]]", 'kind = "bookings"']
    lines += [f"{key} = {value!r}" for key, value in told.items() if value is not None]
    if "services" not in told:
        lines.append('services = [{ service = "mynumber" }]')
    site = parse("\n".join([text, *lines]))
    return sensors_of(site, site.device("pi"))[0]


async def made(source: object, **settings: object) -> Sensor:
    return await asyncio.to_thread(lambda: sensor(source=str(source), **settings))


def book(*times: str, day: date = TODAY) -> str:
    return "\n".join([HEAD, *(f"{day},{time},Hanako" for time in times), ""])


def write(path: Path, text: str, *, age_s: float = 0.0) -> datetime:
    """As an export does it: beside its place, then in it. Returns when that was."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    at_s = round(fresh.stat().st_mtime - age_s)
    os.utime(fresh, (at_s, at_s))
    fresh.replace(path)
    return datetime.fromtimestamp(at_s, UTC)


def said(emitted: Emitted) -> tuple[date, list[tuple[int, int]]]:
    assert isinstance(emitted.reading, Bookings)
    slots = emitted.reading.slots
    return emitted.reading.day, [(slot.minute, slot.booked) for slot in slots]


async def until(port: Recording, slots: list[tuple[int, int]]) -> Emitted:
    """The next that is told of today and says this."""
    while True:
        (emitted,) = await port.take(1)
        if said(emitted) == (TODAY, slots):
            return emitted


async def failure(one: Sensor) -> tuple[str, dict[str, int]]:
    """With what it fails, and what it had refused; nothing was told."""
    port = Recording(Noon())
    with pytest.raises(SensorFailed) as failed:
        async with asyncio.timeout(20):
            await one.run(port)
    assert port.emitted.empty()
    return str(failed.value), dict(port.refused)


async def test_a_file_is_read_again_and_again_and_a_day_replaces_what_was_said(
    tmp_path: Path,
) -> None:
    path, port = tmp_path / "book.csv", Recording(Noon())
    at = write(path, book("9:00", "9:00", "9:30"), age_s=7200)
    one = await made(path)
    assert one.outputs() == [Output("bookings", "mynumber")]
    async with running(one, port) as basis:
        assert basis == "csv of book.csv"
        first, tomorrow = await port.take(2)
        assert said(first) == (TODAY, [(540, 2), (570, 1)])
        assert said(tomorrow) == (TODAY + timedelta(days=1), [])
        assert first.at == at  # as old as the file, not as the look at it
        again = await port.take(3)
        assert {said(one)[0] for one in again} == {TODAY}  # tomorrow has not changed
        write(path, book("9:00"))
        await until(port, [(540, 1)])
        write(path, book())
        await until(port, [])


async def test_an_unchanged_day_is_told_again_each_hour(tmp_path: Path) -> None:
    path, clock = tmp_path / "book.csv", Noon()
    port = Recording(clock)
    write(path, book("9:00", day=TODAY + timedelta(days=1)))
    async with running(await made(path), port):
        await port.take(4)
        clock.move(3600)
        while said((await port.take(1))[0]) != (TODAY + timedelta(days=1), [(540, 1)]):
            pass


async def test_what_is_refused_of_a_book_is_counted_once_not_at_each_look(tmp_path: Path) -> None:
    path, port = tmp_path / "book.csv", Recording(Noon())
    write(path, book(*["9:00"] * 12, "soon"))
    async with running(await made(path), port):
        await port.take(6)
        assert port.refused == {"want a day and a time, got something else": 1}
        write(path, book(*["9:00"] * 12, "soon", "late").replace("late", "9:30") + "\n")
        await until(port, [(540, 12), (570, 1)])
        assert sum(port.refused.values()) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "want a file, got none"),
        ("", "want a book of reservations, got nothing"),
        ("tag,zeit\n", "want a column 'day', got none"),
        (book("morgens"), "want rows whose time can be read, got too few"),
    ],
    ids=["no file", "an empty one", "another table", "no times"],
)
async def test_three_looks_in_vain_are_an_alert_and_never_an_empty_book(
    tmp_path: Path, text: str | None, why: str
) -> None:
    path = tmp_path / "book.csv"
    if text is not None:
        write(path, text)
    message, refused = await failure(await made(path))
    assert message == "want reservations of book.csv, got none 3 times"
    assert refused == {why: 3}


async def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    os.mkfifo(path)
    assert (await failure(await made(path)))[1] == {"want a file, got none": 3}


async def test_a_list_of_the_web_is_asked_for_with_the_token(tmp_path: Path) -> None:
    token, tokens = tmp_path / "token", []
    token.write_text("s3cret\n", "ascii")

    async def page(request: web.Request) -> web.Response:
        tokens.append(request.headers.get("Authorization"))
        items = [{"at": "2026-11-24T00:30:00Z", "who": "Hanako"}]
        return web.json_response({"items": items})

    port = Recording(Noon())
    async with served(page) as url:
        more = {"format": "json", "date": "at", "time": None, "list": "/items"}
        one = await made(url, token_file=str(token), **more)
        async with running(one, port) as basis:
            assert basis == "json of 127.0.0.1"
            first, _ = await port.take(2)
    assert said(first) == (TODAY, [(570, 1)])
    assert first.at is None
    assert set(tokens) == {"Bearer s3cret"}


async def elsewhere(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "https://example.com/"})


async def insecure(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "http://example.com/"})


async def around(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/display"})


async def broken(_: web.Request) -> web.Response:
    return web.Response(status=500, text=book("9:00"))


async def endless(_: web.Request) -> web.Response:
    return web.Response(body=b"x" * (4 * 1024 * 1024 + 1))


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (elsewhere, "want the same host over https, got a redirect to another"),
        (insecure, "want the same host over https, got a redirect to another"),
        (around, "want at most 3 redirects, got more"),
        (broken, "want status 200, got 500"),
        (endless, "want at most 4194304 bytes, got more"),
    ],
)
async def test_what_a_server_may_not(page: Page, why: str) -> None:
    async with served(page) as url:
        assert (await failure(await made(url)))[1] == {why: 3}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"source": "book.csv"}, r"want /a/path or https://\.\.\., .*`.*\.source`"),
        ({"source": "http://example.com/book"}, r"want /a/path or https://"),
        ({"date": None}, r"want the column of a csv book, got none - at `.*\.date`"),
        ({"format": "ics"}, r"want no columns of a calendar, got some - at `.*\.format`"),
        ({"format": "json", "date": "a[[b"}, r"want a path .* - at `.*\.date`"),
        ({"format": "xls"}, r"Invalid enum value 'xls' - at `.*\.format`"),
        ({"days": 99}, r"<= 28 - at `.*\.days`"),
        ({"delimiter": ", "}, r"length <= 1 - at `.*\.delimiter`"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], why: str) -> None:
    with pytest.raises(BadSite, match=why):
        sensor(**settings)


@pytest.mark.parametrize(
    ("services", "why"),
    [
        ('[{ service = "moving" }]', r"want `bookings` of moving, got none - .*services\[0\]"),
        ('[{ service = "dentist" }]', r"want one of `services`, got 'dentist'"),
        ('[{ service = "mynumber", column = "desk" }]', r"want both of column, is or neither"),
        ("[]", r"length >= 1"),
    ],
)
def test_services_that_cannot_be(services: str, why: str) -> None:
    class Written:
        """As it stands in the file."""

        def __repr__(self) -> str:
            return services

    with pytest.raises(BadSite, match=why):
        sensor(services=Written())


def test_what_the_page_says_to_write_can_be_written() -> None:
    page = (ROOT / "docs" / "reservations.md").read_text("utf-8")
    service, reader = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    office = """[site]\nid = "a"\nname = { en = "A" }\nhours = []\n[[devices]]\nid = "pi"\n"""
    counters = "".join(f'[[counters]]\nid = "c{n}"\n' for n in (1, 2, 3))
    site = parse(f"{office}\n{reader}\n{service}\n{counters}")
    (one,) = sensors_of(site, site.device("pi"))
    assert one.outputs() == [Output("bookings", "passport")]
