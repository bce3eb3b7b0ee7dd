//! What `Debug` and `Display` of the SDK's types show. Which types there are is read from its source, so that a new
//! one is asked for here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use market_contract_tests::{PHONE, shop};
use market_sdk::*;
use serde_json::{Value, json};
use syn::{Item, UseTree, Visibility};
use zeroize::Zeroizing;

use crate::{CODE, server, shown, tells_nothing, token};

/// What is exported and is no type that has values, or one that is not ours.
const NO_VALUES: &[&str] = &["Result", "SecureStore"];

/// The names that the SDK exports.
fn exported() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk-core/src");
    let (mut names, mut files) = (BTreeSet::new(), vec![source.join("lib.rs")]);
    while let Some(file) = files.pop() {
        let items = syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap().items;
        for item in items {
            match item {
                Item::Use(item) if matches!(item.vis, Visibility::Public(_)) => {
                    leaves(item.tree, &mut |module, name| match name {
                        Some(name) => drop(names.insert(name)),
                        // All of a module.
                        None => files.push(source.join(module).join("mod.rs")),
                    });
                }
                Item::Mod(item) if matches!(item.vis, Visibility::Public(_)) => {
                    let is_for_tests = ["fuzzing", "test_kit"].iter().any(|name| item.ident == name);
                    assert!(is_for_tests, "{} is a public module, and not looked into", item.ident);
                }
                Item::Struct(syn::ItemStruct { vis, ident, .. })
                | Item::Enum(syn::ItemEnum { vis, ident, .. })
                | Item::Type(syn::ItemType { vis, ident, .. })
                | Item::Trait(syn::ItemTrait { vis, ident, .. })
                    if matches!(vis, Visibility::Public(_)) =>
                {
                    names.insert(ident.to_string());
                }
                _ => {}
            }
        }
    }
    names
}

/// The names at the ends of a `use`; none for all of the module.
fn leaves(tree: UseTree, found: &mut impl FnMut(&str, Option<String>)) {
    match tree {
        UseTree::Path(path) => match *path.tree {
            UseTree::Glob(_) => found(&path.ident.to_string(), None),
            tree => leaves(tree, found),
        },
        UseTree::Name(name) => found("", Some(name.ident.to_string())),
        UseTree::Rename(name) => found("", Some(name.rename.to_string())),
        UseTree::Group(group) => group.items.into_iter().for_each(|tree| leaves(tree, found)),
        UseTree::Glob(_) => panic!("all of what?"),
    }
}

/// All forms of values, by the names of their types.
#[derive(Default)]
struct Samples(BTreeMap<String, String>);

struct Probe<'a, T: ?Sized>(&'a T);

// Of two methods of a name, the one for more references is taken where it is there: so a type that gets a `Display`
// has it looked at, though nobody has thought of it here.
trait Shows {
    fn debug(&self) -> String {
        String::new()
    }
    fn display(&self) -> String {
        String::new()
    }
}
impl<T: ?Sized> Shows for Probe<'_, T> {}

trait ShowsDebug {
    fn debug(&self) -> String;
}
impl<T: ?Sized + Debug> ShowsDebug for &Probe<'_, T> {
    fn debug(&self) -> String {
        format!("{0:?} {0:#?}", self.0)
    }
}

trait ShowsDisplay {
    fn display(&self) -> String;
}
impl<T: ?Sized + Display> ShowsDisplay for &Probe<'_, T> {
    fn display(&self) -> String {
        format!("{0} {0:#}", self.0)
    }
}

macro_rules! show {
    ($samples:ident: $($value:expr),* $(,)?) => {$({
        let probe = Probe(&$value);
        let name = std::any::type_name_of_val(probe.0);
        let name = name.split('<').next().unwrap().rsplit("::").next().unwrap();
        let forms = format!("{} {}\n", (&&probe).debug(), (&&probe).display());
        $samples.0.entry(name.to_owned()).or_default().push_str(&forms);
    })*};
}

