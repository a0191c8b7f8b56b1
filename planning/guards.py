"""What the database itself refuses in planning, part by part; applied after every migration."""

from .guards_scoring import GUARDS as SCORING

GUARDS: list[str] = [*SCORING]
