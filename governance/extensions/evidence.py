"""What evidence packages plug in: their tasks, the collectors of every app, the cockpit's panel, and packages by rule."""

from django.http import HttpRequest
from django.utils.module_loading import autodiscover_modules

from governance import tasks  # noqa: F401 - Celery finds the tasks
from governance.actions.evidence import queue, request_package
from governance.evidence import auditing, collectors, rollouts, showing, sign_offs, subjects, viewing  # noqa: F401 - register what this app brings
from governance.models import EvidencePackage
from governance.queries.evidence import packages_about
from releasetrain.audit.models import LedgerEntry
from releasetrain.audit.subscriptions import subscribe
from releasetrain.interface import links
from releasetrain.kernel.actor import Actor
from trains.models import Release
from trains.ports import Panel, cockpit_panels

# An app brings its records by a module `evidence` (see governance.evidence.collect).
autodiscover_modules("evidence")


@subscribe("release.close", name="evidence.of_closed_releases")
def package_closed_release(entry: LedgerEntry) -> None:
    """A closed release is packaged by rule, once per closing."""
    release = Release.objects.filter(pk=entry.subject_id).first()
    done = EvidencePackage.objects.filter(subject_kind="release", trigger_entry=entry.pk).exists()
    if release is None or done:
        return
    actor = Actor.system(entry.organization_id, f"{release.key} was closed")
    queue(actor, release, origin=EvidencePackage.Origin.AUTOMATIC, trigger=entry.pk)


@cockpit_panels
def evidence_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The packages of the release, and the way to a new one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    packages = list(packages_about(actor, release)[:5])
    decision = request_package.decide(actor, None, {"release": release})
    if not packages and not decision.allowed:
        return None
    context = {
        "packages": packages,
        "decision": decision,
        "request_url": f"{links.verb_url(request_package)}?release={release.pk}",
    }
    return "Evidence", "governance/evidence/_panel.html", context, 110
