"""Whole processes over a real broker: residents see what staff enter, whatever is killed."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from broker.clock import Clock
from models.contract.observations import PostNotice
from models.site import parse
from signage.mirror import Mirror
from signage.staff.post import Post
from tests.conftest import ROOT, Mosquitto
from tests.display.real import Broadcast
from tests.journey.conftest import Office
from tests.staff.hut import Hut, living
from tests.staff.living import follow
from tests.staff.test_desk import level_of, undo_of

pytestmark = pytest.mark.timeout(240)

SITE = """
[site]
id = "hut"
name = { ja = "小屋", en = "Hut" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[services]]
id = "moving"
name = { ja = "引っ越し", en = "Moving" }
counters = ["c1"]
[[counters]]
id = "c1"
[[lots]]
id = "front"
name = { en = "the yard" }
capacity = 40
[[displays]]
id = "l-1"
[staff]
"""


@pytest.fixture
def hut(mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hut]:
    with living(mosquitto, tmp_path, monkeypatch, SITE) as made:
        yield made


def test_a_clerk_says_very_busy_residents_see_it_and_undo_takes_it_back(hut: Hut) -> None:
    clerk = hut.person("hanako", "counter")
    hut.until(lambda: "hub cannot be reached" not in clerk.get("/desk").text)
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="4"))
    assert level_of(page.text, "moving") == "4"
    assert level_of(hut.public(), "moving") == "4"
    hut.web.kill()  # what was said outlives the page, and is still this clerk's to take back
    hut.web.start()
    hut.until(lambda: level_of(hut.public(), "moving") == "4")
    page = clerk.get("/desk")
    follow(clerk, clerk.post("/desk/undo", key=undo_of(page.text)))
    hut.until(lambda: level_of(hut.public(), "moving") == "0")
    follow(clerk, clerk.post("/parking/set", place="front", of="there", count="30"))
    hut.until(lambda: "10 free" in hut.public("/text"))


def test_an_emergency_needs_two_accounts_and_a_shell_disturbs_nobody(hut: Hut) -> None:
    chief, clerk = hut.person("taro", "facility"), hut.person("hanako", "counter")
    hut.until(lambda: "hub cannot be reached" not in clerk.get("/desk").text)
    drafted = chief.post("/emergency/draft", drill="no", minutes="30", what="leave")
    page = follow(chief, drafted)
    name = page.text.partition('name="name" value="')[2].partition('"')[0]
    page = follow(chief, chief.post("/emergency/propose", name=name))
    assert "somebody else must confirm it within 5 minutes" in page.text
    assert "Leave the building" not in hut.public()
    page = clerk.get("/emergency")
    seal = page.text.partition('name="seal" value="')[2].partition('"')[0]
    assert chief.post("/emergency/confirm", name=name, seal=seal).status == 422
    said = clerk.post("/emergency/confirm", name=name, seal="0" * 32)
    assert (said.status, "Read it again" in said.text) == (422, True)
    page = follow(clerk, clerk.post("/emergency/confirm", name=name, seal=seal))
    assert "It is shown on the display." in page.text
    hut.until(lambda: "Leave the building" in hut.public())
    before = hut.web.said()
    done = subprocess.run(
        [sys.executable, "-m", "machiai", "notice", str(hut.site), "cancel", name,
         "--by", "desk", "--state", str(hut.folder / "shell")],
        env={**os.environ, "MACHIAI_BROKER": f"mqtt://127.0.0.1:{hut.office.mosquitto.port}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    hut.until(lambda: "Leave the building" not in hut.public())
    assert "connected to" not in hut.web.said().removeprefix(before), "it was thrown out"


async def enter(folder: Path, port: int, run: int) -> None:
    """Enter notices without end, and say which are kept: until somebody kills this process."""
    from broker.session import Address  # noqa: PLC0415

    site = parse(SITE)
    mirror = Mirror(site, Clock())
    post = await asyncio.to_thread(Post, mirror, Address(host="127.0.0.1", port=port), folder)
    running = asyncio.create_task(post.run())
    for number in range(100):
        name = f"n-{run}-{number}"
        await post.observe(name, PostNotice(by="taro", texts={"en": name}))
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
    await running


def test_nothing_that_staff_entered_is_lost_or_doubled_by_kill_9(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    office = Office(mosquitto, tmp_path)
    path = tmp_path / "site.toml"
    path.write_text(SITE, "utf-8")
    hub = office.process("hub", str(path), "--state", str(tmp_path / "hub"))
    site = parse(SITE)
    kept: list[str] = []
    try:
        for run in range(6):
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.staff.test_desk_office", str(tmp_path / "web"),
                 str(mosquitto.port), str(run)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            assert child.stdout is not None
            kept += [child.stdout.readline().strip() for _ in range(7 + 5 * run)]
            if run == 2:
                mosquitto.kill()  # what is entered while nobody can hear it is kept, too
                kept += [child.stdout.readline().strip() for _ in range(20)]
            if run == 3:
                hub.kill()
                hub.start()
            child.send_signal(signal.SIGKILL)
            kept += [line.strip() for line in child.stdout if line.endswith("\n")]
            child.wait(10)
            if run == 2:
                mosquitto.start()
        told = Broadcast(office.address, Clock(), tmp_path / "pi", site)
        last = subprocess.Popen(
            [sys.executable, "-m", "tests.staff.test_desk_office", str(tmp_path / "web"),
             str(mosquitto.port), "9"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            told.until(lambda retained: "hub/notice/n-9-99" in retained)
        finally:
            last.kill()
            last.wait(10)
            told.close()
    finally:
        office.end()
    with closing(sqlite3.connect(tmp_path / "hub" / "journal.sqlite")) as base:
        names = [name for (name,) in base.execute("SELECT name FROM journal WHERE kind = 'notice'")]
        gaps = base.execute("SELECT count(*) FROM journal WHERE kind = 'gap'").fetchone()
    assert len(names) == len(set(names))
    assert set(kept) <= set(names)
    assert len(kept) > 6 * 7
    assert gaps == (0,)


if __name__ == "__main__":
    asyncio.run(enter(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