async fn samples(token: &str) -> Samples {
    let mut all = Samples::default();
    let server = server(token.to_owned()).await;
    let builder = || shop::client(&server.base_url).expiring_soon(Duration::from_secs(15 * 60));
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("store"));
    show!(all: builder(), store, KeyringStore::new("contract.tests"), MemoryStore::default());
    let market = builder().store(store).build().unwrap();
    let session = market.session();
    show!(all: market, session, market.cart(), market.wishlist(), market.orders(), session.subscribe());
    let (ended, end) = channel();
    let listeners = (
        session.on_expiring_soon(|_| {}),
        session.on_end(move |event| ended.send(event).unwrap_or_default()),
    );
    show!(all: listeners.0, listeners.1, market.cart().subscribe());

    show!(all: session.request_code(PHONE).await.unwrap());
    let refused = session.verify_code(PHONE, "1234").await.unwrap_err();
    let sign_in = session.verify_code(PHONE, CODE).await.unwrap();
    show!(all: refused, refused.code(), sign_in, sign_in.user, sign_in.user.phone, sign_in.user.market, sign_in.user.id);
    show!(all: session.state());
    let (profile, markets) = (session.profile().await.unwrap(), session.markets().await.unwrap());
    show!(all: profile, markets, markets.supported[0], session.verify_token().await.unwrap());
    show!(all: ProfileUpdate::new().full_name("Ann"));

    let cart = market.cart().get().await.unwrap();
    let line = &cart.items[0];
    show!(all: cart, cart.id, line, line.id, line.sku_id, line.price, line.price.currency(), line.price.amount());
    let wishlist = market.wishlist().get().await.unwrap();
    let item = &wishlist.items[0];
    show!(all: wishlist, wishlist.id, item, item.id, item.product, item.product.id);
    let new =
        NewOrder::of_items("Ann", PHONE, "1 Main St", [(SkuId(42), 1)]).notes(format!("{CODE} {token}"));
    let order = market.orders().place(new.clone()).await.unwrap();
    show!(all: new, NewOrderItem { sku_id: SkuId(42), quantity: 1 }, order, order.id, order.status, order.items[0], order.items[0].id);
    show!(all: market.orders().resolve().await.unwrap(), OrderOutcome::Placed(order));
    show!(all: market.orders().cancel(OrderId(1001)).await.unwrap(), OrderQuery::new());

    let secret = json!({ "said": format!("{CODE} of {PHONE} with {token}") });
    let request = |path| RawRequest::new(Method::Post, path).query("phone", PHONE).json(&secret).unwrap();
    let response = market.request(request("/echo")).await.unwrap();
    assert_eq!(response.json::<Value>().unwrap(), secret);
    show!(all: request("/echo"), Method::Post, response);
    for path in ["/refused", "/failed", "/cut", "/elsewhere", "/unknown"] {
        let error = market.request(request(path)).await.unwrap_err();
        show!(all: error);
        tells_nothing(path, &shown(&error), token);
        error.fields().iter().for_each(|field| show!(all: *field));
    }

    let stored = format!("{{\"token\":\"{token}\",\"phone\":\"{PHONE}\"}}").into_bytes();
    show!(all: StoreRead::Found(Zeroizing::new(stored)), StoreError::Locked, StoreError::Unavailable("why".to_owned()));
    show!(all: ends_soon(builder().store(FileStore::new(folder.path().join("store"))), folder.path()).await);
    session.logout().await.unwrap();
    let end = end.recv_timeout(Duration::from_secs(30)).unwrap();
    show!(all: end, end.reason, session.state(), SignedOutReason::LoggedOut, LockedReason::Hung);
    all
}

/// Of a client for which the stored session is twenty minutes older than it is.
async fn ends_soon(builder: MarketClientBuilder, folder: &Path) -> ExpiringSoon {
    let file = std::fs::read_dir(folder.join("store")).unwrap().map(|file| file.unwrap().path());
    let is_session = |text: &String| text.contains("signed_in_at_ms");
    let (file, text) = file
        .map(|file| (file.clone(), std::fs::read_to_string(file).unwrap()))
        .find(|(_, text)| is_session(text))
        .unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["signed_in_at_ms"] = json!(record["signed_in_at_ms"].as_u64().unwrap() - 20 * 60 * 1000);
    std::fs::write(file, record.to_string()).unwrap();
    let market = builder.build().unwrap();
    let (soon, is_soon) = channel();
    market.session().on_expiring_soon(move |event| soon.send(event).unwrap_or_default());
    market.session().restore().await.unwrap();
    is_soon.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_no_type_that_is_exported_shows_a_token_a_code_or_a_phone_number() {
    let token = token();
    let Samples(all) = samples(&token).await;
    let exported = exported();
    let looked_at: BTreeSet<String> =
        all.keys().map(String::to_owned).chain(NO_VALUES.iter().map(|name| (*name).to_owned())).collect();
    let missing: Vec<_> = exported.difference(&looked_at).collect();
    assert!(missing.is_empty(), "exported, and no value of it is looked at here: {missing:?}");
    let unknown: Vec<_> = looked_at.difference(&exported).collect();
    assert!(unknown.is_empty(), "not exported: {unknown:?}");
    assert!(all["PhoneNumber"].contains("51") && all["Money"].contains("USD 19.99"), "the forms are there");
    for (name, forms) in &all {
        tells_nothing(name, forms, &token);
    }
    println!("figure: {} exported types show neither token nor code nor phone number", all.len());
}
