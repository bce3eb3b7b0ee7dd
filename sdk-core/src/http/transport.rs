//! The seam under retry, redirects and redaction: one request, one answer. reqwest in life, a script in tests.

use std::error::Error as _;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{DATE, HOST};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;
use zeroize::Zeroizing;

use super::pins::{Pinned, Pins};

pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// Its answer brings a token: the body is wiped when it goes.
    pub(crate) secret: bool,
    /// Which attempt at its call this is, from nought on.
    #[cfg_attr(not(feature = "test-kit"), allow(dead_code, reason = "of use to a shop in memory alone"))]
    pub(crate) attempt: u32,
}

#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Of the request that it answers.
    pub(crate) path_ends_with_slash: bool,
}

impl Reply {
    /// The server's time (`Date`).
    pub(crate) fn served_at(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.headers.get(DATE)?.to_str().ok()?).ok()
    }
}

/// Why there is no answer. The texts are for a developer and hold nothing personal.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The connection was never made: the server certainly did not act.
    NotSent(String),
    /// The connection was cut: nobody knows whether the server acted.
    Lost(String),
    /// The server's certificate, or its TLS, was refused.
    Tls(String),
    /// The body is larger than allowed.
    TooLarge,
    /// The HTTP client cannot work here.
    Unusable(String),
}

/// Sends requests. A future that is dropped gives its request up.
pub(crate) trait Transport: Send + Sync {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>>;
}

/// What the HTTP client is built from.
pub(crate) struct Settings {
    pub(crate) user_agent: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) body_limit: usize,
    /// DER, beside those that the system trusts.
    pub(crate) extra_roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    pub(crate) pins: Pins,
    /// The server's name and port as requests name it, which the HTTP client would write anew for each.
    pub(crate) host: HeaderValue,
    /// False for a server on this very machine that is reached over http.
    pub(crate) https: bool,
}

/// The HTTP client. It is built at the first request, since that costs what thousands of requests do, and
/// a client that is built while an app starts may never send one.
pub(crate) struct HttpClient {
    settings: Settings,
    client: OnceLock<Result<reqwest::Client, String>>,
}

/// Servers close idle connections after some seconds; a connection that is let go before that is never
/// found closed under a request.
const POOL_IDLE: Duration = Duration::from_secs(3);

/// At first as much is made room for on the server's word alone.
const ROOM: usize = 1024 * 1024;

/// How much of an error's body is read, and how long that may take.
const ERROR_LIMIT: usize = 64 * 1024;
const ERROR_WAIT: Duration = Duration::from_secs(2);

impl HttpClient {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, client: OnceLock::new() }
    }

    /// The one place that builds the client.
    fn build(&self) -> Result<reqwest::Client, String> {
        let builder = reqwest::Client::builder()
            .user_agent(&self.settings.user_agent)
            .default_headers(HeaderMap::from_iter([(HOST, self.settings.host.clone())]))
            .connect_timeout(self.settings.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            // Redirects are followed by hand, and retries decided by what the call declares.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tls_backend_preconfigured(self.tls()?);
        // A proxy (HTTPS_PROXY) sees TLS alone, and would see the token of a request over http.
        let builder = if self.settings.https { builder } else { builder.no_proxy() };
        builder.build().map_err(|error| error.to_string())
    }

    fn tls(&self) -> Result<rustls::ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        if !self.settings.https {
            // A server on this machine has no certificate of an authority that the system trusts, and reading
            // those takes longer than all else.
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(self.settings.extra_roots.iter().cloned());
            return Ok(tls.with_root_certificates(roots).with_no_client_auth());
        }
        // On Android the builder has refused extra roots: the system asks the app's own configuration for them.
        #[cfg(target_os = "android")]
        let verifier = rustls_platform_verifier::Verifier::new(provider);
        #[cfg(not(target_os = "android"))]
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
            self.settings.extra_roots.iter().cloned(),
            provider,
        );
        let verifier = verifier.map_err(|error| error.to_string())?;
        let verifier = Pinned::over(Arc::new(verifier), &self.settings.pins);
        Ok(tls.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

impl Transport for HttpClient {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        Box::pin(async move {
            let client = self.client.get_or_init(|| self.build());
            let client = client.as_ref().map_err(|why| Failure::Unusable(why.clone()))?;
            let mut outgoing = reqwest::Request::new(request.method, request.url);
            *outgoing.headers_mut() = request.headers;
            *outgoing.body_mut() = request.body.map(Into::into);
            // A runtime without I/O makes it panic before it connects, and there is no other way to ask.
            let response = AssertUnwindSafe(client.execute(outgoing)).catch_unwind().await;
            let response = response.map_err(|_| Failure::Unusable("the HTTP client panicked".to_owned()))?;
            let mut response = response.map_err(failure)?;
            let body = match response.status().is_success() {
                true if request.secret => read_secret(&mut response, self.settings.body_limit).await?,
                true => read(&mut response, self.settings.body_limit).await?,
                false => Bytes::from_owner(read_error(&mut response).await),
            };
            let status = response.status();
            let path_ends_with_slash = response.url().path().ends_with('/');
            let headers = std::mem::take(response.headers_mut());
            Ok(Reply { status, headers, body, path_ends_with_slash })
        })
    }
}

