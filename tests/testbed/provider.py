"""A real OpenID Connect provider (Canaille) as a process of its own: `python -m tests.testbed.provider <port> <redirect address>…`.

A line on its standard input says who is in a group from now on: `cab: ada,grace`.
"""

from __future__ import annotations

import datetime
import sys
import threading
from typing import Any

PASSWORD = "a password at the provider"
CLIENT_ID, CLIENT_SECRET = "release-train", "provider-and-product-know-it"
PEOPLE = {
    "ada": ("Ada Lovelace", "ada@northwind.example"),
    "grace": ("Grace Hopper", "grace@northwind.example"),
    "mallory": ("Mallory", "mallory@elsewhere.example"),
    "owner": ("An Owner", "owner@northwind.example"),
}
GROUPS = {"cab": ["ada"], "engineering": ["ada", "grace"]}


def main(port: int, redirects: list[str]) -> None:
    from canaille import create_app
    from joserfc.jwk import RSAKey
    from werkzeug.serving import make_server

    app = create_app(
        {
            "SECRET_KEY": "of this process only",
            "SERVER_NAME": f"localhost:{port}",
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {
                "DATABASE": "memory",
                "SMTP": None,
                "ENABLE_PASSWORD_COMPROMISSION_CHECK": False,
                "LOGGING": {"version": 1, "disable_existing_loggers": False},
                "ACL": {"DEFAULT": {"PERMISSIONS": ["edit_self", "use_oidc"]}},
            },
            "CANAILLE_OIDC": {
                "TRUSTED_DOMAINS": ["testserver", "localhost"],
                "ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)],
            },
        }
    )
    with app.app_context():
        populate(app, redirects)
    threading.Thread(target=obey, args=(app,), daemon=True).start()
    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


def populate(app: Any, redirects: list[str]) -> None:
    from canaille.app import models
    from canaille.backends import Backend

    people = {}
    with Backend.instance.session():
        for name, (formatted, email) in PEOPLE.items():
            given, _, family = formatted.partition(" ")
            people[name] = models.User(
                user_name=name,
                formatted_name=formatted,
                given_name=given,
                family_name=family or given,
                emails=[email],
                password=PASSWORD,
            )
            Backend.instance.save(people[name])
        for group, members in GROUPS.items():
            Backend.instance.save(models.Group(display_name=group, members=[people[m] for m in members]))
        client = models.Client(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            client_id_issued_at=datetime.datetime.now(datetime.UTC),
            client_name="Release Train",
            client_uri=redirects[0].split("/accounts")[0],
            redirect_uris=redirects,
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "email", "groups"],
            token_endpoint_auth_method="client_secret_basic",
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)


def obey(app: Any) -> None:
    from canaille.app import models
    from canaille.backends import Backend

    for line in sys.stdin:
        name, _, members = line.strip().partition(":")
        with app.app_context(), Backend.instance.session():
            group = Backend.instance.get(models.Group, display_name=name)
            group.members = [
                Backend.instance.get(models.User, user_name=m.strip())
                for m in members.split(",")
                if m.strip()
            ]
            Backend.instance.save(group)
        print("done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
