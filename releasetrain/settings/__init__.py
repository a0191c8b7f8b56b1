"""Settings, composed from one module per concern; read from the environment (12-factor)."""

from .accounts import *  # noqa: F403
from .background import *  # noqa: F403
from .core import *  # noqa: F403
from .database import *  # noqa: F403
from .files import *  # noqa: F403
from .interface import *  # noqa: F403
from .logs import *  # noqa: F403
from .security import *  # noqa: F403
