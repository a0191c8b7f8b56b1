"""The kinds of senders: how each proves itself, how its requests are taken apart, and what its messages mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from releasetrain.exchange.rules import signatures

from . import cdevents, cloudevents, flags, github, gitlab, incidents, pipelines
from .facts import Fact, Message, Unreadable, inner

Split = Callable[[Mapping[str, str], bytes, Any], list[Message]]


# What reading a value of another type than expected raises.
_MISSHAPEN = (AttributeError, TypeError, KeyError, IndexError)


def _nothing(message: Message) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Kind:
    """One kind of sender. `proof` says to people how its requests are verified."""

    name: str
    title: str
    scheme: signatures.Scheme
    proof: str
    split: Split
    facts: Callable[[Message], list[Fact]]
    key_facts: Callable[[Message], dict[str, Any]] = _nothing

    def read(self, headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
        """The messages of a request; Unreadable for whatever is not of this kind's shape."""
        try:
            return self.split(headers, raw, load)
        except UnicodeDecodeError as error:
            raise Unreadable("The body is not UTF-8.") from error
        except _MISSHAPEN as error:
            raise Unreadable(f"This is no message of {self.title}.") from error

    def meaning(self, message: Message) -> list[Fact]:
        """What a message says that is acted upon; Unreadable where a part of it has another shape."""
        try:
            return self.facts(message)
        except _MISSHAPEN as error:
            raise Unreadable(f"A part of it has not the shape that {self.title} gives it.") from error

    def shown(self, message: Message) -> dict[str, Any]:
        """What people look for in a message; nothing where it has another shape."""
        try:
            return self.key_facts(message)
        except _MISSHAPEN:
            return {}


def _cdevent_key_facts(message: Message) -> dict[str, Any]:
    context, subject = inner(message.body, "context") or {}, inner(message.body, "subject") or {}
    found = {name: context.get(name) for name in ("id", "source", "type", "timestamp", "chainId")}
    return {**found, "subject": subject.get("id"), **(subject.get("content") or {})}


_BEARER = "the secret as bearer token or basic password, or a signature by Standard Webhooks"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "cdevents",
            "CDEvents",
            signatures.bearer,
            _BEARER,
            cdevents.split,
            cdevents.facts,
            _cdevent_key_facts,
        ),
        Kind("cloudevents", "CloudEvents", signatures.bearer, _BEARER, cloudevents.split, cloudevents.facts),
        Kind(
            "github",
            "GitHub",
            signatures.github,
            "X-Hub-Signature-256",
            github.split,
            github.facts,
            github.key_facts,
        ),
        Kind(
            "gitlab",
            "GitLab",
            signatures.gitlab,
            "X-Gitlab-Token, or its signing token",
            gitlab.split,
            gitlab.facts,
        ),
        Kind(
            "pagerduty",
            "PagerDuty",
            signatures.pagerduty,
            "X-PagerDuty-Signature",
            incidents.split_pagerduty,
            incidents.pagerduty,
        ),
        Kind(
            "alertmanager",
            "Prometheus Alertmanager",
            signatures.bearer,
            _BEARER,
            incidents.split_alertmanager,
            incidents.alertmanager,
        ),
        Kind("jenkins", "Jenkins", signatures.bearer, _BEARER, pipelines.split_jenkins, pipelines.jenkins),
        Kind("argocd", "Argo CD", signatures.bearer, _BEARER, pipelines.split_argocd, pipelines.argocd),
        Kind(
            "servicenow",
            "ServiceNow",
            signatures.bearer,
            _BEARER,
            incidents.split_servicenow,
            incidents.servicenow,
        ),
        Kind("unleash", "Unleash", signatures.bearer, _BEARER, flags.split_unleash, flags.unleash),
        Kind(
            "launchdarkly",
            "LaunchDarkly",
            signatures.launchdarkly,
            "X-LD-Signature",
            flags.split_launchdarkly,
            flags.launchdarkly,
        ),
        Kind(
            "openfeature",
            "OpenFeature",
            signatures.bearer,
            _BEARER,
            flags.split_openfeature,
            flags.openfeature,
        ),
    )
}


def choices() -> list[tuple[str, str]]:
    return [(kind.name, kind.title) for kind in KINDS.values()]


def kind_of(name: str) -> Kind:
    return KINDS[name]
