"""What is random by design, drawn again the same, so that nothing has to be left out of a comparison."""

import contextlib
import os
import random
from uuid import UUID, uuid5

import pytest
from django.db import transaction

from tests.proof.figures import FULL

NAMESPACE = UUID("5e4d1f0c-6a53-4b5e-9f6e-0d2f3b1c7a10")

# The one list of what is random by design: where it is drawn, and what comes of it. Each is replayed from
# the label of what is being done, so two worlds in which the same is done draw the same.
RANDOM_BY_DESIGN = (
    # UUIDs: keys of rows, request ids, token ids, session ids.
    (os, "urandom"),
    # `secrets`: form tokens, session keys, ticket codes, random parts of slugs, boundaries of notices' mails.
    (random, "_urandom"),
)
# Besides: Python's own generator (boundaries of other mails, the pause before a stream's reader comes back),
# which is seeded; and the keys of notices and mails that the worker writes for many at once, which are named
# after their cause (`worlds.name_after_cause`): how many it writes for others must not decide them.


def fixed(*words):
    """The key of something that both worlds have."""
    return uuid5(NAMESPACE, ":".join(map(str, words)))


@contextlib.contextmanager
def replayed(*label):
    """Draw from a source that `label` alone decides."""
    source = random.Random(repr(label))
    before = random.getstate()
    with pytest.MonkeyPatch.context() as patch:
        for module, name in RANDOM_BY_DESIGN:
            patch.setattr(module, name, source.randbytes)
        random.seed(repr(label))
        try:
            yield
        finally:
            random.setstate(before)


@contextlib.contextmanager
def undone():
    """Whatever happens inside, the database is then as it was before."""
    before = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)


def random_seed():
    """A seed for what is other each time in a full run, and the same in the ordinary one; printed."""
    seed = os.environ.get("PROOF_SEED", "")
    if not seed:
        seed = str(random.SystemRandom().randrange(10**9)) if FULL else "1"
    print(f"PROOF_SEED={seed}")  # noqa: T201 - pytest shows it with a failure
    return seed
