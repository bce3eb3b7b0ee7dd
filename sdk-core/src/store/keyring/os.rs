//! What the keyrings of the systems differ in.

use std::sync::Arc;

use keyring_core::error::PlatformError;
use keyring_core::{CredentialStore, Error};

use super::Meaning;

/// What an entry is made with, where the store's own choice is not ours.
pub(super) const MODIFIERS: &[(&str, &str)] = if cfg!(target_os = "ios") {
    // The app may be started in the background, while the device is locked; and a session stays with the
    // device that it was made on.
    &[("access-policy", "after-first-unlock-this-device-only")]
} else if cfg!(target_os = "windows") {
    // Else it would go with the user to every machine of the domain.
    &[("persistence", "Local")]
} else {
    &[]
};

/// Whether an entry keeps the policy it was first made with, however it is written again.
pub(super) const UPDATE_KEEPS_POLICY: bool = cfg!(target_os = "ios");

/// Opens the system's store.
#[cfg(all(target_os = "linux", feature = "secret-service"))]
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    // libdbus looks at the same two. Where neither is, it would try to start a bus of its own, and remember
    // for the life of the process that there was none.
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let user_bus =
        || set("XDG_RUNTIME_DIR").is_some_and(|dir| std::path::Path::new(&dir).join("bus").exists());
    if set("DBUS_SESSION_BUS_ADDRESS").is_none() && !user_bus() {
        let why = "no session bus: DBUS_SESSION_BUS_ADDRESS is not set and $XDG_RUNTIME_DIR/bus not there";
        return Err(Error::NotSupportedByStore(why.to_owned()));
    }
    Ok(dbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(target_os = "ios")]
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::protected::Store::new()?)
}

#[cfg(target_os = "windows")]
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    // An entry's name is key, divider, service. With the store's own divider, a dot, key "a" of service "b.c"
    // would be key "a.b" of service "c".
    let configuration = std::collections::HashMap::from([("divider", "@"), ("service_no_divider", "true")]);
    Ok(windows_native_keyring_store::Store::new_with_configuration(&configuration)?)
}

#[cfg(target_os = "android")]
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    // It panics if nobody initialised it. Inside the store, the same panic would poison a lock that is
    // static, and no later call could succeed.
    std::panic::catch_unwind(|| {
        ndk_context::android_context();
    })
    .map_err(|_| Error::NotSupportedByStore("ndk-context is not initialised".to_owned()))?;
    // A file and a key of our own, whatever else in the app uses this crate.
    let configuration = std::collections::HashMap::from([("name", "market-sdk")]);
    Ok(android_native_keyring_store::Store::new_with_configuration(&configuration)?)
}

#[cfg(not(any(
    all(target_os = "linux", feature = "secret-service"),
    target_os = "macos",
    target_os = "ios",
    target_os = "windows",
    target_os = "android"
)))]
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    let why = if cfg!(target_os = "linux") {
        "the SDK was built without the feature secret-service"
    } else {
        "this system has no keyring that the SDK knows"
    };
    Err(Error::NotSupportedByStore(why.to_owned()))
}

/// What an error of the system means.
#[cfg(all(target_os = "linux", feature = "secret-service"))]
pub(super) fn meaning(error: &PlatformError) -> Meaning {
    use dbus_secret_service::Error as ServiceError;
    match error.downcast_ref() {
        // A prompt that was dismissed, or that nobody could be shown.
        Some(ServiceError::Locked | ServiceError::Prompt) => Meaning::Locked,
        // The key of the connection does not fit: the daemon is another one.
        Some(ServiceError::Crypto(_)) => Meaning::Lost,
        Some(ServiceError::Dbus(error)) => match error.name().unwrap_or_default() {
            "org.freedesktop.Secret.Error.IsLocked"
            | "org.freedesktop.DBus.Error.NoReply"
            | "org.freedesktop.DBus.Error.Timeout"
            | "org.freedesktop.DBus.Error.TimedOut" => Meaning::Locked,
            "org.freedesktop.Secret.Error.NoSession"
            | "org.freedesktop.DBus.Error.Disconnected"
            | "org.freedesktop.DBus.Error.ServiceUnknown" => Meaning::Lost,
            // Another process deleted it between our search and our call.
            "org.freedesktop.Secret.Error.NoSuchObject" | "org.freedesktop.DBus.Error.UnknownObject" => {
                Meaning::Missing
            }
            _ => Meaning::Failed,
        },
        _ => Meaning::Failed,
    }
}

#[cfg(any(target_os = "macos", target_os = "ios"))]
pub(super) fn meaning(error: &PlatformError) -> Meaning {
    // errSecInteractionNotAllowed: locked, and nobody to ask. On a Mac also errSecUserCanceled and
    // errSecAuthFailed: somebody was asked, and did not unlock it.
    const LOCKED: &[i32] = if cfg!(target_os = "macos") { &[-25308, -128, -25293] } else { &[-25308] };
    match error.downcast_ref::<security_framework::base::Error>() {
        Some(error) if LOCKED.contains(&error.code()) => Meaning::Locked,
        _ => Meaning::Failed,
    }
}

#[cfg(not(any(
    all(target_os = "linux", feature = "secret-service"),
    target_os = "macos",
    target_os = "ios"
)))]
pub(super) fn meaning(_: &PlatformError) -> Meaning {
    Meaning::Failed
}
