"""Who may put up an emergency alone, and what stands."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import PostNotice
from models.contract.results import NoticeResult, NoticesResult, ProposalResult
from models.errors import BadSite
from models.site import Device, Display, Emergency, Switch, parse
from models.state.notices import CONFIRM_S
from models.state.office import Office
from tests.models.offices import SITE, Hand, after

OUT = {"ja": "外へ避難してください。", "en": "Leave the building."}
WARNING_SITE = msgspec.structs.replace(
    SITE,
    devices=(
        Device(id="j-alert", sensors=({"kind": "jma"},)),
        Device(id="relay", sensors=({"kind": "button"}, {"kind": "cap"})),
        Device(id="cam-1", sensors=({"kind": "camera"},)),
    ),
    displays=(Display(id="lobby-1", switch=Switch(pin=17)), Display(id="hall-1")),
)


def emergency(by: str, **also: Any) -> PostNotice:  # noqa: ANN401
    return PostNotice(**{"by": by, "severity": "emergency", "texts": OUT} | also)


def told(hand: Hand, now: datetime) -> list[str]:
    """The notices and proposals of a moment; the list of what stands says the same."""
    results = hand.office.results(now)
    listed = results["notices"]
    assert isinstance(listed, NoticesResult)
    held = {key for key, result in results.items() if isinstance(result, NoticeResult)}
    assert {f"notice/{name}" for name in listed.names} == held
    return sorted(held) + [key for key in results if key.startswith("proposal/")]


@pytest.mark.parametrize(
    ("second", "after_s", "expected"),
    [
        (emergency("保健課"), 299, ["notice/quake"]),
        (emergency("保健課"), 300, ["proposal/quake"]),
        (emergency("総務課"), 10, ["proposal/quake"]),
        (emergency(" 総務 課"), 10, ["proposal/quake"]),
        (emergency(""), 10, ["proposal/quake"]),
        (emergency("保健課", texts={"en": "Leave."}), 10, ["proposal/quake"]),
        (emergency("保健課", drill=True), 10, ["proposal/quake"]),
        (emergency("保健課", until=after(900)), 10, ["proposal/quake"]),
        (PostNotice(by="保健課", cancel=True), 10, []),
        (PostNotice(by="総務課", cancel=True), 10, []),
        (PostNotice(by="保健課", severity="warning", texts=OUT), 10, ["notice/quake"]),
    ],
    ids=[
        "another one, just in time",
        "another one, too late",
        "the same person",
        "the same person, typed otherwise",
        "nobody",
        "another text",
        "a drill of it",
        "another end",
        "another takes it back",
        "the same takes it back",
        "a mere warning instead",
    ],
)
def test_an_emergency_of_staff_needs_two(
    second: PostNotice, after_s: float, expected: list[str]
) -> None:
    hand = Hand()
    hand.see("quake", emergency("総務課"), device="web")
    assert told(hand, after(1)) == ["proposal/quake"]
    hand.see("quake", second, after(after_s), device="web")
    assert told(hand, after(after_s)) == expected


def test_a_proposal_says_who_wants_to_tell_what_and_until_when_it_can_be_confirmed() -> None:
    hand = Hand()
    hand.see("quake", emergency("総務課", drill=True), device="web")
    proposal = hand.office.results(after(60))["proposal/quake"]
    assert isinstance(proposal, ProposalResult)
    assert (proposal.by, proposal.drill, proposal.texts) == ("総務課", True, OUT)
    assert proposal.valid_until == after(CONFIRM_S)
    assert told(hand, after(CONFIRM_S)) == []


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("j-alert", ["notice/quake"]),
        ("relay", ["notice/quake"]),
        ("lobby-1", ["notice/quake"]),
        ("cam-1", ["proposal/quake"]),
        ("hall-1", ["proposal/quake"]),
        ("web", ["proposal/quake"]),
        ("stranger", ["proposal/quake"]),
    ],
)
def test_what_staff_set_up_to_warn_needs_nobody(device: str, expected: list[str]) -> None:
    hand = Hand(site=WARNING_SITE)
    hand.see("quake", emergency(device), device=device)
    assert told(hand, after(1)) == expected


@pytest.mark.parametrize("by_one", [False, True])
def test_a_drill_needs_two_unless_the_site_file_says_otherwise(by_one: bool) -> None:  # noqa: FBT001
    site = msgspec.structs.replace(SITE, emergency=Emergency(drills_by_one=by_one))
    hand = Hand(site=site)
    hand.see("quake", emergency("総務課", drill=True), device="web")
    assert told(hand, after(1)) == (["notice/quake"] if by_one else ["proposal/quake"])
    hand.see("fire", emergency("総務課"), device="web")
    assert "proposal/fire" in told(hand, after(1))


def test_news_and_warnings_need_one() -> None:
    hand = Hand()
    for name in ("info", "warning"):
        hand.see(name, PostNotice(by="a", severity=name, texts=OUT), device="web")
    assert told(hand, after(1)) == ["notice/info", "notice/warning"]


def test_a_standing_emergency_stays_as_it_is_until_its_new_text_is_confirmed() -> None:
    hand = Hand()
    for by in ("a", "b"):
        hand.see("quake", emergency(by), device="web")
    hand.see("quake", emergency("a", texts={"en": "Come back in."}), after(20), device="web")
    notice = hand.office.results(after(20))["notice/quake"]
    assert isinstance(notice, NoticeResult)
    assert notice.texts == OUT
    hand.see("quake", emergency("b", texts={"en": "Come back in."}), after(30), device="web")
    notice = hand.office.results(after(30))["notice/quake"]
    assert isinstance(notice, NoticeResult)
    assert notice.texts == {"en": "Come back in."}


def test_an_emergency_without_an_end_outlives_a_hub_that_is_gone_for_months() -> None:
    hand = Hand(site=WARNING_SITE)
    hand.see("quake", emergency("j-alert"), device="j-alert")
    assert hand.office.results(after(1))["notice/quake"].valid_until > after(300 * 86_400)
    late = hand.office.results(after(40 * 86_400))["notice/quake"]
    assert isinstance(late, NoticeResult)
    assert late.until is None


WHO = st.sampled_from(["a", "A ", "b", "c", ""])
STEPS = st.lists(
    st.tuples(
        WHO,
        st.sampled_from([OUT, {"en": "Leave."}]),
        st.booleans(),  # a drill
        st.sampled_from([False, False, False, True]),  # cancel
        st.floats(0, 400),  # seconds since the one before
    ),
    max_size=12,
)


@given(STEPS)
def test_no_one_person_ever_puts_up_an_emergency(steps: list[Any]) -> None:
    """What stands was said by two within five minutes, word for word, after the last cancel."""
    hand, now_s = Hand(), 0.0
    said: list[tuple[str, dict[str, str], bool, float]] = []
    for by, texts, drill, cancel, wait_s in steps:
        now_s += wait_s
        before = hand.office.results(after(now_s)).get("notice/quake")
        reading = PostNotice(by=by, cancel=cancel, severity="emergency", drill=drill, texts=texts)
        hand.see("quake", reading, after(now_s), device="web")
        now = hand.office.results(after(now_s)).get("notice/quake")
        if cancel:
            said.clear()
            assert now is None
            continue
        who = by.strip().lower()
        if isinstance(now, NoticeResult) and now.observed_at == after(now_s) != (
            before.observed_at if before else None
        ):
            assert (now.texts, now.drill) == (texts, drill)
            assert any(
                other and other != who and (t, d) == (texts, drill) and now_s - at_s < CONFIRM_S
                for other, t, d, at_s in said
            )
            assert who
        said.append((who, texts, drill, now_s))


@given(STEPS, st.integers(-90_000, 90_000))
def test_an_edition_grows_with_each_change_however_the_clock_is_set(
    steps: list[Any], step_s: int
) -> None:
    hand, editions = Hand(site=WARNING_SITE), [0]
    for n, (by, texts, drill, cancel, _) in enumerate(steps):
        now = after(step_s if n % 2 else 0)
        reading = emergency(by, texts=texts, drill=drill, cancel=cancel)
        had = "notice/quake" in hand.office.results(now)
        hand.see("quake", reading, now, device="j-alert")
        listed = hand.office.results(now)["notices"]
        assert isinstance(listed, NoticesResult)
        assert (listed.edition > editions[-1]) == (had or not cancel)
        editions.append(listed.edition)


@pytest.mark.parametrize("step_s", [-86_400, -600, 600, 86_400])
def test_a_step_of_the_clock_ends_no_emergency_and_brings_none_back(step_s: float) -> None:
    hand = Hand(site=WARNING_SITE)
    hand.see("quake", emergency("j-alert"), device="j-alert")
    hand.see("fire", emergency("j-alert"), device="j-alert")
    hand.see("fire", PostNotice(by="web", cancel=True), after(5), device="web")
    hand.see("flood", emergency("a"), after(6), device="web")
    later = after(step_s)
    hand.see("info", PostNotice(by="a", texts=OUT), later, device="web")
    office = Office.load(WARNING_SITE, hand.office.dump())
    for one in (hand.office, office):
        held = {key for key in one.results(later) if key.startswith("notice/")}
        assert held == {"notice/quake", "notice/info"}
        assert "proposal/flood" not in one.results(later)


def test_two_who_were_offline_count_by_when_they_said_it() -> None:
    """Their words wait in an outbox: what matters is when they were said."""
    hand, hour = Hand(), timedelta(hours=1)
    hand.see("quake", emergency("a"), after(0), device="web", received_at=after(0) + hour)
    hand.see("quake", emergency("b"), after(400), device="web", received_at=after(0) + hour)
    assert told(hand, after(0) + hour) == []
    hand.see("quake", emergency("a"), after(500), device="web", received_at=after(0) + hour)
    assert told(hand, after(3600)) == ["notice/quake"]


@pytest.mark.parametrize(
    ("display", "wrong"),
    [
        ("id = 'a'\nswitch = { pin = 17, drill_pin = 17 }", "switch.drill_pin"),
        ("id = 'abcdefghijklmnopqrstuvwxyz'\nswitch = { pin = 17 }", "displays[0].id"),
        ("id = 'a'\nswitch = { pin = 28 }", "displays[0].switch.pin"),
        ("id = 'a'\nswitch = { drill_pin = 3 }", "displays[0].switch"),
    ],
)
def test_a_switch_that_cannot_be_is_refused(display: str, wrong: str) -> None:
    text = f"[site]\nid = 'm'\nname = {{ en = 'M' }}\nhours = []\n[[displays]]\n{display}\n"
    with pytest.raises(BadSite, match=r"\$\.") as error:
        parse(text)
    assert wrong in str(error.value)
