"""A playlist: what a screen shows between its boards, as an office writes it in `playlist.toml`."""

import math
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec

from models.contract.ids import Id
from models.errors import BadPlaylist
from models.site import Dates, Days, Language, Names, Secure, Span, Table, dates_of

FILE = "playlist.toml"
"""Its name in the folder that holds it."""

LONGEST_S = 60
"""The board is back after so long at the latest, whatever a playlist says."""

_LANGUAGES = get_args(Language)
_LISTS = ("dates", "days", "hours", "languages")
_MOST_ITEMS = 200
_SHORTEST_S = 10
_WIDE_PER_S, _NARROW_PER_S = 6, 14  # signs read in a second: kanji and kana, letters
_INSTEAD = {"ja": "ja-Hira", "ja-Hira": "ja"}
_LOOK_S = 4  # until one has begun to read


Path = Annotated[str, msgspec.Meta(pattern=r"^[^/\\\x00-\x1f][^\\\x00-\x1f]*$", max_length=255)]
"""Of a file in the folder of the playlist, or below it."""

Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]
Written = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Seconds = Annotated[int, msgspec.Meta(ge=5, le=LONGEST_S)]


class Item(Table, frozen=True, kw_only=True, tag_field="kind"):
    """What all kinds have: when it is on, how often and how long."""

    id: Id | None = None  # what the log calls it
    title: Names | None = None
    dates: tuple[Dates, ...] = ()  # none: every day
    days: tuple[Days, ...] = ()  # none: every day of the week
    holidays: Literal["also", "only", "not"] | None = None  # None: a day like its day of the week
    hours: tuple[Span, ...] = ()  # none: all day
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    weight: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    seconds: Seconds | None = None  # None: by its kind
    languages: tuple[Language, ...] = ()  # only on screens with one of them; none: on all

    lasts_s: ClassVar[int] = 15

    @property
    def is_dated(self) -> bool:
        """Whether one must know the time to say if it is on."""
        return bool(self.dates or self.days or self.holidays or self.hours)

    def length_s(self, languages: Sequence[str]) -> int:
        """How long one showing is on a screen with these languages."""
        _ = languages
        return self.seconds or self.lasts_s


class Text(Item, frozen=True, kw_only=True, tag="text"):
    """Words, each language in turn; a long one page by page, or running upwards."""

    text: Annotated[dict[str, Written], msgspec.Meta(min_length=1)]
    scroll: bool = False

    def length_s(self, languages: Sequence[str]) -> int:
        """As long as it takes to read, if it does not say; a minute at most."""
        if self.seconds:
            return self.seconds
        said = spoken(self.text, languages)
        reading_s = sum(_LOOK_S + _reading_s(self.text[language]) for language in said)
        return min(LONGEST_S, max(_SHORTEST_S, math.ceil(reading_s)))


class Media(Item, frozen=True, kw_only=True):
    """A file of this folder, or one that is fetched."""

    file: Path | None = None
    url: Secure | None = None
    sha256: Hash | None = None  # no other content than this is shown


class Image(Media, frozen=True, kw_only=True, tag="image"):
    """A picture: PNG, JPEG, WebP, GIF, AVIF or SVG."""


class Video(Media, frozen=True, kw_only=True, tag="video"):
    """WebM or MP4; one that is longer than its showing goes on in the next."""

    sound: bool = False

    lasts_s: ClassVar[int] = LONGEST_S


class Feed(Media, frozen=True, kw_only=True, tag="feed"):
    """The newest entries of an RSS or Atom feed."""

    most: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3

    lasts_s: ClassVar[int] = 30


class News(Item, frozen=True, kw_only=True, tag="news"):
    """The office's own notices, as long as there are any."""

    lasts_s: ClassVar[int] = 20


Kind = Text | Image | Video | Feed | News


