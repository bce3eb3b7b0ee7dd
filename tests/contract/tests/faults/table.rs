//! What is expected: one table, written from the API's contract and the SDK's promises.

use market_sdk::ErrorCode::{self, *};

use crate::calls::{Call, Class};

/// A row for each fault, a column for each class of call: what the caller gets, how often the request reaches
/// its route, and `!` where the server acts: once, except that idempotent writes may act again.
///
/// This is for a token that the server accepts. The calls without one do not look at the session. A caller of
/// the others who is not signed in gets `NotSignedIn`, and nothing is sent; a logout is then no more than Ok.
///
/// `401` says what becomes of the others when the server refuses the token, and so never acts. `ended`: the
/// 401 comes through the fault, and the caller gets `SessionExpired` at the first request. `hidden`: the fault
/// is there in place of the 401, and all is as with a good token; but where that is Ok, the 401 comes then.
///
/// What may be made again is, where it is worth another try (a lost answer, 502, 504, and 429 and 503 that name a
/// time): once. A client earns the next time by ten calls that succeed, so that a server in trouble is asked
/// little more. One that is overloaded and names no time is left alone.
///
/// `wait` is what `retry_after` says of `Rate` and `Serv`, in seconds; `?` is anything.
///
/// | short | code | | short | code |
/// |---|---|---|---|---|
/// | Net | Network | | Wrong | WrongCode |
/// | Time | Timeout | | Gone | NotFound |
/// | Tls | Tls | | Unsup | Unsupported |
/// | Serv | Server | | Odd | UnexpectedResponse |
/// | Rate | RateLimited | | Unk | OutcomeUnknown |
/// | Rej | Rejected | | End | SessionExpired |
/// | Input | InvalidInput | | | |
const TABLE: &str = "
fault                           |read   |write  |once   |order  |sign-in|code   |open   |logout |401   |wait

late, in time                   |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |hidden|
no answer, not acted            |Time 1 |Time 1 |Time 1 |Unk 1  |Unk 1  |Time 1 |Time 1 |Ok 1   |hidden|
no answer, acted                |Time 1 |Time 1!|Time 1!|Unk 1! |Unk 1! |Time 1!|Time 1 |Ok 1!  |hidden|

reset, not acted                |Net 2  |Net 2  |Net 1  |Unk 1  |Unk 1  |Net 1  |Net 2  |Ok 1   |hidden|
reset, acted                    |Net 2  |Net 2! |Net 1! |Unk 1! |Unk 1! |Net 1! |Net 2  |Ok 1!  |hidden|
reset, not acted, once          |Ok 2   |Ok 2!  |Net 1  |Unk 1  |Unk 1  |Net 1  |Ok 2   |Ok 1   |hidden|
reset, acted, once              |Ok 2   |Ok 2!  |Net 1! |Unk 1! |Unk 1! |Net 1! |Ok 2   |Ok 1!  |hidden|
hung up, not acted              |Net 2  |Net 2  |Net 1  |Unk 1  |Unk 1  |Net 1  |Net 2  |Ok 1   |hidden|
hung up, acted                  |Net 2  |Net 2! |Net 1! |Unk 1! |Unk 1! |Net 1! |Net 2  |Ok 1!  |hidden|

body cut                        |Net 2  |Net 2! |Net 1! |Unk 1! |Unk 1! |Net 1! |Net 2  |Ok 1!  |ended |
body cut, once                  |Ok 2   |Ok 2!  |Net 1! |Unk 1! |Unk 1! |Net 1! |Ok 2   |Ok 1!  |ended |
body without end                |Time 1 |Time 1!|Time 1!|Unk 1! |Unk 1! |Time 1!|Time 1 |Ok 1!  |ended |
body too large                  |Odd 1  |Odd 1! |Odd 1! |Unk 1! |Unk 1! |Odd 1! |Odd 1  |Ok 1!  |ended |
body large, within the limit    |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
body of wrong types             |Odd 1  |Odd 1! |Odd 1! |Unk 1! |Unk 1! |Ok 1!  |Odd 1  |Ok 1!  |ended |
HTML 200                        |Odd 1  |Odd 1  |Odd 1  |Unk 1  |Unk 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
HTML 502                        |Serv 2 |Serv 2 |Serv 1 |Unk 1  |Unk 1  |Serv 1 |Serv 2 |Ok 1   |hidden|
HTML 502, once                  |Ok 2   |Ok 2!  |Serv 1 |Unk 1  |Unk 1  |Serv 1 |Ok 2   |Ok 1   |hidden|

