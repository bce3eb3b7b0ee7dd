//! Where the install marker is if the host says nothing of it: on phones, where the system's own store outlives the app
//! or comes back from a backup without its keys.

use std::path::PathBuf;

/// None where nothing outlives an app that is uninstalled.
pub(crate) fn marker(app_id: &str) -> Option<PathBuf> {
    // Of an app id that no file can be named by, what can.
    let name: String = app_id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' })
        .collect();
    folder().map(|folder| folder.join(format!("market-sdk.{name}.install")))
}

#[cfg(target_os = "android")]
fn folder() -> Option<PathBuf> {
    crate::android::no_backup_folder()
}

/// The app's own, which goes with it.
#[cfg(target_os = "ios")]
fn folder() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join("Library/Application Support"))
}

#[cfg(not(any(target_os = "android", target_os = "ios")))]
fn folder() -> Option<PathBuf> {
    None
}
