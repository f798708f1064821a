"""The long walk: `python -m tests.freshness --steps 10000 --seeds 1-5`, a quarter minute a seed."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from models.site import parse
from tests.freshness.walk import Walk

EXAMPLE = Path(__file__).resolve().parents[2] / "ansible" / "sites" / "example.toml"


def main() -> int:
    """Walk, and say what was shown past its end."""
    parser = argparse.ArgumentParser(prog="python -m tests.freshness", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seeds", default="1", help="one, or a range: 1-5")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    site = parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name)
    found = 0
    for seed in range(int(first), int(last or first) + 1):
        walk = Walk(site, seed)
        began = walk.clock.now()
        for _ in tqdm(range(arguments.steps), f"seed {seed}", unit=" steps", mininterval=1):
            walk.step()
        days = (walk.clock.now() - began).total_seconds() / 86_400
        seen, late = walk.ledger.looked_at, len(walk.old)
        sys.stdout.write(
            f"seed {seed}: {days:.1f} days, {seen} values seen, {late} past their end\n"
        )
        sys.stdout.writelines(f"  {line}\n" for line in walk.old[:10])
        found += late
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
