from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "notifications"

    def ready(self) -> None:
        # Models are loaded only now.
        from accounts.signals import account_closing, personal_data_requested  # noqa: PLC0415
        from notifications import receivers  # noqa: PLC0415
        from notifications.live import bell  # noqa: PLC0415

        bell.register_topics()
        account_closing.connect(
            receivers.forget_closing_account, dispatch_uid="notifications.forget_closing_account"
        )
        personal_data_requested.connect(
            receivers.give_personal_data, dispatch_uid="notifications.give_personal_data"
        )
