"""The role `pki`, rotate.yml and revoke.yml, on folders that stand for machines."""

import os
import re
import ssl
import stat
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broker.clock import from_environment, starting_at
from broker.machine import certificate_days
from tests.broker.conftest import OfficeBroker
from tests.broker.test_acl_tls import WELCOME, answer
from tests.conftest import Mosquitto
from tests.provision.pki_office import NAMES, SITE, PlayedOffice

pytestmark = pytest.mark.timeout(600)  # a playbook takes seconds, many on a busy computer

IS_WHOLE = os.environ.get("MACHIAI_PLAYS") == "whole"
whole = pytest.mark.skipif(not IS_WHOLE, reason="minutes of playbooks: MACHIAI_PLAYS=whole")

ALL = [name for names in NAMES.values() for name in names]
FAULTLESS = r"unreachable=0 +failed=0 .*\n(.*unreachable=0 +failed=0 .*\n)*(?s:.*)rc=0\n\Z"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeBroker]:
    """Only its program and its port are used: its certificates come by the playbook."""
    made = OfficeBroker(tmp_path_factory.mktemp("broker"), [SITE % 8883])
    yield made
    made.kill()


@pytest.fixture(scope="module")
def office(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> PlayedOffice:
    """Played once."""
    made = PlayedOffice(tmp_path_factory.mktemp("office"), broker.port)
    said = made.play("trial.yml")
    assert re.search(FAULTLESS, said), said
    return made


def start(broker: OfficeBroker, office: PlayedOffice) -> None:
    """The broker, anew, with what the playbook put into its machine's folder."""
    broker.kill()
    text = broker.config.read_text("utf-8")
    text = text.replace(f"{broker.pki.folder}/", f"{office.folder}/hub/")
    broker.config.write_text(text, "utf-8")
    broker.start()


def is_let_in(broker: OfficeBroker, office: PlayedOffice, name: str, folder: Path) -> bool:
    context = ssl.create_default_context(cafile=str(office.folder / "gates" / "ca.pem"))
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return answer(broker, context) == WELCOME


def test_keys_stay_where_they_were_made(broker: OfficeBroker, office: PlayedOffice) -> None:
    for name in ALL:
        assert stat.S_IMODE(office.key(name).stat().st_mode) == 0o600
        assert certificate_days(office.certificate(name), from_environment().now()) == 397
    elsewhere = [
        path
        for path in office.folder.rglob("*")
        if path.is_file() and b"PRIVATE KEY" in path.read_bytes() and path.parent.name not in NAMES
    ]
    assert elsewhere == [office.authority / "ca-1.key"]
    start(broker, office)
    assert is_let_in(broker, office, "gates", office.folder / "gates")
    assert is_let_in(broker, office, "hub", office.folder / "hub")
    assert not is_let_in(broker, office, "broker", office.folder / "hub"), "a server is no client"


def test_it_changes_nothing_where_all_is_right_and_wants_no_phrase(office: PlayedOffice) -> None:
    before = office.pki("list", "--all")
    for words in [["--check"], *([[]] if IS_WHOLE else [])]:
        said = office.play("trial.yml", *words, phrase="")
        assert re.search(FAULTLESS, said), said
        assert re.findall(r"changed=(\d+)", said) == ["0"] * len(NAMES), said
    assert office.pki("list", "--all") == before


@whole
def test_what_ends_soon_is_renewed_with_the_same_key(office: PlayedOffice) -> None:
    key, before = office.key("gates").read_bytes(), office.certificate("gates").read_bytes()
    soon = starting_at(from_environment().now() + timedelta(days=345), 1)
    said = office.play("trial.yml", "--limit", "gates", clock=soon)
    assert re.search(FAULTLESS, said), said
    assert office.key("gates").read_bytes() == key
    assert office.certificate("gates").read_bytes() != before
    assert certificate_days(office.certificate("gates"), soon.now()) == 397


@whole
def test_without_the_phrase_nothing_is_signed_and_it_says_why(office: PlayedOffice) -> None:
    office.certificate("gates").unlink()
    office.key("gates").unlink()
    said = office.play("trial.yml", "--limit", "gates", phrase="")
    assert "want a pass phrase, got an empty line" in said
    assert "MACHIAI_PKI_PHRASE in the environment" in said
    assert "rc=2" in said
    said = office.play("trial.yml", "--limit", "gates")
    assert re.search(FAULTLESS, said), said


@whole
def test_all_is_made_anew_and_so_is_the_authority(
    broker: OfficeBroker, office: PlayedOffice, tmp_path: Path
) -> None:
    keys = {name: office.key(name).read_bytes() for name in ALL}
    for suffix in ("key", "pem"):
        (tmp_path / f"gates.{suffix}").write_bytes(
            (office.folder / "gates" / f"gates.{suffix}").read_bytes()
        )
    said = office.play("rotate.yml", "-e", "new_authority=true")
    assert re.search(FAULTLESS, said), said
    assert not [name for name in ALL if office.key(name).read_bytes() == keys[name]]
    assert not [*office.folder.rglob("*.next"), *office.folder.rglob("*.made")]
    for host in NAMES:
        trusted = office.folder / host / "ca.pem"
        assert trusted.read_bytes().count(b"BEGIN CERTIFICATE") == 1
        for name in NAMES[host]:
            check = ["openssl", "verify", "-CAfile", str(trusted), str(office.certificate(name))]
            assert subprocess.run(check, check=False, capture_output=True).returncode == 0
    start(broker, office)
    assert is_let_in(broker, office, "gates", office.folder / "gates")
    assert not is_let_in(broker, office, "gates", tmp_path), "what was before is let in"


def test_a_machine_that_is_gone_is_revoked(broker: OfficeBroker, office: PlayedOffice) -> None:
    start(broker, office)
    assert is_let_in(broker, office, "gates", office.folder / "gates")
    said = office.play("revoke.yml", "-e", "machine=gates")
    assert re.search(FAULTLESS, said), said
    start(broker, office)
    assert not is_let_in(broker, office, "gates", office.folder / "gates")
    assert is_let_in(broker, office, "hub", office.folder / "hub")
    said = office.play("trial.yml", "--limit", "gates")
    assert "want a key of its own for gates, got one that was stolen" in said
    office.key("gates").unlink()
    said = office.play("trial.yml", "--limit", "gates")
    assert re.search(FAULTLESS, said), said
    assert is_let_in(broker, office, "gates", office.folder / "gates"), "its successor"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Want -e machine=NAME as it stands in the inventory, got none"),
        (["-e", "machine=nobody"], "want a name that has a certificate, got 'nobody'"),
    ],
)
def test_nobody_is_revoked_by_mistake(office: PlayedOffice, words: list[str], said: str) -> None:
    answer = office.play("revoke.yml", *words)
    assert said in answer
    assert "rc=2" in answer


def test_an_office_without_its_authority_is_told_what_to_do(office: PlayedOffice) -> None:
    hidden = office.authority.rename(office.folder / "elsewhere")
    try:
        said = office.play("trial.yml", "--limit", "gates")
    finally:
        hidden.rename(office.authority)
    assert "machiai pki init" in said
    assert "rc=2" in said
