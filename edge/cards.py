"""Detector cards and their weights: where they are looked for, and how they are fetched."""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import models.vision
from edge.pull import pull
from models.errors import Missing
from models.vision.card import Card, parse

ENVIRONMENT = "MACHIAI_MODELS"
"""A folder of weights that is looked at first, and that `machiai models pull` writes to."""

DEFAULT = "yolox-nano"

FOR_CARS = "picodet-s"
"""What counts parked cars best; it takes twice the time, and cars have it."""

DATA = Path(__file__).resolve().parents[2] / "shared/data/vision"
"""Weights, clips and truth that developers have beside the repository."""

_CARDS = Path(models.vision.__file__).parent / "cards"
_OURS = _CARDS.with_name("weights")  # of the detector for drawn scenes; all others are fetched


def names() -> list[str]:
    """All cards, by name."""
    return sorted(path.stem for path in _CARDS.glob("*.toml"))


def load(name: str) -> Card:
    """The card of this name.

    Raises:
        Missing: there is none.
        BadCard: it cannot be used.
    """
    known = names()
    if name not in known:
        raise Missing(f"want a card of {', '.join(known)}, got {name!r}")
    path = _CARDS / f"{name}.toml"
    return parse(path.read_text(encoding="utf-8"), path.name)


def cache() -> Path:
    """The folder of this user's weights."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "machiai/models"


def folders() -> Iterator[Path]:
    """Where weights that are fetched may be, in the order in which they are looked for."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        yield Path(named)
    yield cache()
    yield Path("/var/lib/machiai/models")
    yield DATA / "weights"


def find(card: Card) -> Path | None:
    """The file of its weights, whose checksum is right; None if it needs none.

    Raises:
        Missing: no folder has it.
    """
    if card.weights is None:
        return None
    wrong = ""
    for folder in folders() if card.weights.url else [_OURS]:
        path = folder / card.weights.file
        if not path.is_file():
            continue
        if _sha256(path) == card.weights.sha256:
            return path
        wrong = f", and {path} is another file"
    cure = f"run `machiai models pull {card.name}`" if card.weights.url else "install machiai anew"
    raise Missing(f"want {card.weights.file}, got none{wrong} - {cure}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `machiai models`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|pull|bench")
    verbs.add_parser("list", help="detectors, their licences and measured errors")
    fetch = verbs.add_parser("pull", help="fetch weights and check them")
    fetch.add_argument("name", nargs="?", default=DEFAULT, help="card (default: %(default)s)")
    fetch.add_argument("--from", dest="file", type=Path, metavar="FILE", help="take this file")
    measure = verbs.add_parser("bench", help="speed and count error on this machine")
    measure.add_argument("name", nargs="?", help="card (default: all)")
    measure.add_argument("--data", type=Path, default=DATA, help="clips and truth (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """`machiai models list | pull | bench`.

    Raises:
        Missing: no such card or file.
        Unavailable: the weights cannot be fetched.
    """
    if args.verb == "list":
        lines: Iterable[str] = (line for name in names() for line in _described(load(name)))
    elif args.verb == "pull":
        folder = Path(os.environ.get(ENVIRONMENT) or cache())
        lines = [_pulled(load(args.name), args.file, folder)]
    else:
        from edge.bench import bench  # noqa: PLC0415  it needs OpenCV

        lines = bench([args.name] if args.name else names(), args.data)
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 0


def _pulled(card: Card, file: Path | None, folder: Path) -> str:
    if card.weights is None:
        return f"{card.name} needs no weights"
    if not card.weights.url:
        return f"{card.name}: {find(card)} comes with machiai"
    return f"{card.name}: {pull(card.weights, folder, file)}"


def _described(card: Card) -> Iterator[str]:
    yield f"{card.name}: {card.title}"
    yield f"  licence {card.licence}, threshold {card.threshold:g}"
    try:
        yield f"  weights {find(card) or 'none needed'}"
    except Missing as error:
        yield f"  weights: {error}"
    for measured in card.measured:
        speed = f", {measured.cpu_ms:g} ms CPU a frame" if measured.cpu_ms else ""
        yield f"  {measured.on}: {measured.error}{speed}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
