"""Hostile and broken reports: each is refused with a sentence, and nothing else is ever raised."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.rules.intake.coverage import read_coverage
from governance.rules.intake.cyclonedx import read_cyclonedx
from governance.rules.intake.detect import READERS, Kind, detect, read_report
from governance.rules.intake.errors import ReportError
from governance.rules.intake.sarif import read_sarif
from governance.rules.intake.tests import read_tests

JUNIT = b'<testsuite name="s" tests="1"><testcase name="a" time="0.1"/></testsuite>'
COBERTURA = (
    b'<coverage lines-valid="1" lines-covered="1"><packages><package><classes><class filename="a.py">'
    b'<lines><line number="1" hits="1" condition-coverage="50% (1/2)"/></lines>'
    b"</class></classes></package></packages></coverage>"
)
LCOV = b"TN:\nSF:a.c\nDA:1,1\nBRDA:1,0,0,1\nLF:1\nLH:1\nend_of_record\n"
SARIF = json.dumps(
    {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "t", "rules": [{"id": "R1"}]}},
                "results": [
                    {
                        "ruleIndex": 0,
                        "message": {"text": "m"},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "a"},
                                    "region": {"startLine": 1},
                                }
                            }
                        ],
                    }
                ],
            }
        ],
    }
).encode()
CYCLONEDX = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [{"type": "library", "name": "n", "licenses": [{"license": {"id": "MIT"}}]}],
        "vulnerabilities": [{"id": "CVE-1", "ratings": [{"score": 9.8, "method": "CVSSv31"}]}],
    }
).encode()
CYCLONEDX_XML = (
    b'<bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1"><components><component type="library">'
    b"<name>n</name></component></components></bom>"
)
OPENVEX = json.dumps(
    {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": "a",
        "timestamp": "2025-03-01T10:00:00Z",
        "statements": [{"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "p"}], "status": "fixed"}],
    }
).encode()
SAMPLES = [JUNIT, COBERTURA, LCOV, SARIF, CYCLONEDX, CYCLONEDX_XML, OPENVEX]


def refusal(data: bytes, kind: Kind) -> str:
    with pytest.raises(ReportError) as caught:
        READERS[kind](data)
    assert caught.value.sentence.endswith((".", "}", "'")) or caught.value.code == "invalid"
    return caught.value.code


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_samples_themselves_are_read(sample: bytes) -> None:
    assert read_report(sample)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    for reader in (detect, *READERS.values()):
        try:
            reader(data)
        except ReportError:
            continue


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_any_damage_is_refused_or_read(sample: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(at, min(at + 12, len(sample))))
    damaged = sample[:at] + data.draw(st.binary(max_size=6)) + sample[end:]
    for kind in Kind:
        try:
            READERS[kind](damaged)
        except ReportError:
            continue


NAMES = [
    "tool",
    "driver",
    "extensions",
    "rules",
    "results",
    "invocations",
    "executionSuccessful",
    "message",
    "text",
    "id",
    "level",
    "kind",
    "ruleId",
    "ruleIndex",
    "rule",
    "toolComponent",
    "index",
    "locations",
    "physicalLocation",
    "artifactLocation",
    "uri",
    "region",
    "startLine",
    "suppressions",
    "status",
    "partialFingerprints",
    "properties",
    "security-severity",
    "name",
    "arguments",
    "messageStrings",
    "artifacts",
    "location",
    "baselineState",
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), anything), st.dictionaries(st.sampled_from(NAMES), anything))
def test_any_shape_of_sarif_is_refused_or_read(run: dict[str, object], result: dict[str, object]) -> None:
    whole = {"tool": {"driver": {"name": "t"}}, "results": [{"message": {"text": "m"}} | result]}
    for body in (run, whole, whole | run):
        try:
            read_sarif(json.dumps({"version": "2.1.0", "runs": [body]}).encode())
        except ReportError:
            continue


LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>'
EXTERNAL = (
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="a"/>&x;</testsuite>'
)
PARAMETER = b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://192.0.2.1/x"> %x;]><testsuite/>'
ATTRIBUTES = b'<!DOCTYPE testsuite [<!ATTLIST testsuite tests CDATA "9">]><testsuite/>'


@pytest.mark.parametrize("data", [LAUGHS, EXTERNAL, PARAMETER, ATTRIBUTES])
def test_declarations_in_xml_are_refused(data: bytes) -> None:
    assert refusal(data, Kind.TESTS) == "declarations"
    assert refusal(data.replace(b"testsuite", b"coverage"), Kind.COVERAGE) == "declarations"


def test_a_named_document_type_is_taken_and_never_fetched() -> None:
    named = b'<!DOCTYPE coverage SYSTEM "http://192.0.2.1/coverage-04.dtd">' + COBERTURA
    assert read_coverage(named).lines.total == 1


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"", Kind.TESTS, "empty"),
        (b" \n", Kind.SARIF, "empty"),
        (b"<html/>", Kind.TESTS, "wrong_format"),
        (JUNIT[:-5], Kind.TESTS, "not_xml"),
        (b'<?xml version="1.0" encoding="klingon"?>' + JUNIT, Kind.TESTS, "encoding"),
        (b'<?xml version="1.0" encoding="utf-16"?>' + JUNIT, Kind.TESTS, "encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?>' + JUNIT, Kind.TESTS, "encoding"),
        (b"<testsuite name='\xff'/>", Kind.TESTS, "not_xml"),
        (b"<testsuite>" * 200 + b"</testsuite>" * 200, Kind.TESTS, "too_deep"),
        (b"<testsuite>" + b"<a/>" * 1_000_001 + b"</testsuite>", Kind.TESTS, "too_many"),
        (b"\xff\xfe{\x00}", Kind.SARIF, "encoding"),
        (b'{"version": "2.1.0", "runs": NaN}', Kind.SARIF, "not_a_number"),
        (b'{"version": "2.1.0", "runs": 1e999}', Kind.SARIF, "not_a_number"),
        (b'{"version": "2.1.0", "runs": ' + b"9" * 5000 + b"}", Kind.SARIF, "not_a_number"),
        (b'{"version": "2.1.0", "runs": [], "runs": []}', Kind.SARIF, "duplicate_key"),
        (b'{"version": "2.1.0", "runs": [], "x": "\\ud800"}', Kind.SARIF, "encoding"),
        (b"[" * 150 + b"]" * 150, Kind.SARIF, "too_deep"),
        (b"[" * 100_000, Kind.SARIF, "too_deep"),
        (b'{"version": "2.1.0", "runs": 5}', Kind.SARIF, "wrong_format"),
        (b'{"version": "2.0.0", "runs": []}', Kind.SARIF, "wrong_version"),
        (b'{"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]}', Kind.SARIF, "missing"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "1.3", "version": 1}', Kind.CYCLONEDX, "wrong_version"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": "x"}', Kind.CYCLONEDX, "invalid"),
        (CYCLONEDX_XML.replace(b"library", b"thing"), Kind.CYCLONEDX, "invalid"),
        (b'{"a": 1}', Kind.CYCLONEDX, "wrong_format"),
        (OPENVEX.replace(b"fixed", b"gone"), Kind.OPENVEX, "bad_value"),
        (OPENVEX.replace(b"fixed", b"not_affected"), Kind.OPENVEX, "missing"),
        (OPENVEX.replace(b"2025-03-01", b"0001-01-01").replace(b"Z", b"+14:00"), Kind.OPENVEX, "bad_value"),
        (b'{"a": 1}', Kind.OPENVEX, "wrong_format"),
        (b"DA:1,1\n", Kind.COVERAGE, "wrong_format"),
        (LCOV[:20], Kind.COVERAGE, "truncated"),
        (b"SF:a\nDA:x,1\nend_of_record", Kind.COVERAGE, "bad_value"),
        (b"SF:\xff\nend_of_record", Kind.COVERAGE, "encoding"),
        (COBERTURA.replace(b"1/2", b"3/2"), Kind.COVERAGE, "bad_value"),
        (b"<coverage><packages/></coverage>", Kind.COVERAGE, "no_data"),
        (b'<testsuite tests="1" failures="3"/>', Kind.TESTS, "inconsistent"),
        (b'<assembly><test name="a" result="Maybe"/></assembly>', Kind.TESTS, "bad_value"),
    ],
)
def test_each_fault_has_its_code(data: bytes, kind: Kind, code: str) -> None:
    assert refusal(data, kind) == code


def test_a_refusal_names_the_line() -> None:
    with pytest.raises(ReportError) as caught:
        read_tests(b"<testsuite>\n<testcase>\n</testsuite>")
    assert caught.value.line == 3
    with pytest.raises(ReportError, match=r"line 2"):
        read_sarif(b'{"runs":\n ]}')


def test_size_is_checked_before_anything_is_parsed() -> None:
    begun = time.perf_counter()
    for kind, limit in ((Kind.TESTS, 21), (Kind.COVERAGE, 21), (Kind.SARIF, 51), (Kind.CYCLONEDX, 51)):
        assert refusal(b"<" * (limit << 20), kind) == "too_large"
    assert time.perf_counter() - begun < 2
    with pytest.raises(ReportError, match="may have 10"):
        read_tests(JUNIT, limit=10)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_unicode_encodings_are_read(encoding: str) -> None:
    assert read_report(SARIF.decode().encode(encoding))
    assert read_report(JUNIT.decode().encode(encoding))
    assert read_report(COBERTURA.decode().encode(encoding))
    assert read_report(CYCLONEDX.decode().encode(encoding))
    assert read_report(CYCLONEDX_XML.decode().encode(encoding))


def test_what_a_database_cannot_hold_is_replaced() -> None:
    report = read_sarif(SARIF.replace(b'"m"', b'"a\\u0000b"'))
    assert report.findings[0].message == "a\ufffdb"
    assert read_cyclonedx(CYCLONEDX.replace(b'"n"', b'"a\\u0000b"')).components[0].name == "a\ufffdb"


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_kind_is_seen_in_the_content(sample: bytes) -> None:
    assert READERS[detect(b"\n " + sample if sample[:1] in b"{<" else sample)](sample)


@pytest.mark.parametrize("data", [b"hello", b"{}", b"<html/>", b"PK\x03\x04", b"[1]"])
def test_an_unknown_kind_is_said(data: bytes) -> None:
    with pytest.raises(ReportError) as caught:
        detect(data)
    assert caught.value.code == "unknown_format"
