"""Several offices in one web process: the city's page, each office's pages, and one feed."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import machiai
from broker.session import ENVIRONMENT
from models.contract import codec, topics
from models.contract.results import NoticeResult, ServiceResult, Spread, State
from models.errors import BadSite
from models.site import Site
from signage.city import CALM_S, City
from signage.mirror import Mirror
from signage.near import is_clearly_shorter, nearest
from signage.office import Office
from signage.web import city_app, web_app
from tests.signage.office import EXAMPLE, HandClock, Hub
from tests.signage.town import KITA, Town, sites


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def app(town: Town) -> Application:
    return city_app(town.city, {})


@asynccontextmanager
async def client_of(app: Application) -> AsyncIterator[TestClient[Request, Application]]:
    async with TestClient(TestServer(app)) as client:
        yield client


async def text(client: TestClient[Request, Application], path: str) -> str:
    async with client.get(path) as answer:
        assert answer.status == 200, path
        return await answer.text()


def raw(html: str) -> dict[str, str]:
    """The list's offices in their order, as HTML."""
    return dict(re.findall(r'<li class="card" id="office-([\w-]+)">(.*?)</li>', html, re.DOTALL))


def cards(html: str) -> dict[str, str]:
    """What the list says of each office, without what is there for later."""
    html = re.sub(r"<(\w+)[^>]* data-gone>.*?</\1>", "", html, flags=re.DOTALL)
    html = re.sub(r"</?(span|b|svg|rect)\b[^>]*>", "", html)
    return {
        name: " ".join(re.sub(r"<[^>]+>", " ", card).split()) for name, card in raw(html).items()
    }


async def test_the_front_page_lists_all_offices_with_all_that_they_do(
    town: Town, app: Application
) -> None:
    town.busy()
    async with client_of(app) as client:
        html = await text(client, "/?lang=ja")
    assert "みなと野市の混みぐあい" in html
    listed = cards(html)
    assert list(listed) == ["minami", "kita"]
    assert "引っ越し・届出 ○空いています" in listed["kita"]
    assert "来庁者駐車場 ▲残りわずか 空 2台" in listed["kita"]
    assert "確定申告" in listed["minami"]


async def test_who_says_what_for_sees_where_it_is_done_soonest(
    town: Town, app: Application
) -> None:
    town.busy()
    async with client_of(app) as client:
        html = await text(client, "/for/moving?lang=ja")
        assert "いちばん早いのは北区役所（約10分）" in html
        assert list(cards(html)) == ["kita", "minami"]
        by_name = await text(client, "/for/moving?lang=en&sort=name")
        assert list(cards(by_name)) == ["kita", "minami"]
        town.kita.service("moving", 4, 30, (60, 80, 95))
        town.settle()
        html = await text(client, "/for/moving?lang=ja")
        assert "いちばん早いのは南区役所（約20分）" in html
        assert list(cards(html)) == ["minami", "kita"]
        by_name = await text(client, "/for/moving?lang=en&sort=name")
        assert list(cards(by_name)) == ["kita", "minami"]


async def test_only_what_several_offices_do_can_be_asked_for(town: Town, app: Application) -> None:
    town.busy()
    async with client_of(app) as client:
        offered = re.findall(r'href="/for/([\w-]+)', await text(client, "/"))
        assert set(offered) == {"certificates", "moving", "mynumber"}
        assert (await client.get("/for/insurance")).status == 404


async def test_no_office_is_called_soonest_when_only_one_is_known(
    town: Town, app: Application
) -> None:
    town.busy()
    town.closed(town.kita)
    async with client_of(app) as client:
        html = await text(client, "/for/moving?lang=ja")
    assert "いちばん早い" not in html
    assert list(cards(html)) == ["minami", "kita"]
    assert "受付時間外" in cards(html)["kita"]


async def test_what_one_office_says_grows_old_alone(town: Town, app: Application) -> None:
    town.busy()
    async with client_of(app) as client:
        before = cards(await text(client, "/for/moving?lang=ja"))
        town.kita.say("state", State(state="lost"))
        town.clock.move(60)
        town.minami.busy()
        town.settle()
        listed = cards(await text(client, "/for/moving?lang=ja"))
        assert "新しい情報が届いていません" in listed["kita"]
        assert "約10分" in listed["kita"]
        assert "1分前" in listed["kita"]
        assert listed["minami"] == before["minami"], "it has just been seen again"
        town.clock.move(31)
        html = await text(client, "/for/moving?lang=ja")
        listed = cards(html)
        assert "約10分" not in html
        assert "約20分" in listed["minami"]
        assert 'data-hub="gone"' not in html
        assert 'data-hub="gone"' in await text(client, "/kita/?lang=ja")
        assert 'data-hub="gone"' not in await text(client, "/minami/?lang=ja")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=4))
