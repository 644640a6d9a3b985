#!/usr/bin/env bash
# Installs the Debian packages that the quick start and the tests need, and nothing when they are all there.
# Packages start no services while this runs: everything that needs a server starts its own, on a free port.
#   deploy/prerequisites.sh run     what running Dr needs
#   deploy/prerequisites.sh test    that, and what the tests need besides
#   deploy/prerequisites.sh bench   that, and what the benchmarks compare with
set -euo pipefail

run=(e2fsprogs xfsprogs btrfs-progs util-linux iproute2 procps curl jq libnbd-bin fuse3 qemu-system-common postgresql postgresql-client)
test=(mariadb-server mariadb-client bind9 bind9-dnsutils keepalived iputils-arping tcpdump nbdkit nbd-client python3-libnbd qemu-utils fio mosquitto mosquitto-clients chromium python3)
bench=(rsync restic zstd)

case "${1:-}" in
  run) wanted=("${run[@]}") ;;
  test) wanted=("${run[@]}" "${test[@]}") ;;
  bench) wanted=("${run[@]}" "${test[@]}" "${bench[@]}") ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

if ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
  echo "The .NET 10 SDK is not on the PATH; install it first (https://learn.microsoft.com/dotnet/core/install/linux-debian)." >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "Missing packages: ${missing[*]}. Run this as root, or: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi

echo "Installing ${missing[*]}"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install: ${missing[*]}. The whole output is in $log." >&2
  exit 1
fi
rm -f "$log"
