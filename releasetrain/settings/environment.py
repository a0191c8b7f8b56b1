"""Where settings come from: the process environment, with `var/` as the home of local state."""

from pathlib import Path

import environ

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR = Path(env.str("RELEASETRAIN_VAR", default=str(BASE_DIR / "var"))).resolve()
DEBUG = env.bool("RELEASETRAIN_DEBUG", default=False)
