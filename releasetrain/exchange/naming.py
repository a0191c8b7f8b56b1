"""Proof that a domain is an organization's: a TXT record that only whoever keeps the domain's DNS can write."""

from __future__ import annotations

import hmac
import logging

import dns.exception
import dns.resolver
from django.conf import settings

from releasetrain.exchange.models import SignInDomain

log = logging.getLogger(__name__)
_PATIENCE = 5.0


def record_of(claim: SignInDomain) -> str:
    return f"_release-train.{claim.domain}"


def value_of(claim: SignInDomain) -> str:
    return f"release-train={claim.challenge}"


def is_proved(claim: SignInDomain) -> bool:
    """Whether the record is there now. What cannot be asked proves nothing."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        hosts = [each.rpartition(":") for each in settings.DNS_SERVERS]
        resolver.nameservers = [host or port for host, _, port in hosts]
        resolver.port = next((int(port) for host, _, port in hosts if host), 53)
    resolver.lifetime = _PATIENCE
    try:
        answers = resolver.resolve(record_of(claim), "TXT", search=False)
    except dns.exception.DNSException as error:
        log.info("no proof for %s: %s", claim.domain, type(error).__name__)
        return False
    wanted = value_of(claim).encode()
    return any(hmac.compare_digest(b"".join(answer.strings), wanted) for answer in answers)
