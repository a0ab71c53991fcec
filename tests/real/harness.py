"""What every scene uses: the manager as a process on this host, its API, the command line, and an orderly end.

A scene is a function that takes a `Scene`; `play(function)` makes the folder, runs it, ends by process id all that was
started, and on failure keeps the folder and shows the logs. `scene.check(what, truth, evidence)` says what was seen.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from guest import Guest, Image, die_with_parent
from hung import Hung, wait_until

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build/real"
READY_DEADLINE = 60  # seconds; a manager is ready in well under one
ANSWER_DEADLINE = 100
# An emulated processor takes ten to twenty times as long: with the ordinary budget an agent there would look less often.
EMULATED = "budget: {cpu: 40%, memory: 64MiB}\n"


@dataclass
class Ended:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode(errors="replace")


class Manager:
    """`mien manager` on its own data directory. Killed and started again it keeps its address."""

    def __init__(self, scene: "Scene", data: Path, address: str):
        self.scene, self.data, self.address, self.port = scene, data, address, 0
        self.process = None
        self.lines: list[str] = []
        self.url = ""
        self.starts = 0

    def start(self):
        self.spawn()
        self.url = wait_until(self.ready_line, READY_DEADLINE, "the manager does not say that it is ready")
        self.port = int(self.url.rsplit(":", 1)[1])
        return self

    def spawn(self):
        """Starts it and does not wait."""
        self.starts += 1
        self.lines = []
        self.process = subprocess.Popen(
            [self.scene.program, "manager", "--data", self.data, "--listen", f"{self.address}:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)
        threading.Thread(target=self.read, args=(self.process,), daemon=True).start()

    def read(self, process):
        with open(self.scene.folder / f"{self.data.name}.log", "a") as log:
            for line in process.stdout:
                log.write(f"[{self.starts}] {line}")
                log.flush()
                self.lines.append(line.rstrip("\n"))

    def ready_line(self):
        if self.process.poll() is not None:
            time.sleep(0.1)
            raise AssertionError(f"the manager ended with {self.process.returncode}:\n" + "\n".join(self.lines))
        for line in self.lines:
            if found := re.search(r"https?://[^\s/]+:\d+", line):
                return found[0]
        return None

    @property
    def ca(self) -> Path:
        return self.data / "keys/ca.pem"

    @property
    def token_file(self) -> Path:
        """The local token of this listener: where a manager of this user writes it."""
        places = [Path("/run/mien"), Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")) / "mien", Path(f"/tmp/mien-{os.getuid()}")]
        for place in places:
            if (place / f"{self.port}.token").exists():
                return place / f"{self.port}.token"
        raise AssertionError(f"the manager left no token for port {self.port} in any of {places}")

    def kill(self):
        """kill -9, and nothing before it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def stop(self):
        """As systemd stops it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(READY_DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Hung("the manager does not end after SIGTERM")

    # ---- asking it ----

    def context(self):
        return ssl.create_default_context(cafile=str(self.ca)) if self.url.startswith("https") else None

    def ask(self, method: str, path: str, body=None, token: str | None = "local", headers: dict | None = None) -> Reply:
        headers = dict(headers or {})
        if token == "local":
            token = self.token_file.read_text().strip()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_DEADLINE, context=self.context()) as answer:
                return Reply(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.read(), dict(error.headers))
        except OSError as error:
            ended = self.process.poll() if self.process else None
            error.add_note(f"{method} {path}; the manager {'runs' if ended is None else f'ended with {ended}'}")
            raise

    def get(self, path: str, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        reply = self.ask("GET", path)
        if reply.status != 200:
            raise AssertionError(f"GET {path}: {reply.status} {reply.text[:500]}")
        return reply.json()

    def counters(self) -> dict[str, float]:
        text = self.ask("GET", "/metrics").text
        return {name: float(value) for name, value in re.findall(r"^(mien_\w+_total|mien_audit_sequence|mien_log_position) (\S+)$", text, re.M)}

    def points(self, instance: str, metric: str, since: float, attributes: dict | None = None) -> list[tuple[float, float]]:
        """The samples of one series since then: (seconds since 1970, value)."""
        answer = self.get(f"/api/v1/instances/{instance}/series", metric=metric, **{"from": f"{since:.3f}"})
        for series in answer["series"]:
            if attributes is None or series["attributes"] == attributes:
                return [(at / 1000, value) for at, value in zip(series["at"], series["mean"]) if value is not None]
        return []

    def findings(self, instance: str | None = None) -> list[dict]:
        query = {"all": "true", "limit": 1000}
        if instance:
            query["instance"] = instance
        return self.get("/api/v1/findings", **query)["items"]

    def mien(self, *arguments, expect: int | None = 0, stdin: str | None = None) -> Ended:
        """The command line, as the administrator of this manager."""
        options = ["--server", self.url, "--token-file", str(self.token_file)]
        if self.url.startswith("https"):
            options += ["--ca-file", str(self.ca)]
        return self.scene.mien(*options, *arguments, expect=expect, stdin=stdin)


class Scene:
    def __init__(self, program: Path, folder: Path, stack: contextlib.ExitStack):
        self.program, self.folder, self.stack = program, folder, stack
        self.failures: list[str] = []
        self.began = time.monotonic()
        self.managers: list[Manager] = []

    def say(self, text: str):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def check(self, what: str, truth, evidence=""):
        """Goes on after a failure, so that one run shows all of them."""
        self.say(f"{'ok    ' if truth else 'FAILED'} {what}{': ' if str(evidence) else ''}{evidence}")
        if not truth:
            self.failures.append(what)
        return bool(truth)

    def mien(self, *arguments, expect: int | None = 0, stdin: str | None = None) -> Ended:
        done = subprocess.run([self.program, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=ANSWER_DEADLINE,
                              env={**os.environ, "NO_COLOR": "1"})
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"mien {' '.join(map(str, arguments))}: exit {done.returncode}, not {expect}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return Ended(done.returncode, done.stdout, done.stderr)

    def manager(self, name: str = "manager", address: str | None = None, data: Path | None = None) -> Manager:
        manager = Manager(self, data or self.folder / name, address or self.outside_address())
        self.stack.callback(manager.kill)
        self.managers.append(manager)
        return manager.start()

    def guest(self, name: str, **options) -> Guest:
        image = Image.build(self.program, WORK)
        self.stack.callback(image.remove)
        self.say("the guest is booting")
        guest = self.stack.enter_context(Guest(image, self.folder, name, **options))
        self.say(f"the guest is up, its clock is off by {guest.clock_offset():.1f} s")
        return guest

    def outside_address(self) -> str:
        """An address of this host that is not loopback; made on `lo`, and taken away again, where there is none."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            with contextlib.suppress(OSError):
                probe.connect(("198.51.100.1", 9))  # sends nothing: asks for the route
                address = probe.getsockname()[0]
                if not address.startswith("127."):
                    return address
        address = "10.99.0.1"
        added = subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], capture_output=True, text=True)
        if added.returncode == 0:
            self.stack.callback(subprocess.run, ["ip", "address", "del", f"{address}/32", "dev", "lo"])
        elif "exists" not in added.stderr:
            raise AssertionError(f"this host has no address but loopback, and none can be added: {added.stderr.strip()}")
        return address

    # ---- an agent in a guest ----

    def join(self, manager: Manager, guest: Guest, allow: str = "") -> str:
        """Joins with the line that `mien enroll` prints, in its own cgroup, now and at each boot. The line. `allow`: the
        verbs that this machine lets be done to it."""
        line = manager.mien("enroll", "--ttl", "10m").out.strip()
        if allow:
            line += f" --allow {allow}"
        guest.write("/disk/join", line + "\n")
        guest.write("/disk/agent.yaml", EMULATED)
        guest.write("/disk/boot", "mkdir -p /etc/mien; cp /disk/agent.yaml /etc/mien/agent.yaml\nin_service mien-agent.service sh /disk/join >/run/agent.pid\n")
        guest.run("sh /disk/boot")
        self.await_instance(manager, guest.name)
        return line

    def await_instance(self, manager: Manager, name: str):
        try:
            return wait_until(lambda: self.instance(manager, name), ANSWER_DEADLINE, f"the instance {name} does not appear", every=0.2)
        except Hung as hung:
            raise Hung(f"{hung}\nthe manager says:\n" + "\n".join(manager.lines[-20:])) from hung

    @staticmethod
    def instance(manager: Manager, name: str):
        reply = manager.ask("GET", f"/api/v1/instances/{name}")
        return reply.json() if reply.status == 200 and reply.json().get("status", {}).get("samples") else None

    def await_samples(self, manager: Manager, name: str, more: int):
        """Until `more` further rows of the CPU series of an instance are there: product time, counted in samples."""
        since = time.time() - 600
        before = len(manager.points(name, "system.cpu.utilization", since))
        wait_until(lambda: len(manager.points(name, "system.cpu.utilization", since)) >= before + more, 10 * more + 60,
                   f"{more} more samples of {name}", every=0.3)


def say_logs(folder: Path):
    for log in sorted(folder.glob("*.log")) + sorted(folder.glob("*.console")) + sorted(folder.glob("*.qemu")):
        print(f"---- {log.name}, its end ----\n{log.read_text(errors='replace')[-3000:]}", flush=True)


def play(function):
    """The main of a scene: its argument is the folder of the optimised programs."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER-OF-PROGRAMS")
    program = Path(sys.argv[1]).resolve() / "mien"
    if not program.exists():
        sys.exit(f"{program} is not built: ./dev build")
    WORK.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{Path(sys.argv[0]).stem}-", dir=WORK))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that the ends below are reached
    scene = None
    try:
        with contextlib.ExitStack() as stack:
            scene = Scene(program, folder, stack)
            function(scene)
        failures = scene.failures
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        failures = (scene.failures if scene else []) + ["the scene did not reach its end"]
    if failures:
        say_logs(folder)
        print(f"FAILED: {'; '.join(failures)}\nkept: {folder}", flush=True)
        sys.exit(1)
    shutil.rmtree(folder)
    print("passed", flush=True)
