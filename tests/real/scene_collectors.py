#!/usr/bin/env python3
"""Debian's collectd, asked by the manager through its write_prometheus, is an instance with the agent's names."""

import time
from pathlib import Path

from configured import Configured
from harness import Manager, Scene, play
from prometheus_peer import Peer, free_port, program


def start_collectd(scene: Scene, port: int):
    collectd = program("collectd", "collectd-core")
    files = Path(collectd).parents[1]  # /usr, or where it is unpacked
    config = scene.folder / "collectd.conf"
    config.write_text(f"""Hostname "collectd-01"
FQDNLookup false
Interval 1
BaseDir "{scene.folder}"
PIDFile "{scene.folder}/collectd.pid"
PluginDir "{files}/lib/collectd"
TypesDB "{files}/share/collectd/types.db"
LoadPlugin cpu
LoadPlugin load
LoadPlugin memory
LoadPlugin interface
LoadPlugin write_prometheus
<Plugin cpu>
  ReportByCpu false
</Plugin>
<Plugin write_prometheus>
  Host "127.0.0.1"
  Port "{port}"
</Plugin>
""")
    Peer(scene, "collectd", [collectd, "-f", "-C", config], f"http://127.0.0.1:{port}/metrics").start()


def series_of(manager: Manager, instance: str, since: float) -> dict[str, list]:
    answer = manager.get(f"/api/v1/instances/{instance}/series", **{"from": f"{since:.3f}"})
    return {s["metric"]: [v for v in s["mean"] if v is not None] for s in answer["series"]}


def main(scene: Scene):
    began = time.time()
    port = free_port()
    manager = Configured(scene, scene.folder / "manager", "127.0.0.1")
    manager.settings = f'scrape: [{{job: collectd, targets: ["127.0.0.1:{port}"], interval: 1s}}]\n'
    scene.stack.callback(manager.kill)
    scene.managers.append(manager)
    start_collectd(scene, port)
    manager.start()

    scene.await_instance(manager, "127.0.0.1")
    scene.await_samples(manager, "127.0.0.1", 5)
    ours = series_of(manager, "127.0.0.1", began)
    wanted = ["system.cpu.utilization", "system.cpu.load_average.1m", "system.memory.usage", "system.network.io"]
    scene.check("collectd's series have the agent's names", all(ours.get(name) for name in wanted),
                sorted(name for name in ours if name.startswith("system."))[:12])
    busy = ours["system.cpu.utilization"]
    scene.check("and its percentages are shares", all(0 <= value <= 1 for value in busy), busy[:5])


if __name__ == "__main__":
    play(main)
