"""What the database itself refuses in governance, part by part; applied after every migration."""

from .auditing import GUARDS as AUDITING
from .boards import GUARDS as BOARD_GUARDS
from .changes import GUARDS as CHANGE_GUARDS
from .controls import GUARDS as CONTROL_GUARDS
from .counting import GUARDS as COUNTING
from .documents import GUARDS as DOCUMENT_GUARDS
from .duties import GUARDS as DUTY_GUARDS
from .evidence import GUARDS as EVIDENCE_GUARDS
from .gates import GUARDS as GATE_GUARDS
from .readiness import GUARDS as READINESS_GUARDS
from .replays import GUARDS as REPLAY_GUARDS
from .retention import GUARDS as RETENTION_GUARDS
from .settled import GUARDS as SETTLED

GUARDS: list[str] = [
    *GATE_GUARDS,
    *COUNTING,
    *CHANGE_GUARDS,
    *DUTY_GUARDS,
    *BOARD_GUARDS,
    *EVIDENCE_GUARDS,
    *AUDITING,
    *SETTLED,
    *CONTROL_GUARDS,
    *DOCUMENT_GUARDS,
    *RETENTION_GUARDS,
    *REPLAY_GUARDS,
    *READINESS_GUARDS,
]
