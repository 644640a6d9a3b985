# Sourced by the scripts that measure real programs in a folder of their own, where the programs' logs lie.
fail() { echo "FAILED: $*" >&2; tail -n 5 ./*.log >&2; exit 1; }
until_() { local what=$1 k; shift; for k in $(seq 600); do "$@" && return; sleep 0.1; done; fail "still waiting for $what"; } # WHAT COMMAND…: a minute at most
