"""The organiser code and its limits, for sign-up and the profile page alike (SPEC 1)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from accounts.models import WrongOrganiserCode
from evento.database import retry_conflicts
from evento.refusals import Refusal

ADDRESS_LIMIT, ADDRESS_PERIOD = 5, timedelta(minutes=10)
SITE_LIMIT, SITE_PERIOD = 100, timedelta(hours=1)

WRONG = _(
    "That organiser code is not right. Upper and lower case matter. "
    "Leave it empty to go on without it."
)
TOO_MANY = _(
    "Too many wrong codes were entered. Wait ten minutes and try again, or leave the code empty."
)


def check_organiser_code(code: str, *, address: str, now: datetime | None = None) -> None:
    """Return quietly when `code` is right; otherwise count it and refuse.

    Raises Refusal `wrong_organiser_code` or, beyond 5 wrong codes per address in 10 minutes or 100 an hour
    over the whole site, `too_many_organiser_codes`, also for the right code. An empty ORGANISER_CODE makes
    every code wrong (SPEC 1).
    """
    refusal = _judge(code, address, now or timezone.now())
    if refusal is not None:
        raise refusal


@retry_conflicts
def _judge(code: str, address: str, now: datetime) -> Refusal | None:
    # Durable: never inside a transaction whose rollback would forget the wrong code.
    with transaction.atomic(durable=True):
        _one_at_a_time()
        if _is_over_limit(address, now):
            return Refusal(
                "too_many_organiser_codes", TOO_MANY, status=429, retry_after=ADDRESS_PERIOD
            )
        expected = settings.ORGANISER_CODE
        # Compared before asking whether there is a code at all: the same time either way.
        if constant_time_compare(code, expected) and expected:
            return None
        WrongOrganiserCode.objects.filter(entered_at__lte=now - SITE_PERIOD).delete()
        WrongOrganiserCode.objects.create(address=address, entered_at=now)
        return Refusal("wrong_organiser_code", WRONG, status=422)


def _one_at_a_time() -> None:
    """Let no second process count between our count and our row."""
    if connection.vendor == "postgresql":  # SQLite's BEGIN IMMEDIATE does it already
        table = connection.ops.quote_name(WrongOrganiserCode._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def _is_over_limit(address: str, now: datetime) -> bool:
    wrong = WrongOrganiserCode.objects.filter(entered_at__gt=now - SITE_PERIOD)
    here = wrong.filter(address=address, entered_at__gt=now - ADDRESS_PERIOD)
    return here.count() >= ADDRESS_LIMIT or wrong.count() >= SITE_LIMIT
