"""What is on the screen while its server is not there: the office's name and the time."""

from html import escape
from urllib.parse import quote

from models.site import Display, Site

_PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{name}</title><style>
html {{ height: 100%; background: #000; color: #c8d0d8; cursor: none;
  font-family: "Noto Sans CJK JP", "Noto Sans JP", sans-serif }}
body {{ height: 100%; margin: 0; text-align: center;
  display: flex; flex-direction: column; align-items: center; justify-content: center }}
p {{ margin: 0 6vw; font-size: 5vmin; line-height: 1.4 }}
time {{ font-size: 20vmin; font-weight: 700; line-height: 1.3 }}
</style><p>{name}</p><time></time><script>
const clock = document.querySelector("time");
const asked = {{ hour: "2-digit", minute: "2-digit", timeZone: "{zone}" }};
const time = new Intl.DateTimeFormat("en-GB", asked);
const tick = () => (clock.textContent = time.format(new Date()));
tick();
setInterval(tick, 1000);
</script></html>"""


def waiting_page(site: Site, display: Display) -> str:
    """The address of a page that holds itself: it needs no server, so that it is always true."""
    names = site.site.name
    language = next((code for code in display.languages if code in names), next(iter(names)))
    name, zone = escape(names[language]), site.site.timezone
    return "data:text/html;charset=utf-8," + quote(
        _PAGE.format(language=language, name=name, zone=zone)
    )
