"""What the authority signs, what it refuses, and what is left of it when it is killed."""

import os
import random
import re
import shlex
import signal
import sqlite3
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import from_environment
from broker.machine import certificate_days
from broker.pki import certificates
from broker.pki.authority import INDEX, LIST, TRUSTED, Authority
from models.errors import BadRequest, BadSite, BadUsage, Missing
from models.site import parse
from tests.broker.pki import EXAMPLE, PHRASE, SITE, commands, new_key, pem, request
from tests.conftest import ROOT
from tests.provision.pki_office import machiai

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = new_key()


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "authority", lambda: PHRASE)
    made.begin(NOW)
    return made


def signed(ours: Authority, name: str, now: datetime = NOW) -> x509.Certificate:
    """A certificate for a key that is new."""
    made, is_new = ours.sign([SITE], name, pem(request(name, new_key())), now)
    assert is_new
    return x509.load_pem_x509_certificate(made)


def whole(ours: Authority) -> None:
    """The index is one, its files say what it says, and no signature is without its row."""
    db = sqlite3.connect(ours.folder / INDEX)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    crls = x509.load_pem_x509_crl((ours.folder / LIST).read_bytes())
    told = {one.serial for one in ours.issued() if one.why is not None}
    assert {f"{one.serial_number:x}" for one in crls} == told
    assert (ours.folder / TRUSTED).read_bytes().count(b"BEGIN CERTIFICATE") == 1


def test_a_client_may_be_a_client_and_nothing_else(ours: Authority) -> None:
    made = signed(ours, "desk")
    (ca,) = x509.load_pem_x509_certificates((ours.folder / TRUSTED).read_bytes())
    made.verify_directly_issued_by(ca)
    assert made.subject.rfc4514_string() == "CN=desk"
    assert made.not_valid_before_utc == NOW - timedelta(hours=1)
    assert made.not_valid_after_utc - made.not_valid_before_utc == 398 * DAY
    have = {one.oid.dotted_string: one.value for one in made.extensions}
    assert have["2.5.29.19"] == x509.BasicConstraints(ca=False, path_length=None)
    assert have["2.5.29.37"] == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    assert "2.5.29.17" not in have, "a client has no host"


def test_servers_are_reached_by_the_hosts_of_the_site_file(ours: Authority) -> None:
    text = EXAMPLE.replace('id = "minami"', 'id = "minami"\nurl = "https://www.minami.jp/x"', 1)
    site = parse(re.sub(r"\nurl = \"(?!https://www.minami.jp).*", "", text))
    for name, hosts in [("broker", (site.broker.host,)), ("https", ("www.minami.jp",))]:
        made, _ = ours.sign([site], name, pem(request(name, new_key())), NOW)
        read = x509.load_pem_x509_certificate(made)
        assert certificates.hosts_of(read) == hosts
        use = read.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(use) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_broker_of_another_host_is_signed_anew(ours: Authority) -> None:
    asked = pem(request("broker", KEY))
    first, _ = ours.sign([SITE], "broker", asked, NOW)
    moved = parse(EXAMPLE.partition("[broker]")[0] + '[broker]\nhost = "hub.minami.jp"\n')
    second, is_new = ours.sign([moved], "broker", asked, NOW)
    assert is_new
    assert first != second


def builder(name: str = "desk") -> x509.CertificateSigningRequestBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject)


def named(*parts: tuple[x509.ObjectIdentifier, str]) -> bytes:
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return pem(asked.sign(KEY, hashes.SHA256()))


def extended(extension: x509.ExtensionType) -> bytes:
    return pem(builder().add_extension(extension, critical=False).sign(KEY, hashes.SHA256()))


