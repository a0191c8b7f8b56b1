"""Fill the database before the load begins: a gate, a board, an event source, tokens. Runs in the tree of either version.

`python prepare.py` in the folder of the installation, with its environment; writes what the load has to know as JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

# The tree whose code is to be used is the folder that we run in, not the one that this file lies in.
sys.path[0] = str(Path.cwd())

SECRET = "the secret of a throw-away sender"
VOTERS = ("cab_member", "second_cab_member", "third_cab_member")


def main() -> None:
    import django

    django.setup()
    from governance.actions import boards
    from releasetrain.accounts import tokens
    from releasetrain.accounts.models import ApiToken
    from releasetrain.kernel.clock import now
    from releasetrain.tenancy.models import Organization
    from tests.fixtures import Cast
    from tests.governance.gateway import Gateway

    cast = Cast(Organization.objects.get(slug="northwind"))
    gateway = Gateway(cast)
    with gateway.scope("change_manager") as chair:
        board = boards.create_board(chair, name="CAB", quorum=2)
        for role in VOTERS:
            boards.add_member(chair, board, email=cast.user(role).email)
    hook = ""
    try:
        from releasetrain.exchange.actions.events import connect
    except ModuleNotFoundError:
        pass  # a release that takes no events yet
    else:
        with gateway.scope("owner") as owner:
            hook = connect(owner, name="our pipelines", kind="cdevents", secret=SECRET)["id"]

    def token(role: str) -> str:
        token_id, secret, text = tokens.generate()
        with gateway.scope("owner"):
            ApiToken.objects.create(
                id=token_id,
                organization=cast.organization,
                user=cast.user(role),
                label="hosts",
                secret_hash=tokens.secret_hash(secret),
                expires_at=now() + timedelta(days=1),
            )
        return text

    known = {
        "organization": str(cast.organization.pk),
        "root": "/api/v1/orgs/northwind",
        "service": "ledger",
        "board": str(board.pk),
        "hook": hook and f"/hooks/northwind/{hook}",
        "secret": SECRET,
        "pipeline": token("service_account"),
        "author": token("release_manager"),
        "voters": [token(role) for role in VOTERS[:2]],
    }
    print(json.dumps(known))


if __name__ == "__main__":
    main()
