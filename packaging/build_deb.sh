#!/usr/bin/env bash
# Makes Debian packages of a built program: build_deb.sh PROGRAM DIRECTORY leaves DIRECTORY/mien_VERSION_ARCHITECTURE.deb
# and one for each module beside the program (mien-plot, mien-libvirt). Installing them starts nothing and changes nothing on the host.
set -euo pipefail
program=$(realpath "$1")
out=$(realpath "$2")
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
version=$(sed -n 's/^project(mien VERSION \([0-9.]*\).*/\1/p' "$here/../CMakeLists.txt")
architecture=$(dpkg --print-architecture)
tree=$(mktemp -d)
chmod 0755 "$tree"
trap 'rm -rf "$tree"' EXIT

install -D -m 0755 "$program" "$tree/usr/bin/mien"
strip --strip-unneeded "$tree/usr/bin/mien"
install -D -m 0644 -t "$tree/usr/share/mien/personas" "$here"/personas/*.yaml
install -D -m 0644 -t "$tree/lib/systemd/system" "$here"/systemd/*.service
install -D -m 0644 "$here/sysusers.conf" "$tree/usr/lib/sysusers.d/mien.conf"
install -D -m 0644 -t "$tree/usr/share/doc/mien/examples" "$here"/etc/*
install -D -m 0644 -t "$tree/usr/share/mien/grafana" "$here"/grafana/*.json
install -D -m 0644 -t "$tree/usr/share/mien/prometheus" "$here"/prometheus/*.rules.yml
install -D -m 0644 -t "$tree/usr/share/doc/mien" "$here/../README.md" "$here/../CHANGELOG.md"
install -D -m 0644 "$here/../LICENSE" "$tree/usr/share/doc/mien/copyright"
for shell in bash:usr/share/bash-completion/completions/mien zsh:usr/share/zsh/vendor-completions/_mien \
  fish:usr/share/fish/vendor_completions.d/mien.fish; do
  if "$program" completion "${shell%%:*}" >"$tree/completion" 2>/dev/null; then
    install -D -m 0644 "$tree/completion" "$tree/${shell#*:}"
  fi
done
rm -f "$tree/completion"

# The shared libraries that a file needs, as the packages that hold them.
depends_of() {
  objdump -p "$1" | awk '/NEEDED/ {print $2}' | while read -r library; do
    path=$(ldconfig -p | awk -v name="$library" '$1 == name {print $NF; exit}')
    dpkg-query -S "$(realpath "$path")" 2>/dev/null || dpkg-query -S "$path" 2>/dev/null || true
  done | cut -d: -f1 | sort -u | paste -sd, | sed 's/,/, /g'
}
depends=$(depends_of "$program")

mkdir -p "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<END
Package: mien
Version: $version
Architecture: $architecture
Maintainer: Mien maintainers <maintainers@mien.dev>
Section: admin
Priority: optional
Depends: $depends
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Description: persona and drift of Linux machines
 Learns how each host, service and container behaves, notices within seconds
 when one stops being itself, and says why and how sure it is.
END
cat >"$tree/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ] && command -v systemd-sysusers >/dev/null; then
  systemd-sysusers mien.conf || true
fi
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
END
cat >"$tree/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop mien.service mien-manager.service mien-agent.service || true
fi
END
chmod 0755 "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm"
dpkg-deb --root-owner-group --build "$tree" "$out/mien_${version}_$architecture.deb"

# module NAME DESCRIPTION: what stands beside the program as NAME.so.
module() {
  local tree
  tree=$(mktemp -d)
  chmod 0755 "$tree"
  install -D -m 0644 -t "$tree/usr/lib/mien" "$(dirname "$program")/$1.so"
  strip --strip-unneeded "$tree/usr/lib/mien/$1.so"
  install -D -m 0644 "$here/../LICENSE" "$tree/usr/share/doc/$1/copyright"
  mkdir -p "$tree/DEBIAN"
  cat >"$tree/DEBIAN/control" <<END
Package: $1
Version: $version
Architecture: $architecture
Maintainer: Mien maintainers <maintainers@mien.dev>
Section: admin
Priority: optional
Depends: mien (= $version), $(depends_of "$tree/usr/lib/mien/$1.so")
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Description: $2
END
  dpkg-deb --root-owner-group --build "$tree" "$out/$1_${version}_$architecture.deb"
  rm -rf "$tree"
}
module mien-plot "pictures for mien score"
module mien-libvirt "guests of libvirt, seen from outside by mien agent"
