#!/usr/bin/env bash
# Figures of kiosks with real programs (dr-edge, Mosquitto, dr-silo): how soon a kiosk has delivered what it took in a long outage over a line of 1 Mbit/s, what an idle one costs, and when a fleet is back after its broker's restart.
# Measures, prints, and fails when something was lost, came twice or out of order, when a living device was suspected, or a goal is missed. Needs root, network namespaces, tc with tbf, mosquitto, python3 with sqlite3; the fleet about 3 GiB of memory.
#   tests/kiosk-figures.sh outage|idle|fleet|all…
# DR_FIGURES_TRANSACTIONS=10000, DR_FIGURES_RATE=1mbit, DR_FIGURES_CUT=60 (seconds at least), DR_FIGURES_IDLE=120 (seconds), DR_FIGURES_DEVICES=10000, DR_FIGURES_DOWN=5 (seconds that the broker stays away) say how much. DR_EDGE, DR_SILO, DR_SIM name other programs than those of this tree's Release build.
set -u
. "$(dirname "$0")/waiting.sh"
here=$(cd "$(dirname "$0")/.." && pwd)
edge=${DR_EDGE:-$here/Dr.Edge/bin/Release/net10.0/dr-edge} silo=${DR_SILO:-$here/Dr.Silo/bin/Release/net10.0/dr-silo} sim=${DR_SIM:-$here/Dr.Simulator/bin/Release/net10.0/dr-sim}
[ $# -gt 0 ] || { echo "usage: tests/kiosk-figures.sh outage|idle|fleet|all..." >&2; exit 2; }
for w in "$@"; do case $w in outage|idle|fleet|all) ;; *) echo "'$w' is no figure: outage, idle, fleet or all." >&2; exit 2 ;; esac; done
for p in "$edge" "$silo" "$sim"; do [ -x "$p" ] || { echo "$p is not there: build it first (dotnet build -c Release)." >&2; exit 2; }; done
dir=$(mktemp -d); chmod 755 "$dir"; cd "$dir" || exit 1
tag=kf$$; c=$tag-c k=$tag-k missed=0
declare -A pid=()
wanted() { [[ " $asked " == *" $1 "* || " $asked " == *" all "* ]]; }
asked=$*
end() { local p; for p in "${pid[@]}" $(cat broker.pid 2>/dev/null); do { kill -9 "$p"; wait "$p"; } 2>/dev/null; done; pid=(); rm -f broker.pid; rm -rf edge silo; for p in $c $k; do ip netns del "$p" 2>/dev/null; done; }
cleanup() { end; cd /; rm -rf "$dir"; }
trap cleanup EXIT
trap 'exit 130' INT TERM
goal() { # VALUE MOST WHAT
  if awk -v v="$1" -v m="$2" 'BEGIN { exit !(v <= m) }'; then echo "  goal $3: met"; else echo "  goal $3: MISSED"; missed=1; fi
}

mosquitto_=$(command -v mosquitto || echo /usr/sbin/mosquitto)
broker() { # Mosquitto without persistence; called again it is restarted as a machine's reset does it: killed, and there again a while later with nothing remembered.
  [ -f broker.sh ] || cat > broker.sh <<R
#!/bin/sh
printf 'listener 1883 10.91.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 10000\nmax_inflight_messages 1000\n' > mosquitto.conf
[ -f broker.pid ] && { kill -9 "\$(cat broker.pid)"; sleep ${DR_FIGURES_DOWN:-5}; }
"$mosquitto_" -c mosquitto.conf >> mosquitto.log 2>&1 & echo \$! > broker.pid
R
  chmod +x broker.sh; ip netns exec $c ./broker.sh
}
namespaces() { # Two machines and the line between them.
  ip netns add $c && ip netns add $k && ip -n $c link set lo up && ip -n $k link set lo up || fail "no network namespaces here"
  ip link add $tag-0 type veth peer name $tag-1 && ip link set $tag-0 netns $c && ip link set $tag-1 netns $k || fail "no veth"
  ip -n $c link set $tag-0 name line && ip -n $k link set $tag-1 name line
  ip -n $c addr add 10.91.0.1/24 dev line && ip -n $k addr add 10.91.0.2/24 dev line
  ip -n $c link set line up && ip -n $k link set line up
}
control_plane() {
  cat > silo.yaml <<Y
sites:
  - id: street
devices:
  - {id: kiosk-1, site: street, roles: [kiosk]}
Y
  ip netns exec $c "$silo" run --data "$dir/silo" --http 127.0.0.1:18080 --broker 10.91.0.1:1883 --config silo.yaml > silo.out 2> silo.log & pid[silo]=$!
  until_ "the control plane" grep -q ready silo.out
}
kiosk() {
  cat > edge.yaml <<Y
device: kiosk-1
site: street
roles: [kiosk]
data: $dir/edge
brokers: ['10.91.0.1:1883']
kiosk: {listen: '127.0.0.1:18081'}
Y
  ip netns exec $k "$edge" run --config edge.yaml --control "$dir/edge.sock" > edge.out 2> edge.log & pid[edge]=$!
  until_ "the kiosk" grep -q ready edge.out
  until_ "its link" grep -q 'Connected to the control plane' edge.log
}
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

