"""Calls to the public network alone: nobody has us reach a machine of the office by its name."""

import asyncio
import errno
import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult


class PublicOnly(AbstractResolver):
    """Names as addresses, but only where all the world is; `own` alone may lead anywhere."""

    def __init__(self, own: str | None = None) -> None:
        self._own = own

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See `AbstractResolver`.

        Raises:
            OSError: there is no such name, or it leads into a network that is not public.
        """
        _ = family
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        results = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, proto, _, address in found
        ]
        if host != self._own and not all(is_public(result["host"]) for result in results):
            raise PermissionError(errno.EACCES, f"want a public address of {host}")
        return results

    async def close(self) -> None:
        """Nothing is held."""


def is_public(address: str) -> bool:
    """Whether an address is of the public network.

    >>> is_public("127.0.0.1"), is_public("192.168.1.1"), is_public("::ffff:10.0.0.1")
    (False, False, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or ip
    return bool(inner.is_global) and not inner.is_multicast
