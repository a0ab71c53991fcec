#!/usr/bin/env python3
"""What the sensors see of this very host reaches the manager within a tick or two: a listener that is new, a program that was
never executed before, a write below a watched directory, a look at a sensitive file and an outgoing connection; by eBPF
where this kernel lets it, and by the other ways. Which way was used is said.
"""

import os
import shutil
import socket
import subprocess

from harness import Manager, Scene, play
from hung import wait_until

DEADLINE = 60  # only says "hung"


class Up:
    """`mien up` with settings of its own for the sensors."""

    def __init__(self, scene: Scene, name: str, ebpf: bool, watched, secret):
        self.manager = Manager(scene, scene.folder / name, "127.0.0.1")
        scene.stack.callback(self.manager.kill)
        scene.managers.append(self.manager)
        settings = scene.folder / f"{name}.yaml"
        settings.write_text(f"collect: {{ebpf: {str(ebpf).lower()}, writes_below: [{watched}], reads_of: [{secret}]}}\n")
        program, scene.program = scene.program, scene.folder / f"{name}-program"
        scene.program.write_text(f'#!/bin/sh\nshift\nexec {program} up --agent-config {settings} "$@"\n')
        scene.program.chmod(0o755)
        try:
            self.manager.start()
        finally:
            scene.program = program
        self.host = os.uname().nodename

    def seen(self, kind: str, value: str):
        return seen(self.manager, kind, value)[1]


def records(manager: Manager, kind: str):
    for item in manager.get("/api/v1/instances")["items"]:
        name = item["metadata"]["name"]
        reply = manager.ask("GET", f"/api/v1/instances/{name}/facts?kind={kind}&limit=1000")
        for fact in reply.json()["items"] if reply.status == 200 else []:
            yield name, fact


def seen(manager: Manager, kind: str, value: str):
    """The instance and the first fact of this kind and object."""
    found = lambda: [(name, fact) for name, fact in records(manager, kind) if fact["object"] == value]
    return wait_until(found, DEADLINE, f"no {kind} of {value} arrives", every=0.2)[0]


def play_one(scene: Scene, name: str, ebpf: bool):
    watched, secret = scene.folder / f"{name}-watched", scene.folder / f"{name}-secret"
    watched.mkdir()
    secret.write_text("not read\n")
    up = Up(scene, name, ebpf, watched, secret)
    scene.await_instance(up.manager, up.host)
    scene.await_samples(up.manager, up.host, 2)
    said = [line for line in up.manager.lines if "sensors" in line]
    scene.check(f"{name}: the agent says by which ways it sees less", bool(said) or ebpf, said or "everything works")

    program = scene.folder / f"{name}-unseen"
    shutil.copy("/bin/cat", program)
    child = subprocess.Popen([program], stdin=subprocess.PIPE)
    try:
        fact = up.seen("execution", str(program))
        scene.check(f"{name}: a program never executed before, its user and its parents",
                    fact["pid"] == child.pid and fact["user"] == "root" and "python" in fact["parents"], fact)
    finally:
        child.stdin.close()
        child.wait()
    (watched / "a").write_text("x")
    fact = up.seen("write", str(watched / "a"))
    scene.check(f"{name}: a write below a watched directory and by which program", "python" in fact["process"], fact)
    secret.read_text()
    scene.check(f"{name}: a look at a sensitive file", up.seen("sensitive_read", str(secret)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        fact = up.seen("listener", f"tcp/{port}")
        scene.check(f"{name}: a new listener", fact["pid"] == os.getpid(), fact)
        with socket.create_connection(("127.0.0.1", port)):
            fact = up.seen("connection", f"127.0.0.1:{port}")
            scene.check(f"{name}: an outgoing connection", "python" in fact["process"], fact)
    up.manager.stop()


def play_guest(scene: Scene):
    """Another kernel, older than the one that the programs were built beside, and control groups of version 2."""
    manager = scene.manager()
    guest = scene.guest("web-01")
    scene.join(manager, guest)
    doctor = guest.run("mien doctor", expect=None)
    sensors = [line.strip() for line in doctor.text.splitlines() if "sensor-" in line]
    scene.check("guest: the doctor names each sensor and its way", len(sensors) >= 10, sensors)
    guest.in_service("web.service", "nc -l -p 8080")
    name, fact = seen(manager, "listener", "tcp/8080")
    scene.check("guest: a listener of a service is of that service", name == "web.service@web-01", (name, fact))
    guest.run("cp /bin/busybox /run/unseen; /run/unseen true; echo x > /etc/motd", expect=None)
    name, fact = seen(manager, "execution", "/run/unseen")
    scene.check("guest: a program never executed before", fact["user"] in ("root", "0"), (name, fact))
    scene.check("guest: a write below /etc", seen(manager, "write", "/etc/motd"))


def main(scene: Scene):
    play_one(scene, "ebpf", True)
    play_one(scene, "other-ways", False)
    play_guest(scene)


if __name__ == "__main__":
    play(main)
