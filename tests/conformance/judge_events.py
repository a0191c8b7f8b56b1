"""Judge of folder 06_events: CDEvents, CloudEvents and the webhooks of others are read as published."""

import json
from itertools import pairwise
from typing import Any

from releasetrain.exchange.rules import signatures
from releasetrain.exchange.rules.events import IncidentSaid, Message, Unreadable, kind_of
from releasetrain.interface.api.parsing import parse

from .vectors import Tally, folder, judge, load


def read(kind: str, raw: bytes, **headers: str) -> Message:
    (message,) = kind_of(kind).split(headers, raw, parse)
    return message


@judge("06_events/cdevents/conformance")
def cdevents() -> Tally:
    files = [
        f for f in sorted(folder("06_events", "cdevents", "conformance").glob("*.json")) if f.stem != "schema"
    ]
    tally = Tally(2 * len(files))
    for file in files:
        published = json.loads(file.read_bytes())
        context, message = published["context"], read("cdevents", file.read_bytes())
        said = (message.id, message.origin, message.type, message.thread)
        wanted = (context["id"], context["source"], context["type"], context.get("chainId", ""))
        tally.case(file.stem, said == wanted and kind_of("cdevents").facts(message) is not None, said)
        event = {
            "specversion": "1.0",
            "id": context["id"],
            "source": context["source"],
            "type": context["type"],
            "data": published,
        }
        inside = read(
            "cdevents", json.dumps(event).encode(), **{"content-type": "application/cloudevents+json"}
        )
        tally.case(
            f"{file.stem} in CloudEvents",
            (inside.id, inside.type, inside.body) == (message.id, message.type, published),
        )
    return tally


@judge("06_events/cdevents/schemas")
def cdevents_types() -> Tally:
    """The type that each schema fixes is one of ours; an event without what its context requires is refused."""
    files = sorted(folder("06_events", "cdevents", "schemas").glob("*.json"))
    sample = json.loads(folder("06_events", "cdevents", "conformance", "build_started.json").read_bytes())
    tally = Tally(len(files))
    for file in files:
        context = json.loads(file.read_bytes())["properties"]["context"]
        kinds = context["properties"]["type"].get("enum") or [context["properties"]["type"]["default"]]
        required = [name for name in context["required"] if name not in ("version", "specversion")]
        agrees = all(_taken({**sample, "context": {**sample["context"], "type": kind}}) for kind in kinds)
        for name in required:
            without = {k: v for k, v in sample["context"].items() if k != name}
            agrees = agrees and not _taken({**sample, "context": without})
        tally.case(file.stem, agrees, kinds)
    return tally


def _taken(event: Any) -> bool:
    try:
        return bool(read("cdevents", json.dumps(event).encode()))
    except Unreadable:
        return False


@judge("06_events/cloudevents")
def cloudevents() -> Tally:
    """The examples of the JSON format, each against its HTTP form; and the example of a batch."""
    examples = [
        e for e in load("06_events", "cloudevents_spec_examples.json") if e["file"].endswith("json-format.md")
    ]
    pairs = [(one, two) for one, two in pairwise(examples) if _pair(one, two)]
    batches = [e for e in examples if e["text"].lstrip().startswith("[")]
    known = {"example 0": "its data is a placeholder, which is no base64", "example 12": "as example 0"}
    tally = Tally(len(pairs) + len(batches), known)
    for one, two in pairs:
        head, _, body = two["text"].partition("\n\n")
        headers = dict(line.split(": ", 1) for line in head.splitlines())
        tally.case(f"example {one['n']}", _same(one["text"], headers, body))
    for batch in batches:
        tally.case(f"example {batch['n']}", _batch(batch["text"]))
    return tally


