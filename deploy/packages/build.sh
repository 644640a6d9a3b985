#!/usr/bin/env bash
# Builds packages that need no .NET on the machine they are installed on. Times, owners, order and paths in them are fixed: two builds of one commit with one SDK are equal to the byte, wherever they are made.
#   deploy/packages/build.sh [--rid RID] [--out DIR] [PACKAGE …]
#     RID       linux-x64 (default), linux-arm64: Debian packages; win-x64: a zip with the kiosk's dr-edge
#     DIR       where they go (default: artifacts/packages)
#     PACKAGE   dr-edge, dr-silo, dr-sim (default: all that the RID has)
# The time in the packages is SOURCE_DATE_EPOCH, or else that of the last commit; the version is the project's.
set -euo pipefail

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }
rid=linux-x64; out=; packages=()
while [ $# -gt 0 ]; do
  case "$1" in
    --rid|--out) [ $# -gt 1 ] || { echo "$1 needs a value." >&2; usage >&2; exit 2; }
      [ "$1" = --rid ] && rid=$2 || out=$2; shift 2 ;;
    -h|--help) usage; exit 0 ;;
    dr-edge|dr-silo|dr-sim) packages+=("$1"); shift ;;
    *) echo "'$1' is no package and no option." >&2; usage >&2; exit 2 ;;
  esac
done
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
case "$rid" in
  linux-x64) arch=amd64 ;;
  linux-arm64) arch=arm64 ;;
  win-x64) arch= ;;
  *) echo "No packages are made for '$rid'." >&2; usage >&2; exit 2 ;;
esac
[ ${#packages[@]} -gt 0 ] || { [ "$rid" = win-x64 ] && packages=(dr-edge) || packages=(dr-edge dr-silo dr-sim); }
out=${out:-$root/artifacts/packages}; mkdir -p "$out"; out=$(cd "$out" && pwd)
command -v dotnet > /dev/null || { echo "The .NET SDK is not on the PATH; install it first." >&2; exit 1; }
[ "$rid" = win-x64 ] || command -v dpkg-deb > /dev/null || { echo "dpkg-deb is missing: apt-get install dpkg." >&2; exit 1; }

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2> /dev/null || echo 0)}; export SOURCE_DATE_EPOCH
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT; trap 'exit 143' TERM
declare -A projects=([dr-edge]=Dr.Edge [dr-silo]=Dr.Silo [dr-sim]=Dr.Simulator)

publish() { # PACKAGE TARGET: the program with its own runtime; nothing of this build stays beside the source
  local log="$work/$1.log"
  if [ -n "${DR_PACKAGE_FROM_BUILD:-}" ]; then # For tests: as it was built for this machine, which has the runtime.
    mkdir -p "$2"; cp -r "$root/${projects[$1]}/bin/Release/net10.0/." "$2"; return
  fi
  # Symbols, paths of this machine and the like do not go into a package.
  if ! dotnet publish "$root/${projects[$1]}" -c Release -r "$rid" --self-contained -o "$2" --artifacts-path "$work/build" -v quiet --nologo \
      -p:DebugType=none -p:GenerateDocumentationFile=false -p:RunAnalyzers=false -p:ContinuousIntegrationBuild=true "-p:PathMap=$root=/dr%2C$work=/work" -p:UseSharedCompilation=false > "$log" 2>&1; then
    echo "$1 could not be built for $rid:" >&2; grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2; exit 1
  fi
}

manual() { # PROGRAM TARGET: a manual page of what the programs themselves say; only where they can run here
  { printf '.TH %s 1 "%s" "Dr %s"\n.SH NAME\n%s \\- %s\n.SH DESCRIPTION\nEvery command has \\fB\\-\\-help\\fR.\n.nf\n' "${1^^}" "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)" "$version" "$1" "$(summary "$1")"
    sed 's/\\/\\\\/g; s/^\([.'"'"']\)/\\\&\1/; s/-/\\-/g' "$3"
    printf '.fi\n.SH FILES\n.nf\n'; sed 's/\\/\\\\/g; s/^\([.'"'"']\)/\\\&\1/; s/-/\\-/g' "$here/$1/files"; printf '.fi\n'; } | gzip -9n > "$2"
}

