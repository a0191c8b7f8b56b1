"""Is the web server of this machine ready? Exit status 0 or 1, for container health checks."""

from __future__ import annotations

import http.client
import os
import sys


def ready(port: int, host_name: str) -> bool:
    """Ask as a browser behind the proxy would: by an allowed name, and with its word that it is HTTPS."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/readyz", headers={"Host": host_name, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def host_name(allowed_hosts: str) -> str:
    """A name that the server accepts: the first allowed one, or localhost where that is a pattern."""
    first = allowed_hosts.split(",", maxsplit=1)[0].strip().lstrip(".")
    return first if first and first != "*" else "localhost"


def main() -> int:
    port = int(os.environ.get("PORT") or 8000)
    return 0 if ready(port, host_name(os.environ.get("ALLOWED_HOSTS", ""))) else 1


if __name__ == "__main__":
    sys.exit(main())
