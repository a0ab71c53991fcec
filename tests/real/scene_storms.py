#!/usr/bin/env python3
"""A Debian with systemd, and what comes in numbers: packages that apt installs and upgrades are one finding; storms of
processes and of connections do not push the agent over its budget, and what is shed is counted and shown. Its logins are told from the
live journal, and its node_exporter and its agent are one instance.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

from configured import Configured
from guest import checked
from harness import WORK, Scene, play
from hung import wait_until
from prometheus_peer import free_port, program
from systemd_guest import SystemdImage

HOST = "unit-01"
PACKAGES = 20
STORM = 10  # seconds in the guest
CPU_BUDGET = 0.1  # of one emulated CPU: an instruction there takes ten to twenty times as long
DEADLINE = 200  # only says "hung"
PERSONA = """
apiVersion: mien.dev/v1
kind: Persona
metadata: {name: sealed}
spec:
  extends: [linux-server]
  security:
    files: {deny_write: ["/usr/**"]}
"""
AGENT_UNIT = """[Unit]
Description=Mien agent
[Service]
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/bin/sh /root/join
"""
HAS_ROUTE = r"grep -qP '\t00000000\t0202000A' /proc/net/route"
NETWORK = "[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n"
FORKS = """perl -e '$end = time + SECONDS; while (time < $end) { my $p = fork; if (!$p) { exec "/bin/true" } waitpid $p, 0; $n++ } print $n'"""
# Refused at once, each by an address never used before.
CONNECTIONS = """perl -MSocket -e '$end = time + SECONDS; while (time < $end) { for (1 .. 100) { socket(my $s, PF_INET, SOCK_STREAM, 0);
 connect($s, pack_sockaddr_in(9, pack("N", 0x7f010000 + ($n++ % 65000)))); close $s } } print $n'"""


def make_packages(folder: Path, version: str) -> Path:
    """Packages of a few files and a script each, as apt gets them."""
    out = folder / f"debs-{version}"
    out.mkdir()
    for number in range(PACKAGES):
        tree = folder / "tree"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(f"Package: part{number:02}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <n@example.org>\n"
                                             "Description: part of a test\n")
        (tree / "DEBIAN/postinst").write_text("#!/bin/sh\nset -e\ntouch /etc/part.stamp\n")
        (tree / "DEBIAN/postinst").chmod(0o755)
        for name in ("bin", "share/part", "lib/part"):
            (tree / "usr" / name).mkdir(parents=True)
            (tree / "usr" / name / f"part{number:02}").write_text(version)
        checked(["dpkg-deb", "--root-owner-group", "--build", tree, out / f"part{number:02}.deb"])
        shutil.rmtree(tree)
    return out


def facts(manager, kind: str):
    reply = manager.ask("GET", f"/api/v1/instances/{HOST}/facts?kind={kind}&limit=1000")
    return reply.json()["items"] if reply.status == 200 else []


def join(scene: Scene, manager, guest):
    guest.write("/etc/systemd/network/10-all.network", NETWORK)
    guest.run(f"""systemctl start systemd-networkd; i=0
until {HAS_ROUTE} || [ $i -gt 300 ]; do i=$((i + 1)); sleep 0.2; done; {HAS_ROUTE}""", deadline=DEADLINE)
    guest.write("/root/join", manager.mien("enroll", "--ttl", "20m").out.strip() + " --config /etc/mien/agent.yaml\n")
    guest.write("/etc/mien/agent.yaml", f"budget: {{cpu: {CPU_BUDGET:.0%}, memory: 64MiB}}\n")
    guest.write("/etc/systemd/system/mien-agent.service", AGENT_UNIT)
    guest.run("systemctl daemon-reload && systemctl start mien-agent.service", deadline=DEADLINE)
    scene.await_instance(manager, HOST)


