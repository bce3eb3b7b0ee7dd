//! The store for machines that have no other: a file per key, readable by its owner alone.
#![cfg(unix)]

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::{SecureStore, StoreError, StoreRead};

/// Nothing that the SDK stores comes near this; a larger file is not its own, and is not read into memory.
const MAX_VALUE: u64 = 1024 * 1024;
/// A file name may have 255 bytes; this leaves room for the endings.
const MAX_NAME: usize = 240;

/// Keeps each value in a file of its own, mode 0600, in a folder of mode 0700.
///
/// The values are **not encrypted**: whoever can read the user's files, or a backup of them, has the session.
/// It is for machines without a keyring, such as servers and containers, and must be chosen by name: nothing
/// falls back to it. A folder or file that group or others could read or write is refused, not read.
///
/// Writes and deletes are on disk when they return. Processes may share a folder.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// A store in `folder`, which is made when something is first written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: resolved(folder.into()) }
    }

    fn file(&self, key: &str, ending: &str) -> Result<PathBuf, StoreError> {
        let name = file_name(key);
        if name.len() > MAX_NAME {
            return unavailable("the key is too long for a file name");
        }
        Ok(self.folder.join(name + ending))
    }

    /// Opens the folder and takes its lock, which other processes respect too: while it is held, a temporary
    /// file belongs to a writer that was killed. It is freed when the handle is dropped.
    fn lock_folder(&self) -> io::Result<File> {
        let folder = File::open(&self.folder)?;
        folder.lock()?;
        Ok(folder)
    }

    fn replace(&self, file: &Path, temporary: &Path, value: &[u8]) -> io::Result<()> {
        let folder = self.lock_folder()?;
        remove(temporary)?;
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
        let written = new
            .write_all(value)
            .and_then(|()| new.sync_all())
            .and_then(|()| std::fs::rename(temporary, file))
            .and_then(|()| folder.sync_all());
        if written.is_err() {
            // It may hold a part of the secret. Should this fail as well, the next write or delete removes it.
            let _ = remove(temporary);
        }
        written
    }

    fn remove(&self, file: &Path, temporary: &Path) -> io::Result<()> {
        let folder = match self.lock_folder() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        remove(file)?;
        remove(temporary)?;
        folder.sync_all()
    }
}

impl SecureStore for FileStore {
    fn place(&self) -> String {
        format!("file:{:?}", self.folder)
    }

    fn read(&self, key: &str) -> StoreRead {
        let file = match self.file(key, ".secret") {
            Ok(file) => file,
            Err(StoreError::Locked) => return StoreRead::Locked,
            Err(StoreError::Unavailable(why)) => return StoreRead::Unavailable(why),
        };
        match read(&self.folder, &file) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::NotFound => StoreRead::Missing,
            Err(error) => StoreRead::Unavailable(format!("a file could not be read: {error}")),
        }
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let (file, temporary) = (self.file(key, ".secret")?, self.file(key, ".temporary")?);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        let folder = made.and_then(|()| std::fs::metadata(&self.folder)).map_err(failed("the folder"))?;
        if let Some(why) = exposed("folder", &folder) {
            return unavailable(why);
        }
        self.replace(&file, &temporary, value).map_err(failed("a file"))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        // However the file is exposed: to remove a secret is always right.
        self.remove(&self.file(key, ".secret")?, &self.file(key, ".temporary")?).map_err(failed("a file"))
    }
}

fn read(folder: &Path, path: &Path) -> io::Result<StoreRead> {
    if let Some(why) = exposed("folder", &std::fs::metadata(folder)?) {
        return Ok(StoreRead::Unavailable(why));
    }
    // No link is followed, and no pipe waited for. All that is asked is asked of the file that was opened: by its
    // name it may be another in the next moment, when a writer replaces it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match File::options().read(true).custom_flags(flags.bits() as i32).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Ok(StoreRead::Unavailable("what has the file's name is no file".to_owned()));
        }
        opened => opened?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(StoreRead::Unavailable("what has the file's name is no file".to_owned()));
    }
    if let Some(why) = exposed("file", &metadata) {
        return Ok(StoreRead::Unavailable(why));
    }
    if metadata.len() > MAX_VALUE {
        return Ok(StoreRead::Corrupt);
    }
    // Room for all of it at once: a vector that grows leaves copies of the secret behind.
    let mut value = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    file.take(metadata.len()).read_to_end(&mut value)?;
    Ok(StoreRead::Found(value))
}

