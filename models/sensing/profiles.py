"""Makes of devices that offices own already: where each says what. A new one is an entry here."""

from collections.abc import Mapping

import msgspec

from models.sensing.foreign import Aim, Rule


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How a make tells of one thing of ours; `part` is which of its parts, if none is named."""

    rules: tuple[Rule, ...]
    part: str = ""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A make that speaks MQTT. Topics may have {base}, {source} and {part} in them.

    `available` are the topics on which it is said to be there, `alive` what it says again and again
    while it is. `base` is what its topics begin with unless its own settings say otherwise.
    """

    title: str
    document: str
    ways: Mapping[Aim, Way]
    available: tuple[str, ...]
    alive: tuple[str, ...] = ()
    base: str = ""


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A make that calls an address on the web.

    `again` is what a call that is repeated has in common with it: a JSON pointer, or a header's
    name. Where the rule knows when it happened, that says it.
    """

    title: str
    document: str
    rule: Rule
    again: str = ""


_RESULT, _SENSOR = "stat/{source}/RESULT", "tele/{source}/SENSOR"
_RPC = "{source}/events/rpc"
_STATE = Rule(topic="{source}/binary_sensor/{part}/state")
_TOTAL = Rule(topic="{source}/sensor/{part}/state", means="total")
_COUNT = Rule(topic="{source}/sensor/{part}/state", means="count")
_ON_FRIGATE = Rule(topic="{base}/{source}/{part}", means="count")
_SHELLY_INPUT = (
    Rule(topic=_RPC, place="/params/{part}/state"),
    Rule(topic=_RPC, place="/params/{part}/output"),
    Rule(topic=_RPC, place="/params/{part}/counts/total", means="total"),
)
_TASMOTA_PULSES = (
    Rule(topic="stat/{source}/{part}"),
    Rule(topic=_RESULT, place="/{part}/Action"),
    Rule(topic=_SENSOR, place="/COUNTER/{part}", means="total"),
)

PROFILES: dict[str, Profile] = {
    "zigbee2mqtt": Profile(
        title="Zigbee2MQTT",
        document="https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html",
        base="zigbee2mqtt",
        available=("{base}/bridge/state", "{base}/{source}/availability"),
        ways={
            "button": Way(rules=(Rule(topic="{base}/{source}", place="/{part}"),), part="action"),
            "counter": Way(
                rules=(Rule(topic="{base}/{source}", place="/{part}", is_turned=True),),
                part="contact",
            ),
        },
    ),
    "tasmota": Profile(
        title="Tasmota",
        document="https://tasmota.github.io/docs/Buttons-and-Switches/",
        available=("tele/{source}/LWT",),
        ways={
            "button": Way(
                rules=(
                    Rule(topic=_RESULT, place="/{part}/Action"),
                    Rule(topic="stat/{source}/{PART}", place="/ACTION"),
                ),
                part="Button1",
            ),
            "counter": Way(
                rules=(
                    Rule(topic=_RESULT, place="/{part}/Action"),
                    Rule(topic=_SENSOR, place="/{part}"),
                ),
                part="Switch1",
            ),
            "gate": Way(rules=_TASMOTA_PULSES, part="POWER"),
            "line": Way(rules=_TASMOTA_PULSES, part="C1"),
        },
    ),
    "shelly": Profile(
        title="Shelly (Gen2 and later)",
        document="https://shelly-api-docs.shelly.cloud/gen2/General/Notifications",
        available=("{source}/online",),
        ways={
            "button": Way(
                rules=(
                    Rule(
                        topic=_RPC,
                        each="/params/events",
                        only=("/component", "{part}"),
                        place="/event",
                        at="/ts",
                    ),
                ),
                part="input:0",
            ),
            "counter": Way(rules=_SHELLY_INPUT[:2], part="input:0"),
            "gate": Way(rules=_SHELLY_INPUT, part="input:0"),
            "line": Way(rules=_SHELLY_INPUT, part="input:0"),
        },
    ),
    "esphome": Profile(
        title="ESPHome",
        document="https://esphome.io/components/mqtt.html",
        available=("{source}/status",),
        ways={
            "button": Way(rules=(_STATE,)),
            "counter": Way(rules=(_STATE,)),
            "gate": Way(rules=(_STATE, _TOTAL)),
            "line": Way(rules=(_STATE, _TOTAL)),
            "zone": Way(rules=(_COUNT,)),
            "lot": Way(rules=(_COUNT,)),
        },
    ),
    "frigate": Profile(
        title="Frigate",
        document="https://docs.frigate.video/integrations/mqtt/",
        base="frigate",
        available=("{base}/available",),
        alive=("{base}/stats",),
        ways={
            "zone": Way(rules=(_ON_FRIGATE,), part="person"),
            "lot": Way(rules=(_ON_FRIGATE,), part="car"),
        },
    ),
}
"""By the name that the site file gives as `profile`."""

HOOKS: dict[str, Hook] = {
    "soracom": Hook(
        title="SORACOM LTE-M Button",
        document="https://users.soracom.io/ja-jp/guides/soracom-lte-m-button-series/lte-m-button-plus/format",
        rule=Rule(place="/clickTypeName"),
        again="X-Soracom-Timestamp",
    ),
    "aws": Hook(
        title="AWS IoT 1-Click",
        document="https://docs.aws.amazon.com/iot-1-click/latest/developerguide/1click-programming.html",
        rule=Rule(
            place="/deviceEvent/buttonClicked/clickType",
            at="/deviceEvent/buttonClicked/reportedTime",
        ),
    ),
}
"""By the `kind` of a hook; a kind `json` takes both places from the site file."""


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for {base}, {source} and {part}; {PART} is that in capitals."""

    base: str = ""
    source: str = ""
    part: str = ""

    def put(self, text: str) -> str:
        """A topic or a place with them filled in."""
        for field in self.__struct_fields__:
            text = text.replace("{" + field + "}", getattr(self, field))
        return text.replace("{PART}", self.part.upper())

    def rule(self, rule: Rule) -> Rule:
        """The rule of one device."""
        return msgspec.structs.replace(
            rule,
            topic=self.put(rule.topic),
            place=self.put(rule.place),
            only=rule.only and (rule.only[0], self.put(rule.only[1])),
        )
