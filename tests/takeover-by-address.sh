#!/usr/bin/env bash
# Storage takeover with an address that moves, as between machines: appliances A and B and a host C in network namespaces on one bridge. C writes through qemu-storage-daemon, which holds requests, to the
# service address; A is killed and loses the address; B is promoted, takes the address and announces it; A returns and becomes the synchronous copy by itself.
# Fails when an answered write is missing, the two appliances differ, or a tail was kept. Needs root, iproute2, qemu-storage-daemon, FUSE and python3; takes about 15 s.
#   tests/takeover-by-address.sh PATH/TO/dr-edge
set -u
edge=$(realpath "${1:?usage: tests/takeover-by-address.sh PATH/TO/dr-edge}")
dir=$(mktemp -d); cd "$dir" || exit 1
s=drS$$ a=drA$$ b=drB$$ c=drC$$ service=10.77.0.100
pid_a= pid_b= pid_q= pid_w=
fail() { echo "FAILED: $*" >&2; exit 1; }
until_() { local what=$1 k; shift; for k in $(seq 150); do "$@" && return; sleep 0.2; done; fail "still waiting for $what"; }
cleanup() {
  for p in $pid_w $pid_q; do kill "$p" 2>/dev/null; done; sleep 0.5
  for p in $pid_a $pid_b; do kill -9 "$p" 2>/dev/null; done
  mountpoint -q "$dir/disk" && umount -l "$dir/disk"
  for n in $s $a $b $c; do ip netns del "$n" 2>/dev/null; done
  wait 2>/dev/null; cd /; rm -rf "$dir"
}
trap cleanup EXIT
on_a() { ip netns exec $a "$edge" "$@" --control "$dir/a.sock"; }
on_b() { ip netns exec $b "$edge" "$@" --control "$dir/b.sock"; }
start() { ip netns exec "$1" "$edge" run --data "$dir/$2" --control "$dir/$2.sock" --replication "$3:7000" --nbd 0.0.0.0:10809 >> "$2.log" 2>&1 & }
ready() { grep -q ready "$1.log"; }
whole() { "$1" copy status dilas 2>/dev/null | grep -q 'mirror *whole'; }
mounted() { [ "$(stat -c %s disk)" = $((64 << 20)) ]; }
count() { cut -d' ' -f1 written 2>/dev/null || true; }
beyond() { local n; n=$(count); [ "${n:-0}" -gt "$1" ]; }

for n in $s $a $b $c; do ip netns add "$n" || fail "no network namespaces here"; done
ip -n $s link add br0 type bridge; ip -n $s link set br0 up
i=1
for n in $a $b $c; do
  ip link add "v$i" netns $s type veth peer name eth0 netns "$n"
  ip -n $s link set "v$i" master br0 up; ip -n "$n" addr add 10.77.0.$i/24 dev eth0; ip -n "$n" link set eth0 up; ip -n "$n" link set lo up
  i=$((i + 1))
done
ip -n $a addr add $service/24 dev eth0
mkdir a b; : > disk; : > a.log; : > b.log
start $a a 10.77.0.1; pid_a=$!
start $b b 10.77.0.2; pid_b=$!
until_ "appliance A" ready a; until_ "appliance B" ready b
on_a volume create dilas --size 64MiB > /dev/null || fail "no volume"
on_a copy add dilas --peer 10.77.0.2:7000 --mode sync > /dev/null || fail "no copy"
until_ "a whole mirror" whole on_a

# In C's network, but with our mounts: a namespace entered by name would have mounts of its own.
nsenter --net=/run/netns/$c qemu-storage-daemon \
  --blockdev "driver=nbd,node-name=volume,server.type=inet,server.host=$service,server.port=10809,export=dilas,reconnect-delay=60" \
  --export "type=fuse,id=f,node-name=volume,mountpoint=$dir/disk,writable=on" > q.log 2>&1 & pid_q=$!
until_ "the disk at the host" mounted
python3 - disk written stop <<'P' & pid_w=$!
import os, struct, sys, time
disk, n, worst = os.open(sys.argv[1], os.O_RDWR), 0, 0.0
while not os.path.exists(sys.argv[3]):
    n, began = n + 1, time.monotonic()
    os.pwrite(disk, struct.pack('<q', n) * 512, n % 1000 * 4096)
    os.fsync(disk)
    worst = max(worst, time.monotonic() - began)
    with open('new', 'w') as out: out.write(f'{n} {worst:.2f}\n')
    os.rename('new', sys.argv[2])
P
until_ "writes" beyond 300

before=$(count)
kill -9 $pid_a; wait $pid_a 2>/dev/null; ip -n $a addr del $service/24 dev eth0
on_b promote dilas --epoch 2 --if-whole || fail "the mirror was not whole"
ip -n $b addr add $service/24 dev eth0
ip netns exec $b python3 - $service <<'P'
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth0', 0))
mac, ip = s.getsockname()[4], socket.inet_aton(sys.argv[1])
for operation in (1, 2):  # Gratuitous ARP, as a request and as an answer.
    s.send(b'\xff' * 6 + mac + b'\x08\x06' + struct.pack('!HHBBH', 1, 0x800, 6, 4, operation) + mac + ip + b'\xff' * 6 + ip)
P
on_b copy add dilas --peer 10.77.0.1:7000 --mode sync > /dev/null || fail "no copy back"
until_ "the host to write on" beyond $((before + 300))
start $a a 10.77.0.1; pid_a=$!
until_ "the old appliance to be the mirror" whole on_b
until_ "more writes" beyond $(($(count) + 100))
touch stop; wait $pid_w || fail "a write failed at the host"

python3 - disk "$(count)" <<'P' || fail "answered writes are missing"
import os, struct, sys
disk, n = os.open(sys.argv[1], os.O_RDONLY), int(sys.argv[2])
sys.exit(any(os.pread(disk, 4096, i % 1000 * 4096) != struct.pack('<q', i) * 512 for i in range(max(1, n - 999), n + 1)))
P
on_b copy sync dilas > /dev/null || fail "the copy is not current"
on_a export dilas one.img > /dev/null && on_b export dilas two.img > /dev/null && cmp one.img two.img || fail "the two appliances differ"
on_a clone list | grep -q tail && fail "a tail was kept although nothing had parted"
echo "$(count | tr -d '\n') writes, each flushed; longest wait $(cut -d' ' -f2 written) s; nothing missing; the old appliance is the mirror"
