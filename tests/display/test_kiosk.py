"""The keeper of the browser: whatever happens to it, the page is on the screen soon after."""

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from signage.display.kept import PICTURE
from signage.kiosk.keeper import PICTURE_BYTES
from signage.kiosk.ladder import Rung, Trouble
from tests.display.keeping import Screen, keeping, until
from tests.signage.office import Served

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]

CRASH_S = 2.0
KILL_S = 10.0
HANG_S = 20.0
"""Eight seconds of silence, and what a busy machine needs to open a page."""


async def back_after(screen: Screen, before: float) -> float:
    """How long it takes until another page than that of `before` is painted."""

    async def is_back() -> bool:
        return await screen.loaded() not in {0, before} and await screen.is_painted()

    return await until(is_back)


async def test_a_crashed_page_is_back_within_two_seconds(served: Served) -> None:
    async with keeping(served) as screen:
        before = await screen.loaded()
        screen.tell("Page.crash")
        assert await back_after(screen, before) <= CRASH_S


async def test_a_killed_browser_is_back_within_ten_seconds(served: Served) -> None:
    async with keeping(served) as screen:
        before, pid, profile = await screen.loaded(), screen.pid, screen.profile
        screen.kill()
        assert await back_after(screen, before) <= KILL_S
        assert screen.pid != pid
        assert screen.profile != profile
        assert not profile.exists()


async def test_a_script_that_hangs_is_found_by_the_beats_that_do_not_come(served: Served) -> None:
    async with keeping(served) as screen:
        before, pid = await screen.loaded(), screen.pid
        screen.run("while (true);")
        assert await back_after(screen, before) <= HANG_S
        assert screen.pid == pid, "the page's process was enough"
        climb = screen.keeper._climb
        assert climb is not None
        assert climb.tried == {Rung.RELOAD: 1}


async def test_a_picture_that_stands_still_is_found_though_scripts_run(served: Served) -> None:
    async with keeping(served) as screen:
        before = await screen.loaded()
        screen.run("window.requestAnimationFrame = () => {};")
        assert await back_after(screen, before) <= HANG_S
        climb = screen.keeper._climb
        assert climb is not None
        assert climb.tried == {Rung.RELOAD: 1}
        assert screen.keeper._why.startswith(Trouble.STILL)


async def test_a_page_that_eats_all_memory_is_opened_anew(served: Served) -> None:
    async with keeping(served) as screen:
        before, pid = await screen.loaded(), screen.pid
        screen.run("const all = []; while (true) all.push(new Array(1000).fill({}))")
        await back_after(screen, before)
        assert screen.pid == pid, "it took no more than the page"


async def test_a_server_that_comes_back_finds_the_page_as_it_was(served: Served) -> None:
    served.do(served.hub.busy)
    async with keeping(served) as screen:
        before = await screen.loaded()
        await asyncio.to_thread(served.stop)
        await until(lambda: screen.keeper._told is None)
        assert await screen.loaded() == before, "what is shown ages out by itself"
        await asyncio.to_thread(served.start_again)
        await until(lambda: screen.keeper._told is not None)
        await until(lambda: has_beat(screen))
        assert await screen.loaded() == before
        assert screen.keeper._climb is None


def has_beat(screen: Screen) -> bool:
    told = screen.keeper._told
    return told is not None and told.beat_s is not None


async def test_while_there_is_no_server_its_name_and_the_time_stand_on_black(
    served: Served,
) -> None:
    await asyncio.to_thread(served.stop)
    async with keeping(served, painted=False) as screen:

        async def stands() -> bool:
            said = await screen.see("document.body.innerText")
            return said is not None and served.hub.site.site.name["ja"] in said and ":" in said

        await until(stands)
        black = await screen.see("getComputedStyle(document.documentElement).backgroundColor")
        assert black == "rgb(0, 0, 0)"
        await asyncio.to_thread(served.start_again)
        await until(screen.is_painted)
        assert screen.keeper._climb is None, "a server that was away is no fault of the page"


