"""`machiai staff`: who may come in by a name and a password. There is no account from the start."""

import argparse
import getpass
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from broker.service import state_folder
from models.errors import BadUsage, Missing, Unavailable
from models.site import Site, Staff
from signage.staff.accounts import Accounts, check, named
from signage.staff.audit import Audit
from signage.staff.room import ROLES
from signage.staff.store import Store

WHO = "machiai staff"
"""Who did it, in the audit log."""

_INSTALLED = Path("/var/lib/machiai-web")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    command.add_argument("site", type=Path, metavar="SITE.toml", help="the office's site file")
    command.add_argument("act", choices=("list", "add", "password", "remove"), help="what to do")
    command.add_argument("name", nargs="?", help="whose account (not with list)")
    command.add_argument("--role", choices=ROLES, help="with add: what they may")
    command.add_argument(
        "--password-file", type=Path, metavar="FILE", help="read it there (it is asked for)"
    )
    command.add_argument(
        "--state", metavar="DIR", help=f"of the web process ({_INSTALLED}, else var/web)"
    )


def folder_of(site: Site, state: Path) -> Path:
    """Where staff's pages of an office keep what must outlive the process."""
    return state / "staff" / site.id


def run(arguments: argparse.Namespace, site: Site, now: datetime) -> Iterator[str]:
    """Do it, and say so in lines.

    Raises:
        BadUsage: the name, the role or the password will not do.
        Unavailable: the accounts cannot be opened.
        Missing: there is no such password file.
    """
    staff = site.staff
    if staff is None:
        raise BadUsage("want a table [staff] in the site file, got none - at `$.staff`")
    name = named(arguments.name) if arguments.name else ""
    if arguments.act != "list" and not name:
        raise BadUsage(f"want a name: machiai staff SITE.toml {arguments.act} NAME")
    if (arguments.act == "add") != (arguments.role is not None):
        raise BadUsage(f"want --role ({', '.join(ROLES)}) with add, and only there")
    given = ""
    if arguments.act in ("add", "password"):
        given = _password(arguments.password_file, name)
    folder = folder_of(site, _state(arguments.state))
    _become_owner(folder)
    store = Store(folder)
    try:
        yield from _done(arguments, Accounts(store), staff, given, now)
        if arguments.act != "list":
            audit = Audit(store, staff.audit_days)
            what = f"{name} {arguments.role or ''}"
            audit.note(
                now,
                who=WHO,
                source="shell",
                act=f"account {arguments.act}",
                outcome="done",
                what=what,
            )
    finally:
        store.close()


def _done(
    arguments: argparse.Namespace, accounts: Accounts, staff: Staff, given: str, now: datetime
) -> Iterator[str]:
    if arguments.act == "list":
        found = accounts.every()
        yield from (f"{account.name}: {account.role}" for account in found)
        if not found:
            yield "there is no account yet: machiai staff SITE.toml add NAME --role facility"
    elif arguments.act == "add":
        account = accounts.add(arguments.name, arguments.role, given, now)
        yield f"{account.name}: may come in as {account.role}"
        if not staff.local:
            yield "but [staff] has local = false: nobody comes in by a password"
    elif arguments.act == "password":
        yield f"{accounts.change(arguments.name, given, now)}: has the new password"
    else:
        yield f"{accounts.remove(arguments.name)}: is out, and comes in no more"


def _password(file: Path | None, name: str) -> str:
    """From the file, else by hand and twice."""
    if file is not None:
        try:
            given = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Missing(f"want a password, got: {error} - {file}") from None
    elif sys.stdin.isatty():
        given = getpass.getpass(f"password of {name}: ")
        check(given, name)
        if getpass.getpass("once more: ") != given:
            raise BadUsage("want the same password twice")
    else:
        raise BadUsage("want a terminal, or --password-file")
    check(given, name)
    return given


def _state(given: str | None) -> Path:
    if given is None and "STATE_DIRECTORY" not in os.environ and _INSTALLED.is_dir():
        return _INSTALLED
    return state_folder("web", given)


def _become_owner(folder: Path) -> None:
    """Root makes no file that the web process may not read: it becomes whose folder it is."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        owner = folder.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.setgroups([])
            os.setegid(owner.st_gid)
            os.seteuid(owner.st_uid)
    except OSError as error:
        raise Unavailable(f"want to become the owner of {folder}, got: {error.strerror}") from None
