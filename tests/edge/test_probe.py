"""`machiai probe` as somebody calls it who wants to know what a page would tell."""

import asyncio
import tomllib
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from edge.probe import Asked, probe
from machiai import main
from models.errors import BadData, BadSite, BadUsage, Missing
from models.site import Site
from tests.conftest import ROOT
from tests.edge.recording import example, office
from tests.edge.saved import NAMES, body_of
from tests.edge.test_queue import JSON, served

EXAMPLE = ROOT / "ansible" / "sites" / "example.toml"
LINES = "2026-11-24 10:32:05 ISSUE A 123 -\n2026-11-24 10:40:00 CALL A 123 2\nnonsense\n"


def said(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], str]:
    code = main(["probe", *arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as a browser saves them."""
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        (folder / name).write_bytes(body_of(name))
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_what_it_prints_can_be_pasted_into_a_site_file_and_reads_the_same(
    name: str, pages: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, lines, err = said(str(pages / name), capsys=capsys)
    assert (code, err) == (0, "")
    pasted = "\n".join(lines[lines.index("[[devices.sensors]]") :])
    services = [f"SERVICE-{i}" for i in range(1, 9) if f"SERVICE-{i}" in pasted]
    text = pasted.replace("SERVICE-", "service-")
    site = tmp_path / "site.toml"
    named = "".join(f'[[services]]\nid = "{s.lower()}"\nname = {{ ja = "x" }}\n' for s in services)
    hours = 'hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]'
    head = f'[site]\nid = "a"\nname = {{ ja = "a" }}\n{hours}\n{named}[[devices]]\nid = "pi"\n'
    site.write_text(head + text, encoding="utf-8")
    assert main(["check", str(site)]) == 0
    capsys.readouterr()

    arguments = (str(pages / name), "--site", str(site), "--sensor", "devices[0].sensors[0]")
    _, read, _ = said(*arguments, capsys=capsys)
    assert read[0] == "devices[0].sensors[0] (pi)"
    wanted = [line.split()[1] for line in lines if line.startswith("  waiting")]
    told = [line.split("waiting ")[1].split(",")[0] for line in read if ": waiting " in line]
    assert told == [number for number in wanted if number != "(nothing)"]


def test_services_that_are_called_like_those_of_the_office_are_named(
    pages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, lines, _ = said(str(pages / "table.html"), "--site", str(EXAMPLE), capsys=capsys)
    pasted = tomllib.loads("\n".join(lines[lines.index("[[devices.sensors]]") :]))
    services = pasted["devices"]["sensors"][0]["services"]
    assert [service["service"] for service in services] == ["certificates", "SERVICE-2", "mynumber"]


def test_a_pattern_of_ones_own_is_tried(pages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = str(pages / "one.html")
    code, lines, _ = said(page, "--pattern", "People waiting: {waiting}", capsys=capsys)
    assert code == 0
    assert lines[1:] == ['  waiting  23         waiting = "People waiting: {waiting}"']
    code, lines, _ = said(page, "--pattern", "Waiting now: {waiting}", capsys=capsys)
    assert code == BadData.exit_code
    assert lines[1:] == ["  want a place that fits the pattern, got none - Waiting now: {waiting}"]
    code, lines, err = said(page, "--pattern", r"waiting: (\d+)", capsys=capsys)
    assert (code, lines) == (BadSite.exit_code, [])
    assert err == "machiai: want {waiting} once in 'waiting: (\\\\d+)'\n"


def test_lines_of_a_ticket_machine_are_tried_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "lines.txt"
    log.write_text(LINES, encoding="utf-8")
    pattern = "{at} {event} {service} {number} {counter}"
    code, lines, _ = said(str(log), "--pattern", pattern, capsys=capsys)
    assert code == 0
    assert lines[2].strip() == (
        "at 2026-11-24 10:32:05, event ISSUE, service A, number 123, counter -"
    )
    assert lines[-1].strip() == "does not fit"
    sensor = ("--site", str(EXAMPLE), "--sensor", "devices[0].sensors[0]")
    code, lines, _ = said(str(log), *sensor, capsys=capsys)
    assert code == BadData.exit_code  # one line says nothing
    assert lines == [
        "devices[0].sensors[0] (desk)",
        "  certificates: issued A123, at 2026-11-24T01:32:05+00:00",
        "  certificates: called A123, counter c2, at 2026-11-24T01:40:00+00:00",
        "  want a line that fits the pattern, got another",
    ]


def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spa = tmp_path / "spa.html"
    spa.write_text("<html><div id=app></div><script src=a.js></script></html>", encoding="utf-8")
    code, lines, _ = said(str(spa), capsys=capsys)
    assert code == BadData.exit_code
    assert "a script fetches them later. In a browser: F12" in lines[1]
    large = tmp_path / "large.html"
    large.write_bytes(b"x" * (1024 * 1024 + 1))
    code, _, err = said(str(large), capsys=capsys)
    assert code == BadData.exit_code
    assert err.startswith("machiai: want a page of at most 1048576 bytes, got a larger one - ")
    code, _, err = said(str(tmp_path / "none.html"), capsys=capsys)
    assert code == Missing.exit_code
    assert err.startswith("machiai: want a page or a file, got: No such file or directory - ")
    code, _, err = said(str(spa), "--sensor", "devices[0].sensors[0]", capsys=capsys)
    assert code == BadUsage.exit_code
    arguments = (str(spa), "--site", str(EXAMPLE), "--sensor", "devices[9].sensors[0]")
    code, _, err = said(*arguments, capsys=capsys)
    assert (code, err.count("\n")) == (BadSite.exit_code, 1)


def office_of(url: str) -> Site:
    queue = {"kind": "queue", "url": url, "services": JSON, "timeout_s": 1}
    return msgspec.structs.replace(office(queue), devices=office(queue).devices[-1:])


async def test_all_sensors_of_a_site_file_are_asked_as_their_agent_would() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.json_response({"desks": [{"wait": 5, "no": "A１２"}, {"wait": "--"}], "open": 2})

    async with served(page) as url:
        site = await asyncio.to_thread(office_of, url)
        lines, is_right = await probe(Asked(page=None, site=site))
        assert lines == [
            "devices[0].sensors[0] (pi)",
            "  certificates: waiting 5, called A12, open 2",
            "  want a number of people waiting for moving, got something else",
        ]
        assert not is_right
        found, is_right = await probe(Asked(page=url))
        assert is_right
        assert f'url = "{url}"' in found
    lines, is_right = await probe(Asked(page=None, site=site))
    assert not is_right
    assert lines[1] == "  want the page, got ClientConnectorError"


async def test_a_page_at_an_address_is_refused_as_the_agent_refuses_it() -> None:
    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://localhost:1/")

    async with served(away) as url:
        with pytest.raises(BadData, match=r"^want a page of the same host, got a redirect to"):
            await probe(Asked(page=url))


async def test_a_site_without_such_a_sensor_says_so() -> None:
    site = await asyncio.to_thread(example)
    lines, is_right = await probe(Asked(page=None, site=site))
    assert is_right
    assert "save some of its lines" in lines[1]
