from django.apps import AppConfig


class EventsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "events"

    def ready(self) -> None:
        # Models are loaded only now.
        from accounts.signals import account_closing, personal_data_requested  # noqa: PLC0415
        from events import live, notices, receivers, signals  # noqa: PLC0415

        notices.register()
        live.register_topics()
        for signal, receiver in (
            (signals.event_near_capacity, receivers.tell_near_capacity),
            (signals.event_full, receivers.tell_full),
            (signals.public_state_changed, receivers.tell_live_pages),
            (signals.organiser_added, receivers.tell_added_organiser),
            (signals.organiser_offered, receivers.mail_offer),
            (account_closing, receivers.leave_organised_events),
            (personal_data_requested, receivers.give_personal_data),
        ):
            signal.connect(receiver, dispatch_uid=f"events.{receiver.__name__}")
