"""First reports of test runs, many at once: the common case of `result.post` for what a pipeline's events say.

Only the first report about a build may come here; whatever follows an earlier one goes through the verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from governance import files
from governance.gates import count_changes
from governance.models import Result, ResultKind, StoredFile
from governance.rules import isolation
from governance.rules.reading import Reading
from releasetrain.audit.wholesale import Act, perform_many
from releasetrain.tenancy.bulk import insert_many
from trains.models import Artifact

from .results import post_result

_MEDIA = "application/xml"


def tested(artifacts: Iterable[UUID]) -> set[UUID]:
    """Those of the builds that have a report of tests."""
    rows = Result.objects.filter(artifact__in=list(artifacts), kind=ResultKind.TESTS).order_by()
    return set(rows.values_list("artifact_id", flat=True))


def is_plain(content: bytes) -> bool:
    """Whether this is a report of tests that is stored as it came and says nothing besides."""
    return _reading(content) is not None


@lru_cache(maxsize=512)
def _reading(content: bytes) -> Reading | None:
    """Runs of one suite with one outcome give the same report, over and over."""
    reading = isolation.read(content)
    plain = reading.kind == ResultKind.TESTS and not reading.components and reading.redacted is None
    return reading if plain else None


def post_many(acts: Sequence[Act], artifacts: dict[str, Artifact]) -> list[Result]:
    """Post reports that are first and plain; `artifacts` holds the build of every digest."""

    def write(acts: Sequence[Act]) -> list[Result]:
        stored: dict[bytes, StoredFile] = {}
        for act in acts:
            file = act.params["file"]
            if file.content not in stored:
                stored[file.content] = files.keep(file.content, name=file.name, media_type=_MEDIA)
        made = [_result(act, artifacts[act.params["digest"]], stored) for act in acts]
        insert_many(made)
        count_changes(each.artifact_id for each in made)
        return made

    return perform_many(post_result, acts, write)


def _result(act: Act, artifact: Artifact, stored: dict[bytes, StoredFile]) -> Result:
    said: dict[str, Any] = act.params
    content, name = said["file"].content, said["file"].name
    reading = _reading(content)
    assert reading is not None
    file = stored[content]
    return Result(
        artifact=artifact,
        kind=reading.kind,
        format=reading.format[:40],
        tool=", ".join(reading.tools)[:120],
        stream=(said["source"] or name)[:150],
        name=name[:150],
        summary=reading.summary,
        file=file,
        source=said["source"],
        run_url=said["run_url"],
        reported_by=act.actor.user_id,
        digest=file.digest,
    )
