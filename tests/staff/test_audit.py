"""The log of what staff did: only added to, and whoever changes it is found out."""

import csv
import io
import logging
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import Unavailable
from signage.staff.audit import PAGE, Audit
from signage.staff.store import FILE, Store
from tests.signage.office import NOON
from tests.staff.house import StaffHouse

_COPY = (
    "INSERT INTO audit SELECT 10, at_s, who, source, act, outcome, what, before, hash"
    " FROM audit WHERE id = 9"
)


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    made = Audit(Store(tmp_path), 365)
    for n in range(9):
        made.note(
            NOON + timedelta(minutes=n), who=f"w{n}", source="::1", act="desk", outcome="done"
        )
    return made


def test_a_log_as_it_was_written_is_whole(audit: Audit) -> None:
    assert audit.broken() is None
    assert [line.id for line in audit.every()] == list(range(1, 10))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE audit SET who = 'x' WHERE id = 4", 4),
        ("UPDATE audit SET at_s = at_s + 1 WHERE id = 4", 4),
        ("UPDATE audit SET outcome = 'refused' WHERE id = 9", 9),
        ("DELETE FROM audit WHERE id = 5", 6),
        ("UPDATE audit SET id = 50 WHERE id = 9", 50),
        ("UPDATE audit SET hash = 'x' WHERE id = 4", 4),
        (_COPY, 10),
    ],
)  # fmt: skip
def test_whoever_changes_a_line_is_found_out(
    audit: Audit, tmp_path: Path, change: str, found: int
) -> None:
    base = sqlite3.connect(tmp_path / FILE)
    base.execute("DROP TRIGGER audit_stays")
    base.execute(change)
    base.commit()
    base.close()
    assert audit.broken() == found


def test_the_file_itself_refuses_a_change(audit: Audit, tmp_path: Path) -> None:
    assert audit.broken() is None
    base = sqlite3.connect(tmp_path / FILE)
    with pytest.raises(sqlite3.IntegrityError):
        base.execute("UPDATE audit SET who = 'x'")
    base.close()


def test_what_is_too_old_goes_and_the_rest_stays_whole(audit: Audit) -> None:
    audit.note(NOON + timedelta(days=365, minutes=5), who="a", source="", act="b", outcome="done")
    assert [line.id for line in audit.every()] == [6, 7, 8, 9, 10]
    assert audit.broken() is None


def test_its_end_is_in_the_journal(audit: Audit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "machiai.staff"):
        audit.note(NOON, who="hanako", source="", act="desk", outcome="done")
    (line,) = audit.lines(count=1)
    assert caplog.messages == [f"audit 10 {line.hash[:16]}"]
    assert "hanako" not in caplog.text


def test_a_line_is_one_line(audit: Audit) -> None:
    audit.note(NOON, who="a", source="", act="b", outcome="done", what="x\ny\r\n" + "z" * 9999)
    (line,) = audit.lines(count=1)
    assert line.what.startswith("x y z")
    assert len(line.what) == 500


def test_a_disk_that_refuses_is_told(audit: Audit, tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / FILE)
    base.execute("DROP TABLE audit")
    base.commit()
    base.close()
    with pytest.raises(Unavailable):
        audit.note(NOON, who="a", source="", act="b", outcome="done")


def test_the_page_and_the_file_tell_all(house: StaffHouse) -> None:
    for n in range(PAGE + 5):
        house.house.audit.note(
            house.clock.now(), who="=1+1", source="::1", act="desk", outcome="done", what=f"<{n}>"
        )
    client = house.client("facility")
    page = client.get("/audit?lang=en").text
    assert "no line is missing" in page
    assert "&lt;104&gt;" in page
    assert "&lt;3&gt;" not in page
    assert "before=" in page
    older = client.get("/audit?before=7&lang=en").text
    assert "&lt;3&gt;" in older
    said = client.get("/audit.csv")
    assert said.headers["Content-Disposition"] == 'attachment; filename="audit-minami.csv"'
    rows = list(csv.DictReader(io.StringIO(said.text.removeprefix("\ufeff"))))
    assert len(rows) == len(house.audit())
    assert rows[0]["who"] == "'=1+1", "no formula for a spreadsheet"
    assert rows[0]["at"] == "2026-11-24T01:32:00+00:00"


def test_a_log_that_was_changed_is_said_so_on_the_page(house: StaffHouse) -> None:
    client = house.client("facility")
    with house.house.store.base() as base:
        base.execute("DROP TRIGGER audit_stays")
        base.execute("UPDATE audit SET who = 'x' WHERE id = 1")
    assert "書き換えられた" in client.get("/audit").text


def test_a_log_that_cannot_be_written_is_not_passed_over(house: StaffHouse) -> None:
    client = house.client("counter")
    with house.house.store.base() as base:
        base.execute("DROP TABLE audit")
    said = client.post("/logout")
    assert said.status == 503
    assert "Traceback" not in said.text
