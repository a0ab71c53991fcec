#!/usr/bin/env python3
"""The OpenTelemetry SDK for JavaScript, from npm's registry, sends over http/json and http/protobuf: two instances with the agent's names.
Needs the network, and so belongs to no tier that the everyday run has.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

from guest import checked, die_with_parent
from harness import ROOT, WORK, Manager, Scene, play
from hung import wait_until
from scene_collectors import series_of

DEADLINE = 120  # only says "hung"
# Fixed, so that a new release of theirs is looked at before it is believed.
PACKAGES = {"@opentelemetry/sdk-metrics": "2.0.1", "@opentelemetry/resources": "2.0.1", "@opentelemetry/host-metrics": "0.36.0",
            "@opentelemetry/exporter-metrics-otlp-http": "0.203.0", "@opentelemetry/exporter-metrics-otlp-proto": "0.203.0"}


def sdk_folder() -> Path:
    """The SDK from npm's registry, kept between runs."""
    kept = WORK / "peers/otel-js"
    wanted = json.dumps({"private": True, "dependencies": PACKAGES})
    if not (kept / "package.json").exists() or (kept / "package.json").read_text() != wanted or not (kept / "node_modules").exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        (kept / "package.json").write_text(wanted)
        checked(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=kept)
    shutil.copy(ROOT / "tests/real/otel_sender.js", kept / "send.js")
    return kept


def send_by_sdk(scene: Scene, manager: Manager, encoding: str, host: str):
    log = open(scene.folder / f"otel-{encoding}.log", "w")
    process = subprocess.Popen(["node", "send.js", f"{manager.url}/v1/metrics", encoding, host], cwd=sdk_folder(), stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log, preexec_fn=die_with_parent)
    scene.stack.callback(process.wait)
    scene.stack.callback(process.kill)


def main(scene: Scene):
    began = time.time()
    manager = scene.manager(address="127.0.0.1")
    for encoding in ("json", "protobuf"):
        send_by_sdk(scene, manager, encoding, f"js-{encoding}")
    for encoding in ("json", "protobuf"):
        name = f"js-{encoding}"
        scene.await_instance(manager, name)
        # The SDK's counter adds 3 ten times a second, and its histogram takes as many values.
        rate = lambda metric: [v for v in series_of(manager, name, began).get(metric, []) if v > 0]
        jobs = wait_until(lambda: rate("jobs")[4:] and rate("jobs"), DEADLINE, f"no rate of a counter over {encoding}", every=0.3)
        middle = sorted(jobs)[len(jobs) // 2]
        scene.check(f"a counter over http/{encoding} is its rate", 20 < middle < 33, f"{middle:.1f} a second")
        taken = series_of(manager, name, began)
        scene.check(f"a histogram over http/{encoding} is its count and sum", taken.get("job.duration.count") and taken.get("job.duration.sum"))
        scene.check(f"host metrics over http/{encoding} have canonical names", taken.get("system.memory.usage") and taken.get("system.cpu.time"),
                    sorted(metric for metric in taken if metric.startswith("system."))[:8])
        complaints = [line for line in (scene.folder / f"otel-{encoding}.log").read_text().splitlines() if line != "sending"]
        scene.check("the SDK has nothing to complain of", not complaints, complaints[:2])


if __name__ == "__main__":
    play(main)
