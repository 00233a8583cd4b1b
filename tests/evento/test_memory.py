"""What a rush of sign-ins took is given back."""

import platform
import subprocess
import sys

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.sqlite
MEGABYTE = 2**20

# Sixteen hashes in four threads that stay, and then how much more memory there is than before.
HASHING = """
import os, sys, threading
from argon2.low_level import Type, hash_secret
from evento.memory import give_memory_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

if sys.argv[1] == "back":
    give_memory_back()
hashed, looked = threading.Barrier(5), threading.Barrier(5)

def hash_some():
    for _each in range(4):
        hash_secret(b"secret", b"salt" * 4, 4, 9_216, 1, 16, Type.ID)
    hashed.wait()
    looked.wait()

before = resident()
threads = [threading.Thread(target=hash_some) for _each in range(4)]
for thread in threads:
    thread.start()
hashed.wait()
print(resident() - before)
looked.wait()
"""


def kept_after_hashing(way):
    done = subprocess.run(
        [sys.executable, "-c", HASHING, way], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc's malloc that keeps it")
def test_memory_of_hashes_goes_back_to_the_system():
    assert kept_after_hashing("back") < 8 * MEGABYTE
    assert kept_after_hashing("kept") > 15 * MEGABYTE  # or else nobody needs to ask for it
