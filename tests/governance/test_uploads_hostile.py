"""Hostile documents: each is refused with a code and a sentence, quickly, and nothing else is ever raised."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.rules.uploads import LARGEST, TYPES, Unfit, recognised

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(30) + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(30) + b"\xff\xd9"
GIF = b"GIF89a" + bytes(30) + b";"
WEBP = b"RIFF\x20\0\0\0WEBPVP8 " + bytes(24)
TYPES_XML = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def packed(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("passwd")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "one")
        archive.writestr("A.TXT", "two")
    return out.getvalue()


def flagged(content: bytes, offset: int, flag: int) -> bytes:
    """The flags of the first entry changed, in the list and before the data."""
    place = content.index(b"PK\x01\x02") + 8
    changed = bytearray(content)
    changed[place : place + 2] = struct.pack("<H", flag)
    changed[offset : offset + 2] = struct.pack("<H", flag)
    return bytes(changed)


def lying() -> bytes:
    """An archive whose list says that a large file is small."""
    content = bytearray(packed({"zeros.txt": bytes(30_000_000)}))
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 10)
    return bytes(content)


BOMB = packed({"zeros.txt": bytes(30_000_000)})
WORD = {"[Content_Types].xml": TYPES_XML, "word/document.xml": b"<document/>"}

ACCEPTED: list[tuple[str, bytes, str]] = [
    ("minutes.pdf", PDF, "PDF"),
    ("screen.PNG", PNG, "PNG"),
    ("photo.jpeg", JPEG, "JPEG"),
    ("chart.gif", GIF, "GIF"),
    ("chart.webp", WEBP, "WebP"),
    ("notes.md", "# Abnahme – grün\n".encode(), "text"),
    ("rows.csv", b"a;b\n1;2\n", "text"),
    ("facts.json", b'{"a": [1, 2]}', "JSON"),
    ("report.xml", b"<?xml version='1.0'?><r><a/></r>", "XML"),
    ("logs.zip", packed({"a.log": b"one", "b/c.log": b"two"}), "ZIP archive"),
    ("plan.docx", packed(WORD), "Word document"),
    ("plan.xlsx", packed({"[Content_Types].xml": TYPES_XML, "xl/workbook.xml": b"<w/>"}), "Excel workbook"),
    ("plan.odt", packed({"mimetype": b"application/vnd.oasis.opendocument.text"}), "OpenDocument text"),
]

HOSTILE: list[tuple[str, str, bytes | Callable[[], bytes], str]] = [
    ("nothing", "a.txt", b"", "empty"),
    ("blanks", "a.txt", b" \n\t ", "empty"),
    ("too large", "a.txt", lambda: b"a" * (LARGEST + 1), "too_large"),
    (
        "sign of virus scanners",
        "a.txt",
        b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
        "malware",
    ),
    ("program of Windows", "a.pdf", b"MZ" + bytes(200), "active"),
    ("program of Linux", "a.png", b"\x7fELF\x02\x01\x01" + bytes(200), "active"),
    ("program of macOS", "a.txt", b"\xcf\xfa\xed\xfe" + bytes(200), "active"),
    ("class of Java", "a.txt", b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(50), "active"),
    ("shell script", "a.txt", b"#!/bin/sh\nrm -rf /\n", "active"),
    ("page", "a.txt", b"<!DOCTYPE html><html><body>hi</body></html>", "active"),
    ("page after blanks", "a.txt", b"\n\n   <HTML><body>hi", "active"),
    ("script in a text", "a.md", b"hello\n<script>alert(1)</script>", "active"),
    (
        "vector picture with a script",
        "a.xml",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>",
        "active",
    ),
    ("script of PHP", "a.txt", b"<?php system($_GET['c']); ?>", "active"),
    ("address that acts", "a.md", b"see [x](javascript:alert(1))", "active"),
    (
        "PDF with a script",
        "a.pdf",
        PDF.replace(b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript /JS (x) >>"),
        "active",
    ),
    (
        "PDF that starts a program",
        "a.pdf",
        PDF.replace(b"/Catalog", b"/Catalog /A << /S /Launch >>"),
        "active",
    ),
    ("PDF with a file inside", "a.pdf", PDF.replace(b"/Catalog", b"/Catalog /EmbeddedFile"), "active"),
    ("PDF cut off", "a.pdf", PDF[:30], "broken"),
    ("PDF named as a text", "a.txt", PDF, "disguised"),
    ("text named as a PDF", "a.pdf", b"hello", "disguised"),
    ("picture named as a program", "a.exe", PNG, "disguised"),
    ("two endings", "a.pdf.exe", PDF, "disguised"),
    ("no ending", "report", b"hello", "disguised"),
    ("PDF with an archive behind", "a.pdf", PDF + packed({"a.exe": b"x"}), "disguised"),
    ("picture with an archive behind", "a.png", PNG + packed({"a.txt": b"x"}), "disguised"),
    ("picture with a program behind its name only", "a.gif", b"GIF89a" + b"=1;alert(1)", "accepted"),
    ("bytes of no type", "a.bin", bytes(range(256)) * 4, "unknown"),
    ("NUL in a text", "a.txt", b"hello\0world", "unknown"),
    ("escape sequences of a terminal", "a.log", b"\x1b]0;owned\x07", "unknown"),
    ("UTF-16", "a.txt", "hello".encode("utf-16"), "unknown"),
    ("old Office document", "a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "active"),
    ("other archive", "a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(60), "unknown"),
    ("gzip", "a.gz", b"\x1f\x8b\x08\0" + bytes(60), "unknown"),
    ("bomb", "a.zip", lambda: BOMB, "bomb"),
    ("bomb whose list lies", "a.zip", lying, "broken"),
    ("bomb of many files", "a.zip", lambda: packed({f"{n}.txt": b"" for n in range(2_001)}), "bomb"),
    (
        "bomb in a Word document",
        "a.docx",
        lambda: packed({**WORD, "word/media/a.txt": bytes(30_000_000)}),
        "bomb",
    ),
    ("archive in an archive", "a.zip", lambda: packed({"b.zip": packed({"a": b"x"})}), "nested"),
    (
        "archive in an archive by another name",
        "a.zip",
        lambda: packed({"b.txt": packed({"a": b"x"})}),
        "nested",
    ),
    ("bomb in a bomb", "a.zip", lambda: packed({"b.txt": BOMB}), "nested"),
    ("program in an archive", "a.zip", lambda: packed({"setup.exe": b"x"}), "active"),
    (
        "program in an archive by another name",
        "a.zip",
        lambda: packed({"setup.txt": b"MZ" + bytes(99)}),
        "nested",
    ),
    ("page in an archive", "a.zip", lambda: packed({"index.html": b"<html>"}), "active"),
    ("macros", "a.docx", lambda: packed({**WORD, "word/vbaProject.bin": b"x"}), "active"),
    (
        "macros declared",
        "a.docx",
        lambda: packed({**WORD, "[Content_Types].xml": TYPES_XML + b"macroEnabled"}),
        "active",
    ),
    (
        "entities in a Word document",
        "a.docx",
        lambda: packed({**WORD, "[Content_Types].xml": b"<!DOCTYPE x []>"}),
        "active",
    ),
    ("way out of the folder", "a.zip", lambda: packed({"../../etc/cron.d/x": b"x"}), "path"),
    ("way out by backslashes", "a.zip", lambda: packed({"..\\..\\x": b"x"}), "path"),
    ("absolute path", "a.zip", lambda: packed({"/etc/passwd": b"x"}), "path"),
    ("drive", "a.zip", lambda: packed({"C:/x": b"x"}), "path"),
    ("link", "a.zip", linked, "path"),
    ("two files of one name", "a.zip", twice, "disguised"),
    ("locked archive", "a.zip", lambda: flagged(packed({"a.txt": b"x" * 50}), 6, 1), "encrypted"),
    ("archive cut off", "a.zip", lambda: packed({"a.txt": b"x" * 5000})[:60], "broken"),
    (
        "archive with a damaged file",
        "a.zip",
        lambda: packed({"a.txt": b"abc"}, 0).replace(b"abc", b"abd", 1),
        "broken",
    ),
    (
        "archive with an unknown way of packing",
        "a.zip",
        lambda: packed({"a.txt": b"abc"}).replace(b"\x08\0", b"\x63\0"),
        "broken",
    ),
    ("archive named as a Word document", "a.docx", lambda: packed({"a.txt": b"x"}), "disguised"),
    ("XML that grows", "a.xml", b'<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>', "*"),
    (
        "XML that reads a file",
        "a.xml",
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
        "*",
    ),
    ("XML that asks a server", "a.xml", b'<!DOCTYPE x SYSTEM "http://169.254.169.254/x.dtd"><x/>', "*"),
    ("XML too deep", "a.xml", lambda: b"<a>" * 5_000 + b"</a>" * 5_000, "*"),
    ("XML cut off", "a.xml", b"<a><b>", "*"),
    ("JSON too deep", "a.json", lambda: b"[" * 100_000, "*"),
    ("JSON cut off", "a.json", b'{"a": ', "*"),
]


@pytest.mark.parametrize(("name", "content", "kind"), ACCEPTED, ids=[each[0] for each in ACCEPTED])
def test_documents_that_people_attach_are_recognised(name: str, content: bytes, kind: str) -> None:
    assert recognised(name, content).name == kind


@pytest.mark.parametrize(("what", "name", "content", "code"), HOSTILE, ids=[each[0] for each in HOSTILE])
def test_hostile_documents_are_refused(
    what: str, name: str, content: bytes | Callable[[], bytes], code: str
) -> None:
    given = content() if callable(content) else content
    if code == "accepted":
        # A picture whose bytes are also a script is kept: nothing here runs it, and it is served as bytes to save.
        assert recognised(name, given).name == "GIF"
        return
    started = time.process_time()
    with pytest.raises(Unfit) as caught:
        recognised(name, given)
    assert time.process_time() - started < 3
    assert code in ("*", caught.value.code)
    assert caught.value.sentence


def test_there_are_at_least_forty_of_them() -> None:
    assert sum(code != "accepted" for *_, code in HOSTILE) >= 40


@settings(max_examples=150, deadline=None)
@given(
    start=st.sampled_from(
        [b"", b"PK\x03\x04", b"%PDF-", b"{", b"<", b"\x89PNG\r\n\x1a\n", *(c for _, c, _ in ACCEPTED)]
    ),
    rest=st.binary(max_size=300),
    cut=st.integers(0, 400),
    ending=st.sampled_from([e for each in TYPES for e in each.endings]),
)
def test_any_bytes_are_recognised_or_refused(start: bytes, rest: bytes, cut: int, ending: str) -> None:
    with suppress(Unfit):
        assert ending in recognised("a" + ending, start[:cut] + rest).endings
