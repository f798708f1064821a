"""What Home Assistant is told that there is.

The schema is that of home-assistant.io (MQTT Discovery, MQTT Sensor, MQTT Binary sensor, Sensor
device classes), as far as we use it; that a real one takes all of it is `make test-ha`.
"""

import re
from collections import Counter
from typing import Any

import jsonschema
import msgspec
import pytest

from models.site import Site
from signage.homeassistant.entities import configs, things, words_of
from tests.conftest import ROOT
from tests.homeassistant.office import office

TEXT = {"type": "string", "minLength": 1}
TOPIC = {"type": "string", "pattern": "^machiai/homeassistant/[a-z0-9-]+(/[a-z0-9-]+){1,2}$"}
TEMPLATE = {"type": "string", "pattern": r"^\{\{ .+ \}\}$"}
DEVICE = {
    "type": "object",
    "required": ["identifiers", "name", "manufacturer", "model"],
    "properties": {
        "identifiers": {"type": "array", "items": TEXT, "minItems": 1},
        **dict.fromkeys(
            ("name", "manufacturer", "model", "suggested_area", "sw_version", "via_device"), TEXT
        ),
        "configuration_url": {"type": "string", "pattern": "^https?://"},
    },
    "additionalProperties": False,
}
COMMON: dict[str, Any] = {
    **dict.fromkeys(("name", "unique_id"), TEXT),
    "object_id": {"type": "string", "pattern": "^[a-z0-9_]+$"},
    "default_entity_id": {"type": "string", "pattern": r"^(binary_)?sensor\.[a-z0-9_]+$"},
    "state_topic": TOPIC,
    "value_template": TEMPLATE,
    "availability_mode": {"const": "all"},
    "availability": {
        "type": "array",
        "minItems": 2,
        "items": {
            "type": "object",
            "required": ["topic"],
            "properties": {"topic": TOPIC, "value_template": TEMPLATE},
            "additionalProperties": False,
        },
    },
    "expire_after": {"type": "integer", "minimum": 1},
    "device": DEVICE,
    "origin": {"type": "object", "required": ["name"]},
}
FREE = {"icon": {"type": "string", "pattern": "^mdi:[a-z-]+$"}, "entity_category": TEXT}
NUMBER = {
    "state_class": {"const": "measurement"},
    "unit_of_measurement": TEXT,
    "suggested_display_precision": {"type": "integer"},
}
UNITS = {"duration": ["min", "d"], "temperature": ["°C"]}
"""Units that a device class may have, of those that we use."""


def schema(component: str, device_class: str | None) -> dict[str, Any]:
    """What an entity may say of itself."""
    if component == "binary_sensor":
        own = {
            "device_class": {"enum": ["connectivity", "problem"]},
            "payload_on": {"const": "True"},
            "payload_off": {"const": "False"},
        }
    elif device_class == "enum":
        own = {
            "device_class": {"const": "enum"},
            "options": {"type": "array", "items": TEXT, "minItems": 2, "uniqueItems": True},
        }
    elif device_class is not None:
        unit = {"enum": UNITS[device_class]}
        own = NUMBER | {"device_class": {"const": device_class}, "unit_of_measurement": unit}
    else:
        own = NUMBER
    return {
        "type": "object",
        "required": [*COMMON, *(["options"] if device_class == "enum" else [])],
        "properties": {**COMMON, **FREE, **own},
        "additionalProperties": False,
    }


def decoded(site: Site) -> dict[str, Any]:
    made = configs(site, words_of(site), 30)
    return {topic: msgspec.json.decode(payload) for topic, payload in made.items()}


@pytest.mark.parametrize("language", ["ja", "en", "ja-Hira", "vi"])
def test_each_entity_is_one_that_home_assistant_knows(language: str) -> None:
    site = office()
    named = msgspec.structs.replace(site.site, languages=(language,))
    for topic, config in decoded(msgspec.structs.replace(site, site=named)).items():
        component, node, name, leaf = topic.split("/")
        jsonschema.validate(config, schema(component, config.get("device_class")))
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", node + name)
        assert leaf == "config"
        assert config["default_entity_id"] == f"{component}.{config['object_id']}"


def test_every_thing_of_the_office_is_a_device_behind_the_office() -> None:
    site = office()
    devices = {c["device"]["identifiers"][0]: c["device"] for c in decoded(site).values()}
    wanted = {
        *(f"service/{one.id}" for one in site.services),
        *(f"lot/{one.id}" for one in site.car_parks),
        *(f"zone/{one.id}" for one in site.zones),
        *(f"device/{one.id}" for one in site.devices),
        *(f"display/{one.id}" for one in site.displays),
    }
    assert set(devices) == {"machiai/minami"} | {f"machiai/minami/{one}" for one in wanted}
    behind = {name for name, device in devices.items() if device.get("via_device")}
    assert behind == set(devices) - {"machiai/minami"}
    assert devices["machiai/minami/service/moving"] == {
        "identifiers": ["machiai/minami/service/moving"],
        "name": "引っ越し・届出",
        "manufacturer": "machiai",
        "model": "窓口の手続き",
        "suggested_area": "1階ロビー",
        "via_device": "machiai/minami",
    }


def test_no_two_entities_share_an_id_and_no_language_changes_one() -> None:
    site = office()
    english = msgspec.structs.replace(
        site, site=msgspec.structs.replace(site.site, languages=("en",))
    )
    ids = {topic: (c["unique_id"], c["object_id"]) for topic, c in decoded(site).items()}
    assert ids == {topic: (c["unique_id"], c["object_id"]) for topic, c in decoded(english).items()}
    for column in zip(*ids.values(), strict=True):
        assert not [name for name, count in Counter(column).items() if count > 1]


def test_the_office_comes_first_so_that_others_can_be_behind_it() -> None:
    first = next(iter(decoded(office()).values()))
    assert first["device"]["identifiers"] == ["machiai/minami"]


def test_the_page_counts_the_entities_of_the_example_office() -> None:
    page = (ROOT / "docs" / "home-assistant.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w[\w ]*) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    site = office()
    told = {kind: (int(count), int(entities)) for kind, count, entities in rows}
    made: dict[str, list[int]] = {}
    for thing in things(site):
        made.setdefault(thing.kind, []).append(len(thing.shown))
    counted = {kind: (len(each), sum(each)) for kind, each in made.items()}
    whole = (sum(n for n, _ in counted.values()), len(decoded(site)))
    assert told == counted | {"all": whole}


def test_the_page_names_each_entity() -> None:
    page = (ROOT / "docs" / "home-assistant.md").read_text("utf-8")
    fields = {shown.field for thing in things(office()) for shown in thing.shown}
    assert not {field for field in fields if f"`{field}`" not in page}
