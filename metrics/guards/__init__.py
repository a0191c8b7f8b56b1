"""What the database itself does for metrics; applied after every migration."""

from .adding_up import GUARDS as ADDING_UP
from .touching import GUARDS as TOUCHING

GUARDS: list[str] = [*TOUCHING, *ADDING_UP]
