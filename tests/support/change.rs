//! What is done to storage, and what of it survives when the power fails before it is synced.

use std::ops::Range;
use std::sync::Arc;

/// What was done to the storage.
#[derive(Clone)]
pub enum Change {
    Write(usize, Arc<[u8]>),
    Length(usize),
    Sync,
}

impl Change {
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Sync => {}
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(at, data) => write(bytes, *at, data),
        }
    }

    /// Does as much of it as fate lets.
    pub fn apply_as(&self, fate: Fate, bytes: &mut Vec<u8>) {
        match (fate, self) {
            (Fate::Lost, _) => {}
            (Fate::Part(from, to), Self::Write(at, data)) => {
                let place = |part: u8| data.len() * usize::from(part) / 256;
                let Range { start, end } = place(from.min(to))..place(from.max(to));
                write(bytes, at + start, &data[start..end]);
            }
            (Fate::Sectors(kept), Self::Write(at, data)) => {
                // A sector is a place on the disk, not in what is written.
                let mut from = 0;
                while from < data.len() {
                    let to = data.len().min((at + from) / SECTOR * SECTOR + SECTOR - at);
                    if kept >> ((at + from) / SECTOR % 64) & 1 == 1 {
                        write(bytes, at + from, &data[from..to]);
                    }
                    from = to;
                }
            }
            (_, change) => change.apply(bytes),
        }
    }
}

fn write(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes[at..at + data.len()].copy_from_slice(data);
}

/// What a disk writes at once.
pub const SECTOR: usize = 512;

/// What becomes of a change that was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    Lost,
    /// Of a write, the bytes between two of 256 parts.
    Part(u8, u8),
    /// Of a write, the sectors whose number, taken from 64, has its bit set.
    Sectors(u64),
    Whole,
}
