"""`machiai replay`: what would have been told, by what was known then and nothing later."""

import csv
import gzip
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from broker.replay import Answer, answers, asks_of, observations, write
from machiai import main
from models.contract import topics
from models.contract.codec import encode_observation, stamp
from models.contract.observations import Beat, Envelope, People, Reading, Skip
from models.site import Site, parse
from models.state.office import Office
from tests.broker.logs import Line, line, logged
from tests.conftest import ROOT

EXAMPLE = ROOT / "ansible" / "sites" / "example.toml"
FIRST = date(2026, 11, 24)
NINE = datetime(2026, 11, 24, 0, tzinfo=UTC)
ASKED = (
    ("wait", "certificates", 0),
    ("wait", "insurance", 0),
    ("queue", "moving", 3600),
    ("queue", "certificates", 86_400),
    ("lot", "front", 0),
    ("lot", "front", 1800),
)
HEAD = "id,at,kind,name,ticket,horizon_s\n"


@pytest.fixture(scope="module")
def site() -> Site:
    return parse(EXAMPLE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lines(site: Site) -> list[Line]:
    return list(logged(site, FIRST, 2))


@pytest.fixture(scope="module")
def ask_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same six questions every 48 minutes of two days."""
    path = tmp_path_factory.mktemp("asks") / "ask.csv"
    rows: list[str] = []
    for n in range(22):
        at = NINE + timedelta(days=n // 11, minutes=48 * (n % 11))
        for kind, name, horizon_s in ASKED:
            rows.append(f"{len(rows)},{stamp(at)},{kind},{name},,{horizon_s}\n")
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return path


def answered(
    site: Site, lines: list[Line], ask: Path, until: datetime | None = None
) -> list[Answer]:
    """What is told at the asks up to a moment, from a log that ends there."""
    log = io.StringIO("".join(text for at, text in lines if until is None or at <= until))
    asks = [a for a in asks_of(ask, site) if until is None or a.at <= until]
    return list(answers(Office(site, assume_alive=True), log, asks))


@pytest.fixture(scope="module")
def told(site: Site, lines: list[Line], ask_file: Path) -> list[Answer]:
    return answered(site, lines, ask_file)


def test_every_ask_has_an_answer_that_can_be(told: list[Answer]) -> None:
    assert len(told) == 22 * len(ASKED)
    assert all(0 <= a.p10 <= a.p50 <= a.p90 for a in told)
    waits = [a for a in told if int(a.id) % len(ASKED) < 2]
    assert {a.basis for a in waits} == {"tickets"}
    assert len({a.p50 for a in waits}) > len(waits) / 2


@pytest.mark.parametrize("number", [40, 101])
def test_a_log_that_is_cut_right_after_an_ask_gives_the_same_answers(
    site: Site, lines: list[Line], ask_file: Path, told: list[Answer], number: int
) -> None:
    cut = answered(site, lines, ask_file, asks_of(ask_file)[number].at)
    assert cut == told[: len(cut)]
    assert len(cut) > number


def test_the_command_answers_as_the_hub_would_have(
    site: Site, lines: list[Line], ask_file: Path, told: list[Answer], tmp_path: Path
) -> None:
    _ = site
    log, out = tmp_path / "log.jsonl.gz", tmp_path / "out.csv"
    log.write_bytes(gzip.compress("".join(text for _, text in lines).encode(), 1))
    command = ["replay", str(EXAMPLE), "--log", str(log), "--ask", str(ask_file)]
    assert main([*command, "--out", str(out)]) == 0
    write(tmp_path / "told.csv", told)
    assert out.read_bytes() == (tmp_path / "told.csv").read_bytes()
    with out.open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["id", "p10", "p50", "p90", "basis"]


GOOD = f"a,{stamp(NINE)},wait,certificates,,0\n"


@pytest.mark.parametrize(
    ("asks", "log", "code", "said"),
    [
        (None, "", 66, "want a file of asks"),
        (HEAD + GOOD, None, 66, "want a log"),
        ("id\na\n", "", 65, "missing required field `at` - "),
        (HEAD + GOOD.replace("wait", "guess"), "", 65, "Invalid enum value 'guess'"),
        (HEAD + GOOD.replace("wait", "remaining"), "", 65, "want a ticket, got none"),
        (HEAD + GOOD.replace("certificates", "x"), "", 65, "want a wait of certificates, "),
        (HEAD + GOOD.replace(",0\n", ",-1\n"), "", 65, "Expected `float` >= 0.0"),
        (HEAD + GOOD.replace("Z,", ","), "", 65, "with a timezone component"),
        (HEAD + GOOD + GOOD, "", 65, "want each id once, got 'a' again"),
        (HEAD + GOOD, "no json\n", 65, "want a line of a log, JSON is malformed"),
        (HEAD + GOOD, '{"topic": "t"}\n', 65, "missing required field `received_at` - line 1"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_a_code(  # noqa: PLR0917
    asks: str | None,
    log: str | None,
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in (("ask.csv", asks), ("log.jsonl", log)):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
    paths = [f"--{what}={tmp_path / name}" for what, name in FILES.items()]
    assert main(["replay", str(EXAMPLE), *paths]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


FILES = {"ask": "ask.csv", "log": "log.jsonl", "out": "out.csv"}


def told_by(envelope: Envelope, reading: Reading, kind: str, received_at: datetime) -> str:
    """A line that a device wrote."""
    topic = topics.observation("minami", "pi", kind, "lobby" if kind == "people" else "all")
    return line(topic, received_at, encode_observation(envelope, reading))


def seen(seq: int, up_s: float, at: datetime | None) -> Envelope:
    return Envelope(stream="s", seq=seq, boot="b", up_ms=round(up_s * 1000), at=at)


def test_what_a_device_could_not_date_is_dated_by_its_uptime() -> None:
    """Kept without a clock and sent at once; then the clock is right, and told when it booted."""
    late = NINE + timedelta(minutes=30)
    log = "".join(
        told_by(seen(seq, up_s, at), People(count=seq), "people", late)
        for seq, up_s, at in [(1, 120, None), (2, 60, None), (3, 180, NINE), (4, 240, None)]
    )
    minute = timedelta(seconds=60)
    assert [at for _, at, _ in observations(io.StringIO(log))] == [
        late,
        late - minute,
        NINE,
        NINE + minute,
    ]


def test_a_second_copy_and_what_nobody_saw_are_not_folded() -> None:
    log = "".join(
        [
            told_by(seen(1, 1, NINE), People(count=1), "people", NINE),
            told_by(seen(1, 1, NINE), People(count=1), "people", NINE),
            told_by(seen(2, 2, NINE), Skip(upto=7), "skip", NINE),
            told_by(seen(8, 8, NINE), People(count=2), "people", NINE),
        ]
    )
    assert [o.reading for o, _, _ in observations(io.StringIO(log))] == [
        People(count=1),
        People(count=2),
    ]


def test_what_the_contract_does_not_know_is_passed_over_and_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = told_by(seen(1, 1, NINE), People(count=1), "people", NINE)
    bad = good.replace('"count":1', '"count":-1')
    assert len(list(observations(io.StringIO(bad + good + bad)))) == 1
    assert "2 lines passed over, the first: " in capsys.readouterr().err


def test_from_the_first_beat_on_a_silent_device_is_not_believed(
    site: Site, lines: list[Line]
) -> None:
    """Without beats nobody can say, and silence means that nothing happened."""
    noon = NINE + timedelta(hours=3)
    log = "".join(text for at, text in lines if at < noon)
    for with_beat in (False, True):
        office = Office(site, assume_alive=True)
        beat = told_by(
            Envelope(stream="t", seq=1, boot="b", up_ms=0, at=noon), Beat(), "beat", noon
        )
        for observation, at, received_at in observations(io.StringIO(log + beat * with_beat)):
            office.fold(observation, at.timestamp(), received_at.timestamp())
        later = noon + timedelta(minutes=10)
        assert (office.wait("certificates", later) is None) == with_beat