def test_no_value_stands_on_the_page_past_its_end(steps: list[int]) -> None:
    town = Town()
    app = city_app(town.city, {})
    town.busy()

    async def look() -> None:
        async with client_of(app) as client:
            for seconds in steps:
                town.clock.move(seconds)
                now_ms = town.clock.now().timestamp() * 1000
                for card in raw(await text(client, "/for/moving?lang=ja")).values():
                    if 'class="wait"' in card:
                        ends = re.findall(r'data-until="(\d+)"', card)
                        assert min(map(int, ends)) > now_ms

    asyncio.run(look())


async def test_every_page_of_each_office_is_below_its_id(town: Town, app: Application) -> None:
    town.busy()
    async with client_of(app) as client:
        for hub in town.hubs:
            office = await asyncio.to_thread(Office, hub.mirror, f"/{hub.site.id}")
            for path in await asyncio.to_thread(office.pages):
                if "{" in path or path == "/stream":
                    continue
                html = await text(client, f"/{hub.site.id}{path}")
                ours = re.findall(r'(?:href|data-part|data-stream|src)="(/[^"]*)"', html)
                strays = [
                    link
                    for link in ours
                    if not re.match(r"/(static/|api/|minami/|kita/|\?lang=)", link)
                ]
                assert strays == [], path
            async with client.get(f"/{hub.site.id}/stream") as answer:
                assert b"retry" in await answer.content.readline()


async def test_an_office_alone_is_served_as_before(hub: Hub) -> None:
    app = await asyncio.to_thread(web_app, hub.site, hub.mirror, hub.clock)
    hub.busy()
    async with client_of(app) as client:
        html = await text(client, "/?lang=ja")
        assert "北区役所" not in html
        assert 'data-part="/part?lang=ja"' in html
        assert (await client.get("/minami/")).status == 404
        assert (await client.get("/for/moving")).status == 404


async def test_an_office_names_another_where_it_takes_clearly_less_time(
    town: Town, app: Application
) -> None:
    town.busy()
    async with client_of(app) as client:
        html = await text(client, "/minami/?lang=ja")
        assert "北区役所なら約25分（2.3 km）" in html
        assert html.count("北区役所なら") == 1, "ten minutes less is worth it, seven are not"
        assert 'href="/kita/?lang=ja#service-mynumber"' in html
        assert "南区役所なら" not in await text(client, "/kita/?lang=ja")
        assert "Kita Ward Office: about 25 min (2.3 km away)" in await text(
            client, "/minami/?lang=en"
        )
        assert "2,3 km" in await text(client, "/minami/?lang=pt-BR")
        town.closed(town.kita)
        town.clock.move(60)
        town.minami.busy()
        assert "北区役所なら" not in await text(client, "/minami/?lang=ja")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.integers(0, 90), st.integers(0, 200))
def test_a_shorter_wait_elsewhere_holds_as_long_as_both(lead_s: int, later_s: int) -> None:
    town = Town()
    town.kita.ready()
    town.kita.service("mynumber", 2, 4, (18, 24, 33))
    town.clock.move(lead_s)
    town.minami.ready()
    town.minami.service("mynumber", 4, 31, (70, 95, 120))
    here = town.minami.mirror.service("mynumber")
    assert here is not None
    found = nearest(here, "mynumber", None, [town.kita.mirror], town.clock.now())
    assert (found is not None) == (lead_s < 90)
    if found is not None:
        assert found.life.valid_until == town.clock.now() + timedelta(seconds=90 - lead_s)
        assert found.km is None
    town.clock.move(later_s)
    found = nearest(here, "mynumber", None, [town.kita.mirror], town.clock.now())
    assert (found is not None) == (lead_s + later_s < 90)


@pytest.mark.parametrize(
    ("there", "here", "is_shorter"),
    [
        ((5, 10, 15), (14, 20, 30), True),
        ((5, 11, 15), (14, 20, 30), False),
        ((5, 10, 20), (14, 20, 30), False),
        ((5, 20, 40), (5, 31, 90), False),
        ((0, 0, 0), (0, 0, 0), False),
    ],
    ids=["ten minutes", "nine", "it may be as long", "it may be longer", "nobody anywhere"],
)
def test_clearly_shorter_by_table(
    there: tuple[int, int, int],
    here: tuple[int, int, int],
    is_shorter: bool,  # noqa: FBT001
) -> None:
    def spread(minutes: tuple[int, int, int]) -> Spread:
        p10_s, p50_s, p90_s = (60.0 * m for m in minutes)
        return Spread(p10_s=p10_s, p50_s=p50_s, p90_s=p90_s)

    assert is_clearly_shorter(spread(there), spread(here)) == is_shorter


