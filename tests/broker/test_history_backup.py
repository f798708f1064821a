"""A copy of the journal while the hub is at work, and a hub that goes on from it."""

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import machiai
from broker.hub.belief import Belief
from broker.hub.history.backup import back_up, restore, state_hash
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import VERSION, Journal
from broker.hub.hub import JOURNAL
from broker.hub.ingest import Ingest
from models.contract import topics
from models.contract.codec import decode_observation, decode_reading, encode_observation
from models.contract.observations import KIND_OF, Envelope, Gap, People, Pulse, Reading, Ticket
from models.errors import BadData, Missing, Unavailable
from models.site import parse
from models.state.office import Office
from tests.broker.rig import SITE, TEXT, Pi, address_of, hub_at, journalled, running
from tests.conftest import ROOT, Mosquitto

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)


def write(path: Path, *said: Reading, first: int = 1) -> Path:
    """A journal as a hub writes it, with the snapshot before its last observation."""
    journal = Journal(path)
    belief, ingest = Belief(SITE, journal), Ingest(journal.marks())
    for seq, reading in enumerate(said, first):
        belief.begin()
        at = NOW + timedelta(seconds=seq)
        envelope = Envelope(stream="s", seq=seq, boot="b", up_ms=0, at=at)
        name = "lobby" if isinstance(reading, People) else "tax"
        topic = topics.observation("rig", "pi", KIND_OF[type(reading)], name)
        taken = ingest.take(topic, encode_observation(envelope, reading), at)
        journal.commit([], [], Rollup(), belief.office.dump())
        records = [belief.fold(one).record for one in taken]
        journal.commit(records, list(ingest.marks.values()), Rollup())
    journal.close()
    return path


def folded(path: Path, rows: int | None = None) -> str:
    """The hash of the office after the first so many observations, folded one by one."""
    office = Office(SITE)
    journal = Journal(path)
    with closing(journal), closing(journal.records()) as records:
        for number, record in enumerate(records):
            if number == rows:
                break
            topic = topics.observation("rig", record.device, record.kind, record.name)
            seen = decode_observation(topic, record.payload)
            office.fold(seen, record.at_ms / 1000, record.received_ms / 1000)
    return state_hash(office)


