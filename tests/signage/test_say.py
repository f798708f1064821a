"""What a telephone says: the words of the page, in one line that an SMS can hold."""

from datetime import timedelta

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from models.contract.results import ServiceResult, Spread
from models.site import Site
from models.wait.told import told
from signage.feed.say import LONGEST_LINE, Sayer, spoken
from signage.painter import Painter
from signage.web import web_app
from signage.wording import LANGUAGES, Words
from tests.signage.office import Hub

SAY = "/api/v1/sites/minami/say.txt"
STATES = ("busy", "full", "crowded", "ageing", "stale", "closed", "no_data", "paused", "emergency")
ABOUT = {
    "ja": "引っ越し・届出は約20分です。",
    "ja-Hira": "引っ越し・届けは、だいたい 20分です。",
    "en": "Moving: about 20 minutes.",
    "zh-Hans": "搬家、登记：大约20分钟。",
    "zh-Hant": "搬家、登記：大約20分鐘。",
    "ko": "이사·신고 대기 시간은 약 20분입니다.",
    "vi": "Chuyển nhà, khai báo: khoảng 20 phút.",
    "pt-BR": "Mudança de endereço: cerca de 20 minutos.",
    "tl": "Paglipat ng tirahan: mga 20 minuto.",
}


@pytest.fixture
def app(hub: Hub) -> web.Application:
    return web_app(hub.site, hub.mirror, hub.clock)


def said(hub: Hub, language: str = "ja", service: str = "") -> list[str]:
    body, _ = Sayer(hub.mirror, language).render(hub.clock.now(), service)
    return body.decode().splitlines()


def test_each_service_is_a_sentence_and_the_time_is_the_last(hub: Hub) -> None:
    hub.busy()
    assert said(hub) == [
        "住民票・証明は5分以内です。",
        "引っ越し・届出は約20分です。",
        "国民健康保険は20分から60分です。",
        "マイナンバーは60分以上です。",
        "確定申告・相談会場は10分から40分です。",
        "10時32分現在。",
    ]
    assert said(hub, service="moving") == ["引っ越し・届出は約20分です。", "10時32分現在。"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_said_in_each_language_without_what_is_for_the_eye(hub: Hub, language: str) -> None:
    hub.busy()
    lines = said(hub, language)
    assert lines[1] == ABOUT[language]
    assert len(lines) == 6
    for line in lines:
        assert not set("（()–～") & set(line)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", STATES)
def test_every_line_fits_an_sms_and_its_minutes_are_those_of_the_page(
    hub: Hub, state: str, language: str
) -> None:
    getattr(hub, state)()
    now = hub.clock.now()
    board = Painter(hub.site, Words(language, hub.site.zone_info)).board(hub.mirror, now)
    lines = said(hub, language)
    told_lines = lines[-1 - len(board.services) : -1]
    for line, row in zip(told_lines, board.services, strict=True):
        assert 0 < len(line) <= LONGEST_LINE
        assert "  " not in line
        result = hub.mirror.service(row.id)
        has_wait = row.has_values and result is not None and result.wait is not None
        if has_wait:
            assert result is not None
            assert result.wait is not None
            for minutes in told(result.wait).minutes:
                assert str(minutes) in line
        else:
            assert spoken(row.word) in line


@pytest.mark.parametrize("state", ["stale", "no_data"])
def test_an_old_value_is_never_said(hub: Hub, state: str) -> None:
    getattr(hub, state)()
    assert said(hub)[0].startswith("住民票・証明、確認中")
    assert "分です" not in "".join(said(hub))


def test_what_ages_is_said_with_its_age_and_what_is_closed_with_its_opening(hub: Hub) -> None:
    hub.ageing()
    assert "分前。" in said(hub)[0]
    hub.closed()
    assert "受付時間外" in said(hub)[0]
    assert "曜日、" in said(hub)[0]
    hub.paused()
    assert any("休止中" in line for line in said(hub))


def test_an_emergency_is_said_first(hub: Hub) -> None:
    hub.busy()
    calm = said(hub)
    hub.emergency()
    lines = said(hub)
    assert lines[0] not in calm
    assert lines[1:] == calm


@pytest.mark.parametrize("language", ["ja", "en", "vi"])
def test_a_name_gives_way_and_what_is_said_of_it_does_not(hub: Hub, language: str) -> None:
    hub.busy()
    long = dict.fromkeys(hub.site.site.languages, f"{language} " + "字" * 200)
    services = (msgspec.structs.replace(hub.site.services[0], name=long), *hub.site.services[1:])
    site: Site = msgspec.structs.replace(hub.site, services=services)
    other = Hub(site, hub.clock)
    other.busy()
    line = said(other, language)[0]
    assert len(line) == LONGEST_LINE
    assert "字…" in line
    assert "5" in line
    assert line[-1] in ".。"


def test_people_are_said_where_no_wait_is_known(hub: Hub) -> None:
    hub.busy()
    shown = ServiceResult(**hub.times(), state="open", level=2, waiting=8, basis="queue")
    hub.say("service/moving", shown)
    assert said(hub, service="moving")[0] == "引っ越し・届出、やや混雑、8人待ち。"
    wide = msgspec.structs.replace(shown, wait=Spread(p10_s=0, p50_s=60, p90_s=1700))
    hub.say("service/moving", wide)
    assert said(hub, service="moving")[0] == "引っ越し・届出は30分以内です。"


async def test_it_is_plain_text_that_is_cached_until_it_ends(
    hub: Hub, app: web.Application
) -> None:
    async with TestClient(TestServer(app)) as client:
        assert (await client.get(SAY)).status == 503
        hub.busy()
        answer = await client.get(SAY, params={"lang": "en", "service": "moving"})
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"].startswith("public, max-age=5")
        assert await answer.text() == "Moving: about 20 minutes.\nas of 10:32.\n"
        assert (await (await client.get(SAY)).text()).startswith("住民票・証明は")
        again = {"If-None-Match": answer.headers["ETag"]}
        same = await client.get(f"{SAY}?lang=en&service=moving", headers=again)
        assert same.status == 304
        hub.clock.move(timedelta(seconds=91).total_seconds())
        late = await client.get(f"{SAY}?lang=en&service=moving", headers=again)
        assert (await late.text()).startswith("Moving: Checking")
        for query in ("lang=xx", "service=none", "lang=xx&service=none"):
            wrong = await client.get(f"{SAY}?{query}")
            assert wrong.status == 404
            assert wrong.headers["Content-Type"] == "application/problem+json"
