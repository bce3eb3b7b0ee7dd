//! A server that answers at once: what it says is made before it is asked, so that what is measured is the clients.
//!
//! It looks at the token, as a server does, and at nothing else. Its answers are those of deployed servers, by
//! `tests/dev-server/tests/data`; the cart has as many lines as the address says: `/LINES/api/v1`. It is started with a
//! folder, leaves there the certificate of an authority made on the fly, and says two addresses: one for http, one for
//! https.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program: what goes wrong ends it")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::{Listener, ListenerExt as _};
use axum::{Json, Router};
use market_bench::{AUTHORITY, PHONE, PIECES};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;

const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxOSIsIm1hcmtldCI6InVzIn0.c2ln";

type Carts = Arc<Mutex<HashMap<usize, Bytes>>>;

// Written out, since their fields come in this order.

fn cart(lines: usize) -> Bytes {
    let line = |id: usize| {
        let sku = 100 + id;
        format!(
            r#"{{"id":{id},"sku_id":{sku},"quantity":{PIECES},"name":"Cotton T-Shirt {id}","price":19.99,"image":"/uploads/products/cotton-t-shirt-{id}.jpg"}}"#
        )
    };
    let items = (1..=lines).map(line).collect::<Vec<_>>().join(",");
    let pieces = lines as i64 * PIECES;
    let total = pieces as f64 * 19.99;
    format!(r#"{{"id":1,"user_id":19,"items":[{items}],"total_items":{pieces},"total_price":{total}}}"#)
        .into()
}

fn wishlist() -> Bytes {
    let entry = |id: usize| {
        format!(
            r#"{{"id":{id},"product":{{"id":"{id}","name":"Silk Scarf","slug":"silk-scarf","brand":"Northpeak","price":89.0,"originalPrice":null,"discount":0,"image":"/uploads/products/silk-scarf.jpg","images":["/uploads/products/silk-scarf.jpg","/uploads/products/silk-scarf-2.jpg"],"category":"Clothes","subcategory":"Scarves","sizes":["ONE"],"colors":["Red"],"rating":5.0,"reviews":1,"salesCount":1,"inStock":true,"description":"","features":[]}}}}"#
        )
    };
    let items = (1..=3).map(entry).collect::<Vec<_>>().join(",");
    format!(r#"{{"id":1,"user_id":19,"items":[{items}]}}"#).into()
}

fn sign_in() -> Bytes {
    let answer = json!({
        "success": true, "message": "Phone number verified successfully", "access_token": TOKEN,
        "token_type": "bearer", "expires_in": 86_400, "market": "us", "is_new_user": false,
        "user": {
            "id": "19", "name": "Ann", "full_name": null, "phone": PHONE, "email": null, "is_active": true,
            "is_verified": true, "market": "us",
        },
    });
    answer.to_string().into()
}

fn answer(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn signed_in(headers: &HeaderMap) -> bool {
    let token = headers.get(header::AUTHORIZATION).and_then(|token| token.to_str().ok());
    token.and_then(|token| token.strip_prefix("Bearer ")) == Some(TOKEN)
}

fn refused() -> Response {
    let body = json!({
        "success": false, "error": "http_error", "message": "Missing authorization header", "status_code": 401,
    });
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

/// Connections that speak TLS.
struct Secure {
    plain: TcpListener,
    acceptor: TlsAcceptor,
}

impl Secure {
    /// With an authority and a certificate of its own; gives the authority's, in PEM.
    fn new(plain: TcpListener) -> (Self, String) {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf =
            CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key));
        (Self { plain, acceptor: TlsAcceptor::from(Arc::new(config.unwrap())) }, authority.pem())
    }
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (connection, address) = self.plain.accept().await.unwrap();
            connection.set_nodelay(true).unwrap();
            // Who does not come to terms is gone.
            if let Ok(connection) = self.acceptor.accept(connection).await {
                return (connection, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.plain.local_addr()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (wishlist, sign_in) = (wishlist(), sign_in());
    let router = Router::new()
        .route(
            "/{lines}/api/v1/cart",
            get(async |State(carts): State<Carts>, Path(lines): Path<usize>, headers: HeaderMap| {
                if !signed_in(&headers) {
                    return refused();
                }
                let body = carts.lock().unwrap().entry(lines).or_insert_with(|| cart(lines)).clone();
                answer(body)
            }),
        )
        .route(
            "/{lines}/api/v1/wishlist",
            get(
                async move |headers: HeaderMap| {
                    if signed_in(&headers) { answer(wishlist.clone()) } else { refused() }
                },
            ),
        )
        .route("/{lines}/api/v1/auth/verify-code", post(async move || answer(sign_in.clone())))
        .with_state(Carts::default());
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (secure, authority) = Secure::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    std::fs::write(folder.join(AUTHORITY), authority).unwrap();
    println!("{}\n{}", plain.local_addr().unwrap(), secure.local_addr().unwrap());
    let plain = plain.tap_io(|connection| connection.set_nodelay(true).unwrap());
    // It ends when nobody holds its input any more.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let (plain, secure) = tokio::join!(axum::serve(plain, router.clone()), axum::serve(secure, router));
    plain.and(secure).unwrap();
}
