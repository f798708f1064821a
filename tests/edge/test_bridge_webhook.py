"""The sensor that devices call: who may, how often, how much, and that nothing counts twice."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker.clock import starting_at
from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import Counter, People, Press
from models.errors import BadSite, Missing, SensorFailed
from tests.edge.recording import HandClock, Recording, example, made, office, running

TOKEN, OTHER = "t" * 32, "o" * 32
CLICK = {"clickType": 1, "clickTypeName": "SINGLE", "batteryLevel": 1, "binaryParserEnabled": True}
AT = datetime(2026, 11, 24, 1, 32, 5, tzinfo=UTC)
SHORT = Press(gesture="short")


class Still(HandClock):
    """Moved by hand, set to a day, and asking no disk."""

    def now(self) -> datetime:
        return AT

    def synchronised(self) -> bool:
        return True


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    for name, token in (("venue", TOKEN), ("door", OTHER), ("short", "t" * 31)):
        (tmp_path / name).write_text(token + "\n", encoding="utf-8")
    return {name: str(tmp_path / name) for name in ("venue", "door", "short", "gone")}


def hook(tokens: Mapping[str, str], name: str = "venue", **settings: object) -> dict[str, object]:
    aim: dict[str, object] = {"button": "next-c6"}
    return {"kind": "soracom", "name": name, "token_file": tokens[name]} | (settings or aim)


async def server(*hooks: dict[str, object], **settings: object) -> Sensor:
    return await asyncio.to_thread(
        lambda: made(
            **{"kind": "webhook", "listen": "127.0.0.1:0", "hooks": list(hooks), **settings}
        )
    )


class Caller:
    """Calls hooks as a device does."""

    def __init__(self, session: aiohttp.ClientSession, port: Recording) -> None:
        self._session, self.port = session, port

    async def call(
        self,
        body: object = CLICK,
        *,
        name: str = "venue",
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """The status that it is answered with."""
        shown = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.post(
            f"/hook/{name}", data=data, headers={**shown, **(headers or {})}
        ) as answer:
            return answer.status

    def told(self) -> list[Any]:
        """What was emitted."""
        found = []
        while not self.port.emitted.empty():
            found.append(self.port.emitted.get_nowait().reading)
        return found


@asynccontextmanager
async def calling(sensor: Sensor, clock: HandClock | None = None) -> AsyncIterator[Caller]:
    port = Recording(clock or Still())
    async with running(sensor, port) as basis:
        assert basis.startswith("hooks at 127.0.0.1 port ")
        where = f"http://127.0.0.1:{basis.rpartition(' ')[2]}"
        async with aiohttp.ClientSession(where) as session:
            yield Caller(session, port)


async def test_a_press_is_durable_before_it_is_answered(tokens: dict[str, str]) -> None:
    sensor = await server(hook(tokens))
    assert sensor.outputs() == [Output("press", "next-c6")]
    async with calling(sensor) as caller:
        assert await caller.call() == 204
        assert caller.told() == [SHORT]


async def test_without_its_token_a_call_changes_nothing(tokens: dict[str, str]) -> None:
    hooks = hook(tokens), hook(tokens, "door", kind="json", value="/open", counter="c1")
    basic = base64.b64encode(b"any:wrong").decode()
    async with calling(await server(*hooks)) as caller:
        for token in (None, "", "wrong", OTHER, TOKEN[:-1], TOKEN + "t", "\u3042", TOKEN.upper()):
            assert await caller.call(token=token) == 401
        for shown in ("Basic " + basic, "Basic \u00ff", "Basic", "Digest x", TOKEN):
            assert await caller.call(token=None, headers={"Authorization": shown}) == 401
        assert await caller.call(name="nobody") == 401, "who asks does not learn which there are"
        assert await caller.call(name="door") == 401
        assert caller.told() == []
        assert caller.port.refused == {"want the token of a hook, got none or another": 15}


async def test_a_device_that_can_only_be_given_an_address_shows_the_token_in_it(
    tokens: dict[str, str],
) -> None:
    shown = base64.b64encode(f"any:{TOKEN}".encode()).decode()  # https://any:TOKEN@host/hook/venue
    async with calling(await server(hook(tokens))) as caller:
        assert await caller.call(token=None, headers={"Authorization": f"Basic {shown}"}) == 204
        assert caller.told() == [SHORT]


async def test_a_call_that_is_sent_again_counts_once_and_is_content(tokens: dict[str, str]) -> None:
    clock = Still()
    async with calling(await server(hook(tokens)), clock) as caller:
        for _ in range(3):
            stamped = {"X-Soracom-Timestamp": "1795483925000"}
            assert await caller.call(headers=stamped) == 204
            clock.move(10)
        assert await caller.call(headers={"x-soracom-timestamp": "1795483999000"}) == 204
        assert caller.told() == [SHORT, SHORT]
        assert caller.port.refused == {"want what is new, got it again": 2}


async def test_two_at_once_with_one_sign_count_once(tokens: dict[str, str]) -> None:
    stamped = {"X-Soracom-Timestamp": "1"}
    async with calling(await server(hook(tokens, button="next-c6", bounce_ms=0))) as caller:
        answers = await asyncio.gather(*(caller.call(headers=stamped) for _ in range(10)))
        assert set(answers) == {204}
        assert caller.told() == [SHORT]


async def test_a_button_that_names_no_time_counts_once_within_the_bounce(
    tokens: dict[str, str],
) -> None:
    clock = Still()
    async with calling(await server(hook(tokens)), clock) as caller:
        for seconds in (0.0, 0.1, 1.0):
            clock.move(seconds)
            assert await caller.call() == 204
        assert caller.told() == [SHORT, SHORT]


@pytest.mark.parametrize(
    ("reported", "status", "count"),
    [
        ("2026-11-24T01:32:03Z", 204, 1),
        ("2026-11-24T10:32:03+09:00", 204, 1),
        ("2026-11-24T01:00:00Z", 400, 0),
        ("2027-11-24T01:32:00Z", 400, 0),
    ],
    ids=["now", "in Tokyo", "half an hour ago", "next year"],
)
async def test_a_cloud_says_when_it_was_pressed(
    tokens: dict[str, str], reported: str, status: int, count: int
) -> None:
    event = {"deviceEvent": {"buttonClicked": {"clickType": "SINGLE", "reportedTime": reported}}}
    sensor = await server(hook(tokens, kind="aws", button="next-c6", bounce_ms=0))
    async with calling(sensor) as caller:
        assert [await caller.call(event) for _ in range(2)] == [status, status]
        assert len(caller.told()) == count


async def test_any_json_can_be_told_where_its_value_stands(tokens: dict[str, str]) -> None:
    door = hook(tokens, "door", kind="json", value="/door/state", counter="c1", again="/id")
    zone = hook(tokens, kind="json", value=r"people=(\d{1,4})", zone="lobby")
    async with calling(await server(door, zone)) as caller:
        for n, state in ((1, "open"), (1, "closed"), (2, "closed")):
            body = {"id": n, "door": {"state": state}}
            assert await caller.call(body, name="door", token=OTHER) == 204
        assert await caller.call(b"camera=1&people=12") == 204
        assert caller.told() == [Counter(open=True), Counter(open=False), People(count=12)]


async def test_hostile_calls_are_refused_and_the_next_is_heard(tokens: dict[str, str]) -> None:
    bodies = {
        b"": 400,
        b"\xff": 400,
        b"[" * 10_000: 400,
        b'{"clickTypeName":NaN}': 400,
        b'{"clickTypeName":["SINGLE"]}': 400,
        b'{"clickTypeName":"QUADRUPLE"}': 400,
        b'{"other":1}': 400,
        b"x" * (16 * 1024 + 1): 413,
    }
    async with calling(await server(hook(tokens))) as caller:
        for body, status in bodies.items():
            assert await caller.call(body) == status
        packed = {"Content-Encoding": "gzip"}
        assert await caller.call(b"\x1f\x8b\x08" + b"0" * 64, headers=packed) == 400
        assert caller.told() == []
        assert sum(caller.port.refused.values()) == len(bodies) + 1
        assert await caller.call() == 204
        assert caller.told() == [SHORT]


async def test_a_hook_is_called_at_most_sixty_times_a_minute(tokens: dict[str, str]) -> None:
    clock = Still()
    hooks = hook(tokens, button="next-c6", bounce_ms=0), hook(tokens, "door", button="busy-hall")
    async with calling(await server(*hooks), clock) as caller:
        assert [await caller.call() for _ in range(60)] == [204] * 60
        assert await caller.call() == 429
        assert await caller.call(name="door", token=OTHER) == 204, "another is not held up"
        assert caller.port.refused == {"want at most 60 calls a minute, got more": 1}
        clock.move(61)
        assert await caller.call() == 204


async def test_other_ways_of_calling_are_not_understood(tokens: dict[str, str]) -> None:
    async with calling(await server(hook(tokens))) as caller:
        async with caller._session.get("/hook/venue") as answer:
            assert answer.status == 405
        async with caller._session.post("/") as answer:
            assert answer.status == 404
        assert caller.told() == []


async def test_a_token_that_is_short_or_not_there_is_said(tokens: dict[str, str]) -> None:
    port = Recording(starting_at(AT, 1))
    with pytest.raises(Missing, match="want a token of at least 32 signs, got 31 in "):
        await (await server(hook(tokens, "short"))).run(port)
    with pytest.raises(Missing, match="want a secret, got"):
        await (await server(hook(tokens, "gone"))).run(port)
    certified = await server(hook(tokens), cert=tokens["gone"], key=tokens["gone"])
    with pytest.raises(Missing, match="want a certificate and its key"):
        await certified.run(port)


async def test_a_port_that_is_taken_is_a_failure(tokens: dict[str, str]) -> None:
    async with calling(await server(hook(tokens))) as caller:
        taken = caller._session._base_url
        assert taken is not None
        other = await server(hook(tokens), listen=f"127.0.0.1:{taken.port}")
        with pytest.raises(SensorFailed, match="want to listen at "):
            await other.run(Recording(Still()))


HOOK = {"kind": "soracom", "name": "venue", "token_file": "/t", "button": "next-c6"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"listen": "8790"}, "want address:port, got '8790' - at `{}.listen`"),
        ({"listen": "localhost:8790"}, "want address:port, got 'localhost:8790' - at `{}.listen`"),
        ({"listen": "127.0.0.1:65536"}, None),
        (
            {"listen": "0.0.0.0:8790"},
            "want cert and key, or 127.0.0.1 behind nginx - at `{}.listen`",
        ),
        ({"cert": "/c"}, "want both of cert, key or neither - at `{}.cert`"),
        ({"hooks": []}, "Expected `array` of length >= 1 - at `{}.hooks`"),
        ({"hooks": [HOOK, HOOK]}, "want each name once, got 'venue' - at `{}.hooks[1].name`"),
        (
            {"hooks": [HOOK | {"kind": "x"}]},
            "want a kind of soracom, aws, json, got 'x' - at `{}.hooks[0].kind`",
        ),
        (
            {"hooks": [HOOK | {"value": "/a"}]},
            "want it with kind `json` only - at `{}.hooks[0].value`",
        ),
        (
            {"hooks": [HOOK | {"kind": "json"}]},
            "want the place of the value - at `{}.hooks[0].value`",
        ),
        (
            {"hooks": [HOOK | {"kind": "json", "value": "x"}]},
            "want a group (...) around the value, got none - at `{}.hooks[0].value`",
        ),
        (
            {"hooks": [HOOK | {"button": "x"}]},
            "want one of `buttons`, got 'x' - at `{}.hooks[0].button`",
        ),
        ({"hooks": [{**HOOK, "zone": "lobby"}]}, None),
        ({"hooks": [HOOK | {"name": "a/b"}]}, None),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str | None
) -> None:
    site = office({"kind": "webhook", "listen": "127.0.0.1:0", "hooks": [HOOK]} | settings)
    with pytest.raises(BadSite) as refused:
        sensors_of(site, site.device("pi"))
    path = f"$.devices[{len(example().devices)}].sensors[0]"
    assert path in str(refused.value)
    if message is not None:
        assert str(refused.value) == message.format(path)


async def test_it_is_served_by_its_certificate(tokens: dict[str, str], tmp_path: Path) -> None:
    x509 = pytest.importorskip("cryptography.x509", reason="want cryptography: pip install it")
    assert x509 is not None
    cert, key = await asyncio.to_thread(_self_signed, tmp_path)
    sensor = await server(hook(tokens), cert=str(cert), key=str(key))
    context = await asyncio.to_thread(ssl.create_default_context, cafile=str(cert))
    port = Recording(Still())
    async with running(sensor, port) as basis, aiohttp.ClientSession() as session:
        where = f"https://127.0.0.1:{basis.rpartition(' ')[2]}/hook/venue"
        shown = {"Authorization": f"Bearer {TOKEN}"}
        async with session.post(where, json=CLICK, headers=shown, ssl=context) as answer:
            assert answer.status == 204
        assert (await port.take(1))[0].reading == SHORT


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 of a day, and its key."""
    import ipaddress  # noqa: PLC0415
    from datetime import timedelta  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    from broker.clock import Clock  # noqa: PLC0415

    now = Clock().now()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "hook.pem", folder / "hook.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file
