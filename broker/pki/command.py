"""`machiai pki`: the commands of an authority, one line each."""

import argparse
import functools
import getpass
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from broker.pki import authority
from broker.pki.authority import Authority
from models.errors import BadUsage, Missing, Unavailable
from models.site import Site

_STANDARD_INPUT = "-"

ReadSites = Callable[[Sequence[Path]], list[Site]]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Its subcommands."""
    acts = command.add_subparsers(title="acts", metavar="ACT", required=True, dest="act")

    def add(name: str, does: str) -> argparse.ArgumentParser:
        act = acts.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        act.add_argument("folder", type=Path, metavar="FOLDER", help="of the authority")
        act.add_argument(
            "--pass-file",
            metavar="FILE",
            help="holds the pass phrase of its key; -: the first line of standard input (asks)",
        )
        return act

    add("init", "make an authority in a folder that is kept locked away")
    sign = add("sign", "answer a device's request with a certificate for 398 days")
    sign.add_argument("name", metavar="NAME", help="who asks: a name of the site file")
    sign.add_argument(
        "request", metavar="REQUEST.csr", help="made where the key is; -: standard input"
    )
    sign.add_argument(
        "--sites", nargs="+", type=Path, required=True, metavar="SITE.toml", help="who there is"
    )
    sign.add_argument(
        "--held", action="store_true", help="sign nothing: only tell what was signed before"
    )
    sign.add_argument(
        "--out", type=Path, metavar="FILE", help="the certificate (to standard output)"
    )
    revoke = add("revoke", "take a name's certificates back: the broker must have the new crl.pem")
    revoke.add_argument("name", metavar="NAME", help="whose")
    revoke.add_argument("--old", action="store_true", help="all but its newest")
    add("crl", "write the list of the revoked anew")
    add("roll", "make another authority, which signs from now on; both are trusted")
    add("retire", "trust the newest authority alone, once everybody has a certificate of it")
    told = add("list", "who has a certificate, and for how many days")
    told.add_argument("--all", action="store_true", help="revoked and replaced ones too")


def run(arguments: argparse.Namespace, read_sites: ReadSites, now: datetime) -> Iterator[str]:
    """Do what was asked; the lines that are to be told.

    Raises:
        MachiaiError: it cannot be done; nothing has been.
    """
    first = sys.stdin.buffer.readline() if arguments.pass_file == _STANDARD_INPUT else b""
    ours = Authority(arguments.folder, functools.cache(lambda: _phrase(arguments.pass_file, first)))
    match arguments.act:
        case "init":
            ours.begin(now)
            yield f"{ours.folder}: an authority, and no certificate yet"
        case "sign":
            yield _sign(ours, arguments, read_sites(arguments.sites), now)
        case "revoke":
            count = ours.revoke(arguments.name, now, is_old_only=arguments.old)
            yield f"{arguments.name}: {count} revoked"
        case "crl":
            ours.renew_list(now)
            yield from _lists(ours, now)
        case "roll":
            yield f"{int(ours.roll(now))} made: the newest signs, the older one is trusted too"
        case "retire":
            yield f"{ours.retire(now)} retired"
        case _:
            yield from _certificates(ours, now, is_all=arguments.all)
            yield from _lists(ours, now)


def _sign(ours: Authority, arguments: argparse.Namespace, sites: list[Site], now: datetime) -> str:
    source, target = arguments.request, arguments.out
    try:
        request = (
            sys.stdin.buffer.read() if source == _STANDARD_INPUT else Path(source).read_bytes()
        )
    except OSError as error:
        raise Missing(f"want a request, got: {error.strerror} - {source}") from None
    pem, is_new = ours.sign(sites, arguments.name, request, now, is_held_only=arguments.held)
    if target is None:
        return pem.decode("ascii").rstrip()
    try:
        authority.write(target, pem, 0o644)
    except OSError as error:
        raise Unavailable(f"want to write {target}, got: {error.strerror}") from None
    return f"{arguments.name}: {'signed' if is_new else 'as before'} - {target}"


def _certificates(ours: Authority, now: datetime, *, is_all: bool) -> Iterator[str]:
    for one in ours.issued():
        if is_all or (one.is_newest and one.why is None):
            state = one.why or ("" if one.is_newest else "not its newest")
            days = (one.ends - now).days
            left = f"{days:4} days" if days >= 0 else "ended    "
            if not state and days < authority.RENEW_DAYS:
                state = "renew"
            line = f"{one.name:32} {left}  to {one.ends:%Y-%m-%d}  {one.serial}  {state}"
            yield line.rstrip()


def _lists(ours: Authority, now: datetime) -> Iterator[str]:
    for number, ends in ours.lists():
        days = (ends - now).days
        yield f"{authority.LIST:32} {days:4} days  to {ends:%Y-%m-%d}  number {number}"


def _phrase(file: str | None, first: bytes) -> str:
    """What is typed, or the first line of a file or of standard input."""
    if file is None:
        if not sys.stdin.isatty():
            raise BadUsage("want a pass phrase, got no terminal to ask on: give --pass-file")
        return getpass.getpass("Pass phrase of the authority: ")
    try:
        phrase = (
            (first if file == _STANDARD_INPUT else Path(file).read_bytes())
            .partition(b"\n")[0]
            .decode()
        )
    except (OSError, UnicodeDecodeError) as error:
        raise Missing(f"want a pass phrase in {file}, got: {error}") from None
    if not phrase:
        raise BadUsage(f"want a pass phrase, got an empty line - {file}")
    return phrase
