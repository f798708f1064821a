"""The site file: read whole or refused with one line a mistake, each with its path."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models import site as site_file
from models.errors import BadSite
from models.site import Meaning, Site
from tests.conftest import ROOT

EXAMPLE = (ROOT / "ansible" / "sites" / "example.toml").read_text(encoding="utf-8")

SMALL = """
[site]
id = "minami"
name = { ja = "南区役所" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]

[[services]]
id = "tax"
name = { ja = "税" }
counters = ["c1"]

[[counters]]
id = "c1"
open = [{ days = "mon-fri", from = "08:30", to = "12:00" }]

[[zones]]
id = "lobby"
capacity = 60
services = ["tax"]

[[lines]]
id = "door"
zone = "lobby"

[[lots]]
id = "front"
capacity = 40

[[gates]]
id = "front-in"
lot = "front"

[[buttons]]
id = "next"
short = { next = "c1" }

[[devices]]
id = "pi"
sensors = [{ kind = "button", button = "next", pin = 5 }]

[[displays]]
id = "screen"
"""


@pytest.fixture
def example_site() -> Site:
    return site_file.parse(EXAMPLE)


def test_the_example_is_the_office_that_the_documents_describe(example_site: Site) -> None:
    assert example_site.id == "minami"
    assert len(example_site.services) == 5
    assert len(example_site.counters) == 6
    assert len(example_site.displays) == 3
    assert [zone.id for zone in example_site.zones] == ["lobby"]
    assert [line.zone for line in example_site.lines] == ["lobby"]
    assert [gate.lot for gate in example_site.gates] == ["front", "front"]
    assert example_site.buttons
    kinds = {sensor["kind"] for device in example_site.devices for sensor in device.sensors}
    assert kinds >= {"ticket", "camera", "gate", "button"}


def test_two_services_of_the_example_share_a_clerk(example_site: Site) -> None:
    certificates, moving = example_site.services[:2]
    assert set(certificates.counters) & set(moving.counters) == {"c2"}


def test_one_service_of_the_example_is_a_venue_on_given_dates(example_site: Site) -> None:
    (venue,) = [service for service in example_site.services if service.dates is not None]
    assert venue.place is not None


def test_a_device_and_a_display_are_found_by_id_or_named_as_missing(example_site: Site) -> None:
    assert example_site.device("desk").id == "desk"
    assert example_site.display("lobby-1").id == "lobby-1"
    with pytest.raises(BadSite, match=r"want a device of desk, .*, got 'attic' - at `\$.devices`"):
        example_site.device("attic")
    with pytest.raises(BadSite, match=r"want a display of lobby-1, hall-1, guide-1, got 'attic'"):
        example_site.display("attic")


def test_all_defaults_are_those_of_the_page_on_the_site_file() -> None:
    site = site_file.parse(SMALL)
    assert site.site.holidays == "jp"
    assert site.services[0].levels_minutes == (15, 30, 60)
    assert site.buttons[0].short == Meaning(next="c1")


def test_the_digest_follows_the_text() -> None:
    assert site_file.parse(SMALL).digest == site_file.parse(SMALL).digest
    assert site_file.parse(SMALL).digest != site_file.parse(SMALL + "\n").digest


MISTAKES = {
    "no TOML": ("[site]", "[site", "want TOML"),
    "unknown key": ("capacity = 60", "capacity = 60\ncolour = 1", "`$.zones[0]`"),
    "unknown table": ("[[lots]]", "[[lotts]]", "unknown field `lotts`"),
    "the hash is ours": ("[site]", 'digest = "x"\n[site]', "unknown field `digest`"),
    "missing key": ("capacity = 60\n", "", "`$.zones[0]`"),
    "no people fit": ("capacity = 60", "capacity = 0", "`$.zones[0].capacity`"),
    "text for a number": ("capacity = 60", 'capacity = "60"', "`$.zones[0].capacity`"),
    "a capital in an id": ('id = "minami"', 'id = "Minami"', "`$.site.id`"),
    "an id of two lines": ('id = "minami"', 'id = "minami\\n"', "`$.site.id`"),
    "no name": ('{ ja = "税" }', "{}", "`$.services[0].name`"),
    "a day that is none": ("mon-fri", "mon-fry", "`$.site.hours[0].days`"),
    "a day of two lines": ("mon-fri", "mon\\n", "`$.site.hours[0].days`"),
    "an hour that is none": ("17:15", "25:00", "`$.site.hours[0].close`"),
    "hours backwards": ("17:15", "08:00", "`$.site.hours[0]`"),
    "a shift backwards": ("12:00", "08:30", "`$.counters[0].open[0]`"),
    "unknown time zone": ('id = "minami"', 'id = "m"\ntimezone = "Asia/Edo"', "`$.site.timezone`"),
    "a folder as time zone": ('id = "minami"', 'id = "m"\ntimezone = "Asia"', "`$.site.timezone`"),
    "a holiday that is none": (
        'id = "minami"',
        'id = "m"\nholidays = ["2026-02-30"]',
        "`$.site.holidays[0]`",
    ),
    "dates backwards": (
        'id = "tax"',
        'id = "tax"\ndates = ["2026-02-02/2026-02-01"]',
        "`$.services[0].dates[0]`",
    ),
    "no such counter": ('counters = ["c1"]', 'counters = ["c9"]', "`$.services[0].counters`"),
    "no such service": ('services = ["tax"]', 'services = ["tex"]', "`$.zones[0].services`"),
    "no such zone": ('zone = "lobby"', 'zone = "hall"', "`$.lines[0].zone`"),
    "no such lot": ('lot = "front"', 'lot = "rear"', "`$.gates[0].lot`"),
    "more accessible bays than bays": (
        "capacity = 40",
        "capacity = 40\naccessible = 41",
        "`$.lots[0].accessible`",
    ),
    "no such counter to call": ('next = "c1"', 'next = "c9"', "`$.buttons[0].short.next`"),
    "no such counter to open": ('next = "c1"', 'toggle = "c9"', "`$.buttons[0].short.toggle`"),
    "a press that means two things": (
        'next = "c1"',
        'next = "c1", level = 2, services = ["tax"]',
        "`$.buttons[0].short`",
    ),
    "a press that means nothing": ('{ next = "c1" }', "{}", "`$.buttons[0].short`"),
    "busy, but what": ('next = "c1"', "level = 2", "`$.buttons[0].short.services`"),
    "the hub's own id": ('id = "pi"', 'id = "hub"', "`$.devices[0].id`"),
    "a sensor of no kind": ('kind = "button", ', "", "`$.devices[0].sensors[0].kind`"),
    "an id twice": (
        'id = "screen"',
        'id = "screen"\n[[displays]]\nid = "screen"',
        "`$.displays[1].id`",
    ),
    "a screen of nothing": (
        'id = "screen"',
        'id = "screen"\nlots = ["rear"]',
        "`$.displays[0].lots`",
    ),
    "a port that is none": (
        'id = "screen"',
        'id = "screen"\n[broker]\nport = 0',
        "`$.broker.port`",
    ),
    "never fresh": (
        'id = "screen"',
        'id = "screen"\n[freshness]\ngate_s = 0',
        "`$.freshness.gate_s`",
    ),
}


@pytest.mark.parametrize(("old", "new", "where"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_its_path(old: str, new: str, where: str) -> None:
    assert old in SMALL
    with pytest.raises(BadSite) as caught:
        site_file.parse(SMALL.replace(old, new, 1), "minami.toml")
    message = str(caught.value)
    assert where in message
    assert message.startswith("minami.toml: ")
    assert "\n" not in message
    assert caught.value.exit_code == 78


def test_all_cross_mistakes_are_told_at_once() -> None:
    wrong = SMALL.replace('lot = "front"', 'lot = "rear"').replace('next = "c1"', 'next = "c9"')
    with pytest.raises(BadSite) as caught:
        site_file.parse(wrong, "minami.toml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(re.fullmatch(r"minami\.toml: want .* - at `\$\..*`", line) for line in lines)


@pytest.mark.parametrize("pattern", ["referee/sets/*/*/site.toml", "referee/parking/*/*/site.toml"])
def test_site_files_of_other_tools_are_read(shared: Path, pattern: str) -> None:
    found = sorted(shared.glob(pattern))
    assert found
    for path in found:
        assert site_file.parse(path.read_text(encoding="utf-8"), path.name).id


def read_or_refused(text: str) -> None:
    """Nothing but a BadSite may come out of a wrong file."""
    try:
        site_file.parse(text)
    except BadSite as refused:
        assert str(refused)  # noqa: PT017  it may well be right, then there is nothing to see


@given(text=st.text(max_size=200))
@example(text="a = " + "[" * 10_000)
@example(text="a = " + "1" * 5_000)
@example(text="site = 1")
@example(text="")
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refused(text)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.integers(0, len(EXAMPLE)),
    length=st.integers(0, 60),
    put=st.one_of(st.text(max_size=10), st.sampled_from(EXAMPLE.split())),
)
def test_an_example_with_a_slip_of_the_pen_is_read_or_refused(
    start: int, length: int, put: str
) -> None:
    read_or_refused(EXAMPLE[:start] + put + EXAMPLE[start + length :])