async def test_no_page_of_an_error_when_page_and_server_both_go(served: Served) -> None:
    async with keeping(served) as screen:
        before = await screen.loaded()
        await asyncio.to_thread(served.stop)
        screen.run("location.reload()")

        async def waits() -> bool:
            return str(await screen.see("location.href")).startswith("data:")

        await until(waits)
        assert not screen.browser.unreachable
        await asyncio.to_thread(served.start_again)
        await back_after(screen, before)


async def test_a_hub_that_returns_is_shown_with_no_reload(served: Served) -> None:
    served.do(served.hub.busy)
    async with keeping(served) as screen:
        before = await screen.loaded()
        served.do(served.hub.hub_gone)
        gone = "!!document.querySelector('.banner')?.checkVisibility()"
        await until(lambda: screen.see(gone))
        served.do(served.hub.ready)
        served.do(lambda: served.hub.service("moving", 4, 77, (70, 95, 120)))
        row = "document.querySelector('#service-moving').textContent.includes('77')"
        assert await until(lambda: screen.see(row)) <= 5
        assert await until(lambda: screen.see(f"!({gone})")) <= 5
        assert await screen.loaded() == before


async def test_nothing_listens_and_nothing_leaves_this_machine(served: Served) -> None:
    async with keeping(served) as screen:
        await until(lambda: has_beat(screen))
        found = await asyncio.to_thread(lambda: list(sockets(screen.pid)))
    assert found, "it reads the page over one at least"
    assert {(kind, state) for kind, state, _ in found} == {("tcp", ESTABLISHED)}
    assert {peer for _, _, peer in found} == {"127.0.0.1"}


ESTABLISHED = "01"


def sockets(leader: int) -> Iterator[tuple[str, str, str]]:
    """Kind, state and far end of each socket of the internet in a process group."""
    inodes = set()
    for process in members(leader):
        for file in process.joinpath("fd").iterdir():
            name = str(file.readlink()) if file.is_symlink() else ""
            inodes.add(name.removeprefix("socket:[").rstrip("]"))
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in Path("/proc/net", kind).read_text("ascii").splitlines()[1:]:
            _, _, far, state, *rest = line.split()
            if rest[5] in inodes:
                host = bytes.fromhex(far.partition(":")[0])
                numbers = struct.pack(">I", *struct.unpack("<I", host)) if len(host) == 4 else host
                yield kind, state, ".".join(map(str, numbers))


def members(leader: int) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*") if group_of(path) == leader]


def group_of(process: Path) -> int:
    """The process group of a process that runs."""
    try:
        state, _, group, *_ = (process / "stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0  # it has just ended
    return 0 if state == "Z" else int(group)


async def test_it_leaves_neither_processes_nor_files(served: Served) -> None:
    async with keeping(served) as screen:
        leader, profile = screen.pid, screen.profile
        assert profile.exists()
    assert not profile.exists()
    assert await asyncio.to_thread(members, leader) == []


async def test_staff_have_the_page_opened_anew(served: Served) -> None:
    async with keeping(served) as screen:
        before, pid = await screen.loaded(), screen.pid
        served.do(lambda: served.station.commands["reload"](b""))
        await back_after(screen, before)
        assert screen.pid == pid
        assert screen.keeper._climb is None


async def test_staff_have_a_new_browser(served: Served) -> None:
    async with keeping(served) as screen:
        before, pid = await screen.loaded(), screen.pid
        served.do(lambda: served.station.commands["restart"](b""))
        await back_after(screen, before)
        assert screen.pid != pid


async def test_staff_have_a_picture_of_the_page(served: Served) -> None:
    served.do(served.hub.busy)
    async with keeping(served):
        served.do(lambda: served.station.commands["screenshot"](b""))
        await until((served.station.folder / PICTURE).exists)
        async with aiohttp.ClientSession(served.display) as client:
            answer = await client.get("/screenshot")
            picture = await answer.read()
    assert answer.content_type == "image/jpeg"
    assert picture.startswith(b"\xff\xd8\xff")
    assert 10_000 < len(picture) <= PICTURE_BYTES
