"""licences.py TARGET: the licences of all that is in the program for a target, as one text."""
import json
import pathlib
import re
import subprocess
import sys

NAMES = re.compile(r"licen[cs]e|copying|notice|copyright", re.IGNORECASE)


def cargo(*words):
    ran = subprocess.run(["cargo", *words, "--locked"], check=True, capture_output=True, text=True)
    return ran.stdout


def take(name, folder):
    """Takes the texts of all that is in a folder."""
    for file in sorted(f for f in folder.iterdir() if f.is_file() and NAMES.search(f.name)):
        text = file.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip()
        texts.setdefault(text, []).append(name)


target = sys.argv[1]
tree = cargo("tree", "--edges", "normal", "--target", target, "--prefix", "none", "--format", "{p}")
used = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
metadata = json.loads(cargo("metadata", "--format-version", "1"))
packages = [p for p in metadata["packages"] if (p["name"], "v" + p["version"]) in used and p["source"]]

print("agentmap is made with what others made. Here is who they are, and on what terms.\n")
texts = {}
for package in sorted(packages, key=lambda p: (p["name"], p["version"])):
    name = f"{package['name']} {package['version']}"
    print(f"{name}: {package['license']}  {package['repository'] or ''}".rstrip())
    take(name, pathlib.Path(package["manifest_path"]).parent)
print("The standard library of Rust: MIT OR Apache-2.0  https://github.com/rust-lang/rust")
if "windows" in target:
    print("The runtime of mingw-w64: ZPL-2.1 and others as free  https://www.mingw-w64.org")
    print("libgcc: GPL-3.0-or-later WITH GCC-exception-3.1  https://gcc.gnu.org")
else:
    print("The GNU C library: LGPL-2.1-or-later  https://www.gnu.org/software/libc")
    print("libgcc: GPL-3.0-or-later WITH GCC-exception-3.1  https://gcc.gnu.org")
vendor = pathlib.Path("assets/vendor")
for package in json.loads((vendor / "vendor.json").read_text())["packages"]:
    print(f"{package['name']} {package['version']}: {package['license']}  {package['homepage']}")
for folder in sorted(f for f in vendor.iterdir() if f.is_dir()):
    take(f"{folder.name}, of the pages", folder)

# The same text is told once.
for text, names in sorted(texts.items(), key=lambda entry: entry[1]):
    print(f"\n{'=' * 100}\n{', '.join(names)}\n\n{text}")
