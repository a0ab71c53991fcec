#!/usr/bin/env python3
"""Runs scenarios: the commands a customer types, and what he sees. See tests/scenarios/README.md for the format.

run.py --program build/dev/mien [--rewrite] FILE.txt...

Each file runs in a fresh directory, with `mien` on the PATH; one that says `# server` has its own manager on a free
port. Commands of a file share a directory, not a shell. Exit code 1 when a file differs; the difference is printed.
"""
import argparse
import difflib
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple, Optional

HUNG_AFTER_SECONDS = 60  # ten times what anything here takes; says "hung", is never waited for
ANY_LINES = "..."
ANY_TEXT = "<any>"

# What a scenario can call besides mien: `eventually COMMAND` repeats it until it succeeds and prints its last output.
PRELUDE = r"""
eventually() {
  local deadline=$((SECONDS + 45)) output
  until output=$("$@" 2>&1); do
    if ((SECONDS >= deadline)); then printf '%s\n' "$output" "eventually: still failing: $*"; return 1; fi
    read -rt 0.1 <> <(:) || :
  done
  printf '%s\n' "$output"
}
shows() { local wanted=$1; shift; "$@" 2>&1 | grep -E -m1 -- "$wanted"; }
"""


class Step(NamedTuple):
    lines: list      # as they stand in the file: "$ command", "> continuation"
    command: str
    expected: list


class Scenario(NamedTuple):
    preface: list            # lines before the first command
    server: Optional[list]   # options of `mien up`, or None
    steps: list


def parse(text: str) -> Scenario:
    preface, steps, server = [], [], None
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step([line], line[2:], []))
        elif line.startswith("> ") and steps and not steps[-1].expected:
            last = steps[-1]
            steps[-1] = Step(last.lines + [line], last.command + "\n" + line[2:], [])
        elif steps:
            steps[-1].expected.append(line)
        else:
            preface.append(line)
            if line.startswith("# server"):
                server = line.split()[2:]
    for step in steps:  # a blank line before the next command is for the reader
        while step.expected and not step.expected[-1]:
            step.expected.pop()
    return Scenario(preface, server, steps)


# What differs from run to run, by the placeholder it gets.
NORMAL = [
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"\bf-\d+(-\d+)+\b"), "<finding>"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d{1,5}\b"), r"\1:<port>"),
    (re.compile(r"sport = :\d{1,5}\b"), "sport = :<port>"),
]


def normalise(text: str, replacements: dict) -> list:
    for found, placeholder in replacements.items():
        if found:
            text = re.sub(rf"(?<![\w-]){re.escape(found)}(?![\w-])", placeholder, text)
    for pattern, placeholder in NORMAL:
        text = pattern.sub(placeholder, text)
    return [line.rstrip() for line in text.splitlines()]


def line_matches(expected: str, actual: str) -> bool:
    if ANY_TEXT not in expected:
        return expected == actual
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split(ANY_TEXT)), actual) is not None


def matches(expected: list, actual: list) -> bool:
    """`...` on a line of its own stands for any number of lines."""
    if not expected:
        return not actual
    if expected[0] == ANY_LINES:
        return any(matches(expected[1:], actual[skip:]) for skip in range(len(actual) + 1))
    return bool(actual) and line_matches(expected[0], actual[0]) and matches(expected[1:], actual[1:])


