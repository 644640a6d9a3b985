#!/usr/bin/env bash
# Two silos that lose each other and not the database, in a network namespace of its own that ends with the test.
#   tests/silo-partition.sh      (as root, after a build of Dr.EndToEnd.Tests in Release)
set -euo pipefail
cd "$(dirname "$0")/.."
program="$PWD/tests/Dr.EndToEnd.Tests/bin/Release/net10.0/Dr.EndToEnd.Tests"
[ -x "$program" ] || { echo "Build first: dotnet build tests/Dr.EndToEnd.Tests -c Release" >&2; exit 2; }
# Rules before the table of local addresses: only so can a line on loopback be taken away.
exec unshare -n bash -c '
  ip link set lo up
  ip rule add pref 100 lookup local
  ip rule del pref 0
  DR_OWN_NETWORK=1 exec "$@"' _ "$program" -noColor -noLogo -showLiveOutput -class '*SiloPartitionTests'
