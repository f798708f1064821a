"""What devices of other makes say, written by hand from the documents that `document` names."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import (
    Cars,
    Counter,
    Crossing,
    Direction,
    People,
    Press,
    Pulse,
    Reading,
)
from models.errors import BadPayload
from models.sensing.foreign import MAX_BYTES, Aim, Aimed, Foreign, Presence, Refused, Rule, Word
from models.sensing.profiles import HOOKS, PROFILES, Names

IN, OUT = Pulse(direction="in"), Crossing(direction="out")
OPEN, SHUT = Counter(open=True), Counter(open=False)
SHORT, DOUBLE, LONG = (Press(gesture=gesture) for gesture in ("short", "double", "long"))
NOW_S = 1_795_483_925.0
DIRECTIONS: dict[Aim, Direction] = {"gate": "in", "line": "out"}


def notified(method: str, **params: object) -> bytes:
    """A frame of a Shelly on `<id>/events/rpc`, as its page of notifications shows it."""
    params = {"ts": NOW_S - 0.5, **params}
    frame = {"src": "shellyplus1-a8032abe54dc", "dst": "shellyplus1-a8032abe54dc/events"}
    return json.dumps({**frame, "method": method, "params": params}).encode()


def pushed(event: str, component: str = "input:0", ts: float = NOW_S) -> bytes:
    event_ = {"component": component, "id": int(component[-1]), "event": event, "ts": ts}
    return notified("NotifyEvent", events=[event_])


SAID: list[tuple[str, Aim, str, str, list[bytes], list[Reading]]] = [
    # https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
    ("zigbee2mqtt", "button", "", "zigbee2mqtt/desk", [b'{"action":"single"}'], [SHORT]),
    (
        "zigbee2mqtt",
        "button",
        "",
        "zigbee2mqtt/desk",
        [b'{"action":"double","battery":97}', b'{"action":""}', b'{"battery":97,"voltage":3000}'],
        [DOUBLE],
    ),
    (
        "zigbee2mqtt",
        "button",
        "",
        "zigbee2mqtt/desk",
        [b'{"action":"hold"}', b'{"action":"release"}'],
        [LONG],
    ),
    (
        "zigbee2mqtt",
        "counter",
        "",
        "zigbee2mqtt/desk",
        [b'{"contact":false}', b'{"contact":false,"battery":88}', b'{"contact":true}'],
        [OPEN, SHUT],
    ),
    # https://tasmota.github.io/docs/Buttons-and-Switches/ and .../Commands/#setoption73
    ("tasmota", "button", "", "stat/desk/RESULT", [b'{"Button1":{"Action":"SINGLE"}}'], [SHORT]),
    ("tasmota", "button", "", "stat/desk/BUTTON1", [b'{"ACTION":"DOUBLE"}'], [DOUBLE]),
    ("tasmota", "button", "Button2", "stat/desk/BUTTON2", [b'{"ACTION":"HOLD"}'], [LONG]),
    ("tasmota", "button", "Button2", "stat/desk/RESULT", [b'{"Button1":{"Action":"HOLD"}}'], []),
    ("tasmota", "counter", "", "stat/desk/RESULT", [b'{"Switch1":{"Action":"ON"}}'], [OPEN]),
    (
        "tasmota",
        "counter",
        "",
        "tele/desk/SENSOR",
        [
            b'{"Time":"2021-01-01T00:00:00","Switch1":"OFF"}',
            b'{"Time":"2021-01-01T00:00:01","Switch1":"ON"}',
        ],
        [SHUT, OPEN],
    ),
    ("tasmota", "gate", "", "stat/desk/POWER", [b"ON", b"OFF", b"ON"], [IN, IN]),
    ("tasmota", "gate", "Switch1", "stat/desk/RESULT", [b'{"Switch1":{"Action":"ON"}}'], [IN]),
    (
        "tasmota",
        "gate",
        "C1",
        "tele/desk/SENSOR",
        [
            b'{"Time":"2026-11-24T10:00:00","COUNTER":{"C1":2147483650}}',
            b'{"Time":"2026-11-24T10:00:10","COUNTER":{"C1":2147483652}}',
            b'{"Time":"2026-11-24T10:00:20","COUNTER":{"C1":2147483652}}',
        ],
        [IN, IN],
    ),
    # https://shelly-api-docs.shelly.cloud/gen2/General/Notifications and .../Components/.../Input
    (
        "shelly",
        "button",
        "",
        "desk/events/rpc",
        [pushed("btn_down"), pushed("single_push")],
        [SHORT],
    ),
    ("shelly", "button", "", "desk/events/rpc", [pushed("double_push")], [DOUBLE]),
    ("shelly", "button", "", "desk/events/rpc", [pushed("long_push")], [LONG]),
    ("shelly", "button", "", "desk/events/rpc", [pushed("single_push", "input:1")], []),
    ("shelly", "button", "input:1", "desk/events/rpc", [pushed("long_push", "input:1")], [LONG]),
    (
        "shelly",
        "counter",
        "",
        "desk/events/rpc",
        [
            notified("NotifyStatus", **{"input:0": {"id": 0, "state": True}}),
            notified("NotifyStatus", cloud={"connected": False}),
            notified("NotifyStatus", **{"input:0": {"id": 0, "state": False}}),
        ],
        [OPEN, SHUT],
    ),
    (
        "shelly",
        "gate",
        "input:2",
        "desk/events/rpc",
        [
            notified("NotifyStatus", **{"input:2": {"id": 2, "counts": {"total": 812}}}),
            notified("NotifyStatus", **{"input:2": {"id": 2, "counts": {"total": 815}}}),
        ],
        [IN, IN, IN],
    ),
    (
        "shelly",
        "gate",
        "switch:0",
        "desk/events/rpc",
        [
            notified("NotifyStatus", **{"switch:0": {"id": 0, "output": True, "source": "button"}}),
            notified("NotifyStatus", **{"switch:0": {"id": 0, "output": False, "source": "timer"}}),
        ],
        [IN],
    ),
    # https://esphome.io/components/mqtt.html
    ("esphome", "button", "bell", "desk/binary_sensor/bell/state", [b"ON", b"OFF"], [SHORT]),
    (
        "esphome",
        "counter",
        "shutter",
        "desk/binary_sensor/shutter/state",
        [b"ON", b"OFF"],
        [OPEN, SHUT],
    ),
    ("esphome", "gate", "loop", "desk/binary_sensor/loop/state", [b"ON", b"OFF"], [IN]),
    ("esphome", "line", "out", "desk/sensor/out/state", [b"40", b"42"], [OUT, OUT]),
    ("esphome", "zone", "people", "desk/sensor/people/state", [b"12.0"], [People(count=12)]),
    # https://docs.frigate.video/integrations/mqtt/
    (
        "frigate",
        "zone",
        "",
        "frigate/desk/person",
        [b"3", b"0"],
        [People(count=3), People(count=0)],
    ),
    ("frigate", "lot", "", "frigate/desk/car", [b"17"], [Cars(occupied=17, seen=40)]),
]


def foreign(
    aim: Aim, *, bounce_s: float = 0.0, words: Mapping[str, Word] = MappingProxyType({})
) -> Foreign:
    direction = DIRECTIONS.get(aim)
    return Foreign(Aimed(aim=aim, direction=direction, seen=40, bounce_s=bounce_s, words=words))


def rules(profile: str, aim: Aim, part: str = "") -> list[Rule]:
    made, way = PROFILES[profile], PROFILES[profile].ways[aim]
    names = Names(base=made.base, source="desk", part=part or way.part)
    return [names.rule(rule) for rule in way.rules]


def told(device: Foreign, found: list[Rule], topic: str, payloads: list[bytes]) -> list[Any]:
    """All that comes of payloads a second apart."""
    made: list[Any] = []
    for i, payload in enumerate(payloads):
        for rule in found:
            if rule.topic == topic:
                made += device.take(rule, payload, float(i), NOW_S)
    return made


@pytest.mark.parametrize(("profile", "aim", "part", "topic", "payloads", "readings"), SAID)
def test_what_is_documented_gives_the_right_observations(  # noqa: PLR0917
    profile: str, aim: Aim, part: str, topic: str, payloads: list[bytes], readings: list[Reading]
) -> None:
    assert told(foreign(aim), rules(profile, aim, part), topic, payloads) == readings


def test_every_way_of_every_profile_is_tried() -> None:
    tried = {(profile, aim) for profile, aim, *_ in SAID} | {
        ("tasmota", "line"),
        ("shelly", "line"),
    }
    tried |= {("esphome", "lot")}  # as the gate and the zone of the same
    assert tried == {(name, aim) for name, made in PROFILES.items() for aim in made.ways}


@pytest.mark.parametrize(
    ("profile", "word", "is_here"),
    [
        ("zigbee2mqtt", b"online", True),
        ("zigbee2mqtt", b'{"state":"online"}', True),
        ("zigbee2mqtt", b'{"state":"offline"}', False),
        ("tasmota", b"Online", True),
        ("tasmota", b"Offline", False),
        ("shelly", b"true", True),
        ("shelly", b"false", False),
        ("esphome", b"online", True),
        ("frigate", b"online", True),
        ("frigate", b"offline", False),
    ],
)
def test_whether_a_device_is_there_is_said_in_its_own_words(
    profile: str, word: bytes, *, is_here: bool
) -> None:
    topic = PROFILES[profile].available[0]
    presence = Presence([topic])
    assert not presence.is_here
    assert presence.gone is None, "nobody has said anything"
    assert presence.hear(topic, word) == is_here
    assert (presence.is_here, presence.gone) == (is_here, None if is_here else topic)


def test_one_who_says_that_it_is_gone_is_enough() -> None:
    presence = Presence(["zigbee2mqtt/bridge/state", "zigbee2mqtt/desk/availability"])
    presence.hear("zigbee2mqtt/bridge/state", b"online")
    presence.hear("zigbee2mqtt/desk/availability", b"offline")
    assert presence.gone == "zigbee2mqtt/desk/availability"
    assert not presence.is_here


@pytest.mark.parametrize("word", [b"", b"perhaps", b"{", b'{"state":[]}', b"\xff", b"[" * 9999])
def test_a_word_that_says_neither_is_refused(word: bytes) -> None:
    presence = Presence(["a"])
    with pytest.raises(BadPayload):
        presence.hear("a", word)
    assert presence.gone is None


# ── repeats ───────────────────────────────────────────────────────────────────────────────────────


def test_a_button_that_bounces_counts_once_and_two_presses_count_twice() -> None:
    (rule,) = rules("zigbee2mqtt", "button")
    button = foreign("button", bounce_s=0.4)
    made = [
        one
        for t_s in (0.0, 0.1, 0.39, 1.0, 1.05)
        for one in button.take(rule, b'{"action":"single"}', t_s)
    ]
    assert [one for one in made if isinstance(one, Press)] == [SHORT, SHORT]
    assert {one for one in made if isinstance(one, Refused)} == {
        Refused("want 0.4 s in between, got it again sooner", is_repeat=True)
    }


def test_another_gesture_right_after_is_no_bounce() -> None:
    (rule,) = rules("zigbee2mqtt", "button")
    button = foreign("button", bounce_s=0.4)
    made = button.take(rule, b'{"action":"single"}', 0.0) + button.take(
        rule, b'{"action":"hold"}', 0.1
    )
    assert made == [SHORT, LONG]


def test_an_event_that_has_its_time_is_told_once_however_late_it_comes_again() -> None:
    (rule,) = rules("shelly", "button")
    button = foreign("button")
    first = button.take(rule, pushed("single_push"), 0.0, NOW_S)
    again = button.take(rule, pushed("single_push"), 60.0, NOW_S + 60)
    other = button.take(rule, pushed("single_push", ts=NOW_S + 61), 61.0, NOW_S + 61)
    assert first == other == [SHORT]
    assert again == [Refused("want what is new, got it again", is_repeat=True)]


@pytest.mark.parametrize("late_s", [121, 86_400, -121])
def test_what_happened_at_another_time_is_refused(late_s: float) -> None:
    (rule,) = rules("shelly", "button")
    made = foreign("button").take(rule, pushed("single_push"), 0.0, NOW_S + late_s)
    assert made == [Refused("want what was within 120 s, got another time")]


def test_a_device_whose_clock_was_never_set_is_believed() -> None:
    (rule,) = rules("shelly", "button")
    for ts in (0.0, 12.5):
        assert foreign("button").take(rule, pushed("single_push", ts=ts), 0.0, NOW_S) == [SHORT]


def test_a_total_that_leaps_or_falls_begins_anew_and_is_refused() -> None:
    found = rules("tasmota", "gate", "C1")
    totals = [10, 12, 5, 6, 1006, 1007]
    payloads = [json.dumps({"COUNTER": {"C1": total}}).encode() for total in totals]
    leap = Refused("want a total that grows step by step, got a leap")
    assert told(foreign("gate"), found, "tele/desk/SENSOR", payloads) == [
        IN,
        IN,
        leap,
        IN,
        leap,
        IN,
    ]


def test_what_it_said_before_it_began_anew_holds_no_more() -> None:
    found = rules("frigate", "zone")
    zone = foreign("zone")
    told(zone, found, "frigate/desk/person", [b"3"])
    assert zone.held == People(count=3)
    zone.forget()
    assert zone.held is None


def test_words_of_the_site_file_come_before_ours() -> None:
    (rule,) = rules("zigbee2mqtt", "button")
    button = foreign("button", words={"1_Single": "short", "2_single": "long", "single": "none"})
    payloads = [b'{"action":"1_single"}', b'{"action":"2_single"}', b'{"action":"single"}']
    assert told(button, [rule], rule.topic, payloads) == [SHORT, LONG]


def test_a_contact_may_be_turned_round_by_words() -> None:
    (rule,) = rules("zigbee2mqtt", "counter")
    door = foreign("counter", words={"true": "on", "false": "off"})
    assert told(door, [rule], rule.topic, [b'{"contact":true}', b'{"contact":false}']) == [
        OPEN,
        SHUT,
    ]


def test_a_line_may_be_told_its_direction() -> None:
    line = Foreign(
        Aimed(aim="line", words={"leftright_topbottom": "in", "rightleft_bottomtop": "out"})
    )
    rule = Rule(place="/countingDirection")
    made = [
        *line.take(rule, b'{"countingDirection":"leftright_topbottom"}', 0.0),
        *line.take(rule, b'{"countingDirection":"rightleft_bottomtop"}', 0.0),
    ]
    assert made == [Crossing(direction="in"), OUT]


# ── hostile ───────────────────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "huge": b'{"action":"' + b"x" * MAX_BYTES + b'"}',
    "deep": b'{"action":' * 20_000,
    "deep list": b"[" * 60_000,
    "NaN": b'{"action":NaN,"contact":NaN}',
    "a list": b'{"action":["single"],"contact":[true]}',
    "an object": b'{"action":{"a":1},"contact":{}}',
    "no UTF-8": b'{"action":"\xff\xfe"}',
    "half": b'{"action":"sin',
    "nothing": b"",
    "another word": b'{"action":"quadruple","contact":"perhaps"}',
    "a number": b'{"action":7,"contact":7}',
}


@pytest.mark.parametrize("aim", ["button", "counter"])
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_payloads_are_refused_for_a_reason(aim: Aim, what: str) -> None:
    (rule,) = rules("zigbee2mqtt", aim)
    (made,) = foreign(aim).take(rule, HOSTILE[what], 0.0, NOW_S)
    assert isinstance(made, Refused)
    assert len(made.why) < 64


@pytest.mark.parametrize(
    "payload",
    [b"-1", b"1000001", b"1e3", b"2.5", b"NaN", b"", b"inf", b"three", b"\xff", b"1" * 70_000],
)
def test_a_count_that_cannot_be_is_refused(payload: bytes) -> None:
    (rule,) = rules("frigate", "zone")
    zone = foreign("zone")
    (made,) = zone.take(rule, payload, 0.0)
    assert isinstance(made, Refused)
    assert zone.held is None


def test_a_list_of_a_thousand_presses_is_refused() -> None:
    (rule,) = rules("shelly", "button")
    event = {"component": "input:0", "event": "single_push"}
    payload = notified("NotifyEvent", events=[event] * 1000)
    assert foreign("button").take(rule, payload, 0.0, NOW_S) == [
        Refused("want at most 32 items, got more")
    ]


@given(payload=st.binary(max_size=200), aim=st.sampled_from(["button", "counter"]))
def test_no_payload_breaks_it(payload: bytes, aim: Aim) -> None:
    (rule,) = rules("zigbee2mqtt", aim)
    for made in foreign(aim).take(rule, payload, 0.0, NOW_S):
        assert isinstance(made, Refused | Press | Counter)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.just(10**400) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ts=ANY_JSON, event=ANY_JSON, component=ANY_JSON)
def test_no_frame_breaks_it(ts: object, event: object, component: object) -> None:
    (rule,) = rules("shelly", "button")
    pushed_ = {"component": component, "event": event, "ts": ts}
    for events in ([pushed_], [{**pushed_, "component": "input:0"}], pushed_, ts):
        payload = json.dumps({"method": "NotifyEvent", "params": {"events": events}}).encode()
        for made in foreign("button").take(rule, payload, 0.0, NOW_S):
            assert isinstance(made, Refused | Press)


@given(word=ANY_JSON)
def test_reasons_are_few_whatever_is_said(word: object) -> None:
    (rule,) = rules("zigbee2mqtt", "button")
    payload = json.dumps({"action": word}).encode()
    reasons = {
        one.why for one in foreign("button").take(rule, payload, 0.0) if isinstance(one, Refused)
    }
    assert reasons <= {
        "want JSON, got something else",
        "want a word or a number, got something else",
        "want a word that is known, got another",
    }


# ── calls ─────────────────────────────────────────────────────────────────────────────────────────

CLICKED = {
    # users.soracom.io: SORACOM LTE-M Button Plus, 送信されるデータフォーマット
    "soracom": [
        (
            {"clickType": n, "clickTypeName": name, "batteryLevel": 1, "binaryParserEnabled": True},
            reading,
        )
        for n, name, reading in ((1, "SINGLE", SHORT), (2, "DOUBLE", DOUBLE), (3, "LONG", LONG))
    ],
    # docs.aws.amazon.com: AWS IoT 1-Click programming model, the event of a button
    "aws": [
        (
            {
                "deviceInfo": {"deviceId": "G030PM0000000000", "type": "button", "attributes": {}},
                "deviceEvent": {
                    "buttonClicked": {
                        "clickType": name,
                        "reportedTime": "2026-11-24T10:32:05.000+09:00",
                    }
                },
                "placementInfo": {"projectName": "venue", "placementName": "desk"},
            },
            reading,
        )
        for name, reading in (("SINGLE", SHORT), ("DOUBLE", DOUBLE), ("LONG", LONG))
    ],
}


@pytest.mark.parametrize("kind", HOOKS)
def test_documented_calls_give_the_right_presses(kind: str) -> None:
    for body, reading in CLICKED[kind]:
        payload = json.dumps(body).encode()
        assert foreign("button").take(HOOKS[kind].rule, payload, 0.0, NOW_S) == [reading]


def test_every_make_names_the_document_that_it_was_read_from() -> None:
    documents = [made.document for made in PROFILES.values()]
    documents += [made.document for made in HOOKS.values()]
    assert all(document.startswith("https://") for document in documents)
