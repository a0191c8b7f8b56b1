"""Which documents may be kept as evidence: told by their content, bounded, and never one that acts. Pure."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import puremagic

from .intake.errors import ReportError
from .intake.json_tree import parse_json
from .intake.xml_tree import parse_xml

MEBIBYTE = 1 << 20
LARGEST = 20 * MEBIBYTE
MOST_ENTRIES = 2_000
MOST_UNPACKED = 200 * MEBIBYTE
MOST_RATIO = 100
# Small files inside may be packed tighter than a bomb; below this size of an entry the ratio says nothing.
RATIO_FROM = MEBIBYTE

_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_ACTIVE_TEXT = re.compile(
    rb"<\s*(?:!doctype\s+html|html|head|body|script|iframe|svg|object|embed|meta)\b|^#!|<\?php|\bjavascript:",
    re.I | re.M,
)
_ACTIVE_PDF = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)\b")
_ENCRYPTED = 0x1
_ARCHIVES = frozenset(
    [
        ".zip",
        ".gz",
        ".tgz",
        ".bz2",
        ".xz",
        ".7z",
        ".rar",
        ".tar",
        ".zst",
        ".jar",
        ".war",
        ".ear",
        ".iso",
        ".cab",
    ]
)
_PROGRAMS = frozenset(
    [
        *(
            ".exe",
            ".dll",
            ".so",
            ".dylib",
            ".com",
            ".scr",
            ".msi",
            ".bat",
            ".cmd",
            ".ps1",
            ".vbs",
            ".js",
            ".jse",
        ),
        *(".wsf", ".hta", ".sh", ".lnk", ".reg", ".jnlp", ".html", ".htm", ".svg", ".xhtml"),
    ]
)


@dataclass(frozen=True)
class Type:
    """A type of document: its name, its media type, and the endings that its files have."""

    name: str
    media_type: str
    endings: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument."
PDF = Type("PDF", "application/pdf", (".pdf",))
PNG = Type("PNG", "image/png", (".png",))
JPEG = Type("JPEG", "image/jpeg", (".jpg", ".jpeg"))
GIF = Type("GIF", "image/gif", (".gif",))
WEBP = Type("WebP", "image/webp", (".webp",))
ZIP = Type("ZIP archive", "application/zip", (".zip",))
WORD = Type("Word document", _OFFICE + "wordprocessingml.document", (".docx",))
SHEET = Type("Excel workbook", _OFFICE + "spreadsheetml.sheet", (".xlsx",))
SLIDES = Type("PowerPoint presentation", _OFFICE + "presentationml.presentation", (".pptx",))
OPEN_TEXT = Type("OpenDocument text", "application/vnd.oasis.opendocument.text", (".odt",))
OPEN_SHEET = Type("OpenDocument spreadsheet", "application/vnd.oasis.opendocument.spreadsheet", (".ods",))
JSON = Type("JSON", "application/json", (".json", ".sarif"))
XML = Type("XML", "application/xml", (".xml",))
TEXT = Type("text", "text/plain", (".txt", ".md", ".csv", ".log", ".yaml", ".yml", ".eml"))
TYPES = (PDF, PNG, JPEG, GIF, WEBP, ZIP, WORD, SHEET, SLIDES, OPEN_TEXT, OPEN_SHEET, JSON, XML, TEXT)
_PICTURES = {".png": PNG, ".jpg": JPEG, ".gif": GIF, ".webp": WEBP}
_SIGNATURES = {PDF: b"%PDF-", PNG: b"\x89PNG\r\n\x1a\n", JPEG: b"\xff\xd8\xff", GIF: b"GIF8", WEBP: b"RIFF"}
KNOWN = ", ".join(each.name for each in TYPES)


class Unfit(Exception):
    """A file that is not kept: a code for programs, a sentence and a remedy for people."""

    def __init__(self, code: str, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.remedy = code, sentence, remedy


def recognised(name: str, content: bytes) -> Type:
    """The type of the document; raises Unfit for what is too large, unknown, disguised, active or a bomb."""
    if not content:
        raise Unfit("empty", "The file is empty.")
    if len(content) > LARGEST:
        raise Unfit(
            "too_large",
            f"The file is larger than {LARGEST // MEBIBYTE} MiB.",
            "Split it, or name its address and digest.",
        )
    if _EICAR in content:
        raise Unfit("malware", "The file holds the test sign of virus scanners.")
    found = _typed(content)
    if _ending(name) not in found.endings:
        raise Unfit(
            "disguised",
            f"The content is {found.name}, and the name says {_ending(name) or 'nothing'}.",
            f"Give the file its ending {' or '.join(found.endings)}.",
        )
    return found


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _typed(content: bytes) -> Type:
    if content.startswith(b"PK\x03\x04"):
        return _archived(content)
    guessed = _guessed(content)
    if content.startswith(_SIGNATURES[PDF]):
        return _portable(content)
    for ending, picture in _PICTURES.items():
        if ending in guessed and content.startswith(_SIGNATURES[picture]):
            _refuse_second_face(content)
            return picture
    if guessed & _PROGRAMS or content.startswith(
        (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe")
    ):
        raise Unfit("active", "The file is a program or a page that acts.", f"Kept are: {KNOWN}.")
    return _written(content)


def _guessed(content: bytes) -> set[str]:
    try:
        return {match.extension.lower() for match in puremagic.magic_string(content[: 1 << 16])}
    except (puremagic.PureError, ValueError):
        return set()


def _refuse_second_face(content: bytes) -> None:
    """A picture or document with an archive behind it is two files in one."""
    if b"PK\x05\x06" in content[-(1 << 16) - 22 :] and zipfile.is_zipfile(io.BytesIO(content)):
        raise Unfit("disguised", "An archive is hidden behind the document.", "Upload the document alone.")


def _portable(content: bytes) -> Type:
    _refuse_second_face(content)
    if b"%%EOF" not in content[-2048:]:
        raise Unfit("broken", "The PDF is cut off: its end is missing.", "Upload it again.")
    if found := _ACTIVE_PDF.search(content):
        raise Unfit(
            "active",
            f"The PDF acts when it is opened ({found.group().decode()}).",
            "Print it to a PDF, and upload that.",
        )
    return PDF


def _written(content: bytes) -> Type:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unfit("unknown", "The content is of no type that is kept.", f"Kept are: {KNOWN}.") from None
    if any(ord(c) < 32 and c not in "\t\n\r\f" for c in text):
        raise Unfit("unknown", "The content is of no type that is kept.", f"Kept are: {KNOWN}.")
    if not text.strip():
        raise Unfit("empty", "The file holds nothing but blanks.")
    beginning = text.lstrip()[:1]
    try:
        if beginning in ("{", "["):
            parse_json(content)
            return JSON
        if beginning == "<" and not _ACTIVE_TEXT.search(content[:4096]):
            parse_xml(content)
            return XML
    except ReportError as error:
        raise Unfit(error.code, str(error)) from error
    if _ACTIVE_TEXT.search(content):
        raise Unfit(
            "active",
            "The text would act in a browser or a shell.",
            "Save it as PDF, or pack what matters as plain text.",
        )
    return TEXT


def _archived(content: bytes) -> Type:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = _checked(archive, len(content))
            return _office(archive, names) or ZIP
    except (
        zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OverflowError, ValueError, struct.error, zlib.error, OSError
    ) as error:  # fmt: skip
        raise Unfit("broken", "The archive cannot be read.", "Pack it again as an ordinary ZIP.") from error


def _checked(archive: zipfile.ZipFile, packed: int) -> set[str]:
    """The names inside, once every entry has been read in full within the limits: what a list claims is not believed."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise Unfit("bomb", f"The archive holds more than {MOST_ENTRIES} files.")
    names = [entry.filename for entry in entries]
    if len({name.lower() for name in names}) != len(names):
        raise Unfit("disguised", "The archive holds two files of one name.")
    total = 0
    for entry in entries:
        _refuse_entry(entry)
        for size in _unpacked(archive, entry):
            total += size
            if total > MOST_UNPACKED or (total > max(packed, 1) * MOST_RATIO and total > RATIO_FROM):
                raise Unfit(
                    "bomb", "The archive unpacks to far more than it is.", "Upload what matters of it."
                )
    return set(names)


