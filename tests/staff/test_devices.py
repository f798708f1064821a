"""The first page of staff's: what is wrong with a machine, and what residents miss by it."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser

from models.care.trouble import KINDS, Kind
from models.contract import topics
from models.contract.codec import encode
from models.contract.results import (
    About,
    AccuracyResult,
    AlertResult,
    Free,
    Health,
    HubAbout,
    LotResult,
    MeasuredDay,
    Message,
    Shipping,
    State,
    ZoneResult,
)
from models.site import Site
from signage.staff.room import Role
from tests.conftest import ROOT
from tests.quality.axe import violations
from tests.quality.matrix import tool
from tests.signage.office import NOON
from tests.staff.house import StaffHouse

FREE = Free(p10=9, p50=12, p90=14)


class Machines:
    """The example office's machines, as they speak over the broker; all are well."""

    def __init__(self, house: StaffHouse) -> None:
        self.house, self.hub = house, house.hub
        site = house.site
        self.all = [one.id for one in site.devices] + [one.id for one in site.displays]
        self.do(self.hub.ready)
        self.tell("about", HubAbout(version="1.0.0", site_hash="aa"))
        for who in self.all:
            self.say(who, About(version="1.0.0", site_hash="aa", board="Raspberry Pi 5"))
            self.say(who, State(state="ready", at=house.clock.now()))
        self.well()

    def do(self, step: Callable[[], object]) -> None:
        """In the loop, as a session does it."""
        self.house.served.do(step)

    def tell(self, kind: str, message: Message | None) -> None:
        """The hub says something."""
        self.do(lambda: self.hub.say(kind, message))

    def say(self, who: str, message: Message, *, retain: bool = False) -> None:
        """A machine says something of itself."""
        leaf = type(message).__name__.lower()
        topic = topics.device(self.house.site.id, who, leaf)
        self.do(lambda: self.hub.mirror.apply(topic, encode(message), retain))

    def feel(self, who: str, **more: object) -> None:
        """Its health, once."""
        well = Health(
            at=self.house.clock.now(),
            temperature_c=48.3,
            under_voltage=False,
            disk_free_share=0.71,
            clock_synchronised=True,
            certificate_days=391,
            sensor_age_s={"camera lobby": 0.4} if who == "cam-lobby" else {},
        )
        self.say(who, msgspec.structs.replace(well, **more))

    def well(self, *, but: str = "") -> None:
        """The hub tells all it can, and every machine but one has just spoken."""
        for service in self.house.site.services:
            self.do(partial(self.hub.service, service.id, 2, 5, (5, 9, 14)))
        for lot in self.house.site.car_parks:
            result = LotResult(**self.hub.times(), state="open", capacity=40, free=FREE)
            self.tell(f"lot/{lot.id}", result)
        for zone in self.house.site.zones:
            self.tell(f"zone/{zone.id}", ZoneResult(**self.hub.times(), state="open", people=7))
        for who in self.all:
            if who != but:
                self.feel(who)

    def pass_(self, seconds: float, *, but: str = "") -> None:
        """So much later all but one still speak."""
        self.house.clock.move(seconds)
        self.well(but=but)

    def lose_hub(self) -> None:
        """It dies, and does not come back at once."""
        self.tell("state", State(state="lost"))
        self.house.clock.move(46)

    def lose(self, who: str = "cam-lobby") -> None:
        """Its line is cut for 12 minutes, and what rests on it is gone."""
        self.pass_(720, but=who)
        self.tell("zone/lobby", ZoneResult(**self.hub.times(), state="no_data"))
        self.say(who, State(state="lost"))

    def page(self, language: str = "ja", role: Role = "viewer") -> str:
        """What somebody reads, without its tags."""
        text = self.house.client(role).get(f"/devices?lang={language}", language).text
        main = text[text.index("<main") : text.index("</main>")]
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)))


@pytest.fixture
def machines(house: StaffHouse) -> Machines:
    return Machines(house)