class Playlist(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be used of a file, and what was wrong with the rest."""

    board_seconds: int = 45
    cover_seconds: int = LONGEST_S
    items: tuple[Item, ...] = ()
    mistakes: tuple[str, ...] = ()


class _Head(Table, frozen=True, kw_only=True):
    """The keys above the items."""

    board_seconds: Annotated[int, msgspec.Meta(ge=10, le=600)] = 45
    cover_seconds: Annotated[int, msgspec.Meta(ge=5, le=LONGEST_S)] = LONGEST_S
    items: tuple[Any, ...] = ()


def parse(text: str, where: str = FILE) -> Playlist:
    """Read a playlist. An item that is wrong is left out, and said; the others are shown.

    Raises:
        BadPlaylist: it is no TOML, or what stands above the items is wrong.
    """
    try:
        tree = tomllib.loads(text)
        head = msgspec.convert(tree, _Head)
    except (ValueError, RecursionError) as error:
        raise BadPlaylist(f"{where}: want a playlist, {error}") from None
    items: list[Item] = []
    mistakes: list[str] = []
    for i, written in enumerate(head.items):
        path = f"$.items[{i}]"
        try:
            item = _item(written, i)
        except (ValueError, RecursionError) as error:
            said = str(error)
            at = said.replace("`$", f"`{path}") if "`$" in said else f"{said} - at `{path}`"
            mistakes.append(f"{where}: {at}")
        else:
            items.append(item)
    return Playlist(
        board_seconds=head.board_seconds,
        cover_seconds=head.cover_seconds,
        items=tuple(items),
        mistakes=tuple(mistakes),
    )


def together(playlists: Sequence[Playlist]) -> Playlist:
    """Several as one; the first says how long the board and its cover last."""
    if not playlists:
        return Playlist()
    return msgspec.structs.replace(
        playlists[0],
        items=tuple(item for each in playlists for item in each.items)[:_MOST_ITEMS],
        mistakes=tuple(mistake for each in playlists for mistake in each.mistakes),
    )


def spoken(texts: Mapping[str, str], languages: Sequence[str]) -> tuple[str, ...]:
    """In which of its languages a screen shows a text, in the order of the screen.

    Plain Japanese stands in for Japanese, and the other way, where only one of them is written.

    >>> spoken({"en": "Hello", "ja-Hira": "こんにちは", "ko": "안녕"}, ["ja", "en"])
    ('ja-Hira', 'en')
    """
    said: list[str] = []
    for language in languages:
        for candidate in (language, _INSTEAD.get(language, language)):
            if candidate in texts and candidate not in said:
                said.append(candidate)
                break
    return tuple(said)


def is_for(item: Item, languages: Sequence[str]) -> bool:
    """Whether a screen with these languages has a use for it."""
    if item.languages and not set(item.languages) & set(languages):
        return False
    return not isinstance(item, Text) or bool(spoken(item.text, languages))


def _item(written: Any, place: int) -> Item:  # noqa: ANN401  as TOML has it
    if place >= _MOST_ITEMS:
        raise ValueError(f"want at most {_MOST_ITEMS} items, got one more")
    if isinstance(written, dict):
        alone = {key: (written[key],) for key in _LISTS if isinstance(written.get(key), str)}
        written |= alone  # a list of one is written without brackets
    item: Item = msgspec.convert(written, Kind)
    for mistake in _mistakes(item):
        raise ValueError(mistake)
    return item


def _mistakes(item: Item) -> Iterator[str]:
    """What a type cannot say."""
    for key in ("title", "text"):
        for language in getattr(item, key, None) or ():
            if language not in _LANGUAGES:
                yield f"want a language of {', '.join(_LANGUAGES)}, got {language!r} - at `$.{key}`"
    for span in item.hours:
        start, _, end = span.partition("-")
        if start == end:
            yield f"want an end after {start}, got {span!r} - at `$.hours`"
    yield from _dates_wrong(item.dates)
    if isinstance(item, Media):
        if (item.file is None) == (item.url is None):
            yield "want one of file, url - at `$.file`"
        if item.file is not None and ".." in item.file.split("/"):
            yield f"want a file of this folder, got {item.file!r} - at `$.file`"


def _dates_wrong(dates: Sequence[str]) -> Iterator[str]:
    for span in dates:
        try:
            first, last = dates_of(span)
        except ValueError:
            yield f"want a day of the calendar, got {span!r} - at `$.dates`"
            continue
        if last < first:
            yield f"want the first day before the last, got {span!r} - at `$.dates`"


def _reading_s(text: str) -> float:
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return wide / _WIDE_PER_S + (len(text) - wide) / _NARROW_PER_S
