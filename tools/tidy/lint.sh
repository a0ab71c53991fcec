#!/usr/bin/env bash
# clang-tidy (.clang-tidy) of the given .cc files, or of all of ours: lint.sh BUILD_DIRECTORY all|FILE...
# BUILD_DIRECTORY is any configured one: only its compile_commands.json is read. Headers are checked where they are included.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1
shift
if [[ ${1:-} == all ]]; then
  mapfile -t files < <(git ls-files 'src/*.cc' 'sim/*.cc' | grep -v '_test\.cc$')
else
  mapfile -t files < <(printf '%s\n' "$@" | grep -E '^(src|sim)/.*\.cc$' | grep -v '_test\.cc$' || true)
fi
((${#files[@]})) || exit 0
echo "==> clang-tidy: ${#files[@]} files" >&2

# clang reads the headers themselves: a header that g++ precompiled is not for it.
mkdir -p build/lint
python3 - "$build/compile_commands.json" build/lint/compile_commands.json <<'END'
import json, re, sys
commands = json.load(open(sys.argv[1]))
for each in commands:
    each["command"] = re.sub(r"-include \S*cmake_pch\.hxx|-Xclang -include(-pch)? -Xclang \S+|-Winvalid-pch|-fpch-\S+", "", each["command"])
json.dump(commands, open(sys.argv[2], "w"))
END

arguments=(-p build/lint --quiet)
for warning in unknown-warning-option ignored-optimization-argument unused-command-line-argument; do
  arguments+=("--extra-arg=-Wno-$warning")
done
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy-14 "${arguments[@]}" 2>/dev/null
