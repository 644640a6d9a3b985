#!/usr/bin/env bash
# Installs what the tests need, builds with warnings as errors, runs every test and ends by itself. Last line: N passed, N failed, N skipped.
#   tests/run.sh [PROJECT …]    for example: tests/run.sh Dr.Edge.Tests
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# In a mount namespace of its own (where one may be made): what a run mounts ends with its last process, however it ends, and what somebody else's killed appliance has left mounted is taken out of its sight below.
if [ -z "${DR_TEST_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
  DR_TEST_MOUNTS=own exec unshare --mount --propagation private bash tests/run.sh "$@"
fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
started=$SECONDS
projects=("$@")
[ ${#projects[@]} -gt 0 ] || projects=(Dr.Contracts.Tests Dr.Simulator.Tests Dr.Silo.Tests Dr.Edge.Tests Dr.EndToEnd.Tests)

# Everything that this run starts carries the mark, so that what is left at the end is known to be ours.
DR_TEST_RUN=$(cat /proc/sys/kernel/random/uuid)
export DR_TEST_RUN
results=$(mktemp -d "${TMPDIR:-/tmp}/dr-tests.XXXXXXXX")

marked() {  # pids of living processes that carry the mark, without this shell and its children here
  local file pid
  for file in /proc/[0-9]*/environ; do
    pid=${file#/proc/}; pid=${pid%/environ}
    [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] || continue
    tr '\0' '\n' < "$file" 2>/dev/null | grep -qx "DR_TEST_RUN=$DR_TEST_RUN" && echo "$pid"
  done 2>/dev/null
}
mounts() { awk '{print $2}' /proc/self/mounts | sort; }
loops() { losetup -a 2>/dev/null | cut -d: -f1 | sort; }
# Each failed test of a log: its name, what it says and where, without what the servers in the tests said meanwhile.
failures() { awk '/ \[FAIL\]$|^ *\[.*(Failure|Error).*\]/ { lines = 30 } / \[(SKIP|PASS)\]$|^  Finished:|^=== / { lines = 0 } lines > 0 && !/^[0-9-]+T[0-9:.]+Z / { print; lines-- }' "$1"; }
stop_ours() { local pid; for pid in $(marked); do [ -d "/proc/$pid" ] && kill -"$1" "$pid" 2>/dev/null; done; }
trap 'stop_ours TERM; exit 130' INT TERM

bash deploy/prerequisites.sh test || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
echo "Building"
if ! dotnet build Dr.slnx -c Release -v quiet --nologo -p:UseSharedCompilation=false > "$results/build.log" 2>&1; then
  grep -E 'error|warning' "$results/build.log" | sort -u | head -n 40
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
echo "Built in $((SECONDS - started)) s"

# A FUSE export whose server is dead, and a file system on it: mkfs.btrfs asks every mount of the machine and gives up at the first such one.
while [ "${DR_TEST_MOUNTS:-}" = own ]; do
  dead=$(awk '{print $2}' /proc/self/mounts | while read -r m; do case $(LC_ALL=C timeout 5 stat -- "$m" 2>&1) in *'not connected'*) echo "$m" ;; esac; done)
  [ -n "$dead" ] || break
  echo "A dead export is mounted on this machine, left out of this run: $dead"
  while read -r m; do umount --lazy "$m" || break 2; done <<< "$dead"
done

mounts > "$results/mounts.before"; loops > "$results/loops.before"
passed=0; failed=0; skipped=0
for project in "${projects[@]}"; do
  begun=$SECONDS
  program="tests/$project/bin/Release/net10.0/$project"
  log="$results/$project.log"; xml="$results/$project.xml"
  timeout --kill-after=30 1500 "$program" -noColor -noLogo -result-xml "$xml" > "$log" 2>&1
  status=$?
  counts=$(grep -o '<assembly [^>]*>' "$xml" 2>/dev/null | head -n 1)
  number() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<< "$counts"; }
  p=$(number passed); f=$(number failed); s=$(number skipped); e=$(number errors)
  if [ -z "$p" ]; then
    p=0; f=1; s=0; e=0
    echo "$project ended with status $status and left no result (124: it took longer than 25 minutes):"
    tail -n 30 "$log"
    echo "$project ended with status $status and left no result" >> "$results/failures"
  elif [ "$((f + e))" -gt 0 ]; then
    failures "$log" >> "$results/failures"
  elif [ "$status" -ne 0 ]; then
    f=1; tail -n 30 "$log"
    echo "$project ended with status $status after its tests" >> "$results/failures"
  fi
  echo "$project: $p passed, $((f + e)) failed, $s skipped in $((SECONDS - begun)) s"
  passed=$((passed + p)); failed=$((failed + f + e)); skipped=$((skipped + s))
done

# What a test leaves behind is a failure of that test's clean-up, so it counts as one.
deadline=$((SECONDS + 5))
while [ -n "$(marked)" ] && [ $SECONDS -lt $deadline ]; do sleep 0.2; done
left=$(marked)
if [ -n "$left" ]; then
  echo "Left running:"; for pid in $left; do echo "  $pid $(tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | cut -c1-160)"; done
  stop_ours KILL; failed=$((failed + 1))
fi
mounts > "$results/mounts.after"; loops > "$results/loops.after"
extra=$(comm -13 "$results/mounts.before" "$results/mounts.after"; comm -13 "$results/loops.before" "$results/loops.after")
if [ -n "$extra" ]; then echo "Left mounted or looped:"; echo "  ${extra//$'\n'/$'\n'  }"; failed=$((failed + 1)); fi

# Last, so that the end of a long output tells what failed.
[ ! -s "$results/failures" ] || { echo "Failed:"; cat "$results/failures"; }
echo "Took $((SECONDS - started)) s"
if [ "$failed" -eq 0 ]; then rm -rf "$results"; else echo "Logs: $results"; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
