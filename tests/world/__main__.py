"""Our world beside ciw, each drawing for itself: `make ciw`. 1 if they differ by 2 % or more."""

import argparse
import math

from tqdm import tqdm

from tests.world.offices import OFFICES, ciws_s, mean_s, ours_s

_WANTED = 0.02


def main() -> int:
    """Simulate, compare, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=2000, help="of each office in each world")
    days = parser.parse_args().days
    print(f"{days} days each | ours, s | ciw, s | ours / ciw | standard error")  # noqa: T201
    worst = 0.0
    for name, office in tqdm(OFFICES.items(), unit="office", disable=None):
        (ours, ours_error), (theirs, their_error) = (
            mean_s(office, ours_s(office, days)),
            mean_s(office, ciws_s(office, days)),
        )
        error = math.hypot(ours_error / ours, their_error / theirs)
        worst = max(worst, abs(ours / theirs - 1.0))
        print(f"{name} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.4f} | {error:.4f}")  # noqa: T201
    return int(worst >= _WANTED)


if __name__ == "__main__":
    raise SystemExit(main())