async def command(*arguments: str) -> str:
    """What a machiai says on its standard output, run as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "machiai", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def load(pi: Pi, is_enough: Callable[[], Awaitable[bool]]) -> int:
    """Pulses without a rest; how many."""
    count = 0
    while not await is_enough():
        pulses = [pi.delivery.keep("gate", Pulse(direction="in")) for _ in range(20)]
        await asyncio.gather(*pulses)
        count += 20
    return count


async def test_a_backup_under_load_brings_the_same_office_back_and_devices_send_the_rest(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address, folder, out = address_of(mosquitto), tmp_path / "hub", tmp_path / "backup.sqlite"
    site = tmp_path / "site.toml"
    site.write_text(TEXT, "utf-8")
    both = [str(site), "--state", str(folder)]
    async with running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi:
        async with hub_at(address, folder, site=SITE):
            backup = asyncio.create_task(command("backup", *both, "--out", str(out)))

            async def is_written() -> bool:
                return await asyncio.to_thread(out.exists)

            count = await load(pi, is_written)
            said = await backup
            with pytest.raises(Unavailable, match="want the hub stopped, got"):
                await asyncio.to_thread(restore, SITE, folder / JOURNAL, out, NOW)
            for _ in range(20):  # what the backup has not
                await pi.delivery.keep("gate", Pulse(direction="in"))
                count += 1
            await pi.drained()
        rows = len(await asyncio.to_thread(_records, out))
        assert 0 < rows < count
        hashed = await asyncio.to_thread(folded, folder / JOURNAL, rows)
        assert f"{rows} observations" in said
        assert said.endswith(f"state {hashed[:16]}\n"), "folded from the first observation on"
        restored = await command("restore", *both, str(out))
        assert f"state {hashed[:16]}\n" in restored
        assert await asyncio.to_thread(folded, folder / JOURNAL) == hashed
        for _ in range(10):  # nobody is there to hear it
            await pi.delivery.keep("gate", Pulse(direction="in"))
        async with hub_at(address, folder, site=SITE):
            await pi.delivery.keep("gate", Pulse(direction="in"))
            await pi.drained()
        stream = pi.outbox.stream
    records = await asyncio.to_thread(journalled, folder)
    held = [record.seq for record in records if record.stream == stream]
    assert held == [*range(1, rows + 1), *range(count + 1, count + 12)]
    gaps = [decode_reading(r.kind, r.payload) for r in records if r.kind == "gap"]
    lost = f"{rows + 1} to {count} are no longer held"
    assert [gap.why for gap in gaps if isinstance(gap, Gap)] == [lost]


def _records(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as db:
        return [seq for (seq,) in db.execute("SELECT seq FROM journal")]


def test_a_backup_is_the_same_office_and_holds_no_printed_number_but_of_who_waits(
    tmp_path: Path,
) -> None:
    said: list[Reading] = [
        Ticket(number="A771", event="issued"),
        Ticket(number="A772", event="issued"),
        Ticket(number="A771", event="called", counter="c1"),
        Ticket(number="A771", event="served", counter="c1"),
        People(count=3),
    ]
    journal = write(tmp_path / JOURNAL, *said)
    before = folded(journal)
    copy = back_up(SITE, journal, tmp_path / "there" / "copy.sqlite", NOW)
    assert copy.state == before
    assert (copy.rows, copy.last) == (5, NOW + timedelta(seconds=5))
    assert [path.name for path in copy.path.parent.iterdir()] == ["copy.sqlite"]
    with closing(sqlite3.connect(copy.path)) as db:
        rows = [payload for (payload,) in db.execute("SELECT payload FROM journal")]
        assert db.execute("SELECT number FROM issued").fetchall() == []
    assert not [payload for payload in rows if b"A77" in payload]
    back = restore(SITE, tmp_path / "new" / JOURNAL, copy.path, NOW)
    assert (back.state, back.was, back.aside) == (before, None, None)
    write(tmp_path / "new" / JOURNAL, Ticket(number="A772", event="called"), first=6)
    write(journal, Ticket(number="A772", event="called"), first=6)
    assert folded_by_hub(tmp_path / "new" / JOURNAL) == folded_by_hub(journal)


def folded_by_hub(path: Path) -> str:
    with closing(Journal(path)) as journal:
        return state_hash(Belief(SITE, journal).office)


def test_what_was_there_is_kept_aside_and_a_second_backup_replaces_the_first(
    tmp_path: Path,
) -> None:
    journal, out = write(tmp_path / JOURNAL, People(count=3)), tmp_path / "copy.sqlite"
    back_up(SITE, journal, out, NOW)
    write(journal, People(count=4), first=2)
    assert back_up(SITE, journal, out, NOW).rows == 2
    write(journal, People(count=5), first=3)
    back = restore(SITE, journal, out, NOW)
    assert back.aside == tmp_path / "journal-before-20261124T010000Z.sqlite"
    assert len(_records(back.aside)) == 3
    assert len(_records(journal)) == 2


@pytest.mark.parametrize("where", ["in a row", "at its head"])
def test_a_damaged_backup_is_refused_and_the_journal_stays(tmp_path: Path, where: str) -> None:
    journal, out = write(tmp_path / JOURNAL, *[People(count=3)] * 300), tmp_path / "copy.sqlite"
    back_up(SITE, journal, out, NOW)
    before = journal.read_bytes()
    damaged = bytearray(out.read_bytes())
    first = len(damaged) // 2 if where == "in a row" else 0
    damaged[first : first + 8192] = b"\xff" * 8192
    out.write_bytes(damaged)
    with pytest.raises(BadData, match=r"want a (hub's )?journal"):
        restore(SITE, journal, out, NOW)
    assert journal.read_bytes() == before
    assert not [*tmp_path.glob("*.part*"), *tmp_path.glob("*-before-*")]


def test_a_damaged_journal_is_not_backed_up_and_a_backup_takes_its_place(tmp_path: Path) -> None:
    journal, out = write(tmp_path / JOURNAL, *[People(count=3)] * 300), tmp_path / "copy.sqlite"
    good = back_up(SITE, journal, out, NOW)
    damaged = bytearray(journal.read_bytes())
    damaged[: len(damaged) // 2] = b"\xff" * (len(damaged) // 2)
    journal.write_bytes(damaged)
    with pytest.raises(BadData, match="want a journal that is whole"):
        back_up(SITE, journal, out, NOW)
    assert len(_records(out)) == 300, "the one from before is still there"
    assert restore(SITE, journal, out, NOW).state == good.state


def test_what_is_foreign_is_refused(tmp_path: Path) -> None:
    journal, out = write(tmp_path / JOURNAL, People(count=3)), tmp_path / "copy.sqlite"
    with pytest.raises(Missing, match="want a backup, got no file"):
        restore(SITE, journal, out, NOW)
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as db:
        db.execute("CREATE TABLE stream (id INTEGER)")
    with pytest.raises(BadData, match="want a hub's journal, got another database"):
        restore(SITE, journal, tmp_path / "other.sqlite", NOW)
    kita = parse(TEXT.replace('id = "rig"', 'id = "kita"'))
    back_up(kita, journal, out, NOW)
    with pytest.raises(BadData, match="want a backup of rig, got one of kita"):
        restore(SITE, journal, out, NOW)
    back_up(SITE, journal, out, NOW)
    with closing(sqlite3.connect(out)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(BadData, match=f"want a journal of version {VERSION} at most, got"):
        restore(SITE, journal, out, NOW)
    assert len(_records(journal)) == 1


def test_another_site_file_is_told_by_its_hash(tmp_path: Path) -> None:
    journal, out = write(tmp_path / JOURNAL, People(count=3)), tmp_path / "copy.sqlite"
    made = back_up(SITE, journal, out, NOW)
    larger = parse(TEXT + '[[zones]]\nid = "hall"\ncapacity = 9\n')
    back = restore(larger, journal, out, NOW)
    assert back.was == made.state != back.state
    assert "was" in str(back)


def test_a_place_that_refuses_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / JOURNAL, People(count=3))
    site, blocked = tmp_path / "site.toml", tmp_path / "blocked"
    site.write_text(TEXT, "utf-8")
    blocked.write_text("", "utf-8")
    both = [str(site), "--state", str(tmp_path)]
    assert machiai.main(["backup", *both, "--out", str(blocked / "copy.sqlite")]) == 69
    assert capsys.readouterr().err.startswith("machiai: want a backup at")
    empty = ["--state", str(tmp_path / "none")]
    assert machiai.main(["backup", str(site), *empty, "--out", str(tmp_path / "c")]) == 66
    assert "want a hub's journal, got no file" in capsys.readouterr().err
