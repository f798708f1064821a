"""A real authority as an office has it, and what it should never issue."""

import re
import subprocess
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker import acl
from broker.clock import from_environment
from broker.pki import certificates
from broker.pki.authority import Authority
from models.site import Site, parse
from tests.conftest import ROOT

PHRASE = "not for an office"
EXAMPLE = (ROOT / "ansible" / "sites" / "example.toml").read_text("utf-8")
SITE = parse(EXAMPLE.partition("[broker]")[0])
"""The example office, its broker on the loopback."""


def commands() -> list[str]:
    """The blocks of docs/broker.md: authority, requests, certificates, revocation, roll-over."""
    text = (ROOT / "docs" / "broker.md").read_text("utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def request(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
    """What a device asks for."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return asked.sign(key, hashes.SHA256())


def pem(asked: x509.CertificateSigningRequest) -> bytes:
    return asked.public_bytes(serialization.Encoding.PEM)


class Pki:
    """A folder with an authority's files, and the certificates and keys of everybody."""

    def __init__(self, folder: Path) -> None:
        """Make the authority and the broker's certificate, for the loopback."""
        self.folder = folder
        self.authority = Authority(folder, lambda: PHRASE)
        self.authority.begin(from_environment().now())
        self.sign("broker")

    def issue_all(self) -> None:
        """A certificate for each name of the example office."""
        for name in acl.names([SITE]):
            self.sign(name)

    def sign(self, name: str, site: Site = SITE) -> None:
        """A certificate as `machiai pki sign` gives it."""
        key = new_key()
        made, _ = self.authority.sign(
            [site], name, pem(request(name, key)), from_environment().now()
        )
        self._keep(name, key, made)

    def issue(
        self,
        name: str,
        *,
        file: str | None = None,
        hosts: tuple[str, ...] = (),
        at: datetime | None = None,
    ) -> str:
        """A certificate for any name, hostile ones too; the name of its files without ending.

        Args:
            name: the common name.
            file: what to call the files, if not like the name.
            hosts: of a server.
            at: when it was signed, if not now.
        """
        file, key = file or name, new_key()
        with self.authority._index() as db:
            ((number, by),) = [
                (row[0], x509.load_pem_x509_certificate(row[1]))
                for row in db.execute("SELECT number, pem FROM authority")
            ]
        signer = self.authority._signer(number, by)
        made = certificates.certificate(
            request("anything", key), name, hosts, signer, at or from_environment().now()
        )
        self._keep(file, key, made.public_bytes(serialization.Encoding.PEM))
        return file

    def issue_nameless(self) -> str:
        """A certificate without a common name."""
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        asked = ["-subj", "/O=nobody", "-keyout", "nameless.key", "-out", "nameless.csr"]
        self._openssl("req", "-new", *key, *asked)
        by = ["-CA", "ca.pem", "-CAkey", "ca-1.key", "-passin", f"pass:{PHRASE}", "-days", "2"]
        self._openssl("x509", "-req", "-in", "nameless.csr", *by, "-out", "nameless.pem")
        return "nameless"

    def itself(self) -> str:
        """The authority's own certificate and key, as if they were a client's."""
        open_ = ["-passin", f"pass:{PHRASE}", "-out", "ca.key"]
        self._openssl("pkey", "-in", "ca-1.key", *open_)
        return "ca"

    def revoke(self, name: str) -> None:
        """Revoke, as `machiai pki revoke` does."""
        assert self.authority.revoke(name, from_environment().now())

    def _keep(self, file: str, key: ec.EllipticCurvePrivateKey, made: bytes) -> None:
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (self.folder / f"{file}.key").write_bytes(private)
        (self.folder / f"{file}.pem").write_bytes(made)

    def _openssl(self, *words: str) -> None:
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
