"""How full an event is: one calculator, and the one projection that the public may see (SPEC 2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext, ngettext

if TYPE_CHECKING:
    from events.models import Event

# SPEC 2: popularity stays secret until fewer than 5 % of places are left (1/20, in exact integers).
SCARCE_BELOW_ONE_IN = 20


class PublicState(StrEnum):
    """What everybody may know. UNTOLD covers "plenty", "started", "cancelled" and "past" alike."""

    UNTOLD = "untold"
    LAST = "last"
    FULL = "full"


@dataclass(frozen=True)
class PublicAvailability:
    """The only thing about fullness that may reach anybody who is not an organiser of the event."""

    state: PublicState
    left: int | None = None  # known only in the state LAST

    @property
    def is_full(self) -> bool:
        return self.state is PublicState.FULL

    @property
    def text(self) -> str:
        """`FULL`, `last X spaces`, `last 1 space`, or the empty string (SPEC 11)."""
        if self.state is PublicState.FULL:
            return gettext("FULL")
        if self.left is None:
            return ""
        return ngettext("last %(left)d space", "last %(left)d spaces", self.left) % {
            "left": self.left
        }


UNTOLD = PublicAvailability(PublicState.UNTOLD)


@dataclass(frozen=True)
class Availability:
    """The exact counts. For organisers of the event, and for deciding; never for a public page."""

    capacity: int
    taken: int

    @property
    def left(self) -> int:
        return self.capacity - self.taken

    @property
    def is_scarce(self) -> bool:
        """Whether fewer than 5 % of the places are left, strictly and exactly."""
        return self.left * SCARCE_BELOW_ONE_IN < self.capacity

    @property
    def is_near_capacity(self) -> bool:
        """The organisers' own line (SPEC 2 "Near capacity"); not what the public sees."""
        return self.is_scarce or self.left == 1

    @property
    def has_room_again(self) -> bool:
        """Whether enough is free for the near-capacity notice to be armed again: 10 % and 3 places."""
        return self.left * 10 >= self.capacity and self.left >= 3

    def public(self) -> PublicAvailability:
        if self.left == 0:
            return PublicAvailability(PublicState.FULL)
        if self.is_scarce:
            return PublicAvailability(PublicState.LAST, self.left)
        return UNTOLD


def quiet_places(capacity: int) -> int:
    """How many of the first places, when taken, nobody has to be told of: neither public nor organisers.

    None of a small event: its organisers are told of the last place but one, which the public does not learn,
    and how long a booking takes must not tell it (SPEC 2).
    """
    if capacity <= SCARCE_BELOW_ONE_IN:
        return 0
    return capacity - (capacity - 1) // SCARCE_BELOW_ONE_IN - 1


def exact_availability(event: "Event") -> Availability:
    """The counts of `event` as loaded. For organisers only."""
    return Availability(capacity=event.capacity, taken=event.places_taken)


def public_availability(event: "Event", now: datetime) -> PublicAvailability:
    """What anybody may know of `event` at `now`: nothing unless it is published and has not started."""
    if not event.is_open(now):
        return UNTOLD
    return exact_availability(event).public()
