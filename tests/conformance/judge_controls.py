"""Judges of folder 09_controls: control catalogues as read, and the controls that baselines name."""

from governance.rules.catalogues import read_catalogue, read_profile
from governance.rules.catalogues.reading import json_of

from .vectors import Tally, folder, judge, load

NIST = "nist_800_53_rev5"


@judge("09_controls/nist_800_53")
def nist() -> Tally:
    """Each control and enhancement: identifier, title, family, text and what it is part of."""
    listed = load("09_controls", NIST, "release_related_controls_moderate.json")["controls"]
    path = folder("09_controls") / NIST / "release_related_controls_moderate.json"
    read = {c.identifier: c for c in read_catalogue(path.read_bytes()).controls}
    tally = Tally(sum(1 + len(c.get("enhancements", ())) for c in listed))
    for told in listed:
        ours = read.get(told["id"])
        words = " ".join(" ".join(told["statement"]).split())
        tally.case(
            told["id"],
            ours is not None
            and (ours.title, ours.group, ours.parent) == (told["title"], told["family_title"], "")
            and " ".join(ours.statement.split()) == words,
        )
        for part in told.get("enhancements", ()):
            ours = read.get(part["id"])
            tally.case(
                part["id"], ours is not None and (ours.title, ours.parent) == (part["title"], told["id"])
            )
    return tally


@judge("09_controls/nist_ssdf")
def ssdf() -> Tally:
    """Each node that has an identifier: its text, and its place in the tree that the identifiers spell."""
    nodes = [n for n in load("09_controls", "nist_ssdf_1_1.json")["nodes"] if n.get("ref_id")]
    read = {
        c.identifier: c
        for c in read_catalogue((folder("09_controls") / "nist_ssdf_1_1.json").read_bytes()).controls
    }
    tally = Tally(len(nodes))
    for node in nodes:
        ours = read.get(node["ref_id"])
        tally.case(
            node["ref_id"],
            ours is not None
            and ours.parent == node["ref_id"].rpartition(".")[0]
            and " ".join(ours.statement.split()) == " ".join(node["description"].split()),
        )
    return tally


@judge("09_controls/baselines")
def baselines() -> Tally:
    """Each identifier that a profile names, once and in its order."""
    cases = []
    for path in sorted((folder("09_controls") / NIST).glob("*profile*.json")):
        document = json_of(path.read_bytes())
        told = [
            identifier
            for each in document["profile"]["imports"]
            for chosen in each["include-controls"]
            for identifier in chosen["with-ids"]
        ]
        cases.append((path.name, told, read_profile(document)[1]))
    tally = Tally(sum(len(told) for _, told, _ in cases))
    for name, told, ours in cases:
        for place, identifier in enumerate(told):
            tally.case(f"{name} {identifier}", len(ours) == len(told) and ours[place] == identifier)
    return tally
