"""One of the staff at a browser, in few lines: logs in, reads a page or sends a form.

    python3 clerk.py CA ADDRESS HOST PASSWORD-FILE /devices
    python3 clerk.py CA ADDRESS HOST PASSWORD-FILE /parking/set place=front of=there count=0

It stands alone, as it runs where there is no machiai: in the network of a stranger.
"""

import http.client
import re
import socket
import ssl
import sys
from pathlib import Path
from urllib.parse import urlencode

NAME = "hanako"


class _Connection(http.client.HTTPSConnection):
    """To this address, for this name: no name server knows the office."""

    def __init__(self, address: str, host: str, trusted: ssl.SSLContext) -> None:
        super().__init__(host, timeout=20)
        self._address, self._trusted = address, trusted

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), timeout=20)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=self.host)


def main(words: list[str]) -> int:
    """Print the page, or where the form led; 1 if the house refuses."""
    ca, address, host, password, path, *fields = words
    trusted = ssl.create_default_context(cafile=ca)
    cookies: dict[str, str] = {}

    def ask(method: str, path: str, **form: str) -> tuple[int, str]:
        connection = _Connection(address, host, trusted)
        headers = {"Accept-Language": "en", "Origin": f"https://{host}"}
        headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in cookies.items())
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, f"/staff{path}", urlencode(form).encode(), headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            key, _, value = cookie.partition(";")[0].partition("=")
            cookies[key] = value
        return answer.status, answer.read().decode()

    ask("POST", "/login", name=NAME, password=Path(password).read_text("utf-8").strip())
    if not fields:
        status, text = ask("GET", path)
    else:
        _, page = ask("GET", "/account")
        token = re.search(r'name="token" value="([0-9a-f]+)"', page)
        form = dict(field.split("=", 1) for field in fields)
        status, text = ask("POST", path, token=token[1] if token else "", **form)
    sys.stdout.write(text)
    sys.stderr.write(f"{status}\n")
    return 0 if status in (200, 303) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
