//! The three dialects of the API, and the one table of routes that says which of them has what.

use std::fmt;

/// Which generation of the API the server plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// As the owners' document has it.
    Documented,
    /// The first deployed generation: no way to place an order.
    G1,
    /// The second deployed generation: a wishlist that goes by the user id in the body.
    G2,
}

impl Dialect {
    /// Whether this is one of the generations that are really run.
    pub(crate) fn deployed(self) -> bool {
        self != Dialect::Documented
    }

    fn bit(self) -> u8 {
        match self {
            Dialect::Documented => DOC,
            Dialect::G1 => G1,
            Dialect::G2 => G2,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Documented => "documented",
            Dialect::G1 => "g1",
            Dialect::G2 => "g2",
        })
    }
}

impl std::str::FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        clap::ValueEnum::from_str(text, true)
    }
}

/// How a call learns whose cart or wishlist is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// By the token.
    Token,
    /// By `user_id` in the body, no token being looked at.
    Body,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    SendCode,
    VerifyCode,
    VerifyToken,
    ProfileGet,
    ProfilePut,
    Markets,
    Logout,
    CartGet(Who),
    CartClear(Who),
    CartAdd(Who),
    CartSet(Who),
    CartRemove(Who),
    WishlistGet(Who),
    WishlistClear(Who),
    WishlistAdd(Who),
    WishlistRemove(Who),
    /// A call that a later generation replaced: 400 with this text.
    Moved(&'static str),
    OrderCreate,
    OrderList,
    OrderGet,
    OrderCancel,
    ProfileOrderList,
    ProfileOrderGet,
}

struct Route {
    dialects: u8,
    method: &'static str,
    path: &'static str,
    op: Op,
}

const DOC: u8 = 1;
const G1: u8 = 2;
const G2: u8 = 4;
const ALL: u8 = DOC | G1 | G2;

const fn on(dialects: u8, method: &'static str, path: &'static str, op: Op) -> Route {
    Route { dialects, method, path, op }
}

const USE_GET: &str = "Use POST /wishlist/get with user_id in request body";
const USE_REMOVE: &str = "Use POST /wishlist/remove with user_id and product_id in request body";
const USE_CLEAR: &str = "Use POST /wishlist/clear with user_id in request body";

/// All routes of all dialects, below the API's prefix. The order matters: the method named by a 405 is that
/// of the first route whose path fits.
const ROUTES: &[Route] = &[
    on(ALL, "POST", "/auth/send-verification", Op::SendCode),
    on(G1 | G2, "POST", "/auth/send-code", Op::SendCode),
    on(ALL, "POST", "/auth/verify-code", Op::VerifyCode),
    on(ALL, "GET", "/auth/verify-token", Op::VerifyToken),
    on(ALL, "GET", "/auth/profile", Op::ProfileGet),
    on(ALL, "PUT", "/auth/profile", Op::ProfilePut),
    on(ALL, "GET", "/auth/markets", Op::Markets),
    on(ALL, "POST", "/auth/logout", Op::Logout),
    //
    on(DOC, "GET", "/cart", Op::CartGet(Who::Token)),
    on(DOC, "DELETE", "/cart", Op::CartClear(Who::Token)),
    on(G1 | G2, "GET", "/cart/", Op::CartGet(Who::Token)),
    on(G1 | G2, "DELETE", "/cart/", Op::CartClear(Who::Token)),
    on(ALL, "POST", "/cart/items", Op::CartAdd(Who::Token)),
    on(G1 | G2, "GET", "/cart/items", Op::CartGet(Who::Token)),
    on(ALL, "PUT", "/cart/items/{item_id}", Op::CartSet(Who::Token)),
    on(ALL, "DELETE", "/cart/items/{item_id}", Op::CartRemove(Who::Token)),
    on(G2, "POST", "/cart/get", Op::CartGet(Who::Body)),
    on(G2, "POST", "/cart/add", Op::CartAdd(Who::Body)),
    on(G2, "POST", "/cart/update", Op::CartSet(Who::Body)),
    on(G2, "POST", "/cart/remove", Op::CartRemove(Who::Body)),
    on(G2, "POST", "/cart/clear", Op::CartClear(Who::Body)),
    //
    on(DOC, "GET", "/wishlist", Op::WishlistGet(Who::Token)),
    on(DOC, "DELETE", "/wishlist", Op::WishlistClear(Who::Token)),
    on(G1, "GET", "/wishlist/", Op::WishlistGet(Who::Token)),
    on(G1, "DELETE", "/wishlist/", Op::WishlistClear(Who::Token)),
    on(DOC | G1, "POST", "/wishlist/items", Op::WishlistAdd(Who::Token)),
    on(G1, "GET", "/wishlist/items", Op::WishlistGet(Who::Token)),
    on(DOC | G1, "DELETE", "/wishlist/items/{product_id}", Op::WishlistRemove(Who::Token)),
    on(G2, "GET", "/wishlist/", Op::Moved(USE_GET)),
    on(G2, "DELETE", "/wishlist/", Op::Moved(USE_CLEAR)),
    on(G2, "POST", "/wishlist/items", Op::WishlistAdd(Who::Body)),
    on(G2, "GET", "/wishlist/items", Op::Moved(USE_GET)),
    on(G2, "DELETE", "/wishlist/items/{product_id}", Op::Moved(USE_REMOVE)),
    on(G2, "POST", "/wishlist/get", Op::WishlistGet(Who::Body)),
    on(G2, "POST", "/wishlist/add", Op::WishlistAdd(Who::Body)),
    on(G2, "POST", "/wishlist/remove", Op::WishlistRemove(Who::Body)),
    on(G2, "POST", "/wishlist/clear", Op::WishlistClear(Who::Body)),
    //
    on(DOC | G2, "POST", "/orders/create", Op::OrderCreate),
    on(DOC | G2, "GET", "/orders", Op::OrderList),
    on(DOC | G2, "GET", "/orders/{order_id}", Op::OrderGet),
    on(G1 | G2, "GET", "/profile/orders", Op::ProfileOrderList),
    on(G1 | G2, "GET", "/profile/orders/{order_id}", Op::ProfileOrderGet),
    on(ALL, "POST", "/profile/orders/{order_id}/cancel", Op::OrderCancel),
];

