#!/usr/bin/env bash
# need.sh PACKAGE TEST: makes sure that TEST succeeds, by installing a package of Debian where it does not.
set -euo pipefail
package=$1 test=$2

works() { bash -c "$test" >/dev/null 2>&1; }

works && exit 0
sudo=()
(( EUID == 0 )) || sudo=(sudo -n)
if ! command -v apt-get >/dev/null || ! "${sudo[@]}" true 2>/dev/null; then
    echo "The tests need the package $package, and this user cannot install it: install it and run this again." >&2
    exit 1
fi
echo "Installing $package"
"${sudo[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$package"
works || { echo "The package $package is installed, but '$test' still fails." >&2; exit 1; }
