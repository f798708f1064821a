"""Notices by mail."""

import asyncio
import email.policy
import re
import ssl
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib

from broker.clock import Clock
from broker.service import secret
from models.errors import BadPayload
from models.site import MailTable, Site
from signage.notify.senders import Later, Letter, Refused

ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
"""What we write to: plain ASCII, no quotes, no spaces; a domain with a dot."""

_LONGEST = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_TIMEOUT_S = 20.0
_TOO_BUSY, _NEVER = 400, 500
_POLICY = email.policy.SMTP.clone(cte_type="7bit")


def address_of(written: str) -> str:
    """A mail address as somebody wrote it, ready to be sent to.

    Japanese carriers gave out addresses like `a..b.@example.jp`, which a mail may only hold quoted.

    Raises:
        BadPayload: it is none.

    >>> address_of(" a..b@example.jp ")
    '"a..b"@example.jp'
    """
    written = written.strip()
    if len(written) > _LONGEST or ADDRESS.fullmatch(written) is None:
        raise BadPayload("want a mail address")
    local, _, domain = written.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        local = f'"{local}"'
    return f"{local}@{domain.lower()}"


class Mail:
    """Hands mails to the office's server, each over a connection of its own."""

    key = ""

    def __init__(self, table: MailTable, site: Site, folder: Path) -> None:
        """Read the password and whom to trust: outside a loop."""
        _ = site, folder
        self._table = table
        self._domain = table.sender.rpartition("@")[2]
        self._clock = Clock()  # a mail's date is the true one
        self._password = secret(table.password_file) if table.password_file else None
        self._tls = None if table.tls == "none" else ssl.create_default_context(cafile=table.ca)

    def check(self, written: str) -> str:
        """See `Sender`."""
        return address_of(written)

    async def send(self, letter: Letter, doubt: Callable[[], Awaitable[None]]) -> None:
        """Until the server's 250 after DATA; see `Sender`."""
        table = self._table
        smtp = aiosmtplib.SMTP(
            hostname=table.host,
            port=table.port,
            use_tls=table.tls == "tls",
            start_tls=table.tls == "starttls",
            tls_context=self._tls,
            username=table.user,
            password=self._password,
            local_hostname=self._domain,
            timeout=_TIMEOUT_S,
        )
        message = self.message(letter)
        try:
            await self._greet(smtp)
            await _asked(smtp.mail(table.sender))
            await _asked(smtp.rcpt(letter.to), is_address=True)
            await doubt()
            await _asked(smtp.data(message.as_bytes()))
        finally:
            if isinstance(smtp.transport, asyncio.WriteTransport):
                smtp.transport.write(b"QUIT\r\n")  # not waited for: the mail is what matters
            smtp.close()

    async def close(self) -> None:
        """Nothing is held."""

    def message(self, letter: Letter) -> EmailMessage:
        """The mail. The library refuses a line break in a header: there is never a second one."""
        message = EmailMessage(policy=_POLICY)
        message["From"] = self._table.sender
        message["To"] = letter.to
        message["Subject"] = " ".join(letter.subject.split())
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{letter.id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        if letter.stop is not None:
            message["List-Unsubscribe"] = f"<{letter.stop}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(letter.text)
        message["Content-Language"] = letter.language
        return message

    async def _greet(self, smtp: aiosmtplib.SMTP) -> None:
        """Connect and log in. What is refused here is not the holder's fault: it is tried again."""
        try:
            await smtp.connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Later(f"want to be let in by the mail server, got {_said(error)}") from None


async def _asked(answer: Awaitable[object], *, is_address: bool = False) -> None:
    """One command and its reply."""
    try:
        await answer
    except aiosmtplib.SMTPResponseException as error:
        if _TOO_BUSY <= error.code < _NEVER:
            raise Later(f"want the mail taken, got {error.code}") from None
        raise Refused(f"want the mail taken, got {error.code}", is_gone=is_address) from None
    except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
        raise Later(f"want the mail taken, got {_said(error)}") from None


def _said(error: Exception) -> str:
    """What may be logged of it: replies of a server often hold the address."""
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else str(code)
