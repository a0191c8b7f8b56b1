"""Judge of folder 08_misc/semver: validity and order of version numbers."""

import itertools

from trains.rules.versions import VersionError, is_version, parse_version

from .vectors import Tally, judge, load, refuses


@judge("08_misc/semver/semver_org_list")
def semver_org() -> Tally:
    data = load("08_misc", "semver", "semver_org_list.json")
    chains = [data["precedence_ascending"], *data["precedence_also"]]
    pairs = [pair for chain in chains for pair in itertools.combinations(chain, 2)]
    equal = data["build_metadata_ignored_in_precedence"]
    tally = Tally(len(data["valid"]) + len(data["invalid"]) + len(pairs) + len(equal))
    for text in data["valid"]:
        tally.case(text, is_version(text))
    for text in data["invalid"]:
        tally.case(text, not is_version(text))
    for lower, higher in pairs:
        tally.case(f"{lower} < {higher}", parse_version(lower) < parse_version(higher))
    for one, other in equal:
        tally.case(f"{one} = {other}", parse_version(one) == parse_version(other))
    return tally


@judge("08_misc/semver/node_semver_equality")
def node_equality() -> Tally:
    """Pairs that npm takes as equal; what it repairs first ("v1.2.3", blanks) is no SemVer and is refused."""
    rows = load("08_misc", "semver", "node_semver_equality.json")
    tally = Tally(len(rows))
    for one, other, *_ in rows:
        if one.strip(" =v") == one and other.strip(" =v") == other:
            tally.case(other, parse_version(one) == parse_version(other))
        else:
            loose = one if one.strip(" =v") != one else other
            tally.case(other, refuses(VersionError, parse_version, loose))
    return tally
