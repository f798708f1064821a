"""The notice of a camera says what it does: it is held against the camera's own settings."""

import re
from datetime import date
from html import unescape
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from hypothesis import given
from hypothesis import strategies as st

from edge.sensors import sensors_of
from models.errors import BadSite
from models.sensing.notice import notices, unapproved
from models.site import Cameras, Device, Site, parse
from signage.pages.cameras import view_of
from signage.web import web_app
from signage.wording import LANGUAGES, Words, catalogue
from tests.signage.office import EXAMPLE, HandClock, Hub

APPROVED = date(2026, 11, 1)
SITE = parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name)
SAID = {language: Words(language, SITE.zone_info) for language in LANGUAGES}
LOBBY, DOOR = {"zone": "lobby"}, {"line": "entrance", "from": [0.1, 0.5], "to": [0.9, 0.5]}
LOT = {"lot": "front", "slots": [[[0, 0], [0.5, 0], [0.5, 0.5]]]}


def camera(**settings: object) -> dict[str, Any]:
    return {"kind": "camera", "source": "/dev/video0", **settings}


def with_device(*sensors: dict[str, Any], **changes: Any) -> Site:  # noqa: ANN401  of any key
    """The example with one device, `pi`."""
    return msgspec.structs.replace(SITE, devices=(Device(id="pi", sensors=sensors),), **changes)


def app_of(site: Site) -> Application:
    hub = Hub(site, HandClock())
    hub.ready()
    return web_app(site, hub.mirror, hub.clock)


@pytest.fixture
def app(site: Site) -> Application:
    return app_of(site)


@pytest.fixture
def draft() -> Application:
    return app_of(with_device(camera(zones=[LOBBY])))


@pytest.fixture
def without() -> Application:
    return app_of(with_device())


async def text(app: Application, path: str, status: int = 200) -> str:
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path)
        assert response.status == status
        return unescape(await response.text())


SEEN = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "zones": st.just([LOBBY]),
            "lines": st.just([DOOR]),
            "lots": st.just([LOT]),
            "approved": st.just(APPROVED),
        },
    ).filter(lambda settings: settings.keys() & {"zones", "lines", "lots"}),
    min_size=1,
    max_size=3,
)


@given(seen=SEEN, language=st.sampled_from(LANGUAGES))
def test_what_is_counted_is_what_the_camera_emits(
    seen: list[dict[str, Any]], language: str
) -> None:
    site = with_device(*(camera(**settings) for settings in seen))
    emitted = {
        (output.kind, output.name)
        for sensor in sensors_of(site, site.devices[0])
        for output in sensor.outputs()
    }
    (notice,) = notices(site)
    assert emitted == {
        *(("people", zone.id) for zone in notice.zones),
        *(("crossing", line.id) for line in notice.lines),
        *(("cars", lot.id) for lot in notice.lots),
    }
    said, words = view_of(notice, site, SAID[language]), SAID[language]
    assert len(said.counted) == len(said.places) == len(emitted)
    kinds = {kind == "cars" for kind, _ in emitted}
    one = words("cameras.cars" if kinds == {True} else "cameras.people")
    assert said.title == (words("cameras.both") if len(kinds) > 1 else one)
    may_count = all("approved" in settings for settings in seen)
    assert (said.since != "") == may_count
    assert (list(unapproved(site, {"pi"})) == []) == may_count


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("/dev/video0", "cameras.kept"),
        ("rpicam:0", "cameras.kept"),
        ("rtsp://192.0.2.20/stream1", "cameras.network"),
        ("http://192.0.2.20/mjpeg", "cameras.network"),
    ],
)
def test_a_picture_that_goes_over_the_network_is_not_said_to_stay(source: str, key: str) -> None:
    site = with_device(camera(source=source, zones=[LOBBY]))
    for words in SAID.values():
        assert view_of(notices(site)[0], site, words).kept == words(key)


def test_a_device_says_its_earliest_day_and_waits_for_its_last_approval() -> None:
    early, late = date(2026, 11, 1), date(2026, 12, 1)
    both = (
        camera(zones=[LOBBY], approved=late),
        camera(lines=[DOOR], approved=early, since=date(2026, 11, 24)),
    )
    (notice,) = notices(with_device(*both))
    assert (notice.approved, notice.since) == (late, date(2026, 11, 24))
    (notice,) = notices(with_device(*both, camera(lots=[LOT])))
    assert notice.approved is None