async fn read(response: &mut reqwest::Response, limit: usize) -> Result<Bytes, Failure> {
    let room = room(response, limit)?;
    let Some(first) = response.chunk().await.map_err(failure)? else { return Ok(Bytes::new()) };
    fits(&[], &first, limit)?;
    // Most come in one piece, and need no copy.
    let Some(mut next) = response.chunk().await.map_err(failure)? else { return Ok(first) };
    let mut body = Vec::with_capacity(room);
    body.extend_from_slice(&first);
    loop {
        fits(&body, &next, limit)?;
        body.extend_from_slice(&next);
        next = match response.chunk().await.map_err(failure)? {
            Some(next) => next,
            None => return Ok(body.into()),
        };
    }
}

/// Wiped when it goes, since the answer to a sign-in holds the token.
async fn read_secret(response: &mut reqwest::Response, limit: usize) -> Result<Bytes, Failure> {
    let mut body = Zeroizing::new(Vec::with_capacity(room(response, limit)?));
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        fits(&body, &chunk, limit)?;
        append(&mut body, &chunk);
    }
    Ok(Bytes::from_owner(body))
}

/// How much room to make for a body.
fn room(response: &reqwest::Response, limit: usize) -> Result<usize, Failure> {
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(Failure::TooLarge);
    }
    Ok(usize::try_from(announced).unwrap_or(0).min(ROOM))
}

fn fits(body: &[u8], chunk: &[u8], limit: usize) -> Result<(), Failure> {
    if body.len() + chunk.len() > limit { Err(Failure::TooLarge) } else { Ok(()) }
}

/// A vector that grows by itself leaves a copy behind: this one is moved to more room, and wiped where it was.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let length = body.len() + chunk.len();
    if length > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

/// What there is of the body of an error. The status has said the main thing: a body that is cut, too long or
/// slow takes nothing from it. The text of a 401 tells nothing, and the session's end does not wait for it.
async fn read_error(response: &mut reqwest::Response) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::new());
    if response.status() == StatusCode::UNAUTHORIZED {
        return body;
    }
    let whole = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            append(&mut body, &chunk);
            if body.len() > ERROR_LIMIT {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(ERROR_WAIT, whole).await;
    body
}

fn failure(error: reqwest::Error) -> Failure {
    // The URL can hold what an app put into a query.
    let error = error.without_url();
    let mut detail = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        detail = format!("{detail}: {cause}");
        source = cause.source();
    }
    // Only before the connection stands is it certain that nothing was sent: TLS can fail later too.
    match (error.is_connect(), is_tls(&error)) {
        (true, true) => Failure::Tls(detail),
        (true, false) => Failure::NotSent(detail),
        (false, _) => Failure::Lost(detail),
    }
}

/// Whether TLS is at the bottom of it. An I/O error hides what it wraps from `source`, and layers wrap twice.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.is_some_and(|wrapped| is_tls(wrapped)) || error.source().is_some_and(is_tls)
}
