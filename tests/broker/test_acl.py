"""The text of a broker's configuration and rules, the command that writes it, and its page."""

import re
from pathlib import Path

import pytest

import machiai
from broker import acl
from models.contract.observations import KINDS
from models.errors import BadSite
from models.site import parse
from tests.broker.conftest import EXAMPLE
from tests.conftest import ROOT

TESTS = ROOT / "tests"
TEXT = EXAMPLE.read_text("utf-8")
SITE = parse(TEXT)
NAMES = [
    *("hub", "web", "notice", "desk", "cam-lobby", "cam-door", "gates", "cam-lot", "hall"),
    *("lobby-1", "hall-1", "guide-1"),
]
OF_A_LISTENER = {
    "bind_address", "bind_interface", "cafile", "capath", "certfile", "ciphers", "crlfile",
    "keyfile", "max_connections", "max_qos", "max_topic_alias", "mount_point", "port", "protocol",
    "require_certificate", "socket_domain", "tls_version", "use_identity_as_username",
    "use_subject_as_username", "use_username_as_clientid",
}  # fmt: skip
"""Options that open a listener of their own on 1883 where none stands above them."""


def test_who_needs_a_certificate() -> None:
    assert acl.names([SITE]) == NAMES
    kita = parse(TEXT.replace('id = "minami"', 'id = "kita"'))
    both = acl.names([SITE, kita])
    assert both[:2] == ["minami.hub", "minami.web"]
    assert both[len(NAMES)] == "kita.hub"
    assert both[-1] == "web"
    assert len(set(both)) == 2 * len(NAMES) + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "lobby-1"', 'id = "desk"', r"got 'desk' - at `\$.displays\[0\].id`"),
        ('id = "gates"', 'id = "web"', r"got 'web' - at `\$.devices\[3\].id`"),
        ('id = "hall-1"', 'id = "notice"', r"got 'notice' - at `\$.displays\[1\].id`"),
        ('id = "hall-1"', 'id = "hub"', r"got 'hub' - at `\$.displays\[1\].id`"),
    ],
)
def test_nobody_shares_a_name(old: str, new: str, said: str) -> None:
    site = parse(TEXT.replace(old, new))
    with pytest.raises(BadSite, match=said):
        acl.rules([site])


def test_sites_that_cannot_share_a_broker_are_refused() -> None:
    kita = TEXT.replace('id = "minami"', 'id = "kita"') + "port = 8884\n"
    with pytest.raises(BadSite, match=r"want one port for all sites, got 8883 and 8884"):
        acl.configuration([SITE, parse(kita)], acl.Setup())
    with pytest.raises(BadSite, match=r"want each site once, got 'minami' again"):
        acl.rules([SITE, SITE])


@pytest.mark.parametrize("bind", [None, "192.0.2.1"])
def test_nothing_above_the_listener_belongs_to_one(bind: str | None) -> None:
    text = acl.configuration([SITE], acl.Setup(bind=bind, crl=True))
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    at = next(i for i, words in enumerate(lines) if words[0] == "listener")
    assert lines[at] == ["listener", "8883", *([bind] if bind else [])]
    assert sum(words[0] == "listener" for words in lines) == 1
    assert not {words[0] for words in lines[:at]} & OF_A_LISTENER
    assert {words[0] for words in lines[at + 1 :]} <= OF_A_LISTENER


def test_every_right_is_for_one_name_and_one_site() -> None:
    lines = acl.rules([SITE]).splitlines()
    assert not [line for line in lines if line.startswith("pattern")]
    first = next(line for line in lines if not line.startswith("#") and line)
    assert first.startswith("user "), "a topic above the first user is everybody's"
    topics = [line.split(" ", 2)[2] for line in lines if line.startswith("topic")]
    assert all(topic.startswith("machiai/v1/minami/") for topic in topics)
    kinds = {found[1] for t in topics if (found := re.search(r"/obs/([a-z]+)/", t))}
    assert kinds == set(KINDS)


def test_a_screen_has_the_rights_of_a_device_in_its_own_branch() -> None:
    (screen,) = [rule for rule in acl.rules([SITE]).split("\n\n") if "user lobby-1\n" in rule]
    assert screen.splitlines() == [
        "user lobby-1",
        "topic read machiai/v1/minami/hub/#",
        *(
            f"topic write machiai/v1/minami/lobby-1/{leaf}"
            for leaf in ("screen", "state", "about", "health")
        ),
        *(
            f"topic write machiai/v1/minami/lobby-1/obs/{kind}/+"
            for kind in ("beat", "gap", "notice", "skip")
        ),
        "topic read machiai/v1/minami/lobby-1/ack",
        "topic read machiai/v1/minami/lobby-1/cmd/+",
    ]


def test_the_command_writes_both_and_says_whose_certificates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    options = ["--folder", "/opt/m", "--pki", "/opt/pki", "--crl", "--bind", "192.0.2.1"]
    assert machiai.main(["broker", str(EXAMPLE), "--out", str(out), *options]) == 0
    setup = acl.Setup(folder="/opt/m", pki="/opt/pki", crl=True, bind="192.0.2.1")
    assert (out / "mosquitto.conf").read_text("utf-8") == acl.configuration([SITE], setup)
    assert (out / "machiai.acl").read_text("utf-8") == acl.rules([SITE])
    assert capsys.readouterr().out.splitlines()[-1].split(": ")[1].split() == NAMES


def test_what_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert machiai.main(["broker", str(EXAMPLE), "--out", str(tmp_path / "file")]) == 69
    assert re.fullmatch(
        r"machiai: want to write .*/file/mosquitto.conf, got: .*\n", capsys.readouterr().err
    )


def test_the_page_names_tests_that_are() -> None:
    page = (ROOT / "docs" / "broker.md").read_text("utf-8")
    files = [*TESTS.glob("broker/test_acl*.py"), *TESTS.glob("provision/test_pki*.py")]
    tests = "".join(path.read_text("utf-8") for path in files)
    told = re.findall(r"`(test_\w+)`", page)
    assert len(told) >= 12
    assert not [name for name in told if f"def {name}(" not in tests]


def test_a_citys_web_process_reads_the_results_of_all_offices_and_no_more() -> None:
    kita = parse(EXAMPLE.with_name("kita.toml").read_text("utf-8"))
    (web,) = [rule for rule in acl.rules([SITE, kita]).split("\n\n") if "user web\n" in rule]
    assert web.splitlines() == [
        "user web",
        "topic read machiai/v1/minami/hub/#",
        "topic read machiai/v1/kita/hub/#",
    ]
