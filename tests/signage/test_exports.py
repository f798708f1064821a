"""The feed in the formats of others."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from hypothesis import given
from hypothesis import strategies as st
from referencing import Registry, Resource

from models.contract import codec
from models.site import Site
from signage.feed import feed
from signage.feed.bulletin import Bulletin
from signage.feed.exports import atom, cap, ngsi_ld, parkapi, schema_org
from signage.feed.exports.xml import element, written
from signage.web import web_app
from tests.broker.rig import SITE
from tests.signage.office import HandClock, Hub

STATES = ("busy", "ageing", "stale", "closed", "no_data", "paused")
TOKYO = (139.7, 35.69)
COMMON = "https://smart-data-models.github.io/data-models/common-schema.json"
CAP = {"cap": cap.NAMESPACE}
ATOM = {"atom": atom.NAMESPACE}
ALERT = ["identifier", "sender", "sent", "status", "msgType", "scope", "references", "info"]
INFO = [
    "language", "category", "event", "urgency", "severity", "certainty", "effective", "onset",
    "expires", "senderName", "headline", "description", "web",
]  # fmt: skip
"""The order that CAP 1.2 wants, of what is used here."""


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


def entities(hub: Hub) -> list[dict[str, Any]]:
    """As they are served."""
    document = feed.document(hub.mirror, hub.clock.now())
    made = [codec.plain(entity) for entity in ngsi_ld.entities(document, hub.site, TOKYO)]
    found: list[dict[str, Any]] = json.loads(msgspec.json.encode(made))
    return found


def model(folder: Path, kind: str) -> jsonschema.Draft202012Validator:
    """A Smart Data Model, its references resolved to the copy beside it."""
    schemas = folder / "data" / "schemas"
    common = json.loads((schemas / "common-schema.json").read_text("utf-8"))
    registry: Registry[Any] = Registry().with_resource(COMMON, Resource.from_contents(common))
    schema = json.loads((schemas / f"{kind}.schema.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(
        schema, registry=registry, format_checker=jsonschema.FormatChecker()
    )


@pytest.mark.parametrize("state", STATES)
def test_every_entity_is_as_the_smart_data_models_say(shared: Path, hub: Hub, state: str) -> None:
    getattr(hub, state)()
    found = entities(hub)
    assert {"OffStreetParking", "QueueMonitor"} <= {entity["type"] for entity in found}
    for entity in found:
        model(shared, entity["type"]).validate(entity)
        longitude, latitude = entity["location"]["coordinates"]
        assert (longitude, latitude) == TOKYO


def test_the_models_refuse_what_is_wrong(shared: Path, hub: Hub) -> None:
    hub.busy()
    for entity in entities(hub):
        wrong = {**entity, "type": "Bench"}
        with pytest.raises(jsonschema.ValidationError):
            model(shared, entity["type"]).validate(wrong)


def test_entities_say_what_the_office_says(hub: Hub) -> None:
    hub.busy()
    found = {entity["id"]: entity for entity in entities(hub)}
    front = found["urn:ngsi-ld:OffStreetParking:minami:front"]
    assert (front["availableSpotNumber"], front["occupiedSpotNumber"]) == (12, 28)
    assert front["status"] == ["open", "spacesAvailable"]
    assert found["urn:ngsi-ld:CrowdFlowObserved:minami:lobby"]["peopleCount"] == 42
    moving = found["urn:ngsi-ld:QueueMonitor:minami:moving"]
    assert (moving["serviceStatus"], moving["ticketsToServe"]) == ("Open", 8)


def test_a_car_park_whose_place_nobody_told_is_no_entity(hub: Hub) -> None:
    hub.busy()
    document = feed.document(hub.mirror, hub.clock.now())
    made = ngsi_ld.entities(document, hub.site, None)
    assert {type(entity) for entity in made} == {ngsi_ld.CrowdFlowObserved, ngsi_ld.QueueMonitor}


def test_what_is_stale_is_left_out_and_never_null(hub: Hub) -> None:
    hub.stale()
    found = {entity["id"]: entity for entity in entities(hub)}
    assert "urn:ngsi-ld:CrowdFlowObserved:minami:lobby" not in found
    for entity in found.values():
        assert None not in entity.values()
        assert not {"availableSpotNumber", "ticketsToServe", "status", "serviceStatus"} & set(
            entity
        )


@pytest.mark.parametrize(
    ("state", "told", "free"),
    [
        ("busy", "open", 12),
        ("paused", "open", 0),
        ("closed", "closed", None),
        ("stale", "nodata", None),
        ("no_data", "nodata", None),
    ],
)
def test_parkapi_tells_free_only_while_it_is_known(
    hub: Hub, state: str, told: str, free: int | None
) -> None:
    getattr(hub, state)()
    document = feed.document(hub.mirror, hub.clock.now())
    made = parkapi.city(document, hub.site, TOKYO)
    lot = json.loads(msgspec.json.encode(made))["lots"][0]
    assert (lot["state"], lot.get("free")) == (told, free)
    assert ("free" in lot) == (free is not None), "ParkAPI has no null"
    assert lot["coords"] == {"lat": 35.69, "lng": 139.7}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", made.last_updated)


def test_the_page_says_to_search_engines_what_the_office_is(site: Site) -> None:
    now = HandClock().now()
    made = json.loads(schema_org.json_ld(site, "en", now))
    assert (made["@type"], made["name"]) == ("GovernmentOffice", "Minami Ward Office")
    week = made["openingHoursSpecification"][0]
    assert (week["opens"], week["closes"], len(week["dayOfWeek"])) == ("08:30", "17:15", 5)
    new_year = [day["validFrom"] for day in made["specialOpeningHoursSpecification"]]
    assert "2027-01-01" in new_year
    assert made["makesOffer"][0]["itemOffered"]["name"] == "Certificates"


@given(st.text(max_size=40))
def test_no_name_can_end_the_element_that_holds_it(name: str) -> None:
    site = Hub(_site_named(name), HandClock()).site
    said = schema_org.json_ld(site, "en", HandClock().now())
    assert not {"<", ">", "&"} & set(said)
    assert json.loads(said)["name"] == name


def _site_named(name: str) -> Site:
    return msgspec.structs.replace(SITE, site=msgspec.structs.replace(SITE.site, name={"en": name}))


def told(hub: Hub, bulletin: Bulletin) -> list[ET.Element]:
    """The messages that stand, the newest first, each in the order of CAP."""
    bulletin.follow(feed.notices(hub.mirror, hub.clock.now()), hub.clock.now())
    roots = []
    for alert in bulletin.alerts:
        root = ET.fromstring(cap.render(alert, hub.site, test=False))  # noqa: S314  our own
        assert root.tag == f"{{{cap.NAMESPACE}}}alert"
        for part, order in [(root, ALERT), *((i, INFO) for i in root.findall("cap:info", CAP))]:
            places = [order.index(child.tag.partition("}")[2]) for child in part]
            assert places == sorted(places)
        roots.append(root)
    return roots


def said(root: ET.Element, name: str) -> str:
    found = root.find(f"cap:{name}", CAP)
    return "" if found is None else found.text or ""


def test_a_notice_is_told_told_anew_and_taken_back(hub: Hub) -> None:
    hub.ready()
    bulletin = Bulletin(hub.site.id)
    assert told(hub, bulletin) == []
    hub.notice("water", "warning", "本日14時から断水します。1階のお手洗いは使えません。")
    (first,) = told(hub, bulletin)
    assert said(first, "msgType") == "Alert"
    assert said(first, "sent") == "2026-11-24T01:32:00-00:00"
    infos = first.findall("cap:info", CAP)
    assert [said(info, "language") for info in infos] == ["ja", "en"]
    assert {said(info, "severity") for info in infos} == {"Moderate"}
    assert said(infos[0], "senderName") == "南区役所"
    assert said(infos[0], "expires") == "2026-11-24T03:32:00-00:00"
    assert first.find(".//cap:area", CAP) is None

    hub.clock.move(60)
    assert [said(root, "identifier") for root in told(hub, bulletin)] == [said(first, "identifier")]
    hub.notice("water", "warning", "断水は16時までです。1階のお手洗いは使えません。")
    (second,) = told(hub, bulletin)
    assert said(second, "msgType") == "Update"
    name = f"machiai.example.jp,{said(first, 'identifier')},2026-11-24T01:32:00-00:00"
    assert said(second, "references") == name

    hub.clock.move(60)
    hub.say("notice/water", None)
    (third,) = told(hub, bulletin)
    assert said(third, "msgType") == "Cancel"
    assert len(said(third, "references").split(" ")) == 2
    assert len({said(root, "identifier") for root in (first, second, third)}) == 3

    hub.clock.move(7200)
    assert told(hub, bulletin) == []


def test_a_notice_that_runs_out_is_not_taken_back(hub: Hub) -> None:
    hub.ready()
    bulletin = Bulletin(hub.site.id)
    hub.notice("water", "warning", "本日14時から断水します。")
    told(hub, bulletin)
    hub.clock.move(7200)
    assert told(hub, bulletin) == []


@given(st.text(), st.text())
def test_any_text_is_xml_that_can_be_read(text: str, attribute: str) -> None:
    root = ET.Element("root")
    element(root, "said", text, href=attribute)
    read = ET.fromstring(written(root))  # noqa: S314  our own
    assert "�" in (read[0].text or "") or (read[0].text or "") == text.replace(
        "\r\n", "\n"
    ).replace("\r", "\n")


async def test_notices_are_served_as_atom_and_lead_to_their_messages(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    address = "/api/v1/sites/minami/notices/en.atom"
    async with TestClient(TestServer(app)) as client:
        empty = await client.get(address)
        assert empty.content_type == "application/atom+xml"
        hub.paused()
        listed = await client.get(address)
        assert listed.headers["ETag"] != empty.headers["ETag"]
        feed_of = ET.fromstring(await listed.text())  # noqa: S314  our own
        entries = feed_of.findall("atom:entry", ATOM)
        assert len(entries) == 2
        for entry in entries:
            content, link = entry.find("atom:content", ATOM), entry.find("atom:link", ATOM)
            assert content is not None
            assert link is not None
            assert (content.text or "").startswith("The water is cut")
            there = await client.get(link.attrib["href"].removeprefix("https://machiai.example.jp"))
            assert there.content_type == "application/cap+xml"
            assert said(ET.fromstring(await there.text()), "status") == "Test"  # noqa: S314
        assert (await client.get("/api/v1/sites/minami/notices/xx.atom")).status == 404


async def test_a_notice_that_nobody_asked_for_while_it_stood_is_still_taken_back(
    hub: Hub, app: Application
) -> None:
    hub.ready()
    async with TestClient(TestServer(app)) as client:
        hub.notice("water", "warning", "本日14時から断水します。")
        await client.get("/healthz")
        hub.say("notice/water", None)
        listed = await (await client.get("/api/v1/sites/minami/notices/ja.atom")).text()
    assert 'term="Cancel"' in listed


@pytest.mark.parametrize("path", ["/api/v1/parkapi/minami", "/api/v1/sites/minami/ngsi-ld"])
async def test_an_export_ends_with_its_values(hub: Hub, app: Application, path: str) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        assert "nodata" not in await (await client.get(path)).text()
        fresh = (await client.get(path)).headers["ETag"]
        hub.clock.at += timedelta(seconds=89)
        assert (await client.get(path)).headers["X-Accel-Expires"] == "0"
        hub.clock.at += timedelta(seconds=1)
        gone = await client.get(path, headers={"If-None-Match": fresh})
        assert gone.status == 200
        assert '"free":' not in await gone.text()
        assert "peopleCount" not in await gone.text()
