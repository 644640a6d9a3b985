#!/usr/bin/env bash
# The whole way on this machine: two sites, a real PostgreSQL on a protected volume, a disaster, and the way home. Ends by itself and leaves nothing behind.
#
#   deploy/quickstart.sh [--copy sync|stream] [--keep] [--report DIR] [--load SECONDS] [--rate N] [--no-build]
#
#   --copy sync|stream   how the backup site follows: sync = every answered write is on both (default), stream = shipped as it is appended
#   --keep               leave everything running afterwards, with the console open, until Ctrl-C
#   --report DIR         where the summary and the fault-log report are written (default artifacts/quickstart)
#   --load SECONDS       how long the circulation desk works before the disaster (default 20)
#   --rate N             transactions a second that the desk tries (default 100)
#   --no-build           use the Release build that is there
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

copy=sync keep=no build=yes report=artifacts/quickstart load=20 rate=100
usage() { sed -n '2,11s/^# \{0,1\}//p' "$0"; }
while [ $# -gt 0 ]; do
  case "$1" in
    --copy) copy=${2:-}; shift 2 || true ;;
    --keep) keep=yes; shift ;;
    --report) report=${2:-}; shift 2 || true ;;
    --load) load=${2:-}; shift 2 || true ;;
    --no-build) build=no; shift ;;
    --rate) rate=${2:-}; shift 2 || true ;;
    -h|--help) usage; exit 0 ;;
    *) echo "quickstart: unknown argument '$1'." >&2; usage >&2; exit 2 ;;
  esac
done
case "$copy" in sync|stream) ;; *) echo "quickstart: --copy takes sync or stream, not '$copy'." >&2; exit 2 ;; esac
[[ "$load" =~ ^[0-9]+$ && "$rate" =~ ^[0-9]+$ ]] || { echo "quickstart: --load and --rate take whole numbers." >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "quickstart: run this as root: it mounts file systems and makes namespaces." >&2; exit 1; }

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' red='' green='' plain=''; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s%s%s  %s\n' "$dim" "$(date +%T)" "$plain" "$*"; }
die() { printf '%squickstart: %s%s\n' "$red" "$*" "$plain" >&2; exit 1; }
now() { date +%s.%N; }
minus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a - b }'; }
seconds_of() { date -d "$1" +%s.%N; }

title "Preparing"
bash deploy/prerequisites.sh run
if [ "$build" = yes ] && ! dotnet build Dr.slnx -c Release -v quiet --nologo -p:UseSharedCompilation=false -p:RunAnalyzers=false > /tmp/dr-quickstart-build.$$ 2>&1; then
  grep -E 'error' /tmp/dr-quickstart-build.$$ | sort -u | head -n 20 >&2; rm -f /tmp/dr-quickstart-build.$$; die "the build failed."
fi
rm -f /tmp/dr-quickstart-build.$$
edge=$PWD/Dr.Edge/bin/Release/net10.0/dr-edge silo=$PWD/Dr.Silo/bin/Release/net10.0/dr-silo sim=$PWD/Dr.Simulator/bin/Release/net10.0/dr-sim
begun=$SECONDS

work=$(mktemp -d /tmp/dr-quickstart.XXXXXX)
chmod 755 "$work"
mkdir -p "$report"
declare -A machine=()          # name -> pid of the process whose death ends the machine
desk='' failed=yes
loops_before=$(losetup -n -O NAME 2>/dev/null | sort)

