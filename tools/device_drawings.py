"""Draws docs/pictures/devices/*.svg: how each kind of device is joined, left to right.

    python tools/device_drawings.py [FOLDER]

No photographs: they age, and belong to somebody. A test holds the files against this.
"""

import sys
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "devices"
WIDTH, HEIGHT, SIDE, TOP = 620, 172, 64, 26

STYLE = """\
.l{fill:none;stroke:#1f2933;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round}
.f{fill:#e4ebf2;stroke:#1f2933;stroke-width:2.5;stroke-linejoin:round}
.a{fill:#0b63b8}
.w{fill:none;stroke:#0b63b8;stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.t{font:600 17px system-ui,sans-serif;fill:#1f2933;text-anchor:middle}
.s{font:15px system-ui,sans-serif;fill:#46535f;text-anchor:middle}
.b{fill:#fff}
@media (prefers-color-scheme:dark){
.l,.f{stroke:#e6edf3}.f{fill:#26323e}.a{fill:#79b8ff}.w{stroke:#79b8ff}
.t{fill:#e6edf3}.s{fill:#b6c2cd}.b{fill:#0d1117}}"""

SYMBOLS = {
    "button": '<rect class="f" x="8" y="8" width="48" height="48" rx="9"/>'
    '<circle class="a" cx="32" cy="32" r="13"/>',
    "contact": '<rect class="f" x="8" y="10" width="19" height="44" rx="3"/>'
    '<rect class="f" x="37" y="10" width="19" height="44" rx="3"/>'
    '<path class="w" d="M29 32h6"/>',
    "both": '<rect class="f" x="2" y="4" width="34" height="34" rx="7"/>'
    '<circle class="a" cx="19" cy="21" r="9"/>'
    '<rect class="f" x="36" y="30" width="11" height="32" rx="2"/>'
    '<rect class="f" x="51" y="30" width="11" height="32" rx="2"/>',
    "loops": '<path class="l" d="M2 8h60M2 56h60"/>'
    '<rect class="w" x="8" y="18" width="19" height="28" rx="5"/>'
    '<rect class="w" x="37" y="18" width="19" height="28" rx="5"/>',
    "barrier": '<rect class="f" x="6" y="26" width="16" height="34" rx="2"/>'
    '<path class="l" d="M14 26 58 10"/><path class="w" d="M26 21.5l8-3M42 15.7l8-3"/>',
    "camera": '<path class="l" d="M8 14h48"/><path class="f" d="M12 14a20 24 0 0 0 40 0z"/>'
    '<circle class="a" cx="32" cy="27" r="6"/>',
    "printer": '<rect class="f" x="8" y="12" width="48" height="34" rx="4"/>'
    '<path class="f" d="M20 34h24v24l-4-3-4 3-4-3-4 3-4-3-4 3z"/>'
    '<path class="w" d="M26 43h12"/><circle class="a" cx="46" cy="21" r="3.5"/>',
    "page": '<rect class="f" x="4" y="8" width="56" height="40" rx="4"/>'
    '<path class="w" d="M14 22h16M14 34h10"/><path class="l" d="M42 22h8M42 34h8M24 58h16"/>',
    "stick": '<rect class="f" x="22" y="26" width="20" height="34" rx="3"/>'
    '<rect class="f" x="26" y="14" width="12" height="12"/>'
    '<path class="w" d="M14 20a22 22 0 0 1 8-14M50 20a22 22 0 0 0-8-14"/>',
    "relay": '<rect class="f" x="8" y="8" width="48" height="48" rx="5"/>'
    '<circle class="a" cx="18" cy="40" r="3"/><circle class="a" cx="46" cy="40" r="3"/>'
    '<path class="w" d="M18 40 42 24"/>',
    "board": '<rect class="f" x="12" y="6" width="40" height="54" rx="3"/>'
    '<path class="w" d="M20 22v-9h6v9h6v-9h6v9h6"/>'
    '<rect class="a" x="22" y="32" width="20" height="18"/>',
    "broker": '<circle class="f" cx="32" cy="32" r="25"/>'
    '<path class="w" d="M18 26h24l-6-6M46 38H22l6 6"/>',
    "server": '<rect class="f" x="8" y="8" width="48" height="20" rx="3"/>'
    '<rect class="f" x="8" y="36" width="48" height="20" rx="3"/>'
    '<circle class="a" cx="18" cy="18" r="3"/><circle class="a" cx="18" cy="46" r="3"/>'
    '<path class="l" d="M30 18h16M30 46h16"/>',
    "cloud": '<path class="f" d="M18 50a13 13 0 0 1 1-26 17 17 0 0 1 32 5 11 11 0 0 1-2 21z"/>',
    "lock": '<path class="l" d="M21 30v-8a11 11 0 0 1 22 0v8"/>'
    '<rect class="f" x="12" y="30" width="40" height="28" rx="4"/>'
    '<circle class="a" cx="32" cy="44" r="4.5"/>',
    "module": '<rect class="f" x="4" y="14" width="56" height="36" rx="3"/>'
    + "".join(f'<circle class="a" cx="{12 + 10 * i}" cy="24" r="3.2"/>' for i in range(5))
    + '<path class="l" d="M12 24v-16M22 24v-16M32 24v-16M42 24v-16M52 24v-16"/>'
    '<path class="w" d="M14 40h24"/>',
    "pi": '<rect class="f" x="4" y="12" width="56" height="40" rx="4"/>'
    + "".join(f'<circle class="a" cx="{12 + 6 * i}" cy="19" r="1.8"/>' for i in range(7))
    + '<rect class="l" x="18" y="28" width="15" height="15"/>'
    '<path class="l" d="M46 28h14M46 42h14"/>',
}
"""Each within a square of 64."""

