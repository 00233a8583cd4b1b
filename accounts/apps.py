from django.apps import AppConfig
from django.db.models.signals import pre_save

LIMIT_LOCK_SECONDS = 3.0


class AccountsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "accounts"

    def ready(self) -> None:
        # Models are loaded only now.
        from allauth.core.internal import ratelimit  # noqa: PLC0415
        from allauth.mfa.models import Authenticator  # noqa: PLC0415
        from allauth.usersessions.models import UserSession  # noqa: PLC0415

        from accounts.receivers import draw_id  # noqa: PLC0415

        for shown in (Authenticator, UserSession):
            pre_save.connect(draw_id, shown, dispatch_uid=f"accounts.draw_id:{shown.__name__}")
        # Those behind one address take turns at its limits. After a second of waiting, as allauth has it,
        # they are told that they tried too often.
        ratelimit.CACHE_LOCK_WAIT_TIMEOUT = LIMIT_LOCK_SECONDS
