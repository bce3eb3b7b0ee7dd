//! The calls of the API, one file per area.

pub(crate) mod auth;
pub(crate) mod cart;
pub(crate) mod history;
pub(crate) mod orders;
pub(crate) mod wishlist;

use crate::call::Call;
use crate::dialect::{Op, Who};
use crate::market::Market;
use crate::reply::{Fail, Reply};
use crate::validate::Check;

/// Runs the call of a route.
pub(crate) async fn run(op: Op, call: &Call<'_>) -> Result<Reply, Fail> {
    match op {
        Op::SendCode => auth::send_code(call),
        Op::VerifyCode => auth::verify_code(call),
        Op::VerifyToken => auth::verify_token(call),
        Op::ProfileGet => auth::profile_get(call),
        Op::ProfilePut => auth::profile_put(call),
        Op::Markets => Ok(auth::markets()),
        Op::Logout => auth::logout(call),
        Op::CartGet(who) => cart::get(call, who),
        Op::CartClear(who) => cart::clear(call, who),
        Op::CartAdd(who) => cart::add(call, who).await,
        Op::CartSet(who) => cart::set(call, who),
        Op::CartRemove(who) => cart::remove(call, who),
        Op::WishlistGet(who) => wishlist::get(call, who),
        Op::WishlistClear(who) => wishlist::clear(call, who),
        Op::WishlistAdd(who) => wishlist::add(call, who),
        Op::WishlistRemove(who) => wishlist::remove(call, who),
        Op::Moved(text) => Fail::http(400, text),
        Op::OrderCreate => orders::create(call),
        Op::OrderList => history::list(call),
        Op::OrderGet => history::get(call),
        Op::OrderCancel => history::cancel(call),
        Op::ProfileOrderList => history::profile_list(call),
        Op::ProfileOrderGet => history::profile_get(call),
    }
}

/// Whose cart, wishlist or orders a call is about, and in which market's database.
///
/// Deployed servers take the database from the query and fall back to kg, whatever the token says: with a
/// token of the other market this is another person of the same number. The documented dialect goes by the
/// token.
fn whose(call: &Call<'_>, who: Who, check: &mut Check) -> Result<(Market, i64), Fail> {
    if who == Who::Body {
        let market = check.market(call.query("market"));
        let user = call.body.form(check).int(check, "user_id");
        return Ok((market, user));
    }
    let session = call.session()?;
    let market = if call.dialect.deployed() { check.market(call.query("market")) } else { session.market };
    Ok((market, session.user))
}
