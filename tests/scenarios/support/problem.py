#!/usr/bin/env python3
"""Prints an RFC 9457 problem in words: problem.py FILE.json"""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    problem = json.load(file)
print(f"{problem['type']}: {problem['detail']}")
for error in problem.get("errors", []):
    print(f"  {error['pointer']}: {error['detail']}" + (f"; {error['suggestion']}" if "suggestion" in error else ""))
