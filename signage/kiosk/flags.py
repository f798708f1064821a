"""How chromium is started on a display, and why. `docs/kiosk.md` has the same list."""

CACHE_MIB = 16
"""Of what it keeps beside the profile in memory: it is all on this machine anyway."""

HEAP_MIB = 384
"""A page that leaks ends before the machine has no memory left, and is opened anew."""

_OFF = (
    "AutofillServerCommunication",
    "DialMediaRouteProvider",
    "MediaRouter",
    "OptimizationHints",
    "OverscrollHistoryNavigation",
    "Translate",
)


def flags(
    *, profile: str, wayland: bool, headless: tuple[int, int] | None, root: bool
) -> list[str]:
    """All flags but the page.

    Args:
        profile: its folder.
        wayland: a compositor of Wayland is there.
        headless: width and height in pixels, where there is no screen at all.
        root: we run as root, whom chromium serves without its sandbox only.
    """
    made = [
        # What a screen is.
        "--kiosk",
        "--start-fullscreen",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-pinch",
        "--overscroll-history-navigation=0",
        "--hide-scrollbars",
        "--deny-permission-prompts",
        "--noerrdialogs",
        # Nothing of the browser's own over the page.
        "--no-first-run",
        "--no-default-browser-check",
        "--hide-crash-restore-bubble",
        "--disable-infobars",
        "--disable-notifications",
        "--disable-prompt-on-repost",
        # The ladder finds a page that hangs; a dialog would only ask a lobby.
        "--disable-hang-monitor",
        "--disable-renderer-backgrounding",
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        # No word to anybody but this machine.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-domain-reliability",
        "--disable-extensions",
        "--disable-sync",
        "--disable-breakpad",
        "--disable-quic",
        "--metrics-recording-only",
        "--no-pings",
        f"--disable-features={','.join(_OFF)}",
        # Bounded, and nothing kept.
        f"--user-data-dir={profile}",
        f"--disk-cache-size={CACHE_MIB << 20}",
        "--disable-gpu-shader-disk-cache",
        f"--js-flags=--max-old-space-size={HEAP_MIB}",
        "--password-store=basic",
        # We drive it, and nobody else can: no port.
        "--remote-debugging-pipe",
        "--log-level=3",
    ]
    if headless:
        width, height = headless
        made += ["--headless", f"--screen-info={{{width}x{height}}}"]
    elif wayland:
        made.append("--ozone-platform=wayland")
    if root:
        made += ["--no-sandbox", "--test-type"]  # the second keeps its warning off the page
    return made
