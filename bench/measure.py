"""What the measuring scripts share: this machine in words, the CPU clock and memory of a process, `mien up` on a
directory of its own, and tables. Nothing here is a test: figures are printed, medians with their spread, and kept in
RESULTS.md by hand."""
import os
import pathlib
import platform
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 2**20
    version = pathlib.Path("/etc/debian_version")
    load = " ".join(f"{x:.2f}" for x in os.getloadavg())
    return (f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; {os.cpu_count()} cores of {cpu.group(1) if cpu else '?'}, "
            f"{memory:.0f} GiB, kernel {platform.release()}, Debian {version.read_text().strip() if version.exists() else '?'}; "
            f"load {load}")


def cpu_seconds(pid):
    """User and system time of a whole process, ended threads too, in nanoseconds' resolution (no 10 ms ticks)."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def memory_kib(pid):
    """Rss and Pss in KiB; Pss shares each page among those that map it."""
    found = dict(re.findall(r"^(Rss|Pss|Private_Dirty):\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M))
    return {name: int(value) for name, value in found.items()}


def tree(pid):
    """A process and all that descend from it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p / 100 * len(ordered)))]


def spread(values, form="{:.1f}"):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def table(header, rows):
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    line = lambda row: "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |"
    return "\n".join([line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


class Workplace:
    """A directory that is removed, and processes that are ended, when the block is left."""

    def __init__(self, under=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="mien-bench-", dir=under))
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            end(process)
        shutil.rmtree(self.path, ignore_errors=True)

    def start(self, command, name, **options):
        with open(self.path / f"{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=options.pop("stdout", log), stderr=log,
                                       start_new_session=True, **options)
        self.running.append(process)
        return process


def end(process, how=signal.SIGTERM):
    """Ends a process that we started, and what it started: each leads a group of its own."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    if process.stdout:
        process.stdout.close()


class Mien:
    """`mien up` on loopback; `seconds` is the time from its start to the line that says it is ready."""

    def __init__(self, place, program, data, within=60, agent_settings=None):
        self.port = free_port()
        command = [str(program), "up", "--data", str(data), "--listen", f"127.0.0.1:{self.port}"]
        if agent_settings:
            settings = place.path / "agent.yaml"
            settings.write_text(agent_settings)
            command += ["--agent-config", str(settings)]
        started = time.monotonic()
        self.process = place.start(command, "mien", stdout=subprocess.PIPE)
        said = b""
        while b"is ready" not in said:
            left = within - (time.monotonic() - started)
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise SystemExit(f"mien up was not ready within {within} s")
            chunk = os.read(self.process.stdout.fileno(), 4096)
            if not chunk:
                raise SystemExit("mien up ended:\n" + (place.path / "mien.log").read_text()[-2000:])
            said += chunk
        self.seconds = time.monotonic() - started
        self.url = f"http://127.0.0.1:{self.port}"
        self.agent = self.process.pid
        self.manager = next(pid for pid in tree(self.agent) if pid != self.agent)

    def stop(self, how=signal.SIGTERM):
        if how == signal.SIGKILL:
            os.kill(self.manager, signal.SIGKILL)
        end(self.process, how)