def test_of_two_offices_the_nearer_is_named() -> None:
    minami, kita = sites()
    office = msgspec.structs.replace(kita.site, id="nishi", location=(139.70, 35.60))
    town = Town([minami, kita, msgspec.structs.replace(kita, site=office)])
    town.minami.ready()
    town.minami.service("moving", 4, 31, (70, 95, 120))
    for hub, minutes in zip(town.hubs[1:], (20, 5), strict=True):
        hub.ready()
        hub.service("moving", 1, 1, (minutes, minutes, minutes))
    here = town.minami.mirror.service("moving")
    assert here is not None
    others = [hub.mirror for hub in reversed(town.hubs[1:])]
    found = nearest(here, "moving", minami.site.location, others, town.clock.now())
    assert found is not None
    assert found.site.id == "kita"
    assert found.km == pytest.approx(2.28, abs=0.02)


async def test_an_emergency_stands_above_all_once(town: Town, app: Application) -> None:
    town.busy()
    for hub in town.hubs:
        quake = NoticeResult(
            **hub.times(valid_s=600), severity="emergency", texts={"ja": "外へ避難してください。"}
        )
        hub.say("notice/quake", quake)
    town.settle()
    async with client_of(app) as client:
        html = await text(client, "/?lang=ja")
        assert html.count("外へ避難してください。") == 1
        assert "南区役所 / 北区役所" in html
        town.clock.move(601)
        assert "避難" not in await text(client, "/?lang=ja")


async def test_the_feed_is_of_all_offices(town: Town, app: Application) -> None:
    town.busy()
    async with client_of(app) as client:
        listed = await (await client.get("/api/v1/sites")).json()
        assert [site["id"] for site in listed["sites"]] == ["minami", "kita"]
        assert listed["sites"][1]["url"] == "https://machiai.example.jp/kita/"
        for hub in town.hubs:
            document = await (await client.get(f"/api/v1/sites/{hub.site.id}")).json()
            assert document["site"]["id"] == hub.site.id
            assert [s["id"] for s in document["services"]] == [s.id for s in hub.site.services]
            entities = await (await client.get(f"/api/v1/sites/{hub.site.id}/ngsi-ld")).text()
            assert hub.site.id in entities
        lots = await (await client.get("/api/v1/parkapi/kita")).json()
        assert [lot["id"] for lot in lots["lots"]] == ["north"]
        cities = (await (await client.get("/api/v1/parkapi")).json())["cities"]
        assert cities == {"南区役所": "minami", "北区役所": "kita"}
        described = await (await client.get("/openapi.json")).json()
        assert described["components"]["parameters"]["site"]["schema"]["enum"] == ["minami", "kita"]
        assert (await client.get("/api/v1/sites/nishi")).status == 404
        assert (await client.get("/api/v1/sites/nishi/forecast")).status == 404


async def test_a_change_of_one_office_leaves_the_documents_of_others_as_they_are(
    town: Town, app: Application
) -> None:
    town.busy()
    async with client_of(app) as client:
        tags = {
            hub.site.id: (await client.get(f"/api/v1/sites/{hub.site.id}")).headers["ETag"]
            for hub in town.hubs
        }
        town.kita.service("moving", 3, 20, (40, 50, 60))
        for name, tag in tags.items():
            answer = await client.get(f"/api/v1/sites/{name}", headers={"If-None-Match": tag})
            assert answer.status == (200 if name == "kita" else 304)


async def test_it_is_healthy_while_one_hub_can_be_heard(town: Town, app: Application) -> None:
    town.busy()
    async with client_of(app) as client:
        assert (await (await client.get("/healthz")).json())["lost"] == []
        town.kita.say("state", State(state="lost"))
        town.clock.move(50)
        answer = await client.get("/healthz")
        assert answer.status == 200
        assert (await answer.json())["lost"] == ["kita"]
        town.minami.say("state", State(state="lost"))
        town.clock.move(50)
        assert (await client.get("/healthz")).status == 503


