"""What a clock on the wall shows, and which instant is meant (SPEC 2)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def instants_of(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants (in UTC, earlier first) at which clocks in `zone` show the naive time `wall`.

    One as a rule; none in the gap when clocks go forward; two in the hour that comes again when they
    go back.
    """
    instants: list[datetime] = []
    for fold in (0, 1):
        instant = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        shown = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        if shown == wall.replace(fold=0) and instant not in instants:
            instants.append(instant)
    return sorted(instants)
