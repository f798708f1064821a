"""The whole way of a holder, in Debian's chromium and without JavaScript; and Web Push with it."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from models.site import MailTable, PushTable, Site
from signage.notify.mail import Mail
from signage.notify.notices import Notices
from signage.notify.push import Push
from signage.notify.senders import Sender
from signage.notify.store import Store
from signage.web import web_app
from signage.wording import LANGUAGES
from tests.browsing import CLIPPED
from tests.signage.office import HandClock, Hub, Served
from tests.signage.post import PostOffice
from tests.signage.test_notify_push import Browser as Chrome

pytestmark = pytest.mark.browser

CHROME = Chrome()
WAITING = tuple(f"A{n:03}" for n in range(100, 120))
PHONE: ViewportSize = {"width": 390, "height": 844}


class Told:
    """An office that tells holders of tickets, over HTTP."""

    def __init__(self, site: Site, folder: Path, post: PostOffice) -> None:
        self.hub = Hub(site, HandClock())
        self.served = Served(self.hub)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.store = Store(folder / "notices.sqlite")
        table = MailTable(
            sender="turn@minami.example.jp", host="127.0.0.1", port=post.port, tls="none"
        )
        senders: dict[str, Sender] = {
            "mail": Mail(table, site, folder),
            "push": Push(PushTable(contact="turn@minami.example.jp"), site, folder),
        }
        notices = Notices(site, self.hub.mirror, self.store, senders, self.base)
        app = web_app(site, self.hub.mirror, self.hub.clock, notices=notices)
        self.served._start(app, port)
        loop = self.served._loop
        self.running = asyncio.run_coroutine_threadsafe(notices.run(), loop)

    def close(self) -> None:
        self.running.cancel()
        self.served.close()
        self.store.close()


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as made:
        yield made


@pytest.fixture
def told(site: Site, tmp_path: Path, post: PostOffice) -> Iterator[Told]:
    made = Told(site, tmp_path, post)
    made.served.do(made.hub.busy)
    made.served.do(lambda: made.hub.line("moving", *WAITING, minutes=6))
    yield made
    made.close()


@pytest.fixture
def plain(browser: Browser) -> Iterator[BrowserContext]:
    """A phone without JavaScript."""
    context = browser.new_context(java_script_enabled=False, viewport=PHONE, locale="en-GB")
    yield context
    context.close()


def link_in(post: PostOffice, count: int, base: str, context: BrowserContext) -> str:
    """The first link of the mail that comes next."""
    page = context.new_page()
    for _ in range(500):
        if len(post.mails) >= count:
            break
        page.wait_for_timeout(20)  # mail takes true time
    page.close()
    text: str = post.mails[count - 1].get_content()
    return next(line for line in text.splitlines() if line.startswith(base))


def test_the_whole_way_without_javascript(
    told: Told, plain: BrowserContext, post: PostOffice
) -> None:
    page = plain.new_page()
    page.goto(f"{told.base}/notify/moving/A110")
    expect(page.locator("h1")).to_have_text("A notice when your turn is near")
    expect(page.locator("#notify-push")).to_be_hidden()
    page.get_by_label("Mail address").fill("hanako@example.jp")
    page.get_by_label("20 min").check()
    page.get_by_role("button", name="Tell me by mail").click()
    expect(page.locator("h1")).to_have_text("Look at your mail")
    assert "hanako" not in page.url
    page.goto(link_in(post, 1, told.base, plain))
    page.get_by_role("button", name="Yes, tell me").click()
    expect(page.locator("h1")).to_have_text("We will tell you")
    told.served.do(lambda: told.hub.line("moving", *WAITING[6:], minutes=6))
    link_in(post, 2, told.base, plain)
    stop = post.mails[1]["List-Unsubscribe"].strip("<> ")
    page.goto(stop)
    page.get_by_role("button", name="Stop the notices").click()
    expect(page.locator("h1")).to_have_text("Nothing is kept")
    assert told.store.holders() == []


def test_a_number_is_asked_for_where_none_is_known(
    told: Told, plain: BrowserContext, post: PostOffice
) -> None:
    page = plain.new_page()
    page.goto(f"{told.base}/notify?lang=en")
    page.get_by_label("Number on your ticket").fill("a110")
    page.get_by_label("Mail address").fill("hanako@example.jp")
    page.get_by_role("button", name="Tell me by mail").click()
    expect(page.locator("h1")).to_have_text("Look at your mail")
    link_in(post, 1, told.base, plain)
    assert "A110" in post.mails[0]["Subject"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off_in_any_language(told: Told, browser: Browser, language: str) -> None:
    page = browser.new_page(viewport=PHONE, color_scheme="dark" if language == "ja" else "light")
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    for path in ("/notify", "/notify/moving/A110", "/notify/confirm/x", "/notify/stop/x"):
        page.goto(f"{told.base}{path}?lang={language}")
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.get_attribute("html", "lang") == language
        heights = page.evaluate(
            "[...document.querySelectorAll('main button, main input[type=email], .choice label')]"
            ".filter((e) => e.getClientRects().length).map((e) => e.getBoundingClientRect().height)"
        )
        assert all(height >= 48 for height in heights)
    assert errors == []
    page.close()


def test_a_browser_that_refuses_is_pointed_to_mail(told: Told, browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE, locale="en-GB", permissions=[])
    page = context.new_page()
    page.goto(f"{told.base}/notify/moving/A110")
    page.get_by_role("button", name="Tell me on this phone").click()
    expect(page.locator("#notify-said")).to_contain_text("Please use mail.")
    expect(page.locator("#notify-said")).to_be_focused()
    context.close()


def test_a_notice_that_comes_is_shown_and_a_repeat_replaces_it(
    told: Told, browser: Browser
) -> None:
    context = browser.new_context(permissions=["notifications"])
    page = context.new_page()
    given = CHROME.subscription()  # a real one needs Google's service
    page.add_init_script(f"PushManager.prototype.subscribe = async () => ({given})")
    page.goto(f"{told.base}/notify/moving/A110?lang=en")
    page.get_by_role("button", name="Tell me on this phone").click()
    expect(page.locator("#notify-said")).to_contain_text("number A110 is near")
    assert [(h.way, h.number, h.walk_s) for h in told.store.holders()] == [("push", "A110", 600)]
    devtools = context.new_cdp_session(page)
    workers: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: workers.extend(r["registrationId"] for r in told["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    for _ in range(100):
        if workers:
            break
        page.wait_for_timeout(20)  # the browser tells of its workers when it likes
    for body in ("near", "near again"):
        data = {"title": "Number A110", "body": body, "lang": "en", "tag": "t", "url": told.base}
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": told.base, "registrationId": workers[0], "data": json.dumps(data)},
        )
    shown = """async () => {
      const listener = await navigator.serviceWorker.getRegistration();
      const shown = await listener.getNotifications();
      return shown.map(({ title, body, tag, data }) => [title, body, tag, data]);
    }"""
    for _ in range(100):
        if [body for _, body, *_ in page.evaluate(shown)] == ["near again"]:
            break
        page.wait_for_timeout(20)  # as it likes here, too
    assert page.evaluate(shown) == [["Number A110", "near again", "t", told.base]]
    context.close()
