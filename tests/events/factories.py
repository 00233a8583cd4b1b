from datetime import timedelta

import factory
from django.utils import timezone

from events.models import Category, Event, EventOrganiser


class CategoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Category

    name = factory.Sequence(lambda n: f"Category {n}")
    slug = factory.Sequence(lambda n: f"category-{n}")


class EventFactory(factory.django.DjangoModelFactory):
    """A published event in a fortnight; `organiser=` makes that person its organiser."""

    class Meta:
        model = Event
        skip_postgeneration_save = True

    title = factory.Sequence(lambda n: f"Event {n}")
    # The same evening for every event of a test, so that two of them can be compared.
    starts_at = factory.LazyFunction(
        lambda: (timezone.now() + timedelta(days=14)).replace(
            hour=18, minute=30, second=0, microsecond=0
        )
    )
    time_zone = "Europe/London"
    duration = timedelta(hours=2)
    capacity = 100
    location = "Central Library, room 4"
    status = Event.Status.PUBLISHED
    published_at = factory.LazyAttribute(
        lambda event: None if event.status == Event.Status.DRAFT else timezone.now()
    )

    @factory.post_generation
    def organiser(self, create, extracted, **kwargs):
        if create and extracted is not None:
            EventOrganiser.objects.create(
                event=self, user=extracted, added_by=extracted, added_at=timezone.now()
            )