def _pair(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one["text"].lstrip().startswith("{") and two["text"].startswith("ce-")


def _same(text: str, headers: dict[str, str], body: str) -> bool:
    try:
        one = read("cloudevents", text.encode(), **{"content-type": "application/cloudevents+json"})
    except Unreadable:
        return False
    two = read("cloudevents", body.strip().encode(), **headers)
    is_json = headers.get("content-type", "application/json") == "application/json"
    attributes = (one.id, one.type, one.origin, one.at) == (two.id, two.type, two.origin, two.at)
    return attributes and (not is_json or one.body == two.body)


def _batch(text: str) -> bool:
    try:
        found = kind_of("cloudevents").split(
            {"content-type": "application/cloudevents-batch+json"}, text.encode(), parse
        )
    except Unreadable:
        return False
    return len(found) == len(json.loads(text))


@judge("06_events/github_webhooks")
def github() -> Tally:
    expected = load("06_events", "github_webhooks", "expected_key_facts.json")
    tally = Tally(len(expected))
    for name, facts in expected.items():
        event = name.partition("/")[0]
        raw = folder("06_events", "github_webhooks", *name.split("/")).read_bytes()
        message = read("github", raw, **{"x-github-event": event, "x-github-delivery": "1"})
        kind_of("github").facts(message)
        found = kind_of("github").key_facts(message)
        tally.case(name, found == facts, found)
    return tally


@judge("06_events/gitlab_webhooks")
def gitlab() -> Tally:
    files = sorted(folder("06_events", "gitlab_webhooks", "go-playground").glob("*.json"))
    tally = Tally(len(files))
    for file in files:
        published = json.loads(file.read_bytes())
        message = read("gitlab", file.read_bytes())
        deployments = kind_of("gitlab").facts(message)
        right = message.type.partition(".")[0] == published["object_kind"] and message.body == published
        tally.case(
            file.stem, right and len(deployments) == (published["object_kind"] == "deployment"), message.type
        )
    return tally


@judge("06_events/pagerduty_v3")
def pagerduty() -> Tally:
    kinds = load("06_events", "pagerduty_v3", "event_types.json")
    incident = load("06_events", "pagerduty_v3", "03_incident.json")
    events = [
        f
        for f in sorted(folder("06_events", "pagerduty_v3").glob("*.json"))
        if b'"event_type"' in f.read_bytes()
    ]
    tally = Tally(len(events) + 1)
    for file in events:
        published = json.loads(file.read_bytes())["event"]
        message = read("pagerduty", file.read_bytes())
        facts = kind_of("pagerduty").facts(message)
        is_incident = published["data"].get("type") == "incident"
        right = (message.id, message.type) == (
            published["id"],
            published["event_type"],
        ) and message.type in kinds
        tally.case(file.stem, right and len(facts) == is_incident, facts)
    event = {
        "id": "1",
        "event_type": "incident.triggered",
        "occurred_at": incident["created_at"],
        "data": incident,
    }
    (said,) = kind_of("pagerduty").facts(read("pagerduty", json.dumps({"event": event}).encode()))
    right = isinstance(said, IncidentSaid) and (said.external_id, said.severity) == (incident["id"], 1)
    tally.case("03_incident", right, said)
    return tally


@judge("06_events/alertmanager")
def alertmanager() -> Tally:
    raw = folder("06_events", "alertmanager", "prom_post_request.json").read_bytes()
    published, facts = json.loads(raw), kind_of("alertmanager").facts(read("alertmanager", raw))
    tally = Tally(1)
    incidents = [fact for fact in facts if isinstance(fact, IncidentSaid)]
    ended = [fact.resolved_at for fact in incidents]
    tally.case("prom_post_request", len(incidents) == len(published["alerts"]) and ended == [None], facts)
    return tally


@judge("06_events/webhook_signatures")
def webhook_signatures() -> Tally:
    vectors = load("06_events", "webhook_signatures", "signature_vectors.json")
    schemes = {"GitHub": signatures.github}
    tally = Tally(sum(len(each["cases"]) for each in vectors))
    for each in vectors:
        for case in each["cases"]:
            headers = {each["header"].lower(): case["value"]}
            found = schemes[each["scheme"]](headers, each["body"].encode(), [each["secret"]])
            tally.case(case["value"], found == (case["expected"] == "valid"))
    return tally
