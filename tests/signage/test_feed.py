import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from models.site import Site
from signage.feed import feed
from signage.feed.schema import openapi, site_schema
from signage.web import web_app
from tests.signage.office import HandClock, Hub

SITE = "/api/v1/sites/minami"
STRICT = (b"content-security", b"cross-origin", b"permissions", b"referrer")
"""What only pages need."""
STATES = ("busy", "ageing", "stale", "closed", "no_data", "paused")


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


@asynccontextmanager
async def client_of(app: Application) -> AsyncIterator[TestClient[Request, Application]]:
    async with TestClient(TestServer(app)) as client:
        yield client


def document(hub: Hub) -> dict[str, Any]:
    body, _ = feed.render(hub.mirror, hub.clock.now())
    made: dict[str, Any] = json.loads(body)
    return made


@pytest.mark.parametrize("state", STATES)
def test_every_state_validates_against_the_published_schema(hub: Hub, state: str) -> None:
    getattr(hub, state)()
    schema = site_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    made = document(hub)
    jsonschema.validate(made, schema, jsonschema.Draft202012Validator)
    assert [item["id"] for item in made["services"]] == [s.id for s in hub.site.services]
    assert made["services"][0]["name"] == hub.site.services[0].name


def test_the_schema_refuses_what_is_wrong(hub: Hub) -> None:
    hub.busy()
    made = document(hub)
    made["services"][0]["level"] = 9
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, site_schema(), jsonschema.Draft202012Validator)


def test_an_item_is_the_hubs_result_with_its_id_and_names(hub: Hub) -> None:
    hub.busy()
    moving = document(hub)["services"][1]
    assert moving["id"] == "moving"
    assert moving["state"] == "open"
    assert moving["wait"] == {"p10_s": 840.0, "p50_s": 1140.0, "p90_s": 1620.0}
    assert moving["observed_at"] == "2026-11-24T01:32:00.000Z"
    assert moving["valid_until"] == "2026-11-24T01:33:30.000Z"


def test_closed_full_and_unknown_are_three_things(hub: Hub) -> None:
    hub.paused()
    full = document(hub)["lots"][0]
    assert (full["state"], full["vacancy"]) == ("open", "full")
    hub.closed()
    closed = document(hub)["lots"][0]
    assert (closed["state"], closed["free"]) == ("closed", None)
    hub.no_data()
    unknown = document(hub)["lots"][0]
    assert (unknown["state"], unknown["free"]) == ("no_data", None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.sampled_from(STATES), st.integers(0, 100_000))
def test_no_value_is_served_past_its_end(site: Site, state: str, later_s: int) -> None:
    hub = Hub(site, HandClock())
    getattr(hub, state)()
    hub.clock.move(later_s)
    made = document(hub)
    now = hub.clock.now()
    values = ("level", "waiting", "called", "wait", "free", "vacancy", "people", "over")
    for item in made["services"] + made["lots"] + made["zones"]:
        until = item["valid_until"]
        if until is not None and datetime.fromisoformat(until) <= now:
            assert all(item.get(value) is None for value in values), item
            assert item["state"] in ("no_data", "closed")
    for notice in made["notices"]:
        assert datetime.fromisoformat(notice["valid_until"]) > now


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.sampled_from(STATES), st.integers(0, 100_000), st.integers(0, 3600))
def test_a_rendered_document_holds_until_it_says(
    site: Site, state: str, later_s: int, after_s: int
) -> None:
    hub = Hub(site, HandClock())
    getattr(hub, state)()
    hub.clock.move(later_s)
    made, good_until = document(hub), feed.render(hub.mirror, hub.clock.now())[1]
    hub.clock.move(after_s)
    if hub.clock.now() < good_until:
        again = document(hub)
        assert {**again, "generated_at": ""} == {**made, "generated_at": ""}


