"""The demo's people: three to sign in as, and a crowd."""

import hashlib
import random
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from accounts.models import User

PASSWORD = "evento-demo-2026"  # noqa: S105 - printed for everybody; refused on a site served over TLS
TAIL_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
TAIL_LENGTH = 5
TAIL_STEP = (
    17_011_139  # has no factor in common with 31: every tail comes up before any comes again
)
ORGANISER_EACH = 25
NAMES = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
ZONES = ("Europe/London", "Europe/Berlin", "Europe/Lisbon", "America/New_York", "Asia/Tokyo", "UTC")


@dataclass(frozen=True)
class SignIn:
    """An account that a visitor of the demo may use."""

    username: str
    display_name: str
    role: str = User.Role.ATTENDEE
    is_staff: bool = False

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"


ORGANISER = SignIn("organiser", "Olivia Organiser", role=User.Role.ORGANISER)
ATTENDEE = SignIn("attendee", "Arthur Attendee")
STAFF = SignIn("staff", "Stella Staff", is_staff=True)
SIGN_INS = (ORGANISER, ATTENDEE, STAFF)


def sign_in_account(sign_in: SignIn, seed: int, password_hash: str) -> User:
    rng = random.Random(f"{seed}:{sign_in.username}")  # noqa: S311 - the same seed, the same data
    return User(
        id=random_uuid(rng),
        username=sign_in.username,
        email=sign_in.email,
        display_name=sign_in.display_name,
        role=sign_in.role,
        is_staff=sign_in.is_staff,
        is_superuser=sign_in.is_staff,
        time_zone="Europe/London",
        password=password_hash,
    )


@dataclass(frozen=True)
class Crowd:
    """`count` people by number, each the same whenever asked for, so that nobody has to be remembered.

    Each twenty-fifth is an organiser by class.
    """

    count: int
    seed: int
    password_hash: str = ""

    def id_of(self, number: int) -> uuid.UUID:
        digest = hashlib.blake2b(f"{self.seed}:{number}".encode(), digest_size=16).digest()
        return uuid.UUID(bytes=digest, version=4)

    def person(self, number: int) -> User:
        rng = random.Random(f"{self.seed}:person:{number}")  # noqa: S311
        first, last = rng.choice(NAMES["first"]), rng.choice(NAMES["last"])
        username = f"{first}.{last}.{self._tail(number)}".lower()
        return User(
            id=self.id_of(number),
            username=username,
            email=f"{username}@example.org",
            display_name=f"{first} {last}",
            role=User.Role.ORGANISER if number % ORGANISER_EACH == 0 else User.Role.ATTENDEE,
            time_zone=rng.choice(ZONES),
            password=self.password_hash,
        )

    def organisers(self) -> range:
        """The numbers of the organisers by class."""
        return range(0, self.count, ORGANISER_EACH)

    def _tail(self, number: int) -> str:
        """Five letters that nobody else of this seed has, as long as there are such."""
        rest = (number * TAIL_STEP + self.seed) % len(TAIL_ALPHABET) ** TAIL_LENGTH
        letters = []
        for _each in range(TAIL_LENGTH):
            rest, letter = divmod(rest, len(TAIL_ALPHABET))
            letters.append(TAIL_ALPHABET[letter])
        return "".join(letters)


def verified_address(person: User) -> EmailAddress:
    return EmailAddress(user=person, email=person.email, verified=True, primary=True)


def random_uuid(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)


def hashed(password: str) -> str:
    """One hash for everybody: 300 proper ones would take as long as all the rest."""
    return make_password(password)


def open_sign_ins(password: str) -> list[User]:
    """Those of the three that exist and still have the demo's password."""
    accounts = User.objects.filter(email__in=[one.email for one in SIGN_INS], is_active=True)
    by_email = {account.email: account for account in accounts}
    found = [by_email[one.email] for one in SIGN_INS if one.email in by_email]
    return [account for account in found if account.check_password(password)]
