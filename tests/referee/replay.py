"""`machiai replay` over the referee's scenarios.

    .venv/bin/python -m tests.referee.replay ../shared/referee/sets/wait-public --out var/wait

FOLDER is one scenario (site.toml, log.jsonl.gz, ask.csv) or a folder of them; the answers are
written to OUT/<scenario>.csv.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

from tqdm import tqdm

from broker.replay import Answer as Answer  # noqa: PLC0414
from broker.replay import answers as answers  # noqa: PLC0414
from broker.replay import asks_of as asks_of  # noqa: PLC0414
from broker.replay import observations as observations  # noqa: PLC0414
from broker.replay import opened as opened  # noqa: PLC0414
from broker.replay import write as write  # noqa: PLC0414
from models.site import parse
from models.state.office import Office


def replay(folder: Path, until: timedelta | None = None) -> list[Answer]:
    """All answers of one scenario; `until` stops so long after its first ask."""
    site = parse((folder / "site.toml").read_text(encoding="utf-8"), "site.toml")
    asks = asks_of(folder / "ask.csv", site)
    if until is not None:
        asks = [ask for ask in asks if ask.at < asks[0].at + until]
    with opened(folder / "log.jsonl.gz") as log:
        return list(answers(Office(site, assume_alive=True), log, asks))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a scenario, or a folder of scenarios")
    parser.add_argument("--out", type=Path, required=True, help="folder of the answer files")
    parser.add_argument("--only", default="", help="only scenarios whose name contains this")
    parser.add_argument("--jobs", type=int, default=2, help="scenarios at a time")
    arguments = parser.parse_args()
    folders = [path.parent for path in sorted(arguments.folder.rglob("ask.csv"))]
    folders = [folder for folder in folders if arguments.only in folder.name]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        replayed = tqdm(pool.map(replay, folders), total=len(folders), unit="scenario")
        for folder, found in zip(folders, replayed, strict=True):
            write(arguments.out / f"{folder.name}.csv", found)


if __name__ == "__main__":
    main()
