"""The camera set-up: who may see it, what they see, when it ends, what it is good for."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.bench import truths
from edge.capture import File
from edge.detector import Detector
from edge.opencv import cv2
from edge.setup.draft import Draft, drafts
from edge.setup.guard import TRIES, Guard
from edge.setup.veil import HOLD_S, SHARE, TRUSTED, WIDTH, Veil
from models.errors import BadSite, BadUsage
from models.sensing.boxes import PERSON, none, only
from models.site import Device, Site, parse
from tests.conftest import ROOT
from tests.edge.setting_up import (
    EXAMPLE,
    PATIENCE_S,
    Picture,
    SetUp,
    check,
    clip_of,
    detail,
    noise,
    site_file,
    with_snippet,
)

CAMERAS = ("cam-lobby", "cam-door", "cam-lot")
BOX = np.array([[200, 100, 280, 300, 0.9, 0]], np.float32)


@pytest.fixture(scope="module")
def site() -> Site:
    return parse(EXAMPLE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site file whose camera sees noise, by HOG, which every machine has."""
    folder = tmp_path_factory.mktemp("office")
    return site_file(folder, clip_of(noise(), folder / "noise.avi"))


@pytest.fixture
def served(office: Path, tmp_path: Path) -> Iterator[SetUp]:
    mine = tmp_path / "site.toml"
    mine.write_text(office.read_text(encoding="utf-8"), encoding="utf-8")
    with SetUp(mine) as made:
        yield made


# Who may see it


@pytest.mark.parametrize(
    "path", ["/", "/plan", "/frame/0", "/snippet/0", "/setup.js", "/drawing.js", "/nowhere"]
)
def test_without_the_code_nothing_is_shown(served: SetUp, path: str) -> None:
    for cookie in (None, "machiai-setup=", "machiai-setup=guessed"):
        served.cookie = cookie
        answer = served.ask(path)
        assert answer.status == 401
        assert "image" not in answer.headers["Content-Type"]
        assert b"lobby" not in answer.body.replace(b"cam-lobby", b"")
    for post in ("/plan/0", "/end"):
        assert served.ask(post, b"{}").status == 401
    assert served.listens()


