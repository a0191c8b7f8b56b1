"""What the change boards plug into the release calendar."""

from governance.queries.calendar import meetings
from trains.ports import calendar_events

calendar_events(meetings)