async def test_a_document_is_rendered_once_a_change_and_has_a_strong_etag(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    async with client_of(app) as client:
        first = await client.get(SITE)
        again = await client.get(SITE)
        etag = first.headers["ETag"]
        assert not etag.startswith("W/")
        assert await first.read() == await again.read()
        assert first.headers["Cache-Control"] == (
            "public, max-age=5, stale-while-revalidate=30, stale-if-error=300"
        )
        assert first.headers["Access-Control-Allow-Origin"] == "*"
        assert first.headers["Date"] == "Tue, 24 Nov 2026 01:32:00 GMT"
        same = await client.get(SITE, headers={"If-None-Match": etag})
        assert (same.status, await same.read()) == (304, b"")
        assert same.headers["ETag"] == etag
        hub.service("moving", 4, 40, (80, 90, 100))
        other = await client.get(SITE, headers={"If-None-Match": etag})
        assert other.status == 200
        assert other.headers["ETag"] != etag


async def raw(app: Application, *requests: bytes) -> bytes:
    """What comes back on one connection."""
    async with client_of(app) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"".join(requests))
        answers = [await reader.readuntil(b'"notices":[]}') for _ in requests]
        writer.close()
    return b"".join(answers)


async def test_what_is_encoded_ahead_is_the_same_as_what_is_not(hub: Hub, app: Application) -> None:
    hub.busy()
    plain = f"GET {SITE} HTTP/1.1\r\nHost: x\r\n".encode()
    answers = []
    for asked in (plain, plain + b"Connection: close\r\n"):
        head, _, body = (await raw(app, asked + b"\r\n")).partition(b"\r\n\r\n")
        lines = {line.lower() for line in head.split(b"\r\n")}
        answers.append(({line for line in lines if not line.startswith(STRICT)}, json.loads(body)))
    quick, slow = answers
    assert quick[0] == slow[0] - {b"connection: close"}
    assert quick[1] == slow[1]


async def test_many_questions_on_one_connection_are_answered_in_turn(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    asked = f"GET {SITE} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    answer = await raw(app, *[asked] * 50)
    heads = answer.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert len(heads) == 50
    assert len(set(heads)) == 1


@pytest.mark.parametrize(("left_s", "kept_s"), [(60, "1"), (2.1, "1"), (2, "0"), (0.5, "0")])
async def test_a_proxy_keeps_no_value_past_its_end(
    hub: Hub, app: Application, left_s: float, kept_s: str
) -> None:
    hub.busy()
    hub.clock.move(90 - left_s)
    async with client_of(app) as client:
        for headers in ({}, {"Connection": "close"}):
            answer = await client.get(SITE, headers=headers)
            assert answer.headers["X-Accel-Expires"] == kept_s


async def test_the_date_of_an_answer_is_the_moment_it_is_given(hub: Hub, app: Application) -> None:
    hub.busy()
    async with client_of(app) as client:
        await client.get(SITE)
        hub.clock.move(3)
        assert (await client.get(SITE)).headers["Date"] == "Tue, 24 Nov 2026 01:32:03 GMT"


async def test_head_gives_the_headers_and_no_body(hub: Hub, app: Application) -> None:
    hub.busy()
    async with client_of(app) as client:
        whole, head = await client.get(SITE), await client.head(SITE)
        assert head.status == 200
        assert await head.read() == b""
        for name in ("ETag", "Content-Length", "Cache-Control"):
            assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/sites/kita", 404),
        ("GET", "/api/v1/sites/kita/stream", 404),
        ("GET", "/api/v1/nothing", 404),
        ("POST", SITE, 405),
        ("DELETE", "/api/v1/sites", 405),
        ("GET", SITE, 503),
    ],
)
async def test_what_goes_wrong_is_a_problem_document(
    app: Application, method: str, path: str, status: int
) -> None:
    async with client_of(app) as client:
        response = await client.request(method, path)
        assert response.status == status
        assert response.content_type == "application/problem+json"
        problem = await response.json()
        assert problem["status"] == status
        assert problem["title"]
        assert ("Retry-After" in response.headers) == (status == 503)
        assert ("Allow" in response.headers) == (status == 405)


