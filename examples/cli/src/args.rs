//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use market_dev_server::Dialect;
use market_sdk::Method;

use crate::failure::EXIT_CODES;

/// Shop at a market server from the command line.
///
/// Start with `market demo`: it needs nothing set up. To try the other commands, run `market dev-server` in
/// another terminal.
#[derive(Parser)]
#[command(name = "market", version, after_help = EXIT_CODES, infer_subcommands = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which server, and where the session is kept between commands.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    #[arg(long, global = true, env = "MARKET_SERVER", value_name = "URL", hide_env_values = true)]
    #[arg(help = "The server's base URL, such as https://api.example.com/api/v1")]
    pub(crate) server: Option<String>,
    /// The name of the stored session, beside the server's
    #[arg(long, global = true, value_name = "ID", default_value = "dev.marketsdk.cli")]
    pub(crate) app_id: String,
    /// Where the session is stored: `keyring` (the operating system's), `file:DIR` (not encrypted, mode 0600), or
    /// `memory` (it ends with the command)
    #[arg(long, global = true, env = "MARKET_STORE", value_name = "STORE", default_value = "keyring")]
    #[arg(value_parser = StoreChoice::parse, hide_env_values = true)]
    pub(crate) store: StoreChoice,
    /// Allow http:// for a server on this machine
    #[arg(long, global = true)]
    pub(crate) allow_http: bool,
}

/// The stores that can be named.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    Keyring,
    File(PathBuf),
    Memory,
}

impl StoreChoice {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "keyring" => Ok(Self::Keyring),
            None if text == "memory" => Ok(Self::Memory),
            Some(("file", folder)) if !folder.is_empty() => Ok(Self::File(folder.into())),
            _ => Err("it is one of keyring, file:DIR, memory".to_owned()),
        }
    }
}

