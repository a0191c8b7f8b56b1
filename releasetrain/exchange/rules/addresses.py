"""Which addresses the installation may be made to call: public ones, and networks that its operator has named."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Ways to write an IPv4 address as IPv6: what counts is the address inside.
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ip_network("::/96")


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    """The networks of a setting."""
    return tuple(ip_network(name.strip(), strict=False) for name in names if name.strip())


def inside(address: Address) -> Address:
    """The address that is really reached."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in each for each in _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def own(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether the operator has named a network that holds the address."""
    found = inside(address)
    return any(found in each for each in allowed if each.version == found.version)


def reachable(text: str, allowed: Iterable[Network]) -> bool:
    """Whether a webhook may go to this address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    found = inside(address)
    public = found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)
    return public or own(found, allowed)


def fault(url: str, allowed: Iterable[Network]) -> str:
    """What is wrong with the address of an endpoint, before any name is resolved; empty: nothing."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "This is no web address."
    if parts.scheme not in ("https", "http") or not host or any(c.isspace() or ord(c) < 33 for c in url):
        return "Give an address that begins with https://."
    if parts.username or parts.password:
        return "An address carries no user name or password."
    literal = _literal(host)
    named = tuple(allowed)
    if literal is not None and not reachable(str(literal), named):
        return f"{host} is not a public address."
    if (
        literal is None
        and (host == "localhost" or host.endswith((".localhost", ".local", ".internal")))
        and not named
    ):
        return f"{host} is not a public name."
    if parts.scheme == "http" and not named:
        return "Give an address that begins with https://."
    return ""


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None
