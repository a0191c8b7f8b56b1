"""A release from scope to deployment with everything that leaves evidence, for tests of evidence packages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from releasetrain.kernel.clock import now
from tests.governance.gateway import Gateway, digest_of, junit, sarif

VERSION = "5.2.0"
PLANS = {"implementation_plan": "Deploy.", "test_plan": "Smoke test.", "backout_plan": "Redeploy 5.1.0."}


class Story(Gateway):
    """Release 5.2.0 of the payments train; every method acts in the scope of its own."""

    def __init__(self, cast: Any):
        super().__init__(cast)
        self.release = self._release()
        self.post(junit(3), VERSION, name="junit.xml")
        self.post(sarif(("sql-injection", "error")), VERSION, name="bandit.sarif")
        self.verdict = self.evaluate(VERSION)
        self.change = self._change()
        self.deployment = self.deploy(self.release, VERSION)

    def _release(self) -> Any:
        from trains.actions.releases import create_release, freeze_release, scope_release
        from trains.actions.scope import add_item, attach_artifact

        artifact = self.artifact(VERSION)
        with self.scope("release_manager") as manager:
            release = create_release(
                manager,
                train=self.train,
                version=VERSION,
                name="Instant payments",
                tier=1,
                rollback_plan="Redeploy 5.1.0.",
            )
            add_item(manager, release, title="Instant payments", source_key="FEAT-1")
            add_item(manager, release, title="Fix the rounding of fees")
            scope_release(manager, release)
            freeze_release(manager, release)
            attach_artifact(manager, release, artifact=artifact)
            release.refresh_from_db()
            return release

    def _change(self) -> Any:
        from governance.actions import boards, changes
        from governance.models import ChangeRequest, Vote

        with self.scope("change_manager") as chair:
            board = boards.create_board(chair, name="CAB", quorum=2)
            for role in ("cab_member", "second_cab_member"):
                boards.add_member(chair, board, email=self.cast.user(role).email)
        with self.scope("release_manager") as author:
            change = ChangeRequest.objects.filter(release=self.release).first() or changes.create_change(
                author,
                title="Release 5.2.0",
                board=board,
                release=self.release,
                window_starts=now() + timedelta(hours=1),
                window_ends=now() + timedelta(hours=3),
                **PLANS,
            )
            change = changes.submit(author, change)
        for role in ("cab_member", "second_cab_member"):
            with self.scope(role) as member:
                changes.vote(member, change, choice=Vote.Choice.APPROVE, rationale="Tests are green.")
        with self.scope("auditor"):
            return ChangeRequest.objects.get(pk=change.pk)

    def deploy(self, release: Any, version: str) -> Any:
        """A deployment to production, as the pipeline reports it."""
        from trains.actions.deployments import record_deployment

        with self.scope("service_account") as pipeline:
            return record_deployment(
                pipeline,
                service=self.service,
                environment=self.production,
                release=release,
                version=version,
                status="succeeded",
                source="ci",
                external_id=f"run-{version}",
            )

    def package(self, role: str = "release_manager", **about: Any) -> Any:
        """Ask for a package of the release, or of what is given."""
        from governance.actions.evidence import request_package

        with self.scope(role) as actor:
            return request_package(actor, **(about or {"release": self.release}))

    def built(self, role: str = "release_manager", **about: Any) -> Any:
        """Ask, and do the worker's part at once; the finished package."""
        from governance.evidence.work import work_off

        package = self.package(role, **about)
        work_off(self.cast.organization.pk, package.pk)
        return self.again(package)

    def again(self, package: Any) -> Any:
        """The row as it is now."""
        from governance.models import EvidencePackage

        with self.scope("auditor"):
            return EvidencePackage.objects.select_related("file").get(pk=package.pk)

    def path(self, package: Any) -> Any:
        from governance.files import path_of

        with self.scope("auditor"):
            return path_of(package.file)


__all__ = ["VERSION", "Story", "digest_of"]
