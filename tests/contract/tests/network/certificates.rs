//! Servers that prove badly, or not at all, who they are; and pinned keys.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use market_sdk::{ErrorCode, MarketClient, MarketClientBuilder, Markets, MemoryStore, Result};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, PublicKeyData,
};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// Of a server at 127.0.0.1, from yesterday to tomorrow.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() - Duration::DAY;
    params.not_after = OffsetDateTime::now_utc() + Duration::DAY;
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.subject_alt_names.clear();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn authority() -> Authority {
    CertifiedIssuer::self_signed(authority_params("authority"), key()).unwrap()
}

/// A server over TLS that answers whatever it is asked with the list of markets, and counts what it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _connections: JoinSet<()>,
}

impl Server {
    async fn start(chain: &[&Certificate], key: &KeyPair) -> Self {
        Self::answering(chain, key, "200 OK\r\ncontent-type: application/json", r#"{"supported_markets":[]}"#)
            .await
    }

    async fn answering(
        chain: &[&Certificate],
        key: &KeyPair,
        head: &'static str,
        body: &'static str,
    ) -> Self {
        let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let mut connections = JoinSet::new();
        let counted = asked.clone();
        connections.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that refuses the certificate leaves here.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                if stream.read(&mut request).await.unwrap_or(0) == 0 {
                    continue;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { address, asked, _connections: connections }
    }

    fn client(&self, trusted: &Authority) -> MarketClientBuilder {
        client(self.address, trusted)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn client(address: SocketAddr, trusted: &Authority) -> MarketClientBuilder {
    MarketClient::builder(format!("https://{address}/api/v1"))
        .app_id("tls")
        .store(MemoryStore::default())
        .extra_root_certificates(trusted.pem())
}

async fn markets(client: MarketClientBuilder) -> Result<Markets> {
    client.build().unwrap().session().markets().await
}

fn assert_refused(result: Result<Markets>, why: &str) {
    let error = result.expect_err(why);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Tls, false), "{why}: {:?}", error.detail());
    assert_eq!(error.status(), None, "{why}");
}

#[tokio::test]
async fn p1_a_certificate_that_proves_nothing_is_refused_before_anything_is_sent() {
    let authority = authority();
    let mut expired = params("expired");
    expired.not_before = OffsetDateTime::now_utc() - Duration::days(30);
    expired.not_after = OffsetDateTime::now_utc() - Duration::DAY;
    let mut too_early = params("not yet valid");
    too_early.not_before = OffsetDateTime::now_utc() + Duration::DAY;
    too_early.not_after = OffsetDateTime::now_utc() + Duration::days(30);
    let mut elsewhere = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
    elsewhere.distinguished_name.push(DnType::CommonName, "another host");
    let mut of_a_person = params("not a server's");
    of_a_person.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for params in [expired, too_early, elsewhere, of_a_person] {
        let name = format!("{:?}", params.distinguished_name.get(&DnType::CommonName));
        let key = key();
        let server = Server::start(&[&params.signed_by(&key, &authority).unwrap()], &key).await;
        assert_refused(markets(server.client(&authority)).await, &name);
        assert_eq!(server.asked(), 0, "{name}");
    }
    let own = key();
    let self_signed = params("self-signed").self_signed(&own).unwrap();
    let server = Server::start(&[&self_signed], &own).await;
    assert_refused(markets(server.client(&authority)).await, "self-signed");
    assert_eq!(server.asked(), 0);

    // A server's own certificate signs no other.
    let no_authority = CertifiedIssuer::signed_by(params("a server"), key(), &authority).unwrap();
    let own = key();
    let signed = params("signed by a server").signed_by(&own, &no_authority).unwrap();
    let server = Server::start(&[&signed, no_authority.as_ref()], &own).await;
    assert_refused(markets(server.client(&authority)).await, "signed by a server");
    assert_eq!(server.asked(), 0);

    // All of that is what it was refused for: the same, made well.
    let own = key();
    let server = Server::start(&[&params("well made").signed_by(&own, &authority).unwrap()], &own).await;
    markets(server.client(&authority)).await.expect("nothing is wrong with it");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn p1_a_redirect_down_to_http_is_not_followed() {
    let (authority, own) = (authority(), key());
    let certificate = params("sends down").signed_by(&own, &authority).unwrap();
    let plain = market_contract_tests::wire::Wire::start(|_| async {
        market_contract_tests::wire::Reply::raw("200 OK\r\ncontent-length: 2", "{}")
    })
    .await;
    let location: &'static str =
        format!("307 Temporary Redirect\r\nlocation: {}/auth/markets", plain.base_url).leak();
    let server = Server::answering(&[&certificate], &own, location, "").await;
    let error = markets(server.client(&authority)).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::UnexpectedResponse, false));
    assert_eq!((server.asked(), plain.sent().len()), (1, 0));
}

fn pin(key: &KeyPair) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
    format!("sha256/{}", STANDARD.encode(digest))
}

