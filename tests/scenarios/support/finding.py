#!/usr/bin/env python3
"""Prints the id of the only finding in a list of findings: finding.py LIST.json"""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    (finding,) = json.load(file)["items"]
print(finding["id"])
