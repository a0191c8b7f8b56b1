"""What the database itself does for metrics; applied after every migration."""

from .touching import GUARDS as TOUCHING

GUARDS: list[str] = [*TOUCHING]
