//! Packs what the program holds of these files, when it is built: as plain text, pages and sample fleet would make it
//! half a megabyte larger. And notes of what it is built, and for what.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rustc-env=AGENTMAP_BUILD={}", build());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?);
    let pages = out.join("pages");
    if pages.exists() {
        fs::remove_dir_all(&pages)?;
    }
    let mut fleet = GzEncoder::new(fs::File::create(out.join("fleet.gz"))?, Compression::best());
    for file in files(Path::new("assets"))? {
        let bytes = fs::read(&file)?;
        let name = file.strip_prefix("assets").map_err(io::Error::other)?;
        if let Ok(identity) = name.strip_prefix("identities") {
            // `src/seed/samples.rs` reads this.
            write!(fleet, "{}\n{}\n", identity.display().to_string().replace('\\', "/"), bytes.len())?;
            fleet.write_all(&bytes)?;
        } else if name == Path::new("prices.json") || name.starts_with("dist") {
            // `src/domain/prices.rs` and `src/commands/service` hold what they need of these.
        } else if !name.extension().is_some_and(|kind| kind == "sh" || kind == "png" || kind == "rs") {
            keep(&pages.join(name), &bytes)?;
        }
    }
    fleet.finish()?.flush()
}

/// The commit, where this is a clone and a release is built, and the target. Other builds would begin anew with each commit.
fn build() -> String {
    let target = std::env::var("TARGET").unwrap_or_default();
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return target;
    }
    let git = |arguments: &[&str]| {
        let ran = Command::new("git").args(arguments).output().ok().filter(|ran| ran.status.success())?;
        Some(String::from_utf8(ran.stdout).ok()?.trim().to_owned())
    };
    // Unpacked inside of another project's clone, that one's commit says nothing.
    if git(&["rev-parse", "--show-prefix"]).as_deref() != Some("") {
        return target;
    }
    if let Some(moves) =
        git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|moves| Path::new(moves).exists())
    {
        println!("cargo::rerun-if-changed={moves}");
    }
    git(&["rev-parse", "--short=12", "HEAD"]).map_or(target.clone(), |commit| format!("{commit} {target}"))
}

/// Writes a file: as `<name>.gz`, where that is worth it.
fn keep(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes)?;
    let packed = packed.finish()?;
    fs::create_dir_all(file.parent().unwrap_or(Path::new("")))?;
    if packed.len() < bytes.len() / 10 * 9 {
        let mut name = file.as_os_str().to_owned();
        name.push(".gz");
        fs::write(name, packed)
    } else {
        fs::write(file, bytes)
    }
}

/// All files below a folder, by name.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}
