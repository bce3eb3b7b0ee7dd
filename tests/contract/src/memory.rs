//! Looks for texts in this process's own memory, without having them there itself.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use zeroize::Zeroizing;

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
    /// What is in front of it, masked: another needle may be there.
    before: Vec<u8>,
}

impl Found {
    /// Whether this, and after it nothing but text, is in front of it. An empty text is not asked for.
    pub fn is_after(&self, head: &str) -> bool {
        let masked: Vec<u8> = head.bytes().map(|byte| byte ^ MASK).collect();
        let is_text = |byte: &u8| (b' '..=b'~').contains(&(byte ^ MASK));
        self.before
            .windows(masked.len())
            .rposition(|part| part == masked)
            .is_some_and(|at| self.before[at + masked.len()..].iter().all(is_text))
    }

    /// The last of what is in front of it, for people.
    pub fn shown(&self) -> String {
        let last = &self.before[self.before.len().saturating_sub(64)..];
        let text = last.iter().map(|byte| char::from(byte ^ MASK));
        text.map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '·' }).collect()
    }
}

/// How much is looked at at once. Of that so much is there for what comes before and after a needle.
const WINDOW: usize = 1 << 20;
const MARGIN: usize = 2048;

/// Looks through all memory that this process can write to: heap, stacks, statics.
pub fn search(needles: &[&Needle]) -> Vec<Found> {
    let mut window = Zeroizing::new(vec![0; WINDOW]);
    // Read into itself, this would show once more what was there before.
    let own = window.as_ptr() as u64..window.as_ptr() as u64 + WINDOW as u64;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    for map in maps.lines() {
        let mut columns = map.split_whitespace();
        let (range, rights) = (columns.next().unwrap(), columns.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let place = columns.nth(3).unwrap_or("anonymous");
        let (start, end) = range.split_once('-').unwrap();
        let (start, end) = (address(start), address(end));
        let parts = match start <= own.start && own.end <= end {
            true => [start..own.start, own.end..end],
            false => [start..end, end..end],
        };
        for part in parts {
            let mut from = part.start;
            while from < part.end {
                // Some of what was looked at already comes along: what is before the next.
                let known = (MARGIN as u64).min(from - part.start) as usize;
                let read = WINDOW.min((part.end - from) as usize + known);
                let bytes = &mut window[..read];
                // A thread may have ended since, and its stack with it.
                if memory.read_exact_at(bytes, from - known as u64).is_err() {
                    break;
                }
                bytes.iter_mut().for_each(|byte| *byte ^= MASK);
                let last = from + (read - known) as u64 == part.end;
                let until = if last { read } else { read - MARGIN };
                for needle in needles {
                    found.extend(places(bytes, known..until, needle, place));
                }
                from += (until - known) as u64;
            }
        }
    }
    found
}

fn address(hex: &str) -> u64 {
    u64::from_str_radix(hex, 16).unwrap()
}

fn places(masked: &[u8], starts: Range<usize>, needle: &Needle, place: &str) -> Vec<Found> {
    let first = needle.masked[0];
    let starts = starts.filter(|at| masked[*at] == first && masked[*at..].starts_with(&needle.masked));
    let found = starts.map(|at| Found {
        needle: needle.name.clone(),
        place: place.to_owned(),
        before: masked[at.saturating_sub(MARGIN)..at].to_vec(),
    });
    found.collect()
}
