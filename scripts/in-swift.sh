#!/usr/bin/env bash
# Runs a command in the Swift root that swift-toolchain.sh made, with folders of this machine at the same paths in it.
#
#   SWIFT_BIND   the folders, separated by colons; the git root (or the working folder) if nothing is said
#   SWIFT_ENV    names of variables to pass on, separated by spaces; all others stay out
#   SWIFT_ROOT   the root, if it is not where swift-toolchain.sh puts it
#
# The mounts are in a mount namespace of their own: they end with the command, however it ends, and nobody else sees them.
set -euo pipefail
ROOT=${SWIFT_ROOT:-${SWIFT_CACHE:-/var/cache/market-sdk/swift}/root}
BIND=${SWIFT_BIND:-$(git rev-parse --show-toplevel 2>/dev/null || pwd)}
inside=
IFS=: read -ra folders <<< "$BIND"
for folder in "${folders[@]}"; do
  [ -d "$folder" ] || { echo "in-swift: there is no folder $folder" >&2; exit 2; }
  case $PWD/ in "${folder%/}"/*) inside=yes;; esac
done
[ -n "$inside" ] || { echo "in-swift: $PWD is in none of $BIND" >&2; exit 2; }
[ -x "$ROOT/usr/bin/env" ] || { echo "in-swift: no Swift root at $ROOT: run swift-toolchain.sh" >&2; exit 2; }
export ROOT BIND CWD=$PWD
exec unshare --mount --propagation private bash -ec '
  mkdir -p "$ROOT/proc" "$ROOT/dev"
  mount -t proc proc "$ROOT/proc"; mount --rbind /dev "$ROOT/dev"
  # Programs trust the authorities that this machine trusts.
  if [ -d /etc/ssl ]; then mkdir -p "$ROOT/etc/ssl"; mount --bind /etc/ssl "$ROOT/etc/ssl"; fi
  IFS=: read -ra folders <<< "$BIND"
  for folder in "${folders[@]}"; do mkdir -p "$ROOT$folder"; mount --bind "$folder" "$ROOT$folder"; done
  given=(); for name in ${SWIFT_ENV:-}; do [ -z "${!name+set}" ] || given+=("$name=${!name}"); done
  exec chroot "$ROOT" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/libexec/swift/bin:/usr/bin:/usr/sbin "${given[@]}" bash -c "cd \"\$0\" && exec \"\$@\"" "$CWD" "$@"' in-swift "$@"
