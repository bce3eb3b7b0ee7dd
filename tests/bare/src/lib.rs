//! The least that fetches a text over https for another language, with the libraries that the SDK uses. `cargo xtask size`
//! builds it beside the SDK.

use std::sync::OnceLock;

use tokio::runtime::Runtime;

uniffi::setup_scaffolding!();

/// Fetches a text; none if that does not work.
#[uniffi::export]
pub async fn fetch(url: String) -> Option<String> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new().ok()).as_ref()?;
    let call = async move {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().build().ok()?;
        client.get(url).send().await.ok()?.text().await.ok()
    };
    runtime.spawn(call).await.ok()?
}
