"""`machiai report`: its files, what they say, and what they say when there is nothing to say."""

import csv
import io
import re
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.clock import starting_at
from broker.hub.hub import JOURNAL
from machiai import main
from models.errors import Missing
from signage.report import paper
from tests.report.conftest import DAYS
from tests.report.months import EXAMPLE
from tests.report.offices import SITE, at, small_office, write

OCTOBER = [day for day in DAYS if day.month == 10]


def now_is(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    for name, value in starting_at(moment, 1.0).environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    now_is(monkeypatch, datetime(2026, 11, 2, tzinfo=UTC))


def made(lived: Path, out: Path, *more: str, month: str = "2026-10") -> int:
    return main(
        ["report", str(EXAMPLE), "--month", month, "--state", str(lived), "--out", str(out), *more]
    )


def test_a_month_is_two_pages_and_their_tables(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(lived, tmp_path) == 0
    told = capsys.readouterr().out.splitlines()
    assert [Path(line.partition(":")[0]).name for line in told] == [
        "minami-2026-10-ja.html", "minami-2026-10-csv-ja",
        "minami-2026-10-en.html", "minami-2026-10-csv-en",
    ]  # fmt: skip
    english = (tmp_path / "minami-2026-10-en.html").read_text("utf-8")
    assert f"{len(OCTOBER)} of 21 open days" in english
    for language in ("ja", "en"):
        page = (tmp_path / f"minami-2026-10-{language}.html").read_text("utf-8")
        assert page.count("<svg") > 10
        assert len(page) < 300_000
        assert not re.search(r"<script|<link|@import|url\(|src=|https?://", page)
        tables = len(re.findall("<table>", page))
        assert tables == len(list((tmp_path / f"minami-2026-10-csv-{language}").iterdir()))


def test_a_hub_that_is_writing_is_not_waited_for(lived: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(lived / JOURNAL, isolation_level=None)) as hub:
        hub.execute("BEGIN IMMEDIATE")
        hub.execute("DELETE FROM stream")
        assert made(lived, tmp_path, "--lang", "en") == 0
        hub.execute("ROLLBACK")
    assert (tmp_path / "minami-2026-10-en.html").is_file()


def test_tables_are_csv_that_spreadsheets_open(lived: Path, tmp_path: Path) -> None:
    made(lived, tmp_path, "--lang", "ja")
    assert not (tmp_path / "minami-2026-10-en.html").exists()
    text = (tmp_path / "minami-2026-10-csv-ja" / "waits.csv").read_bytes().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text))
    assert head[0] == "窓口"
    assert {row[0] for row in rows} == {
        "住民票・証明", "引っ越し・届出", "国民健康保険", "マイナンバー",
    }  # fmt: skip
    assert all(float(row[3]) <= float(row[4]) for row in rows)
    assert all(len(row) == len(head) for row in rows)
    assert [row[5] != "" for row in rows] == [True] * 4, "September is there to compare with"
    assert [row[7] for row in rows] == [""] * 4, "and last year is not"


def test_what_is_told_of_the_month(lived: Path, tmp_path: Path) -> None:
    made(lived, tmp_path, "--since-change", "2026-10-01")
    page = (tmp_path / "minami-2026-10-en.html").read_text("utf-8")
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    for wanted in (
        "There is no record of the same month last year",
        "This is no proof of a cause",
        "One more clerk would have helped most at",
        "Check: with nothing changed the calculation gives",
        "Closed days, holidays",
    ):
        assert wanted in text
    assert "nan" not in text.lower().split()
    assert "Tax return" not in text, "it is not held in October"


def test_a_month_of_which_nothing_is_known_says_so_and_no_zero(lived: Path, tmp_path: Path) -> None:
    assert made(lived, tmp_path, "--lang", "en", month="2026-06") == 0
    page = (tmp_path / "minami-2026-06-en.html").read_text("utf-8")
    assert "nothing was recorded" in page
    assert "<svg" not in page
    assert "<table" not in page
    assert not (tmp_path / "minami-2026-06-csv-en").exists()


def test_a_month_to_come_has_not_begun(lived: Path, tmp_path: Path) -> None:
    assert made(lived, tmp_path, "--lang", "en", month="2027-01") == 0
    assert "has not begun" in (tmp_path / "minami-2027-01-en.html").read_text("utf-8")


def test_days_to_come_are_no_days_without_data(
    lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_is(monkeypatch, datetime(2026, 10, 9, 10, tzinfo=UTC))
    made(lived, tmp_path, "--lang", "en")
    page = (tmp_path / "minami-2026-10-en.html").read_text("utf-8")
    assert "5 of 7 open days" in page
    assert "counted up to 9 October 2026" in page
    text = (tmp_path / "minami-2026-10-csv-en" / "unknown.csv").read_text("utf-8-sig")
    shares = [float(row[3]) for row in list(csv.reader(io.StringIO(text)))[1:]]
    assert 20 < min(shares) <= max(shares) < 35, "two days of seven"


def test_an_office_with_a_car_park_alone_has_a_short_report(tmp_path: Path) -> None:
    site = small_office()
    values = [
        ("lot", "front", measure, value, at(site, OCTOBER[0], 9 + n / 12))
        for n in range(96)
        for measure, value in (("full", 0.0), ("no_data", 0.0), ("free", 3.0), ("capacity", 20.0))
    ]
    write(tmp_path, values)
    file = tmp_path / "small.toml"
    file.write_text(SITE, encoding="utf-8")
    done = main(
        ["report", str(file), "--month", "2026-10", "--state", str(tmp_path), "--out",
         str(tmp_path), "--lang", "en"]
    )  # fmt: skip
    assert done == 0
    page = (tmp_path / "kita-2026-10-en.html").read_text("utf-8")
    assert re.findall(r'<section id="(\w+)"', page) == [
        "parking", "level", "faults", "about", "tables",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--month", "2026-13"), 64, "want a month like 2026-10"),
        (("--state", "nowhere"), 66, "want the journal of a hub"),
        (("--since-change", "yesterday"), 64, "since-change"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    command = ["report", str(EXAMPLE), "--state", str(tmp_path), *more, "--out", str(tmp_path)]
    try:
        done = main(command)
    except SystemExit as ended:
        done = int(str(ended.code))
    told = capsys.readouterr().err
    assert done == code
    assert said in told
    assert "Traceback" not in told


def test_where_the_pages_parts_are_missing_one_line_says_what_to_install(
    lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "signage.report.writing", None)
    assert made(lived, tmp_path) == Missing.exit_code
    assert "want machiai[hub,web] installed" in capsys.readouterr().err


def test_without_chromium_one_line_says_what_to_install(
    lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("chromium") is None
    with pytest.raises(Missing):
        paper.program()
    assert made(lived, tmp_path, "--pdf") == Missing.exit_code
    assert "apt-get install chromium" in capsys.readouterr().err
    assert (lived / JOURNAL).is_file()
