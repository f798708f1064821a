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

_ROUNDS = 10
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
        for clip, people in truth.items():
            errors = _errors(detector, data / "clips" / clip, people)
            exact = sum(error == 0 for error in errors)
            mean = sum(map(abs, errors)) / len(errors)
            yield f"  {clip}: {exact} of {len(errors)} frames exact, mean error {mean:.2f} people"


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
