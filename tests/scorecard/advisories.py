"""What the one packaged database of advisories (safety-db) says of locked packages: run with it installed, prints JSON."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from packaging.specifiers import SpecifierSet


def main() -> None:
    # Found and not imported: the package itself reads a file that it does not bring.
    found = find_spec("safety_db")
    assert found is not None and found.origin
    known = json.loads(Path(found.origin).with_name("insecure.json").read_text())
    locked = re.findall(r"(?m)^([a-z0-9._-]+)==([^\s;\\]+)", Path(sys.argv[1]).read_text())
    told = {
        "until": f"{datetime.fromtimestamp(known['$meta']['timestamp'], UTC):%d %B %Y}",
        "known": sum(name in known for name, _ in locked),
        "against": [
            f"{name} {version}"
            for name, version in locked
            if any(SpecifierSet(each).contains(version, prereleases=True) for each in known.get(name, ()))
        ],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
