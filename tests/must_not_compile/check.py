#!/usr/bin/env python3
"""check.py COMPILER INCLUDE_DIR CASE.cc: the case compiles, and with -DMISTAKE it does not, for the reason it expects."""
import re
import subprocess
import sys

compiler, include, case = sys.argv[1:]
expect = re.search(r"^// expect: (.+)$", open(case).read(), re.M)
if not expect:
    sys.exit(f"{case}: no line '// expect: REGEX'")


def compile_case(*defines):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", include, *defines, case]
    return subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})


control = compile_case()
if control.returncode != 0:
    sys.exit(f"the control must compile:\n{control.stderr}")
mistake = compile_case("-DMISTAKE")
if mistake.returncode == 0:
    sys.exit("the mistake compiles")
if not re.search(expect.group(1), mistake.stderr):
    sys.exit(f"refused, but not for the expected reason ({expect.group(1)}):\n{mistake.stderr}")
