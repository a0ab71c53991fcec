"""Debian's Prometheus, node_exporter and Alertmanager for a scene: from the system where they are installed, else unpacked beside the
scenes' other material (never installed: Debian would start them). All are ended by process id."""

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from guest import checked, die_with_parent
from harness import WORK
from hung import wait_until

START_DEADLINE = 60


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if found:
        return found
    kept = WORK / "peers" / package
    if not unpacked(kept, name):
        download = Path(tempfile.mkdtemp(prefix="peer-", dir=WORK))
        try:
            try:
                checked(["apt-get", "-q", "download", package], cwd=download)
            except RuntimeError:
                checked(["apt-get", "-q", "update"])
                checked(["apt-get", "-q", "download", package], cwd=download)
            checked(["dpkg", "-x", next(download.glob("*.deb")), download / "whole"])
            kept.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):  # another scene was quicker
                (download / "whole").rename(kept)
        finally:
            shutil.rmtree(download)
    return str(unpacked(kept, name))


def unpacked(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / "usr/bin" / name, folder / "usr/sbin" / name) if path.exists()), None)


def with_its_files(found: str) -> list[str]:
    """The command of a program that reads its package's files in /usr/share: unpacked, it sees them there alone."""
    share = Path(found).parents[1] / "share"
    if WORK not in share.parents:
        return [found]
    see = f"mount -t overlay overlay -o lowerdir={share}:/usr/share /usr/share && exec \"$@\""
    return ["unshare", "--mount", "sh", "-c", see, "sh", found]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """A process that is ready when its address answers."""

    def __init__(self, scene, name: str, command: list, url: str):
        self.scene, self.name, self.command, self.url = scene, name, command, url
        self.process = None
        scene.stack.callback(self.stop)

    def start(self):
        with open(self.scene.folder / f"{self.name}.log", "a") as log:
            self.process = subprocess.Popen(list(map(str, self.command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.scene.folder, preexec_fn=die_with_parent)
        wait_until(self.answers, START_DEADLINE, f"{self.name} does not answer at {self.url}")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}")
        try:
            return urllib.request.urlopen(self.url, timeout=5).status == 200
        except OSError:
            return False

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(START_DEADLINE)


def node_exporter(scene, port: int) -> Peer:
    return Peer(scene, "node-exporter", [program("prometheus-node-exporter", "prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{port}"],
                f"http://127.0.0.1:{port}/")


def prometheus(scene, targets: dict[str, int], write_to: str, options: str = "") -> Peer:
    """`targets`: the label instance of each, and the port it answers on. Scrapes every second, and cuts what it writes into requests
    that are smaller than a scrape."""
    port = free_port()
    static = "\n".join(f'    - targets: ["127.0.0.1:{at}"]\n      labels: {{instance: "{name}"}}' for name, at in targets.items())
    config = scene.folder / "prometheus.yml"
    config.write_text(f"""global: {{scrape_interval: 1s, external_labels: {{replica: a}}}}
remote_write:
- url: {write_to}
  queue_config: {{max_samples_per_send: 200, batch_send_deadline: 1s}}
  metadata_config: {{send_interval: 2s}}
  {options}
scrape_configs:
- job_name: node
  static_configs:
{static}
""")
    return Peer(scene, "prometheus", [program("prometheus", "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={scene.folder}/prometheus",
                                      f"--web.listen-address=127.0.0.1:{port}"], f"http://127.0.0.1:{port}/-/ready")


def alertmanager(scene, webhook: str) -> Peer:
    """Tells of an alert within a second, and of its end."""
    port = free_port()
    config = scene.folder / "alertmanager.yml"
    config.write_text(f"""route: {{receiver: mien, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: mien
  webhook_configs: [{{url: "{webhook}", send_resolved: true}}]
""")
    command = with_its_files(program("prometheus-alertmanager", "prometheus-alertmanager"))
    return Peer(scene, "alertmanager", [*command, f"--config.file={config}", f"--storage.path={scene.folder}/alertmanager",
                                        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], f"http://127.0.0.1:{port}/-/ready")


def failures(peer: Peer) -> float:
    """Samples that Prometheus had to drop because it was told that they can not be."""
    text = urllib.request.urlopen(peer.url.replace("/-/ready", "/metrics"), timeout=10).read().decode()
    return sum(float(value) for value in re.findall(r"^prometheus_remote_storage_samples_failed_total\{.*\} (\S+)$", text, re.M))
