//! The faults of the table, as the dev server plays them.

use market_dev_server::{DateHeader, Fault, RetryAfter, Target};

use crate::cell::BODY_LIMIT;

/// What a fault can need to know of the cell it is played in.
pub(crate) struct Place {
    /// Host and port of the server.
    pub(crate) host: String,
    /// The origin of the other server, where nothing may arrive.
    pub(crate) elsewhere: String,
    /// Path and query of the call's request, the prefix included.
    pub(crate) target: String,
}

impl Place {
    /// The port, as `:8080`.
    fn port(&self) -> &str {
        self.host.strip_prefix("127.0.0.1").unwrap()
    }
}

/// A fault, and how it is played.
pub(crate) struct Played {
    pub(crate) name: &'static str,
    pub(crate) fault: Box<dyn Fn(&Place) -> Fault + Send + Sync>,
    /// How often; for ever if none.
    pub(crate) times: Option<u32>,
    /// The call's deadline is near, since there is nothing else to end it.
    pub(crate) hasty: bool,
    /// On every route, and from the sign-in on.
    pub(crate) everywhere: bool,
    /// The server speaks https.
    pub(crate) tls: bool,
    /// How far the server's clock is ahead of the right time, in seconds.
    pub(crate) clock: i64,
}

impl Played {
    fn with(name: &'static str, fault: impl Fn(&Place) -> Fault + Send + Sync + 'static) -> Self {
        let fault = Box::new(fault);
        Self { name, fault, times: None, hasty: false, everywhere: false, tls: false, clock: 0 }
    }

    fn of(name: &'static str, fault: Fault) -> Self {
        Self::with(name, move |_| fault.clone())
    }

    fn status(name: &'static str, status: u16, acted: bool) -> Self {
        Self::of(name, Fault::Status { status, acted, retry_after: None })
    }

    fn busy(name: &'static str, status: u16, retry_after: RetryAfter) -> Self {
        Self::of(name, Fault::Status { status, acted: false, retry_after: Some(retry_after) })
    }

    fn answer(name: &'static str, status: u16, content_type: &str, body: &str) -> Self {
        let (content_type, body) = (content_type.to_owned(), body.to_owned());
        Self::of(name, Fault::Answer { status, content_type, body, acted: false })
    }

    fn redirect(name: &'static str, status: u16, to: Target) -> Self {
        Self::of(name, Fault::Redirect { status, to })
    }

    fn redirect_with(
        name: &'static str,
        status: u16,
        to: impl Fn(&Place) -> Target + Send + Sync + 'static,
    ) -> Self {
        Self::with(name, move |place| Fault::Redirect { status, to: to(place) })
    }

    fn elsewhere(name: &'static str, status: u16) -> Self {
        Self::redirect_with(name, status, |place| Target::Origin(place.elsewhere.clone()))
    }

    fn date(name: &'static str, date: DateHeader) -> Self {
        Self { everywhere: true, ..Self::of(name, Fault::Date { date }) }
    }

    fn clock(name: &'static str, ahead: i64) -> Self {
        Self { clock: ahead, ..Self::date(name, DateHeader::Off(0)) }
    }

    fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    fn hasty(self) -> Self {
        Self { hasty: true, ..self }
    }

    fn tls(self) -> Self {
        Self { tls: true, ..self }
    }
}

const HOUR: i64 = 3600;
/// Longer than any deadline here.
const NEVER: u64 = 3_600_000;
const JSON: &str = "application/json";
const PAGE: &str = "<html><body>Please sign in to this network.</body></html>";
const TOO_MANY: &str = r#"{"detail":"Too many verification attempts. Please wait 15 minutes."}"#;
const LIST: &str =
    r#"{"detail":[{"type":"missing","loc":["body","phone"],"msg":"Field required","input":{}}]}"#;
const NO_ROUTE: &str = r#"{"detail":"Not Found"}"#;

