#!/usr/bin/env python3
"""How long from a bad batch until something is done about it, and how fast time passes when it is made or replayed.

  reaction.py                      everything below, tables for RESULTS.md; about six minutes
  reaction.py --only wire          batch to order on the wire
  reaction.py --only prometheus    the same reaction beside Prometheus and Alertmanager
  reaction.py --only days          simulated and replayed instance-days a second

Wire. A simulated agent enrols at `mien up`, says that it may `limit`, and waits in its long poll. Each of its services
is fresh: three samples above a declared limit, then the fourth, which is timed: it opens the finding (a limit wants
four samples in a row), a policy in `enforce` acts on it, and the order leaves. The clock starts before the batch is written
and stops when the order has been read from the waiting poll. Both ends are one thread here, so nothing of ours waits
for another. Once with one policy, once with 1,000 more (of other kinds, personas, labels and pools, so that the index can not
drop them all alike) and 9,600 more instances that have sent a sample each (10,000 is the most that a manager knows); each with the data on disk and in memory.
The agent reports each order as applied, and as ended before the next one; the last two runs leave them all standing.
The guards are asked as ever; budget and settle time are generous, so that none of them refuses. "CPU" is the manager's,
from one batch to the next, with the reports and its ticks.

Prometheus. An exporter whose series cross a line at known instants, scraped and evaluated each second, a rule without `for` and
one with `for: 3s`, Alertmanager with `group_wait: 0s` and a group for each series, a webhook. Both are started by hand on
free ports, with directories of their own (Debian: prometheus prometheus-alertmanager; not installed by this script,
because Debian would start them; without them this part is left out). Prometheus draws the moments within the second at
which it scrapes and evaluates from its names, so it is started several times under other names. Ours beside it: services
whose samples are sent once a second, whatever the moment of the crossing.

Days. `mien-sim` over some seeds, and `mien replay --input` on a made week of rows each ten seconds, by CPU time."""
import argparse
import heapq
import http.server
import json
import os
import random
import re
import resource
import select
import shutil
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

import latency
import measure

HOST = "bench-host"
POLICY = """---
apiVersion: mien.dev/v1
kind: Policy
metadata: {name: contain}
spec:
  match: {personas: [bench-limited], kinds: [limit]}
  mode: enforce
  ladder: [{do: limit, with: {cpu: 50%}, lease: 2h}]
  guards: {budget: {actions: 100000, per: 1h}, cooldown: 1h, settle: 1h, repeats: 1000}
"""
OTHER = """---
apiVersion: mien.dev/v1
kind: Policy
metadata: {name: other-%d}
spec:
  match: {%s}
  mode: enforce
  ladder: [{do: limit, with: {cpu: 50%%}, lease: 30m}]
"""
OTHER_MATCHES = ("kinds: [spike, level], severity: medium", "kinds: [limit], personas: [other-persona-NR]",
                 "kinds: [limit], labels: {tier: other-NR}", "pools: [other-pool-NR]")
most_documents = 900  # in one file; the program takes 1,000


# ---- a simulated agent ----

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def part(number, content):
    """A field of bytes, text or a message inside a protobuf message."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def batch(agent, instances, times, values):
    """OTLP as our agents send it: `values` (name to number) of each of these instances at each of these times."""
    out = b""
    for instance in instances:
        marks = {"mien.instance": instance, "mien.type": "host" if instance == agent else "service"}
        if instance != agent:
            marks["mien.parent"] = agent
        described = b"".join(part(1, part(1, key) + part(2, part(1, value))) for key, value in marks.items())
        metrics = b""
        for name, value in values.items():
            points = b"".join(part(1, b"\x19" + struct.pack("<Q", t) + b"\x21" + struct.pack("<d", value)) for t in times)
            metrics += part(2, part(1, name) + part(5, points))
        out += part(1, part(1, described) + part(2, metrics))
    return out


def receive(connection):
    """One whole answer; its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            raise SystemExit("the manager hung up")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise SystemExit(f"the manager said {head.decode()}\n{body.decode()}")
    return body


