"""Files that are checked first and imported then: the form carries them from the check to the import, packed."""

from __future__ import annotations

import base64
import binascii
import csv
import zlib
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse

from releasetrain.interface import uploads
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused

# What a form may carry, packed; a larger file is chosen again.
MOST_CARRIED = 1_500_000


def sent_file(request: Any, limit: int) -> Upload:
    """The file that was chosen now, or the one that was checked before."""
    sent = request.FILES.get("file")
    if sent is not None:
        try:
            return uploads.read(sent, limit)
        except uploads.TooLarge as error:
            raise Refused(Refusal("file.large", str(error), field="file", status=422)) from error
    carried = request.POST.get("carried", "")
    if carried:
        return Upload(uploads.safe_name(request.POST.get("name", "")), _unpacked(carried, limit), "text/csv")
    raise Refused(Refusal("file.absent", "Choose a file.", field="file", status=422))


def packed(content: bytes) -> str:
    """The content for a hidden field; empty when it is too large for one."""
    text = base64.b64encode(zlib.compress(content)).decode()
    return text if len(text) <= MOST_CARRIED else ""


def _unpacked(text: str, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), limit)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise Refused(Refusal("file.broken", "Choose the file again.", field="file", status=422)) from error


def errors_csv(errors: Iterable[Any]) -> HttpResponse:
    """Faults of rows (line, column, sentence) as a table to work through."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="errors.csv"'
    writer = csv.writer(response)
    writer.writerow(["line", "column", "error"])
    for error in errors:
        writer.writerow([error.line or "", _tame(error.column), _tame(error.sentence)])
    return response


def _tame(text: str) -> str:
    """A spreadsheet must not take a cell for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
