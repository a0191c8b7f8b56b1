"""A small report of every scanner and load test that is read."""

import base64
import json

VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": "ledger:1",
    "ArtifactType": "container_image",
    "Results": [
        {
            "Target": "app/package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2021-44906",
                    "PkgName": "minimist",
                    "PkgIdentifier": {"PURL": "pkg:npm/minimist@1.2.5"},
                    "InstalledVersion": "1.2.5",
                    "FixedVersion": "1.2.6",
                    "Severity": "CRITICAL",
                    "CVSS": {"nvd": {"V3Vector": VECTOR, "V3Score": 9.8}},
                }
            ],
            "Misconfigurations": [
                {"ID": "DS002", "Title": "User", "Severity": "HIGH", "Status": "FAIL", "Message": "m"},
                {"ID": "DS003", "Title": "Fine", "Severity": "HIGH", "Status": "PASS"},
            ],
            "Secrets": [
                {"RuleID": "key", "Title": "Key", "Severity": "HIGH", "StartLine": 3, "Match": "****"}
            ],
        }
    ],
}
GRYPE = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-xvch-5gv4-984h",
                "severity": "High",
                "cvss": [{"version": "3.1", "vector": VECTOR, "metrics": {"baseScore": 9.8}}],
                "fix": {"versions": ["1.2.6"], "state": "fixed"},
            },
            "relatedVulnerabilities": [{"id": "CVE-2021-44906"}],
            "artifact": {
                "name": "minimist",
                "version": "1.2.5",
                "type": "npm",
                "purl": "pkg:npm/minimist@1.2.5",
                "locations": [{"path": "/app/package-lock.json"}],
            },
        }
    ],
    "source": {"type": "image"},
    "descriptor": {"name": "grype"},
}
SNYK = {
    "packageManager": "npm",
    "dependencyCount": 1,
    "vulnerabilities": [
        {
            "id": "SNYK-JS-MINIMIST-2429795",
            "packageName": "minimist",
            "version": "1.2.5",
            "severity": "medium",
            "title": "Prototype pollution",
            "CVSSv3": VECTOR,
            "fixedIn": ["1.2.6"],
            "identifiers": {"CVE": ["CVE-2021-44906"]},
        }
    ],
}
SEMGREP = {
    "results": [
        {
            "check_id": "python.lang.exec",
            "path": "app.py",
            "start": {"line": 3},
            "extra": {"message": "exec", "severity": "ERROR", "lines": "exec(x)"},
        }
    ],
    "errors": [],
    "paths": {"scanned": ["app.py"]},
}
BANDIT = {
    "generated_at": "2026-01-01T00:00:00Z",
    "metrics": {},
    "errors": [],
    "results": [
        {
            "test_id": "B101",
            "issue_text": "assert",
            "issue_severity": "LOW",
            "filename": "a.py",
            "line_number": 2,
        }
    ],
}
GITLEAKS = [
    {
        "RuleID": "aws-key",
        "Description": "AWS key",
        "File": "config.py",
        "StartLine": 4,
        "Secret": "AKIA-very-secret",
        "Match": "key = AKIA-very-secret",
        "Fingerprint": "abc:config.py:aws-key:4",
    }
]
TRUFFLEHOG = [
    {
        "SourceMetadata": {"Data": {"Git": {"file": "config.py", "line": 4}}},
        "DetectorName": "AWS",
        "Verified": True,
        "Raw": "AKIA-very-secret",
    }
]
ZAP = (
    b'<OWASPZAPReport version="2.9.0"><site name="https://shop.example"><alerts><alertitem><pluginid>10011</pluginid>'
    b"<name>Cookie without flag</name><riskcode>1</riskcode><instances><instance><uri>https://shop.example/a</uri>"
    b"</instance></instances></alertitem></alerts></site></OWASPZAPReport>"
)
NUCLEI = {"template-id": "t", "info": {"name": "N", "severity": "low"}, "matched-at": "https://shop.example"}
CHECKOV = {
    "check_type": "terraform",
    "results": {"failed_checks": [{"check_id": "C1", "check_name": "n", "file_path": "/a"}]},
}
KICS = {
    "files_scanned": 1,
    "queries_total": 1,
    "queries": [{"query_id": "q", "severity": "LOW", "files": [{"file_name": "a"}]}],
}
TFSEC = {
    "results": [{"rule_id": "r", "rule_provider": "aws", "severity": "LOW", "location": {"filename": "a"}}]
}
NPM6 = {
    "metadata": {},
    "advisories": {"1": {"module_name": "minimist", "severity": "high", "cves": ["CVE-2021-44906"]}},
}
NPM7 = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "minimist": {
            "via": [
                {"source": 1, "url": "https://github.com/advisories/GHSA-xvch-5gv4-984h", "severity": "high"}
            ]
        }
    },
}
PIP = {
    "dependencies": [
        {"name": "Jinja2", "version": "2.4", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.5"]}]}
    ]
}
GITLAB = {
    "version": "15.0.0",
    "scan": {"type": "sast", "status": "success", "scanner": {"name": "S"}},
    "vulnerabilities": [
        {"name": "Weak", "severity": "Low", "location": {"file": "a.py", "start_line": 2}, "identifiers": []}
    ],
}
DEPENDENCY_CHECK = (
    b"<analysis><dependencies><dependency><fileName>a.jar</fileName><identifiers><package><id>pkg:maven/g/a@1.0</id>"
    b"</package></identifiers><vulnerabilities><vulnerability><name>CVE-2020-1</name><severity>HIGH</severity>"
    b"</vulnerability></vulnerabilities></dependency></dependencies></analysis>"
)
CSV = b"title,severity,file,line,cve,package\nWeak cipher,High,a.py,3,,\nOld library,medium,,,CVE-2021-44906,pkg:npm/minimist@1.2.5\n"
GENERIC = {"tool": "inhouse", "findings": [{"title": "Weak", "severity": "high", "file": "a.py"}]}
K6 = {
    "metrics": {
        "http_reqs": {"values": {"count": 1000, "rate": 50.0}},
        "http_req_duration": {
            "values": {"avg": 80.0, "med": 70.0, "p(90)": 120.0, "p(95)": 150.0, "max": 400.0},
            "thresholds": {"p(95)<200": {"ok": True}, "p(90)<100": {"ok": False}},
        },
        "http_req_failed": {"values": {"rate": 0.01}},
    }
}
JTL = (
    b"timeStamp,elapsed,label,responseCode,success\n"
    b"1700000000000,100,home,200,true\n1700000001000,300,home,200,true\n1700000002000,200,home,500,false\n"
)
JTL_XML = b'<testResults><httpSample t="100" ts="1700000000000" s="true"/><sample t="50" ts="1700000000100" s="false"/></testResults>'
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "d",
    "packages": [
        {
            "SPDXID": "SPDXRef-a",
            "name": "minimist",
            "versionInfo": "1.2.5",
            "licenseConcluded": "MIT",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/minimist@1.2.5"}],
        }
    ],
}
SPDX_TAGS = (
    b"SPDXVersion: SPDX-2.3\nDocumentNamespace: https://example.org/d\n\nPackageName: minimist\nSPDXID: SPDXRef-a\n"
    b"PackageVersion: 1.2.5\nPackageLicenseDeclared: MIT\nPackageComment: <text>several\nlines</text>\n"
    b"ExternalRef: PACKAGE-MANAGER purl pkg:npm/minimist@1.2.5\n"
)
GO = b"mode: set\nexample.org/a/b.go:3.2,5.10 2 1\nexample.org/a/b.go:7.2,8.3 1 0\n"
OPENCOVER = (
    b'<CoverageSession><Modules><Module><Files><File uid="1" fullPath="a.cs"/></Files><Classes><Class><Methods><Method>'
    b'<FileRef uid="1"/><SequencePoints><SequencePoint vc="1" sl="3"/><SequencePoint vc="0" sl="4"/></SequencePoints>'
    b"</Method></Methods></Class></Classes></Module></Modules></CoverageSession>"
)
SUBJECT = "ab" * 32
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "ledger", "digest": {"sha256": SUBJECT}}],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {
        "buildDefinition": {
            "buildType": "https://ci.example/workflow",
            "externalParameters": {
                "workflow": {"repository": "https://git.example/ledger", "path": "ci.yml"}
            },
            "resolvedDependencies": [
                {"uri": "git+https://git.example/ledger", "digest": {"gitCommit": "c" * 40}}
            ],
        },
        "runDetails": {"builder": {"id": "https://ci.example/runner"}, "metadata": {"invocationId": "1"}},
    },
}
ENVELOPE = {
    "payloadType": "application/vnd.in-toto+json",
    "payload": base64.b64encode(json.dumps(STATEMENT).encode()).decode(),
    "signatures": [{"sig": "AAAA"}],
}


def coded(body: object) -> bytes:
    return json.dumps(body).encode()


JSON = {
    "trivy": TRIVY,
    "grype": GRYPE,
    "snyk": SNYK,
    "semgrep": SEMGREP,
    "bandit": BANDIT,
    "gitleaks": GITLEAKS,
    "trufflehog": TRUFFLEHOG,
    "nuclei": NUCLEI,
    "checkov": CHECKOV,
    "kics": KICS,
    "tfsec": TFSEC,
    "npm6": NPM6,
    "npm7": NPM7,
    "pip": PIP,
    "gitlab": GITLAB,
    "generic": GENERIC,
    "k6": K6,
    "spdx": SPDX,
    "statement": STATEMENT,
    "envelope": ENVELOPE,
}
OTHER = {
    "zap": ZAP,
    "dependency_check": DEPENDENCY_CHECK,
    "csv": CSV,
    "jtl": JTL,
    "jtl_xml": JTL_XML,
    "spdx_tags": SPDX_TAGS,
    "go": GO,
    "opencover": OPENCOVER,
}
ALL = {**{name: coded(body) for name, body in JSON.items()}, **OTHER}
