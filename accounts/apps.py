from django.apps import AppConfig
from django.db.models.signals import pre_save


class AccountsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "accounts"

    def ready(self) -> None:
        # Models are loaded only now.
        from allauth.usersessions.models import UserSession  # noqa: PLC0415

        from accounts import receivers  # noqa: PLC0415

        receiver = receivers.draw_session_id
        pre_save.connect(receiver, UserSession, dispatch_uid=f"accounts.{receiver.__name__}")
