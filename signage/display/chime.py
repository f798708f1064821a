"""The two tones before a call, made here: nobody's recording."""

import io
import math
import struct
import wave
from functools import cache

RATE_HZ = 24_000
_TONES = ((0.0, 659.26), (0.42, 523.25))
"""When each begins, in seconds, and its pitch in Hz: E5, then C5."""
_LASTS_S = 1.3
_FADES_S = 0.32
_RISES_S = 0.004
_LOUD = 0.42
_OVERTONES = ((1.0, 1.0), (2.0, 0.28), (3.0, 0.1))
"""Times the pitch, and how loud: a bell rather than a whistle."""


@cache
def chime() -> bytes:
    """A WAV file of one channel, 16 bits."""
    samples = [_at(n / RATE_HZ) for n in range(int(_LASTS_S * RATE_HZ))]
    return as_wav(struct.pack(f"<{len(samples)}h", *samples), RATE_HZ)


def as_wav(samples: bytes, rate_hz: int) -> bytes:
    """A WAV file of samples of one channel, 16 bits, little endian."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate_hz)
        written.writeframes(samples)
    return file.getvalue()


def _at(second: float) -> int:
    heard = sum(_tone(second - since_s, pitch_hz) for since_s, pitch_hz in _TONES)
    end = min(1.0, (_LASTS_S - second) / 0.05)  # no click where it stops
    return round(32_767 * _LOUD * end * heard / sum(loud for _, loud in _OVERTONES))


def _tone(second: float, pitch_hz: float) -> float:
    if second < 0:
        return 0.0
    shape = min(1.0, second / _RISES_S) * math.exp(-second / _FADES_S)
    waves = (loud * math.sin(2 * math.pi * times * pitch_hz * second) for times, loud in _OVERTONES)
    return shape * sum(waves)
