"""What the database itself refuses in governance, part by part; applied after every migration."""

from .guards_changes import GUARDS as CHANGE_GUARDS
from .guards_counting import GUARDS as COUNTING
from .guards_evidence import GUARDS as EVIDENCE_GUARDS
from .guards_gates import GUARDS as GATE_GUARDS
from .guards_settled import GUARDS as SETTLED

GUARDS: list[str] = [*GATE_GUARDS, *COUNTING, *CHANGE_GUARDS, *EVIDENCE_GUARDS, *SETTLED]
