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

arguments=(-p "$build" --quiet)
for warning in unknown-warning-option ignored-optimization-argument unused-command-line-argument; do
  arguments+=("--extra-arg=-Wno-$warning")
done
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy-14 "${arguments[@]}" 2>/dev/null