if wanted outage; then
  rows=${DR_FIGURES_TRANSACTIONS:-10000} rate=${DR_FIGURES_RATE:-1mbit}
  namespaces; broker; control_plane; kiosk
  for n in $c $k; do ip netns exec $n tc qdisc add dev line root tbf rate "$rate" burst 16k latency 300ms || fail "tc has no tbf here"; done
  ip -n $c link set line down; cut=$SECONDS
  # Eight people at the kiosk's software, 40 cards, each card's transactions one after the other; what is answered is safe.
  cat > take.py <<'P'
import http.client, json, sys, threading, time
rows, people = int(sys.argv[1]), 8
times, lock = [], threading.Lock()
def person(who):
    line = http.client.HTTPConnection('127.0.0.1', 18081)
    for n in range(who, rows, people):
        card = 2100000 + n % 40
        body = json.dumps({'id': f'{card}-{n:06}', 'kind': ('borrow', 'return', 'renew')[n // 40 % 3], 'card': str(card), 'item': f'{(n * 7919) % 10 ** 9:09}', 'title': f'A book of some length, volume {n}'})
        began = time.monotonic()
        line.request('POST', '/transactions', body, {'Content-Type': 'application/json'})
        answer = line.getresponse(); answer.read()
        assert answer.status == 202, answer.status
        with lock: times.append(time.monotonic() - began)
began = time.monotonic()
all_ = [threading.Thread(target=person, args=(w,)) for w in range(people)]
[t.start() for t in all_]; [t.join() for t in all_]
assert len(times) == rows, f'{len(times)} answered'
times.sort()
print(f'{rows} transactions taken in {time.monotonic() - began:.0f} s with the line cut, by {people} people at once: answered after p50 {times[rows // 2] * 1000:.1f} ms, p99 {times[int(rows * .99)] * 1000:.1f} ms')
P
  ip netns exec $k python3 take.py "$rows" || fail "not every transaction was taken"
  # Long enough for the kiosk to have given its connection up, and to have waited its longest between attempts.
  for n in $(seq $((${DR_FIGURES_CUT:-60} - SECONDS + cut))); do sleep 1; done
  grep -q 'link is down' edge.log || fail "the kiosk has not noticed that its line is cut"
  ip -n $c link set line up
  cat > watch.py <<'P'
import sqlite3, sys, time
rows, began, first = int(sys.argv[1]), time.monotonic(), None
while True:
    try:
        with sqlite3.connect(f'file:{sys.argv[2]}?mode=ro', uri=True, timeout=20) as db:
            there = db.execute("select count(*) from dr_row where device = 'kiosk-1' and lane = 0").fetchone()[0]
    except sqlite3.OperationalError: there = 0
    if first is None and there: first = time.monotonic() - began
    if there >= rows or time.monotonic() - began > 900: break
    time.sleep(0.05)
took = time.monotonic() - began
time.sleep(2) # What should not come any more.
with sqlite3.connect(f'file:{sys.argv[2]}?mode=ro', uri=True, timeout=20) as db:
    got = db.execute("select key, sequence, body, stream from dr_row where device = 'kiosk-1' and lane = 0 order by rowid").fetchall()
    dead = db.execute("select count(*) from dr_dead_letter").fetchone()[0]
assert len(got) == rows and dead == 0, f'{len(got)} of {rows} delivered after {took:.0f} s, {dead} dead letters'
assert len({g[0] for g in got}) == rows and len({g[3] for g in got}) == 1, 'a transaction is there twice, or a stream was begun anew'
assert [g[1] for g in got] == list(range(1, rows + 1)), 'the lane is not in order'
last = {}
for key, *_ in got:
    card, n = key.split('-')
    assert last.get(card, '') < n, f'card {card}: {n} came after {last[card]}'
    last[card] = n
open('took', 'w').write(f'{took:.1f}')
print(f'{len(got)} rows once, in the order of the lane and of each of {len(last)} cards; the first {first:.1f} s and the last {took:.1f} s after the line\'s return')
P
  sent() { ip -n $k -s -j link show line | python3 -c 'import json,sys; s = json.load(sys.stdin)[0]["stats64"]; print(s["tx"]["bytes"], s["rx"]["bytes"])'; }
  read -r tx0 rx0 < <(sent)
  python3 watch.py "$rows" "$dir/silo/silo.db" || fail "the delivery is not what it should be"
  read -r tx1 rx1 < <(sent)
  echo "  over the line of $rate: $(( (tx1 - tx0) / 1024 )) KiB from the kiosk, $(( (rx1 - rx0) / 1024 )) KiB to it"
  goal "$(cat took)" 300 "delivered within 300 s"
  end
fi

if wanted idle; then
  seconds=${DR_FIGURES_IDLE:-120}
  namespaces; broker; control_plane; kiosk
  sleep 30 # What a start costs is over, and its beats have their period.
  before=$(ticks "${pid[edge]}"); sleep "$seconds"; after=$(ticks "${pid[edge]}")
  cpu=$(awk -v t=$((after - before)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", t / hz / s * 100 }')
  mib() { awk -v f="$1:" '$1 == f { printf "%.1f", $2 / 1024 }' "/proc/${pid[edge]}/smaps_rollup"; }
  rss=$(mib Rss)
  echo "idle kiosk, connected and beating, over $seconds s: $cpu % of a processor; $rss MiB resident ($(mib Pss) MiB of its own share, $(mib Private_Dirty) MiB private and written, $(mib Pss_File) MiB of files), $(ls "/proc/${pid[edge]}/task" | wc -l) threads"
  goal "$cpu" 1 "at most 1 % of a processor"
  goal "$rss" 80 "at most 80 MiB"
  end
fi

if wanted fleet; then
  devices=${DR_FIGURES_DEVICES:-10000}
  ulimit -n "$(ulimit -H -n)"; [ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -gt $((devices + 1000)) ] || fail "too few open files are allowed (ulimit -n: $(ulimit -n)) for $devices devices"
  namespaces; ip netns exec $c sysctl -qw net.ipv4.ip_local_port_range='2048 65000'
  broker; control_plane
  suspected() { grep -c 'is Suspect\|is Silent' silo.log; }
  ip netns exec $c "$sim" load --devices "$devices" --beat 10s --duration 100s --outages 0 --storms 0 --broker 10.91.0.1:1883 --restart ./broker.sh --json > fleet.json 2> fleet.log; status=$?
  [ -s fleet.json ] || fail "dr-sim load ended with status $status"
  python3 - "$(suspected)" "${DR_FIGURES_DOWN:-5}" <<'P' || fail "$(cat fleet.json)"
import json, sys
s = json.load(open('fleet.json'))
print(f"{s['devices']} devices beating every {s['beatSeconds']:.0f} s through one Mosquitto and one dr-silo, all connected at the beginning within {s['connectSeconds']:.0f} s: {s['beatsSent']} beats sent, {s['beatsReceived']} received, {s['beatsLate']} late, {s['beatsMissing']} lost with the broker")
print(f"broker killed and started again {sys.argv[2]} s later; counted from the kill, all {s['devices']} connected again after {s['restartConnectedSeconds']:.1f} s, heard after {s['restartHeardSeconds']:.1f} s, answered by the control plane after {s['restartAnsweredSeconds']:.1f} s")
print(f"suspected: {sys.argv[1]} by dr-silo, {s['falseSuspicions']} by the listener; dr-sim: {s['memoryMiB']} MiB, {s['cpuSeconds']:.0f} s of processor time")
P
  echo "  dr-silo: $(awk '$1 == "Rss:" { printf "%.0f", $2 / 1024 }' "/proc/${pid[silo]}/smaps_rollup") MiB resident, mosquitto: $(awk '$1 == "Rss:" { printf "%.0f", $2 / 1024 }' "/proc/$(cat broker.pid)/smaps_rollup") MiB"
  goal "$(python3 -c "import json; print(json.load(open('fleet.json'))['restartAnsweredSeconds'])")" 60 "all back within 60 s"
  goal "$(( $(suspected) + $(python3 -c "import json; print(json.load(open('fleet.json'))['falseSuspicions'])") ))" 0 "no false suspicion"
  end
fi
exit $missed