# A machine is a process tree with process and mount namespaces of its own: killing its first process with -9 is pulling its plug.
# shellcheck disable=SC2016
boot() {  # name, command…
  local name=$1; shift
  unshare --mount --pid --fork --mount-proc --kill-child=KILL -- \
    bash -c 'trap "kill -TERM \$child 2>/dev/null" TERM INT; "$@" & child=$!; while kill -0 $child 2>/dev/null; do wait $child; done' machine "$@" \
    > "$work/$name.log" 2>&1 < /dev/null &
  machine[$name]=$!
}
init_of() { pgrep -P "${machine[$1]}" | head -n 1; }
power_off() { [ -n "${machine[$1]:-}" ] || return 0; kill -KILL "${machine[$1]}" 2>/dev/null || true; wait "${machine[$1]}" 2>/dev/null || true; unset "machine[$1]"; forget_loops; }
shut_down() {  # the clean way, and the plug when it takes too long
  local pid=${machine[$1]:-}; [ -n "$pid" ] || return 0
  kill -TERM "$(init_of "$1")" 2>/dev/null || true
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  power_off "$1"
}
forget_loops() {  # loop devices whose machine is gone: a real one would have forgotten them at power-off
  local name back
  while read -r name back; do
    grep -qx "$name" <<< "$loops_before" && continue
    case "$back" in *"$work"*|*deleted*|'') grep -q "^$name " /proc/[0-9]*/mounts 2>/dev/null || losetup -d "$name" 2>/dev/null || true ;; esac
  done < <(losetup -n -O NAME,BACK-FILE 2>/dev/null)
}
cleanup() {
  local status=$?
  trap - EXIT INT TERM
  [ -z "$desk" ] || { kill -TERM "$desk" 2>/dev/null || true; wait "$desk" 2>/dev/null || true; }
  if [ "$failed" = yes ]; then
    mkdir -p "$report/logs"; cp "$work"/*.log "$work"/*.yaml "$report/logs/" 2>/dev/null || true
    printf '%sStopped before the end; the logs are in %s/logs%s\n' "$red" "$report" "$plain" >&2
  fi
  local name
  for name in kiosk-1 kiosk-2 production backup silo; do shut_down "$name"; done
  forget_loops
  ip addr del 127.77.0.1/32 dev lo 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() { local p; while :; do p=$((20000 + RANDOM % 12000)); ss -Hltn "sport = :$p" | grep -q . || [[ " ${taken:-} " == *" $p "* ]] || { taken="${taken:-} $p"; port=$p; return; }; done; }
port=0
free_port; http=$port; free_port; mqtt=$port; free_port; nbd_p=$port; free_port; nbd_b=$port; free_port; rep_p=$port; free_port; rep_b=$port; free_port; pg=$port
api=http://127.0.0.1:$http/api/v1
service="Host=127.77.0.1;Port=$pg;Username=postgres;Database=postgres;Timeout=2;Command Timeout=5;Keepalive=2;Pooling=false"

until_true() {  # what, seconds, command…
  local what=$1 limit=$2 end; shift 2; end=$((SECONDS + limit))
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $end ] || die "waited $limit s for: $what."
    sleep 0.1
  done
}
says_ready() { grep -qx ready "$work/$1.log"; }
system() { curl -fsS --max-time 5 "$api/systems/dilas"; }
phase_is() { local p; p=$(system | jq -r .phase) && [[ " $* " == *" $p "* ]]; }
desk_start() { "$sim" workload run --connection "$service" --ledger "$work/ledger" --status "$work/desk.json" --rate "$rate" > "$work/desk.log" 2>&1 & desk=$!; }
desk_stop() { kill -TERM "$desk"; wait "$desk" || true; desk=''; }
desk_check() { "$sim" workload check --connection "$service" --ledger "$work/ledger" --json || true; }
commits() { local n; n=$(grep -c '^C' "$work/ledger" 2>/dev/null) || true; echo "${n:-0}"; }
# The first commit behind the longest gap after a moment: a commit answered while the kill was still on its way is none.
resumed_after() {
  awk -v t="$1" '$1 == "C" { split($4, p, /[T:Z]/); s = p[2] * 3600 + p[3] * 60 + p[4]; if ($4 > t && seen && s - l > m) { m = s - l; r = $4 } l = s; seen = 1 } END { print r }' "$work/ledger"
}
utc() { date -u +%Y-%m-%dT%H:%M:%S.%NZ; }

site_config() {  # site, device, nbd port, replication port
  cat > "$work/$1.yaml" <<YAML
device: $2
site: $1
roles: [appliance, host]
data: $work/$1
control: $work/$1.sock
nbd: { listen: 127.0.0.1:$3, socket: $work/$1-nbd.sock }
replication: { listen: 127.0.0.1:$4 }
brokers: [ 127.0.0.1:$mqtt ]
systems:
  - id: dilas
    volume: dilas
    mount: $work/$1-dilas
    fileSystem: ext4
    lease: true
    quiesce: { provider: postgresql, timeout: 10s }
    components:
      - name: postgresql
        kind: postgresql
        dataDirectory: $work/$1-dilas/pg
        address: 127.77.0.1
        port: $pg
        user: postgres
        authentication: trust
        check: { sql: "select 1", period: 1s, timeout: 2s }
    network:
      - { kind: address, address: 127.77.0.1/32, device: lo }
YAML
}
kiosk_config() {  # name
  cat > "$work/$1.yaml" <<YAML
device: $1
site: street
roles: [kiosk]
data: $work/$1
control: $work/$1.sock
brokers: [ 127.0.0.1:$mqtt ]
targets: { "system:dilas": "tcp://127.77.0.1:$pg" }
YAML
}
site_config production prod-1 "$nbd_p" "$rep_p"
site_config backup back-1 "$nbd_b" "$rep_b"
kiosk_config kiosk-1
kiosk_config kiosk-2
cat > "$work/silo.yaml" <<YAML
sites: [ {id: production}, {id: backup}, {id: street} ]
devices:
  - { id: prod-1, site: production, roles: [appliance, host] }
  - { id: back-1, site: backup, roles: [appliance, host] }
  - { id: kiosk-1, site: street, roles: [kiosk] }
  - { id: kiosk-2, site: street, roles: [kiosk] }
systems:
  - id: dilas
    name: DILAS integrated library system
    class: T
    home: production
    volume: dilas
    size: 1GiB
    copy: { mode: $copy }
    hosts: { production: prod-1, backup: back-1 }
    appliances: { production: prod-1, backup: back-1 }
    replication: { production: 127.0.0.1:$rep_p, backup: 127.0.0.1:$rep_b }
    policy: dilas
    approval: automatic
    lossLimit: 5m
    leaseTtl: 6s
    trial: 30m
    points: 10s
YAML

title "Two sites, one database"
boot silo "$silo" run --data "$work/silo" --http "127.0.0.1:$http" --mqtt-listen "127.0.0.1:$mqtt" --config "$work/silo.yaml"
until_true "the control plane to be ready" 40 says_ready silo
say "control plane with its own broker and store: console ${bold}http://127.0.0.1:$http/${plain}"
boot backup "$edge" run --config "$work/backup.yaml"
boot production "$edge" run --config "$work/production.yaml"
boot kiosk-1 "$edge" run --config "$work/kiosk-1.yaml"
boot kiosk-2 "$edge" run --config "$work/kiosk-2.yaml"
for name in backup production kiosk-1 kiosk-2; do until_true "$name to be ready" 40 says_ready "$name"; done
say "production, backup and two kiosks report"
until_true "the volume to be made at production" 40 "$edge" volume show dilas --control "$work/production.sock"
say "volume dilas, 1 GiB, made by the control plane's command"
"$edge" system prepare dilas --control "$work/production.sock" > "$work/prepare.log" 2>&1 || { cat "$work/prepare.log" >&2; die "the database could not be prepared."; }
say "ext4 and PostgreSQL $(psql -h 127.77.0.1 -p "$pg" -U postgres -Atc 'show server_version' | cut -d' ' -f1) on it, at 127.77.0.1:$pg"
until_true "the system to be protected (copy at the backup site current)" 60 phase_is Protected
say "protected: epoch $(system | jq -r .epoch), copy mode $copy"

title "A working day"
desk_start
until_true "the first transaction" 20 test -s "$work/ledger"
sleep "$load"
until_true "a point taken by schedule" 30 bash -c "[ \"\$(curl -fsS $api/systems/dilas | jq .points)\" -ge 1 ]"
view=$(system)
say "$(commits) loans and returns committed, $(jq -r .points <<< "$view") points, the newest $(jq -r '.newestPoint.consistency // "?"' <<< "$view" | tr 'A-Z' 'a-z')-consistent, copy $(jq -r '.dataAgeSeconds // 0 | . * 10 | round / 10' <<< "$view") s behind"

title "Disaster: production loses its power"
before=$(commits)
killed=$(now); killed_utc=$(utc)
power_off production
say "kill -9 of the appliance, the host agent and the database; $before transactions were answered"
until_true "a failover to start" 120 bash -c "curl -fsS $api/systems/dilas | jq -e '.liveRun != null'"
run=$(system | jq -r .liveRun.id)
until_true "the backup site to serve" 180 phase_is OnTrial FailedOver
serving_utc=$(utc)
until_true "the desk to work again" 60 bash -c "[ -n \"\$(awk -v t=$serving_utc '\$1 == \"C\" && \$4 > t' $work/ledger | sed -n 5p)\" ]"
resumed=$(resumed_after "$killed_utc")
facts=$(curl -fsS "$api/runs/$run")
detected=$(minus "$(seconds_of "$(jq -r '.facts.detectedAt // .startedAt' <<< "$facts")")" "$killed")
takeover=$(minus "$(seconds_of "$resumed")" "$killed")
say "detected after ${bold}$detected s${plain}, served again after ${bold}$takeover s${plain} (epoch $(system | jq -r .epoch))"
jq -r '.steps[] | "          \(.step) at \(.target): \(.state | ascii_downcase), \(.seconds // 0 | . * 10 | round / 10) s\(if .detail then ", " + .detail else "" end)"' <<< "$facts"
jq -r '.facts | to_entries[] | "          \(.key): \(.value)"' <<< "$facts"
desk_stop
after_takeover=$(desk_check)
lost=$(jq .lost <<< "$after_takeover") lost_seconds=$(jq '.lostSeconds * 1000 | round / 1000' <<< "$after_takeover")
say "ledger: $(jq .committed <<< "$after_takeover") committed, ${bold}$lost lost${plain} (over $lost_seconds s), $(jq .unexplained <<< "$after_takeover") unexplained"
desk_start
curl -fsS -X POST "$api/runs/$run/commit" -H 'Content-Type: application/json' -d '{"actor":"quickstart","reason":"the backup site serves"}' > /dev/null || die "the takeover could not be committed."
until_true "the takeover to be committed" 20 phase_is FailedOver
say "committed: production's old copy is not trusted any more"

title "Repair and the way home"
boot production "$edge" run --config "$work/production.yaml"
until_true "production to be ready" 40 says_ready production
say "production is back; its copy is behind and refuses writes"
home_begun=$(now)
until_true "the failback to be accepted" 60 bash -c "curl -fsS -X POST $api/runs -H 'Content-Type: application/json' -H 'Idempotency-Key: home' -H 'If-Match: $(system | jq -r .epoch)' -d '{\"system\":\"dilas\",\"kind\":\"failback\",\"actor\":\"quickstart\",\"reason\":\"production is repaired\"}' > $work/failback.json"
back=$(jq -r '.id // .run // .runId' "$work/failback.json")
until_true "the system to be protected at home again" 180 phase_is Protected
home=$(minus "$(now)" "$home_begun")
home_end=$(utc)
until_true "the desk to work at home" 60 bash -c "[ -n \"\$(awk -v t=$home_end '\$1 == \"C\" && \$4 > t' $work/ledger | sed -n 5p)\" ]"
pause=$(awk -v a="$(date -u -d "@$home_begun" +%Y-%m-%dT%H:%M:%S)" '$1 == "C" && $4 > a { split($4, p, /[T:Z]/); s = p[2] * 3600 + p[3] * 60 + p[4]; if (n++ && s - l > m) m = s - l; l = s } END { printf "%.1f", m }' "$work/ledger")
facts=$(curl -fsS "$api/runs/$back")
jq -r '.steps[] | "          \(.step) at \(.target): \(.state | ascii_downcase), \(.seconds // 0 | . * 10 | round / 10) s\(if .detail then ", " + .detail else "" end)"' <<< "$facts"
jq -r '.facts | to_entries[] | "          \(.key): \(.value)"' <<< "$facts"
sleep 2
desk_stop
after_home=$(desk_check)
home_lost=$(($(jq .lost <<< "$after_home") - lost))
say "home after ${bold}$home s${plain} (the desk waited $pause s), ${bold}$home_lost lost${plain} on the way, epoch $(system | jq -r .epoch)"

title "The year on record"
"$sim" replay --report "$report/replay.html" > "$work/replay.log" 2>&1 || { tail -n 20 "$work/replay.log" >&2; die "the replay failed."; }
cat "$work/replay.log"
curl -fsS "http://127.0.0.1:$http/" -o /dev/null || die "the console does not answer."

total=$((SECONDS - begun))
jq -n --arg copy "$copy" --argjson detected "$detected" --argjson takeover "$takeover" --argjson failback "$home" --argjson pause "$pause" \
  --argjson takeoverLedger "$after_takeover" --argjson homeLedger "$after_home" --argjson homeLost "$home_lost" --argjson seconds "$total" \
  '{copy: $copy, detectedSeconds: $detected, takeoverSeconds: $takeover, failbackSeconds: $failback, failbackPauseSeconds: $pause, failbackLost: $homeLost, afterTakeover: $takeoverLedger, afterFailback: $homeLedger, seconds: $seconds}' > "$report/summary.json"

title "Measured in this run"
printf '  %-34s %s\n' "copy" "$copy" "detected after" "$detected s" "served again after" "$takeover s" \
  "committed / lost at the takeover" "$(jq .committed <<< "$after_takeover") / $lost (over $lost_seconds s)" \
  "failback, of it a pause of" "$home s, $pause s" "lost by the failback" "$home_lost" "whole run" "$total s"
echo
echo "  report of the year   $report/replay.html"
echo "  summary              $report/summary.json"
[ "$home_lost" -eq 0 ] || die "the failback lost $home_lost transactions."
[ "$copy" != sync ] || [ "$lost" -eq 0 ] || die "the synchronous copy lost $lost transactions."
failed=no
if [ "$keep" = yes ]; then
  desk_start
  printf '\n%sconsole  http://127.0.0.1:%s/%s   (Ctrl-C ends it all)\n' "$green" "$http" "$plain"
  while :; do sleep 3600 & wait $! || break; done
fi