def _refuse_entry(entry: zipfile.ZipInfo) -> None:
    name, ending = entry.filename, _ending(entry.filename)
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in entry.orig_filename:
        raise Unfit("path", "A file in the archive would leave its folder.")
    if (entry.external_attr >> 16) & 0o170000 == 0o120000:
        raise Unfit("path", "The archive holds a link.")
    if entry.flag_bits & _ENCRYPTED:
        raise Unfit(
            "encrypted",
            "The archive is locked by a password.",
            "Evidence must be readable: upload it unlocked.",
        )
    if ending in _ARCHIVES:
        raise Unfit(
            "nested",
            f"The archive holds another one: {name[:80]}.",
            "Unpack it, and pack the files themselves.",
        )
    if ending in _PROGRAMS:
        raise Unfit("active", f"The archive holds a program: {name[:80]}.")
    if parts[-1].lower() == "vbaproject.bin":
        raise Unfit("active", "The document holds macros.", "Save it without them.")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[int]:
    first = True
    with archive.open(entry) as inside:
        while chunk := inside.read(1 << 16):
            if first and chunk.startswith(
                (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"MZ", b"\x7fELF")
            ):
                raise Unfit("nested", f"The archive holds an archive or a program: {entry.filename[:80]}.")
            first = False
            yield len(chunk)


def _office(archive: zipfile.ZipFile, names: set[str]) -> Type | None:
    if "[Content_Types].xml" in names:
        types = archive.read("[Content_Types].xml")
        if b"<!DOCTYPE" in types or b"macroEnabled" in types:
            raise Unfit(
                "active", "The document holds macros or declarations of its own.", "Save it without them."
            )
        for folder, found in (("word/", WORD), ("xl/", SHEET), ("ppt/", SLIDES)):
            if any(name.startswith(folder) for name in names):
                return found
    if "mimetype" in names:
        declared = archive.read("mimetype").decode("ascii", "replace").strip()
        return next((each for each in (OPEN_TEXT, OPEN_SHEET) if each.media_type == declared), None)
    return None
