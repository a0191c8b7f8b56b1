"""Calling other systems: names are resolved when the connection is made, and only permitted addresses are connected to.

What was checked is what is connected to, so that a name which answers differently the second time gains nothing.
Redirects are not followed, the answer is read to a few thousand characters, and everything has its time.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from releasetrain.exchange.rules import addresses

CONNECT, TOTAL = 5.0, 15.0
SHORT = 2_000


@dataclass(frozen=True)
class Answer:
    """What came back, or why nothing did."""

    status: int = 0
    text: str = ""
    error: str = ""
    seconds: float = 0.0
    retry_after: int = 0

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class NotPublic(OSError):
    """The name stands for an address that may not be called."""


def _connect(connection: Any) -> socket.socket:
    allowed = addresses.networks(settings.WEBHOOK_ALLOWED_NETWORKS)
    host, port = connection._dns_host, connection.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NewConnectionError(connection, f"{host} has no address: {error}") from error
    texts = [str(each[4][0]) for each in found]
    for text in texts:
        if not addresses.reachable(text, allowed):
            raise NewConnectionError(connection, f"{host} is {text}, which is not a public address")
        if connection.scheme == "http" and not addresses.own(ip_address(text.partition("%")[0]), allowed):
            raise NewConnectionError(connection, f"{host} is called by https only")
    last: OSError | None = None
    for text in texts[:4]:
        try:
            return socket.create_connection((text, port), CONNECT)
        except OSError as error:
            last = error
    raise NewConnectionError(connection, f"{host} does not answer: {last}")


class _Plain(HTTPConnection):
    scheme = "http"

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Secure(HTTPSConnection):
    scheme = "https"

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Send a body; never raises for what lies outside."""
    return _ask("POST", url, body, headers, SHORT, cut=True)


def get(url: str, most: int) -> Answer:
    """Read what is there, up to so many bytes: more is an error, never a part. Never raises for what lies outside."""
    return _ask("GET", url, None, {"Accept": "application/json"}, most, cut=False)


def call(
    method: str, url: str, body: bytes | None, headers: dict[str, str], most: int, *, cut: bool = False
) -> Answer:
    """Any other request; a longer answer is an error, or cut where it is only shown to people."""
    return _ask(method, url, body, headers, most, cut=cut)


def _ask(
    method: str, url: str, body: bytes | None, headers: dict[str, str], most: int, *, cut: bool
) -> Answer:
    began = time.monotonic()
    wrong = addresses.fault(url, addresses.networks(settings.WEBHOOK_ALLOWED_NETWORKS))
    if wrong:
        return Answer(error=wrong)
    parts = urllib3.util.parse_url(url)
    pool_of = _SecurePool if parts.scheme == "https" else _PlainPool
    try:
        with pool_of(
            parts.host, port=parts.port, timeout=urllib3.Timeout(connect=CONNECT, total=TOTAL)
        ) as pool:
            response = pool.urlopen(
                method,
                parts.request_uri,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                said = response.read(most + (not cut), decode_content=False)
            finally:
                response.close()
            if len(said) > most:
                return Answer(status=response.status, error=f"The answer is larger than {most} bytes.")
            waits = response.headers.get("Retry-After", "")
            return Answer(
                status=response.status,
                text=said.decode("utf-8", "replace").replace("\0", ""),
                seconds=round(time.monotonic() - began, 3),
                retry_after=min(int(waits), 86_400) if waits.isdecimal() else 0,
            )
    except (HTTPError, OSError, ValueError) as error:
        said_error = str(error).rpartition("): ")[2] or type(error).__name__
        return Answer(error=said_error[:300], seconds=round(time.monotonic() - began, 3))
