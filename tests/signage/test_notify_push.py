"""Web Push to a real service on the loopback, which opens what it gets as a browser would."""

import base64
import ipaddress
import json
import os
import socket
import ssl
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import http_ece  # type: ignore[import-untyped]
import msgspec
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]

from models.errors import BadPayload, BadSite
from models.site import PushTable, Site
from signage.notify.notices import Notices
from signage.notify.push import KEY, Push, subscription_of
from signage.notify.senders import Later, Letter, Refused
from signage.notify.store import Store
from signage.public import PublicOnly, is_public
from signage.web import web_app
from tests.signage.office import Hub
from tests.signage.post import BASE, certificate, running, until

KNOWN = PushTable(contact="turn@minami.example.jp").services
ENDPOINT = "https://fcm.googleapis.com/send/abc"


class Browser:
    """What a browser has: a key pair, a secret, and an endpoint."""

    def __init__(self, endpoint: str = ENDPOINT) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.endpoint = endpoint

    def subscription(self, changed: dict[str, Any] | None = None) -> str:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": coded(point), "auth": coded(self.auth)}
        return json.dumps(
            {"endpoint": self.endpoint, "expirationTime": None, "keys": keys} | (changed or {})
        )

    def opened(self, sealed: bytes) -> dict[str, str]:
        text = http_ece.decrypt(sealed, private_key=self.key, auth_secret=self.auth)
        found: dict[str, str] = json.loads(text)
        return found


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Here(AbstractResolver):
    """All names lead to one port of the loopback, as /etc/hosts could say."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        _ = port
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]  # fmt: skip

    async def close(self) -> None:
        pass


class Service:
    """A push service: keeps what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 201
        self.headers: dict[str, str] = {}

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.read()))
        return web.Response(status=self.status, headers=self.headers)


LETTER = Letter(
    id="x" * 32, kind="near", to=Browser().subscription(), language="en",
    subject="Number A110: your turn is near", text="Please come back.\n", page=f"{BASE}/?lang=en",
    stop=None, ttl_s=599.6,
)  # fmt: skip


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    certificate(tmp_path, "fcm.googleapis.com")
    return tmp_path


class Sending(msgspec.Struct):
    """A service, and what sends to it."""

    service: Service
    push: Push


@pytest.fixture
def tls(keys: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The service's, and that of who trusts it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(keys / "cert.pem", keys / "key.pem")
    return server, ssl.create_default_context(cafile=str(keys / "cert.pem"))


@pytest.fixture
def push(site: Site, keys: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> Push:
    return Push(PushTable(contact="turn@minami.example.jp"), site, keys, Here(0), tls[1])


@pytest.fixture
async def sending(push: Push, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Sending]:
    service = Service()
    app = web.Application()
    app.router.add_post("/send/{which}", service.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls[0]).start()
    push._resolver = Here(runner.addresses[0][1])
    yield Sending(service, push)
    await push.close()
    await runner.cleanup()


async def no_doubt() -> None:
    pass


def letter(browser: Browser) -> Letter:
    return msgspec.structs.replace(LETTER, to=browser.subscription())


async def test_a_notice_can_be_opened_by_its_browser_alone(sending: Sending) -> None:
    browser = Browser()
    await sending.push.send(letter(browser), no_doubt)
    ((headers, sealed),) = sending.service.got
    assert browser.opened(sealed) == {
        "title": LETTER.subject,
        "body": LETTER.text,
        "lang": "en",
        "tag": LETTER.id,
        "url": LETTER.page,
    }
    assert b"Number" not in sealed
    with pytest.raises(http_ece.ECEException):
        Browser().opened(sealed)
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["ttl"] == "600"
    assert headers["topic"] == LETTER.id
    assert headers["urgency"] == "high"


async def test_the_service_can_check_who_sends(sending: Sending) -> None:
    await sending.push.send(letter(Browser()), no_doubt)
    ((headers, _),) = sending.service.got
    scheme, _, fields = headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in fields.split(","))
    assert scheme == "vapid"
    assert parts["k"] == sending.push.key
    assert Vapid02.verify(headers["authorization"])
    claims = json.loads(base64.urlsafe_b64decode(parts["t"].split(".")[1] + "=="))
    assert claims["aud"] == "https://fcm.googleapis.com"
    assert claims["sub"] == "mailto:turn@minami.example.jp"


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (404, "gone"),
        (410, "gone"),
        (400, "never"),
        (413, "never"),
        (429, "later"),
        (503, "later"),
        (302, "never"),
    ],
)
async def test_answers_by_table(sending: Sending, status: int, wanted: str) -> None:
    sending.service.status = status
    sending.service.headers = {"Retry-After": "7", "Location": "https://127.0.0.1/"}
    with pytest.raises((Later, Refused)) as raised:
        await sending.push.send(letter(Browser()), no_doubt)
    error = raised.value
    assert isinstance(error, Later) == (wanted == "later")
    assert getattr(error, "is_gone", False) == (wanted == "gone")
    assert getattr(error, "after_s", 7.0) == 7.0
    assert len(sending.service.got) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"endpoint": "http://fcm.googleapis.com/send/abc"},
        {"endpoint": "https://127.0.0.1/send"},
        {"endpoint": "https://[::1]/send"},
        {"endpoint": "https://localhost/send"},
        {"endpoint": "https://evil-fcm.googleapis.com.example.jp/"},
        {"endpoint": "https://xpush.apple.com/"},
        {"endpoint": "https://fcm.googleapis.com:8443/"},
        {"endpoint": "https://fcm.googleapis.com@127.0.0.1/"},
        {"endpoint": "https://user@fcm.googleapis.com/"},
        {"endpoint": "https://fcm.googleapis.com:x/"},
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": "https://fcm.googleapis.com/" + "x" * 1024},
        {"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
        {"keys": {"p256dh": coded(b"\x04" + b"\x01" * 64), "auth": coded(b"x" * 16)}},
        {"keys": {"p256dh": "é", "auth": "é"}},
        {"keys": None},
    ],
)
def test_what_is_no_subscription_at_a_known_service_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadPayload):
        subscription_of(Browser().subscription(changed), KNOWN)


