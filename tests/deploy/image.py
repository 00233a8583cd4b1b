"""Containers of the built image: its user, its environment, a root that cannot be written to.

buildah gives the files; namespaces and chroot do the rest, so that no container runtime is needed.
Linux, as root.
"""

import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 40
# What `docker run --read-only --tmpfs /tmp --volume VAR:/var/lib/evento --cap-drop ALL --user USER` does,
# but for the process and network namespaces. $1: the root; $2: the folder to keep; $3: the user's number.
START = """
set -e
root=$1 var=$2 user=$3
shift 3
mount --bind "$root" "$root"
mount --bind -o remount,ro "$root"
mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$var" "$root/var/lib/evento"
exec chroot "$root" setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs \\
    --inh-caps=-all --bounding-set=-all env --ignore-environment "$@"
"""


@dataclass(frozen=True)
class Image:
    """A built image, unpacked: what it says of itself, and where its files lie."""

    config: dict
    root: Path

    @property
    def user(self):
        return int(self.config["User"].partition(":")[0])

    def command(self, var, *arguments, **environment):
        """What starts a container: `arguments`, or else the image's own command."""
        given = [*self.config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        inside = [
            f"--chdir={self.config['WorkingDir']}",
            *given,
            *(arguments or self.config["Cmd"]),
        ]
        outside = ["unshare", "--mount", "sh", "-c", START, "sh", self.root, var, self.user]
        return [str(part) for part in [*outside, *inside]]

    def run(self, var, *arguments, stdin=None, **environment):
        """Run a command in a container until it ends; its output. Fails when it does."""
        done = subprocess.run(
            self.command(var, *arguments, **environment),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextlib.contextmanager
    def running(self, var, log, *arguments, **environment):
        """A container that runs meanwhile: its process, which is also its first one inside."""
        with Path(log).open("ab") as output:
            process = subprocess.Popen(
                self.command(var, *arguments, **environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextlib.contextmanager
def unpacked(name):
    """The image of that name, for as long as it is used."""
    container = _buildah("from", name)
    try:
        config = json.loads(_buildah("inspect", "--type", "image", name))["Docker"]["config"]
        yield Image(config, Path(_buildah("mount", container)))
    finally:
        _buildah("rm", container)


def _buildah(*arguments):
    command = ["buildah", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
