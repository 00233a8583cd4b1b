"""Who is behind a sign-in."""

from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User
from evento.statements import Lookup

PEOPLE = Lookup(User.objects.all, "id")


class PersonBackend(AuthenticationBackend):
    """allauth's; the person is looked up by a statement that is built once, as every request asks."""

    def get_user(self, user_id: UUID) -> User | None:
        """The person, unless the account is closed."""
        person = PEOPLE.find(user_id)
        return person if person is not None and self.user_can_authenticate(person) else None
