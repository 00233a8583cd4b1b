"""Password hashing for small machines."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class LightArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at 19 MiB, t=2, p=1 (OWASP's first choice): Django's default takes 100 MB a sign-in."""

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1
