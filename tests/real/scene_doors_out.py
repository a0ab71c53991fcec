#!/usr/bin/env python3
"""Who is told: Debian's Alertmanager receives a finding as an alert, hears that it is over, and always that Mien is alive;
Debian's Prometheus scrapes /metrics in OpenMetrics, evaluates the rules that are shipped, and takes our remote-write; a
webhook gets every event, signed, at least once and under the same name, though it fails at first and the manager is killed.
"""

import base64
import hashlib
import hmac
import http.server
import json
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from configured import Configured
from harness import ROOT, Manager, Scene, play
from hung import wait_until
from prometheus_peer import Peer, alertmanager, free_port, node_exporter, program

INSTANCE = "127.0.0.1"
DEADLINE = 120  # only says "hung"
SECRET = "a-secret-of-the-scene"


class Hook:
    """A webhook's other end: refuses until `well`, keeps what it was sent."""

    def __init__(self):
        self.well, self.heard, self.wrong = False, [], []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                name, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
                mac = hmac.new(SECRET.encode(), f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
                if self.headers["webhook-signature"] != "v1," + base64.b64encode(mac).decode():
                    hook.wrong.append(name)
                hook.heard.append((name, json.loads(body), hook.well))
                self.send_response(204 if hook.well else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self) -> list[str]:
        return [name for name, _, well in self.heard if well]


def ask(peer: Peer, path: str):
    with urllib.request.urlopen(peer.url.replace("/-/ready", path), timeout=30) as answer:
        return json.loads(answer.read())


def receiver(scene: Scene, port: int, scraped: int) -> Peer:
    config = scene.folder / "receiver.yml"
    config.write_text(f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{ROOT}/packaging/prometheus/mien.rules.yml"]
scrape_configs:
- job_name: mien
  static_configs: [{{targets: ["127.0.0.1:{scraped}"]}}]
""")
    return Peer(scene, "receiver", [program("prometheus", "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={scene.folder}/receiver",
                                    f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"], f"http://127.0.0.1:{port}/-/ready")


def query(peer: Peer, expression: str) -> list:
    return ask(peer, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))["data"]["result"]


def check_metrics(scene: Scene, manager: Manager):
    plain = manager.ask("GET", "/metrics")
    checked = subprocess.run([program("promtool", "prometheus"), "check", "metrics"], input=plain.text, capture_output=True, text=True)
    scene.check("promtool finds nothing in /metrics", checked.returncode == 0 and not checked.stderr.strip(), checked.stderr[:600])
    rules = subprocess.run([program("promtool", "prometheus"), "check", "rules", ROOT / "packaging/prometheus/mien.rules.yml"], capture_output=True, text=True)
    scene.check("promtool takes the rules that are shipped", rules.returncode == 0, (rules.stdout + rules.stderr).strip()[-100:])


def main(scene: Scene):
    exporter_port, own_port, write_port = free_port(), free_port(), free_port()
    hook = Hook()
    secret = scene.folder / "hook.secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    exporter = node_exporter(scene, exporter_port).start()
    manager = Configured(scene, scene.folder / "manager", "127.0.0.1")
    manager.port = own_port
    told = alertmanager(scene, f"http://127.0.0.1:{own_port}/api/v1/alerts").start()
    manager.settings = f"""scrape: [{{job: node, targets: ["127.0.0.1:{exporter_port}"], interval: 1s}}]
alertmanager: {{members: ["{told.url.replace('/-/ready', '')}", "http://127.0.0.1:1"], resend: 5s}}
webhooks: [{{name: scene, url: "http://127.0.0.1:{hook.port}/hook", secret_file: {secret}}}]
remote_write: [{{url: "http://127.0.0.1:{write_port}/api/v1/write", samples: all, interval: 1s}}]
"""
    scene.stack.callback(manager.kill)
    scene.managers.append(manager)
    manager.start()
    prometheus = receiver(scene, write_port, own_port).start()
    scene.await_instance(manager, INSTANCE)
    scene.await_samples(manager, INSTANCE, 5)
    check_metrics(scene, manager)

    names = lambda: {a["labels"]["alertname"] for a in ask(told, "/api/v2/alerts?active=true")}
    wait_until(lambda: "MienAlive" in names(), DEADLINE, "no MienAlive", every=0.2)
    scene.check("MienAlive fires", True)
    exporter.stop()
    silent = lambda: [f for f in manager.findings(INSTANCE) if f["kind"] == "silence" and f["state"] == "open"]
    finding = wait_until(silent, DEADLINE, "no finding", every=0.1)[0]
    found = time.time()
    alerts = lambda: [a for a in ask(told, "/api/v2/alerts?active=true") if a["labels"].get("finding") == finding["id"]]
    alert = wait_until(alerts, DEADLINE, "Alertmanager does not hear of it", every=0.1)[0]
    scene.check("Alertmanager has the finding as an alert", alert["labels"]["instance"] == INSTANCE and alert["labels"]["kind"] == "silence",
                f"after {time.time() - found:.1f} s: {alert['annotations']['summary']}")
    scene.check("a member that is not there holds up nobody", any("alertmanager 127.0.0.1:1" in line for line in manager.lines))
    outside = manager.get(f"/api/v1/instances/{INSTANCE}/outside")["alerts"]
    scene.check("our own alert, sent back, is no evidence", not outside, outside)

    opened = f"{finding['id']}.opened"
    wait_until(lambda: len(hook.heard) >= 2, DEADLINE, "the webhook is not tried", every=0.1)
    scene.check("nothing was taken while the webhook fails", not hook.taken())
    manager.kill()
    hook.well = True
    manager.start()
    wait_until(lambda: opened in hook.taken(), DEADLINE, "the event did not survive kill -9", every=0.1)
    scene.check("after kill -9 the webhook gets the event under its name", True, hook.taken())
    exporter.start()
    closed = f"{finding['id']}.resolved"
    wait_until(lambda: closed in hook.taken(), DEADLINE, "no event of its end", every=0.1)
    scene.check("and that it is over, in order", hook.taken().index(opened) < hook.taken().index(closed))
    scene.check("every signature is right", not hook.wrong, hook.wrong)
    wait_until(lambda: not alerts(), DEADLINE, "Alertmanager does not hear that it is over", every=0.2)
    scene.check("Alertmanager hears that it is over", "MienAlive" in names())

    up = wait_until(lambda: query(prometheus, 'mien_drift_score{instance_name="127.0.0.1", instance!=""}'), DEADLINE, "no scrape", every=0.3)
    scene.check("Prometheus scrapes /metrics", up)
    target = ask(prometheus, "/api/v1/targets")["data"]["activeTargets"][0]
    scene.check("without a complaint", target["health"] == "up" and not target["lastError"], target["lastError"])
    written = wait_until(lambda: query(prometheus, 'mien_drift_score{job="mien", instance=""}'), DEADLINE, "no remote-write", every=0.3)
    scene.check("it takes our scores by remote-write", written[0]["metric"]["instance_name"] == INSTANCE, written[0]["metric"])
    sent = wait_until(lambda: query(prometheus, 'system_cpu_utilization_ratio{instance="127.0.0.1"}'), DEADLINE, "no samples by remote-write", every=0.3)
    scene.check("and our samples", sent[0]["metric"]["job"] == "mien", sent[0]["metric"])
    rules = ask(prometheus, "/api/v1/rules")["data"]["groups"]
    broken = [rule["name"] for group in rules for rule in group["rules"] if rule.get("lastError")]
    scene.check("the shipped rules evaluate", rules and not broken, broken or f"{sum(len(g['rules']) for g in rules)} rules")
    counted = lambda name: next((float(line.rsplit(" ", 1)[1]) for line in manager.ask("GET", "/metrics").text.splitlines()
                                 if line.startswith(name) and 'kind="remote_write"' in line), 0.0)
    prometheus.stop()
    away = time.time()
    wait_until(lambda: counted("mien_outbound_waiting") >= 5, DEADLINE, "the queue does not grow", every=0.2)
    back = time.time()
    prometheus.start()
    wait_until(lambda: counted("mien_outbound_waiting") <= 1, DEADLINE, "the queue does not empty", every=0.2)
    span = int(back - away)
    points = query(prometheus, f'count_over_time(system_cpu_utilization_ratio{{instance="{INSTANCE}"}}[{span}s] @ {back:.3f})')
    scene.check("what waited arrives when Prometheus is back", points and float(points[0]["value"][1]) >= span - 3,
                f"{points and points[0]['value'][1]} samples of {span} s")


if __name__ == "__main__":
    play(main)