def test_all_well_is_shown_calmly(machines: Machines) -> None:
    said = machines.page()
    assert "すべて正常です" in said
    assert "10台が動いています" in said
    assert "すぐ対応" not in said
    assert "All is well" in machines.page("en")


def test_a_lost_camera_is_told_by_what_residents_miss(machines: Machines) -> None:
    machines.lose()
    said = machines.page()
    assert "すぐ対応 1台" in said
    assert "1階ロビーの人数が出ません" in said
    assert "ロビーのカメラ（cam-lobby）から12分間知らせがありません" in said
    said = machines.page("en")
    assert "Residents see no number of people in Ground-floor lobby" in said
    assert "No word from Lobby camera (cam-lobby) for 12 minutes" in said
    machines.say("cam-lobby", State(state="ready", at=machines.house.clock.now()))
    machines.well()
    assert "All is well" in machines.page("en")


def test_what_a_broker_kept_is_not_taken_for_news(machines: Machines) -> None:
    """Its date counts; and a will that stood there says nothing of when."""
    house = machines.house
    house.clock.move(3 * 3600)
    machines.well(but="gates")
    old = Health(at=house.clock.now() - timedelta(hours=2), clock_synchronised=True)
    machines.say("gates", old, retain=True)
    machines.say("gates", State(state="lost"), retain=True)
    assert "No word from Car park gates (gates) for 2 hours" in machines.page("en")


def test_a_page_without_a_broker_says_that_it_knows_nothing(machines: Machines) -> None:
    machines.do(lambda: machines.hub.mirror.connection(False))
    machines.house.clock.move(46)
    said = machines.page("en")
    assert "This page does not hear the broker now" in said
    assert "All is well" not in said
    assert "No word from the hub" in said


def blind(fault: str) -> State:
    return State(state="alert", why=f"want a picture to count in, got {fault} - at `$.source`")


def alert(what: Any, why: str) -> AlertResult:  # noqa: ANN401  a word of the contract
    return AlertResult(
        at=NOON, valid_until=NOON + timedelta(hours=1), what=what, since=NOON, why=why
    )


def shipping(**more: Any) -> HubAbout:  # noqa: ANN401  of a message
    return HubAbout(version="1.0.0", site_hash="aa", shipping=Shipping(**more))


