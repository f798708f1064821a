"""What is signed, and what is not. Keys of others never come here: a request holds a public one.

Contents are such that Python 3.13 and later, which hold a chain against RFC 5280 to the letter,
accept them too.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker import acl
from models.errors import BadRequest, BadSite
from models.site import Site

BROKER, PAGE = "broker", "https"
"""What servers are called, Mosquitto and the web server of the public page."""

DAYS = 398
AUTHORITY_DAYS = 7300
LIST_DAYS = 3650
"""When the list of the revoked has ended, Mosquitto lets nobody in."""

_BEFORE = timedelta(hours=1)
"""Signed as of this long ago: a device's clock may be behind that of the authority."""

_LONGEST_REQUEST = 16_384

Hosts = tuple[str, ...]
"""By which names and addresses a server is reached; a client has none."""


def known(sites: Sequence[Site]) -> dict[str, Hosts]:
    """Every name that may have a certificate.

    Raises:
        BadSite: a device has the name of a server, or a server can have no such host.
    """
    clients = acl.names(sites)
    if taken := {BROKER, PAGE} & set(clients):
        raise BadSite(f"want another id than a server's, got {min(taken)!r} - at `$.devices`")
    brokers = {_host(site.broker.host, "broker.host") for site in sites}
    pages = {_host(site.site.url, "site.url") for site in sites if site.site.url}
    servers = {BROKER: tuple(sorted(brokers)), PAGE: tuple(sorted(pages or brokers))}
    return {**dict.fromkeys(clients, ()), **servers}


def request(pem: bytes, name: str) -> x509.CertificateSigningRequest:
    """A request that asks for this name and for nothing else, with a key of the one kind we take.

    Raises:
        BadRequest: it is anything else.
    """
    if len(pem) > _LONGEST_REQUEST:
        raise BadRequest(f"want a request for {name}, got {len(pem)} bytes")
    if b"PRIVATE KEY" in pem:
        raise BadRequest(f"want a request for {name} alone, got a private key: make a new one")
    try:
        read = x509.load_pem_x509_csr(pem)
        subject = [(part.oid, part.value) for part in read.subject]
        asks = [part.oid for part in read.attributes]
        key = read.public_key()
        is_whole = read.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadRequest(f"want a request for {name} in PEM, got something else") from None
    if subject != [(NameOID.COMMON_NAME, name)]:
        raise BadRequest(f"want CN={name} alone, got {read.subject.rfc4514_string()!r}")
    if asks:
        raise BadRequest(
            f"want a request for {name} without attributes, got {asks[0].dotted_string}"
        )
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequest(f"want an EC key on P-256 for {name}, got another")
    if not is_whole:
        raise BadRequest(f"want a request for {name} signed by its own key, got another signature")
    return read


class Signer(NamedTuple):
    """An authority that can sign."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def authority(number: int, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """Its own certificate. Each has a name of its own, or its list could be taken for another's."""
    subject = _named(f"machiai authority {number}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        _empty(now, AUTHORITY_DAYS)
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(_issuer(identifier), critical=False)
    )
    return made.sign(key, hashes.SHA256())


def certificate(
    asked: x509.CertificateSigningRequest,
    name: str,
    hosts: Hosts,
    by: Signer,
    now: datetime,
) -> x509.Certificate:
    """For 398 days: a server's if it has hosts, else a client's. The request gives but its key."""
    use = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    identifier = x509.SubjectKeyIdentifier.from_public_key(asked.public_key())
    made = (
        _empty(now, DAYS)
        .subject_name(_named(name))
        .issuer_name(by.certificate.subject)
        .public_key(asked.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(_issuer_of(by), critical=False)
    )
    if hosts:
        also = x509.SubjectAlternativeName([_general(host) for host in hosts])
        made = made.add_extension(also, critical=False)
    return made.sign(by.key, hashes.SHA256())


def revoked(
    serials: Iterable[tuple[int, datetime]],
    number: int,
    by: Signer,
    now: datetime,
) -> x509.CertificateRevocationList:
    """The list of what is revoked, and since when."""
    begins = now - _BEFORE
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(begins)
        .next_update(begins + timedelta(days=LIST_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_issuer_of(by), critical=False)
    )
    for serial, since in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
        made = made.add_revoked_certificate(entry.build())
    return made.sign(by.key, hashes.SHA256())


def hosts_of(made: x509.Certificate) -> Hosts:
    """By which hosts a server's certificate is taken."""
    try:
        also = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(sorted(str(one.value) for one in also))


def _empty(now: datetime, days: int) -> x509.CertificateBuilder:
    begins = now - _BEFORE
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    """An authority signs certificates and lists, everybody else only what TLS asks."""
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_of(by: Signer) -> x509.AuthorityKeyIdentifier:
    return _issuer(
        by.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    )


def _issuer(identifier: x509.SubjectKeyIdentifier) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _host(text: str, at: str) -> str:
    """An address or a name of the DNS as it stands in a certificate, of a host or a URL."""
    try:
        host = urlsplit(text).hostname if "://" in text else text
        try:
            return str(ipaddress.ip_address(host or ""))
        except ValueError:
            named = (host or "").encode("idna").decode("ascii")
    except ValueError:  # also of idna
        named = ""
    if not named:
        raise BadSite(f"want the name or address of a host, got {text!r} - at `$.{at}`")
    return named


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