def forged() -> bytes:
    """Asks with somebody's public key, without having the private one."""
    der = bytearray(request("desk", KEY).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return pem(x509.load_der_x509_csr(bytes(der)))


CN, O = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME  # noqa: E741  the letter of the standard
REFUSED = {
    "another name": named((CN, "hub")),
    "no name": named((O, "desk")),
    "two names": named((CN, "desk"), (CN, "hub")),
    "a name and more": named((CN, "desk"), (O, "Minami")),
    "the name in capitals": named((CN, "Desk")),
    "the name and a blank": named((CN, "desk ")),
    "hosts": extended(x509.SubjectAlternativeName([x509.DNSName("hub.minami.example.jp")])),
    "to be an authority": extended(x509.BasicConstraints(ca=True, path_length=None)),
    "to be a server": extended(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])),
    "to sign": extended(certificates._usage(signs=True)),
    "a password": pem(
        builder().add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"abc").sign(KEY, hashes.SHA256())
    ),
    "a short RSA key": pem(builder().sign(rsa.generate_private_key(65537, 1024), hashes.SHA256())),  # noqa: S505
    "an RSA key": pem(builder().sign(rsa.generate_private_key(65537, 2048), hashes.SHA256())),
    "a key on P-192": pem(builder().sign(ec.generate_private_key(ec.SECP192R1()), hashes.SHA256())),
    "a key on P-384": pem(builder().sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256())),
    "a key on another curve": pem(
        builder().sign(ec.generate_private_key(ec.SECP256K1()), hashes.SHA256())
    ),
    "an Ed25519 key": pem(builder().sign(ed25519.Ed25519PrivateKey.generate(), None)),
    "a signature of somebody else": forged(),
    "a private key beside it": pem(request("desk", KEY))
    + KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ),
    "nothing": b"",
    "noise": bytes(range(256)),
    "half of it": pem(request("desk", KEY))[:200],
    "too much": b"-" * 20_000,
}