def test_the_front_page_is_told_anew_every_few_seconds_at_most(town: Town) -> None:
    town.busy()
    version = town.city.version
    for waiting in range(20):
        town.kita.service("moving", 1, waiting, (7, 12, 19))
        town.clock.seconds += CALM_S / 10
        town.city.watch()
    assert town.city.version - version == 2
    town.clock.seconds += CALM_S
    town.city.watch()
    last = town.city.version
    town.clock.seconds += CALM_S
    town.city.watch()
    assert town.city.version == last, "nothing was new"


async def test_a_browser_on_the_front_page_hears_of_a_change(town: Town, app: Application) -> None:
    town.busy()
    async with client_of(app) as client, client.get("/stream") as stream:
        while b"ping" not in await stream.content.readline():
            pass
        town.kita.service("moving", 3, 20, (40, 50, 60))
        town.settle()
        line = b""
        while not line.startswith(b"id: "):
            line = await stream.content.readline()
        assert line.decode().strip() == f"id: {town.city.tag}"
        assert f'data-tag="{town.city.tag}"' in await text(client, "/")


def test_a_message_is_heard_by_the_office_that_it_is_of() -> None:
    town = Town()
    said = ServiceResult(**town.kita.times(), state="open", level=3, waiting=9)
    for topic in (
        topics.result("kita", "service/moving"),
        topics.result("nishi", "service/moving"),
        "machiai/v1",
        "nothing",
        "",
    ):
        town.city.apply(topic, codec.encode(said), retain=False)
    found = town.kita.mirror.service("moving")
    assert found is not None
    assert found.waiting == 9
    assert town.minami.mirror.service("moving") is None
    assert town.city.subscriptions == ("machiai/v1/minami/hub/#", "machiai/v1/kita/hub/#")


def mirror_of(site: Site, name: str) -> Mirror:
    office = msgspec.structs.replace(site.site, id=name)
    return Mirror(msgspec.structs.replace(site, site=office), HandClock())


@pytest.mark.parametrize(
    ("ids", "want"),
    [
        (("minami", "kita", "minami"), "want each site once, got 'minami' again - at `$.site.id`"),
        (("minami", "api"), "want another id than 'api', it is taken - at `$.site.id`"),
    ],
)
def test_offices_that_cannot_be_told_apart_are_refused(
    site: Site, ids: tuple[str, ...], want: str
) -> None:
    with pytest.raises(BadSite, match=re.escape(want)):
        City([mirror_of(site, name) for name in ids])


async def test_a_first_visit_is_in_the_readers_language(town: Town, app: Application) -> None:
    town.busy()
    async with client_of(app) as client:
        async with client.get("/", headers={"Accept-Language": "ko"}) as answer:
            html = await answer.text()
        assert '<html lang="ko"' in html
        assert "미나토노시" in html
        kept: dict[str, Any] = json.loads(json.dumps(dict(answer.headers)))
        assert kept["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in kept


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Site files by name; the broker is the one that they name."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    text = KITA.read_text("utf-8").replace("hub.minami.example.jp", "hub.e.jp")
    (tmp_path / "elsewhere.toml").write_text(text, "utf-8")
    (tmp_path / "folder").mkdir()
    there = {name: tmp_path / name for name in ("elsewhere.toml", "folder")}
    return {"minami": EXAMPLE, "kita": KITA, **there}


@pytest.mark.parametrize(
    ("words", "code", "want"),
    [
        (["minami", "minami"], 78, "want each site once, got 'minami' again - at `$.site.id`"),
        (["minami", "elsewhere.toml"], 78, "want one broker for all sites, got hub.e.jp:8883 and"),
        (["minami", "kita", "--demo", "1"], 64, "want one site file with --demo, got 2"),
        (["folder"], 66, "want site files, got a folder without any - "),
        (["minami", "nothing.toml"], 66, "want a site file, got: No such file"),
    ],
    ids=["twice", "two brokers", "demo", "empty folder", "no such file"],
)
def test_a_command_line_that_cannot_be_followed_is_one_clear_line(
    words: list[str],
    code: int,
    want: str,
    files: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert machiai.main(["web", *(str(files.get(word, word)) for word in words)]) == code
    said = capsys.readouterr().err
    assert want in said
    assert said.count("\n") == 1


def test_a_folder_of_site_files_is_a_city(tmp_path: Path) -> None:
    for path in (EXAMPLE, KITA):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    (tmp_path / "notes.txt").write_text("no site file", "utf-8")
    assert [site.id for site in machiai._read_all([tmp_path])] == ["minami", "kita"]
