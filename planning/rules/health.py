"""What a team assesses itself on, and how well actions are followed through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

# The dimensions of the self-assessment, with the sentence that stands for 5.
DIMENSIONS: dict[str, tuple[str, str]] = {
    "product": ("Product ownership", "We know whom we build for and what matters most."),
    "planning": ("Planning", "What we promise for an iteration we can keep."),
    "delivery": ("Delivery", "We finish what we begin, in small steps."),
    "quality": ("Built-in quality", "What we hand over works, and tests say so."),
    "automation": ("Automation", "Building, testing and releasing needs no hands."),
    "teamwork": ("Teamwork", "We help each other and speak openly."),
    "improvement": ("Improvement", "What we agree in retrospectives happens."),
    "alignment": ("Alignment with the train", "We know what other teams need of us, and get what we need."),
}


@dataclass(frozen=True, slots=True)
class FollowThrough:
    """Actions that were due, and what became of them. `percent` is None while none was due."""

    due: int
    done: int
    on_time: int
    overdue: int

    @property
    def percent(self) -> float | None:
        return 100 * self.on_time / self.due if self.due else None


def follow_through(actions: Iterable[tuple[date, str, date | None]], today: date) -> FollowThrough:
    """Of (due, state, finished on): those due by today, without dropped ones; done in time counts in the percentage."""
    counted = [a for a in actions if a[1] != "dropped" and (a[0] <= today or a[1] == "done")]
    done = [a for a in counted if a[1] == "done"]
    on_time = sum(finished is not None and finished <= due for due, _, finished in done)
    overdue = sum(state == "open" and due < today for due, state, _ in counted)
    return FollowThrough(len(counted), len(done), on_time, overdue)
