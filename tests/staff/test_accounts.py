"""Accounts at the shell: who may come in, and by which passwords nobody does."""

import os
import pty
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadUsage
from models.site import Oidc, Staff
from signage.staff.accounts import Accounts, check, is_common, named
from signage.staff.audit import Audit
from signage.staff.sessions import Sessions
from signage.staff.store import FILE, Store
from tests.conftest import ROOT
from tests.signage.office import EXAMPLE, NOON
from tests.staff.house import PASSWORD


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "elevenchars", "aaaaaaaaaaaaaaaa", "123456789012", "passwordpassword",
        "P@ssw0rd2026!", "qwertyuiop123", "administrator1", "madoguchi2026", "Kuyakusho-123",
        "hanako-hanako", "Hanako!20261122", "welcome12345", "abcdefghijkl", "x" * 129,
        "あああああああああああああ", "1qaz2wsx3edc", "password\u3000password",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(BadUsage):
        check(password, "hanako")


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "correct horse battery staple",
        "kd2-93fq-1m8w",
        "ひまわりとあさがおとすいか",
        "x7#Kq!29vLp_w",
    ],
)
def test_what_is_hard_to_guess_is_taken(password: str) -> None:
    check(password, "hanako")


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_is_looked_at(password: str, name: str) -> None:
    assert is_common(password, name) in (True, False)


@pytest.mark.parametrize(
    "name", ["", " ", "a@b", "a\nb", "../x", "x" * 33, "-a", "a;b", "<b>", "a\u202eb", "."]
)
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(BadUsage):
        named(name)


@pytest.mark.parametrize("name", ["hanako", "窓口 花子", "h.tanaka-2", "ゲート"])
def test_a_name_may_be_japanese(name: str) -> None:
    assert named(name) == name


def test_one_name_is_one_account(tmp_path: Path) -> None:
    store = Store(tmp_path)
    accounts = Accounts(store)
    accounts.add("Hanako", "viewer", PASSWORD, NOON)
    with pytest.raises(BadUsage):
        accounts.add("hanako", "facility", PASSWORD, NOON)
    assert [(a.name, a.role) for a in accounts.every()] == [("Hanako", "viewer")]
    store.close()


def test_a_hash_of_older_settings_is_made_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    accounts = Accounts(store)
    accounts.add("hanako", "viewer", PASSWORD, NOON)
    with store.base() as base:
        old = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
        base.execute("UPDATE account SET secret = ?", (old,))
    assert accounts.entered("hanako", "x") is None
    assert accounts.entered("hanako", PASSWORD) is not None
    with store.base() as base:
        ((new,),) = base.execute("SELECT secret FROM account").fetchall()
    assert "m=65536,t=3" in new
    assert accounts.entered("hanako", PASSWORD) is not None
    store.close()


def test_a_session_ends_where_its_way_in_is_closed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    Accounts(store).add("hanako", "viewer", PASSWORD, NOON)
    oidc = Oidc(issuer="https://id.example.jp", client_id="x", viewer=("a",))
    both = Sessions(store, Staff(oidc=oidc))
    local = both.begin("hanako", None, "ja", NOON)
    city = both.begin("h@id.example.jp", "viewer", "ja", NOON)
    assert both.find(local, NOON) is not None
    assert both.find(city, NOON) is not None
    only_city, only_local = Sessions(store, Staff(local=False, oidc=oidc)), Sessions(store, Staff())
    assert (only_city.find(local, NOON), only_local.find(city, NOON)) == (None, None)
    assert only_city.find(city, NOON) is not None
    assert only_local.find(local, NOON) is not None
    store.close()


def test_the_file_is_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "staff" / "minami"
    Store(folder).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}


