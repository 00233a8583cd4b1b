"""What notices do when an account closes or asks for its data."""

from typing import Any

from accounts.models import User
from notifications.models import Notification, OutgoingEmail
from notifications.services import forget_person


def forget_closing_account(sender: Any, *, user: User, **kwargs: Any) -> None:
    forget_person(user)


def give_personal_data(sender: Any, *, user: User, **kwargs: Any) -> tuple[str, dict[str, Any]]:
    notices = Notification.objects.filter(recipient=user).values(
        "kind", "context", "url", "created_at", "read_at"
    )
    mails = OutgoingEmail.objects.filter(recipient=user).values(
        "kind", "address", "state", "created_at", "sent_at"
    )
    return "notifications", {
        "notices": list(notices.order_by("created_at")),
        "emails": list(mails.order_by("created_at")),
        "emails_switched_off": sorted(user.email_opt_outs.values_list("kind", flat=True)),
    }
