"""A nest: machines in networks, mounts and process numbers of their own.

One process holds the namespaces. When it dies, whatever the reason, the kernel ends all that is in
them: machines, overlays, bridge, rules, ssh connections. What stands outside is a veth, a table of
nftables and empty cgroups; `end` takes them away, and so does the next start if we were killed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from broker.first_boot import USER
from tests.provision.boot.root import BOOT, NoMachine, root

GATEWAY = "10.99.0.1"
CITIZEN = "10.99.0.200"
FORGOTTEN_S = 4 * 3600
TRIES = 600
"""At ten a second: how often a machine is asked whether it is up."""

_BRIDGE, _UPLINK = "br0", "uplink"
_CGROUPS = [
    Path("/sys/fs/cgroup/unified/machiai-boot"),
    Path("/sys/fs/cgroup/systemd/machiai-boot"),
]
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_NO_CHECKS = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
_SHARED = [
    "-o",
    "ControlMaster=auto",
    "-o",
    "ControlPersist=60s",
    "-o",
    "ServerAliveInterval=15",
    "-o",
    "LogLevel=ERROR",
]


class Machine:
    """A container that boots a Debian of its own, from an overlay upon a root."""

    def __init__(self, nest: "Nest", name: str, address: str, suite: str) -> None:
        """It is made by `start`; a disk that is there already is booted again."""
        self.nest, self.name, self.address, self.suite = nest, name, address, suite
        self.folder = nest.folder / "machines" / name
        self._leader = self.folder / "leader"

    @property
    def leader(self) -> int:
        """The process number of its systemd, as seen from outside."""
        return int(self._leader.read_text())

    @property
    def is_up(self) -> bool:
        return self._leader.exists() and Path(f"/proc/{self.leader}").exists()

    def prepare(self) -> None:
        """What the first boot of a Pi has set, unless there is a disk already."""
        if not (upper := self.folder / "upper").exists():
            self._prepare(upper)

    def start(self) -> None:
        """Boot it; `wait` tells when it can be reached."""
        if self.is_up:
            return
        self.prepare()
        upper, merged = self.folder / "upper", self.folder / "root"
        for folder in (merged, self.folder / "work"):
            folder.mkdir(exist_ok=True)
        layers = f"lowerdir={root(self.suite)},upperdir={upper},workdir={self.folder / 'work'}"
        self.nest.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(merged)])
        cache = BOOT / "apt" / self.suite / self.name
        (cache / "partial").mkdir(parents=True, exist_ok=True)
        # One cgroup a machine, or their systemds fight over one tree (219/CGROUP at random).
        joins = ""
        for tree in _CGROUPS:
            own = tree / self.nest.name / self.name
            own.mkdir(parents=True, exist_ok=True)
            joins += f"echo 0 >{own}/cgroup.procs; "
        nspawn = [
            *("env", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", "systemd-nspawn", "--quiet"),
            *("--register=no", "--keep-unit", f"--machine={self.name}", f"--directory={merged}"),
            *(f"--network-bridge={_BRIDGE}", "--resolv-conf=off", "--timezone=off"),
            *("--link-journal=no", "--console=pipe", f"--bind={cache}:/var/cache/apt/archives"),
            "--boot",
        ]
        with (self.folder / "console.log").open("ab") as console:
            entered = subprocess.Popen(
                [*self.nest.enter, "sh", "-c", f'{joins}exec "$@"', "sh", *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self._leader.write_text(str(self._find_leader(entered)))

    def wait(self) -> None:
        """Until the control machine can log in.

        Raises:
            NoMachine: it did not come up; with the last lines of its console.
        """
        for _ in range(TRIES):
            if self.nest.ssh(self, "true", check=False, quiet=True).returncode == 0:
                return
            if not self.is_up:
                break
            time.sleep(0.1)
        last = (self.folder / "console.log").read_text(errors="replace").splitlines()[-20:]
        raise NoMachine("\n".join([f"{self.name} did not come up:", *last]))

    def sh(
        self, *words: str, check: bool = True, capture: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run something in it as root, by no network."""
        inside = ["nsenter", "--target", str(self.leader), "--all", "--wdns=/", "--"]
        return subprocess.run(
            [*inside, *words], check=check, capture_output=capture, text=True, env=_inside()
        )

    def cut(self) -> None:
        """The power fails. What its programs wrote is on the disk, as far as they wrote it."""
        if self.is_up:
            for tree in _CGROUPS[:1]:
                (tree / self.nest.name / self.name / "cgroup.kill").write_text("1")
            _gone(self.leader)
            self.nest.run(["sh", "-c", f"until umount {self.folder / 'root'}; do sleep .1; done"])
        self._leader.unlink(missing_ok=True)

    def _prepare(self, upper: Path) -> None:
        """Name, address, keys, and who may come in."""
        texts = {
            "etc/hostname": f"{self.name}\n",
            "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n",
            "etc/machine-id": "",
            "etc/resolv.conf": Path("/etc/resolv.conf").read_text(),
            "etc/systemd/network/10-host0.network": (
                "[Match]\nName=host0\n"
                f"[Network]\nAddress={self.address}/24\nGateway={GATEWAY}\nLinkLocalAddressing=no\n"
            ),
            f"etc/sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
            f"home/{USER}/.ssh/authorized_keys": (self.nest.key.with_suffix(".pub")).read_text(),
        }
        (upper / "root").mkdir(parents=True, mode=0o700)
        for path, text in texts.items():
            (upper / path).parent.mkdir(parents=True, exist_ok=True)
            (upper / path).write_text(text)
        lower = root(self.suite)
        for file, line in (
            ("passwd", f"{USER}:x:1000:1000::/home/{USER}:/bin/bash"),
            ("group", f"{USER}:x:1000:"),
            ("shadow", f"{USER}:!:19000:0:99999:7:::"),
        ):
            (upper / "etc" / file).write_text((lower / "etc" / file).read_text() + line + "\n")
        (upper / "etc/shadow").chmod(0o640)
        os.chown(upper / "etc/shadow", 0, 42)
        home = upper / "home" / USER
        for own in (home, home / ".ssh", home / ".ssh/authorized_keys"):
            os.chown(own, 1000, 1000)
            own.chmod(0o700)
        wants = upper / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True)
        (wants / "systemd-networkd.service").symlink_to(
            "/lib/systemd/system/systemd-networkd.service"
        )
        (upper / "etc/ssh").mkdir(exist_ok=True)
        _must(["ssh-keygen", "-A", "-f", str(upper)])

    def _find_leader(self, entered: "subprocess.Popen[bytes]") -> int:
        """The child of systemd-nspawn that is a systemd."""
        for _ in range(TRIES):
            for pid in _descendants(entered.pid):
                with contextlib.suppress(OSError):
                    namespaced = Path(f"/proc/{pid}/status").read_text().split("NSpid:")[1]
                    if namespaced.splitlines()[0].split()[-1] == "1":
                        return pid
            if entered.poll() is not None:
                break
            time.sleep(0.1)
        last = (self.folder / "console.log").read_text(errors="replace").splitlines()[-5:]
        raise NoMachine("\n".join([f"{self.name} did not start:", *last]))


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known to end a nest."""

    holder: int
    pid: int
    uplink: str


class Nest:
    """Machines on a bridge, with a way to the package mirrors."""

    def __init__(self, name: str) -> None:
        """Nothing is made before `start`."""
        self.name = name
        self.folder = BOOT / "nests" / name
        self.key = self.folder / "id_test"
        self._record = self.folder / "nest.json"

    @property
    def is_up(self) -> bool:
        return self._record.exists() and _is_ours(self._kept().holder)

    @property
    def enter(self) -> list[str]:
        """The words before a command that is run in the nest."""
        target = f"--target={self._kept().pid}"
        return ["nsenter", target, "--mount", "--net", "--pid", f"--wd={Path.cwd()}", "--"]

    @property
    def environment(self) -> dict[str, str]:
        """What Ansible must know to reach the machines."""
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(BOOT.parents[1] / "ansible" / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(BOOT.parents[1] / "ansible" / "roles"),
            "ANSIBLE_INVENTORY": str(self.folder / "inventory"),
            "ANSIBLE_PRIVATE_KEY_FILE": str(self.key),
            "ANSIBLE_SSH_ARGS": " ".join([*_SHARED, *_NO_CHECKS]),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": "/run/ansible",  # the nest's, which ends with it
        }

    def start(self, *, outlives_us: bool = False) -> None:
        """Make the namespaces, the bridge and the way out."""
        sweep()
        if self.is_up:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # It ends with us, for it reads from us: also when we are killed. Else it ends in hours.
        hold = f"sleep {FORGOTTEN_S} & wait" if outlives_us else "read -r _"
        holder = subprocess.Popen(
            [
                *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"),
                *("--mount-proc", "--propagation=private", "bash", "-c", hold),
            ],
            stdin=subprocess.DEVNULL if outlives_us else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._holder = holder
        children: list[int] = []
        while not children:
            if holder.poll() is not None:
                raise NoMachine("Want namespaces of our own, got none; are you root?")
            children = _children(holder.pid)
            time.sleep(0.01)
        uplink = self._veth()
        kept = _Kept(holder=holder.pid, pid=children[0], uplink=uplink)
        self._record.write_bytes(msgspec.json.encode(kept))
        if not self.key.exists():
            _must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)])
        self._wire(uplink, children[0])

    def machine(self, name: str, address: str, suite: str = "bookworm") -> Machine:
        """A machine of this nest, up or not."""
        made = Machine(self, name, address, suite)
        made.folder.mkdir(parents=True, exist_ok=True)
        return made

    def run(
        self, words: Sequence[str], *, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run something in the nest, from the control machine's side."""
        return subprocess.run([*self.enter, *words], check=check, capture_output=True, text=True)

    def ssh(
        self, machine: Machine, *words: str, check: bool = True, quiet: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        """Run something in a machine as staff would: by ssh."""
        options = ["-q"] if quiet else []
        options += [*_NO_CHECKS, "-o", "BatchMode=yes", "-o", "ConnectTimeout=1"]
        to = ["-i", str(self.key), f"{USER}@{machine.address}"]
        return self.run(["ssh", *options, *to, *words], check=check)

    def citizen(self, words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run something as a stranger on the office's network."""
        if "citizen" not in self.run(["ip", "netns", "list"]).stdout:
            self._shell(
                f"""
                mkdir -p /run/netns
                ip netns add citizen
                ip link add citizen0 type veth peer name eth0 netns citizen
                ip link set citizen0 master {_BRIDGE} up
                ip -n citizen link set lo up
                ip -n citizen address add {CITIZEN}/24 dev eth0
                ip -n citizen link set eth0 up
                """
            )
        return self.run(["ip", "netns", "exec", "citizen", *words], check=False)

    def end(self) -> None:
        """Nothing of it is left."""
        if self._record.exists():
            kept = self._kept()
            if _is_ours(kept.holder):
                # The first process of the namespaces, and with it all in them.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(kept.pid, signal.SIGKILL)
                _gone(kept.pid)
                if held := getattr(self, "_holder", None):
                    held.wait()
            _quietly(["ip", "link", "delete", kept.uplink])
            _quietly(["nft", "delete", "table", "ip", kept.uplink])
        for tree in _CGROUPS:
            _remove_cgroup(tree / self.name)
            with contextlib.suppress(OSError):
                tree.rmdir()  # a neighbour's may be in it
        shutil.rmtree(self.folder, ignore_errors=True)
        if not list(Path("/sys/class/net").glob("mboot*")):
            before = BOOT / "ip_forward"
            if before.exists():
                _FORWARD.write_text(before.read_text())
                before.unlink()

    def _kept(self) -> "_Kept":
        return msgspec.json.decode(self._record.read_bytes(), type=_Kept)

    def _veth(self) -> str:
        """A name that is free on this machine, taken."""
        for number in range(64):
            name = f"mboot{number}"
            if not _quietly(
                ["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"]
            ):
                return name
        raise SystemExit("Want a free veth from mboot0 to mboot63, got none")

    def _wire(self, uplink: str, pid: int) -> None:
        """Machines - bridge - nest - veth - this machine - the mirrors."""
        subnet = f"10.98.{uplink.removeprefix('mboot')}"
        if not (BOOT / "ip_forward").exists():
            (BOOT / "ip_forward").write_text(_FORWARD.read_text())
        _FORWARD.write_text("1")
        _must(["ip", "link", "set", f"{uplink}p", "netns", str(pid), "name", _UPLINK])
        _must(["ip", "address", "add", f"{subnet}.1/30", "dev", uplink])
        _must(["ip", "link", "set", uplink, "up"])
        _must(["nft", _masquerade(uplink, f"{subnet}.0/30")])
        self._shell(
            f"""
            ip link set lo up
            ip address add {subnet}.2/30 dev {_UPLINK}
            ip link set {_UPLINK} up
            ip route add default via {subnet}.1
            ip link add {_BRIDGE} type bridge
            ip address add {GATEWAY}/24 dev {_BRIDGE}
            ip link set {_BRIDGE} up
            echo 1 >{_FORWARD}
            nft '{_masquerade("nest", "10.99.0.0/24", _UPLINK)}'
            mount -t tmpfs -o mode=755 run /run
            """
        )

    def _shell(self, script: str) -> None:
        done = self.run(["sh", "-euc", script], check=False)
        if done.returncode:
            raise SystemExit(f"Want a network of our own, got: {done.stderr.strip()}")


def sweep() -> None:
    """Take away what is left of nests whose holder is dead."""
    for folder in sorted((BOOT / "nests").glob("*")):
        nest = Nest(folder.name)
        if not nest.is_up:
            nest.end()


def nests() -> Iterator[Nest]:
    """Those that are up."""
    for folder in sorted((BOOT / "nests").glob("*")):
        if (nest := Nest(folder.name)).is_up:
            yield nest


def _masquerade(table: str, subnet: str, out: str | None = None) -> str:
    by = f'oifname "{out}" ' if out else f'oifname != "{table}" '
    hook = "type nat hook postrouting priority srcnat;"
    return (
        f"table ip {table} {{ chain postrouting {{ {hook} {by}ip saddr {subnet} masquerade; }}; }}"
    )


def _inside() -> dict[str, str]:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "LC_ALL": "C.UTF-8", "HOME": "/root", "TERM": "dumb"}


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _is_ours(holder: int) -> bool:
    """A process number may have been given to another since."""
    with contextlib.suppress(OSError):
        return b"--propagation=private" in Path(f"/proc/{holder}/cmdline").read_bytes()
    return False


def _gone(pid: int) -> None:
    while Path(f"/proc/{pid}").exists() and "Z" not in _state(pid):
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _remove_cgroup(folder: Path) -> None:
    """The kernel lets go of a cgroup a moment after its last process."""
    for _ in range(100):
        for one in sorted(folder.rglob("*/"), reverse=True):
            with contextlib.suppress(OSError):
                one.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()
        if not folder.exists():
            return
        time.sleep(0.05)
    sys.stderr.write(f"Could not remove {folder}\n")


def _must(words: Sequence[str]) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Want {' '.join(words)}, got: {done.stderr.strip()}")


def _quietly(words: Sequence[str]) -> int:
    return subprocess.run(words, check=False, capture_output=True).returncode