def an_upgrade(scene: Scene, manager, guest):
    manager.mien("apply", "-f", "-", stdin=PERSONA)
    manager.mien("activate", "sealed", "--instance", HOST)
    scene.await_samples(manager, HOST, 3)
    before = {f["id"] for f in manager.findings()}
    for version, what in (("1.0", "installed"), ("2.0", "upgraded")):
        # As a person does it: in a session, which is no service.
        guest.run(f"systemd-run --scope --quiet apt-get install -y -qq -o Dpkg::Use-Pty=0 /root/debs-{version}/*.deb", deadline=DEADLINE)
        names = lambda: {f["object"] for f in facts(manager, "package") if f["detail"].endswith(version) or version == "1.0"}
        told = wait_until(lambda: len(names()) >= PACKAGES and names(), DEADLINE, f"{PACKAGES} packages {what} by apt are not told", every=0.5)
        scene.check(f"{len(told)} packages {what} by apt are told", True)
    writes = [f for f in facts(manager, "write") if f["object"].startswith("/usr/")]
    scene.await_samples(manager, HOST, 5)
    found = [f for f in manager.findings() if f["id"] not in before and f["kind"] == "security"]
    shown = [(f["severity"], f["instance"], f["summary"]) for f in found]
    scene.check(f"an installation and an upgrade of {PACKAGES} packages, {len(writes)} files written below a sealed /usr, are one finding",
                len(found) == 1 and len(writes) >= PACKAGES, shown)


def logins(scene: Scene, manager, guest):
    guest.run("useradd -m alice 2>/dev/null; su - alice -c true", expect=None, deadline=DEADLINE)
    became = wait_until(lambda: [f for f in facts(manager, "sudo") if f["object"] == "alice"], DEADLINE, "no fact of su from the live journal", every=0.3)
    scene.check("who became another user is told from the live journal", became[0]["user"] in ("root", "(to", "0"), became[0])
    guest.run("logger -p auth.info -t sshd 'Accepted publickey for deploy from 10.0.0.9 port 4242 ssh2: ED25519 SHA256:x'")
    came = wait_until(lambda: facts(manager, "login"), DEADLINE, "no fact of a login", every=0.3)
    scene.check("and who logged in from where", came[0]["object"] == "deploy" and came[0]["detail"] == "10.0.0.9", came[0])
    guest.run("journalctl --rotate && logger -p auth.info -t sshd 'Accepted publickey for rotated from 10.0.0.9 port 4242 ssh2: ED25519 SHA256:x'")
    wait_until(lambda: [f for f in facts(manager, "login") if f["object"] == "rotated"], DEADLINE, "no login is told after the journal was rotated", every=0.3)
    scene.check("also after the journal was rotated", True)


def counts(scene: Scene, manager, guest):
    began = time.time() + guest.clock_offset()
    guest.run("systemd-run --quiet --unit=herd sh -c 'for i in 1 2 3 4; do sleep 600 & done; wait'")
    scene.await_instance(manager, f"herd.service@{HOST}")
    herd = lambda metric: [v for _, v in manager.points(f"herd.service@{HOST}", metric, began)]
    wait_until(lambda: herd("system.process.count")[-1:] == [5], DEADLINE, "the five processes of a service are not counted", every=0.5)
    scene.check("a service's processes and threads are counted", herd("system.linux.threads")[-1:] == [5], herd("system.linux.threads")[-3:])
    scene.await_samples(manager, HOST, 3)
    told = [v for _, v in manager.points(HOST, "system.process.count", began, {})][-1]
    seen = int(guest.run("ls -d /proc/[0-9]* | wc -l").text.strip())
    scene.check("and those of the host, as /proc lists them", abs(told - seen) <= 5, f"{told:.0f} told, {seen} listed")
    guest.run("systemctl stop herd.service")


