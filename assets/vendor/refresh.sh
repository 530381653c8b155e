#!/bin/sh
# Brings the files of assets/vendor/ to what vendor.json pins.
#
#   refresh.sh          download the pinned packages with npm, edit, verify, then replace the files
#   refresh.sh --check  verify the files on disk against vendor.json; no network, changes nothing
#
# Exits 1 on a difference, 2 on a wrong call. To move to a new version: change version and
# tarball_sha256 in vendor.json, run this, and copy the checksums it reports after reading the new files.
set -eu
LC_ALL=C
export LC_ALL

vendor=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
manifest=$vendor/vendor.json

# The value of one member on one line of vendor.json.
member() { printf '%s\n' "$2" | sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p"; }

# sha256sum on Linux, shasum on macOS.
sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# The folder of a package: a scoped name, @scope/name, as npm itself writes it in the names of files.
folder() { printf '%s\n' "$1" | sed 's|^@||; s|/|-|'; }

# Where the file of one line lies below assets/vendor/: without the package's inner folders, under the name of `as`
# where there is one.
shipped_path() {
  name=$(member as "$1")
  [ -n "$name" ] || name=$(member file "$1")
  case " $(member edits "$1") " in *" gzip "*) name=$name.gz ;; esac
  printf '%s/%s\n' "$(folder "$(member package "$1")")" "${name##*/}"
}

# The checksum of a file, of a packed one that of its content.
content_sha256() {
  case $1 in
    *.gz)
      # Into a file: a pipe would hide that gzip failed.
      content=$(mktemp)
      if gzip -dc "$1" > "$content"; then sha256 "$content"; else echo "none: gzip cannot read it"; fi
      rm -f "$content" ;;
    *) sha256 "$1" ;;
  esac
}

# Applies one named edit to a file, and fails if it changed nothing: a new version then needs a look.
edit() {
  case $1 in
    # The same bytes from the same gzip, whenever and of whatever file.
    gzip) gzip -9 -n -c "$2" > "$2.edited"; mv "$2.edited" "$2"; return ;;
    no-source-map) expression='$ { /^\/[\/*]# sourceMappingURL=/d; s|//# sourceMappingURL=[^ ]*$||; }' ;;
    no-cdn-logo) expression='s|src:"https://cdn\.redoc\.ly/redoc/logo-mini\.svg"|src:"data:,"|' ;;
    absolute-imports) expression='
      s|from"preact"|from"/assets/vendor/preact/preact.module.js"|g
      s|from"preact/hooks"|from"/assets/vendor/preact/hooks.module.js"|g
      s|from"@preact/signals-core"|from"/assets/vendor/preact-signals-core/signals-core.module.js"|g' ;;
    *) echo "vendor: unknown edit \"$1\"" >&2; return 1 ;;
  esac
  sed "$expression" "$2" > "$2.edited"
  if cmp -s "$2" "$2.edited"; then echo "vendor: edit $1 found nothing to change in $2" >&2; return 1; fi
  mv "$2.edited" "$2"
}

# Compares a tree with vendor.json: every listed file is there and equal, and no other file is.
verify() {
  tree=$1; differences=0; listed=' '
  while IFS= read -r line; do
    path=$(shipped_path "$line")
    expected=$(member sha256 "$line")
    listed="$listed$path "
    if [ ! -f "$tree/$path" ]; then
      echo "vendor: $path is missing" >&2; differences=1; continue
    fi
    actual=$(content_sha256 "$tree/$path")
    if [ "$actual" != "$expected" ]; then
      echo "vendor: $path has sha256 $actual, vendor.json says $expected" >&2; differences=1
    fi
  done <<LINES
$file_lines
LINES
  for found in $(cd "$tree" && find . -mindepth 2 -type f | sed 's|^\./||' | sort); do
    case $listed in *" $found "*) ;; *) echo "vendor: $found is not in vendor.json" >&2; differences=1 ;; esac
  done
  return "$differences"
}

file_lines=$(grep '"file":' "$manifest")
package_lines=$(grep '"tarball_sha256":' "$manifest")

case ${1-} in
  --check) verify "$vendor" || exit 1; echo "vendor: all files are as vendor.json says"; exit 0 ;;
  '') ;;
  *) echo "usage: refresh.sh [--check]" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/tree"

while IFS= read -r line; do
  name=$(member name "$line"); version=$(member version "$line"); expected=$(member tarball_sha256 "$line")
  unpacked=$work/$(folder "$name")
  tarball=$unpacked/${unpacked##*/}-$version.tgz
  mkdir "$unpacked"
  echo "vendor: fetching $name $version"
  (cd "$unpacked" && npm pack --silent --ignore-scripts "$name@$version" >/dev/null) ||
    { echo "vendor: npm could not fetch $name@$version" >&2; exit 1; }
  actual=$(sha256 "$tarball")
  if [ "$actual" != "$expected" ]; then
    echo "vendor: $name@$version has sha256 $actual, vendor.json says $expected" >&2; exit 1
  fi
  tar -xzf "$tarball" -C "$unpacked"
done <<LINES
$package_lines
LINES

while IFS= read -r line; do
  target=$work/tree/$(shipped_path "$line")
  mkdir -p "${target%/*}"
  cp "$work/$(folder "$(member package "$line")")/package/$(member file "$line")" "$target"
  for name in $(member edits "$line"); do edit "$name" "$target"; done
  chmod 644 "$target"
done <<LINES
$file_lines
LINES

# Only a tree that is right as a whole replaces what is there.
verify "$work/tree" || exit 1
for package in "$work"/tree/*; do
  rm -rf "${vendor:?}/${package##*/}"
  cp -R "$package" "$vendor/"
done
verify "$vendor" || exit 1
echo "vendor: all files are as vendor.json says"
