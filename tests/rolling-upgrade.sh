#!/usr/bin/env bash
# Builds the silo of an earlier commit beside the present one and replaces a running cluster of it silo by silo. Takes a few minutes; ends by itself.
#   tests/rolling-upgrade.sh [COMMIT]    the commit before this one when it is left out
set -euo pipefail
cd "$(dirname "$0")/.."
commit=${1:-HEAD~1}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
previous=$(mktemp -d "${TMPDIR:-/tmp}/dr-previous.XXXXXXXX")
trap 'git worktree remove --force "$previous/tree" 2>/dev/null || true; rm -rf "$previous"' EXIT
git worktree add --quiet --detach "$previous/tree" "$commit"
echo "Building $(git -C "$previous/tree" log -1 --format='%h %s') and the present tree"
dotnet build "$previous/tree/Dr.Silo" -c Release -v quiet --nologo -p:RunAnalyzers=false > "$previous/build.log" 2>&1 || { tail -n 30 "$previous/build.log"; exit 1; }
dotnet build tests/Dr.EndToEnd.Tests -c Release -v quiet --nologo -p:RunAnalyzers=false > "$previous/build.log" 2>&1 || { tail -n 30 "$previous/build.log"; exit 1; }
DR_PREVIOUS_SILO="$previous/tree/Dr.Silo/bin/Release/net10.0/dr-silo" tests/Dr.EndToEnd.Tests/bin/Release/net10.0/Dr.EndToEnd.Tests -noColor -noLogo -showLiveOutput -class '*RollingUpgradeTests'
