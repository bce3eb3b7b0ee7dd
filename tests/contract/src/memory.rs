//! Looks for texts in this process's own memory, without having them there itself.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use zeroize::{Zeroize as _, Zeroizing};

/// Each byte is kept with these bits turned over.
const MASK: u8 = 0b1010_0101;

/// A text that is looked for.
pub struct Needle {
    /// What it is.
    pub name: String,
    masked: Vec<u8>,
}

impl Needle {
    /// Of a text that this process may have.
    pub fn of(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), masked: text.bytes().map(|byte| byte ^ MASK).collect() }
    }

    /// As it is handed to another process.
    pub fn as_masked(&self) -> String {
        let bytes: Vec<String> = self.masked.iter().map(u8::to_string).collect();
        bytes.join(" ")
    }

    /// As it came from another process.
    pub fn from_masked(name: &str, masked: &str) -> Self {
        let masked = masked.split(' ').map(|byte| byte.parse().unwrap()).collect();
        Self { name: name.to_owned(), masked }
    }

    /// The text, for as long as this is kept.
    pub fn text(&self) -> Zeroizing<String> {
        // No buffer that grows, which would leave what it held.
        let mut text = Zeroizing::new(String::with_capacity(self.masked.len()));
        text.extend(self.masked.iter().map(|byte| char::from(byte ^ MASK)));
        text
    }
}

/// A needle in memory.
#[derive(Debug)]
pub struct Found {
    /// Which.
    pub needle: String,
    /// The kind of memory, as the system calls it.
    pub place: String,
    /// What is in front of it.
    pub before: String,
}

/// How much is looked at at once, and how much of it is looked at again with the next: no needle is longer.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 4096;
const BEFORE: usize = 64;

/// Looks through all memory that this process can write to: heap, stacks, statics.
pub fn search(needles: &[&Needle]) -> Vec<Found> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut chunk = vec![0; CHUNK];
    let mut found = Vec::new();
    for map in maps.lines() {
        let mut columns = map.split_whitespace();
        let (range, rights) = (columns.next().unwrap(), columns.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let place = columns.nth(3).unwrap_or("anonymous");
        let (start, end) = range.split_once('-').unwrap();
        let (mut at, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        while at < end {
            let length = CHUNK.min((end - at) as usize);
            // A thread may have ended since, and its stack with it.
            if memory.read_exact_at(&mut chunk[..length], at).is_err() {
                break;
            }
            // Masked at once: what is read here is memory too, and is read itself in its turn.
            chunk[..length].iter_mut().for_each(|byte| *byte ^= MASK);
            let last = at + length as u64 == end;
            let looked_at = if last { length } else { length - OVERLAP };
            for needle in needles {
                found.extend(places(&chunk[..length], looked_at, needle, place));
            }
            at += looked_at as u64;
        }
        chunk.zeroize();
        chunk.resize(CHUNK, 0);
    }
    found
}

fn places<'a>(
    masked: &'a [u8],
    looked_at: usize,
    needle: &'a Needle,
    place: &'a str,
) -> impl Iterator<Item = Found> + 'a {
    let first = needle.masked[0];
    let starts = (0..looked_at).filter(move |at| masked[*at] == first);
    starts.filter(|at| masked[*at..].starts_with(&needle.masked)).map(move |at| Found {
        needle: needle.name.clone(),
        place: place.to_owned(),
        before: masked[at.saturating_sub(BEFORE)..at]
            .iter()
            .map(|byte| char::from(byte ^ MASK))
            .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '·' })
            .collect(),
    })
}