#[tokio::test]
async fn p1_where_keys_are_pinned_the_servers_or_its_authoritys_has_to_be_one_of_them() {
    let (root, between, own) = (authority(), key(), key());
    let (between_pin, own_pin, backup) = (pin(&between), pin(&own), pin(&key()));
    let between = CertifiedIssuer::signed_by(authority_params("between"), between, &root).unwrap();
    let leaf = params("a server").signed_by(&own, &between).unwrap();
    let server = Server::start(&[&leaf, between.as_ref()], &own).await;
    let pinned = |keys: [&str; 2]| server.client(&root).pinned_keys(keys);

    for keys in [[&*own_pin, &*backup], [&*backup, &*own_pin], [&*between_pin, &*backup]] {
        markets(pinned(keys)).await.expect("its key is pinned");
    }
    assert_eq!(server.asked(), 3);
    let stranger = pin(&key());
    assert_refused(markets(pinned([&stranger, &backup])).await, "no pinned key");

    // Sent along, and nothing to do with the server: another's authority vouches for nothing.
    let strange = key();
    let strange_pin = pin(&strange);
    let strange = CertifiedIssuer::signed_by(authority_params("strange"), strange, &root).unwrap();
    let impostor = Server::start(&[&leaf, between.as_ref(), strange.as_ref()], &own).await;
    let keys = [&*strange_pin, &*backup];
    assert_refused(markets(impostor.client(&root).pinned_keys(keys)).await, "a stranger that was sent along");
    assert_eq!(impostor.asked(), 0);

    // A pinned key proves nothing by itself.
    let unknown = authority();
    let keys = [&*own_pin, &*backup];
    assert_refused(
        markets(client(server.address, &unknown).pinned_keys(keys)).await,
        "of an unknown authority",
    );
}

/// What the builder's documentation says to type.
#[tokio::test]
async fn a_pin_is_what_openssl_says_it_is() {
    let (authority, own) = (authority(), key());
    let certificate = params("a server").signed_by(&own, &authority).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.pem"), certificate.pem()).unwrap();
    let typed = "openssl x509 -in server.pem -noout -pubkey | openssl pkey -pubin -outform der \
                 | openssl dgst -sha256 -binary | base64";
    let said = Command::new("sh").args(["-c", typed]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(format!("sha256/{}", said.trim_end()), pin(&own));
}

/// A server of openssl's that speaks `version` alone.
struct Openssl {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Openssl {
    fn start(authority: &Authority, version: &str) -> Self {
        let own = key();
        let certificate = params("openssl").signed_by(&own, authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("cert.pem", certificate.pem());
        write("key.pem", own.serialize_pem());
        // It says "ACCEPT address:port" once it listens. Its security level would forbid what is old.
        let arguments =
            ["s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem", "-www"];
        let mut child = Command::new("openssl")
            .args(arguments)
            .args([version, "-cipher", "DEFAULT@SECLEVEL=0"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let address = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ")?.parse().ok());
        Self { child, address: address.unwrap(), _folder: folder }
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn p1_tls_1_1_is_refused_and_1_2_and_1_3_are_spoken() {
    let authority = authority();
    for version in ["-tls1_1", "-tls1_2", "-tls1_3"] {
        let server = Openssl::start(&authority, version);
        let spoken = markets(client(server.address, &authority)).await;
        if version == "-tls1_1" {
            assert_refused(spoken, version);
        } else {
            // Its page is no list of markets, but it came.
            assert_eq!(spoken.unwrap_err().code(), ErrorCode::UnexpectedResponse, "{version}");
        }
    }
}