500, not acted                  |Serv 1 |Serv 1 |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Serv 1 |Ok 1   |hidden|
500, acted                      |Serv 1 |Serv 1!|Serv 1!|Unk 1! |Serv 1!|Serv 1!|Serv 1 |Ok 1!  |hidden|
504, acted                      |Serv 2 |Serv 2!|Serv 1!|Unk 1! |Unk 1! |Serv 1!|Serv 2 |Ok 1!  |hidden|
300, acted                      |Odd 1  |Odd 1! |Odd 1! |Unk 1! |Unk 1! |Odd 1! |Odd 1  |Ok 1!  |hidden|
503                             |Serv 1 |Serv 1 |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Serv 1 |Ok 1   |hidden|
503, in 1 s, once               |Ok 2   |Ok 2!  |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Ok 2   |Ok 1   |hidden|1
503, at a date in 1 s, once     |Ok 2   |Ok 2!  |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Ok 2   |Ok 1   |hidden|1
503, in an hour                 |Serv 1 |Serv 1 |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Serv 1 |Ok 1   |hidden|3600
503, at a date in an hour       |Serv 1 |Serv 1 |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Serv 1 |Ok 1   |hidden|3600
503, at a date that is past     |Serv 2 |Serv 2 |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Serv 2 |Ok 1   |hidden|0
503, after more than all time   |Serv 1 |Serv 1 |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Serv 1 |Ok 1   |hidden|?
503, soon                       |Serv 1 |Serv 1 |Serv 1 |Unk 1  |Serv 1 |Serv 1 |Serv 1 |Ok 1   |hidden|
429                             |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Ok 1   |hidden|
429, in 1 s, once               |Ok 2   |Ok 2!  |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Ok 2   |Ok 1   |hidden|1
429, in an hour                 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Ok 1   |hidden|3600
429, at a date in an hour       |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Ok 1   |hidden|3600

422, too many                   |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Rate 1 |Ok 1   |hidden|900
422, a list                     |Input 1|Input 1|Input 1|Input 1|Input 1|Input 1|Input 1|Ok 1   |hidden|
400                             |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Wrong 1|Rej 1  |Rej 1  |Ok 1   |hidden|
401                             |End 1  |End 1  |End 1  |End 1  |Rej 1  |Rej 1  |Rej 1  |Ok 1   |ended |
403                             |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Ok 1   |hidden|
404, of a thing                 |Gone 1 |Gone 1 |Gone 1 |Gone 1 |Gone 1 |Gone 1 |Gone 1 |Ok 1   |hidden|
404, of a route                 |Unsup 1|Unsup 1|Unsup 1|Unsup 1|Unsup 1|Unsup 1|Unsup 1|Ok 1   |hidden|
409                             |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Rej 1  |Ok 1   |hidden|

301, own origin                 |Ok 2   |Odd 1  |Odd 1  |Unk 1  |Unk 1  |Odd 1  |Ok 2   |Ok 1   |hidden|
302, own origin                 |Ok 2   |Odd 1  |Odd 1  |Unk 1  |Unk 1  |Odd 1  |Ok 2   |Ok 1   |hidden|
303, own origin                 |Ok 2   |Odd 1  |Odd 1  |Unk 1  |Unk 1  |Odd 1  |Ok 2   |Ok 1   |hidden|
307, own origin                 |Ok 2   |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2   |Ok 2!  |hidden|
308, own origin                 |Ok 2   |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2   |Ok 2!  |hidden|
307, itself                     |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
307, five times                 |Ok 6   |Ok 6!  |Ok 6!  |Ok 6!  |Ok 6!  |Ok 6!  |Ok 6   |Ok 6!  |hidden|
307, six times                  |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Ok 6   |hidden|
307, for ever                   |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Odd 6  |Ok 6   |hidden|
307 from https to http, once    |Ok 2   |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2!  |Ok 2   |Ok 2!  |hidden|
307 from https to http, itself  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
301 to https, where nothing is  |Tls 1  |Tls 1  |Tls 1  |Tls 1  |Tls 1  |Tls 1  |Tls 1  |Ok 1   |hidden|
301, another origin             |Odd 1  |Odd 1  |Odd 1  |Unk 1  |Unk 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
302, another origin             |Odd 1  |Odd 1  |Odd 1  |Unk 1  |Unk 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
303, another origin             |Odd 1  |Odd 1  |Odd 1  |Unk 1  |Unk 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
307, another origin             |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
308, another origin             |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
307 from https to another http  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
307, another name of the host   |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
307, with a password            |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
307, no Location                |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|
307, unreadable Location        |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Odd 1  |Ok 1   |hidden|

