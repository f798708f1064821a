"""What is said aloud: the words by table, the engines where they are, the files, the chime."""

import array
import asyncio
import io
import math
import shutil
import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.contract.results import Call
from models.site import Names
from signage.display.chime import RATE_HZ, chime
from signage.display.voice import VOICES, Phrase, Voice
from signage.display.voice_words import caption, runs, said
from signage.wording import LANGUAGES, Words
from tests.signage.office import EXAMPLE

SITE_COUNTERS: dict[str, Names | None] = {
    "third": {"ja": "3番", "en": "3"},
    "hall": {"ja": "会場", "en": "Hall"},
    "letter": {"ja": "Ｂ2", "en": "B2"},
    "none": None,
}
SPELT = '<say-as interpret-as="characters">{}</say-as>'
JAPANESE = Phrase("ja", "番号札、エーの123番のお客様、3番窓口へお越しください。")


@pytest.fixture(scope="module")
def words() -> dict[str, Words]:
    from models.site import parse  # noqa: PLC0415

    zone = parse(EXAMPLE.read_text("utf-8")).zone_info
    return {language: Words(language, zone) for language in LANGUAGES}


def call(number: str, counter: str | None = "c3") -> Call:
    return Call(
        number=number, service="tax", counter=counter, at=datetime(2026, 11, 24, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        ("A123", ["A", "123"]),
        ("A007", ["A", "7"]),
        ("Ａ００７", ["A", "7"]),
        ("b45", ["B", "45"]),
        ("AB-012", ["AB", "12"]),
        ("12-034", ["12", "34"]),
        ("1000", ["1000"]),
        ("000", ["0"]),
        ("特1", ["特", "1"]),
        ("さくら12", ["さくら", "12"]),
        ("A 1 ", ["A", "1"]),
        ("①", ["1"]),
    ],
)
def test_a_number_falls_into_what_is_said_one_after_the_other(
    number: str, wanted: list[str]
) -> None:
    assert runs(number) == wanted


@pytest.mark.parametrize(
    ("language", "number", "counter", "wanted"),
    [
        ("ja", "A123", "third", "番号札、エーの123番のお客様、3番窓口へお越しください。"),
        ("ja", "A007", "hall", "番号札、エーの7番のお客様、会場へお越しください。"),
        ("ja", "45", "none", "番号札、45番のお客様、窓口へお越しください。"),
        ("ja", "W2", "letter", "番号札、ダブリューの2番のお客様、B2窓口へお越しください。"),
        ("ja", "さくら12", "third", "番号札、さくらの12番のお客様、3番窓口へお越しください。"),
        ("ja", "12-034", "third", "番号札、12の34番のお客様、3番窓口へお越しください。"),
        ("ja-Hira", "A123", "third", "番号エーの123番の人は、3番窓口へ来てください。"),
        ("en", "A123", "third", "Ticket number [A] 123, please come to counter 3."),
        ("en", "ab007", "hall", "Ticket number [AB] 7, please come to: Hall."),
        ("en", "45", "letter", "Ticket number 45, please come to counter [B] 2."),
        ("zh-Hans", "A123", "third", "qing3 [A] 123 hao4, dao4 3 hao4 chuang1 kou3."),
        ("zh-Hans", "A123", "hall", "qing3 [A] 123 hao4, dao4 chuang1 kou3."),
        ("zh-Hant", "A123", "third", "qing3 [A] 123 hao4, dao4 3 hao4 gui4 tai2."),
        ("ko", "A123", "third", "번호표 [A] 123번 고객님, 3번 창구로 와 주십시오."),
        ("vi", "A123", "third", "Mời số [A] 123 đến quầy 3."),
        ("pt-BR", "A123", "third", "Senha [A] 123, dirija-se ao guichê 3."),
        ("tl", "A123", "none", "Numero [A] 123, pumunta po sa window."),
    ],
)
def test_what_is_said_by_table(
    words: dict[str, Words], language: str, number: str, counter: str, wanted: str
) -> None:
    names = SITE_COUNTERS[counter]
    told = said(words[language], call(number, "c3" if names else None), names)
    if not language.startswith("ja"):
        spelt = wanted.replace("[", SPELT.partition("{}")[0]).replace(
            "]", SPELT.rpartition("{}")[2]
        )
        wanted = f"<speak>{spelt}</speak>"
    assert told == wanted


