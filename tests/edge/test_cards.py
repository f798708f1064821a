import argparse
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge import cards, pull
from models.errors import Missing, Unavailable
from models.vision.card import Weights

CONTENT = bytes(range(256)) * 600


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of the test's own, with no weights in it or elsewhere."""
    monkeypatch.delenv("MACHIAI_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cards, "DATA", tmp_path / "nowhere")
    return tmp_path


def weights(sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> Weights:
    return Weights(file="w.onnx", url="https://127.0.0.1:9/w", sha256=sha256, bytes=len(CONTENT))


def machiai_models(*words: str) -> int:
    parser = argparse.ArgumentParser()
    cards.add_arguments(parser)
    return cards.run(parser.parse_args(words))


def test_list_names_licence_and_error_of_each_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert machiai_models("list") == 0
    said = capsys.readouterr().out
    for word in ("yolox-nano", "Apache-2.0", "BSD-3-Clause", "hog", "mean 0.02 people"):
        assert word in said
    assert "run `machiai models pull yolox-nano`" in said


def test_a_pulled_file_is_found_and_no_other_is_left(home: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_bytes(CONTENT)
    path = pull.pull(weights(), cards.cache(), given)
    assert path.read_bytes() == CONTENT
    assert list(cards.cache().iterdir()) == [path]
    card = msgspec.structs.replace(cards.load("yolox-nano"), weights=weights())
    assert cards.find(card) == path
    assert home in path.parents


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"!", b"x" * len(CONTENT)])
def test_a_file_of_another_checksum_is_not_kept(tmp_path: Path, content: bytes) -> None:
    given = tmp_path / "given"
    given.write_bytes(content)
    with pytest.raises(Missing, match=r"^want sha256 .* got .* at .*given$"):
        pull.pull(weights(), cards.cache(), given)
    assert not list(cards.cache().iterdir())


def test_a_wrong_file_does_not_hide_a_right_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MACHIAI_MODELS", str(tmp_path / "named"))
    card = msgspec.structs.replace(cards.load("yolox-nano"), weights=weights())
    for folder, content in ((tmp_path / "named", b"wrong"), (cards.cache(), CONTENT)):
        folder.mkdir(parents=True)
        (folder / "w.onnx").write_bytes(content)
    assert cards.find(card) == cards.cache() / "w.onnx"
    (cards.cache() / "w.onnx").unlink()
    with pytest.raises(Missing, match=r"named/w.onnx is another file - run `machiai models pull"):
        cards.find(card)


def test_pull_from_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        Missing, match=r"^want yolox_nano.onnx from .*nothing.onnx, got: "
    ) as caught:
        machiai_models("pull", "yolox-nano", "--from", str(tmp_path / "nothing.onnx"))
    assert "\n" not in str(caught.value)


def test_pull_from_an_address_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(Unavailable, match=r"^want w.onnx from https://127.0.0.1:9/w, got: "):
        pull.pull(weights(), cards.cache())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server that has the weights."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "w").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "www"))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()
        thread.join()


def test_weights_come_over_the_network(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    there = msgspec.structs.replace(weights(), url=f"{server}/w")
    assert pull.pull(there, cards.cache()).read_bytes() == CONTENT
    gone = msgspec.structs.replace(weights(), url=f"{server}/gone")
    with pytest.raises(Unavailable, match="404"):
        pull.pull(gone, cards.cache())


def test_hog_needs_nothing_pulled(capsys: pytest.CaptureFixture[str]) -> None:
    assert machiai_models("pull", "hog") == 0
    assert capsys.readouterr().out == "hog needs no weights\n"


def test_our_own_weights_come_with_machiai_and_are_checked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert machiai_models("pull", "rendered") == 0
    assert "comes with machiai" in capsys.readouterr().out
    (tmp_path / "rendered.onnx").write_bytes(b"another network")
    monkeypatch.setattr(cards, "_OURS", tmp_path)
    with pytest.raises(Missing, match=r"rendered.onnx is another file - install machiai anew$"):
        cards.find(cards.load("rendered"))
