"""A real authority, made by the very commands of docs/broker.md, and what it should never issue."""

import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def commands() -> list[str]:
    """The blocks of docs/broker.md: authority and broker, one for each name, revocation."""
    text = (ROOT / "docs" / "broker.md").read_text("utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Pki:
    """A folder with an authority's files, as an office would have it."""

    def __init__(self, folder: Path) -> None:
        """Make the authority and the broker's certificate, for the loopback."""
        folder.mkdir(parents=True)
        self.folder = folder
        here = "DNS:localhost,IP:127.0.0.1"
        self._shell(commands()[0].replace("DNS:hub.minami.example.jp", here))

    def issue_all(self) -> None:
        """A certificate for each name of the example office."""
        self._shell(commands()[1])

    def issue(self, name: str, *more: str, file: str | None = None, use: str = "client") -> str:
        """A certificate for any name, hostile ones too; the name of its files without ending.

        Args:
            name: the common name.
            more: further options of `openssl ca`, such as dates.
            file: what to call the files, if not like the name.
            use: "client" or "server".
        """
        file = file or name
        subject = "/CN=" + re.sub(r"([/+\\])", r"\\\1", name)
        request = ["-utf8", "-subj", subject, "-keyout", f"{file}.key", "-out", f"{file}.csr"]
        self._openssl("req", "-new", *_KEY, *request)
        given = ["-utf8", "-in", f"{file}.csr", "-out", f"{file}.pem", *more]
        self._openssl("ca", "-config", "ca.cnf", "-batch", "-notext", "-extensions", use, *given)
        return file

    def issue_nameless(self) -> str:
        """A certificate without a common name."""
        request = ["-subj", "/O=nobody", "-keyout", "nameless.key", "-out", "nameless.csr"]
        self._openssl("req", "-new", *_KEY, *request)
        by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-set_serial", "7"]
        self._openssl("x509", "-req", "-in", "nameless.csr", *by, "-out", "nameless.pem")
        return "nameless"

    def revoke(self, name: str) -> None:
        """Revoke, by the commands that docs/broker.md gives for the desk."""
        self._shell(commands()[2].replace("desk.pem", f"{name}.pem"))

    def _openssl(self, *words: str) -> None:
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()

    def _shell(self, script: str) -> None:
        done = subprocess.run(
            ["sh", "-eu", "-c", script], cwd=self.folder, check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
