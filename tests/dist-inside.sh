#!/usr/bin/env bash
# What tests/dist.sh does inside of the Debian that it boots.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
step() { echo "-- $*"; }
fail() { echo "$*"; journalctl --no-pager -n 40 -u agentmap || true; exit 1; }
trap 'fail "line $LINENO failed: $BASH_COMMAND"' ERR

# All there is, but for what every use of a system leaves.
all() {
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /test -o -path /var/tmp -o -path /var/log \
        -o -path /var/cache -o -path /var/lib/systemd -o -path /var/lib/dpkg -o -path /home \) -prune -o -print | sort
}
get() {
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
    cat <&3
    exec 3>&-
}
# Waits until something is so.
until_so() {
    for _ in {1..300}; do
        if "$@"; then return; fi
        sleep 0.1
    done
    fail "it does not come: $*"
}
nothing_runs() { ! grep --no-messages --quiet --line-regexp agentmap /proc/[0-9]*/comm; }
main_pid() { systemctl show --property MainPID --value agentmap; }
settings=(--config /etc/agentmap/agentmap.toml)

all > /test/before
step "installs, starts and serves"
dpkg --install /test/older.deb
systemctl is-active agentmap
systemctl is-enabled agentmap
get 8000 /health | grep -q '"status":"healthy"'
agentmap "${settings[@]}" token create --role viewer --name kept >/dev/null
[[ $(stat -c %a /var/lib/private/agentmap /var/lib/private/agentmap/agentmap.redb.key | xargs) == "700 600" ]]
[[ $(stat -c %U "/proc/$(main_pid)") != root ]]
systemd-analyze verify --man=no agentmap.service
exposed=$(systemd-analyze security --no-pager agentmap.service | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
echo "exposure $exposed"
[[ ${exposed%.*} -lt 2 ]]
man=/usr/share/man/man1/agentmap.1.gz
[[ -s $man && -s /usr/share/bash-completion/completions/agentmap ]]
[[ $(agentmap man /test/man && ls /test/man | wc -l) -eq $(ls /usr/share/man/man1/agentmap*.1.gz | wc -l) ]]

step "is started again when it is killed, and when it hangs"
mkdir -p /run/systemd/system/agentmap.service.d
printf '[Service]\nWatchdogSec=2s\nRestartSec=100ms\nTimeoutAbortSec=1s\n' > /run/systemd/system/agentmap.service.d/soon.conf
systemctl daemon-reload
systemctl restart agentmap
for signal in KILL STOP; do
    before=$(main_pid)
    kill "-$signal" "$before"
    again() { local now; now=$(main_pid); [[ $now != 0 && $now != "$before" ]] && systemctl is-active --quiet agentmap; }
    until_so again
    get 8000 /health | grep -q '"status":"healthy"'
done
[[ $(systemctl show --property NRestarts --value agentmap) == 2 ]]
rm -r /run/systemd/system/agentmap.service.d

step "upgrades, and keeps settings and data"
echo 'port = 8123' >> /etc/agentmap/agentmap.toml
dpkg --install /test/agentmap_*.deb
systemctl is-active agentmap
get 8123 /health | grep -q '"status":"healthy"'
agentmap "${settings[@]}" token list | grep -q kept
systemctl stop agentmap
dpkg --install /test/agentmap_*.deb
[[ $(systemctl is-active agentmap) == inactive ]]
agentmap "${settings[@]}" check
systemctl start agentmap

step "purges, and leaves nothing"
dpkg --remove agentmap
[[ -e /var/lib/private/agentmap/agentmap.redb ]]
nothing_runs
dpkg --purge agentmap
all > /test/after
diff /test/before /test/after

step "the program by itself: a service of the machine"
install /test/agentmap /usr/local/bin
hash -r
agentmap service install --port 8200
agentmap service start
agentmap service status >/dev/null
get 8200 /health | grep -q '"status":"healthy"'
if agentmap service install --archive /srv 2>/test/said; then fail "it was installed"; fi
grep -q '/srv' /test/said
agentmap service stop
if agentmap service status >/dev/null; then fail "it runs"; fi
agentmap service uninstall
[[ ! -e /etc/systemd/system/agentmap.service && -e /var/lib/agentmap/agentmap.redb ]]

step "the program by itself: a service of a user"
useradd --create-home tester
loginctl enable-linger tester
until_so test -S /run/user/1000/systemd/private
as_tester() { runuser -u tester -- env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/tester "$@"; }
as_tester agentmap service install --user --port 8300
as_tester agentmap service start --user
get 8300 /health | grep -q '"status":"healthy"'
# The user's own commands find it.
as_tester agentmap status | grep -q '8300 (healthy)'
as_tester agentmap service status --user >/dev/null
as_tester agentmap service uninstall --user
[[ ! -e /home/tester/.config/systemd/user/agentmap.service ]]
[[ -e /home/tester/.local/share/agentmap/agentmap.redb ]]
nothing_runs
echo 'all is well'
