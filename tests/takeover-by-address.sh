#!/usr/bin/env bash
# Storage takeover with an address that moves, as between machines: appliances A and B and a host C in network namespaces on one bridge. C writes through qemu-storage-daemon, which holds requests, to the
# service address; A is killed and loses the address; B is promoted, takes the address and announces it; A returns and becomes the synchronous copy by itself.
# Fails when an answered write is missing, the two appliances differ, or a tail was kept. Needs root, iproute2, qemu-storage-daemon, FUSE and python3; takes about 15 s.
# With --postgres what writes is PostgreSQL on ext4 on a loop device on that disk: four sessions commit a row each, over and over. Fails also when a commit failed, one that was answered is missing,
# or the server or the file system reports an error. Needs PostgreSQL, a free loop device and e2fsprogs beside; takes about 30 s.
#   tests/takeover-by-address.sh PATH/TO/dr-edge [--postgres]
set -u
edge=$(realpath "${1:?usage: tests/takeover-by-address.sh PATH/TO/dr-edge [--postgres]}")
case ${2:-} in '') kind=writes size=64 ;; --postgres) kind=postgres size=512 ;; *) echo "unknown: $2 (--postgres, or nothing)" >&2; exit 2 ;; esac
dir=$(mktemp -d); cd "$dir" || exit 1
s=drS$$ a=drA$$ b=drB$$ c=drC$$ service=10.77.0.100
pid_a= pid_b= pid_q= pid_w= loop=
fail() { echo "FAILED: $*" >&2; exit 1; }
until_() { local what=$1 k; shift; for k in $(seq 150); do "$@" && return; sleep 0.2; done; fail "still waiting for $what"; }
cleanup() {
  [ "$kind" != postgres ] || stop_database
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
mounted() { [ "$(stat -c %s disk)" = $((size << 20)) ]; }
count() { cut -d' ' -f1 written 2>/dev/null || true; }
beyond() { local n; n=$(count); [ "${n:-0}" -gt "$1" ]; }

start_writes() {
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
}

# The tools of the newest PostgreSQL, as the user that it runs as.
tool() { echo "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)/$1"; }
pg() { local name=$1; shift; (cd / && runuser -u postgres -- "$(tool "$name")" "$@"); }
start_database() {
  loop=$(losetup --find --show disk) && mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$loop" && mkdir mnt db && mount -o errors=remount-ro "$loop" mnt || fail "no file system on the disk"
  chmod 755 "$dir"; chown postgres mnt db
  pg initdb --data-checksums --auth=trust --no-instructions -D "$dir/mnt/data" > initdb.log 2>&1 || { cat initdb.log; fail "no database"; }
  pg pg_ctl -s -w -l "$dir/db/log" -D "$dir/mnt/data" -o "-c listen_addresses= -c unix_socket_directories=$dir/db -c max_wal_size=64MB -c min_wal_size=32MB -c checkpoint_timeout=30s" start || fail "PostgreSQL did not start"
  server=$(head -n 1 mnt/data/postmaster.pid)
  pg psql -h "$dir/db" -q -c 'CREATE TABLE ledger (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), filler text NOT NULL)' postgres || fail "no table"
  python3 - "$(tool psql)" "$dir/db" written stop answered <<'P' & pid_w=$!
import os, subprocess, sys, threading, time
psql, socket, written, stop, answered = sys.argv[1:]
lock, worst, failed = threading.Lock(), 0.0, []
count, ids = 0, open(answered, 'w')
def session():
    global count, worst
    client = subprocess.Popen(['runuser', '-u', 'postgres', '--', psql, '-h', socket, '-XAtq', '-v', 'ON_ERROR_STOP=1', 'postgres'], cwd='/', stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not os.path.exists(stop):
        began = time.monotonic()
        client.stdin.write("INSERT INTO ledger (filler) VALUES (repeat('x', 200)) RETURNING id;\n"); client.stdin.flush()
        row = client.stdout.readline().strip()
        if not row.isdigit():
            failed.append(row); open(stop, 'w').close(); break
        with lock:
            count, worst = count + 1, max(worst, time.monotonic() - began)
            ids.write(row + '\n')
            with open('new', 'w') as out: out.write(f'{count} {worst:.2f}\n')
            os.rename('new', written)
    client.stdin.close()
    if client.wait(): failed.append('psql ended')
sessions = [threading.Thread(target=session) for _ in range(4)]
for s in sessions: s.start()
for s in sessions: s.join()
ids.close()
sys.exit(bool(failed))
P
}
stop_database() {
  if mountpoint -q "$dir/mnt"; then pg pg_ctl -s -m immediate -D "$dir/mnt/data" stop 2>/dev/null; umount "$dir/mnt" || umount -l "$dir/mnt"; fi
  [ -z "$loop" ] || losetup --detach "$loop"
}
# Every commit that a session was told of is there; a pause is all that anybody saw.
judge_database() {
  pg psql -h "$dir/db" -At -c 'SELECT id FROM ledger' postgres > rows || fail "the ledger cannot be read"
  sort rows > rows.sorted; sort answered | comm -23 - rows.sorted > missing
  [ ! -s missing ] || fail "$(wc -l < missing) commits that were answered are missing"
  grep -E 'PANIC|could not|I/O error|terminated by signal|invalid page' db/log && fail "PostgreSQL reports errors"
  [ "$(head -n 1 mnt/data/postmaster.pid)" = "$server" ] || fail "PostgreSQL was started anew"
  touch mnt/still-writable || fail "the file system has become read-only"
  pg pg_ctl -s -m fast -w -D "$dir/mnt/data" stop || fail "PostgreSQL does not stop"
  pg pg_checksums --check -D "$dir/mnt/data" > checksums.log 2>&1 || { cat checksums.log; fail "a page's checksum is wrong"; }
  umount mnt && e2fsck -fn "$loop" > fsck.log 2>&1 || { cat fsck.log; fail "the file system is damaged"; }
}

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
on_a volume create dilas --size ${size}MiB > /dev/null || fail "no volume"
on_a copy add dilas --peer 10.77.0.2:7000 --mode sync > /dev/null || fail "no copy"
until_ "a whole mirror" whole on_a

# In C's network, but with our mounts: a namespace entered by name would have mounts of its own.
nsenter --net=/run/netns/$c qemu-storage-daemon \
  --blockdev "driver=nbd,node-name=volume,server.type=inet,server.host=$service,server.port=10809,export=dilas,reconnect-delay=60" \
  --export "type=fuse,id=f,node-name=volume,mountpoint=$dir/disk,writable=on" > q.log 2>&1 & pid_q=$!
until_ "the disk at the host" mounted
if [ "$kind" = postgres ]; then start_database; else start_writes; fi
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
if [ "$kind" = postgres ]; then
  judge_database
else
python3 - disk "$(count)" <<'P' || fail "answered writes are missing"
import os, struct, sys
disk, n = os.open(sys.argv[1], os.O_RDONLY), int(sys.argv[2])
sys.exit(any(os.pread(disk, 4096, i % 1000 * 4096) != struct.pack('<q', i) * 512 for i in range(max(1, n - 999), n + 1)))
P
fi
on_b copy sync dilas > /dev/null || fail "the copy is not current"
on_a export dilas one.img > /dev/null && on_b export dilas two.img > /dev/null && cmp one.img two.img || fail "the two appliances differ"
on_a clone list | grep -q tail && fail "a tail was kept although nothing had parted"
what=$([ "$kind" = postgres ] && echo "commits of PostgreSQL" || echo "writes, each flushed")
echo "$(count | tr -d '\n') $what; longest wait $(cut -d' ' -f2 written) s; nothing missing; the old appliance is the mirror"
