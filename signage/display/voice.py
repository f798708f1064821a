"""What is said aloud, as files: made on this machine, with no network, and kept for the next time.

Japanese is spoken by pyopenjtalk-plus (the extra `display`), other languages by the program
espeak-ng. Where one is not installed its languages are not said, and staff are told so.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec

from signage.display.chime import as_wav
from signage.display.voice_words import JAPANESE

logger = logging.getLogger("machiai.voice")

MOST_BYTES = 64 * 2**20
"""Of files: some four hundred calls; the one that was not said for longest goes first."""

VOICES = {
    "en": "en-us",
    "zh-Hans": "cmn-latn-pinyin",
    "zh-Hant": "cmn-latn-pinyin",
    "ko": "ko",
    "vi": "vi",
    "pt-BR": "pt-br",
}
"""Of espeak-ng, which speaks no Tagalog."""

_PROGRAM = "espeak-ng"
_WORDS_A_MINUTE = "140"
_SPEAKS_S = 20.0
_QUIET = 300  # of 32,768: what is below it at both ends is silence
_LOUDEST = 26_000


class Phrase(msgspec.Struct, frozen=True):
    """Words in a language, as `voice_words.said` gives them."""

    language: str
    text: str

    @property
    def name(self) -> str:
        """Of its file."""
        return hashlib.sha256(f"{self.language}\n{self.text}".encode()).hexdigest()[:24] + ".wav"


class Voice:
    """The engines that are here, and the files that they have made. Looks at the disk."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._one = asyncio.Lock()
        self._program = shutil.which(_PROGRAM)
        self._has_japanese = importlib.util.find_spec("pyopenjtalk") is not None

    def why_silent(self, language: str) -> str | None:
        """Why a language cannot be said here; None if it can."""
        if language in JAPANESE:
            return None if self._has_japanese else "want machiai[display] installed to say Japanese"
        if language not in VOICES:
            return f"want a voice of {_PROGRAM} for {language}, there is none"
        return None if self._program else f"want {_PROGRAM} installed to say {language}"

    async def file(self, phrase: Phrase) -> Path | None:
        """The file of a phrase, spoken now if it is not there; None if that failed."""
        async with self._one:
            return await asyncio.to_thread(self._file, phrase)

    def _file(self, phrase: Phrase) -> Path | None:
        path = self._folder / phrase.name
        with contextlib.suppress(OSError):
            os.utime(path)
            return path
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            scratch = path.with_suffix(".new")
            self._engine(phrase.language)(phrase, scratch)
            scratch.replace(path)
            self._forget()
        except (OSError, subprocess.SubprocessError, ImportError, RuntimeError) as error:
            logger.warning("want %r said in %s, got: %s", phrase.text, phrase.language, error)
            return None
        return path

    def _engine(self, language: str) -> Callable[[Phrase, Path], None]:
        return _in_japanese if language in JAPANESE else self._by_program

    def _by_program(self, phrase: Phrase, path: Path) -> None:
        assert self._program is not None  # noqa: S101  `why_silent` is asked before
        voice = VOICES[phrase.language]
        subprocess.run(  # noqa: S603  the text comes in by standard input
            [self._program, "-m", "-v", voice, "-s", _WORDS_A_MINUTE, "-w", str(path), "--stdin"],
            input=phrase.text.encode(),
            capture_output=True,
            timeout=_SPEAKS_S,
            check=True,
        )

    def _forget(self) -> None:
        """Keep below the bound."""
        files = sorted(self._folder.glob("*.wav"), key=lambda file: file.stat().st_mtime_ns)
        total = sum(file.stat().st_size for file in files)
        for file in files[:-1]:
            if total <= self._most_bytes:
                return
            total -= file.stat().st_size
            file.unlink(missing_ok=True)


def _in_japanese(phrase: Phrase, path: Path) -> None:
    """By Open JTalk at half its rate: a voice on a lobby's loudspeaker has nothing above 12 kHz."""
    import numpy as np  # noqa: PLC0415  comes with the voice
    import pyopenjtalk  # noqa: PLC0415

    wave, rate_hz = pyopenjtalk.tts(phrase.text)
    wave = wave[: len(wave) // 2 * 2].reshape(-1, 2).mean(axis=1)
    (loud,) = np.nonzero(np.abs(wave) > _QUIET)
    if loud.size:
        wave = wave[loud[0] : loud[-1] + 1] * (_LOUDEST / np.abs(wave).max())
    path.write_bytes(as_wav(wave.astype("<i2").tobytes(), rate_hz // 2))
