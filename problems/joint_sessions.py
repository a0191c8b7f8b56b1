"""When a board decides together with the problem manager: fixes of high impact, emergencies for systemic problems."""

from __future__ import annotations

from governance.models import ChangeRequest
from governance.ports import joint_sessions
from problems.queries.claims import claimed_by
from problems.queries.fix_risk import risk_class_of
from problems.queries.systemic import why_systemic
from problems.rules.fix_risk import HIGH


@joint_sessions
def fixes_of_weight(change: ChangeRequest) -> str:
    """Why the problem manager signs as well, or an empty text."""
    release = change.release
    if release is None:
        return ""
    problems = claimed_by(release)
    if not problems:
        return ""
    if change.type == ChangeRequest.Type.EMERGENCY:
        systemic = why_systemic(problems)
        for problem in problems:
            if problem.pk in systemic:
                return f"An emergency change that fixes {problem.key}, a systemic problem: {systemic[problem.pk]}."
    found = risk_class_of(release, problems)
    if found.name == HIGH:
        return f"It fixes {', '.join(p.key for p in problems[:3])} at high risk ({found.points} points)."
    return ""