def one_instance(scene: Scene, manager, guest):
    """The manager asks the guest's exporter, which is named as its agent is."""
    guest.run("setsid /usr/local/bin/prometheus-node-exporter --collector.disable-defaults --collector.uname --collector.loadavg --collector.entropy"
              " </dev/null >/root/exporter.log 2>&1 &")
    guest.qmp("human-monitor-command", **{"command-line": f"hostfwd_add net tcp:127.0.0.1:{manager.exporter_port}-:9100"})
    series = lambda: manager.get(f"/api/v1/instances/{HOST}/series", metric="node_entropy_available_bits")["series"]
    wait_until(lambda: series(), DEADLINE, "what the exporter alone knows does not join the agent's instance", every=0.5)
    names = [item["metadata"]["name"] for item in manager.get("/api/v1/instances")["items"]]
    hosts = [name for name in names if "@" not in name]
    scene.check("a host's agent and its exporter are one instance", hosts == [HOST], names)
    load = manager.get(f"/api/v1/instances/{HOST}/series", metric="system.cpu.load_average.1m")["series"]
    scene.check("what the agent tells is told by it alone", len(load) == 1, [each["attributes"] for each in load])


def newest(manager, metric: str, since: float, attributes: dict | None = None) -> list[float]:
    return [value for _, value in manager.points(HOST, metric, since, attributes)]


def a_storm(scene: Scene, manager, guest, what: str, script: str, metric: str):
    began = time.time() + guest.clock_offset()
    done = int(guest.run(script.replace("SECONDS", str(STORM)), deadline=DEADLINE).text.strip() or 0)
    scene.await_samples(manager, HOST, 5)
    rate = newest(manager, metric, began)
    counted = max(rate, default=0)
    scene.check(f"{what}: {done / STORM:.0f} a second are a rate of the host", counted > 0.3 * done / STORM, f"up to {counted:.0f} a second")
    cpu = newest(manager, "mien.agent.cpu.utilization", began)
    resident = newest(manager, "mien.agent.memory.usage", began)
    pressure = newest(manager, "mien.agent.pressure", began)
    scene.check(f"{what}: the agent keeps its budget", cpu and cpu[-1] <= CPU_BUDGET and max(resident) < 64 << 20,
                f"of a CPU {[round(value, 3) for value in cpu]}, {max(resident, default=0) / 2**20:.1f} MiB, pressure up to {max(pressure, default=0):.0f}")
    return began


def main(scene: Scene):
    debs = [make_packages(scene.folder, version) for version in ("1.0", "2.0")]
    image = SystemdImage.build([scene.program], WORK)
    scene.stack.callback(image.remove)
    for folder in debs:
        shutil.copytree(folder, image.root / "root" / folder.name)
    shutil.copy2(program("prometheus-node-exporter", "prometheus-node-exporter"), image.root / "usr/local/bin/prometheus-node-exporter")
    port = free_port()
    targets = scene.folder / "targets.json"
    targets.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": f"{HOST}:9100"}}]))
    manager = Configured(scene, scene.folder / "manager", scene.outside_address())
    manager.settings = f"scrape: [{{job: node, files: [{targets}], interval: 1s}}]\n"
    manager.exporter_port = port
    scene.stack.callback(manager.kill)
    scene.managers.append(manager)
    manager.start()
    scene.say("the guest is booting")
    guest = scene.stack.enter_context(image.guest(scene.folder, HOST))
    guest.run("systemctl stop hog.service", expect=None)
    scene.say("the guest is up")
    join(scene, manager, guest)
    scene.await_samples(manager, HOST, 5)
    logins(scene, manager, guest)
    counts(scene, manager, guest)
    one_instance(scene, manager, guest)
    an_upgrade(scene, manager, guest)
    a_storm(scene, manager, guest, "a fork storm", FORKS, "mien.execution.count")
    began = a_storm(scene, manager, guest, "a storm of connections", CONNECTIONS, "mien.connection.count")
    shed = lambda: max((sum(newest(manager, "mien.agent.shed", began, {"what": what}) or [0]) for what in ("sightings", "facts")), default=0)
    scene.check("what was shed is counted", wait_until(shed, DEADLINE, "nothing shed is counted", every=0.5) > 0, f"{shed():.0f} a second, summed")
    described = manager.mien("describe", "instance", HOST).out
    scene.say(f"`mien describe instance` says:\n{described}")


if __name__ == "__main__":
    play(main)
