"""Hosts and origins that may use a private page.

A page that is open elsewhere in the same browser reaches this machine, too: across origins, or under its own name once
that name leads to 127.0.0.1 (DNS rebinding). Both are refused. A public page is not guarded: it serves everybody, under
any name that a proxy gives it, and holds nothing of its owner.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fineparser.plain_values import excerpt

HOSTS_VARIABLE = "FINEPARSER_HOSTS"
"""Environment variable with further names under which the page is served, such as those of a proxy, with commas."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:(?P<port>\d{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class HostGuard:
    """ASGI middleware that answers requests for other hosts, and from other origins, with 403 and a sentence."""

    def __init__(self, app: ASGIApp, address: str, names: Collection[str] = ()) -> None:
        """Guard an app.

        Args:
            app: behind the guard.
            address: name or address that the server listens at; 0.0.0.0 and :: are all addresses of this machine.
            names: further names of the server; an origin of such a name is trusted, too.
        """
        self.app = app
        self.names = frozenset(map(_plain, names))
        self.own = {_plain(address)}
        self.any_address = is_wildcard(address)
        if self.any_address:
            name = _plain(socket.gethostname())
            self.own |= {name, f"{name}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        problem = None if scope["type"] == "lifespan" else self.problem(Headers(scope=scope))
        if problem is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(problem, status_code=403)(scope, receive, send)

    def problem(self, headers: Headers) -> str | None:
        """The sentence for a request that is refused; None for one that may pass."""
        hosts, origin = headers.getlist("host"), headers.get("origin")
        host = _HOST.fullmatch(hosts[0].strip()) if len(hosts) == 1 else None
        if host is None or not self.is_known(_plain(host["name"])):
            return (
                f"This page is not served under the name {excerpt(', '.join(hosts))}: open it as localhost, or add "
                f"the name to the environment variable {HOSTS_VARIABLE} of the app."
            )
        if origin is not None and not self.is_trusted(origin, host):
            return (
                f"Requests from the page {excerpt(origin)} are refused: use the app's own page, or add the name of "
                f"that page's host to the environment variable {HOSTS_VARIABLE} of the app."
            )
        return None

    def is_known(self, name: str) -> bool:
        """True for a name under which this server may be asked."""
        if name == "localhost" or name.endswith(".localhost") or name in self.own or name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # A browser that names an address has connected to it: nobody can rebind it as a name.
        return self.any_address or address.is_loopback

    def is_trusted(self, origin: str, host: re.Match[str]) -> bool:
        """True for the origin of the server's own pages, and for those of its further names.

        Args:
            origin: header of the request.
            host: match of the host that was asked.
        """
        try:
            parts = urlsplit(origin.strip())
            name, port = _plain(parts.hostname or ""), parts.port
        except ValueError:
            return False
        if parts.scheme not in _DEFAULT_PORTS:
            return False
        default = _DEFAULT_PORTS[parts.scheme]
        same = name == _plain(host["name"]) and str(port or default) == (host["port"] or default)
        return same or name in self.names


def known_names(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The further names of the server that the environment gives."""
    return tuple(filter(None, re.split(r"[\s,]+", environment.get(HOSTS_VARIABLE, ""))))


def is_wildcard(address: str) -> bool:
    """True for an address that stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_unspecified
    except ValueError:
        return False


def _plain(name: str) -> str:
    """A host's name in lower case, without scheme, port, brackets and final dot."""
    name = name.strip().lower()
    name = name.split("://", 1)[-1].split("/", 1)[0]
    match = _HOST.fullmatch(name)
    return (match["name"] if match else name).strip("[]").rstrip(".")