class Server:
    """`mien up` in its own session, on a port of its choice; ready when it prints its address."""

    def __init__(self, home: pathlib.Path, arguments: list, environment: dict):
        self.log = home / "server.log"
        self.arguments = arguments
        where = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["mien", "up", "--data", str(home / "data"), *where, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True)
        self.printed = b""
        self.url = self.wait_until_ready()

    def wait_until_ready(self) -> str:
        deadline = time.monotonic() + HUNG_AFTER_SECONDS
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self.process.stdout], [], [], 1)
            chunk = os.read(self.process.stdout.fileno(), 65536) if readable else None
            if chunk == b"":
                break
            self.printed += chunk or b""
            address = re.search(rb"https?://[\w.-]+:\d+(?=[/\s])", self.printed)
            if address:
                return address.group(0).decode()
        self.stop()
        raise RuntimeError("`mien up` did not become ready; it said:\n" + self.output())

    def output(self) -> str:
        return (self.printed + self.log.read_bytes()).decode(errors="replace")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(HUNG_AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise RuntimeError("`mien up` did not stop on SIGTERM:\n" + self.output())

    def kill(self) -> None:
        """SIGKILL for the agent's half, which `mien up` itself is; returns when the manager's half has ended too."""
        self.process.kill()
        deadline = time.monotonic() + HUNG_AFTER_SECONDS
        while self.process.stdout.read(65536):  # both halves hold the other end of this pipe
            if time.monotonic() > deadline:
                raise RuntimeError("the manager outlives a killed `mien up`")
        self.process.wait()


class Customer:
    """Who types the commands: in one directory, with one server at most. `server stop`, `server kill` (SIGKILL) and
    `server start [OPTIONS]` (on the same data) are his too."""

    def __init__(self, scenario: Scenario, home: pathlib.Path, environment: dict):
        self.home, self.environment = home, environment
        self.server = None
        if scenario.server is not None:
            self.start(scenario.server)

    def start(self, arguments: list) -> None:
        self.server = Server(self.home, arguments, self.environment)
        self.environment["MIEN_SERVER"] = self.server.url
        self.environment["MIEN_PORT"] = self.server.url.rsplit(":", 1)[1]

    def stop(self) -> str:
        """What is to be said about how it ended; nothing when it ended well."""
        server, self.server = self.server, None
        if server is None:
            return ""
        server.stop()
        return f"[mien up exited with {server.process.returncode}]\n{server.output()}" if server.process.returncode != 0 else ""

    def type(self, command: str) -> str:
        words = command.split()
        if words[:2] == ["server", "stop"]:
            return self.stop()
        if words[:2] == ["server", "kill"]:
            self.server.kill()
            return ""
        if words[:2] == ["server", "start"]:
            self.start(words[2:] or (self.server.arguments if self.server else []))
            return ""
        return run_step(command, self.home, self.environment)


def end_session(leader: int) -> None:
    """What a command left running ends with it."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_step(command: str, home: pathlib.Path, environment: dict) -> str:
    shell = subprocess.Popen(["bash", "-c", PRELUDE + command], cwd=home, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = shell.communicate(timeout=HUNG_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        end_session(shell.pid)
        output, _ = shell.communicate()
        return output.decode(errors="replace") + f"\n[hung after {HUNG_AFTER_SECONDS} s]\n"
    end_session(shell.pid)
    text = output.decode(errors="replace")
    if shell.returncode != 0:
        text += ("" if not text or text.endswith("\n") else "\n") + f"[exit {shell.returncode}]\n"
    return text


def run_scenario(path: pathlib.Path, program: pathlib.Path) -> list:
    """The steps as they came out: each a Step whose `expected` is kept where it matched."""
    scenario = parse(path.read_text())
    home = pathlib.Path(tempfile.mkdtemp(prefix="mien-scenario-"))
    (home / "bin").mkdir()
    (home / "bin/mien").symlink_to(program.resolve())
    (home / "run").mkdir(mode=0o700)
    environment = {"PATH": f"{home}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC",
                   "XDG_RUNTIME_DIR": str(home / "run"), "TESTS": str(path.parent.resolve()), "MIEN_SERVER": "http://127.0.0.1:9", "HOST": os.uname().nodename}
    came_out = []
    customer = None
    try:
        customer = Customer(scenario, home, environment)
        replacements = {str(home): "<dir>", os.uname().nodename: "<host>"}
        for step in scenario.steps:
            actual = normalise(customer.type(step.command), replacements)
            came_out.append(step if matches(step.expected, actual) else Step(step.lines, step.command, actual))
        ending = customer.stop()
        if ending:
            came_out.append(Step([], "", ending.splitlines()))
    finally:
        if customer and customer.server and customer.server.process.poll() is None:
            customer.server.stop()
        shutil.rmtree(home, ignore_errors=True)
    return came_out


def render(scenario: Scenario, steps: list) -> str:
    blocks = ["\n".join([*step.lines, *step.expected]) for step in steps]
    return "\n".join([*scenario.preface, "\n\n".join(blocks)]) + "\n"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=pathlib.Path, required=True)
    arguments.add_argument("--rewrite", action="store_true", help="take what came out as what is expected")
    arguments.add_argument("files", type=pathlib.Path, nargs="+")
    options = arguments.parse_args()
    if not options.program.exists():
        sys.exit(f"{options.program} is not built")
    failed = 0
    for path in (file for file in options.files if file.name != "CMakeLists.txt"):
        scenario = parse(path.read_text())
        before, after = render(scenario, scenario.steps), render(scenario, run_scenario(path, options.program))
        same = before == after
        if not same and options.rewrite:
            path.write_text(after)
        elif not same:
            failed += 1
            sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"{path} (expected)", "(came out)"))
        print(f"{'ok' if same else 'rewritten' if options.rewrite else 'DIFFERS'}: {path.name}, {len(scenario.steps)} commands")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