/// For programs that read the output.
#[derive(Args, Clone, Copy)]
pub(crate) struct Format {
    /// Write JSON, errors on standard error too
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Watch a shopper's four scenarios, played and checked against a server that is started for it
    Demo {
        /// Which form of the API the server speaks
        #[arg(long, value_enum, default_value_t = Dialect::Documented)]
        dialect: Dialect,
        /// Play another one: an expiry in the middle of a checkout, and the same tap goes through
        #[arg(long, conflicts_with = "lost_answer")]
        resume: bool,
        /// Watch instead what becomes of an order whose answer is lost
        #[arg(long)]
        lost_answer: bool,
    },
    /// Sign in with a phone number and the code that comes by SMS
    Login {
        /// The phone number with its country code, such as +13128059851; asked for if left out
        phone: Option<String>,
        /// The code, if it was sent before (see --send-only); asked for if left out
        #[arg(long, requires = "phone", conflicts_with = "send_only")]
        code: Option<String>,
        /// Have a code sent and stop there, to go on with --code
        #[arg(long, requires = "phone")]
        send_only: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Say who is signed in; exit code 3 if nobody is
    #[command(visible_alias = "whoami")]
    Status {
        /// Ask the server, too, whether it accepts the session
        #[arg(long)]
        ask_server: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Sign out: the session is erased here, and the server is told
    Logout {
        /// Do not tell the server
        #[arg(long)]
        local: bool,
    },
    /// Show the profile, or change it
    Profile {
        /// The new full name
        #[arg(long)]
        name: Option<String>,
        /// The new picture's address
        #[arg(long, value_name = "URL")]
        image: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// List the markets that the server serves; nobody needs to be signed in
    Markets {
        #[command(flatten)]
        format: Format,
    },
    /// Show the cart, or change it
    Cart {
        #[command(subcommand)]
        action: Option<CartAction>,
        #[command(flatten)]
        format: Format,
    },
    /// Show the wishlist, or change it
    Wishlist {
        #[command(subcommand)]
        action: Option<WishlistAction>,
        #[command(flatten)]
        format: Format,
    },
    /// List orders, look at one, place or cancel one, find a lost one
    Orders {
        #[command(subcommand)]
        action: Option<OrdersAction>,
        #[command(flatten)]
        format: Format,
    },
    /// Make a request to any other route of the server, and print the answer's body
    Request {
        #[arg(value_parser = method)]
        method: Method,
        /// The path below the base URL, such as /products
        path: String,
        /// A query parameter; may be repeated
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
        query: Vec<(String, String)>,
        /// The body
        #[arg(long, value_name = "JSON", value_parser = json)]
        json: Option<serde_json::Value>,
        /// Send it without the session
        #[arg(long)]
        no_session: bool,
    },
    /// Run a market server on this machine, to try things out: it prints its URL, and the codes it "sends"
    DevServer(market_dev_server::Args),
    /// Print a completion script for a shell
    Completions { shell: Shell },
}

impl Command {
    /// Whether the output is for a program.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Login { format, .. }
            | Self::Status { format, .. }
            | Self::Profile { format, .. }
            | Self::Markets { format }
            | Self::Cart { format, .. }
            | Self::Wishlist { format, .. }
            | Self::Orders { format, .. } => format.json,
            Self::Demo { .. }
            | Self::Logout { .. }
            | Self::Request { .. }
            | Self::DevServer(_)
            | Self::Completions { .. } => false,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum CartAction {
    /// Show the cart, as without a word
    Show,
    /// Add pieces of a SKU
    Add {
        sku: u64,
        #[arg(default_value_t = 1, allow_negative_numbers = true, value_parser = pieces)]
        quantity: u32,
    },
    /// Set how many pieces a line holds; 0 removes it
    Set {
        line: u64,
        #[arg(allow_negative_numbers = true, value_parser = pieces)]
        quantity: u32,
    },
    /// Remove a line
    Remove { line: u64 },
    /// Remove all lines
    Clear,
}

#[derive(Subcommand)]
pub(crate) enum WishlistAction {
    /// Show the wishlist, as without a word
    Show,
    /// Put a product on it
    Add { product: u64 },
    /// Take a product off it
    Remove { product: u64 },
    /// Take all off it
    Clear,
}

#[derive(Subcommand)]
pub(crate) enum OrdersAction {
    /// List orders, newest first
    List(OrderList),
    /// Show one order
    #[command(visible_alias = "show")]
    Get { id: u64 },
    /// Place an order: of what is in the cart, or of --item
    Place(Box<Place>),
    /// Find out what became of an order whose answer was lost
    Resolve,
    /// Cancel an order
    Cancel { id: u64 },
}

#[derive(Args)]
pub(crate) struct OrderList {
    /// Only those of this status, such as pending or shipped
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// How many; with --all, how many per request
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args)]
pub(crate) struct Place {
    /// Who orders
    #[arg(long)]
    pub(crate) name: String,
    /// A phone number for the courier
    #[arg(long)]
    pub(crate) phone: String,
    /// Where it goes
    #[arg(long)]
    pub(crate) address: String,
    #[arg(long)]
    pub(crate) city: Option<String>,
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Notes for the courier
    #[arg(long)]
    pub(crate) notes: Option<String>,
    /// The way of paying, by the shop's name for it
    #[arg(long, default_value = "cash")]
    pub(crate) payment: String,
    /// Order this instead of the cart; may be repeated
    #[arg(long = "item", value_name = "SKU:QUANTITY", value_parser = item)]
    pub(crate) items: Vec<(u64, u32)>,
    /// Place it although the outcome of an earlier order is unknown, which may order twice
    #[arg(long)]
    pub(crate) force: bool,
}

fn method(text: &str) -> Result<Method, String> {
    match text.to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::Get),
        "POST" => Ok(Method::Post),
        "PUT" => Ok(Method::Put),
        "PATCH" => Ok(Method::Patch),
        "DELETE" => Ok(Method::Delete),
        _ => Err("it is one of GET, POST, PUT, PATCH, DELETE".to_owned()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What no cart holds goes on as the largest number, for the SDK to refuse in its own words: 0 would remove a line.
fn pieces(text: &str) -> Result<u32, String> {
    let number: i64 = text.parse().map_err(|_| "it is no number of pieces".to_owned())?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

fn item(text: &str) -> Result<(u64, u32), String> {
    let numbers =
        text.split_once(':').and_then(|(sku, count)| Some((sku.parse().ok()?, pieces(count).ok()?)));
    numbers.ok_or_else(|| "it is written SKU:QUANTITY, such as 42:2".to_owned())
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_store_is_chosen_by_name_only() {
        let chosen = |text| StoreChoice::parse(text).ok();
        assert!(chosen("keyring") == Some(StoreChoice::Keyring));
        assert!(chosen("memory") == Some(StoreChoice::Memory));
        assert!(chosen("file:a/b") == Some(StoreChoice::File("a/b".into())));
        for text in ["", "file", "file:", "a/b", "disk:a", "Keyring"] {
            assert!(chosen(text).is_none(), "{text}");
        }
    }
}
