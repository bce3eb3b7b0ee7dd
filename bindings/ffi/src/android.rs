//! What Android has to hand over before the first client: the app's context, for the keyring store and for the
//! system's check of certificates.
#![allow(
    unsafe_code,
    reason = "the entry that the virtual machine finds by its name, and ndk-context's initialiser"
)]

use std::path::PathBuf;
use std::sync::{Once, OnceLock};

use jni::errors::ThrowRuntimeExAndDefault;
use jni::objects::{Global, JClass, JObject, JString};
use jni::{Env, EnvUnowned, jni_sig, jni_str};

/// `dev.marketsdk.android.Native.start(context)`: called once while the app starts, before anything else of it runs.
/// What goes wrong is thrown there, as a `RuntimeException`.
// SAFETY: the name is the virtual machine's for this one function, and nothing else in this library has it.
#[unsafe(no_mangle)]
pub extern "system" fn Java_dev_marketsdk_android_Native_start<'caller>(
    mut env: EnvUnowned<'caller>,
    _class: JClass<'caller>,
    context: JObject<'caller>,
) {
    // A panic stays within it, and becomes an exception too.
    env.with_env(|env| start(env, context)).resolve::<ThrowRuntimeExAndDefault>();
}

fn start(env: &mut Env<'_>, context: JObject<'_>) -> jni::errors::Result<()> {
    static STARTED: Once = Once::new();
    let machine = env.get_java_vm()?;
    let kept: Global<JObject<'static>> = env.new_global_ref(&context)?;
    STARTED.call_once(|| {
        // SAFETY: the machine outlives every library that it has loaded, and the reference is never given back. It is
        // done once, so that the initialiser's own check cannot fail; whoever reads the pointers does so later, since
        // the provider that calls this runs before the app's own code.
        unsafe {
            ndk_context::initialize_android_context(machine.get_raw().cast(), kept.into_raw().cast());
        }
    });
    match no_backup(env, &context) {
        Ok(folder) => drop(NO_BACKUP.set(folder)),
        // The app starts all the same; what tells its installations apart is missing.
        Err(error) => {
            env.exception_clear();
            tracing::warn!(%error, "the folder without backup was not found");
        }
    }
    rustls_platform_verifier::android::init_with_env(env, context)
}

static NO_BACKUP: OnceLock<PathBuf> = OnceLock::new();

/// The app's folder that is in no backup; none before the app has started.
pub(crate) fn no_backup_folder() -> Option<PathBuf> {
    NO_BACKUP.get().cloned()
}

fn no_backup(env: &mut Env<'_>, context: &JObject<'_>) -> jni::errors::Result<PathBuf> {
    let folder =
        env.call_method(context, jni_str!("getNoBackupFilesDir"), jni_sig!("()Ljava/io/File;"), &[])?.l()?;
    let path =
        env.call_method(&folder, jni_str!("getAbsolutePath"), jni_sig!("()Ljava/lang/String;"), &[])?.l()?;
    let path = env.cast_local::<JString>(path)?;
    path.try_to_string(env).map(PathBuf::from)
}
