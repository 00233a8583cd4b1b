"""How accounts answer to what others announce."""

import secrets
from typing import Any

from django.db.models import Model

# What JSON's readers keep exactly; two of so many are never the same.
IDS = 2**53


def draw_id(sender: Any, *, instance: Model, **kwargs: Any) -> None:
    """Give a new sign-in or second factor a random id: a serial one tells how many people come (SPEC 2)."""
    if instance.pk is None:
        instance.pk = 1 + secrets.randbelow(IDS - 1)
