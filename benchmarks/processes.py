"""What processes use, read from Linux's /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
SESSION, USER_TICKS, SYSTEM_TICKS = 3, 11, 12  # fields of /proc/<pid>/stat after the name
LOCAL_ADDRESS, STATE, INODE = 1, 3, 9  # columns of /proc/net/tcp
ESTABLISHED = "01"
GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True)
class Usage:
    processes: int
    cpu_seconds: float
    pss_megabytes: float  # each shared page counted once, divided among its users


@dataclass(frozen=True)
class Memory:
    """Of one process: shared pages divided among their users (PSS) or counted in full (RSS)."""

    pss_megabytes: float
    rss_megabytes: float


def usage_of_session(session: int) -> Usage:
    """The sum over all processes of `session`: a server started as its leader, and its workers."""
    members = members_of_session(session)
    return Usage(
        processes=len(members),
        cpu_seconds=sum(map(cpu_seconds_of, members)),
        pss_megabytes=sum(memory_of(pid).pss_megabytes for pid in members),
    )


def members_of_session(session: int) -> list[int]:
    """The processes of a session."""
    found = [int(folder.name) for folder in PROC.glob("[0-9]*")]
    return [pid for pid in found if (stat := _stat(pid)) and int(stat[SESSION]) == session]


def cpu_seconds_of(pid: int) -> float:
    """What the process has used since it began; 0 when it has gone."""
    stat = _stat(pid)
    return (int(stat[USER_TICKS]) + int(stat[SYSTEM_TICKS])) / TICKS if stat else 0.0


def memory_of(pid: int) -> Memory:
    """What the process uses now; nothing when it has gone."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except GONE:
        return Memory(0, 0)
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return Memory(kilobytes["Pss"] / 1024, kilobytes["Rss"] / 1024)


def connections_of(pid: int, port: int) -> int:
    """How many TCP connections (IPv4) to `port` of this machine the process holds."""
    rows = [line.split() for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]]
    wanted = {
        f"socket:[{row[INODE]}]"
        for row in rows
        if row[LOCAL_ADDRESS].endswith(f":{port:04X}") and row[STATE] == ESTABLISHED
    }
    count = 0
    for link in (PROC / str(pid) / "fd").glob("*"):
        try:
            count += str(link.readlink()) in wanted
        except GONE:
            continue
    return count


def _stat(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except GONE:
        return []