/// Says so if group or others may do anything with it.
fn exposed(what: &str, metadata: &Metadata) -> Option<String> {
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("the {what} is open to group or others: mode {mode:03o}"))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(what: &str) -> impl FnOnce(io::Error) -> StoreError {
    // The error of an operation on a path does not repeat the path, which may name the user.
    move |error| StoreError::Unavailable(format!("{what} could not be changed: {error}"))
}

fn unavailable<T>(why: impl Into<String>) -> Result<T, StoreError> {
    Err(StoreError::Unavailable(why.into()))
}

/// Two keys never share a name, also on file systems that ignore case: all but lower-case letters, digits,
/// `-`, `_` and `.` is written as `%` and two digits.
fn file_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    name
}

/// The folder's one name: absolute, and without links as far as it exists already. The part that does not is
/// made of plain folders, so the name stays the same once it does.
fn resolved(folder: PathBuf) -> PathBuf {
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    for known in folder.ancestors() {
        if let Ok(real) = known.canonicalize() {
            let rest = folder.strip_prefix(known).unwrap_or(Path::new(""));
            return real.join(rest).components().collect();
        }
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    fn store() -> (tempfile::TempDir, FileStore) {
        let home = tempfile::tempdir().unwrap();
        let store = FileStore::new(home.path().join("state/market"));
        (home, store)
    }

    fn found(value: &[u8]) -> StoreRead {
        StoreRead::Found(Zeroizing::new(value.to_vec()))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn names(store: &FileStore) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&store.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_value_is_missing_then_written_replaced_deleted_and_deleted_again() {
        let (_home, store) = store();
        assert_eq!(store.read("key"), StoreRead::Missing);
        store.delete("key").unwrap();
        store.write("key", b"one").unwrap();
        assert_eq!(store.read("key"), found(b"one"));
        store.write("key", b"\0two\xff").unwrap();
        assert_eq!(store.clone().read("key"), found(b"\0two\xff"));
        store.delete("key").unwrap();
        assert_eq!(store.read("key"), StoreRead::Missing);
        store.delete("key").unwrap();
        assert_eq!(names(&store), [""; 0]);
    }

    #[test]
    fn the_folder_is_made_0700_and_the_file_0600() {
        let (home, store) = store();
        store.write("key", b"value").unwrap();
        assert_eq!(mode(&home.path().join("state")), 0o700);
        assert_eq!(mode(&store.folder), 0o700);
        assert_eq!(mode(&store.folder.join("key.secret")), 0o600);
    }

    #[test]
    fn an_open_file_is_refused_not_read_and_a_write_or_delete_mends_it() {
        let (_home, store) = store();
        for bit in [0o040, 0o020, 0o004, 0o002] {
            store.write("key", b"value").unwrap();
            set_mode(&store.folder.join("key.secret"), 0o600 | bit);
            assert_eq!(
                store.read("key"),
                StoreRead::Unavailable(format!(
                    "the file is open to group or others: mode {:03o}",
                    0o600 | bit
                ))
            );
            store.write("key", b"value").unwrap();
            assert_eq!(store.read("key"), found(b"value"));
        }
        set_mode(&store.folder.join("key.secret"), 0o666);
        store.delete("key").unwrap();
        assert_eq!(store.read("key"), StoreRead::Missing);
    }

    #[test]
    fn an_open_folder_is_neither_read_nor_written_but_deleted_from() {
        let (_home, store) = store();
        store.write("key", b"value").unwrap();
        for bit in [0o050, 0o020, 0o005, 0o002] {
            set_mode(&store.folder, 0o700 | bit);
            let why = format!("the folder is open to group or others: mode {:03o}", 0o700 | bit);
            assert_eq!(store.read("key"), StoreRead::Unavailable(why.clone()));
            assert_eq!(store.write("key", b"other"), Err(StoreError::Unavailable(why)));
        }
        store.delete("key").unwrap();
        assert_eq!(names(&store), [""; 0]);
    }

    #[test]
    fn a_link_or_a_folder_in_the_place_of_the_file_is_not_followed() {
        let (home, store) = store();
        store.write("key", b"value").unwrap();
        let elsewhere = home.path().join("elsewhere");
        fs::write(&elsewhere, b"theirs").unwrap();
        set_mode(&elsewhere, 0o600);
        fs::remove_file(store.folder.join("key.secret")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, store.folder.join("key.secret")).unwrap();
        fs::create_dir(store.folder.join("folder.secret")).unwrap();
        for key in ["key", "folder"] {
            assert!(matches!(store.read(key), StoreRead::Unavailable(_)), "{key}");
        }
        store.write("key", b"mine").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"theirs");
        assert_eq!(store.read("key"), found(b"mine"));
    }

    #[test]
    fn what_a_killed_writer_left_is_never_read_and_goes_with_the_next_write_or_delete() {
        let (_home, store) = store();
        store.write("key", b"old").unwrap();
        for change in [|s: &FileStore| s.write("key", b"new"), |s: &FileStore| s.delete("key")] {
            let left = store.folder.join("key.temporary");
            fs::write(&left, b"half a sec").unwrap();
            set_mode(&left, 0o644);
            assert!(matches!(store.read("key"), StoreRead::Found(_)));
            change(&store).unwrap();
            assert!(!left.exists());
        }
        assert_eq!(names(&store), [""; 0]);
    }

    #[test]
    fn a_failed_write_keeps_the_old_value_and_leaves_nothing_beside_it() {
        let (_home, store) = store();
        store.write("key", b"value").unwrap();
        // A folder where the file should go makes the rename fail, for root as well.
        fs::create_dir(store.folder.join("other.secret")).unwrap();
        assert!(matches!(store.write("other", b"secret"), Err(StoreError::Unavailable(_))));
        assert_eq!(names(&store), ["key.secret", "other.secret"]);
        assert_eq!(store.read("key"), found(b"value"));
    }

    #[test]
    fn a_file_too_large_to_be_ours_is_corrupt_and_not_read() {
        let (_home, store) = store();
        store.write("key", b"value").unwrap();
        let file = OpenOptions::new().write(true).open(store.folder.join("key.secret")).unwrap();
        file.set_len(MAX_VALUE + 1).unwrap();
        assert_eq!(store.read("key"), StoreRead::Corrupt);
    }

    #[test]
    fn every_key_has_a_readable_file_name_of_its_own_inside_the_folder() {
        let (_home, store) = store();
        let keys = [
            "",
            ".",
            "..",
            "a",
            "A",
            "a/b",
            "a%2fb",
            "/etc/x",
            "é",
            "shop https://x.example/api",
            "\0",
            "a ",
        ];
        for key in keys {
            store.write(key, key.as_bytes()).unwrap();
        }
        assert_eq!(names(&store).len(), keys.len());
        for key in keys {
            assert_eq!(store.read(key), found(key.as_bytes()), "{key}");
        }
        assert_eq!(file_name("shop https://x.example/api"), "shop%20https%3a%2f%2fx.example%2fapi");
        assert!(matches!(store.write(&"k".repeat(300), b""), Err(StoreError::Unavailable(_))));
    }

    #[test]
    fn one_folder_is_one_place_by_whatever_path() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("real")).unwrap();
        std::os::unix::fs::symlink(home.path().join("real"), home.path().join("link")).unwrap();
        let by_link = FileStore::new(home.path().join("link/market"));
        assert_eq!(by_link.place(), FileStore::new(home.path().join("real/./market/")).place());
        by_link.write("key", b"value").unwrap();
        assert_eq!(by_link.place(), FileStore::new(home.path().join("link/market")).place());
        assert_ne!(by_link.place(), FileStore::new(home.path().join("real")).place());
    }

    #[test]
    fn writers_at_the_same_time_leave_one_whole_value() {
        let (_home, store) = store();
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let store = store.clone();
                scope.spawn(move || (0..20).for_each(|_| store.write("key", &[writer; 4096]).unwrap()));
            }
        });
        let StoreRead::Found(value) = store.read("key") else { panic!("not found") };
        assert_eq!(value.len(), 4096);
        assert!(value.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(names(&store), ["key.secret"]);
    }
}
