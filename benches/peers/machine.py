"""What the measurements are taken with: memory of a process, bytes of a folder, the machine."""

import os


def peak_rss_bytes(pid="self"):
    """The most memory that a process has held so far."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1_024
    raise OSError(f"no VmHWM for process {pid}")


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