@pytest.mark.parametrize("language", [code for code in LANGUAGES if not code.startswith("ja")])
def test_what_has_no_sound_in_a_language_is_not_said_in_it(
    words: dict[str, Words], language: str
) -> None:
    assert said(words[language], call("さくら12"), SITE_COUNTERS["third"]) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sign_that_means_something_to_the_engine_is_only_a_sign(
    words: dict[str, Words], language: str
) -> None:
    told = said(words[language], call("A<1>&"), {language: "3<b>&"})
    assert told is not None
    assert "<b>" not in told or language.startswith("ja")
    assert "&<" not in told
    assert "3<b>&" in caption(words[language], call("A1"), {language: "3<b>&"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_caption_has_the_number_as_it_is_printed(
    words: dict[str, Words], language: str
) -> None:
    assert "A007" in caption(words[language], call("A007"), SITE_COUNTERS["third"])
    assert "3" in caption(words[language], call("A007"), SITE_COUNTERS["third"])


@pytest.mark.parametrize(
    ("text", "kana"),
    [
        ("エーの123番", "エーノヒャクニジューサンバン"),
        ("ビーの300番", "ビーノサンビャクバン"),
        ("エーの608番", "エーノロッピャクハチバン"),
        ("エーの1000番", "エーノセンバン"),
        ("4番窓口、7番窓口、9番窓口へ", "ヨンバンマドグチ、ナナバンマドグチ、キューバンマドグチエ"),
    ],
)
def test_japanese_numbers_are_read_as_people_read_them(text: str, kana: str) -> None:
    reader = pytest.importorskip("pyopenjtalk", reason="want machiai[display] installed")
    assert reader.g2p(text, kana=True) == kana


def spoken(voice: Voice, phrase: Phrase) -> Path | None:
    return asyncio.run(voice.file(phrase))


def seconds_of(wav: bytes) -> tuple[float, float]:
    """How long it is, and how loud at its loudest, 0 to 1."""
    with wave.open(io.BytesIO(wav)) as read:
        assert (read.getnchannels(), read.getsampwidth()) == (1, 2)
        samples = array.array("h", read.readframes(read.getnframes()))
        return len(samples) / read.getframerate(), max(map(abs, samples)) / 32_768


def test_a_call_is_said_in_japanese_and_kept(tmp_path: Path) -> None:
    pytest.importorskip("pyopenjtalk", reason="want machiai[display] installed")
    voice = Voice(tmp_path)
    assert voice.why_silent("ja") is None
    file = spoken(voice, JAPANESE)
    assert file is not None
    lasts_s, loud = seconds_of(file.read_bytes())
    assert 4 < lasts_s < 8
    assert 0.5 < loud < 1
    before = file.stat().st_ino
    assert spoken(Voice(tmp_path), JAPANESE) == file
    assert file.stat().st_ino == before


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="want espeak-ng installed")
@pytest.mark.parametrize("language", list(VOICES))
def test_a_call_is_said_in_foreign_languages(
    words: dict[str, Words], tmp_path: Path, language: str
) -> None:
    text = said(words[language], call("A123"), SITE_COUNTERS["third"])
    assert text is not None
    voice = Voice(tmp_path)
    assert voice.why_silent(language) is None
    file = spoken(voice, Phrase(language, text))
    assert file is not None
    lasts_s, loud = seconds_of(file.read_bytes())
    assert 1.5 < lasts_s < 9
    assert loud > 0.1


def test_where_no_engine_is_staff_are_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    voice = Voice(tmp_path)
    assert voice.why_silent("en") == "want espeak-ng installed to say en"
    assert voice.why_silent("tl") == "want a voice of espeak-ng for tl, there is none"


def test_a_voice_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\nexit 1\n", "ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    voice = Voice(tmp_path / "voice")
    assert spoken(voice, Phrase("en", "<speak>one</speak>")) is None
    assert list((tmp_path / "voice").glob("*.wav")) == []


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="want espeak-ng installed")
def test_the_files_stay_below_their_bound_and_the_oldest_goes(tmp_path: Path) -> None:
    voice = Voice(tmp_path, most_bytes=250_000)
    phrases = [Phrase("en", f"<speak>counter {n}</speak>") for n in range(8)]
    files = [spoken(voice, phrase) for phrase in phrases]
    spoken(voice, phrases[0])
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 250_000
    assert files[-1] is not None
    assert files[-1].exists()
    assert files[1] is not None
    assert not files[1].exists()


def test_the_chime_has_two_tones_and_no_click() -> None:
    lasts_s, loud = seconds_of(chime())
    assert 1 < lasts_s < 1.5
    assert 0.2 < loud < 0.8
    with wave.open(io.BytesIO(chime())) as read:
        samples = array.array("h", read.readframes(read.getnframes()))
    assert max(abs(samples[0]), abs(samples[-1])) < 200
    first, second = samples[: int(0.4 * RATE_HZ)], samples[int(0.9 * RATE_HZ) :]
    assert pitch_hz(first) == pytest.approx(659, abs=8)
    assert pitch_hz(second) == pytest.approx(523, abs=8)


def pitch_hz(samples: "array.array[int]") -> float:
    """Of the strongest of the tones between 400 and 800 Hz."""

    def strength(pitch: float) -> float:
        turns = [2 * math.pi * pitch * n / RATE_HZ for n in range(len(samples))]
        real = sum(s * math.cos(turn) for s, turn in zip(samples, turns, strict=True))
        other = sum(s * math.sin(turn) for s, turn in zip(samples, turns, strict=True))
        return math.hypot(real, other)

    return max((float(pitch) for pitch in range(400, 800, 6)), key=strength)