def test_with_the_code_the_page_its_frames_and_its_plan_are_shown_and_never_kept(
    served: SetUp,
) -> None:
    full_width = served.code.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    entered = served.enter(full_width)
    assert entered.status == 303
    cookie = entered.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert served.frame().shape == (270, WIDTH, 3)
    for path in ("/", "/plan", "/frame/0", "/snippet/0", "/setup.js", "/setup.css"):
        answer = served.ask(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    seen = json.loads(served.ask("/frame/0").headers["Machiai-Seen"])
    assert seen["people"] == {"lobby": 0}
    assert seen["basis"] == "camera hog"


def test_the_code_is_good_once(served: SetUp) -> None:
    served.enter()
    assert served.ask("/plan").status == 200
    served.cookie = None
    assert served.enter().status == 401
    assert served.ask("/plan").status == 401


def test_five_wrong_codes_end_it(served: SetUp) -> None:
    wrong = str((int(served.code.replace(" ", "")) + 1) % 10**8).zfill(8)
    for left in range(TRIES - 1, -1, -1):
        answer = served.enter(wrong)
        assert answer.status == 401
        assert f"あと{left}回" in answer.body.decode()
    assert served.process.wait(PATIENCE_S) == 77
    assert not served.listens()
    assert "machiai: want the code, got 5 wrong ones" in served.end()[1]


def test_the_right_code_is_refused_after_five_wrong_ones() -> None:
    guard = Guard()
    assert [guard.enter("") for _ in range(TRIES)] == [None] * TRIES
    assert guard.enter(guard.code) is None
    assert len({Guard().code for _ in range(20)}) == 20


def test_hostile_bytes_are_wrong_codes_and_nothing_more(served: SetUp) -> None:
    for body in (b"code=%ff%00", b"\xff" * 1000, b"code=" + "٣".encode() * 9):
        assert (
            served.ask("/code", body, **{"Content-Type": "multipart/x; charset=no"}).status == 401
        )
    served.cookie = "machiai-setup=\xff\xfe"
    assert served.ask("/").status == 401
    assert served.ask("/code", b"x" * 600_000).status == 413
    served.cookie = None
    served.enter()
    assert served.ask("/plan").status == 200
    deep = b'{"zones": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert "mistake" in json.loads(served.ask("/plan/0", deep).body)


def test_a_page_of_somebody_else_can_do_nothing(served: SetUp) -> None:
    served.enter()
    for origin in ("http://evil.example", "null", f"https://{served.host}", ""):
        assert served.ask("/end", b"", Origin=origin).status == 403
    for host in ("evil.example", f"evil.example:{served.port}", "127.0.0.1.evil.example"):
        assert served.ask("/plan", Host=host).status == 421
    assert served.listens()


# When it ends


def test_it_ends_by_itself_says_so_before_and_leaves_nothing(office: Path, tmp_path: Path) -> None:
    mine = tmp_path / "site.toml"
    mine.write_text(office.read_text(encoding="utf-8"), encoding="utf-8")
    with SetUp(mine, speed=120) as served:
        served.enter()
        served.frame()
        assert served.process.wait(PATIENCE_S) == 0
        assert not served.listens()
        said, complaints = served.process.communicate()
    assert served.said[2] == "it ends by itself in 15 minutes; Ctrl-C ends it now\n"
    assert said == (
        "the camera set-up ends in 2 minutes: save what was drawn\n"
        "the camera set-up is over: nothing listens any more\n"
    )
    assert complaints == ""
    assert list(served.folder.rglob("*")) == []


def test_the_page_can_end_it(served: SetUp) -> None:
    served.enter()
    assert served.ask("/end", b"").status == 204
    assert served.process.wait(PATIENCE_S) == 0
    assert not served.listens()


def listening(pid: int) -> list[str]:
    """The addresses at which a process listens, as the kernel has them."""
    owned = set()
    try:
        fds = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        pytest.skip("only root may list the sockets of a process that leaves no core dump")
    for fd in fds:
        try:
            owned.add(str(fd.readlink()))
        except FileNotFoundError:
            continue
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            is_open = words[3] == "0A" or (table.startswith("udp") and words[2].endswith(":0000"))
            if is_open and f"socket:[{words[9]}]" in owned:
                found.append(words[1])
    return found


def test_only_a_set_up_listens(office: Path, served: SetUp, tmp_path: Path) -> None:
    assert len(listening(served.process.pid)) == 1
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.settimeout(PATIENCE_S)
        url = f"mqtt://127.0.0.1:{broker.getsockname()[1]}"
        command = [sys.executable, "-m", "machiai", "edge", str(office), "--device", "cam-lobby"]
        agent = subprocess.Popen(
            [*command, "--state", str(tmp_path / "state")],
            cwd=ROOT,
            env={**os.environ, "MACHIAI_BROKER": url},
            stderr=subprocess.DEVNULL,
        )
        try:
            broker.accept()[0].close()  # so it is up
            while "cv2" not in Path(f"/proc/{agent.pid}/maps").read_text(encoding="utf-8"):
                assert agent.poll() is None
                time.sleep(0.05)
            broker.accept()[0].close()  # and it looks, for it has come again
            assert listening(agent.pid) == []
        finally:
            agent.terminate()
            agent.wait(PATIENCE_S)


# What is seen


def test_what_is_in_a_box_is_blurred_and_what_is_not_stays() -> None:
    frame = noise(WIDTH, 360)
    picture = Veil(is_coarse=False).over(frame, BOX, 0.0)
    assert detail(picture[60:340, 160:320]) < 0.001 * detail(frame[60:340, 160:320])
    assert np.array_equal(picture[:, 330:], frame[:, 330:])
    assert frame.std() > 70, "the frame itself is left alone"


def test_a_box_stays_blurred_while_the_detector_blinks_and_no_longer() -> None:
    frame, veil = noise(WIDTH, 360), Veil(is_coarse=False)
    inside = np.s_[100:300, 200:280]
    source = detail(frame[inside])
    veil.over(frame, BOX, 10.0)
    assert detail(veil.over(frame, none(), 10.0 + HOLD_S)[inside]) < 0.001 * source
    assert detail(veil.over(frame, none(), 10.1 + HOLD_S)[inside]) == source


@pytest.mark.parametrize("size", [(32, 24), (481, 271), (1920, 1080), (1080, 1920)])
def test_any_box_in_any_frame_can_be_blurred(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    boxes = rng.uniform(-0.5, 1.5, (60, 6)).astype(np.float32) * np.array([*size, *size, 1, 1])
    boxes[:, 2:4] = np.maximum(boxes[:, 2:4], boxes[:, :2])
    picture = Veil(is_coarse=False).over(noise(*size), boxes.astype(np.float32), 0.0)
    assert picture.shape[1] == min(WIDTH, size[0])


def test_where_a_stopgap_looks_the_whole_picture_is_coarse(served: SetUp) -> None:
    served.enter()
    picture = served.frame()
    source: Picture = np.asarray(cv2.resize(noise(), picture.shape[1::-1]), np.uint8)
    assert detail(picture) < 0.01 * detail(source)


def test_a_camera_that_is_not_there_is_said_and_shown_once_it_is(tmp_path: Path) -> None:
    late = tmp_path / "late.avi"
    with SetUp(site_file(tmp_path, late)) as served:
        served.enter()
        answer = served.ask("/frame/0")
        while answer.body == b"starting":
            answer = served.ask("/frame/0")
        want = f"want a camera at {late}, got nothing - at `$.source`"
        assert (answer.status, answer.body.decode()) == (503, want)
        clip_of(noise(), tmp_path / "made.avi").rename(late)
        assert served.frame().shape == (270, WIDTH, 3)


def person(shared: Path) -> tuple[Picture, tuple[int, int, int, int]]:
    """A frame of the clip with somebody in it, and where."""
    capture = cv2.VideoCapture(
        str(shared / "data/vision/clips/intel_one-by-one-person-detection.mp4")
    )
    detector = Detector.best("yolox-nano")
    if detector.is_stopgap:
        pytest.skip("no weights of yolox-nano: machiai models pull yolox-nano")
    while True:
        is_read, frame = capture.read()
        assert is_read, "nobody in the clip"
        picture = np.asarray(frame, np.uint8)
        boxes = detector.detect(picture, 0.6)
        if len(boxes):
            x0, y0, x1, y1 = boxes[0, :4].clip(0).astype(int)
            return picture, (x0, y0, x1, y1)


def test_a_person_of_a_real_clip_cannot_be_known_again(shared: Path, tmp_path: Path) -> None:
    frame, (x0, y0, x1, y1) = person(shared)
    clip = clip_of(frame, tmp_path / "person.avi")
    with SetUp(site_file(tmp_path, clip, 'model = "yolox-nano"\n')) as served:
        served.enter()
        picture = served.frame()
        seen = json.loads(served.ask("/frame/0").headers["Machiai-Seen"])
    small = np.asarray(
        cv2.resize(frame, picture.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8
    )
    scale = WIDTH / frame.shape[1]
    them = np.s_[int(y0 * scale) : int(y1 * scale), int(x0 * scale) : int(x1 * scale)]
    assert detail(picture[them]) < 0.02 * detail(small[them])
    away = np.ones(small.shape[:2], bool)
    away[:, int((x0 - 100) * scale) : int((x1 + 100) * scale)] = False
    assert np.abs(picture[away].astype(int) - small[away]).mean() < 6, "the room is seen"
    assert seen["people"] == {"lobby": 1}


@pytest.fixture(scope="module")
def counted(shared: Path) -> list[tuple[Picture, int]]:
    """Frames of real clips, and how many people were counted in them by eye."""
    found = []
    for clip, truth in truths(shared / "data/vision").items():
        source = File(str(shared / "data/vision/clips" / clip), every_s=0)
        shots = (source.read(lambda: True) for _ in range(max(truth) + 1))
        found += [(shot.frame, truth[shot.number]) for shot in shots if shot.number in truth]
    return found


@pytest.mark.parametrize("card", sorted(TRUSTED))
def test_nobody_who_was_counted_by_eye_is_missed_by_the_veil(
    counted: list[tuple[Picture, int]], card: str
) -> None:
    detector = Detector.best(card)
    if detector.is_stopgap:
        pytest.skip(f"no weights of {card}: machiai models pull {card}")
    floor = detector.card.threshold * SHARE
    missed = 0
    for frame, people in counted:
        boxes = only(detector.detect(frame, floor), PERSON, floor)
        missed += max(0, people - len(boxes))
        shown = Veil(is_coarse=False).over(frame, boxes, 0.0)
        assert not len(detector.detect(shown)), "the detector itself finds nobody any more"
    assert (sum(people for _, people in counted), missed) == (68, 0)


# What it gives for the site file


def draft(site: Site, device: str) -> Draft:
    return drafts(site, site.device(device))[0]


@pytest.mark.parametrize("device", CAMERAS)
def test_what_was_not_touched_comes_back_as_it_was(site: Site, device: str) -> None:
    made = draft(site, device)
    plan = json.loads(msgspec.json.encode(made.settings.plan))
    told = tomllib.loads(made.draw(plan))["devices"]["sensors"]
    assert len(told) == 1
    assert told[0].keys() == site.device(device).sensors[0].keys()
    assert msgspec.convert(told[0], type(made.settings)) == draft(site, device).settings


def test_a_snippet_is_written_as_docs_vision_has_it(site: Site) -> None:
    made = draft(site, "cam-door")
    square = [[0.1, 0.2], [0.9, 0.2], [0.9, 1], [0.1, 1]]
    zone = {"zone": "lobby", "polygon": square, "anchor": "centre"}
    plan = {"zones": [zone], "lines": [], "masks": [[[0, 0], [0.2, 0], [0.2, 0.2]]]}
    assert made.draw(plan) == (
        "[[devices.sensors]]\n"
        'kind = "camera"\n'
        "# approved = 2026-11-01  # it sees other places now: have its notice approved\n"
        'source = "/dev/video0"\n'
        "every_s = 0.2\n"
        "zones = [\n"
        '  { zone = "lobby", polygon = [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0], [0.1, 1.0]],'
        ' anchor = "centre" },\n'
        "]\n"
        "masks = [[[0.0, 0.0], [0.2, 0.0], [0.2, 0.2]]]\n"
    )


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (
            {"zones": [{"zone": "cellar"}], "lots": []},
            "want one of `zones`, got 'cellar' - at `$.devices[4].sensors[0].zones[0].zone`",
        ),
        (
            {"zones": [{"zone": "lobby", "polygon": [[0, 0], [1, 2], [0, 1]]}]},
            "Expected `float` <= 1.0 - at `$.devices[4].sensors[0].zones[0].polygon[1][1]`",
        ),
        ({"lots": []}, "want zones, lines or lots to look at - at `$.devices[4].sensors[0]`"),
    ],
)
def test_what_check_would_refuse_is_refused_and_changes_nothing(
    site: Site, plan: dict[str, Any], message: str
) -> None:
    made = draft(site, "cam-lot")
    before = made.snippet()
    with pytest.raises(BadSite) as caught:
        made.draw(plan)
    assert str(caught.value) == message
    assert made.snippet() == before


def test_a_password_is_not_shown(site: Site) -> None:
    zone = {"zone": "lobby", "polygon": [[0, 0], [1, 0], [1, 1]]}
    raw = {"kind": "camera", "source": "rtsp://me:secret@192.0.2.9/s?token=secret", "zones": [zone]}
    device = Device(id="pi", sensors=({"kind": "button", "button": "next-c6", "pin": 5}, raw))
    with_camera = msgspec.structs.replace(site, devices=(*site.devices, device))
    (made,) = drafts(with_camera, device)
    assert "secret" not in made.snippet() + made.source
    assert 'source = "rtsp://192.0.2.9/s"  # put back what your file has here' in made.snippet()


def test_a_camera_that_looks_at_nothing_yet_can_be_set_up(site: Site) -> None:
    device = Device(id="desk", sensors=({"kind": "camera", "source": 'a "b" \\ c.mp4'},))
    bare = msgspec.structs.replace(site, devices=(device,))
    (made,) = drafts(bare, device)
    line = {"line": "entrance", "from": [0, 0.5], "to": [1, 0.5]}
    told = tomllib.loads(made.draw({"lines": [line]}))["devices"]["sensors"][0]
    assert told == {"kind": "camera", "source": 'a "b" \\ c.mp4', "lines": [line]}


def test_each_camera_of_a_device_is_drawn_for_itself(site: Site) -> None:
    lobby, door = (site.device(name).sensors[0] for name in ("cam-lobby", "cam-door"))
    button = {"kind": "button", "button": "next-c6", "pin": 5}
    device = Device(id="pi", sensors=(lobby, button, door))
    made = drafts(msgspec.structs.replace(site, devices=(device,)), device)
    assert [list(tomllib.loads(each.snippet())["devices"]["sensors"][0]) for each in made] == [
        ["kind", "approved", "source", "zones"],
        ["kind", "approved", "source", "every_s", "lines"],
    ]
    with pytest.raises(BadSite, match=re.escape("at `$.devices[0].sensors[2].zones[0].zone`")):
        made[1].draw({"zones": [{"zone": "cellar"}]})


def test_a_device_without_a_camera_cannot_be_set_up(site: Site) -> None:
    with pytest.raises(BadUsage, match=r"cam-lobby, cam-door, cam-lot.*got 'desk'"):
        drafts(site, site.device("desk"))


def test_what_was_drawn_is_counted_by_and_passes_check(served: SetUp, office: Path) -> None:
    served.enter()
    served.frame()
    plan = {
        "zones": [],
        "lines": [{"line": "entrance", "from": [0.5, 0], "to": [0.5, 1]}],
        "lots": [{"lot": "front", "slots": [[[0, 0], [0.5, 0], [0.5, 0.5]]], "rows": []}],
    }
    answer = json.loads(served.ask("/plan/0", json.dumps(plan).encode()).body)
    done = check(with_snippet(office, answer["toml"]))
    assert done.returncode == 78
    assert done.stderr.count("\n") == 1
    assert "the notice of this camera was approved" in done.stderr, "it sees other places now"
    done = check(with_snippet(office, answer["toml"].replace("# approved", "approved")))
    assert (done.returncode, done.stderr) == (0, "")
    assert served.ask("/snippet/0").body.decode() == answer["toml"]
    seen: dict[str, Any] = {"people": {"lobby": 0}}
    for _ in range(int(PATIENCE_S * 10)):
        seen = json.loads(served.ask("/frame/0").headers["Machiai-Seen"])
        if not seen["people"]:
            break
        time.sleep(0.1)
    assert (seen["people"], seen["crossed"]) == ({}, {"entrance": [0, 0]})
    assert seen["cars"] == {}, "HOG knows no cars: unknown is not none"
    assert seen["basis"] == "camera hog, sees no cars"
    refused = json.loads(served.ask("/plan/0", b'{"zones": 3}').body)
    assert re.fullmatch(r"Expected `array`, got `int` - at `.*zones`", refused["mistake"])
    for nonsense in (b"", b"[]", b"\xff", b"{" * 5000):
        assert "mistake" in json.loads(served.ask("/plan/0", nonsense).body)
    assert served.ask("/plan/1", b"{}").status == 404
