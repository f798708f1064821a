"""The demo's broker: mosquitto if installed, else amqtt; loopback only, its own password."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import msgspec

from models.errors import Missing

USER = "demo"

_MOSQUITTO = """\
# Written by machiai for one run of its demo.
{user}persistence false
max_queued_messages 100000
max_inflight_messages 1000
max_packet_size 262144
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
listener {port} 127.0.0.1
allow_anonymous false
password_file {passwords}
"""

_ELSEWHERE = os.pathsep.join(["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])
"""Where mosquitto is when it is not on a person's PATH."""


class Embedded(msgspec.Struct, frozen=True, kw_only=True):
    """A broker that can be started: its command, and how a client reaches it."""

    name: str
    command: list[str]
    port: int
    url: str


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def program(name: str) -> str | None:
    """The path of mosquitto or one of its tools, or None."""
    return shutil.which(name) or shutil.which(name, path=_ELSEWHERE)


def prepare(folder: Path) -> Embedded:
    """Write what a broker needs into a folder that only we can read.

    Raises:
        Missing: neither mosquitto nor amqtt is installed.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = secrets.token_urlsafe(24)
    port = free_port()
    url = f"mqtt://{USER}:{quote(password, safe='')}@127.0.0.1:{port}"
    if program("mosquitto") and program("mosquitto_passwd"):
        return Embedded(
            name="mosquitto", command=_mosquitto(folder, port, password), port=port, url=url
        )
    return Embedded(name="amqtt", command=_amqtt(folder, port, password), port=port, url=url)


def _mosquitto(folder: Path, port: int, password: str) -> list[str]:
    passwords = folder / "passwords"
    _write_secret(passwords, f"{USER}:{password}\n")
    subprocess.run(  # noqa: S603  hashes the file in place; the password is on no command line
        [program("mosquitto_passwd") or "", "-U", str(passwords)], check=True, capture_output=True
    )
    # mosquitto leaves root for a user that could not read our folder; here it stays who we are.
    user = f"user {pwd.getpwuid(os.geteuid()).pw_name}\n" if os.geteuid() == 0 else ""
    conf = folder / "mosquitto.conf"
    _write_secret(conf, _MOSQUITTO.format(user=user, port=port, passwords=passwords))
    return [program("mosquitto") or "", "-c", str(conf)]


def _amqtt(folder: Path, port: int, password: str) -> list[str]:
    try:
        from pwdlib import PasswordHash  # noqa: PLC0415  comes with amqtt
    except ImportError:
        raise Missing("want mosquitto or the Python package amqtt, got neither") from None
    passwords = folder / "passwords"
    _write_secret(passwords, f"{USER}:{PasswordHash.recommended().hash(password)}\n")
    conf = folder / "amqtt.yaml"
    _write_secret(
        conf,
        "listeners:\n"
        f"  default: {{type: tcp, bind: '127.0.0.1:{port}', max_connections: 100}}\n"
        "plugins:\n"
        "  amqtt.plugins.authentication.FileAuthPlugin:\n"
        f"    password_file: {msgspec.json.encode(str(passwords)).decode()}\n",
    )
    return [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(conf)]


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
