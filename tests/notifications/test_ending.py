"""A signal that tells a worker to end never makes it hang, whatever it interrupts."""

import subprocess
import sys
import threading
import time

from notifications.ending import Ending
from tests.patience import PATIENCE
from tests.servers import ROOT

LONG = 3600

# A signal every 0.2 ms, which falls on every step of looking and waiting sooner or later.
UNDER_SIGNALS = """
import signal
from notifications.ending import Ending

told = 0
ending = Ending()

def tell(*arguments):
    global told
    told += 1
    ending._told = False  # as if it were the first time
    ending.tell(*arguments)

signal.signal(signal.SIGALRM, tell)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
while told < 3_000:
    ending.wait(0.0)
    ending.is_told()
signal.setitimer(signal.ITIMER_REAL, 0)
print("ended")
"""


def test_signal_may_come_at_any_step_of_waiting():
    done = subprocess.run(
        [sys.executable, "-c", UNDER_SIGNALS],
        cwd=ROOT,
        timeout=PATIENCE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("ended\n", 0), done.stderr


def test_all_who_wait_are_woken_and_nobody_waits_any_more():
    ending = Ending()
    waiting = [threading.Thread(target=ending.wait, args=[LONG]) for _each in range(3)]
    for thread in waiting:
        thread.start()
    assert not ending.is_told()

    ending.tell()
    ending.tell()

    for thread in waiting:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in waiting)
    began = time.monotonic()
    ending.wait(LONG)
    assert (ending.is_told(), time.monotonic() - began < LONG) == (True, True)
    ending.close()


def test_wait_ends_by_itself():
    ending = Ending()

    ending.wait(0.01)

    assert not ending.is_told()
    ending.close()
