"""Sends the mails of a file to a port by smtplib alone, once a line comes in: run by `benchmarks.mailing`."""

import pickle
import smtplib
import sys
from pathlib import Path


def main() -> None:
    port, file = sys.argv[1:]
    mails = pickle.loads(Path(file).read_bytes())
    with smtplib.SMTP("127.0.0.1", int(port)) as server:
        print("ready", flush=True)
        sys.stdin.readline()
        for sender, to, content in mails:
            server.sendmail(sender, to, content)
    sys.stdin.readline()  # stay until one is ended, so that one's processor time can be read


if __name__ == "__main__":
    main()
