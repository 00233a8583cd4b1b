"""Password hashing for small machines."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

# Of each process: as many hashes as threads would take their memory at once, and be no faster.
one_at_a_time = threading.RLock()


class LightArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at 9 MiB, t=4, p=1, one of OWASP's choices: Django's default takes 100 MB a sign-in."""

    time_cost = 4
    memory_cost = 9_216  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with one_at_a_time:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with one_at_a_time:
            return super().verify(password, encoded)
