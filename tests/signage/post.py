"""A real mail server on the loopback, which can be made to fail, and notices that post to it."""

import asyncio
import contextlib
import datetime as dt
import email
import email.policy
import ipaddress
import random
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from models.site import MailTable, Site
from signage.mirror import Mirror
from signage.notify.mail import Mail
from signage.notify.notices import Notices
from signage.notify.store import Store

BASE = "https://machiai.example.jp"
LINK = re.compile(rf"{BASE}(/notify/(?:confirm|stop)/[\w-]+)")


class PostOffice:
    """Keeps what it accepts. `fault` says what goes wrong at a stage, with which chance.

    Stages: `connect`, `mail`, `rcpt` (before DATA), `data` (accepted, and the connection is lost
    before 250), `after` (lost after 250), `busy` (450 after DATA), `slow` (it takes a while).
    """

    def __init__(self, seed: int = 0) -> None:
        self.mails: list[EmailMessage] = []
        self.fault: dict[str, float] = {}
        self.lost: list[str] = []  # Message-IDs that were taken, and nobody was told
        self.seconds: list[float] = []  # when each was accepted, perf_counter
        self._random = random.Random(seed)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def sent_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]

    async def handle_EHLO(  # noqa: N802  aiosmtpd's names
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._break(server, "connect")
        return replies

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        self._break(server, "mail")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return f"550 no such mailbox: {address}"
        self._break(server, "rcpt")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        mail = email.message_from_bytes(content, policy=email.policy.default)
        if self._happens("slow"):
            await asyncio.sleep(0.5)
        if self._happens("busy"):
            return "450 try again"
        self.mails.append(mail)
        self.seconds.append(asyncio.get_running_loop().time())
        if self._happens("data"):
            self.lost.append(mail["Message-ID"])
            _abort(server)
        if self._happens("after"):
            asyncio.get_running_loop().call_later(0.002, _abort, server)
        return "250 OK"

    def _happens(self, stage: str) -> bool:
        return self._random.random() < self.fault.get(stage, 0.0)

    def _break(self, server: SMTP, stage: str) -> None:
        if self._happens(stage):
            _abort(server)


def _abort(server: SMTP) -> None:
    transport: Any = server.transport
    if transport is not None:
        transport.abort()


def notices_by_mail(site: Site, mirror: Mirror, folder: Path, port: int) -> tuple[Notices, Store]:
    """Notices that post to a server on the loopback. Reads files."""
    table = MailTable(sender="turn@minami.example.jp", host="127.0.0.1", port=port, tls="none")
    store = Store(folder / "notices.sqlite")
    return Notices(site, mirror, store, {"mail": Mail(table, site, folder)}, BASE), store


def rows(path: Path, asked: str) -> list[tuple[Any, ...]]:
    """What stands in the file."""
    with sqlite3.connect(path) as base:
        return base.execute(asked).fetchall()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(notices: Notices) -> AsyncIterator[None]:
    """Notices that are looked after meanwhile."""
    task = asyncio.create_task(notices.run())
    await notices.opened()
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def certificate(folder: Path, host: str) -> None:
    """`cert.pem` of this host or address, which signs itself, and `key.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    is_address = host.replace(".", "").isdecimal()
    known = x509.IPAddress(ipaddress.ip_address(host)) if is_address else x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([known]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(secret)
