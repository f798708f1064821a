"""Ids and times, as they stand in topics, file names and certificates."""

from datetime import datetime
from typing import Annotated

import msgspec

ID_PATTERN = r"^[a-z0-9-]{1,32}(?!\n)$"  # `$` alone lets a last line feed through

LONGEST_ID = 32

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
"""One topic level, file name, certificate CN and MQTT user at once."""

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""An aware instant; on the wire RFC 3339 in UTC with milliseconds."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""What every reader of JSON and every column of SQLite holds exactly."""

Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Level = Annotated[int, msgspec.Meta(ge=1, le=4)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Short = Annotated[str, msgspec.Meta(max_length=64)]