summary() { sed -n 's/^Description: //p' "$here/$1/control"; }

deb() { # PACKAGE
  local package=$1 tree="$work/$1" control
  mkdir -p "$tree/usr/lib/dr" "$tree/usr/bin" "$tree/usr/share/doc/$package" "$tree/DEBIAN"
  publish "$package" "$tree/usr/lib/dr/$package"
  ln -s "../lib/dr/$package/$package" "$tree/usr/bin/$package"
  if [ "$rid" = "$(native)" ]; then "$tree/usr/lib/dr/$package/$package" --help; else printf 'See %s --help.\n' "$package"; fi > "$work/help"
  mkdir -p "$tree/usr/share/man/man1"; manual "$package" "$tree/usr/share/man/man1/$package.1.gz" "$work/help"
  [ ! -d "$here/$package/root" ] || cp -r "$here/$package/root/." "$tree/"
  printf 'Upstream-Name: Dr\n\n' > "$tree/usr/share/doc/$package/copyright"; cat "$root/LICENSE" >> "$tree/usr/share/doc/$package/copyright"
  gzip -9nc "$root/CHANGELOG.md" > "$tree/usr/share/doc/$package/changelog.gz"
  find "$tree" -type d -exec chmod 755 {} +; find "$tree" -type f -exec chmod 644 {} +
  chmod 755 "$tree/usr/lib/dr/$package/$package"
  find "$tree/usr/lib/dr/$package" -name createdump -exec chmod 755 {} +

  for script in preinst postinst prerm postrm; do
    [ ! -f "$here/$package/$script" ] || install -m 755 "$here/$package/$script" "$tree/DEBIAN/$script"
  done
  (cd "$tree" && find . -path './etc/*' -type f -printf '/%P\n' | LC_ALL=C sort) > "$tree/DEBIAN/conffiles"
  [ -s "$tree/DEBIAN/conffiles" ] || rm "$tree/DEBIAN/conffiles"
  (cd "$tree" && find . -path ./DEBIAN -prune -o -type f -not -path './etc/*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' md5sum) > "$tree/DEBIAN/md5sums"
  control="$tree/DEBIAN/control"
  { printf 'Package: %s\nVersion: %s\nArchitecture: %s\nInstalled-Size: %s\n' "$package" "$version" "$arch" "$(du -sk --apparent-size --exclude=DEBIAN "$tree" | cut -f1)"; cat "$here/$package/control"; } > "$control"
  chmod 644 "$tree"/DEBIAN/{control,md5sums}; [ ! -f "$tree/DEBIAN/conffiles" ] || chmod 644 "$tree/DEBIAN/conffiles"
  find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group --threads-max=1 "-Z${DR_PACKAGE_COMPRESSION:-xz}" --build "$tree" "$out/${package}_${version}_${arch}.deb" > /dev/null
  rm -rf "$tree"
  echo "$out/${package}_${version}_${arch}.deb"
}

native() { case "$(uname -m)" in x86_64) echo linux-x64 ;; aarch64) echo linux-arm64 ;; esac; }

version=$(dotnet msbuild "$root/Dr.Edge" -getProperty:Version -nologo)
for package in "${packages[@]}"; do
  if [ "$rid" != win-x64 ]; then deb "$package"; continue; fi
  publish "$package" "$work/$package-$version"
  cp "$root/LICENSE" "$here/dr-edge/kiosk.yaml" "$work/$package-$version/"
  find "$work/$package-$version" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  python3 - "$work" "$package-$version" "$out/$package-$version-$rid.zip" << 'ZIP'
import os, sys, time, zipfile
work, folder, target = sys.argv[1:]
moment = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]  # A zip knows no time before 1980.
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
    for path in sorted(os.path.join(d, f) for d, _, files in os.walk(os.path.join(work, folder)) for f in files):
        entry = zipfile.ZipInfo(os.path.relpath(path, work), moment)
        entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
        with open(path, "rb") as source:
            zipped.writestr(entry, source.read())
ZIP
  echo "$out/$package-$version-$rid.zip"
done
