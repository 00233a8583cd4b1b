from django.apps import AppConfig


class TicketsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tickets"

    def ready(self) -> None:
        # Models are loaded only now.
        from accounts.signals import account_closing, personal_data_requested  # noqa: PLC0415
        from events import holdings  # noqa: PLC0415
        from events.signals import event_cancelled, event_changed  # noqa: PLC0415
        from tickets import live, notices, receivers, signals, states  # noqa: PLC0415

        notices.register()
        live.register_topics()
        holdings.register(states.valid_tickets_of)
        for signal, receiver in (
            (signals.booking_prepared, receivers.tell_booked),
            (signals.ticket_cancelled, receivers.tell_given_back),
            (signals.holders_messaged, receivers.announce_message),
            (event_changed, receivers.announce_change),
            (event_cancelled, receivers.announce_cancellation),
            (account_closing, receivers.give_back_closing_account),
            (personal_data_requested, receivers.give_personal_data),
            (personal_data_requested, receivers.give_sent_messages),
        ):
            signal.connect(receiver, dispatch_uid=f"tickets.{receiver.__name__}")