@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED)
def test_a_request_that_asks_for_anything_else_is_refused(ours: Authority, asked: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^want .*, got ") as caught:
        ours.sign([SITE], "desk", asked, NOW)
    assert "\n" not in str(caught.value)
    assert ours.issued() == []
    assert ours.sign([SITE], "desk", pem(request("desk", KEY)), NOW)[1], "else nothing is signed"


KNOWN = set(certificates.known([SITE]))


@given(
    st.text(max_size=64)
    | st.from_regex(r"\A[a-z0-9-]{1,32}\Z")
    | st.builds(str.__add__, st.sampled_from(sorted(KNOWN)), st.text(min_size=1, max_size=3))
)
def test_nobody_without_a_name_in_the_site_file_is_signed(name: str) -> None:
    if name in KNOWN:
        return
    nowhere = Authority(Path("/nonexistent"), lambda: PHRASE)  # it is refused before it is read
    with pytest.raises(BadRequest, match="want a name of the site file"):
        nowhere.sign([SITE], name, pem(request("desk", KEY)), NOW)


@given(st.text(min_size=1, max_size=64), st.sampled_from(sorted(KNOWN)))
def test_a_request_is_for_the_name_that_asks(common_name: str, name: str) -> None:
    try:
        asked = named((CN, common_name))
    except ValueError:  # no such name can be written
        return
    if common_name == name:
        assert certificates.request(asked, name)
    else:
        with pytest.raises(BadRequest, match=f"^want CN={name} alone, got "):
            certificates.request(asked, name)


@pytest.mark.parametrize("taken", ["broker", "https"])
def test_no_device_has_the_name_of_a_server(taken: str) -> None:
    site = parse(EXAMPLE.replace('id = "gates"', f'id = "{taken}"'))
    with pytest.raises(BadSite, match=f"want another id than a server's, got '{taken}'"):
        certificates.known([site])


@pytest.mark.parametrize("host", ["", "a" * 64 + ".jp", "https://[", "hub..jp"])
def test_a_host_that_cannot_be_one_is_a_line(host: str) -> None:
    site = parse(EXAMPLE.partition("[broker]")[0] + f'[broker]\nhost = "{host}"\n')
    with pytest.raises(BadSite, match=r"at `\$.broker.host`"):
        certificates.known([site])


def test_the_same_request_gives_the_same_certificate_until_it_is_time(ours: Authority) -> None:
    asked = pem(request("desk", KEY))
    first, is_new = ours.sign([SITE], "desk", asked, NOW)
    assert is_new
    assert ours.sign([SITE], "desk", pem(request("desk", KEY)), NOW + 330 * DAY) == (first, False)
    second, is_new = ours.sign([SITE], "desk", asked, NOW + 339 * DAY)
    assert (is_new, second != first) == (True, True)
    assert [(one.name, one.is_newest) for one in ours.issued()] == [
        ("desk", False),
        ("desk", True),
    ]


def test_only_what_is_held_is_told_where_nothing_is_to_be_signed(ours: Authority) -> None:
    asked = pem(request("desk", KEY))
    with pytest.raises(Missing, match="want a certificate that holds for desk"):
        ours.sign([SITE], "desk", asked, NOW, is_held_only=True)
    made, _ = ours.sign([SITE], "desk", asked, NOW)
    assert ours.sign([SITE], "desk", asked, NOW, is_held_only=True) == (made, False)


def test_nobody_uses_the_key_of_another(ours: Authority) -> None:
    ours.sign([SITE], "desk", pem(request("desk", KEY)), NOW)
    with pytest.raises(BadRequest, match="want a key of its own for gates, got one of desk"):
        ours.sign([SITE], "gates", pem(request("gates", KEY)), NOW)


def test_a_stolen_key_is_never_signed_again_and_another_is(ours: Authority) -> None:
    ours.sign([SITE], "desk", pem(request("desk", KEY)), NOW)
    assert ours.revoke("desk", NOW) == 1
    assert ours.revoke("desk", NOW) == 0
    with pytest.raises(BadRequest, match="got one that was stolen"):
        ours.sign([SITE], "desk", pem(request("desk", KEY)), NOW)
    signed(ours, "desk")
    assert [one.why for one in ours.issued()] == ["stolen", None]
    whole(ours)


def test_all_but_the_newest_are_revoked_when_it_is_replaced(ours: Authority) -> None:
    asked = pem(request("desk", KEY))
    ours.sign([SITE], "desk", asked, NOW)
    signed(ours, "desk")
    assert ours.revoke("desk", NOW, is_old_only=True) == 1
    assert [one.why for one in ours.issued()] == ["replaced", None]
    assert ours.sign([SITE], "desk", asked, NOW)[1], "its key was nobody else's"
    with pytest.raises(Missing, match="got 'gates'"):
        ours.revoke("gates", NOW)


def test_the_list_has_numbers_that_grow_and_holds_for_years(ours: Authority) -> None:
    numbers = []
    for name in ("desk", "hall", "gates"):
        signed(ours, name)
        ours.revoke(name, NOW)
        made = x509.load_pem_x509_crl((ours.folder / LIST).read_bytes())
        number = made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        assert made.next_update_utc is not None
        assert made.next_update_utc > NOW + 3600 * DAY
        numbers.append((number, len(made)))
    assert numbers == [(2, 1), (3, 2), (4, 3)]
    ours.renew_list(NOW + 900 * DAY)
    assert ours.lists() == [(5, NOW + 900 * DAY + 3650 * DAY - timedelta(hours=1))]


def test_two_authorities_are_trusted_while_one_takes_the_place_of_the_other(
    ours: Authority,
) -> None:
    old = signed(ours, "desk")
    assert ours.roll(NOW)
    assert not ours.roll(NOW), "one roll-over at a time"
    new = signed(ours, "gates")
    newer, older = x509.load_pem_x509_certificates((ours.folder / TRUSTED).read_bytes())
    old.verify_directly_issued_by(older)
    new.verify_directly_issued_by(newer)
    assert (ours.folder / LIST).read_bytes().count(b"BEGIN X509 CRL") == 2
    with pytest.raises(BadRequest, match="want certificates of the new authority for desk: "):
        ours.retire(NOW)
    signed(ours, "desk")
    assert ours.retire(NOW) == 1
    assert ours.retire(NOW) == 0
    assert x509.load_pem_x509_certificates((ours.folder / TRUSTED).read_bytes()) == [newer]


def test_an_authority_signs_nothing_that_outlives_it(ours: Authority) -> None:
    signed(ours, "desk", NOW + 6900 * DAY)
    with pytest.raises(BadRequest, match="want an authority that outlives what it signs"):
        signed(ours, "desk", NOW + 6903 * DAY)


def test_its_key_is_locked_and_nobody_elses_to_read(ours: Authority) -> None:
    path = ours.folder / "ca-1.key"
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ours.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((ours.folder / INDEX).stat().st_mode) == 0o600
    wrong = Authority(ours.folder, lambda: "another phrase")
    with pytest.raises(BadUsage, match=r"want the pass phrase of .*ca-1.key, got another"):
        signed(wrong, "desk")
    assert ours.issued() == []


@pytest.mark.parametrize("phrase", ["", "short", "elevensigns"])
def test_a_short_phrase_locks_nothing(tmp_path: Path, phrase: str) -> None:
    with pytest.raises(
        BadUsage, match=f"want a pass phrase of 12 signs or more, got {len(phrase)}"
    ):
        Authority(tmp_path / "a", lambda: phrase).begin(NOW)
    assert not (tmp_path / "a" / "ca-1.key").exists()


def test_an_authority_is_never_made_over_another(ours: Authority) -> None:
    with pytest.raises(BadUsage, match="want a folder without an authority, got one"):
        ours.begin(NOW)
    key = (ours.folder / "ca-1.key").read_bytes()
    (ours.folder / INDEX).unlink()
    with pytest.raises(BadUsage, match=r"want the index that belongs to ca.pem, got none"):
        ours.begin(NOW)
    assert (ours.folder / "ca-1.key").read_bytes() == key


def test_pythons_strictest_reading_accepts_the_chain(ours: Authority, tmp_path: Path) -> None:
    """The default from Python 3.13 on; `openssl req -x509` alone makes none that passes."""
    keys = {name: new_key() for name in ("broker", "desk")}
    now = from_environment().now()
    for name, key in keys.items():
        made, _ = ours.sign([SITE], name, pem(request(name, key)), now)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (tmp_path / f"{name}.pem").write_bytes(made + private)
    sides = []
    for purpose, name in [(ssl.Purpose.CLIENT_AUTH, "broker"), (ssl.Purpose.SERVER_AUTH, "desk")]:
        context = ssl.create_default_context(purpose, cafile=str(ours.folder / TRUSTED))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(tmp_path / f"{name}.pem")
        sides.append(context)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = sides[0].wrap_bio(up, down, server_side=True)
    client = sides[1].wrap_bio(down, up, server_hostname="127.0.0.1")
    waiting = [client, server]
    for turn in range(8):
        side = waiting[turn % 2]
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    seen = server.getpeercert()
    assert seen is not None
    assert seen["subject"] == ((("commonName", "desk"),),)
    assert certificate_days(tmp_path / "desk.pem", now) == 397


SIGNING = """
import sys
from pathlib import Path
from broker.clock import from_environment
from broker.pki.authority import Authority
from tests.broker.pki import PHRASE, SITE, new_key, pem, request
ours = Authority(Path(sys.argv[1]), lambda: PHRASE)
print("ready", flush=True)
while True:
    now = from_environment().now()
    made, _ = ours.sign([SITE], "desk", pem(request("desk", new_key())), now)
    print(made.decode().replace("\\n", "|"), flush=True)
    ours.revoke("desk", now, is_old_only=True)
"""


@pytest.mark.parametrize("seed", range(6))
def test_who_is_killed_while_signing_leaves_a_whole_index(ours: Authority, seed: int) -> None:
    """Whatever it told is in the index, and it goes on from there."""
    process = subprocess.Popen(
        [sys.executable, "-c", SIGNING, str(ours.folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    told = []
    try:
        assert process.stdout.readline() == "ready\n"
        chance = random.Random(seed)
        told += [process.stdout.readline() for _ in range(chance.randrange(1, 4))]
        try:
            process.wait(chance.uniform(0, 0.03))  # anywhere in its next round
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        told += process.stdout.readlines()
        process.wait()
        process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    serials = {one.serial for one in ours.issued()}  # opening it is what rolls half a step back
    pems = [line.replace("|", "\n").encode() for line in told if line.endswith("\n")]
    out = {f"{x509.load_pem_x509_certificate(one).serial_number:x}" for one in pems}
    assert out
    assert out <= serials
    whole(ours)
    before = ours.lists()[0][0]
    signed(ours, "desk", from_environment().now())
    ours.revoke("desk", from_environment().now())
    assert ours.lists()[0][0] == before + 1
    whole(ours)


def test_many_sign_at_once_and_each_gets_one(ours: Authority, tmp_path: Path) -> None:
    script = SIGNING.partition("while True:")[0] + (
        "made, _ = ours.sign([SITE], sys.argv[2], pem(request(sys.argv[2], new_key())),"
        " from_environment().now())\nprint(made.decode())"
    )
    names = ["hub", "desk", "gates", "lobby-1"]
    running = []
    for name in names:
        with (tmp_path / name).open("wb") as out:
            command = [sys.executable, "-c", script, str(ours.folder), name]
            running.append(subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out))
    assert [process.wait() for process in running] == [0] * len(names)
    assert sorted(one.name for one in ours.issued()) == sorted(names)
    whole(ours)


def test_the_commands_of_the_page_work_as_they_stand(tmp_path: Path) -> None:
    """docs/broker.md, word by word; a file has the pass phrase, for nobody is there to type it."""
    (tmp_path / "my-office.toml").write_text(EXAMPLE, "utf-8")
    (tmp_path / "phrase").write_text(f"{PHRASE}\n", "utf-8")
    program = f"{shlex.quote(sys.executable)} -m machiai pki"
    said = ""
    for block in commands():
        script = block.replace("machiai pki", program)
        script = re.sub(r"^(.* pki .*)$", r"\1 --pass-file phrase", script, flags=re.MULTILINE)
        done = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout
    lines = said.splitlines()
    assert lines[1] == "desk: signed - desk.pem"
    assert re.fullmatch(r"desk +397 days  to \d{4}-\d\d-\d\d  [0-9a-f]+", lines[2])
    assert re.fullmatch(r"crl.pem +3649 days  to \d{4}-\d\d-\d\d  number 1", lines[3])
    assert lines[-1] == "desk: 1 revoked"
    assert certificate_days(tmp_path / "desk.pem", from_environment().now()) == 397


@pytest.mark.parametrize(
    ("words", "typed", "code", "said"),
    [
        ("list a", "", 66, "want an authority, got none at "),
        ("init /proc/nowhere --pass-file -", f"{PHRASE}\n", 69, "want a folder at /proc/nowhere"),
        ("init a --pass-file -", "\n", 64, "want a pass phrase, got an empty line"),
        ("init a", "", 64, "want a pass phrase, got no terminal"),
        ("init a --pass-file nowhere", "", 66, "want a pass phrase in nowhere, got: "),
        ("sign a", "", 64, "the following arguments are required"),
        ("", "", 64, "the following arguments are required: ACT"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: str, typed: str, code: int, said: str, tmp_path: Path
) -> None:
    at = [str(tmp_path / word) if word == "a" else word for word in words.split()]
    done = machiai("pki", *at, typed=typed)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert said in done.stderr
