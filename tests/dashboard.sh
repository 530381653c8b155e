#!/usr/bin/env bash
# dashboard.sh AGENTMAP [SCRIPT ARGUMENT...]: drives the dashboard of a program with a real browser: all tests, or one
# of the scripts of tests/dashboard/.
# CHROMIUM names another browser; AGENTMAP_ASSETS the folder to serve the pages from in place of the built-in ones.
set -euo pipefail
MOST=25m
AGENTMAP=$(realpath "$1")
export AGENTMAP
[[ -z ${AGENTMAP_ASSETS-} ]] || AGENTMAP_ASSETS=$(realpath "$AGENTMAP_ASSETS")
shift
cd "$(dirname "$0")/dashboard"

[[ -n ${CHROMIUM-} ]] || ../need.sh chromium 'chromium --version'
../need.sh nodejs 'node --version'
# Some distributions have npm in nodejs.
../need.sh npm 'npm --version'
# Where the distribution's Node.js is too old for the tests, the registry has a newer one.
is_new='const [major, minor] = process.versions.node.split("."); assert(major * 100 + Number(minor) >= 2019)'
if ! node -e "$is_new" 2>/dev/null; then
    case $(uname -m) in aarch64) processor=arm64 ;; *) processor=x64 ;; esac
    newer=../../target/tools/node-22
    [[ -x $newer/node_modules/node-linux-$processor/bin/node ]] ||
        npm install --prefix "$newer" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error \
            "node-linux-$processor@22.23.3"
    PATH=$(realpath "$newer")/node_modules/node-linux-$processor/bin:$PATH
fi
if ! cmp -s package-lock.json node_modules/installed-lock.json; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/installed-lock.json
fi

if (( $# > 0 )); then
    exec node "$@"
fi

# Each test has an end of its own (dashboard/testing.js), and a file ends with its last test; this is for what is left.
# They are a process group of their own, which ends as a whole: what ends this script is passed on.
timeout --kill-after=30 "$MOST" node --test --test-concurrency=2 --test-force-exit \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./unended.js --test-reporter-destination=stderr ./*.test.js &
trap 'kill $!' INT TERM
wait $!
