"""Where a request comes from: one answer for sign-in, for limits and for the ledger."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings


def client_address(request: Any) -> str:
    """The address of the client; behind TRUSTED_PROXIES proxies, the one that the outermost of them saw.

    Each proxy appends whom it heard from to X-Forwarded-For. Only as many entries as there are proxies are believed,
    from the right: what stands further left was written by the client.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    trusted: int = settings.TRUSTED_PROXIES
    told = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if trusted <= 0 or len(told) < trusted:
        return peer
    return _plain(told[-trusted]) or peer


def network_of(address: str) -> str:
    """What one client has for itself: an IPv4 address, or a network of 64 bits of IPv6 ones."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network(f"{known}/64", strict=False).network_address)


def _plain(told: str) -> str:
    """The address without a port, or nothing if it is none."""
    if told.startswith("["):
        told = told[1:].partition("]")[0]
    elif told.count(":") == 1:
        told = told.partition(":")[0]
    try:
        return str(ipaddress.ip_address(told.partition("%")[0]))
    except ValueError:
        return ""
