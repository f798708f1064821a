"""How fast the detectors are here, and how wrong on clips whose truth is known."""

import csv
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from edge import cards
from edge.capture import File
from edge.detector import Detector, Frame
from models.errors import Missing
from models.sensing.boxes import PERSON, only
from models.sensing.plan import Plan, ZoneView
from models.world.picture import LOOKS, SITS, Figure, Scene, tall

_ROUNDS = 10
_LOBBIES = 40
_SIZE = (360, 480, 3)

Truth = dict[str, dict[int, int]]
"""People by frame, by the name of the clip's file."""


def bench(names: Sequence[str], data: Path) -> Iterator[str]:
    """A line for each card: CPU time a frame, and the count error on each clip.

    Args:
        names: cards.
        data: a folder with `clips` and `truth`; where there is none, only speed is told.
    """
    truth = truths(data)
    for name in names:
        card = cards.load(name)
        try:
            detector = Detector(card, cards.find(card))
        except Missing as error:
            yield f"{name}: {error}"
            continue
        yield f"{name}: {_cpu_ms(detector):.1f} ms CPU a frame of 480x360 on one thread"
        if card.weights is not None and not card.weights.url:
            yield _told("drawn lobbies", _errors_of_drawn(detector))
            continue
        for clip, people in truth.items():
            yield _told(clip, _errors(detector, data / "clips" / clip, people))


def _told(what: str, errors: Sequence[int]) -> str:
    exact = sum(error == 0 for error in errors)
    mean = sum(map(abs, errors)) / len(errors)
    return f"  {what}: {exact} of {len(errors)} frames exact, mean error {mean:.2f} people"


def truths(data: Path) -> Truth:
    """What was counted by eye, of the clips that are there."""
    found: Truth = {}
    for file, clip in (
        ("onebyone_counts.csv", "intel_one-by-one-person-detection.mp4"),
        ("previews_counts.csv", "intel_preview_{clip}.gif"),
    ):
        if not (data / "truth" / file).is_file():
            continue
        with (data / "truth" / file).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                people = found.setdefault(clip.format(**row), {})
                people[int(row["frame"])] = int(row["people_visible"])
    return {clip: people for clip, people in found.items() if (data / "clips" / clip).is_file()}


def _errors(detector: Detector, clip: Path, people: dict[int, int]) -> list[int]:
    """Counted less true, for each frame that was counted by eye."""
    source = File(str(clip), every_s=0)
    errors = []
    for _ in tqdm(range(max(people) + 1), desc=f"{detector.card.name} {clip.name}", disable=None):
        shot = source.read(lambda: True)
        if shot.number in people:
            boxes = detector.detect(shot.frame)
            seen = len(only(boxes, PERSON, detector.card.threshold))
            errors.append(seen - people[shot.number])
    return errors


def _errors_of_drawn(detector: Detector) -> list[int]:
    """Counted less drawn, in lobbies of other furniture, each a little fuller than the last."""
    errors = []
    for seed in tqdm(range(_LOBBIES), desc=f"{detector.card.name} drawn lobbies", disable=None):
        scene = Scene(Plan(zones=(ZoneView(zone="lobby"),)), seed)
        (seats,) = scene.seats
        rng = np.random.default_rng(seed)
        taken = rng.permutation(len(seats))[: len(seats) * seed // _LOBBIES].tolist()
        figures = [
            Figure(x, foot, tall(foot), SITS, int(rng.integers(LOOKS)))
            for x, foot in (seats[i] for i in taken)
        ]
        picture = scene.draw(figures, [], rng.uniform(0.6, 1.0), seed)
        seen = only(detector.detect(picture.frame), PERSON, detector.card.threshold)
        errors.append(len(seen) - len(taken))
    return errors


def _cpu_ms(detector: Detector) -> float:
    frame: Frame = np.full(_SIZE, 114, np.uint8)
    detector.detect(frame)  # the first one allocates
    before_s = _cpu_s()
    for _ in range(_ROUNDS):
        detector.detect(frame)
    return (_cpu_s() - before_s) / _ROUNDS * 1000


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