PI = ("pi", "agent", "Raspberry Pi")
ANY = ("pi", "agent", "any machine")
MQTT = ("broker", "broker", "of these devices")

Node = tuple[str, str, str]
Link = tuple[str, str]
"""How it is joined (wire, radio or net), and in a word."""

DRAWINGS: dict[str, tuple[str, list[Node], list[Link]]] = {
    "button": (
        "A push button between a pin and ground of a Raspberry Pi",
        [("button", "push button", "closes to ground"), PI],
        [("wire", "GPIO 5 and GND")],
    ),
    "gate": (
        "Two loops in a lane, a detector, two contacts to a Raspberry Pi",
        [
            ("loops", "two loops", "first one: in"),
            ("relay", "loop detector", "dry contacts"),
            PI,
        ],
        [("wire", ""), ("wire", "GPIO 17, 27, GND")],
    ),
    "camera": (
        "A camera, its Raspberry Pi, and only numbers that leave it",
        [("camera", "camera", "at the ceiling"), PI, ("server", "hub", "no picture here")],
        [("wire", "USB or ribbon"), ("net", "numbers only")],
    ),
    "ticket": (
        "A ticket machine by a serial line or the network to a Raspberry Pi",
        [("printer", "ticket machine", "a line an event"), PI],
        [("wire", "serial or TCP")],
    ),
    "queue": (
        "A page of a vendor's queue display, polled by the agent",
        [("page", "queue display", "HTML or JSON"), ANY],
        [("net", "every 20 s")],
    ),
    "zigbee2mqtt": (
        "A button and a contact by Zigbee to a stick, Zigbee2MQTT, a broker and the agent",
        [
            ("both", "button, contact", "on a battery"),
            ("stick", "Zigbee2MQTT", "stick and program"),
            MQTT,
            ANY,
        ],
        [("radio", "Zigbee"), ("net", "MQTT"), ("net", "MQTT")],
    ),
    "tasmota": (
        "A barrier's contact on a relay with Tasmota, by Wi-Fi to a broker and the agent",
        [("barrier", "barrier", "its contact"), ("relay", "Tasmota", "switch or relay"), MQTT, ANY],
        [("wire", ""), ("radio", "Wi-Fi"), ("net", "MQTT")],
    ),
    "shelly": (
        "A loop detector's contact on a Shelly's input, to a broker and the agent",
        [
            ("loops", "loop detector", "dry contact"),
            ("relay", "Shelly", "counts pulses"),
            MQTT,
            ANY,
        ],
        [("wire", "input 2"), ("radio", "Wi-Fi"), ("net", "MQTT")],
    ),
    "esphome": (
        "A sensor on a board with ESPHome, by Wi-Fi to a broker and the agent",
        [("contact", "a sensor", "that it knows"), ("board", "ESPHome", "ESP32 board"), MQTT, ANY],
        [("wire", ""), ("radio", "Wi-Fi"), ("net", "MQTT")],
    ),
    "frigate": (
        "Cameras, Frigate on its own machine, a broker and the agent",
        [
            ("camera", "cameras", "of the building"),
            ("server", "Frigate", "counts zones"),
            MQTT,
            ANY,
        ],
        [("net", "RTSP"), ("net", "MQTT"), ("net", "MQTT")],
    ),
    "opendatacam": (
        "A camera, OpenDataCam on its own machine, asked by the agent",
        [("camera", "camera", "over the door"), ("server", "OpenDataCam", "counts lines"), ANY],
        [("wire", "USB or RTSP"), ("net", "every 10 s")],
    ),
    "webhook": (
        "A battery button by LTE to its maker's cloud, by HTTPS to nginx and the agent",
        [
            ("button", "LTE button", "battery, own SIM"),
            ("cloud", "its cloud", "shows the token"),
            ("lock", "nginx", "certificate"),
            ("pi", "agent", "127.0.0.1:8790"),
        ],
        [("radio", "LTE-M"), ("net", "HTTPS"), ("net", "loopback")],
    ),
    "modbus": (
        "Dry contacts on a module's terminals, by cable to the agent",
        [
            ("contact", "dry contacts", "long wires"),
            ("module", "I/O module", "discrete inputs"),
            ANY,
        ],
        [("wire", ""), ("net", "Modbus TCP")],
    ),
}


