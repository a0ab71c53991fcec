#!/usr/bin/env python3
"""Sends OTLP metrics as JSON to $MIEN_SERVER and prints the status and the answer.

otlp.py [--instance NAME] [--metric NAME] [--value V]... [--age SECONDS] [--step SECONDS] [--header NAME=VALUE]... [--show]

One data point for each --value, the newest --age seconds old (negative: from the future), --step seconds apart.
--show prints the body instead of sending it.
"""
import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request


def body_of(options) -> bytes:
    newest = time.time() - options.age
    points = [{"timeUnixNano": str(int((newest - options.step * (len(options.value) - 1 - i)) * 1e9)), "asDouble": value}
              for i, value in enumerate(options.value)]
    name = options.instance
    return json.dumps({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.instance.id", "value": {"stringValue": name}}]},
        "scopeMetrics": [{"metrics": [{"name": options.metric, "unit": "1", "gauge": {"dataPoints": points}}]}]}]}).encode()


def number(text: str):
    return text if text in ("NaN", "Infinity", "-Infinity") else float(text)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--instance", default="lab-01")
    arguments.add_argument("--metric", default="lab.temperature")
    arguments.add_argument("--value", type=number, action="append", required=True)
    arguments.add_argument("--age", type=float, default=0)
    arguments.add_argument("--step", type=float, default=1)
    arguments.add_argument("--header", action="append", default=[])
    arguments.add_argument("--show", action="store_true")
    options = arguments.parse_args()
    body = body_of(options)
    if options.show:
        sys.stdout.write(body.decode())
        return
    headers = {"Content-Type": "application/json", **dict(header.split("=", 1) for header in options.header)}
    request = urllib.request.Request(os.environ["MIEN_SERVER"] + "/v1/metrics", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=50) as answer:
            print(answer.status, answer.read().decode())
    except urllib.error.HTTPError as refusal:
        print(refusal.code, refusal.read().decode())


main()
