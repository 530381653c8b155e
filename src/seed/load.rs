//! A file -> as many of its bytes as can matter.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::front_matter::{closing, opening};
use super::note::Note;
use super::read::{Kind, MAX_YAML, too_large};

/// How much is read at a time; also all that is read of a Markdown file without front matter.
const CHUNK: u64 = 8 << 10;

/// Reads one file for [`read`](super::read::read): YAML up to the limit, Markdown up to the end
/// of its front matter, however long its text goes on.
///
/// # Errors
/// When it is no regular file, cannot be read, or holds more YAML than the limit.
pub fn load(path: &Path) -> Result<Vec<u8>, Note> {
    let failed = |error: std::io::Error| Note::whole(format!("cannot be read: {error}"));
    // Asked before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Note::whole("no regular file"));
    }
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    match Kind::of(path) {
        Some(Kind::Markdown) => front_matter(file, size),
        _ => whole(file, size),
    }
    .map_err(failed)?
}

fn whole(file: File, size: u64) -> std::io::Result<Result<Vec<u8>, Note>> {
    let limit = MAX_YAML as u64;
    if size > limit {
        return Ok(Err(Note::whole(too_large(size))));
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    let read = file.take(limit + 1).read_to_end(&mut bytes)? as u64;
    Ok(if read > limit { Err(Note::whole(too_large(read))) } else { Ok(bytes) })
}

fn front_matter(mut file: File, size: u64) -> std::io::Result<Result<Vec<u8>, Note>> {
    let mut bytes = Vec::new();
    let mut searched = None;
    loop {
        let read = file.by_ref().take(CHUNK).read_to_end(&mut bytes)?;
        let Some(start) = searched.or_else(|| opening(&bytes)) else {
            return Ok(Ok(bytes));
        };
        let at_end = (read as u64) < CHUNK;
        if let Some((_, end)) = closing(&bytes, start)
            // The chunk may end inside of a line that goes on after its dashes.
            && (at_end || bytes[..end].ends_with(b"\n"))
        {
            bytes.truncate(end);
            return Ok(Ok(bytes));
        }
        if at_end {
            return Ok(Ok(bytes));
        }
        if bytes.len() > MAX_YAML {
            let reason = format!(
                "front matter of {} bytes and more in a file of {size}; at most {MAX_YAML} are read",
                bytes.len()
            );
            return Ok(Err(Note::at(1, reason)));
        }
        // Not again from the start: only the last line is incomplete.
        searched = Some(bytes.iter().rposition(|&b| b == b'\n').map_or(start, |at| at + 1).max(start));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn loaded(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Note> {
        let (_dir, path) = file(name, bytes);
        load(&path)
    }

    #[test]
    fn yaml_is_read_up_to_the_limit() {
        assert_eq!(loaded("a.yaml", b"name: a").unwrap(), b"name: a");
        assert_eq!(loaded("a.yml", &vec![b'#'; MAX_YAML]).unwrap().len(), MAX_YAML);
        let note = loaded("a.yml", &vec![b'#'; MAX_YAML + 1]).unwrap_err();
        assert_eq!(note.reason, "1048577 bytes of YAML; at most 1048576 are read");
    }

    #[test]
    fn markdown_is_read_to_the_end_of_its_front_matter() {
        let head = b"---\nname: a\n---\n".to_vec();
        let body = vec![0xff; 3 << 20];
        assert_eq!(loaded("a.md", &[head.clone(), body.clone()].concat()).unwrap(), head);
        assert_eq!(loaded("a.md", &body).unwrap().len() as u64, CHUNK);
        assert_eq!(loaded("a.md", b"---\nname: a\n").unwrap(), b"---\nname: a\n");
        assert_eq!(loaded("a.md", b"").unwrap(), b"");
    }

    #[test]
    fn a_closing_line_may_lie_across_chunks() {
        for pad in 8_150..8_200 {
            for close in ["---\n", "---   \r\n", "---"] {
                let text = format!("---\n#{}\n---x\n{close}", "y".repeat(pad));
                assert_eq!(loaded("a.md", text.as_bytes()).unwrap(), text.as_bytes(), "{pad}");
            }
        }
    }

    #[test]
    fn endless_front_matter_is_refused() {
        let note = loaded("a.md", &[b"---\n".to_vec(), b"a: b\n".repeat(300_000)].concat()).unwrap_err();
        assert!(note.reason.contains("1500004") && note.reason.contains("1048576"), "{note}");
    }

    #[test]
    fn a_gigabyte_costs_nothing() {
        let (_dir, path) = file("a.md", b"");
        File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
        assert_eq!(load(&path).unwrap().len() as u64, CHUNK);
        let (_dir, path) = file("a.yaml", b"");
        File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
        assert!(load(&path).unwrap_err().reason.contains("1073741824"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap_err().reason, "no regular file");
        assert!(load(&dir.path().join("no.md")).unwrap_err().reason.starts_with("cannot be read"));
    }
}
