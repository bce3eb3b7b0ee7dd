//! A server of a few lines for what wiremock cannot do: hold an answer back, cut a connection, send bytes that
//! are no HTTP, answer thousands of requests in a second or two.

use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::sent::Sent;

/// What a request is answered with.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status and a JSON body. The connection stays open.
    Json(u16, Value),
    /// 200 and this as the body. The connection stays open.
    Text(String),
    /// These bytes as they are, head and all; then the connection is closed.
    Bytes(Vec<u8>),
    /// Nothing: the connection is closed.
    Cut,
}

impl Reply {
    /// A head and the start of a body, then the end of the connection.
    pub fn raw(head: &str, body: impl AsRef<[u8]>) -> Self {
        let mut bytes = format!("HTTP/1.1 {head}\r\n\r\n").into_bytes();
        bytes.extend_from_slice(body.as_ref());
        Self::Bytes(bytes)
    }
}

/// The server. It ends when dropped, and all its connections with it.
pub struct Wire {
    /// Where it is.
    pub base_url: String,
    /// The certificate that a client has to trust, as PEM, if it is over TLS.
    pub certificate: Option<String>,
    sent: Arc<Mutex<Vec<Sent>>>,
    _tasks: JoinSet<()>,
}

impl Wire {
    /// Answers each request with what `answer` makes of it. It may take its time: requests on other
    /// connections are served meanwhile.
    pub async fn start<F, Fut>(answer: F) -> Self
    where
        F: Fn(Sent) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        Self::start_with(None, answer).await
    }

    /// The same over TLS.
    pub async fn start_over_tls<F, Fut>(answer: F) -> Self
    where
        F: Fn(Sent) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key));
        Self::start_with(Some((TlsAcceptor::from(Arc::new(config.unwrap())), cert.pem())), answer).await
    }

    async fn start_with<F, Fut>(tls: Option<(TlsAcceptor, String)>, answer: F) -> Self
    where
        F: Fn(Sent) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        let (acceptor, certificate) = tls.unzip();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://{}/api/v1", listener.local_addr().unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (mut tasks, seen) = (JoinSet::new(), sent.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                // A client that leaves is no news.
                let (answer, seen, acceptor) = (answer.clone(), seen.clone(), acceptor.clone());
                connections.spawn(async move {
                    let served = match acceptor {
                        None => serve(stream, answer, &seen).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => serve(stream, answer, &seen).await,
                            Err(refused) => Err(refused),
                        },
                    };
                    served.unwrap_or_default();
                });
            }
        });
        Self { base_url, certificate, sent, _tasks: tasks }
    }

    /// What was sent since this was last asked.
    pub fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

async fn serve<S, F, Fut>(stream: S, answer: F, seen: &Mutex<Vec<Sent>>) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Sent) -> Fut,
    Fut: Future<Output = Reply>,
{
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        seen.lock().unwrap().push(request.clone());
        let (status, body) = match answer(request).await {
            Reply::Json(status, body) => (status, body.to_string()),
            Reply::Text(body) => (200, body),
            Reply::Bytes(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Reply::Cut => return Ok(()),
        };
        let head = format!(
            "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// Reads a request; none if the client is done.
async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<Option<Sent>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let mut parts = head[0].split(' ');
    let (method, target) = (parts.next().unwrap(), parts.next().unwrap());
    let headers: Vec<_> = head[1..]
        .iter()
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).await?;
    Ok(Some(Sent::new(method, target, headers.into_iter(), &body)))
}
