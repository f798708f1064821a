"""An office's broker as `machiai broker` sets it up, with certificates as docs/broker.md says."""

import getpass
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from broker import acl
from broker.embedded import program
from broker.session import Address
from models.site import parse
from tests.broker.pki import Pki
from tests.conftest import ROOT, Mosquitto

EXAMPLE = ROOT / "ansible" / "sites" / "example.toml"


class OfficeBroker(Mosquitto):
    """A real mosquitto with the generated configuration, for one office or several."""

    def __init__(self, folder: Path, texts: Sequence[str]) -> None:
        found = program("mosquitto")
        if found is None:
            pytest.skip("mosquitto is not installed: apt-get install mosquitto")
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed: apt-get install openssl")
        super().__init__(found, folder)
        self.folder = folder
        self.pki = Pki(folder / "pki")
        self.pki.issue_all()
        pki = self.pki.folder
        self.table = (
            f'[broker]\nhost = "{self.host}"\nport = {self.port}\n'
            f'ca = "{pki}/ca.pem"\ncert = "{pki}/{{id}}.pem"\nkey = "{pki}/{{id}}.key"\n'
        )
        self.texts = [text.partition("[broker]")[0] + self.table for text in texts]
        sites = [parse(text) for text in self.texts]
        setup = acl.Setup(
            folder=str(folder),
            pki=str(pki),
            crl=True,
            state=str(folder),
            user=getpass.getuser(),
            bind=self.host,
        )
        self.config.write_text(acl.configuration(sites, setup), "utf-8")
        (folder / acl.RULES).write_text(acl.rules(sites), "utf-8")

    def address(self, file: str, **other: str) -> Address:
        """Where it is, for who has this certificate."""
        pki = self.pki.folder
        return Address(
            host=self.host,
            port=self.port,
            ca=str(pki / "ca.pem"),
            cert=str(pki / f"{file}.pem"),
            key=str(pki / f"{file}.key"),
            **other,
        )


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[OfficeBroker]:
    """The example office's broker, for a test that stops or changes it."""
    made = OfficeBroker(tmp_path, [EXAMPLE.read_text("utf-8")])
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def office_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeBroker]:
    """The example office's broker, one for all tests of a module."""
    made = OfficeBroker(tmp_path_factory.mktemp("broker"), [EXAMPLE.read_text("utf-8")])
    try:
        made.start()
        yield made
    finally:
        made.kill()
