"""The Nu HTML checker, the one behind validator.w3.org, over a folder of pages."""

import subprocess
from pathlib import Path

import msgspec


class Message(msgspec.Struct, frozen=True, rename={"kind": "type"}):
    """One thing that it says."""

    kind: str
    url: str = ""
    message: str = ""
    line: int = msgspec.field(default=0, name="lastLine")
    extract: str = ""

    def __str__(self) -> str:
        """In one line."""
        where = f"{Path(self.url).name}:{self.line}"
        return f"{where}: {self.message} - {' '.join(self.extract.split())}"


class _Said(msgspec.Struct, frozen=True):
    messages: list[Message]


def check(java: str, jar: Path, folder: Path) -> list[Message]:
    """All that it says of the HTML files of a folder, `kind` "error" or "info"."""
    command = [java, "-XX:TieredStopAtLevel=1", "-Xss4m", "-jar", str(jar), "--skip-non-html"]
    command += ["--stdout", "--exit-zero-always", "--format", "json", str(folder)]
    said = subprocess.run(command, check=True, capture_output=True)
    return msgspec.json.decode(said.stdout, type=_Said).messages
