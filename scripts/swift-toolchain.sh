#!/usr/bin/env bash
# Makes sure that there is a Swift toolchain on a Debian that has none: Debian 13's, unpacked into a root folder of its own.
# Nothing of the system is changed: no source is added to apt, no package is installed. in-swift.sh runs commands in it.
#
#   SWIFT_CACHE   where it is kept; /var/cache/market-sdk/swift if nothing is said. About 1.3 GB
#
# A finished root whose stamp fits is kept as it is, an unfinished one is thrown away. Needs root, apt-get, dpkg-deb and tar.
set -euo pipefail
CACHE=${SWIFT_CACHE:-/var/cache/market-sdk/swift}
ROOT=${SWIFT_ROOT:-$CACHE/root}
SUITE=trixie
PACKAGES=(swiftlang libc6-dev libstdc++-14-dev bash coreutils)
KEY=/usr/share/keyrings/debian-archive-keyring.gpg
# What building and testing can do without: half of it.
EXCLUDE=(--exclude=./usr/share/doc/'*' --exclude=./usr/share/man/'*' --exclude=./usr/share/locale/'*'
  --exclude='*/liblldb*' --exclude='*/bin/lldb*' --exclude='*/libsourcekitd*' --exclude='*/sourcekit-lsp'
  --exclude='*/bin/clangd' --exclude='*/bin/docc' --exclude='*/lib/swift_static/*' --exclude='*/lib/swift/embedded/*'
  --exclude='*/libLTO*' --exclude='*/swift-format')
STAMP="$SUITE ${PACKAGES[*]} $(sha256sum < "$0" | cut -c1-16)"

mkdir -p "$CACHE"
exec 9> "$CACHE/lock"
flock 9
if [ "$(cat "$ROOT/.stamp" 2>/dev/null)" = "$STAMP" ]; then exit 0; fi
for tool in apt-get dpkg-deb tar unshare; do
  command -v "$tool" > /dev/null || { echo "swift-toolchain: there is no $tool" >&2; exit 1; }
done
# As in-swift.sh will: better known before a gigabyte is unpacked.
if ! why=$(unshare --mount --propagation private mount -t tmpfs none "$CACHE" 2>&1); then
  echo "swift-toolchain: this machine lets nobody mount: $why" >&2
  echo "swift-toolchain: Debian's Swift runs in a root folder with mounts of its own, which takes the capability" \
    "CAP_SYS_ADMIN and, in a container, a security profile that allows mount (docker run --cap-add SYS_ADMIN" \
    "--security-opt apparmor=unconfined, or --privileged). With a Swift 6 of this machine's own none of it is needed." >&2
  exit 1
fi
echo "Unpacking Debian's Swift into $ROOT."

# The system's own mirror, if it names one.
MIRROR=$( { awk '$1 == "URIs:" { print $2; exit }' /etc/apt/sources.list.d/debian.sources
            awk '$1 == "deb" && $2 ~ /^http/ { print $2; exit }' /etc/apt/sources.list; } 2>/dev/null | head -n 1 || true)
APT=$CACHE/apt
mkdir -p "$APT"/etc/{apt.conf.d,preferences.d,sources.list.d} "$APT"/state/lists/partial "$APT"/cache/archives/partial
: > "$APT/state/status"
cat > "$APT/etc/sources.list.d/debian.sources" <<SOURCE
Types: deb
URIs: ${MIRROR:-http://deb.debian.org/debian}
Suites: $SUITE
Components: main
Signed-By: $KEY
SOURCE
cat > "$APT/apt.conf" <<CONFIG
Dir::Etc "$APT/etc";
Dir::Etc::parts "/etc/apt/apt.conf.d";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$APT/etc/sources.list.d";
Dir::State "$APT/state";
Dir::State::status "$APT/state/status";
Dir::Cache "$APT/cache";
APT::Architecture "$(dpkg --print-architecture)";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "1";
CONFIG
export APT_CONFIG=$APT/apt.conf
apt-get -qq update
apt-get -qq -y -d -o APT::Keep-Downloaded-Packages=true -o DPkg::Post-Invoke::= install "${PACKAGES[@]}"
# Only what apt names: an older version may lie beside one in the cache.
mapfile -t debs < <(apt-get -qq --print-uris -o Dir::Cache::archives=/nonexistent install "${PACKAGES[@]}" | awk '{ print $2 }')
[ ${#debs[@]} -gt 20 ] || { echo "swift-toolchain: apt named ${#debs[@]} packages only" >&2; exit 1; }
# base-files first: it brings the links from /bin to /usr/bin and so on.
mapfile -t debs < <(printf '%s\n' "${debs[@]}" | awk '{ print ($0 ~ /^base-files_/ ? 0 : 1), $0 }' | sort -s -k1,1n | cut -d' ' -f2)
rm -rf "$ROOT.tmp"
mkdir -p "$ROOT.tmp"
for deb in "${debs[@]}"; do
  dpkg-deb --fsys-tarfile "$APT/cache/archives/$deb" | tar -x -C "$ROOT.tmp" --keep-directory-symlink "${EXCLUDE[@]}"
done
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
(cd "$CACHE" && SWIFT_ROOT=$ROOT.tmp SWIFT_BIND=$CACHE "$HERE/in-swift.sh" swiftc --version)
echo "$STAMP" > "$ROOT.tmp/.stamp"
rm -rf "$ROOT" "$APT"
mv "$ROOT.tmp" "$ROOT"