DAYS = tuple(
    MeasuredDay(day=date(2026, 11, n), count=50, told_s=1, came_s=1, error_s=e, coverage=0.8)
    for n, e in enumerate([100.0, 110, 90, 100, 120, 600], 10)
)
ACCURACY = AccuracyResult(at=NOON, valid_until=NOON + timedelta(hours=1), days=DAYS)
TROUBLES: dict[Kind, tuple[Callable[[Machines], object], str]] = {
    "hub_gone": (
        lambda m: m.lose_hub(),
        "No word from the hub for 46 seconds",
    ),
    "hub_alert": (
        lambda m: m.tell("state", State(state="alert", why="want room on the disk")),
        "The hub says that something is wrong want room on the disk",
    ),
    "lost": (lambda m: m.lose(), "No word from Lobby camera (cam-lobby) for 12 minutes"),
    "silent": (
        lambda m: m.pass_(200, but="cam-lobby"),
        "Lobby camera (cam-lobby) is connected and has said nothing for 3 minutes",
    ),
    "stopped": (
        lambda m: m.say("gates", State(state="disconnected", at=NOON)),
        "Car park gates (gates) was stopped in order",
    ),
    "dark": (lambda m: m.say("cam-lobby", blind("darkness")), "sees only darkness"),
    "covered": (lambda m: m.say("cam-lobby", blind("a covered lens")), "lens of Lobby camera"),
    "noise": (lambda m: m.say("cam-lobby", blind("noise")), "is nothing but noise"),
    "still": (
        lambda m: m.say("cam-lobby", blind("a picture that stands still")),
        "The picture of Lobby camera (cam-lobby) stands still",
    ),
    "moved": (
        lambda m: m.say("cam-lobby", blind("another view than before")),
        "Lobby camera (cam-lobby) looks another way than before",
    ),
    "alert": (
        lambda m: m.say("gates", State(state="alert", why="want pin 17 <b>")),
        "Car park gates (gates) says that something is wrong want pin 17 <b>",
    ),
    "quiet": (
        lambda m: m.feel("cam-lobby", sensor_age_s={"camera lobby": 600.0}),
        "“Camera Ground-floor lobby” of Lobby camera (cam-lobby) has given nothing for 10 minutes",
    ),
    "screen": (
        lambda m: m.tell(
            "alert/lobby-1", alert("screen", "clock: want 10:32 - on display lobby-1")
        ),
        "Residents see on Lobby screen something else than they are told",
    ),
    "over": (
        lambda m: m.tell("alert/lobby", alert("over", "61 of 60")),
        "More people than its capacity are in Ground-floor lobby",
    ),
    "estimate": (
        lambda m: m.tell("accuracy/moving", ACCURACY),
        "Waits told for Moving are farther off than usual: 10.0 minutes on average, usually 1.7",
    ),
    "outbox": (
        lambda m: m.feel("gates", outbox=4711),
        "4711 observations of Car park gates (gates) have not arrived",
    ),
    "clock_unset": (
        lambda m: m.feel("gates", clock_synchronised=False, at=None),
        "Nothing sets the clock of Car park gates (gates)",
    ),
    "clock_off": (
        lambda m: m.feel("gates", at=NOON + timedelta(seconds=90)),
        "The clock of Car park gates (gates) is 90 seconds off",
    ),
    "hot": (lambda m: m.feel("gates", temperature_c=81.2), "is hot (81 °C)"),
    "voltage": (
        lambda m: m.feel("gates", under_voltage=True),
        "The power supply of Car park gates",
    ),
    "disk": (lambda m: m.feel("gates", disk_free_share=0.04), "4 % of the disk of Car park gates"),
    "certificate": (lambda m: m.feel("gates", certificate_days=9), "ends in 9 days"),
    "version": (
        lambda m: m.say("gates", About(version="0.9.0", site_hash="aa")),
        "Car park gates (gates) runs another version (0.9.0) than the hub",
    ),
    "site_file": (
        lambda m: m.say("gates", About(version="1.0.0", site_hash="bb")),
        "Car park gates (gates) runs by another site file than the hub",
    ),
    "shipping": (
        lambda m: m.tell("about", shipping(lag_s=7260, waiting=5, why="want an answer, got <b>")),
        "What is sent to the city's data server is 2 hours behind want an answer, got <b>",
    ),
}


@pytest.fixture(scope="module")
def every_trouble(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Kind, tuple[str, str]]]:
    """The page of each trouble, in English and Japanese; before each, all are well again."""
    house = StaffHouse(site, tmp_path_factory.mktemp("house"))
    pages: dict[Kind, tuple[str, str]] = {}
    try:
        for kind, (happen, _) in TROUBLES.items():
            house.clock.at, house.clock.seconds = NOON, house.clock.seconds + 1000
            machines = Machines(house)
            for topic in ("alert/lobby", "alert/lobby-1", "accuracy/moving"):
                machines.tell(topic, None)
            happen(machines)
            pages[kind] = machines.page("en"), machines.page("ja")
        yield pages
    finally:
        house.close()


@pytest.mark.parametrize("kind", TROUBLES)
def test_each_trouble_has_its_sentence(
    every_trouble: dict[Kind, tuple[str, str]], kind: Kind
) -> None:
    english, japanese = every_trouble[kind]
    assert TROUBLES[kind][1] in english
    assert "All is well" not in english
    for said in every_trouble[kind]:
        assert not re.search(r"\{[a-z]*\}|None", said)
    assert not re.search(r"Residents|No word|See whether", japanese)


