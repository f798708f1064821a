"""Rules of the house that no linter knows."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge.sensors import SENSORS
from tests.conftest import ROOT

PARTS = ("edge", "broker", "signage", "models")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def our_files() -> list[Path]:
    """All that a commit would hold; without git all but what tools leave behind."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z")
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    tools = re.compile(r"(\.(?!ci/|gitignore)|var/|dist/|.*__pycache__/)")
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not tools.match(path.relative_to(ROOT).as_posix())
    ]


def our_texts() -> list[tuple[str, str]]:
    """Name and content of our files that are text."""
    texts = []
    for path in our_files():
        content = path.read_bytes()
        if b"\0" not in content:
            texts.append((str(path.relative_to(ROOT)), content.decode("utf-8")))
    return texts


@pytest.mark.parametrize("part", PARTS)
def test_nobody_else_installs_a_package_of_our_name(part: str) -> None:
    assert set(importlib.metadata.packages_distributions().get(part, [])) <= {"machiai"}


@pytest.mark.parametrize("module", ["edge.sensors", "edge.sensors.button", "edge.sensors.gate"])
def test_a_button_pi_never_loads_opencv(module: str) -> None:
    heavy = "{'cv2', 'onnxruntime', 'numpy'}"
    code = f"import sys, {module}; print(*{heavy} & set(sys.modules))"
    done = run(sys.executable, "-c", code)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_import_rules_hold() -> None:
    done = run(sys.executable, str(Path(sys.executable).with_name("lint-imports")))
    assert done.returncode == 0, done.stdout + done.stderr


def imported(path: Path) -> set[str]:
    """Every module that a file of ours imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


IMPURE = {
    "asyncio", "builtins", "concurrent", "glob", "http", "io", "logging", "multiprocessing", "os",
    "pathlib", "queue", "random", "secrets", "select", "shutil", "signal", "socket", "sqlite3",
    "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
    "aiohttp", "amqtt", "cv2", "gpiozero", "onnxruntime", "paho", "serial",
}  # fmt: skip


TRAIN = ROOT / "models" / "train"  # has a virtual environment of its own; nothing imports it
CORE = sorted(path for path in (ROOT / "models").rglob("*.py") if TRAIN not in path.parents)


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_reads_nothing_and_waits_for_nothing(path: Path) -> None:
    allowed = {"pathlib"} if "PurePath" in path.read_text(encoding="utf-8") else set()
    roots = {name.partition(".")[0] for name in imported(path)}
    assert not roots & (IMPURE - allowed)
    assert not roots & {"edge", "broker", "signage"}
    calls = [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call)]
    assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id in {"open", "print"}]


def test_every_sensor_stands_in_the_registry() -> None:
    files = {path.stem for path in (ROOT / "edge" / "sensors").glob("*.py")}
    registered = {where.partition(":")[0].rpartition(".")[2] for where in SENSORS.values()}
    assert files - {"__init__", "sim"} == registered, "`sim` stands in for any kind"


def test_the_house_has_the_rooms_that_its_plan_names() -> None:
    plan = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `([^`]+)`", plan, re.MULTILINE)
    assert {"machiai.py", "edge/agent.py", "broker/session.py", "signage/mirror.py"} <= set(rooms)
    assert not [room for room in rooms if not (ROOT / room).exists()]
    code = [path for part in PARTS for path in (ROOT / part).rglob("*.py") if path.stat().st_size]
    folders = {str(path.parent.relative_to(ROOT)) for path in code}
    assert not folders - {room.rstrip("/") for room in rooms} - set(PARTS), "not on the plan"


def linked(page: str) -> list[str]:
    """What a page in Markdown points to beside itself."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    return [link for link in found if not link.startswith(("https:", "http:", "mailto:", "#"))]


PAGES = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_points_only_to_what_is_there(page: str) -> None:
    for link in linked(page):
        target = (ROOT / page).parent / link.partition("#")[0]
        assert target.exists(), f"{page} points to {link}"


def test_the_readme_shows_the_lobby_and_the_phone() -> None:
    for readme in ("README.md", "README.ja.md"):
        assert {"docs/pictures/lobby.png", "docs/pictures/phone.png"} <= set(linked(readme))


FORBIDDEN = {
    "a host of a package registry": r"pypi\.(org|io)|pythonhosted|npmjs|deb\.debian\.org",
    "a path of one machine": r"(?<![\w.<>{}])/(work|farm|root)/\w",
    "a secret": r"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30}",
}


@pytest.mark.parametrize(("what", "pattern"), FORBIDDEN.items(), ids=FORBIDDEN)
def test_no_file_names(what: str, pattern: str) -> None:
    found = [
        f"{name}: {hit.group()}"
        for name, text in our_texts()
        if name != "tests/house/test_house.py" and (hit := re.search(pattern, text))
    ]
    assert not found, f"{what} in {found}"


def test_shell_scripts_parse() -> None:
    scripts = sorted(str(path) for path in (ROOT / "tools").glob("*.sh"))
    assert scripts
    for script in scripts:
        assert run("sh", "-n", script).returncode == 0
    assert run("bash", "-n", ".ci/run").returncode == 0


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert declared is not None
    told = run("make", "help").stdout
    for target in declared.group(1).split():
        assert f"make {target} " in told
