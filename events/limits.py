"""How often a person may do what reaches strangers: the same for pages and programs."""

from datetime import timedelta

from allauth.core import ratelimit
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evento.refusals import Refusal

HOUR = timedelta(hours=1)


def count_offer(request: HttpRequest) -> None:
    """Count one offer to organise made by who is signed in: each mails whatever address they name.

    Raises Refusal `too_many_offers` (429) beyond `offer_organiser` of ACCOUNT_RATE_LIMITS.
    """
    if not ratelimit.consume(request, action="offer_organiser", user=request.user):
        raise Refusal(
            "too_many_offers",
            _("That was a lot at once. Wait an hour, then go on."),
            status=429,
            retry_after=HOUR,
        )
