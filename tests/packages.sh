#!/usr/bin/env bash
# Builds the packages, then installs, runs, upgrades, removes and purges them in an overlay of this machine, which is not changed. Needs root.
#   tests/packages.sh           packages of the programs as they are built already (they need the .NET runtime of this machine)
#   tests/packages.sh --full    packages with their own runtime, for every RID, dr-edge twice: the second must be the same to the byte. Takes minutes
# Ends with a line "packages: all as they should be".
set -euo pipefail
cd "$(dirname "$0")/.."
full=; [ "${1:-}" != --full ] || full=1
fail() { echo "FAILED: $*" >&2; exit 1; }

if [ "${DR_PACKAGES_INSIDE:-}" = "" ]; then
  work=$(mktemp -d "${TMPDIR:-/tmp}/dr-packages.XXXXXXXX")
  trap 'rm -rf "$work"' EXIT
  if [ -n "$full" ]; then
    for rid in linux-x64 linux-arm64 win-x64; do deploy/packages/build.sh --rid "$rid" --out "$work/once"; done
    deploy/packages/build.sh --rid linux-x64 --out "$work/twice" dr-edge
    if ! cmp -s "$work/once"/dr-edge_*_amd64.deb "$work/twice"/dr-edge_*_amd64.deb; then
      for build in once twice; do dpkg-deb -R "$work/$build"/dr-edge_*_amd64.deb "$work/$build.tree"; done
      fail "the same source gave another package: $(diff -rq "$work/once.tree" "$work/twice.tree" || echo "in its order, owners or times")"
    fi
    mkdir "$work/debs"; cp "$work"/once/*_amd64.deb "$work/debs/"
  else
    DR_PACKAGE_FROM_BUILD=1 DR_PACKAGE_COMPRESSION=none deploy/packages/build.sh --out "$work/debs"
  fi
  # What is mounted in the name space below goes with its last process, whatever ends it.
  DR_PACKAGES_INSIDE=$work unshare --mount --pid --net --fork --kill-child --mount-proc "$0"
  [ ! -e /etc/dr ] || [ -n "${DR_PACKAGES_HAD_ETC:-}" ] || fail "something came into this machine"
  exit 0
fi

ip link set lo up
debs=$DR_PACKAGES_INSIDE/debs
tree=$DR_PACKAGES_INSIDE/tree; mkdir "$tree"
mount -t tmpfs -o size=2g tmpfs "$tree"
mkdir "$tree"/{upper,work,root}
mount -t overlay -o "lowerdir=/,upperdir=$tree/upper,workdir=$tree/work" overlay "$tree/root"
mkdir -p "$tree/root/debs"; mount --bind "$debs" "$tree/root/debs"
mount --rbind /proc "$tree/root/proc"; mount --bind /dev "$tree/root/dev"; mount -t tmpfs tmpfs "$tree/root/run"; mount -t tmpfs tmpfs "$tree/root/tmp"
rm -rf "$tree/root/etc/dr" "$tree/root/var/lib/dr"
deb_of() { basename "$(echo "$debs/$1"_*.deb)"; }
in_root() { chroot "$tree/root" /usr/bin/env -u DR_PACKAGES_INSIDE PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive DOTNET_ROOT="${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}" "$@"; }
has() { [ -e "$tree/root/$1" ] || [ -L "$tree/root/$1" ] || fail "$1 is not there"; }
has_not() { [ ! -e "$tree/root/$1" ] && [ ! -L "$tree/root/$1" ] || fail "$1 is still there"; }

echo "installing"
in_root dpkg --install $(cd "$debs" && printf '/debs/%s ' *.deb) > "$DR_PACKAGES_INSIDE/log" 2>&1 || { cat "$DR_PACKAGES_INSIDE/log"; fail "dpkg --install"; }
for package in dr-edge dr-silo dr-sim; do
  in_root dpkg --verify "$package" | grep . && fail "$package is not as it was packed"
  in_root "$package" --help > "$tree/help" || fail "$package --help"
  in_root man -l "/usr/share/man/man1/$package.1.gz" > "$tree/man" 2> "$tree/man.err" || fail "man $package: $(cat "$tree/man.err")"
  grep -q "$package" "$tree/man" || fail "the manual page of $package says nothing"
done
[ "$(stat -c %U:%G:%a "$tree/root/etc/dr")" = root:dr:750 ] 2> /dev/null || [ "$(in_root stat -c %U:%G:%a /etc/dr)" = root:dr:750 ] || fail "/etc/dr is open"
[ "$(in_root stat -c %U:%a /var/lib/dr/edge)" = dr:750 ] || fail "/var/lib/dr/edge is not the service's own"
has etc/systemd/system/multi-user.target.wants/dr-edge.service
has etc/systemd/system/multi-user.target.wants/dr-silo.service
has_not etc/systemd/system/multi-user.target.wants/dr-edge-host.service

echo "running as the service would"
mkdir -p "$tree/root/run/dr"; in_root chown dr:dr /run/dr
service() { # PROGRAM ARGS…: as its own user without any capability; returns once it says ready
  local out="$tree/out.$1" program=$1; shift
  in_root setpriv --reuid dr --regid dr --clear-groups --bounding-set=-all --no-new-privs "$program" "$@" > "$out" 2> "$out.err" & pid=$!
  for _ in $(seq 300); do grep -qx ready "$out" && return 0; [ -d "/proc/$pid" ] || break; sleep 0.1; done
  cat "$out.err" >&2; fail "$program is not ready after 30 s"
}
stop() { local child; child=$(pgrep -P "$pid" || echo "$pid"); kill -TERM "$child" 2> /dev/null || kill -TERM "$pid"; wait "$pid" || fail "it did not end in order"; }
service dr-edge run --config /etc/dr/edge.yaml
in_root dr-edge volume create books --size 8MiB > /dev/null
stop
service dr-silo run --config /etc/dr/silo.yaml $(sed -n 's/^DR_SILO_ARGS="\(.*\)"$/\1/p' "$tree/root/etc/default/dr-silo")
stop

echo "told to systemd: readiness, signs of life, the end"
cat > "$tree/listen.py" << 'PY'
import socket, sys
line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
line.bind(sys.argv[1]); line.settimeout(30)
import os; os.chmod(sys.argv[1], 0o777)
seen = []
while "STOPPING=1" not in seen:
    seen += line.recv(4096).decode().split()
    print(*seen[-1:], flush=True)
PY
python3 "$tree/listen.py" "$tree/root/run/dr/notify" > "$tree/told" & listener=$!
for _ in $(seq 50); do [ -S "$tree/root/run/dr/notify" ] && break; sleep 0.1; done
# As the first process of a name space it takes itself for a service, as it would below systemd.
in_root env NOTIFY_SOCKET=/run/dr/notify WATCHDOG_USEC=3000000 unshare --pid --fork setpriv --reuid dr --regid dr --clear-groups dr-edge run --config /etc/dr/edge.yaml > /dev/null 2>&1 & pid=$!
for _ in $(seq 200); do [ "$(grep -c WATCHDOG=1 "$tree/told")" -ge 3 ] && break; sleep 0.1; done
pkill -TERM -f "^dr-edge run --config /etc/dr/edge.yaml" || fail "it does not run"
wait "$listener" || fail "systemd was not told of the end: $(cat "$tree/told")"
wait "$pid" || true
for word in READY=1 WATCHDOG=1 STOPPING=1; do grep -qx "$word" "$tree/told" || fail "systemd was not told $word: $(cat "$tree/told")"; done

echo "upgrading"
echo "# mine" >> "$tree/root/etc/dr/edge.yaml"
in_root systemctl --root=/ disable dr-edge.service > /dev/null 2>&1
in_root dpkg --install "/debs/$(deb_of dr-edge)" > "$DR_PACKAGES_INSIDE/log" 2>&1 || { cat "$DR_PACKAGES_INSIDE/log"; fail "dpkg --install again"; }
grep -q "# mine" "$tree/root/etc/dr/edge.yaml" || fail "an upgrade wrote over the configuration"
has_not etc/systemd/system/multi-user.target.wants/dr-edge.service

echo "removing"
in_root dpkg --remove dr-edge dr-silo dr-sim > "$DR_PACKAGES_INSIDE/log" 2>&1 || { cat "$DR_PACKAGES_INSIDE/log"; fail "dpkg --remove"; }
has_not usr/bin/dr-edge; has_not usr/lib/dr; has etc/dr/edge.yaml; has var/lib/dr/edge/volumes

echo "purging"
in_root dpkg --purge dr-edge > "$DR_PACKAGES_INSIDE/log" 2>&1 || { cat "$DR_PACKAGES_INSIDE/log"; fail "dpkg --purge"; }
grep -q "/var/lib/dr/edge is kept" "$DR_PACKAGES_INSIDE/log" || fail "nobody was told that volumes are kept"
has_not etc/dr/edge.yaml; has var/lib/dr/edge/volumes; has etc/dr/silo.yaml
in_root dpkg --install "/debs/$(deb_of dr-edge)" > "$DR_PACKAGES_INSIDE/log" 2>&1
service dr-edge run --config /etc/dr/edge.yaml
in_root dr-edge volume list | grep -q books || fail "the volume did not outlive the package"
stop
touch "$tree/root/var/lib/dr/edge/DELETE-ON-PURGE" "$tree/root/var/lib/dr/silo/DELETE-ON-PURGE"
in_root dpkg --purge dr-edge dr-silo dr-sim > "$DR_PACKAGES_INSIDE/log" 2>&1 || { cat "$DR_PACKAGES_INSIDE/log"; fail "dpkg --purge"; }
has_not var/lib/dr; has_not etc/dr; has_not etc/systemd/system/multi-user.target.wants/dr-silo.service; has_not etc/default/dr-silo
in_root getent passwd dr > /dev/null && fail "the user is still there"
echo "packages: all as they should be"