def test_what_the_office_says_itself_stands_in_the_notice() -> None:
    own = Cameras(
        operator={"en": "Facilities"}, contact={"en": "ext. 12"}, purpose={"en": "To plan staff"}
    )
    site = with_device(camera(zones=[LOBBY]), cameras=own)
    said = view_of(notices(site)[0], site, SAID["en"])
    assert (said.operator, said.contact, said.purposes) == (
        "Facilities",
        "ext. 12",
        ("To plan staff",),
    )


def test_why_a_camera_must_not_count_is_told_with_its_path() -> None:
    button = {"kind": "button", "button": "next-c6", "pin": 5}
    site = with_device(button, camera(zones=[LOBBY]))
    (why,) = unapproved(site, {"pi"})
    assert why == (
        "want the day on which the notice of this camera was approved, got none (docs/privacy.md)"
        " - at `$.devices[0].sensors[1].approved`"
    )
    assert list(unapproved(site, {"another"})) == []
    office = msgspec.structs.replace(site.site, contact=None)
    nobody = with_device(camera(zones=[LOBBY], approved=APPROVED), site=office)
    assert list(unapproved(nobody, {"pi"})) == [
        "want whom to ask about the cameras, got nobody - at `$.cameras.contact`"
    ]
    assert list(unapproved(with_device(button, site=office), {"pi"})) == []


def test_a_day_that_is_none_is_refused_with_its_path() -> None:
    site = with_device(camera(zones=[LOBBY], approved="soon"))
    with pytest.raises(BadSite, match=r"`\$\.devices\[0\]\.sensors\[0\]\.approved`"):
        notices(site)
    with pytest.raises(BadSite, match=r"`\$\.devices\[0\]\.sensors\[0\]\.approved`"):
        sensors_of(site, site.devices[0])


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_tells_every_camera_in_every_language(
    app: Application, language: str
) -> None:
    html = re.sub(
        r"<rp>.*?</rp>|<rt>.*?</rt>|<[^>]+>",
        "",
        await text(app, f"/privacy/cameras?lang={language}"),
    )
    words = SAID[language]
    for key in ("people", "cars", "kept", "network", "purpose", "zero", "setup", "poster"):
        said = re.sub(r"（[ぁ-ゖー]+）", "", words(f"cameras.{key}"))
        assert said in html, key
    assert re.sub(r"（[ぁ-ゖー]+）", "", words.full_date(date(2026, 11, 24))) in html


async def test_a_sheet_says_all_in_three_languages_and_what_matters_in_the_others(
    app: Application,
) -> None:
    html = await text(app, "/privacy/cameras/cam-door/poster")
    for language in LANGUAGES:
        assert f'lang="{language}"' in html
    assert "People who go in and out: Main entrance" in html
    assert "正面入口を出入りする人の数" in html
    assert catalogue("tl")["cameras.kept"][0] in html
    assert "<title>https://machiai.example.jp/privacy/cameras</title>" in html, "the QR"
    assert "草案" not in html
    assert "案（承認前）" not in html


async def test_a_sheet_that_is_not_approved_is_a_draft_and_the_page_says_so(
    draft: Application,
) -> None:
    assert "案（承認前）" in await text(draft, "/privacy/cameras/pi/poster")
    assert "Not in use yet" in await text(draft, "/privacy/cameras?lang=en")


async def test_where_no_camera_counts_the_page_says_so(without: Application) -> None:
    assert "No camera counts here." in await text(without, "/privacy/cameras?lang=en")
    await text(without, "/privacy/cameras/desk/poster", status=404)


async def test_the_foot_of_the_page_leads_to_both_statements(app: Application) -> None:
    html = await text(app, "/?lang=en")
    assert 'href="/privacy/cameras?lang=en"' in html
    assert 'href="/accessibility?lang=en"' in html


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_statement_on_accessibility_names_standards_limits_and_whom_to_ask(
    app: Application, language: str
) -> None:
    html = await text(app, f"/accessibility?lang={language}")
    for wanted in ("JIS X 8341-3:2016", "WCAG 2.2", "axe-core", "machiai 0.", "03-0000-0000"):
        assert wanted in html
