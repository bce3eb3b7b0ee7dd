//! What an app writes without the SDK: reqwest and serde, two headers, and a look at the status.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measuring program: what goes wrong ends it")]
#![expect(dead_code, reason = "an app uses what it has decoded")]

use std::path::PathBuf;

use market_bench::{CODE, Given, PHONE, Side};
use reqwest::{Certificate, Client, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

struct ByHand {
    http: Client,
    base_url: String,
    token_file: PathBuf,
    token: Option<String>,
}

#[derive(Deserialize)]
struct SignIn {
    access_token: String,
}

#[derive(Deserialize)]
struct Cart {
    id: u64,
    user_id: u64,
    items: Vec<Line>,
    total_price: f64,
}

#[derive(Deserialize)]
struct Line {
    id: u64,
    sku_id: u64,
    quantity: i64,
    name: String,
    price: f64,
    image: String,
}

#[derive(Deserialize)]
struct Wishlist {
    id: u64,
    user_id: u64,
    items: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: u64,
    product: Product,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    id: String,
    name: String,
    slug: String,
    brand: String,
    price: f64,
    original_price: Option<f64>,
    discount: f64,
    image: String,
    images: Vec<String>,
    category: String,
    subcategory: String,
    sizes: Vec<String>,
    colors: Vec<String>,
    rating: f64,
    reviews: i64,
    sales_count: i64,
    in_stock: bool,
    description: String,
}

#[derive(Debug)]
enum Failed {
    SignedOut,
    Http(reqwest::Error),
    Json(serde_json::Error),
}

impl ByHand {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        let token = self.token.as_ref().ok_or(Failed::SignedOut)?;
        let request = self.http.get(format!("{}{path}", self.base_url));
        let response =
            request.bearer_auth(token).header("X-Market", "us").send().await.map_err(Failed::Http)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(Failed::SignedOut);
        }
        let response = response.error_for_status().map_err(Failed::Http)?;
        serde_json::from_slice(&response.bytes().await.map_err(Failed::Http)?).map_err(Failed::Json)
    }
}

impl Side for ByHand {
    fn new(given: &Given) -> Self {
        rustls::crypto::ring::default_provider().install_default().unwrap();
        let token_file = given.folder.join("token");
        let mut http = Client::builder();
        if let Some(pem) = given.authority() {
            http = http.tls_certs_merge([Certificate::from_pem(&pem).unwrap()]);
        }
        Self { http: http.build().unwrap(), base_url: given.base_url.clone(), token_file, token: None }
    }

    async fn sign_in(&mut self) {
        let body = serde_json::json!({"phone": PHONE, "verification_code": CODE}).to_string();
        let request = self.http.post(format!("{}/auth/verify-code", self.base_url));
        let response = request.header("Content-Type", "application/json").body(body).send().await.unwrap();
        let answer: SignIn = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        std::fs::write(&self.token_file, &answer.access_token).unwrap();
        self.token = Some(answer.access_token);
    }

    async fn open(&mut self) {
        self.token = Some(std::fs::read_to_string(&self.token_file).unwrap());
    }

    async fn cart(&self) -> (usize, i64) {
        let cart: Cart = self.get("/cart").await.unwrap();
        (cart.items.len(), cart.items.iter().map(|line| line.quantity).sum())
    }

    async fn wishlist(&self) -> usize {
        self.get::<Wishlist>("/wishlist").await.unwrap().items.len()
    }

    async fn states(&mut self, _: usize, _: usize) {
        panic!("there are no observers here")
    }
}

fn main() {
    market_bench::run::<ByHand>();
}