def test_what_the_city_s_server_has_stands_with_the_hub(machines: Machines) -> None:
    assert "data server" not in machines.page("en")
    machines.tell("about", shipping(lag_s=0, waiting=0))
    assert "Sent to the city's data server all of it" in machines.page("en")
    machines.tell("about", shipping(lag_s=300, waiting=9, missing=12, refused=3))
    said = machines.page("en")
    assert "Sent to the city's data server up to 5 minutes ago" in said
    assert "Forgotten before they were sent there ▲ 12" in said
    assert "Refused by it ▲ 3" in said
    assert "All is well" in said, "it may be away for a while"


def test_a_machine_that_never_came_is_told_and_nobody_is_hurried(house: StaffHouse) -> None:
    house.served.do(house.hub.ready)
    said = house.client("viewer").get("/devices?lang=en", "en").text
    assert "Lobby camera (cam-lobby) has never been here" in said
    assert "to see to now" not in said
    assert set(TROUBLES) | {"never"} == set(KINDS)


def orders(house: StaffHouse) -> list[tuple[str, str]]:
    """What machines are told from now on."""
    told: list[tuple[str, str]] = []

    def order(who: str, name: str) -> bool:
        told.append((who, name))
        return True

    house.room.order = order
    return told


def test_buttons_are_for_facility_staff_and_are_in_the_log(machines: Machines) -> None:
    house = machines.house
    told = orders(house)
    assert "どれか知らせる" not in machines.page(role="counter")
    assert "どれか知らせる" in machines.page(role="facility")
    assert house.client("counter").post("/devices", who="gates", name="identify").status == 403
    facility = house.client("facility")
    for who, name in [("gates", "identify"), ("lobby-1", "reload"), ("lobby-1", "restart")]:
        assert facility.post("/devices", who=who, name=name).status == 303
        assert ("taro", "devices", "done", f"{who}: {name}") in house.audit()
    assert told == [("gates", "identify"), ("lobby-1", "reload"), ("lobby-1", "restart")]


def test_nobody_is_told_what_it_has_no_button_for(house: StaffHouse) -> None:
    told, client = orders(house), house.client("facility")
    for who, name in [
        *[("gates", "restart"), ("lobby-1", "screenshot"), ("hub", "identify"), ("", "")],
        *[("x", "identify"), ("gates/../lobby-1", "reload"), ("+", "identify")],
        ("lobby-1", "reload/x"),
    ]:
        assert client.post("/devices", who=who, name=name).status == 422, (who, name)
    assert told == []


def test_who_cannot_be_told_is_said(house: StaffHouse) -> None:
    said = house.client("facility").post("/devices", who="gates", name="identify")
    assert said.status == 422
    assert "いまはブローカーにつながっていないので" in said.text


@pytest.fixture(scope="module")
def axe() -> str:
    return tool("axe-core/axe.min.js").read_text("utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_is_for_everybody(
    machines: Machines, browser: Browser, axe: str, language: str
) -> None:
    """On a phone and on a desk, by day and by night, all that folds open."""
    machines.lose()
    machines.say("gates", State(state="alert", why="want pin 17" + " and more" * 40))
    machines.feel("hall", disk_free_share=0.1, under_voltage=True)
    for width in (390, 1280):
        context = browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
        machines.house.client("facility").lend(context)
        try:
            page = context.new_page()
            page.goto(f"{machines.house.base}/staff/devices?lang={language}")
            page.evaluate(
                "for (const each of document.querySelectorAll('details')) each.open = true"
            )
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page, axe, dark=True) == []
        finally:
            context.close()


def test_the_wall_s_page_asks_again_and_the_reader_s_does_not(machines: Machines) -> None:
    client = machines.house.client("viewer")
    assert client.get("/devices?auto").headers["Refresh"] == "60"
    assert client.get("/devices").headers["Refresh"] is None


def test_the_document_names_each_trouble() -> None:
    page = (ROOT / "docs" / "staff.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert not [kind for kind in KINDS if not any(f"`{kind}`" in row for row in rows)]
