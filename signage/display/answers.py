"""What a playlist would show when: for whoever writes one, before it is on a screen."""

from datetime import datetime, timedelta
from pathlib import Path

from models.calendar import Calendar
from models.errors import Missing
from models.screens.playlist import FILE, Item, is_for
from models.screens.programme import Programme
from models.site import Display, Site
from signage.display.playlist import Folder

_AHEAD = timedelta(minutes=10)


def told(site: Site, display: Display, path: Path, moment: datetime) -> tuple[list[str], bool]:
    """Lines to print, and whether nothing is wrong. Reads the folder.

    Raises:
        Missing: there is no playlist.
    """
    folder = Folder(path)
    for _ in range(2):
        folder.look()
    wrong = folder.wrong()
    if folder.playlist is None:
        if not wrong:
            raise Missing(f"want {FILE} in a folder, got none - {path}")
        return wrong, False
    playlist, languages = folder.playlist, display.languages
    programme = Programme(playlist, Calendar(site), site.zone_info, languages)
    names = {id(item): _name(item, i) for i, item in enumerate(playlist.items)}
    used = sum(is_for(item, languages) for item in playlist.items)
    lines = [f"{path / FILE}: {len(playlist.items)} items, {used} of them for {display.id}", *wrong]
    on = ", ".join(names[id(item)] for item in programme.on(moment)) or "nothing"
    lines.append(f"{moment:%A %d %B %Y %H:%M}: on are {on}")
    for showing in programme.showings(moment, moment + _AHEAD):
        start, end = (at.astimezone(site.zone_info) for at in (showing.start, showing.end))
        shown = names[id(showing.item)] if showing.item else "board"
        lines.append(f"  {start:%H:%M:%S}-{end:%H:%M:%S}  {shown}")
    return lines, not wrong


def _name(item: Item, place: int) -> str:
    """Its id, or else its place, as messages have it."""
    kind = str(item.__struct_config__.tag)
    return f"{kind} {item.id}" if item.id else f"{kind} items[{place}]"
