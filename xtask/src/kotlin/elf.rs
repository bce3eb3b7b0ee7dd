//! Whether a library can be loaded where pages have 16 KiB, as on newer Android phones.

use std::path::Path;

/// The page size that every segment has to be aligned to.
const PAGE: u64 = 16 * 1024;
/// The type of a segment that is loaded.
const LOAD: u64 = 1;

/// An error is what is wrong with the library.
pub(crate) fn check(library: &Path) -> Result<(), String> {
    let bytes = std::fs::read(library).map_err(|error| format!("{}: {error}", library.display()))?;
    let of = |why: String| format!("{}: {why}", library.display());
    let segments = segments(&bytes).ok_or_else(|| of("it is no little-endian ELF file".to_owned()))?;
    if segments.is_empty() {
        return Err(of("it has nothing to load".to_owned()));
    }
    for Segment { offset, address, align } in segments {
        // The second is what the loader maps by: a file that was only told so would not be.
        if align < PAGE || offset % PAGE != address % PAGE {
            return Err(of(format!(
                "the segment at {offset:#x} is aligned to {align:#x}, and mapped to {address:#x}"
            )));
        }
    }
    Ok(())
}

struct Segment {
    offset: u64,
    address: u64,
    align: u64,
}

/// The segments that are loaded, from the program headers.
fn segments(bytes: &[u8]) -> Option<Vec<Segment>> {
    // Class 1 is of 32 bits, 2 of 64; data 1 is little-endian, which all of Android is.
    let wide = match bytes.get(..6)? {
        [0x7f, b'E', b'L', b'F', 1, 1] => false,
        [0x7f, b'E', b'L', b'F', 2, 1] => true,
        _ => return None,
    };
    let number = |at: u64, size: usize| -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let digits = bytes.get(at..at.checked_add(size)?)?;
        Some(digits.iter().rev().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    };
    let word = if wide { 8 } else { 4 };
    let table = number(if wide { 0x20 } else { 0x1c }, word)?;
    let (size, count) = if wide { (0x36, 0x38) } else { (0x2a, 0x2c) };
    let (size, count) = (number(size, 2)?, number(count, 2)?);
    let mut found = Vec::new();
    for header in 0..count {
        let at = table.checked_add(header * size)?;
        if number(at, 4)? != LOAD {
            continue;
        }
        let field = |wide_at: u64, narrow_at: u64| number(at + if wide { wide_at } else { narrow_at }, word);
        found.push(Segment {
            offset: field(0x08, 0x04)?,
            address: field(0x10, 0x08)?,
            align: field(0x30, 0x1c)?,
        });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Links a library as `.cargo/config.toml` has Android's linked.
    #[cfg(target_os = "linux")]
    fn linked(page: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("market-elf-{}-{page}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let source = folder.join("empty.c");
        std::fs::write(&source, "int shown = 1; int f(void) { return shown; }\n").unwrap();
        let library = folder.join("libempty.so");
        let page = format!("-Wl,-z,max-page-size={page}");
        let status = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", &page, "-o"])
            .arg(&library)
            .arg(source)
            .status();
        assert!(status.unwrap().success());
        library
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_library_is_told_by_the_page_size_it_was_linked_for() {
        let config = include_str!("../../../.cargo/config.toml");
        assert!(config.contains("max-page-size=16384"));
        for (page, fits) in [("16384", true), ("65536", true), ("4096", false)] {
            let library = linked(page);
            let result = check(&library);
            std::fs::remove_dir_all(library.parent().unwrap()).unwrap();
            assert_eq!(result.is_ok(), fits, "{page}: {result:?}");
        }
    }

    #[test]
    fn what_is_no_library_is_refused() {
        assert!(segments(b"not a library").is_none());
        assert!(segments(b"\x7fELF\x02\x01").is_none());
        assert!(check(Path::new("/etc/passwd")).unwrap_err().contains("no little-endian ELF"));
        assert!(check(Path::new("/no/such/file")).is_err());
    }
}
