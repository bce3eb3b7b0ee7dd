//! Whether the app is still the installation that stored a session.
//!
//! Some secure stores outlive the app: iOS keeps keychain items when an app is uninstalled. Others are
//! brought back without their keys, as when Android restores a backup. So an installation has a number of its own, in
//! a file that goes with the app, and a stored session bears it. A session of another number is another
//! installation's.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The file, and what was found in it. It blocks: it is for the store's thread.
pub(crate) struct InstallMarker {
    path: PathBuf,
    /// The number of a new installation.
    fresh: u128,
    known: OnceLock<Installation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) id: u128,
    /// The app has not run before, so nothing that is stored is its own.
    pub(crate) is_new: bool,
}

impl InstallMarker {
    pub(crate) fn new(path: PathBuf, fresh: u128) -> Self {
        Self { path, fresh, known: OnceLock::new() }
    }

    /// None if it cannot be told: a device that was not unlocked since it started lets nobody read its files. That
    /// is never taken for a new installation, and is asked again next time.
    pub(crate) fn installation(&self) -> Option<Installation> {
        if let Some(known) = self.known.get() {
            return Some(*known);
        }
        match read_or_begin(&self.path, self.fresh) {
            Ok(found) => Some(*self.known.get_or_init(|| found)),
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "the install marker cannot be read");
                None
            }
        }
    }
}

fn read_or_begin(path: &Path, fresh: u128) -> io::Result<Installation> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    // Of two processes that start for the first time, the second waits here and finds the first one's number. (On a
    // system without such locks one of them may have to sign in again.)
    let _ = file.lock();
    let mut text = String::new();
    Read::by_ref(&mut file).take(64).read_to_string(&mut text)?;
    if text.is_empty() {
        begin(&mut file, fresh)?;
        return Ok(Installation { id: fresh, is_new: true });
    }
    let id = Some(text.trim_end()).filter(|text| text.len() == 32).map(|text| u128::from_str_radix(text, 16));
    match id {
        Some(Ok(id)) => Ok(Installation { id, is_new: false }),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn begin(file: &mut File, fresh: u128) -> io::Result<()> {
    let written = file.write_all(format!("{fresh:032x}\n").as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // A part of it would never be read as a number again.
        let _ = file.set_len(0).and_then(|()| file.rewind());
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(path: &Path, fresh: u128) -> InstallMarker {
        InstallMarker::new(path.to_owned(), fresh)
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn an_installation_is_new_once_and_keeps_its_number() {
        let folder = folder();
        let path = folder.path().join("support/app.install");
        assert_eq!(marker(&path, 7).installation(), Some(Installation { id: 7, is_new: true }));
        assert_eq!(marker(&path, 8).installation(), Some(Installation { id: 7, is_new: false }));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(marker(&path, 9).installation(), Some(Installation { id: 9, is_new: true }));
    }

    #[test]
    fn what_cannot_be_read_is_no_new_installation_and_is_left_as_it_is() {
        let folder = folder();
        let path = folder.path().join("app.install");
        for text in ["0", "x", "00000000000000000000000000000007000000000000", "\u{0}"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(marker(&path, 7).installation(), None, "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(marker(folder.path(), 7).installation(), None, "a folder");
        assert_eq!(marker(&path.join("within a file"), 7).installation(), None);
    }

    #[test]
    fn what_could_not_be_read_is_asked_for_again() {
        let folder = folder();
        let path = folder.path().join("app.install");
        std::fs::create_dir(&path).unwrap();
        let marker = marker(&path, 7);
        assert_eq!(marker.installation(), None);
        std::fs::remove_dir(&path).unwrap();
        assert_eq!(marker.installation(), Some(Installation { id: 7, is_new: true }));
    }

    #[test]
    fn of_many_that_start_at_once_one_is_new_and_all_have_its_number() {
        let folder = folder();
        let path = folder.path().join("app.install");
        let all: Vec<_> = std::thread::scope(|scope| {
            let started: Vec<_> = (1..=16)
                .map(|fresh| {
                    scope.spawn({
                        let path = &path;
                        move || marker(path, fresh).installation().unwrap()
                    })
                })
                .collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().filter(|one| one.is_new).count(), 1);
        assert!(all.iter().all(|one| one.id == all[0].id), "{all:?}");
    }
}