class Shell:
    """`machiai staff` of one office."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site.toml"
        text = EXAMPLE.read_text("utf-8").replace('guide = "example-guide.toml"', "")
        self.site.write_text(text if "\n[staff]" in text else f"{text}\n[staff]\n", "utf-8")
        self.state = folder / "state"
        self.password = folder / "password"
        self.password.write_text(f"{PASSWORD}\n", "utf-8")

    def __call__(self, *more: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, ROOT / "machiai.py", "staff", self.site, *more, "--state", self.state],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, (done.stdout + done.stderr).strip()

    def audit(self) -> list[tuple[str, str, str]]:
        store = Store(self.state / "staff" / "minami")
        try:
            return [(e.who, e.act, e.what) for e in Audit(store, 365).every()]
        finally:
            store.close()


def test_accounts_are_made_changed_and_removed_and_all_is_in_the_log(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    by_file = ("--password-file", str(shell.password))
    assert shell("list") == (
        0,
        "there is no account yet: machiai staff SITE.toml add NAME --role facility",
    )
    assert shell("add", "taro", "--role", "facility", *by_file) == (
        0,
        "taro: may come in as facility",
    )
    assert shell("list") == (0, "taro: facility")
    assert shell("password", "taro", *by_file) == (0, "taro: has the new password")
    assert shell("remove", "TARO") == (0, "taro: is out, and comes in no more")
    assert shell.audit() == [
        ("machiai staff", "account add", "taro facility"),
        ("machiai staff", "account password", "taro"),
        ("machiai staff", "account remove", "TARO"),
    ]


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        (("add", "taro"), 64, "--role"),
        (("add", "taro", "--role", "boss"), 64, "invalid choice"),
        (("remove", "taro"), 64, "got 'taro'"),
        (("add",), 64, "want"),
        (("remove",), 64, "want a name"),
        (("add", "a@b", "--role", "viewer"), 64, "want a name"),
        (("add", "taro", "--role", "viewer"), 64, "want a terminal"),
        (("add", "taro", "--role", "viewer", "--password-file", "nowhere"), 66, "nowhere"),
        (("list", "--role", "viewer"), 64, "--role"),
    ],
    ids=str,
)
def test_a_mistake_at_the_shell_is_one_line(
    tmp_path: Path, asked: tuple[str, ...], code: int, says: str
) -> None:
    done, said = Shell(tmp_path)(*asked)
    assert done == code
    assert says in said
    assert len(said.splitlines()) == 1


def test_a_weak_password_is_refused_at_the_shell(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.password.write_text("taro12345678", "utf-8")
    code, said = shell("add", "taro", "--role", "viewer", "--password-file", str(shell.password))
    assert (code, "harder to guess" in said) == (64, True)
    assert "taro12345678" not in said


def test_an_office_without_the_table_has_no_accounts(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    text = shell.site.read_text("utf-8")
    shell.site.write_text(text.partition("\n[staff")[0], "utf-8")
    code, said = shell("list")
    assert (code, "$.staff" in said) == (64, True)


def test_the_password_is_asked_twice_and_not_shown(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    command = [
        sys.executable, str(ROOT / "machiai.py"), "staff", str(shell.site), "add", "taro",
        "--role", "viewer", "--state", str(shell.state),
    ]  # fmt: skip
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)  # noqa: S606  in a terminal of its own
    seen = b""
    for prompt in (b"password of taro: ", b"once more: "):
        while not seen.endswith(prompt):
            seen += os.read(terminal, 1024)
        os.write(terminal, f"{PASSWORD}\n".encode())
    try:
        while more := os.read(terminal, 1024):
            seen += more
    except OSError:
        pass  # so a terminal ends
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert b"may come in as viewer" in seen
    assert PASSWORD.encode() not in seen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as the owner of a folder")
def test_root_makes_no_file_that_the_web_process_may_not_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        shell = Shell(Path(folder))
        shell.state.mkdir()
        os.chown(shell.state, 12345, 12345)
        by_file = ("--password-file", str(shell.password))
        assert shell("add", "taro", "--role", "viewer", *by_file) == (
            0,
            "taro: may come in as viewer",
        )
        made = shell.state / "staff" / "minami" / FILE
        assert (made.stat().st_uid, made.stat().st_gid) == (12345, 12345)