class Agent:
    def __init__(self, program, mien, name):
        self.port, self.name, self.sequence, self.after = mien.port, name, 0, 0
        line = subprocess.run([str(program), "--server", mien.url, "enroll", "--ttl", "10m"], check=True, capture_output=True,
                              text=True).stdout
        once = re.search(r"echo (\S+) \|", line).group(1)
        request = urllib.request.Request(mien.url + "/api/v1/enroll", json.dumps({"token": once, "agent": name}).encode(),
                                         {"content-type": "application/json"})
        self.token = json.load(urllib.request.urlopen(request, timeout=30))["token"]
        self.door, self.waiting, self.reporting = (latency.connect(self.port) for _ in range(3))

    def head(self, line):
        return f"{line} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nauthorization: Bearer {self.token}\r\nmien-agent: {self.name}\r\n"

    def request(self, body):
        self.sequence += 1
        return (self.head("POST /v1/metrics") + f"content-type: application/x-protobuf\r\nmien-epoch: 1\r\nmien-sequence: "
                f"{self.sequence}\r\ncontent-length: {len(body)}\r\n\r\n").encode() + body

    def send(self, body):
        self.door.sendall(self.request(body))
        receive(self.door)

    def report(self, body):
        text = json.dumps({"protocol": 1, "reports": []} | body)
        self.reporting.sendall((self.head(f"POST /api/v1/agents/{self.name}/reports") +
                                f"content-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n{text}").encode())
        receive(self.reporting)

    def abilities(self):
        self.report({"abilities": {"agent": self.name, "boot_id": "bench", "can": ["limit"], "allow": ["limit"], "never_touch": [],
                                   "held": False}})

    def became(self, order, state):
        """Says that an order is in force ("applied"), or that its lease is over ("reverted")."""
        stamp = lambda t: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))
        self.report({"reports": [{"action": order["action"], "state": state, "note": "",
                                  "reason": "lease_over" if state == "reverted" else "none",
                                  "at": stamp(time.time()), "expires_at": stamp(time.time() + order["lease_ms"] / 1000),
                                  "changes": [{"key": "cpu.max", "before": "max 100000", "after": "100000 100000", "found": ""}]}]})

    def poll(self):
        self.waiting.sendall((self.head(f"GET /api/v1/agents/{self.name}/directives?after={self.after}") + "\r\n").encode())

    def heard(self):
        """The orders of an answer to the poll, which is there to be read."""
        told = json.loads(receive(self.waiting))
        self.after = told["next"]
        return [one for one in told["directives"] if one["type"] == "order"]

    def until_quiet(self, quiet=2.5):
        """Polls until nothing has been said for a while, and leaves a poll waiting."""
        self.poll()
        while select.select([self.waiting], [], [], quiet)[0]:
            self.heard()
            self.poll()


def series(count, memory):
    return {latency.METRIC: memory} | {f"app.metric.{s}": 0.5 + s for s in range(count - 1)}