async def test_the_list_of_sites_the_schema_and_the_description_are_served(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    async with client_of(app) as client:
        sites = await (await client.get("/api/v1/sites")).json()
        assert sites["sites"][0]["id"] == "minami"
        served = await (await client.get("/api/v1/schema/1.0/site.json")).json(content_type=None)
        jsonschema.validate(await (await client.get(SITE)).json(), served)
        described = await (await client.get("/openapi.json")).json()
        assert described["openapi"].startswith("3.1")
        for path in described["paths"]:
            there = await client.head(path.replace("{site}", "minami"))
            assert there.status == (404 if "{" in path.replace("{site}", "") else 200), path


def test_all_references_of_the_description_lead_somewhere(site: Site) -> None:
    described = openapi("1", site)
    components = described["components"]
    text = json.dumps(described)
    references = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    there = {f"#/components/{kind}/{name}" for kind, named in components.items() for name in named}
    assert references == there


def test_the_description_is_openapi_3_1(site: Site) -> None:
    described = json.loads(json.dumps(openapi("1", site)))
    validate(described, cls=OpenAPIV31SpecValidator)
    described["paths"]["/api/v1/sites"]["get"].pop("responses")
    described["paths"]["/api/v1/sites"]["get"]["summary"] = 1
    with pytest.raises(OpenAPIValidationError):
        validate(described, cls=OpenAPIV31SpecValidator)


async def read_events(session: ClientSession, url: str, count: int) -> list[dict[str, str]]:
    """The first events of a stream."""
    events: list[dict[str, str]] = []
    event: dict[str, str] = {}
    async with session.get(url) as response:
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            events.append(event)
            event = {}
            if len(events) == count:
                break
    return events


@pytest.mark.parametrize("path", ["/stream", SITE + "/stream"])
async def test_a_reader_gets_a_pause_a_snapshot_and_the_time_at_once(
    hub: Hub, app: Application, path: str
) -> None:
    hub.busy()
    async with client_of(app) as client:
        events = await read_events(client.session, str(client.make_url(path)), 3)
    retry, snapshot, ping = events
    assert 1000 <= int(retry["retry"]) <= 4000
    assert snapshot["event"] == "snapshot"
    assert snapshot["id"] == hub.mirror.tag
    assert json.loads(snapshot["data"])["services"][1]["waiting"] == 8
    now = datetime.fromtimestamp(json.loads(ping["data"])["now"] / 1000, UTC)
    assert now == hub.clock.now()


async def test_who_comes_back_with_the_last_id_is_told_nothing_twice_and_misses_nothing(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    known = {"Last-Event-ID": hub.mirror.tag}
    async with client_of(app) as client:
        url = str(client.make_url(SITE + "/stream"))
        async with ClientSession(headers=known) as session:
            assert [e.get("event") for e in await read_events(session, url, 2)] == [None, "ping"]
            hub.service("moving", 4, 40, (80, 90, 100))
            _, snapshot, _ = await read_events(session, url, 3)
    assert json.loads(snapshot["data"])["services"][1]["waiting"] == 40
    assert snapshot["id"] == hub.mirror.tag != known["Last-Event-ID"]


async def test_a_page_of_another_origin_may_ask_with_what_it_knows(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    asked = {"Origin": "https://x.example", "Access-Control-Request-Method": "GET"}
    async with client_of(app) as client:
        allowed = await client.options(SITE, headers=asked)
        assert allowed.status == 204
        assert allowed.headers["Access-Control-Allow-Origin"] == "*"
        assert "If-None-Match" in allowed.headers["Access-Control-Allow-Headers"]
        assert (await client.options("/api/v1/nothing", headers=asked)).status == 404


async def test_every_reader_gets_each_change(hub: Hub, app: Application) -> None:
    hub.busy()
    async with client_of(app) as client, client.get("/stream") as one, client.get("/stream") as two:
        for reader in (one, two):
            while b"ping" not in await reader.content.readline():
                pass
        hub.service("moving", 4, 40, (80, 90, 100))
        for reader in (one, two):
            line = b""
            while not line.startswith(b'data: {"schema'):
                line = await reader.content.readline()
            assert json.loads(line[6:])["services"][1]["waiting"] == 40


async def test_a_proxy_of_http_1_0_gets_the_stream_without_chunks(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    async with client_of(app) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"GET /stream HTTP/1.0\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head.lower()
        assert (await reader.readline()).startswith(b"retry: ")
        writer.close()


async def test_health_says_whether_the_hub_can_be_heard(hub: Hub, app: Application) -> None:
    hub.busy()
    async with client_of(app) as client:
        assert (await client.get("/healthz")).status == 200
        hub.stale()
        assert (await client.get("/healthz")).status == 503


def test_unknown_is_null_and_never_nought(hub: Hub) -> None:
    hub.no_data()
    for item in document(hub)["services"]:
        assert item["waiting"] is None
        assert item["wait"] is None


def test_a_notice_is_served_only_while_it_holds(hub: Hub) -> None:
    hub.paused()
    assert len(document(hub)["notices"]) == 2
    hub.clock.at += timedelta(hours=3)
    assert document(hub)["notices"] == []
