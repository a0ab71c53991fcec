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

    def records(self):
        out = []
        for item in self.manager.get("/api/v1/instances")["items"]:
            name = item["metadata"]["name"]
            reply = self.manager.ask("GET", f"/api/v1/instances/{name}/outside")
            out += reply.json().get("logs", []) if reply.status == 200 else []
        return out

    def seen(self, kind: str, value: str):
        named = lambda record: value in (record.get("attributes") or {}).values()
        found = lambda: [r for r in self.records() if r.get("event") == f"mien.security.{kind}" and named(r)]
        return wait_until(found, DEADLINE, f"no {kind} of {value} arrives", every=0.2)[0]["attributes"]


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
                    fact["process.pid"] == str(child.pid) and fact["user.name"] == "root" and "python" in fact["process.parents"], fact)
    finally:
        child.stdin.close()
        child.wait()
    (watched / "a").write_text("x")
    fact = up.seen("write", str(watched / "a"))
    scene.check(f"{name}: a write below a watched directory and by which program", "python" in fact.get("process.executable.path", ""), fact)
    secret.read_text()
    scene.check(f"{name}: a look at a sensitive file", up.seen("sensitive_read", str(secret)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        fact = up.seen("listener", f"tcp/{port}")
        scene.check(f"{name}: a new listener", fact["process.pid"] == str(os.getpid()), fact)
        with socket.create_connection(("127.0.0.1", port)):
            fact = up.seen("connection", f"127.0.0.1:{port}")
            scene.check(f"{name}: an outgoing connection", "python" in fact.get("process.executable.path", ""), fact)
    up.manager.stop()


def main(scene: Scene):
    play_one(scene, "ebpf", True)
    play_one(scene, "other-ways", False)


if __name__ == "__main__":
    play(main)
