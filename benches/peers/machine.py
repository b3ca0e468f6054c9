"""What the measurements are taken with: memory of a process, bytes of a folder, the machine."""

import os
import time

REST_SHARE = 0.05
REST_SECONDS_MAX = 60


def peak_rss_bytes(pid="self"):
    """The most memory that a process has held so far."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1_024
    raise OSError(f"no VmHWM for process {pid}")


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rest(pid):
    """Waits until a server has done what it put off during the load: seconds that this took.

    At rest is a second with under 5 % of a core. One that never rests is asked after a minute.
    """
    started = time.perf_counter()
    while time.perf_counter() - started < REST_SECONDS_MAX:
        before, at = _cpu_seconds(pid), time.perf_counter()
        time.sleep(1)
        if (_cpu_seconds(pid) - before) / (time.perf_counter() - at) < REST_SHARE:
            return at - started
    return time.perf_counter() - started


def disk_bytes(path):
    """Bytes that a file or folder takes on disk, holes left out."""
    if os.path.isfile(path):
        return os.stat(path).st_blocks * 512
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                # An engine that still merges removes files while they are counted.
                continue
    return total


def describe():
    """One line: cores, memory, model."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, {model}"