/// All of them.
pub(crate) fn all() -> Vec<Played> {
    let within = BODY_LIMIT as u64 / 2;
    let beyond = BODY_LIMIT as u64 + 1;
    let text = |text: &str| RetryAfter::Text(text.to_owned());
    let location = |text: &str| Target::Location(text.to_owned());
    vec![
        Played::of("late, in time", Fault::Latency { ms: 20, acted: false }),
        Played::of("no answer, not acted", Fault::Latency { ms: NEVER, acted: false }).hasty(),
        Played::of("no answer, acted", Fault::Latency { ms: NEVER, acted: true }).hasty(),
        Played::of("reset, not acted", Fault::Reset { acted: false }),
        Played::of("reset, acted", Fault::Reset { acted: true }),
        Played::of("reset, not acted, once", Fault::Reset { acted: false }).times(1),
        Played::of("reset, acted, once", Fault::Reset { acted: true }).times(1),
        Played::of("hung up, not acted", Fault::HangUp { acted: false }),
        Played::of("hung up, acted", Fault::HangUp { acted: true }),
        Played::of("body cut", Fault::Truncated),
        Played::of("body cut, once", Fault::Truncated).times(1),
        Played::of("body without end", Fault::NeverEnding).hasty(),
        Played::of("body too large", Fault::Oversized { bytes: beyond }),
        Played::of("body large, within the limit", Fault::Oversized { bytes: within }),
        Played::of("body of wrong types", Fault::MisTyped),
        Played::answer("HTML 200", 200, "text/html", PAGE),
        Played::of("HTML 502", Fault::Html { status: 502 }),
        Played::of("HTML 502, once", Fault::Html { status: 502 }).times(1),
        Played::status("500, not acted", 500, false),
        Played::status("500, acted", 500, true),
        Played::status("504, acted", 504, true),
        Played::status("300, acted", 300, true),
        Played::status("503", 503, false),
        Played::busy("503, in 1 s, once", 503, RetryAfter::Seconds(1)).times(1),
        Played::busy("503, at a date in 1 s, once", 503, RetryAfter::DateIn(1)).times(1),
        Played::busy("503, in an hour", 503, RetryAfter::Seconds(3600)),
        Played::busy("503, at a date in an hour", 503, RetryAfter::DateIn(HOUR)),
        Played::busy("503, at a date that is past", 503, RetryAfter::DateIn(-HOUR)),
        Played::busy("503, after more than all time", 503, RetryAfter::Seconds(u64::MAX)),
        Played::busy("503, soon", 503, text("soon")),
        Played::status("429", 429, false),
        Played::busy("429, in 1 s, once", 429, RetryAfter::Seconds(1)).times(1),
        Played::busy("429, in an hour", 429, RetryAfter::Seconds(3600)),
        Played::busy("429, at a date in an hour", 429, RetryAfter::DateIn(HOUR)),
        Played::answer("422, too many", 422, JSON, TOO_MANY),
        Played::answer("422, a list", 422, JSON, LIST),
        Played::status("400", 400, false),
        Played::status("401", 401, false),
        Played::status("403", 403, false),
        Played::status("404, of a thing", 404, false),
        Played::answer("404, of a route", 404, JSON, NO_ROUTE),
        Played::status("409", 409, false),
        Played::redirect("301, own origin", 301, Target::Hop).times(1),
        Played::redirect("302, own origin", 302, Target::Hop).times(1),
        Played::redirect("303, own origin", 303, Target::Hop).times(1),
        Played::redirect("307, own origin", 307, Target::Hop).times(1),
        Played::redirect("308, own origin", 308, Target::Hop).times(1),
        Played::redirect("307, itself", 307, Target::Itself),
        Played::redirect("307, five times", 307, Target::Hop).times(5),
        Played::redirect("307, six times", 307, Target::Hop).times(6),
        Played::redirect("307, for ever", 307, Target::Hop),
        Played::redirect_with("307 from https to http, once", 307, |place| {
            // The path stays; a query of its own makes it another address.
            Target::Location(format!("http://{}{}&hop=1", place.host, place.target))
        })
        .times(1)
        .tls(),
        Played::redirect("307 from https to http, itself", 307, Target::Http).tls(),
        Played::redirect("301 to https, where nothing is", 301, Target::Https),
        Played::elsewhere("301, another origin", 301),
        Played::elsewhere("302, another origin", 302),
        Played::elsewhere("303, another origin", 303),
        Played::elsewhere("307, another origin", 307),
        Played::elsewhere("308, another origin", 308),
        Played::elsewhere("307 from https to another http", 307).tls(),
        Played::redirect_with("307, another name of the host", 307, |place| {
            Target::Origin(format!("http://localhost{}", place.port()))
        }),
        Played::redirect_with("307, with a password", 307, |place| {
            Target::Origin(format!("http://user:password@{}", place.host))
        }),
        Played::redirect("307, no Location", 307, Target::Nowhere),
        Played::redirect("307, unreadable Location", 307, location("http://[")),
        Played::date("Date missing", DateHeader::Missing),
        Played::date("Date 5 hours behind", DateHeader::Off(-5 * HOUR)),
        Played::date("Date 5 hours ahead", DateHeader::Off(5 * HOUR)),
        Played::date("Date unreadable", DateHeader::Text("yesterday".to_owned())),
        Played::date("Date of 1970", DateHeader::Off(i64::MIN)),
        Played::date("Date of 9999", DateHeader::Off(i64::MAX)),
        Played::clock("server's clock 5 hours behind", -5 * HOUR),
        Played::clock("server's clock 5 hours ahead", 5 * HOUR),
    ]
}

/// Every kind of fault and of redirect that the dev server has. [`kind`] does not compile when one is added:
/// then this list and the table get it too.
pub(crate) const KINDS: [&str; 18] = [
    "latency",
    "reset",
    "hang-up",
    "truncated",
    "never-ending",
    "oversized",
    "mis-typed",
    "html",
    "status",
    "answer",
    "redirect to itself",
    "redirect that hops",
    "redirect to http",
    "redirect to https",
    "redirect to an origin",
    "redirect to a location",
    "redirect to nowhere",
    "date",
];

/// Which of [`KINDS`] it is.
pub(crate) fn kind(fault: &Fault) -> &'static str {
    match fault {
        // A hold is a latency that a test ends.
        Fault::Latency { .. } | Fault::Hold { .. } => "latency",
        Fault::Reset { .. } => "reset",
        Fault::HangUp { .. } => "hang-up",
        Fault::Truncated => "truncated",
        Fault::NeverEnding => "never-ending",
        Fault::Oversized { .. } => "oversized",
        Fault::MisTyped => "mis-typed",
        Fault::Html { .. } => "html",
        Fault::Status { .. } => "status",
        Fault::Answer { .. } => "answer",
        Fault::Redirect { to, .. } => match to {
            Target::Itself => "redirect to itself",
            Target::Hop => "redirect that hops",
            Target::Http => "redirect to http",
            Target::Https => "redirect to https",
            Target::Origin(_) => "redirect to an origin",
            Target::Location(_) => "redirect to a location",
            Target::Nowhere => "redirect to nowhere",
        },
        Fault::Date { .. } => "date",
    }
}
