//! Colours, where somebody sees them: not in a pipe, and not where `NO_COLOR` is set (<https://no-color.org>).

use std::io::IsTerminal;

/// Whether `stream` shows colours.
pub(crate) fn on(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

pub(crate) const BOLD: &str = "1";
pub(crate) const RED: &str = "31";
pub(crate) const GREEN: &str = "32";

/// `text` in `style`, where `stream` shows colours.
pub(crate) fn painted(stream: &impl IsTerminal, style: &str, text: &str) -> String {
    if on(stream) { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
}
