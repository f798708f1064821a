"""A server on the loopback that gives what it is told to, over TLS: also half, endless or false."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server on the loopback shows, and what trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begun = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shows.load_cert_chain(pem)
    return shows, ssl.create_default_context(cafile=str(pem))


class Hostile:
    """What is given at each path; `asked` are the requests that came."""

    def __init__(self, port: int, trusted: ssl.SSLContext) -> None:
        self.port = port
        self.trusted = trusted
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    def url(self, path: str, host: str = "localhost") -> str:
        return f"https://{host}:{self.port}/{path}"

    def gives(
        self,
        path: str,
        body: bytes,
        *,
        status: str = "200 OK",
        length: int | None = None,
        **headers: str,
    ) -> str:
        """Give this body; say that it has another length, or no length with -1."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if length != -1:
            said["Content-Length"] = str(len(body) if length is None else length)
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\n{lines}\r\n".encode()

        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write(head + body)
            await writer.drain()

        self.answers[f"/{path}"] = answer
        return self.url(path)

    def leads(self, path: str, where: str) -> str:
        """Redirect."""
        return self.gives(path, b"", status="302 Found", Location=where)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            answer = self.answers.get(head.split()[1])
            if answer is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            else:
                await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side has gone
        finally:
            writer.close()


@asynccontextmanager
async def hostile(folder: Path) -> AsyncIterator[Hostile]:
    """Run one until the end of the test."""
    shows, trusted = await asyncio.to_thread(certificate, folder)
    made = Hostile(0, trusted)
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0, ssl=shows)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
