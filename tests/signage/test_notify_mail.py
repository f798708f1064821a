"""What goes to the mail server: headers nobody can add to, and no password in the clear."""

import contextlib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadPayload, BadSite, Missing
from models.site import MailTable, Site, parse
from signage.notify.letters import Letters
from signage.notify.mail import Mail, address_of
from signage.notify.senders import Later, Letter, senders_of
from signage.notify.store import Holder
from signage.wording import LANGUAGES
from tests.conftest import ROOT
from tests.signage.office import EXAMPLE, NOON
from tests.signage.post import BASE, PostOffice, certificate

LETTER = Letter(
    id="x" * 32,
    kind="near",
    to="hanako@example.jp",
    language="ja",
    subject="番号 A110：まもなく順番です",
    text="待合にお戻りください。\n",
    page=BASE,
    stop=f"{BASE}/notify/stop/abc",
    ttl_s=600,
)
SITE = parse(EXAMPLE.read_text("utf-8"))
TABLE = MailTable(sender="turn@minami.example.jp", host="127.0.0.1", tls="none")


async def no_doubt() -> None:
    pass


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("hanako@example.jp", "hanako@example.jp"),
        ("  Hanako@Example.JP ", "Hanako@example.jp"),
        ("a..b@example.jp", '"a..b"@example.jp'),
        (".a.@example.jp", '".a."@example.jp'),
        ("a+b=c/d@mail.example.co.jp", "a+b=c/d@mail.example.co.jp"),
        ("a@xn--r8jz45g.xn--zckzah", "a@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_addresses_that_people_have(written: str, sent: str) -> None:
    assert address_of(written) == sent


@pytest.mark.parametrize(
    "written",
    [
        "", "a", "a@b", "a@b@c.jp", "a@localhost", "a@127.0.0.1", "a@[127.0.0.1]", "a b@c.jp",
        "a@c.jp,d@c.jp",
        "a@c.jp\nb", "<a@c.jp>", '"a"@c.jp', "a@-c.jp", "ａ@c.jp", "a@c.jp\x00", "a" * 65 + "@c.jp",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(BadPayload):
        address_of(written)


signs = st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n:, <>@"), max_size=60)


@settings(max_examples=15)
@given(subject=signs, text=signs)
def test_no_text_can_write_a_header(subject: str, text: str) -> None:
    made = Mail(TABLE, SITE, Path())
    letter = Letter(
        id="x" * 32, kind="near", to="a@c.jp", language="ja", subject=subject, text=text,
        page="", stop=f"{BASE}/notify/stop/x", ttl_s=1,
    )  # fmt: skip
    head = made.message(letter).as_bytes().partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert len(names) == len(set(names))
    assert set(names) == {
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version",
        b"Content-Type", b"Content-Transfer-Encoding", b"Content-Language",
        b"List-Unsubscribe", b"List-Unsubscribe-Post",
    }  # fmt: skip
    assert head.isascii()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["confirm", "near", "now", "passed"])
def test_every_notice_can_be_said_in_every_language(
    site: Site, language: str, kind: Literal["confirm", "near", "now", "passed"]
) -> None:
    holder = Holder(
        token="T",  # noqa: S106  of a holder
        way="mail", language=language, service="moving", number="A110", walk_s=600,
        day="2026-11-24", since_s=0, asked_s=0,
    )  # fmt: skip
    letter = Letters(site, BASE).letter(kind, holder, None, to="a@c.jp", now=NOON, ttl_s=60)
    assert "A110" in letter.subject
    assert f"{BASE}/" in letter.text
    assert ("/notify/stop/T" in letter.text) == (kind != "confirm")
    assert "{" not in letter.text + letter.subject


async def test_a_mail_arrives_as_it_was_written(site: Site, tmp_path: Path) -> None:
    with PostOffice() as post:
        mail = Mail(at_port(TABLE, post.port), site, tmp_path)
        await mail.send(LETTER, no_doubt)
        (got,) = post.mails
    assert got["Subject"] == LETTER.subject
    assert got.get_content().splitlines() == ["待合にお戻りください。"]
    assert got["Message-ID"] == f"<{'x' * 32}@minami.example.jp>"
    assert got["Auto-Submitted"] == "auto-generated"


def at_port(table: MailTable, port: int, **more: str | None) -> MailTable:
    return msgspec.structs.replace(table, port=port, **more)


class Vault(Controller):
    """A server that wants TLS, and knows one password."""

    def __init__(self, post: PostOffice, folder: Path, *, offers_tls: bool = True) -> None:
        context = None
        if offers_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.logins: list[bytes] = []
        super().__init__(
            post,
            hostname="127.0.0.1",
            port=post.port,
            tls_context=context,
            require_starttls=offers_tls,
            auth_required=offers_tls,
            authenticator=self._check,
        )

    def _check(self, *args: object) -> AuthResult:
        data = args[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append(data.password)
        return AuthResult(success=data.password == b"open sesame", handled=False)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1, its key, and two passwords."""
    certificate(tmp_path, "127.0.0.1")
    (tmp_path / "password").write_text("open sesame\n", "utf-8")
    (tmp_path / "wrong").write_text("open barley\n", "utf-8")
    return tmp_path


class Safe(msgspec.Struct):
    """A server behind TLS, and what we know of it."""

    post: PostOffice
    server: Vault
    right: Mail
    wrong_password: Mail
    stranger: Mail


@contextlib.contextmanager
def guarded(site: Site, keys: Path, *, offers_tls: bool) -> Iterator[Safe]:
    post = PostOffice()
    server = Vault(post, keys, offers_tls=offers_tls)

    def mail(password: str, ca: str | None) -> Mail:
        named = {"user": "turn", "password_file": str(keys / password)}
        trusted = str(keys / ca) if ca else None
        return Mail(at_port(TABLE, post.port, tls="starttls", ca=trusted, **named), site, keys)

    server.start()
    try:
        known = "cert.pem"
        yield Safe(
            post, server, mail("password", known), mail("wrong", known), mail("password", None)
        )
    finally:
        server.stop()


@pytest.fixture
def safe(site: Site, keys: Path) -> Iterator[Safe]:
    with guarded(site, keys, offers_tls=True) as made:
        yield made


@pytest.fixture
def plain(site: Site, keys: Path) -> Iterator[Safe]:
    with guarded(site, keys, offers_tls=False) as made:
        yield made


async def test_the_password_goes_through_tls_alone(safe: Safe) -> None:
    await safe.right.send(LETTER, no_doubt)
    assert len(safe.post.mails) == 1
    assert safe.server.logins == [b"open sesame"]


async def test_a_wrong_password_is_tried_again_and_sends_nothing(safe: Safe) -> None:
    with pytest.raises(Later, match="535"):
        await safe.wrong_password.send(LETTER, no_doubt)
    assert safe.post.mails == []


async def test_a_stranger_hears_no_password(safe: Safe) -> None:
    with pytest.raises(Later):
        await safe.stranger.send(LETTER, no_doubt)
    assert safe.post.mails == []
    assert safe.server.logins == []


async def test_a_server_without_tls_gets_nothing(plain: Safe) -> None:
    with pytest.raises(Later):
        await plain.right.send(LETTER, no_doubt)
    assert plain.post.mails == []
    assert plain.server.logins == []


def with_notify(text: str) -> str:
    return EXAMPLE.read_text("utf-8") + text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[notify]", r"\$\.notify"),
        ('[notify.mail]\nfrom = "a"', r"\$\.notify\.mail\.from"),
        ('[notify.mail]\nfrom = "a@b.jp"\nuser = "x"', r"\$\.notify\.mail"),
        (
            '[notify.mail]\nfrom = "a@b.jp"\nuser = "x"\npassword_file = "y"\ntls = "none"',
            r"\$\.notify\.mail\.tls",
        ),
        ('[notify.mail]\nfrom = "a@b.jp"\npassword = "x"', "password"),
    ],
)
def test_a_site_file_that_cannot_send_is_refused(text: str, path: str) -> None:
    with pytest.raises(BadSite, match=path):
        parse(with_notify(text))


def test_notices_need_a_page_that_their_links_lead_to() -> None:
    text = with_notify('[notify.mail]\nfrom = "a@b.jp"').replace(
        'url = "https://', 'url = "http://'
    )
    with pytest.raises(BadSite, match=r"\$\.site\.url"):
        parse(text)


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    text = '[notify.mail]\nfrom = "a@b.jp"\nuser = "x"\npassword_file = "/nowhere/password"'
    with pytest.raises(Missing, match="/nowhere/password"):
        senders_of(parse(with_notify(text)), tmp_path)


def test_a_process_that_sends_none_loads_no_library_for_it() -> None:
    heavy = "{'aiosmtplib', 'pywebpush', 'requests'}"
    code = f"import sys, signage.web; print(*{heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
