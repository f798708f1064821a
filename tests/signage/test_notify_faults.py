"""Each notice is sent once, whatever the mail server or a power cut does to it.

Mails are told apart by their Message-ID. One that the server took without our hearing of it, or
that was being handed over when the process was killed, may come twice: nobody can know better
(RFC 1047). No other does, and none is lost.
"""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from signage.notify import delivery as under_test
from signage.notify.letters import letter_id
from signage.notify.notices import Notices
from tests.conftest import ROOT
from tests.signage.notified import HOLDERS, fill, move, numbers
from tests.signage.office import Hub
from tests.signage.post import PostOffice, notices_by_mail, rows, running, until

ALL = {f"<{letter_id(f'token-{number}', 'near')}@minami.example.jp>" for number in numbers()}
IN_DOUBT = "SELECT token FROM notice WHERE state = 'sending'"
SEEDS = int(os.environ.get("MACHIAI_SEEDS", "1"))
KILLS = 2
SENT = "SELECT count(*) FROM notice WHERE state = 'sent'"


@pytest.fixture
def post(request: pytest.FixtureRequest) -> Iterator[PostOffice]:
    with PostOffice(getattr(request, "param", 0)) as made:
        yield made


@pytest.fixture
def notices(hub: Hub, post: PostOffice, tmp_path: Path) -> Iterator[Notices]:
    made, store = notices_by_mail(hub.site, hub.mirror, tmp_path, post.port)
    fill(store)
    yield made
    store.close()


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is on this machine: it may be tried again at once."""
    monkeypatch.setattr(under_test, "_FIRST_S", 0.02)
    monkeypatch.setattr(under_test, "_LONGEST_S", 0.1)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(
    "fault",
    [
        {"connect": 0.4},
        {"mail": 0.4},
        {"rcpt": 0.4},
        {"busy": 0.4},
        {"data": 0.4},
        {"after": 0.9},
        {"connect": 0.1, "mail": 0.1, "rcpt": 0.1, "busy": 0.1, "data": 0.1, "after": 0.2},
    ],
    ids="+".join,
)
async def test_a_server_that_fails_at_any_stage_gets_each_once(
    hub: Hub,
    notices: Notices,
    post: PostOffice,
    tmp_path: Path,
    fault: dict[str, float],
) -> None:
    post.fault = fault
    move(hub, HOLDERS)
    task = asyncio.create_task(notices.run())
    file = tmp_path / "notices.sqlite"
    async with asyncio.timeout(30):
        while await asyncio.to_thread(rows, file, SENT) != [(HOLDERS,)]:
            await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    came, lost = Counter(mail["Message-ID"] for mail in post.mails), Counter(post.lost)
    assert came.keys() == ALL
    assert {name: count - 1 for name, count in came.items() if count > 1} == dict(lost)
    assert bool(lost) or fault.get("data", 0.0) < 0.4


@pytest.mark.parametrize("post", range(SEEDS), indirect=True)
def test_a_process_that_is_killed_again_and_again_sends_each_once(
    post: PostOffice, notices: Notices, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(request.node.name)
    post.fault = {"rcpt": 0.05, "data": 0.05}
    in_doubt: Counter[str] = Counter()
    _ = notices  # its store is filled, and read by the process that follows
    kills = 0
    while True:
        with start(tmp_path, post) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            try:
                process.wait(chance.uniform(0.02, 0.25) if kills < KILLS else 30)
            except subprocess.TimeoutExpired:
                process.kill()
        if process.returncode == 0:
            break
        kills += 1
        doubted = rows(
            tmp_path / "notices.sqlite", "SELECT token FROM notice WHERE state='sending'"
        )
        for (token,) in doubted:
            in_doubt[f"<{letter_id(token, 'near')}@minami.example.jp>"] += 1
    assert kills >= KILLS - 1
    came = Counter(mail["Message-ID"] for mail in post.mails)
    assert came.keys() == ALL
    assert came - (Counter(ALL) + in_doubt + Counter(post.lost)) == Counter()


def start(folder: Path, post: PostOffice) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.signage.notified", str(folder), str(post.port)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@pytest.mark.usefixtures("_soon")
async def test_a_server_that_is_away_is_tried_again_until_it_is_back(
    hub: Hub, notices: Notices, post: PostOffice
) -> None:
    post.fault = {"connect": 1.0}
    move(hub, HOLDERS)
    task = asyncio.create_task(notices.run())
    await asyncio.sleep(0.5)
    assert post.mails == []
    post.fault = {}
    await until(lambda: len(post.mails) == HOLDERS)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert {mail["Message-ID"] for mail in post.mails} == ALL


@pytest.mark.usefixtures("_soon")
async def test_a_near_that_could_not_go_out_is_not_sent_after_the_call(
    hub: Hub, notices: Notices, post: PostOffice, tmp_path: Path
) -> None:
    """Nor by the next process, which finds it in the file."""
    post.fault = {"connect": 1.0}
    move(hub, HOLDERS)
    async with running(notices):
        await until(
            lambda: len(rows(tmp_path / "notices.sqlite", "SELECT 1 FROM notice")) == HOLDERS
        )
        hub.call("A007")
        hub.say("line/moving", None)
        asked = "SELECT 1 FROM notice WHERE kind = 'now'"
        await until(lambda: len(rows(tmp_path / "notices.sqlite", asked)) == 1)
    post.fault = {}
    async with running(notices):
        await until(lambda: len(post.mails) == HOLDERS)
    (own,) = post.sent_to("a007@example.jp")
    assert own["Subject"] == "Number A007: it is your turn"


async def test_what_is_under_way_when_the_process_is_stopped_is_seen_through(
    hub: Hub, notices: Notices, post: PostOffice, tmp_path: Path
) -> None:
    post.fault = {"slow": 1.0}
    move(hub, HOLDERS)
    file = tmp_path / "notices.sqlite"
    for _ in range(2):
        async with running(notices):
            await until(lambda: bool(rows(file, IN_DOUBT)))
        assert rows(file, IN_DOUBT) == []
    post.fault = {}
    async with running(notices):
        await until(lambda: len(post.mails) == HOLDERS)
    assert Counter(mail["Message-ID"] for mail in post.mails) == Counter(ALL)
