"""The tables of docs/estimators.md, from what the referee says of our answers: `make estimates`.

Every scenario of every set is replayed, its scorer is asked, and each `<!-- table: NAME -->` of the
page gets the lines up to its `<!-- end -->` anew.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.referee import ahead

REFEREE = ROOT.parent / "shared" / "referee"
PAGE = ROOT / "docs" / "estimators.md"
WAITS, PARKING = REFEREE / "score.py", REFEREE / "parking" / "score.py"
SETS = {
    "wait": REFEREE / "sets" / "wait-public",
    "ladder": REFEREE / "sets" / "ladder-public",
    "queue": REFEREE / "sets" / "queue-public",
    "lot": REFEREE / "parking" / "state-public",
    "lots": REFEREE / "parking" / "forecast-public",
}
_TOLD = "asks | MAE, min | / oracle | bias | p10–p90 holds | IS80"
AHEAD = "ahead"
NOW, HALF_HOUR, HOUR, DAY = "0", "1800", "3600", "86400"

Score = Mapping[str, Any]
"""What a scorer says in JSON."""


def scored(name: str, answers: Path) -> dict[str, Score]:
    """What the scorer says: of a whole set of waits, or of each lot by its name."""
    if SETS[name].parent.name == "sets":
        return {"": _asked(WAITS, SETS[name], answers)}
    folders = sorted(path.parent for path in SETS[name].rglob("ask.csv"))
    return {f.name: _asked(PARKING, f, answers / f"{f.name}.csv") for f in folders}


def _asked(scorer: Path, folder: Path, answers: Path) -> Score:
    command = [sys.executable, str(scorer), str(folder), str(answers), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"want figures of {folder.name}, got: {done.stderr.strip()}")
    found: Score = json.loads(done.stdout)
    return found


def table(head: str, rows: list[list[str]]) -> str:
    """In Markdown."""
    cells = [head.split(" | "), ["---"] * (head.count(" | ") + 1), *rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in cells)


def wait_table(scores: Mapping[str, Score]) -> str:
    """New tickets and holders of one, beside what simple methods said to the same asks."""
    overall, scenarios = scores[""]["overall"], scores[""]["scenarios"].values()
    rows = []
    for label in ("wait, all", "wait, days 6-10", "wait, days 16-25", "remaining, all"):
        kind, _, span = label.partition(", ")
        ours, spread = overall[label]["answers"], ""
        if span == "all":
            shares = [one[kind]["answers"]["coverage"] for one in scenarios]
            spread = f" ({min(shares):.2f}–{max(shares):.2f} by office)"
        others = [f"{overall[label][who]['ratio']:.2f}" for who in ("mc", "qlr", "hol", "sakai")]
        rows.append([f"`{kind}`, {span}", *_told(ours, spread), ", ".join(others)])
    others_head = "Monte-Carlo, QL refined, HOL, fixed table"
    return table(f"asked | {_TOLD} | {others_head}", rows)


def ladder_table(scores: Mapping[str, Score]) -> str:
    """With less to go by than tickets."""
    rows = []
    for rung in ("buttons-camera", "camera-door", "buttons"):
        found = scores[""]["overall"][f"wait, all {rung}"]
        rows.append([rung, *_told(found["answers"]), f"{found['trained']['ratio']:.2f}"])
    return table(f"in the log | {_TOLD} | LightGBM fitted to waits", rows)


def _told(ours: Score, spread: str = "") -> list[str]:
    return [
        str(ours["n"]),
        f"{ours['mae']:.2f}",
        f"{ours['ratio']:.2f}",
        f"{ours['bias']:+.2f}",
        f"{ours['coverage']:.3f}{spread}",
        f"{ours['is80']:.2f}",
    ]


def queue_table(scores: Mapping[str, Score]) -> str:
    """Polled displays of a real city; people a day ahead."""
    pooled, rows = scores[""]["pooled"], []
    for label, unit, others in (
        ("wait, all", "min", ("city", "sakai", "ql", "qlconf", "gbm")),
        ("wait, queues not slow", "min", ("city", "sakai", "ql", "qlconf", "gbm")),
        ("queue, all", "people", ("median", "mean")),
    ):
        ours = pooled[label]["answers"]
        beside = ", ".join(f"{who} {pooled[label][who]['mae']:.2f}" for who in others)
        rows.append(
            [
                label,
                str(ours["n"]),
                f"{ours['mae']:.2f} {unit}",
                f"{ours['bias']:+.2f}",
                f"{ours['coverage']:.3f}",
                f"{ours['is80']:.1f}",
                beside,
            ]
        )
    return table("asked | asks | MAE | bias | p10–p90 holds | IS80 | MAE of others", rows)


def lot_table(scores: Mapping[str, Score]) -> str:
    """Car parks with known truth."""
    rows, errors = [], []
    for world, score in scores.items():
        ours = [score["overall"][h] for h in (NOW, HALF_HOUR, HOUR)]
        hmm = score["anchors"].get("HMM", {}).get(NOW, {}).get("mae_pct")
        vacant = ours[0]["vacant_while_full_min_per_day"]
        errors.append([value for one in ours for value in (one["mae_pct"], one["coverage"])])
        rows.append([world, *_shares(errors[-1]), f"{vacant:.1f}", f"{hmm:.2f}" if hmm else "–"])
    mean = [sum(column) / len(errors) for column in zip(*errors, strict=True)]
    rows.append(["mean", *_shares(mean), "", ""])
    head = (
        "world | now | in 30 min | in 60 min | vacant told while full, min a day | HMM anchor, now"
    )
    return table(head, rows)


def _shares(numbers: list[float]) -> list[str]:
    """Error in % of the capacity and coverage, in pairs."""
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [f"{error:.2f} / {held:.2f}" for error, held in pairs]


def lots_table(scores: Mapping[str, Score]) -> str:
    """Real car parks."""
    (score,) = scores.values()
    anchors = score["anchors"]
    (trained,) = (name for name in anchors if name.startswith("LightGBM"))
    others = ("last value", "last + increment (4 weeks)", trained)
    rows = []
    for horizon, words in ((HALF_HOUR, "30 min"), (HOUR, "60 min"), (DAY, "a day")):
        ours = score["overall"][horizon]
        beside = [f"{anchors[who][horizon]['mae_pct']:.2f}" for who in others]
        rows.append([words, f"{ours['mae_pct']:.2f}", f"{ours['coverage']:.2f}", *beside])
    head = "ahead | mean error, % | p10–p90 holds | last value | last + increment | LightGBM"
    return table(head, rows)


TABLES: dict[str, Callable[[Mapping[str, Score]], str]] = {
    "wait": wait_table,
    "ladder": ladder_table,
    "queue": queue_table,
    "lot": lot_table,
    "lots": lots_table,
}
"""By the name of the set, which is also the name of the table on the page."""


def filled(page: str, name: str, made: str) -> str:
    """The page with one table anew, wherever it is asked for."""
    begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
    return re.sub(
        re.escape(begin) + ".*?" + re.escape(end),
        lambda _: f"{begin}\n{made}\n{end}",
        page,
        flags=re.DOTALL,
    )


def ahead_table(jobs: int) -> str:
    """The forecast of a day's waits; no scorer has it, so it is measured here."""
    folders = sorted(path.parent for path in SETS["wait"].rglob("ask.csv"))
    head = "office | mean error, min | bias | p10–p90 holds | mean of past days in that hour"
    return table(head, ahead.rows(folders, jobs))


def made_of(name: str, arguments: argparse.Namespace) -> str:
    """The table of a set, from answers that are there or made now."""
    answers = ROOT / "var" / "referee" / name
    if not (arguments.keep and answers.is_dir()):
        replay = [sys.executable, "-m", "tests.referee.replay", str(SETS[name])]
        told = ["--out", str(answers), "--jobs", str(arguments.jobs)]
        subprocess.run([*replay, *told], check=True, cwd=ROOT)
    return TABLES[name](scored(name, answers))


def main() -> int:
    """Replay, score, fill in."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="scenarios at a time (2)")
    parser.add_argument("--only", choices=[*SETS, AHEAD], help="one table alone")
    parser.add_argument("--keep", action="store_true", help="answers that are there already")
    arguments = parser.parse_args()
    if not REFEREE.is_dir():
        raise SystemExit("want the referee's sets in ../shared beside the clone")
    for name in [arguments.only] if arguments.only else [*SETS, AHEAD]:
        made = ahead_table(arguments.jobs) if name == AHEAD else made_of(name, arguments)
        sys.stdout.write(f"{name}\n{made}\n")
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(filled(text, name, made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
