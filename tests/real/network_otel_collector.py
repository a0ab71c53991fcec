#!/usr/bin/env python3
"""The OpenTelemetry Collector, built here from its modules, watches this host with its host metrics receiver and sends over OTLP/HTTP: an
instance with the agent's names and the agent's values, a row a round. Needs the network (Go's toolchain and module proxy) and minutes to
build, and so belongs to no tier that the everyday run has.
"""

import hashlib
import os
import shutil
import subprocess
import time
import urllib.request
import zipfile
from pathlib import Path

from guest import checked, die_with_parent
from harness import WORK, Manager, Scene, play
from hung import wait_until
from scene_collectors import series_of

DEADLINE = 120  # only says "hung"
# Fixed, so that a new release of theirs is looked at before it is believed.
GO = "v0.0.1-go1.26.9.linux-amd64"
GO_SHA256 = "230491b72a467789b089cbfff44e19eb45cb60fb071970bcbe1e9a9384554637"
BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.160.0"
MANIFEST = """
dist: {name: otelcol, output_path: ./built}
receivers:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver v0.160.0
processors:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor v0.160.0
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v0.160.0
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.66.0
conf_resolver: {default_uri_scheme: file}
"""
CONFIG = """
receivers:
  host_metrics:
    collection_interval: 1s
    scrapers: {{cpu: , load: , memory: {{metrics: {{system.memory.utilization: {{enabled: true}}}}}}, disk: , filesystem: , network: , paging: , processes: }}
processors:
  resource: {{attributes: [{{key: host.name, value: {host}, action: upsert}}]}}
exporters:
  otlp_http: {{endpoint: "{url}", encoding: {encoding}, compression: {compression}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    metrics: {{receivers: [host_metrics], processors: [resource], exporters: [otlp_http]}}
"""
SENDERS = {"otel-protobuf": ("proto", "gzip"), "otel-json": ("json", "zstd")}


def toolchain(kept: Path) -> Path:
    """Go as its own download service has it: Debian 12's is too old for the Collector."""
    go = kept / f"golang.org/toolchain@{GO}/bin/go"
    if not go.exists():
        packed = kept / "go.zip"
        urllib.request.urlretrieve(f"https://proxy.golang.org/golang.org/toolchain/@v/{GO}.zip", packed)
        found = hashlib.sha256(packed.read_bytes()).hexdigest()
        if found != GO_SHA256:
            raise RuntimeError(f"Go's toolchain {GO} has the sum {found}, {GO_SHA256} is expected")
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(kept)
        packed.unlink()
        for folder in ("bin", "pkg/tool"):
            for program in (go.parent.parent / folder).rglob("*"):
                program.chmod(0o755)
    return go


def collector() -> Path:
    """The Collector's program, kept between runs."""
    kept = WORK / "peers/otel-collector"
    built, manifest = kept / "built/otelcol", kept / "builder.yaml"
    if not built.exists() or manifest.read_text() != MANIFEST:
        shutil.rmtree(kept / "built", ignore_errors=True)
        kept.mkdir(parents=True, exist_ok=True)
        manifest.write_text(MANIFEST)
        go = toolchain(kept)
        own = {"GOPATH": str(kept / "go"), "GOCACHE": str(kept / "cache"), "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0",
               "PATH": f"{go.parent}:{os.environ['PATH']}"}
        checked([go, "run", BUILDER, "--config", manifest], cwd=kept, env=os.environ | own)
    return built


def send(scene: Scene, manager: Manager, host: str):
    encoding, compression = SENDERS[host]
    config = scene.folder / f"{host}.yaml"
    config.write_text(CONFIG.format(host=host, url=manager.url, encoding=encoding, compression=compression))
    log = open(scene.folder / f"{host}.log", "w")
    process = subprocess.Popen([collector(), "--config", f"file:{config}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
    scene.stack.callback(process.wait)
    scene.stack.callback(process.kill)


def memory_limit() -> float:
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return 1024 * float(meminfo["MemTotal"].split()[0])


def main(scene: Scene):
    scene.say("the Collector is there, or is being built")
    collector()
    manager = scene.manager(address="127.0.0.1")
    began = time.time()
    for host in SENDERS:
        send(scene, manager, host)
    for host, (encoding, compression) in SENDERS.items():
        over = f"over {encoding}, {compression}"
        scene.await_instance(manager, host)
        scene.await_samples(manager, host, 10)
        seen = lambda: series_of(manager, host, began)
        busy = wait_until(lambda: seen().get("system.cpu.utilization", [])[4:], DEADLINE, f"no utilization of the CPUs {over}", every=0.3)
        taken = seen()
        wanted = ["system.cpu.utilization", "system.cpu.load_average.1m", "system.memory.usage", "system.memory.utilization",
                  "system.filesystem.utilization", "system.network.io", "system.disk.io"]
        scene.check(f"the Collector's series have the agent's names {over}", all(taken.get(name) for name in wanted),
                    [name for name in wanted if not taken.get(name)])
        scene.check(f"the CPUs' utilization is a share {over}", all(0 <= share <= 1.01 for share in busy), busy[:5])
        share, used = (manager.points(host, metric, began, state)[-1][1] for metric, state in
                       (("system.memory.utilization", {}), ("system.memory.usage", {"state": "used"})))
        scene.check(f"used memory and its share belong together {over}", abs(used / memory_limit() - share) < 0.02, f"{used:.3g} bytes, share {share:.3f}")
        times = {metric: {at for at, _ in manager.points(host, metric, began)} for metric in ("system.cpu.load_average.1m", "system.memory.utilization")}
        shared = set.intersection(*times.values())
        scene.check(f"scrapers of one round are one row {over}", len(shared) >= 0.8 * max(map(len, times.values())), {m: len(t) for m, t in times.items()})
        complaints = [line for line in (scene.folder / f"{host}.log").read_text().splitlines() if "otlp_http" in line and "\terror\t" in line]
        scene.check(f"the Collector has nothing to complain of {over}", not complaints, complaints[:2])


if __name__ == "__main__":
    play(main)
