# ruff: noqa: INP001  a script that Debian's own Python runs on the hub
"""What `report.yml` asks of a hub: when it heard each device last.

One JSON object on standard output: milliseconds since 1970 by the device's id.
"""

import contextlib
import json
import sqlite3
import sys

JOURNAL = "/var/lib/machiai-hub/journal.sqlite"

with contextlib.closing(sqlite3.connect(f"file:{JOURNAL}?mode=ro", uri=True)) as journal:
    rows = journal.execute("SELECT device, max(received_ms) FROM stream GROUP BY device")
    json.dump(dict(rows), sys.stdout)