/// The routes of a dialect: methods, and paths below the API's prefix.
pub(crate) fn routes(dialect: Dialect) -> impl Iterator<Item = (&'static str, &'static str)> {
    let has = move |route: &&Route| route.dialects & dialect.bit() != 0;
    ROUTES.iter().filter(has).map(|route| (route.method, route.path))
}

/// What a method and a path come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A route, with the text that stands for its `{…}` if it has one.
    Route {
        op: Op,
        param: Option<(&'static str, String)>,
    },
    /// The path is there for this other method.
    WrongMethod(&'static str),
    /// The path is there with, or without, its closing slash.
    Slash(String),
    Missing,
}

/// Looks up a path below the API's prefix, the way the deployed servers' framework does: an exact route, else
/// the wrong method, else the other form of the slash.
pub(crate) fn find(dialect: Dialect, method: &str, path: &str) -> Found {
    let known = |path: &str| {
        let fits = ROUTES.iter().filter(|route| route.dialects & dialect.bit() != 0);
        fits.filter_map(|route| matches(route.path, path).map(|param| (route, param))).collect::<Vec<_>>()
    };
    let mut fitting = known(path);
    if let Some(exact) = fitting.iter().position(|(route, _)| route.method == method) {
        let (route, param) = fitting.swap_remove(exact);
        return Found::Route { op: route.op, param };
    }
    if let Some((route, _)) = fitting.first() {
        return Found::WrongMethod(route.method);
    }
    let other = match path.strip_suffix('/') {
        Some(bare) => bare.to_owned(),
        None => format!("{path}/"),
    };
    if known(&other).is_empty() { Found::Missing } else { Found::Slash(other) }
}

/// Some if `path` fits `pattern`, with what stands for the pattern's `{…}`.
fn matches(pattern: &'static str, path: &str) -> Option<Option<(&'static str, String)>> {
    let mut param = None;
    let (mut left, mut right) = (pattern.split('/'), path.split('/'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Some(param),
            (Some(want), Some(got)) => {
                if let Some(name) = want.strip_prefix('{').and_then(|want| want.strip_suffix('}')) {
                    if got.is_empty() {
                        return None;
                    }
                    param = Some((name, got.to_owned()));
                } else if want != got {
                    return None;
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slash_is_where_the_dialect_has_it() {
        assert_eq!(find(Dialect::Documented, "GET", "/cart/"), Found::Slash("/cart".into()));
        assert_eq!(find(Dialect::G1, "GET", "/cart"), Found::Slash("/cart/".into()));
        assert_eq!(find(Dialect::G1, "GET", "/orders"), Found::Missing);
        assert_eq!(find(Dialect::G2, "GET", "//cart/"), Found::Missing);
    }

    #[test]
    fn a_wrong_method_names_the_first_route_of_that_path() {
        assert_eq!(find(Dialect::G2, "GET", "/cart/items/7"), Found::WrongMethod("PUT"));
        assert_eq!(find(Dialect::G2, "PUT", "/cart/items"), Found::WrongMethod("POST"));
        assert_eq!(find(Dialect::G2, "HEAD", "/cart/"), Found::WrongMethod("GET"));
    }
}
