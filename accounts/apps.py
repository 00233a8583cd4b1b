from django.apps import AppConfig
from django.db.models.signals import pre_save


class AccountsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "accounts"

    def ready(self) -> None:
        # Models are loaded only now.
        from allauth.mfa.models import Authenticator  # noqa: PLC0415
        from allauth.usersessions.models import UserSession  # noqa: PLC0415

        from accounts.receivers import draw_id  # noqa: PLC0415

        for shown in (Authenticator, UserSession):
            pre_save.connect(draw_id, shown, dispatch_uid=f"accounts.draw_id:{shown.__name__}")
