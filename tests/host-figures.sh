#!/usr/bin/env bash
# Figures of the host role with real programs: how long a takeover of PostgreSQL takes from the command to the first committed transaction, how long an application-consistent point holds its writers up, how long a table of
# 100 MB takes to come back, the same three of MariaDB, and what a mirror of an idle disk of 10 GiB costs. Measures and prints; fails only when something does not work. Needs root, FUSE, a loop device, PostgreSQL, MariaDB,
# about 8 GiB in TMPDIR.
#   tests/host-figures.sh PATH/TO/dr-edge [takeover|table|mariadb|mirror]...
set -u
# Its mounts end with it, also when it is killed: a dead export left mounted is in the way of every later mkfs.btrfs of the machine.
[ -n "${DR_FIGURES_MOUNTS:-}" ] || DR_FIGURES_MOUNTS=own exec unshare --mount --propagation private bash "$0" "$@"
. "$(dirname "$0")/waiting.sh"
edge=$(realpath "${1:?usage: tests/host-figures.sh PATH/TO/dr-edge [takeover|table|mariadb|mirror]...}"); shift
dir=$(mktemp -d); chmod 755 "$dir"; cd "$dir" || exit 1
pg=$(ls -d /usr/lib/postgresql/*/bin | tail -1); port=$((20000 + RANDOM % 10000)); scale=${DR_FIGURES_SCALE:-68} kind=postgresql # 68 is about 1 GiB.
declare -A pid=()
kill_database() { for p in $(pgrep -x postgres; pgrep -x mariadbd); do case $(readlink "/proc/$p/cwd") in "$dir"/*) kill -9 "$p" 2>/dev/null ;; esac; done; }
end() { # Everything of the section before, by force: its appliances are dead or die here.
  kill_database; sleep 0.3
  for m in "$dir"/a/mnt "$dir"/b/mnt; do mountpoint -q "$m" && umount -l "$m"; done
  for p in "${pid[@]}"; do { kill -9 "$p"; wait "$p"; } 2>/dev/null; done; pid=(); sleep 0.5
  while read -r m; do fusermount3 -uz "$m"; done < <(awk -v d="$dir" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo)
  losetup -l -n -O NAME,BACK-FILE | awk -v d="$dir" 'index($2, d) == 1 { print $1 }' | while read -r l; do losetup -d "$l"; done
  sleep 0.5; rm -rf a b m
}
cleanup() { end; cd /; rm -rf "$dir"; }
trap cleanup EXIT
ms() { date +%s%3N; }
at() { local n=$1; shift; "$edge" "$@" --control "$dir/$n/c.sock"; }
sql() { psql -qAtX -h 127.0.0.1 -p "$port" -U postgres "${@:2}" -c "$1" postgres; }
maria() { mariadb --socket="$(echo "$dir"/?/mnt/db/mariadb.sock)" --user=root --batch --skip-column-names -e "$1"; }
recover() { # WHAT OPTION...
  local what=$1 began; shift; began=$(ms)
  at a table recover dilas --at good --table big "$@" > recover.log 2>&1 || fail "$(cat recover.log)"
  echo "$what: $(( $(ms) - began )) ms"
}
take_over() { # WHAT COMMIT...: site a dies, b takes over and commits
  local what=$1 began; shift
  { kill -9 "${pid[a]}"; kill_database; wait "${pid[a]}"; } 2>/dev/null
  umount -l "$dir/a/mnt" 2>/dev/null
  began=$(ms)
  at b promote dilas --epoch 2 > promote.log 2>&1 || fail "not promoted: $(cat promote.log)"
  at b system start dilas --epoch 2 > takeover.log 2>&1 || fail "not taken over: $(cat takeover.log)"
  "$@" || fail "no commit"
  echo "takeover of $what: $(( $(ms) - began )) ms from the command to the first committed transaction"
  sed 's/^/  /' takeover.log
}
component() { # KIND MOUNT
  case $1 in
    postgresql) echo "{name: postgresql, kind: postgresql, dataDirectory: $2/pg, port: $port, authentication: trust, check: {sql: select 1, period: 300ms}, settings: {shared_buffers: 256MB, max_wal_size: 2GB}}" ;;
    mariadb) echo "{name: mariadb, kind: mariadb, dataDirectory: $2/db, port: $port, check: {sql: select 1, period: 300ms}, settings: {innodb-buffer-pool-size: 256M, innodb-log-file-size: 256M}}" ;;
  esac
}
start() {
  mkdir -p "$1"
  cat > "$1/edge.yaml" <<Y
data: $dir/$1/data
roles: [appliance, host]
nbd: {socket: $dir/$1/n.sock}
points: {every: off}
systems:
  - id: dilas
    volume: dilas
    mount: $dir/$1/mnt
    cloneMounts: $dir/$1/clones
    quiesce: {provider: $kind}
    components:
      - $(component "$kind" "$dir/$1/mnt")
Y
  "$edge" run --config "$1/edge.yaml" --control "$dir/$1/c.sock" --replication "127.0.0.1:$2" > "$1.log" 2>&1 & pid[$1]=$!
  until_ "agent $1" grep -q ready "$1.log"
}
database() {
  start a $((port + 1))
  at a volume create dilas --size 5GiB > /dev/null || fail "no volume"
  at a system prepare dilas > prepare.log 2>&1 || fail "no database: $(cat prepare.log)"
  "$pg/pgbench" -q -i -s "$1" -h 127.0.0.1 -p "$port" -U postgres postgres > init.log 2>&1 || fail "pgbench could not fill it"
}
wanted() { [ ${#only[@]} -eq 0 ] || printf '%s\n' "${only[@]}" | grep -qx "$1"; }
only=("$@")

if wanted takeover; then
  database "$scale"
  start b $((port + 2))
  at a copy add dilas --peer "127.0.0.1:$((port + 2))" --mode sync > /dev/null || fail "no copy"
  at a copy sync dilas > sync.log 2>&1 || fail "no copy: $(cat sync.log)"
  echo "database: $(sql "select pg_size_pretty(pg_database_size('postgres'))")"
  "$pg/pgbench" -n -c 4 -T 20 -l --log-prefix=tx -h 127.0.0.1 -p "$port" -U postgres postgres > load.log 2>&1 & load=$!
  sleep 8
  for k in 1 2 3; do at a point create dilas > point.log 2>&1 || fail "no point: $(cat point.log)"; sleep 2; done
  at a point list dilas --json | grep -q '"Application"\|"application"' || fail "the points are not application-consistent: $(at a point list dilas)"
  wait "$load"
  # Field 3: how long the transaction took, in microseconds; 5 and 6: when it ended.
  cat tx.* | sort -n -k5,5 -k6,6 | awk 'NR == 1 { t0 = $5 } { s = ($5 - t0 < 7) ? 0 : 1; n[s]++; if ($3 > m[s]) m[s] = $3 } END { printf "longest transaction: %.0f ms in 7 s without a point, %.0f ms in 13 s with three application-consistent points (%d and %d transactions)\n", m[0]/1000, m[1]/1000, n[0], n[1] }'
  until_ "the copy" sh -c "'$edge' copy status dilas --control '$dir/a/c.sock' | grep -q 'mirror *whole'"
  "$pg/pgbench" -n -c 4 -T 8 -h 127.0.0.1 -p "$port" -U postgres postgres > load.log 2>&1 &
  sleep 6
  take_over "PostgreSQL in the middle of pgbench" sql "create table first_one (at timestamptz); insert into first_one values (now())"
  end
fi

if wanted table; then
  port=$((port + 5)); database 8
  sql "create table big as select i as id, repeat(md5(i::text), 3) as note from generate_series(1, 780000) i; alter table big add primary key (id)"
  echo "table: $(sql "select pg_size_pretty(pg_table_size('big')), count(*) from big")"
  at a point create dilas --label good > /dev/null; sql "update big set note = 'lost' where id % 7 = 0; delete from big where id % 11 = 0"
  recover "beside"
  recover "in place" --replace; sed 's/^/  /' recover.log
  [ "$(sql "select count(*) filter (where note <> 'lost') from big")" = 780000 ] || fail "rows are missing"
  end
fi

if wanted mariadb; then
  kind=mariadb port=$((port + 5)); start a $((port + 1)); start b $((port + 2))
  at a volume create dilas --size 5GiB > /dev/null || fail "no volume"
  at a system prepare dilas > prepare.log 2>&1 || fail "no database: $(cat prepare.log)"
  maria "create database library; create table library.big (id int primary key, note varchar(120) not null); create table library.filler (id int primary key, note varchar(1100) not null); create table library.loan (id int auto_increment primary key, at timestamp(6) not null)"
  maria "insert into library.big select seq, repeat(md5(seq), 3) from library.seq_1_to_780000; insert into library.filler select seq, repeat(md5(seq), 32) from library.seq_1_to_$((scale * 12000))"
  at a copy add dilas --peer "127.0.0.1:$((port + 2))" --mode sync > /dev/null || fail "no copy"
  at a copy sync dilas > sync.log 2>&1 || fail "no copy: $(cat sync.log)"
  echo "MariaDB: $(maria "select concat(round(sum(data_length + index_length) / 1048576), ' MB') from information_schema.tables where table_schema = 'library'")"
  # One commit after the other, each with the time at which it was answered; the longest gap is what a point costs its writers.
  writer() { for k in $(seq 100000); do echo "insert into library.loan (at) values (now(6)); select unix_timestamp(sysdate(6));"; done | timeout "$1" mariadb --socket="$dir/a/mnt/db/mariadb.sock" --user=root --batch --skip-column-names --unbuffered > "$2" 2> /dev/null; }
  gap() { awk 'NR > 1 && $1 - t > m { m = $1 - t } { t = $1 } END { printf "%.0f ms in %d commits", m * 1000, NR }' "$1"; }
  updates() { while maria "set @a = floor(rand() * $((scale * 11900))); update library.filler set note = repeat(md5(rand()), 32) where id between @a and @a + 99" > /dev/null 2>&1; do :; done; }
  updates & load=$!
  writer 7 calm.txt
  writer 13 points.txt & load2=$!
  for k in 1 2 3; do sleep 1; at a point create dilas > point.log 2>&1 || fail "no point: $(cat point.log)"; done
  at a point list dilas --json | grep -q '"Application"\|"application"' || fail "the points are not application-consistent: $(at a point list dilas)"
  wait "$load2"
  echo "longest gap between commits: $(gap calm.txt) in 7 s without a point, $(gap points.txt) in 13 s with three application-consistent points"
  { kill "$load"; wait "$load"; } 2>/dev/null
  at a point create dilas --label good > /dev/null; maria "update library.big set note = 'lost' where id % 7 = 0; delete from library.big where id % 11 = 0"
  recover "table of 100 MB beside"
  recover "in place" --database library --replace; sed 's/^/  /' recover.log
  [ "$(maria "select count(*) from library.big where note <> 'lost'")" = 780000 ] || fail "rows are missing"
  until_ "the copy" sh -c "'$edge' copy status dilas --control '$dir/a/c.sock' | grep -q 'mirror *whole'"
  writer 6 last.txt & sleep 4
  take_over "MariaDB in the middle of commits" maria "insert into library.loan (at) values (now(6))"
  end
  kind=postgresql
fi

if wanted mirror; then
  mkdir -p m; "$edge" run --data "$dir/m/data" --control "$dir/m/c.sock" --nbd-socket "$dir/m/n.sock" --points off > m.log 2>&1 & pid[m]=$!
  until_ "agent m" grep -q ready m.log
  truncate -s 10G disk; dd if=/dev/urandom of=disk bs=1M count=1024 conv=notrunc status=none; sleep 0.3
  at m volume create copy --size 10GiB > /dev/null || fail "no volume"
  mirror() { "$edge" mirror run disk copy --nbd "unix:$dir/m/n.sock" --control "$dir/m/c.sock" --state "$dir/m/state" "$@"; }
  echo "first round, 1 GiB of data: $(mirror --once)"
  python3 -c "
import random
f = open('disk', 'r+b'); random.seed(7)
for u in random.sample(range(10 << 21), 10000):
    f.seek(u * 512); b = f.read(1); f.seek(u * 512); f.write(bytes([b[0] ^ 1]))"
  sleep 0.3
  echo "10 000 random changes: $(mirror --once)"
  echo "again, compared: $(mirror --once --verify)"
  # Not by the function: the pid is to be the program's, not a shell's around it.
  "$edge" mirror run disk copy --nbd "unix:$dir/m/n.sock" --control "$dir/m/c.sock" --state "$dir/m/state" --every 5s > rounds.log 2>&1 & pid[r]=$!
  sleep 3; cpu() { awk '{ print $14 + $15 }' "/proc/${pid[r]}/stat"; }; before=$(cpu); sleep 30; after=$(cpu)
  echo "idle disk of 10 GiB, a round every 5 s: $(awk -v t=$((after - before)) 'BEGIN { printf "%.2f", t / 30 }') % of a processor"
  kill "${pid[r]}"; wait "${pid[r]}"
fi
