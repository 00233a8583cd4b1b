"""Times of day."""


def noon(moment):
    """Of its day in UTC, when clocks change neither in London nor on the Pacific."""
    return moment.replace(hour=12, minute=0, second=0, microsecond=0)