Date missing                    |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
Date 5 hours behind             |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
Date 5 hours ahead              |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
Date unreadable                 |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
Date of 1970                    |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
Date of 9999                    |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
server's clock 5 hours behind   |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
server's clock 5 hours ahead    |Ok 1   |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1!  |Ok 1   |Ok 1!  |ended |
";

/// Single calls that are unlike the rest of their class, and why.
const EXCEPTIONS: &str = "
fault                           |call           |gets   |why
body of wrong types             |raw GET        |Ok 1   |it hands on what there is, whatever the types
body of wrong types             |raw POST       |Ok 1!  |the same
404, of a thing                 |cart clear     |Ok 1   |there is no cart yet: it is empty already
404, of a thing                 |wishlist clear |Ok 1   |there is no wishlist yet: it is empty already
";

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// None is Ok.
    pub(crate) code: Option<ErrorCode>,
    pub(crate) requests: usize,
    pub(crate) acted: bool,
}

/// What `retry_after` is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Nothing,
    Seconds(u64),
    Anything,
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    outcomes: [Outcome; 8],
    /// Whether a 401 comes through.
    pub(crate) ended: bool,
    pub(crate) wait: Wait,
    exceptions: Vec<(&'static str, Outcome)>,
}

impl Row {
    /// What a call comes to whose token the server accepts.
    pub(crate) fn outcome(&self, call: &Call) -> Outcome {
        let exception = self.exceptions.iter().find(|(name, _)| *name == call.name);
        let column = Class::ALL.iter().position(|class| *class == call.class).unwrap();
        exception.map_or(self.outcomes[column], |(_, outcome)| *outcome)
    }
}

/// The table, read.
pub(crate) fn rows() -> Vec<Row> {
    let exceptions: Vec<[&str; 4]> = lines(EXCEPTIONS).collect();
    lines(TABLE)
        .map(|[fault, outcomes @ .., refused, wait]: [&str; 11]| Row {
            fault,
            outcomes: outcomes.map(outcome),
            ended: match refused {
                "ended" => true,
                "hidden" => false,
                other => panic!("{fault}: 401 is {other:?}"),
            },
            wait: match wait {
                "" => Wait::Nothing,
                "?" => Wait::Anything,
                seconds => Wait::Seconds(seconds.parse().unwrap()),
            },
            exceptions: exceptions
                .iter()
                .filter(|[of, ..]| *of == fault)
                .map(|[_, call, gets, _]| (*call, outcome(gets)))
                .collect(),
        })
        .collect()
}

/// The names in the exceptions, fault and call.
pub(crate) fn excepted() -> Vec<(&'static str, &'static str)> {
    lines(EXCEPTIONS).map(|[fault, call, ..]: [&str; 4]| (fault, call)).collect()
}

/// The lines below the head, in their columns.
fn lines<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().filter(|line| !line.is_empty()).skip(1).map(|line| {
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        columns.try_into().unwrap_or_else(|_| panic!("not {N} columns: {line}"))
    })
}

fn outcome(text: &str) -> Outcome {
    let (short, requests) = text.split_once(' ').unwrap();
    let code = match short {
        "Ok" => None,
        "Net" => Some(Network),
        "Time" => Some(Timeout),
        "Tls" => Some(Tls),
        "Serv" => Some(Server),
        "Rate" => Some(RateLimited),
        "Rej" => Some(Rejected),
        "Input" => Some(InvalidInput),
        "Wrong" => Some(WrongCode),
        "Gone" => Some(NotFound),
        "Unsup" => Some(Unsupported),
        "Odd" => Some(UnexpectedResponse),
        "Unk" => Some(OutcomeUnknown),
        "End" => Some(SessionExpired),
        other => panic!("no such code: {other}"),
    };
    let acted = requests.ends_with('!');
    Outcome { code, requests: requests.trim_end_matches('!').parse().unwrap(), acted }
}