@pytest.mark.parametrize(
    "host", ["web.push.apple.com", "db5p.notify.windows.com", "updates.push.services.mozilla.com"]
)
def test_the_services_of_the_browsers_are_known(host: str) -> None:
    made = subscription_of(Browser(f"https://{host}/x").subscription(), KNOWN)
    assert made.endpoint == f"https://{host}/x"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("169.254.169.254", False), ("192.168.1.1", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("::1", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("224.0.0.1", False),
    ],
)  # fmt: skip
def test_only_public_addresses_are_called(address: str, *, public: bool) -> None:
    assert is_public(address) is public
    assert ipaddress.ip_address(address.partition("%")[0])


async def test_a_name_that_leads_into_this_machine_is_not_called() -> None:
    with pytest.raises(OSError, match="public address of localhost"):
        await PublicOnly().resolve("localhost", 443)


def test_our_key_is_made_once_for_our_eyes_only(site: Site, tmp_path: Path) -> None:
    table = PushTable(contact="turn@minami.example.jp")
    first, second = (Push(table, site, tmp_path) for _ in range(2))
    assert first.key == second.key
    assert len(base64.urlsafe_b64decode(first.key + "=")) == 65
    assert stat.S_IMODE((tmp_path / KEY).stat().st_mode) == 0o600
    (tmp_path / KEY).write_text("nonsense", "utf-8")
    with pytest.raises(BadSite, match=r"vapid\.pem"):
        Push(table, site, tmp_path)


@pytest.fixture
def notices(hub: Hub, push: Push, tmp_path: Path) -> Iterator[Notices]:
    hub.ready()
    hub.line("moving", *(f"A{n}" for n in range(100, 120)), minutes=6)
    hub.call()
    store = Store(tmp_path / "notices.sqlite")
    yield Notices(hub.site, hub.mirror, store, {"push": push}, BASE)
    store.close()


@pytest.fixture
def app(hub: Hub, notices: Notices) -> web.Application:
    return web_app(hub.site, hub.mirror, hub.clock, notices=notices)


async def test_from_the_button_to_the_turn(
    hub: Hub, app: web.Application, notices: Notices, sending: Sending, tmp_path: Path
) -> None:
    browser = Browser()
    asked = {
        "subscription": json.loads(browser.subscription()),
        "number": "A110", "service": "moving", "minutes": "5", "lang": "en",
    }  # fmt: skip
    async with TestClient(TestServer(app)) as client, running(notices):
        key = await (await client.get("/notify/key")).json()
        assert key == {"key": sending.push.key}
        answer = await client.post("/notify/push", params={"lang": "en"}, json=asked)
        said = await answer.json()
        assert (answer.status, said["text"]) == (
            200,
            "We tell you when number A110 is near, and when it is called.",
        )
        hub.line("moving", *(f"A{n}" for n in range(106, 120)), minutes=6)
        await until(lambda: len(sending.service.got) == 1)
        assert browser.opened(sending.service.got[0][1])["title"].endswith("your turn is near")
        sending.service.status = 410
        hub.call("A110")
        await until(lambda: len(sending.service.got) == 2)
        await until(lambda: b"googleapis" not in (tmp_path / "notices.sqlite").read_bytes())


async def test_a_subscription_elsewhere_is_refused_in_words(
    app: web.Application, notices: Notices
) -> None:
    subscription = json.loads(Browser("https://169.254.169.254/x").subscription())
    asked = {
        "subscription": subscription,
        "number": "A110",
        "service": "moving",
        "minutes": "5",
        "lang": "en",
    }
    async with TestClient(TestServer(app)) as client, running(notices):
        for sent in (json.dumps(asked), "[]", "{", "null", '{"subscription": 1}'):
            answer = await client.post("/notify/push", params={"lang": "en"}, data=sent)
            assert answer.status == 422
            assert "cannot write to this address" in (await answer.json())["text"]
