#!/usr/bin/env bash
# dist.sh FOLDER: tries what is released: the sums, the program in a root where nothing else is, the container, and the
# package on a Debian of its own, booted with its own systemd. Takes root.
set -euo pipefail
cd "$(dirname "$0")/.."
released=$(realpath "$1")
(( EUID == 0 )) || { echo "This makes and boots systems of its own: it takes root" >&2; exit 1; }
for tool in debootstrap:debootstrap systemd-container:systemd-nspawn buildah:buildah curl:curl; do
    tests/need.sh "${tool%:*}" "command -v ${tool#*:}"
done
work=$PWD/target/dist-test
mkdir -p "$work"
step() { echo "== $*"; }

step "the sums"
(cd "$released" && sha256sum --check --quiet SHA256SUMS)

step "the program in an empty root"
rm -rf "$work/empty" && mkdir "$work/empty"
tar --extract --gzip --file "$released"/agentmap-*-linux-x86_64.tar.gz --directory "$work"
tree=$(echo "$work"/agentmap-*-linux-x86_64)
cp "$tree/agentmap" "$work/empty"
chroot "$work/empty" /agentmap --version
coproc SERVER { exec chroot "$work/empty" /agentmap serve --data /data/agentmap.redb --port 0 --seed-if-empty sample; }
server=$SERVER_PID
trap 'kill "$server" 2>/dev/null || true' EXIT
while read -r line <&"${SERVER[0]}"; do
    [[ $line != *" listens on "* ]] || break
done
curl --silent --show-error --fail "${line##* listens on }/health" | grep -q '"status":"healthy"'
kill "$server"
wait "$server"
chroot "$work/empty" /agentmap check --data /data/agentmap.redb
# It made nothing but its data.
[[ $(ls "$work/empty") == $'agentmap\ndata' ]]

step "the container"
# Without a daemon, and without what only a machine of its own can do.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
image() { buildah --root "$work/images" --runroot "$work/images-run" "$@"; }
image build --quiet --file "$tree/container/Containerfile" --tag agentmap "$tree"
container=$(image from agentmap)
root=$(image mount "$container")
[[ $(cd "$root" && echo *) == "LICENSE THIRD-PARTY.txt agentmap data" ]]
image run "$container" -- /agentmap token create --role admin --json | grep -q '"role": "admin"'
image umount "$container" >/dev/null
image rm "$container" >/dev/null
image rmi agentmap >/dev/null

step "the package on a Debian of its own"
if [[ ! -e $work/debian.tar ]]; then
    rm -rf "$work/debian"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,init-system-helpers,dbus,libpam-systemd bookworm "$work/debian"
    tar --create --file "$work/debian.tar" --directory "$work/debian" .
fi
rm -rf "$work/debian" && mkdir "$work/debian"
tar --extract --file "$work/debian.tar" --directory "$work/debian"
mkdir "$work/debian/test"
cp tests/dist-inside.sh "$released"/*.deb "$tree/agentmap" "$work/debian/test"
# The version before, which is the same but for its name.
dpkg-deb --raw-extract "$released"/*.deb "$work/debian/test/older"
sed -i 's/^Version: .*/Version: 0.0.1/' "$work/debian/test/older/DEBIAN/control"
dpkg-deb --root-owner-group --build "$work/debian/test/older" "$work/debian/test/older.deb" >/dev/null
rm -r "$work/debian/test/older"
cat > "$work/debian/etc/systemd/system/dist-test.service" <<'UNIT'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/bash /test/dist-inside.sh
StandardOutput=append:/test/log
StandardError=append:/test/log
TimeoutStartSec=5min
[Install]
WantedBy=default.target
UNIT
systemctl --root="$work/debian" enable --quiet dist-test.service
systemd-nspawn --quiet --directory="$work/debian" --boot --register=no --keep-unit --private-network </dev/null > "$work/boot.log" 2>&1 || true
cat "$work/debian/test/log"
tail -n 1 "$work/debian/test/log" | grep -qx 'all is well' || { echo "It went wrong; $work/boot.log may tell more" >&2; exit 1; }
rm -rf "$work/debian" "$work/empty" "$tree"
