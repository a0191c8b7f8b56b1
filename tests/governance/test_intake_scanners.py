"""Reports of scanners and load tests: what is read, what is the same finding, and what is refused whole."""

import contextlib
import copy
import gzip
import io
import json
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.rules import isolation
from governance.rules.intake.detect import READERS, Kind, read_report
from governance.rules.intake.errors import ReportError
from governance.rules.intake.json_node import MAX_ROWS
from governance.rules.intake.packages import package_named, package_of
from governance.rules.reading import reading_of

from . import scanner_samples as samples
from .scanner_samples import ALL, JSON, coded


def reading(data: bytes):
    return reading_of(read_report(data))


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_sample_is_read(name):
    assert reading(ALL[name]).kind


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ALL)), st.data())
def test_any_damage_is_refused_or_read(name, data):
    sample = ALL[name]
    at = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(at, min(at + 12, len(sample))))
    damaged = sample[:at] + data.draw(st.binary(max_size=6)) + sample[end:]
    with contextlib.suppress(ReportError):
        reading(damaged)


odd = st.sampled_from(
    [None, True, -1, 2**70, 1.5, "", "x" * 600, "\x00", [], [[]], {}, {"a": 1}, [None], ["x"], [{}]]
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(JSON)), st.data())
def test_any_value_in_any_place_is_refused_or_read(name, data):
    """Never anything but a ReportError, whatever stands where."""
    body = copy.deepcopy(JSON[name])
    place, key = data.draw(st.sampled_from(list(_places(body))))
    place[key] = data.draw(odd)
    with contextlib.suppress(ReportError):
        reading(coded(body))


def _places(value):
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def test_one_vulnerability_in_one_package_is_one_finding_in_every_tool():
    reports = (samples.TRIVY, samples.GRYPE, samples.SNYK, samples.NPM6)
    found = {
        next(f.fingerprint for f in reading(coded(body)).findings if f.package == "pkg:npm/minimist")
        for body in reports
    }
    found |= {
        f.fingerprint
        for f in reading(samples.CSV).findings
        if f.package == "pkg:npm/minimist" and f.kind == "composition"
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("purl", "package"),
    [
        ("pkg:npm/%40angular/core@16.0.0", "pkg:npm/@angular/core"),
        ("pkg:npm/@angular/core@16.0.0", "pkg:npm/@angular/core"),
        ("pkg:pypi/Jinja2@2.4?x=1#y", "pkg:pypi/jinja2"),
        ("pkg:pypi/typing_extensions@4", "pkg:pypi/typing-extensions"),
        ("pkg:deb/ubuntu/curl@7.81?arch=amd64", "pkg:deb/curl"),
        ("pkg:maven/org.apache/log4j@1", "pkg:maven/org.apache/log4j"),
        ("log4j", ""),
        ("pkg:", ""),
    ],
)
def test_a_package_has_one_name(purl, package):
    assert package_of(purl) == package


def test_names_of_ecosystems_make_the_same_package():
    assert package_named("maven", "org.apache:log4j") == package_of("pkg:maven/org.apache/log4j@2")
    assert package_named("pip", "Jinja2") == package_of("pkg:pypi/jinja2@2.4")
    assert package_named("no such thing", "Thing") == "thing"


def test_severity_is_the_tools_word_or_the_band_of_the_vector():
    found = reading(
        b"title,severity,cvss\nA,,CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\nB,low,9.8\nC,,\nD,,AV:N/AC:L/Au:N/C:P/I:P/A:P\n"
        b"E,,CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N\n"
    ).findings
    assert [(f.severity, str(f.score)) for f in found] == [
        ("critical", "9.8"),
        ("low", "9.8"),
        ("unknown", "None"),
        ("high", "7.5"),
        ("critical", "9.3"),
    ]


@pytest.mark.parametrize("body", [samples.GITLEAKS, samples.TRUFFLEHOG])
def test_a_secret_is_not_kept(body):
    kept = reading(coded(body))
    assert kept.redacted is not None and b"very-secret" not in kept.redacted
    assert json.loads(kept.redacted)
    assert not any("very-secret" in str(f) for f in kept.findings)