def prepared(program, place, directory, names, policies, instances):
    """`mien up` that knows all this, and the agent, in its poll."""
    directory.mkdir()
    mien = measure.Mien(place, program, directory / "data")
    texts = [latency.PERSONA, POLICY] + [OTHER % (i, OTHER_MATCHES[i % len(OTHER_MATCHES)].replace("NR", str(i))) for i in range(policies)]
    texts += [latency.INSTANCE % name for name in names]
    for first in range(0, len(texts), most_documents):
        subprocess.run([str(program), "--server", mien.url, "apply", "-f", "-"], check=True, stdout=subprocess.DEVNULL,
                       input="".join(texts[first:first + most_documents]).encode())
    each = 200
    for number in range(instances // each):
        host = f"fleet-{number}"
        known = [host] + [f"service-{i}@{host}" for i in range(each - 1)]
        Agent(program, mien, host).send(batch(host, known, [time.time_ns()], series(3, 0.4)))
    agent = Agent(program, mien, HOST)
    agent.abilities()
    return mien, agent


# ---- batch to order ----

def wire_one(program, place, directory, count, policies, instances, standing, arguments):
    names = [f"timed-{i}.service@{HOST}" for i in range(count)]
    mien, agent = prepared(program, place, directory, names, policies, instances)
    for name in names:
        now = time.time_ns()
        agent.send(batch(HOST, [name], [now - s * 10**9 for s in (3, 2, 1)], series(arguments.series, 0.97)))
    agent.until_quiet()
    ordered, answered, syncs = [], [], []
    spent = measure.cpu_seconds(mien.manager)
    for name in names:
        payload = agent.request(batch(HOST, [name], [time.time_ns()], series(arguments.series, 0.97)))
        syncs.append(latency.sync_time(directory))
        time.sleep(arguments.pause)
        got = order = None
        started = time.perf_counter()
        agent.door.sendall(payload)
        while got is None or order is None:
            ready = select.select([agent.waiting] + ([agent.door] if got is None else []), [], [], 10)[0]
            now = time.perf_counter()
            if not ready:
                why = subprocess.run([str(program), "--server", mien.url, "why", name], capture_output=True, text=True)
                raise SystemExit(f"no order on {name} within 10 s ({policies} more policies, {instances} more instances):\n{why.stdout}{why.stderr}")
            if agent.door in ready:
                receive(agent.door)
                got = now - started
            if agent.waiting in ready:
                for one in agent.heard():
                    if one["target"] == name and order is None:
                        order = one
                        ordered.append(time.perf_counter() - started)
                agent.poll()
        answered.append(got)
        agent.became(order, "applied")
        if not standing:
            agent.became(order, "reverted")
    spent = (measure.cpu_seconds(mien.manager) - spent) / len(names)
    mien.stop()
    return ordered, answered, syncs, spent


def wire(arguments):
    rows, orders = [], {}
    large = (arguments.policies, arguments.instances)
    for policies, instances, standing in ((0, 0, False), (*large, False), (*large, True)):
        for words, under in (("disk", arguments.disk), ("memory", "/dev/shm")):
            with measure.Workplace(under) as place:
                ordered, answered, syncs, spent = wire_one(arguments.program, place, place.path / "run", arguments.orders, policies,
                                                           instances, standing, arguments)
            known = f"{instances + arguments.orders + 2:,}"
            if not standing:
                orders[f"{known} instances, data in {words}"] = ordered
            both = lambda values: "{} / {}".format(*latency.milliseconds(values)[:2])
            rows.append([f"{policies + 1:,}", known, "each stands" if standing else "ended each time", words, len(ordered),
                         *latency.milliseconds(ordered), both(answered), both(syncs), f"{1e3 * spent:.1f}"])
            print(measure.machine(), *rows[-1], sep="; ", flush=True)
    print(measure.table(["policies", "instances", "actions", "data in", "n", "p50 ms", "p99 ms", "max ms", "answer p50 / p99",
                         "fdatasync p50 / p99", "CPU ms"], rows) + "\n", flush=True)
    return orders


# ---- beside Prometheus ----

def once_a_second(arguments):
    """From the crossing to the order, of services that are sent once a second; crossings are anywhere between."""
    names = [f"timed-{i}.service@{HOST}" for i in range(arguments.crossings)]
    with measure.Workplace(arguments.disk) as place:
        mien, agent = prepared(arguments.program, place, place.path / "run", names, 0, 0)
        agent.send(batch(HOST, names, [time.time_ns()], series(3, 0.4)))
        agent.until_quiet()
        begin = time.time() + 1
        due = [(begin + random.random(), name) for name in names]
        heapq.heapify(due)
        crossing = {name: begin + 4 + 6 * random.random() for name in names}
        took = {}
        while len(took) < len(names):
            at, name = due[0]
            if at > begin + 60:
                raise SystemExit(f"no order on {set(names) - set(took)} within a minute")
            if select.select([agent.waiting], [], [], max(0.0, at - time.time()))[0]:
                for order in agent.heard():
                    took.setdefault(order["target"], time.time() - crossing[order["target"]])
                agent.poll()
            elif time.time() >= at:
                now = time.time()
                agent.send(batch(HOST, [name], [int(now * 1e9)], series(3, 0.97 if now >= crossing[name] else 0.4)))
                heapq.heapreplace(due, (at + 1, name))
        mien.stop()
    return list(took.values())


class Crossings:
    """The exporter and the webhook: when each series crossed, was first scraped so, and was told of."""

    def __init__(self, count):
        self.at = [float("inf")] * count
        self.scraped, self.told, self.scrapes = {}, {}, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                now = time.time()
                outer.scrapes += 1
                for i, at in enumerate(outer.at):
                    if now >= at:
                        outer.scraped.setdefault(i, now)
                text = "".join(f'bench_value{{id="{i}"}} {int(now >= at)}\n' for i, at in enumerate(outer.at)).encode()
                self.respond(text)

            def do_POST(self):
                told = json.loads(self.rfile.read(int(self.headers["content-length"])))
                now = time.time()
                for alert in told["alerts"]:
                    outer.told.setdefault((alert["labels"]["alertname"], int(alert["labels"]["id"])), now)
                self.respond(b"")

            def respond(self, text):
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def until_ready(url, within=30):
    until = time.monotonic() + within
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise SystemExit(f"{url} did not answer within {within} s")
            time.sleep(0.1)


def prometheus_once(arguments, run, count):
    """Figures of one start: crossing to webhook without and with `for: 3s`, and scrape to webhook without."""
    crossings = Crossings(count)
    with measure.Workplace(arguments.disk) as place:
        web, manager = measure.free_port(), measure.free_port()
        (place.path / "rules.yml").write_text(f"""groups:
- name: run-{run}
  rules:
  - {{alert: Crossed, expr: bench_value > 0.5}}
  - {{alert: CrossedFor, expr: bench_value > 0.5, for: 3s}}
""")
        (place.path / "prometheus.yml").write_text(f"""global:
  {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s, external_labels: {{run: "{run}"}}}}
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{manager}']}}]}}]}}
rule_files: [rules.yml]
scrape_configs: [{{job_name: bench, static_configs: [{{targets: ['127.0.0.1:{crossings.port}']}}]}}]
""")
        (place.path / "alertmanager.yml").write_text(f"""route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{crossings.port}/', send_resolved: false}}]}}]
""")
        place.start(["prometheus-alertmanager", f"--config.file={place.path}/alertmanager.yml", f"--storage.path={place.path}/alerts",
                     f"--web.listen-address=127.0.0.1:{manager}", "--cluster.listen-address="], "alertmanager")
        until_ready(f"http://127.0.0.1:{manager}/-/ready")
        place.start(["prometheus", f"--config.file={place.path}/prometheus.yml", f"--storage.tsdb.path={place.path}/series",
                     f"--web.listen-address=127.0.0.1:{web}"], "prometheus")
        until_ready(f"http://127.0.0.1:{web}/-/ready")
        begin = time.time() + 4
        crossings.at = [begin + 0.7 * i + 0.7 * random.random() for i in range(count)]
        until = crossings.at[-1] + 30
        while len(crossings.told) < 2 * count and time.time() < until:
            time.sleep(0.2)
        if len(crossings.told) < 2 * count:
            raise SystemExit(f"only {len(crossings.told)} of {2 * count} alerts came; {crossings.scrapes} scrapes")
        crossings.server.shutdown()
    plain, patient, arrived = [], [], []
    for i in range(count):
        plain.append(crossings.told["Crossed", i] - crossings.at[i])
        patient.append(crossings.told["CrossedFor", i] - crossings.at[i])
        arrived.append(crossings.told["Crossed", i] - crossings.scraped[i])
    return plain, patient, arrived


def beside_prometheus(arguments, orders):
    if not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")):
        print("prometheus and prometheus-alertmanager are not installed: left out\n")
        return
    figures = [[], [], []]
    for run in range(arguments.starts):
        for into, more in zip(figures, prometheus_once(arguments, run, arguments.crossings // arguments.starts)):
            into += more
    plain, patient, arrived = figures
    rows = [["Prometheus: crossing to webhook, no `for`", len(plain), *latency.milliseconds(plain)],
            ["Prometheus: crossing to webhook, `for: 3s`", len(patient), *latency.milliseconds(patient)],
            ["Prometheus: scraped sample to webhook, no `for`", len(arrived), *latency.milliseconds(arrived)]]
    ours = once_a_second(arguments)
    rows.append(["Mien: crossing to order, samples each second", len(ours), *latency.milliseconds(ours)])
    print(measure.machine())
    print(measure.table(["figure", "n", "p50 ms", "p99 ms", "max ms"], rows) + "\n")
    ratio = lambda a, b: [f"{measure.percentile(a, p) / measure.percentile(b, p):.1f}" for p in (50, 99)]
    rows = [["crossing to action, samples each second: theirs without `for`", *ratio(plain, ours)],
            ["crossing to action, samples each second: theirs with `for: 3s`", *ratio(patient, ours)]]
    for what, ordered in orders.items():
        rows.append([f"the sample's arrival to the action, {what}", *ratio(arrived, ordered)])
        rows.append([f"not like with like: their crossing to webhook, our batch to order, {what}", *ratio(plain, ordered)])
    print(measure.table(["theirs : ours", "p50", "p99"], rows) + "\n", flush=True)


# ---- days ----

def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds_of(text):
    units = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h|d)", text))


def simulated(arguments):
    before, days, rates = children_cpu(), 0.0, []
    for seed in range(1, arguments.seeds + 1):
        begun = children_cpu()
        ran = subprocess.run([str(arguments.program.parent / "mien-sim"), "--seed", str(seed), "--quiet"], capture_output=True, text=True)
        said = ran.stdout + ran.stderr
        if ran.returncode != 0:
            print(f"a seed that is red, and still counted: {said.strip()}")
        found = re.search(r"agents=(\d+) virtual=(\S+)", said)
        one = int(found.group(1)) * seconds_of(found.group(2)) / 86400
        days += one
        rates.append(one / max(children_cpu() - begun, 1e-3))
    return [f"mien-sim, {arguments.seeds} seeds, faults and all checks", f"{days:.2f}", f"{children_cpu() - before:.1f}",
            f"{days / (children_cpu() - before):.2f}", measure.spread(rates, "{:.2f}")]


def week(path, columns, step=10):
    """A week of ordinary life with a day's rhythm; twice a day the first column is bad for ten minutes."""
    rng = random.Random(1)
    begin = 1_790_000_000
    with open(path, "w", encoding="ascii") as out:
        out.write("timestamp," + ",".join(["system.memory.utilization"] + [f"app.metric.{c}" for c in range(1, columns)]) + "\n")
        for t in range(begin, begin + 7 * 86400, step):
            rhythm = abs(t % 86400 - 43200) / 43200
            first = 0.97 if t % 43200 < 600 else 0.5 + 0.1 * rhythm + 0.01 * rng.gauss(0, 1)
            rest = [f"{10 + c + 5 * rhythm + rng.gauss(0, 1):.3f}" for c in range(1, columns)]
            out.write(f"{t},{first:.4f}," + ",".join(rest) + "\n")


def replayed(arguments, columns):
    with measure.Workplace() as place:
        week(place.path / "week.csv", columns)
        (place.path / "policy.yaml").write_text(POLICY.replace("personas: [bench-limited], ", ""))
        (place.path / "persona.yaml").write_text(latency.PERSONA)
        spent, told = [], ""
        for _ in range(arguments.replays):
            before = children_cpu()
            told = subprocess.run([str(arguments.program), "replay", "--input", place.path / "week.csv", "--policy", place.path / "policy.yaml",
                                   "--persona", place.path / "persona.yaml", "--verbose"], check=True, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True).stderr
            spent.append(children_cpu() - before)
        print(f"{columns} columns: " + "; ".join(told.strip().splitlines()))
    middle = sorted(spent)[len(spent) // 2]
    return [f"mien replay --input, a week of rows each 10 s, {columns} columns", "7.00", f"{middle:.2f}", f"{7 / middle:.1f}",
            measure.spread([7 / s for s in spent])]


def days(arguments):
    rows = [simulated(arguments)] + [replayed(arguments, columns) for columns in (10, 60)]
    print(measure.machine())
    print(measure.table(["what", "instance-days", "CPU s", "instance-days/s", "median (range)"], rows) + "\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=measure.ROOT / "build/release/mien", type=measure.pathlib.Path)
    parser.add_argument("--only", choices=("wire", "prometheus", "days"))
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--policies", type=int, default=1000)
    parser.add_argument("--instances", type=int, default=9600, help="a manager knows 10,000 at most, the timed ones too")
    parser.add_argument("--series", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between batches, so that groups stay small")
    parser.add_argument("--crossings", type=int, default=42)
    parser.add_argument("--starts", type=int, default=3, help="of Prometheus, which share the crossings")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--replays", type=int, default=3)
    parser.add_argument("--disk", default=None, help="a directory on the disk to measure (default: the temporary one)")
    parser.add_argument("--real-time", action="store_true",
                        help="all that is measured before all other processes (root), for a machine that is busy with others")
    arguments = parser.parse_args()
    if arguments.only == "days" or arguments.only is None:
        days(arguments)
    if arguments.real_time:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    orders = {}
    if arguments.only in (None, "wire"):
        orders = wire(arguments)
    if arguments.only in (None, "prometheus"):
        beside_prometheus(arguments, orders)


if __name__ == "__main__":
    main()
