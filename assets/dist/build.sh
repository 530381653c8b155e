#!/usr/bin/env bash
# Puts what is released of this commit into target/dist: the same commit and the same compilers give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -n $(git status --porcelain) ]]; then
    echo "What is released is a commit: commit, or put aside, what git status shows" >&2
    exit 1
fi
for tool in zip xz-utils:xz python3; do
    tests/need.sh "${tool%:*}" "command -v ${tool#*:}"
done
CYCLONEDX=0.5.9
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC PATH="$PWD/target/tools/bin:$PATH"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
umask 022

version=$(cargo pkgid | sed 's/.*[#@]//')
linux=x86_64-unknown-linux-gnu windows=x86_64-pc-windows-gnu
if [[ "$(cargo cyclonedx --version 2>/dev/null)" != *" $CYCLONEDX" ]]; then
    cargo install cargo-cyclonedx --version "$CYCLONEDX" --locked --debug --root target/tools
fi
make release windows

out=target/dist
rm -rf "$out" && mkdir -p "$out/stage"
program=target/$linux/release/agentmap
"$program" --version | grep -qF "$version ($(git rev-parse --short=12 HEAD) $linux)"

# What every release holds, beside the program for the target.
papers() {
    local folder=$1 target=$2 name
    mkdir -p "$folder/completions"
    cp README.md CHANGELOG.md LICENSE "$folder"
    python3 assets/dist/licences.py "$target" > "$folder/THIRD-PARTY.txt"
    cargo cyclonedx --quiet --format json --target "$target" --override-filename agentmap.cdx
    # It names the place of the sources, which is no part of what is released.
    sed "s|file://$PWD|file:///agentmap|g" agentmap.cdx.json > "$folder/agentmap.cdx.json"
    rm agentmap.cdx.json
    for name in bash:agentmap.bash zsh:_agentmap fish:agentmap.fish powershell:agentmap.ps1; do
        "$program" completions "${name%:*}" > "$folder/completions/${name#*:}"
    done
}

# All files have the time of the commit, and rights that do not follow from those of the clone.
settle() {
    chmod -R u=rwX,go=rX "$1"
    find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

name=agentmap-$version-linux-x86_64
tree=$out/stage/$name
papers "$tree" "$linux"
install -m 755 "$program" "$tree/agentmap"
"$program" man "$tree/man"
cp assets/dist/agentmap.service assets/dist/agentmap.toml "$tree"
cp -r assets/dist/container "$tree/container"
mkdir "$tree/container/data"
settle "$tree"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --format=gnu --directory "$out/stage" "$name" |
    gzip -9 --no-name > "$out/$name.tar.gz"

deb=$out/stage/deb
doc=$deb/usr/share/doc/agentmap
mkdir -p "$deb/DEBIAN" "$doc" "$deb"/usr/share/{man/man1,bash-completion/completions,zsh/vendor-completions} \
    "$deb/usr/share/fish/vendor_completions.d" "$deb/usr/bin" "$deb/usr/lib/systemd/system" "$deb/etc/agentmap"
cp "$tree/agentmap" "$deb/usr/bin"
cp "$tree/agentmap.service" "$deb/usr/lib/systemd/system"
cp "$tree/agentmap.toml" "$deb/etc/agentmap"
for page in "$tree"/man/*.1; do gzip -9 --no-name < "$page" > "$deb/usr/share/man/man1/${page##*/}.gz"; done
cp "$tree/completions/agentmap.bash" "$deb/usr/share/bash-completion/completions/agentmap"
cp "$tree/completions/_agentmap" "$deb/usr/share/zsh/vendor-completions"
cp "$tree/completions/agentmap.fish" "$deb/usr/share/fish/vendor_completions.d"
cp "$tree/agentmap.cdx.json" "$tree/README.md" "$doc"
gzip -9 --no-name < CHANGELOG.md > "$doc/changelog.gz"
gzip -9 --no-name < "$tree/THIRD-PARTY.txt" > "$doc/THIRD-PARTY.txt.gz"
cp LICENSE "$doc/copyright"
sed "s/@VERSION@/$version/; s/@SIZE@/$(du -ks --apparent-size "$deb" | cut -f1)/" assets/dist/debian/control > "$deb/DEBIAN/control"
echo /etc/agentmap/agentmap.toml > "$deb/DEBIAN/conffiles"
install -m 755 assets/dist/debian/{postinst,prerm,postrm} "$deb/DEBIAN"
(cd "$deb" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
settle "$deb"
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$deb" "$out/agentmap_${version}_amd64.deb" >/dev/null

name=agentmap-$version-windows-x86_64
tree=$out/stage/$name
papers "$tree" "$windows"
cp "target/windows/$windows/release/agentmap.exe" "$tree"
settle "$tree"
(cd "$out/stage" && find "$name" -type f | sort | zip -q -X -9 "../$name.zip" -@)

rm -rf "$out/stage"
(cd "$out" && sha256sum -- * > SHA256SUMS && cat SHA256SUMS)