def drawing(what: str) -> str:
    """One drawing as SVG."""
    title, nodes, links = DRAWINGS[what]
    step = WIDTH / len(nodes)
    centres = [round(step * (i + 0.5)) for i in range(len(nodes))]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="b" width="{WIDTH}" height="{HEIGHT}" rx="10"/>',
    ]
    for (kind, word), left, right in zip(links, centres, centres[1:], strict=False):
        parts.append(_link(kind, word, left + SIDE // 2 + 12, right - SIDE // 2 - 12))
    for (symbol, name, note), x in zip(nodes, centres, strict=True):
        at = f"translate({x - SIDE // 2} {TOP})"
        parts += [
            f'<g transform="{at}">{SYMBOLS[symbol]}</g>',
            f'<text class="t" x="{x}" y="{TOP + SIDE + 26}">{escape(name)}</text>',
            f'<text class="s" x="{x}" y="{TOP + SIDE + 49}">{escape(note)}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def _link(kind: str, word: str, start: int, end: int) -> str:
    y, middle = TOP + SIDE // 2, (start + end) // 2
    dash = ' stroke-dasharray="1 8"' if kind == "radio" else ""
    lines = f'<path class="w" d="M{start} {y}H{end - 8}"{dash}/>'
    if kind == "wire":
        lines = f'<path class="w" d="M{start} {y - 4}H{end}M{start} {y + 4}H{end}"/>'
    else:
        lines += f'<path class="a" d="M{end + 2} {y}l-13-7v14z"/>'
    return f'{lines}<text class="s" x="{middle}" y="{y - 16}">{escape(word)}</text>'


def main(folder: Path) -> None:
    """Write them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for what in DRAWINGS:
        (folder / f"{what}.svg").write_text(drawing(what), encoding="utf-8")
    sys.stdout.write(f"{folder}: {len(DRAWINGS)} drawings\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