def test_a_load_test_is_summed_up():
    k6 = reading(coded(samples.K6)).summary
    assert (k6["requests"], k6["p95"], k6["errors"], k6["crossed"]) == (
        1000,
        150.0,
        0.01,
        ["http_req_duration: p(90)<100"],
    )
    jtl = reading(samples.JTL).summary
    assert (jtl["requests"], jtl["p95"], jtl["average"], jtl["errors"]) == (3, 300.0, 200.0, 0.333333)
    assert reading(samples.JTL_XML).summary["requests"] == 2


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (b"title,severity\nA,High\nB,Terrible\n", "bad_value", "line 3"),
        (b"title,severity\nA,High,more\n", "wrong_format", "line 2"),
        (b"title,severity\n,High\n", "missing", "line 2"),
        (b'title,severity\n"A,High\n', "not_csv", "line"),
        (b"title,severity\nA,\xff\n", "encoding", "line 2"),
        (b"title,severity\nA\x00,High\n", "encoding", "line 2"),
        (b"title,severity,title\nA,High,B\n", "duplicate_key", "line 1"),
        (samples.JTL + b"x,1,2,3,true\n", "bad_value", "line 5"),
        (samples.GO + b"broken\n", "wrong_format", "line 4"),
        (samples.SPDX_TAGS + b"no tag here\n", "wrong_format", "line 11"),
        (samples.SPDX_TAGS.replace(b"</text>", b""), "wrong_format", "line 8"),
        (
            coded(samples.TRIVY).replace(b'"CVE-2021-44906"', b"7.5e3", 1).replace(b'"minimist"', b"{}", 1),
            "wrong_format",
            "Results[0].Vulnerabilities[0].PkgName",
        ),
        (coded({**samples.GRYPE, "matches": [{}]}), "missing", "matches[0].vulnerability.id"),
        (coded({"findings": [{"title": "A", "severity": "huge"}]}), "bad_value", "findings[0]"),
        (b'{"template-id": "a", "info": {}}\n{"template-id": \n', "not_json", "line 2"),
        (b'{"runs":', "not_json", "line 1"),
        (b"[]", "unknown_format", "names no tool"),
    ],
)
def test_a_broken_report_is_refused_with_its_place(data, code, where):
    with pytest.raises(ReportError) as caught:
        read_report(data)
    assert caught.value.code == code
    assert where in str(caught.value)


def _zipped() -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", b"0" * (30 << 20))
    return box.getvalue()


@pytest.mark.parametrize(
    "data", [_zipped(), gzip.compress(b"0" * (30 << 20)), b"\x28\xb5\x2f\xfd" + b"\x00" * 99]
)
def test_archives_are_never_opened(data):
    """A bomb is just bytes of no format that is read."""
    begun = time.perf_counter()
    for kind in Kind:
        with pytest.raises(ReportError):
            READERS[kind](data)
    with pytest.raises(ReportError):
        read_report(data)
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("kind", [Kind.SCAN, Kind.SPDX, Kind.PERFORMANCE, Kind.PROVENANCE])
def test_a_hundred_megabytes_are_refused_before_anything_is_parsed(kind):
    begun = time.perf_counter()
    with pytest.raises(ReportError) as caught:
        READERS[kind](b"{" * (100 << 20))
    assert caught.value.code == "too_large"
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><OWASPZAPReport><site name="&b;"/></OWASPZAPReport>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><analysis>&x;</analysis>',
    ],
)
def test_entities_are_refused(data):
    with pytest.raises(ReportError) as caught:
        READERS[Kind.SCAN](data)
    assert caught.value.code == "declarations"


def test_too_many_rows_and_too_deep_values_are_refused():
    many = b'{"findings": [' + b"{}," * MAX_ROWS + b"{}]}"
    with pytest.raises(ReportError) as caught:
        read_report(many)
    assert caught.value.code in ("too_many", "unknown_format")
    with pytest.raises(ReportError) as caught:
        read_report(b'{"matches": ' + b"[" * 5000 + b"]" * 5000 + b"}")
    assert caught.value.code == "too_deep"


def _large() -> bytes:
    row = {"title": "A", "severity": "high", "file": "a.py"}
    return coded({"findings": [{**row, "line": n} for n in range(4000)]})


def test_a_large_report_is_read_apart_with_the_same_result():
    data = _large()
    assert len(data) > isolation.IN_PROCESS
    assert isolation.read(data) == isolation.read_here(data)


def test_a_refusal_from_the_other_process_names_the_line():
    data = b"title,severity\n" + b"A,High\n" * 30_000 + b"B,Terrible\n"
    with pytest.raises(ReportError) as caught:
        isolation.read(data)
    assert (caught.value.code, caught.value.line) == ("bad_value", 30_002)


def test_a_report_that_takes_too_much_memory_or_time_is_refused_and_stops_nothing():
    data = b'{"findings": [' + b'{"title": "A", "severity": "high"},' * 1_000_000 + b"{}]}"
    with pytest.raises(ReportError) as caught:
        isolation.read_apart(data, memory=400 << 20)
    assert caught.value.code == "too_much"
    with pytest.raises(ReportError) as caught:
        isolation.read_apart(_large(), seconds=0.01)
    assert caught.value.code == "too_slow"
    assert isolation.read(samples.CSV).kind


@pytest.mark.parametrize(
    "piece",
    [
        b"<!--",
        b"<?",
        b"<!DOCTYPE ",
        b"<!DOCTYPE a[",
        b"<",
        b'"$schema": "',
        b'{"a":1}\n',
        b"{}\n",
        b"A: <text>\n",
    ],
)
@pytest.mark.parametrize("start", [b"<", b"{", b"SPDXVersion: SPDX-2.3\n", b"title,severity,cvss\n"])
def test_telling_the_format_takes_time_in_step_with_the_size(start, piece):
    """A bound against quadratic work: it took a minute once."""
    data = start + piece * (isolation.IN_PROCESS // len(piece))
    begun = time.process_time()
    with contextlib.suppress(ReportError):
        read_report(data[: isolation.IN_PROCESS])
    assert time.process_time() - begun < 5
