"""Feeds a target for a while.

With atheris installed the inputs follow the coverage of our code, else they are cut from true ones.
"""

import faulthandler
import importlib
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.fuzz.watch import Figures, Finding, One, Watched

_EDGES = [
    b"",
    b"\x00",
    b"\xff",
    b"\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b"-1",
    b"9" * 30,
    b"\\u0000",
]


def mutated(rng: random.Random, pool: Sequence[bytes], words: Sequence[bytes], most: int) -> bytes:
    """One of the pool, damaged in one to eight places."""
    data = bytearray(rng.choice(pool))
    for _ in range(rng.randint(1, 8)):
        at = rng.randint(0, len(data))
        upto = min(len(data), at + rng.choice([1, 1, 2, 4, 16, 256]))
        match rng.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at:upto] = rng.randbytes(rng.randint(0, 8))
            case 2:
                del data[at:upto]
            case 3:
                data[at:at] = rng.choice([*words, *_EDGES])
            case 4:
                data[at:at] = data[at:upto] * rng.choice([1, 2, 10, 500])
            case 5:
                other = rng.choice(pool)
                data[at:upto] = other[rng.randint(0, len(other)) :]
            case _:
                data[at:upto] = rng.choice([*words, *_EDGES])
    return bytes(data[:most])


def fuzz(  # noqa: PLR0917
    one: One, seeds: Sequence[bytes], words: Sequence[bytes], most: int, seconds: float, seed: int
) -> Figures:
    """Feed it for so long, without knowing what it does inside.

    Raises:
        Finding: with the input.
    """
    rng = random.Random(seed)
    watched = Watched(one, seconds)
    try:
        for data in seeds:
            watched(data)
        while watched.elapsed_s < seconds:
            watched(mutated(rng, seeds, words, most))
        return watched.figures()
    finally:
        faulthandler.cancel_dump_traceback_later()


def instrumented(module: str) -> Any:  # noqa: ANN401  a module
    """Import it so that atheris sees which lines of ours an input reaches."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["models", "edge", "signage", "tomllib"]):
        return importlib.import_module(module)


def fuzz_by_coverage(  # noqa: PLR0917
    one: One,
    seeds: Sequence[bytes],
    words: Sequence[bytes],
    most: int,
    seconds: float,
    folder: Path,
) -> None:
    """Feed it for so long with atheris, which ends the process; figures go to `folder`."""
    atheris: Any = importlib.import_module("atheris")
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(data)
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in words)
    lines = "".join(f'"{word}"\n' for word in escaped)
    (folder / "words").write_text(lines, "ascii")
    watched = Watched(one, seconds)

    def noted(data: bytes) -> None:
        try:
            watched(data)
        except Finding as finding:
            sys.stderr.write(f"finding: {finding}\n")
            raise
        if watched.inputs % 256 == 0:
            (folder / "figures.json").write_bytes(msgspec.json.encode(watched.figures()))

    options = [
        f"-max_total_time={seconds:.0f}",
        f"-max_len={most}",
        f"-dict={folder / 'words'}",
        f"-artifact_prefix={folder}/",
        "-rss_limit_mb=1024",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *options], noted)
    atheris.Fuzz()
