"""What can be followed in the live stream. Each app registers its own in `AppConfig.ready` (DESIGN port 4).

A public topic is fed by public changes: its frames say what everybody may know, so they are the same for
everybody but for being signed in or not. A private topic is read twice a second while somebody who may
follows it, and says something only when what it read is another than before.
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import User

Payload = dict[str, Any]


@dataclass(frozen=True)
class PublicTopic:
    """Something that anybody may follow, named `<name>:<argument>` by a page.

    `parse` makes the argument of the words after the name and raises ValueError for nonsense. `load`
    gives the subjects of changes as they are now; those it does not know are passed over. `covers` says
    whether a subject is in view under an argument. `frame` says all that may be known of a subject, to
    somebody signed in or not. `current` is everything in view under an argument, or None when that is
    too much.
    """

    name: str
    parse: Callable[[str], Hashable]
    load: Callable[[Collection[UUID]], Mapping[UUID, Any]]
    covers: Callable[[Any, Any], bool]
    frame: Callable[[Any, bool], Payload]
    current: Callable[[Any], Sequence[Any] | None]


@dataclass(frozen=True)
class PrivateTopic:
    """Something that only some people may follow.

    `permit` makes the key to read by from the person and the words after the name, or None for who may
    not; it is asked again while the stream is open. `read` gives a state for each key, cheaply: it is
    asked twice a second. `frame` says a state in full, and is asked only when it is a new one.
    """

    name: str
    permit: Callable[[User, str], Hashable | None]
    read: Callable[[Collection[Any]], Mapping[Any, Hashable]]
    frame: Callable[[Any, Any], Payload]


Topic = PublicTopic | PrivateTopic

_topics: dict[str, Topic] = {}


def register(topic: Topic) -> Topic:
    """Make `topic` known. Registering another one under the same name is a programming error."""
    if _topics.setdefault(topic.name, topic) != topic:
        raise ValueError(f"There is another topic named {topic.name!r}.")
    return topic


def find(name: str) -> Topic | None:
    """The topic of that name, or None."""
    return _topics.get(name)


def public_topics() -> list[PublicTopic]:
    return [topic for topic in _topics.values() if isinstance(topic, PublicTopic)]
