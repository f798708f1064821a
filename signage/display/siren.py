"""The siren, as a sound file made here: two notes that anybody knows to mean danger."""

import io
import math
import struct
import wave

_RATE = 16_000
_NOTES_HZ = (660, 880)
_NOTE_S = 0.6
_FADE_S = 0.02  # between the notes, so that they do not crack
_LOUD = 0.6


def siren() -> bytes:
    """One round of it as WAV, mono, to be played again and again.

    >>> siren()[:4]
    b'RIFF'
    """
    samples = [
        sample
        for hertz in _NOTES_HZ
        for sample in (_sample(hertz, i / _RATE) for i in range(int(_NOTE_S * _RATE)))
    ]
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return made.getvalue()


def _sample(hertz: int, t_s: float) -> int:
    fade = min(1.0, t_s / _FADE_S, (_NOTE_S - t_s) / _FADE_S)
    wave_at = math.sin(2 * math.pi * hertz * t_s) + 0.3 * math.sin(6 * math.pi * hertz * t_s)
    return round(32_767 / 1.3 * _LOUD * fade * wave_at)
