//! The figures, for a terminal and in `docs/performance.md`.

use super::measure::{Figure, Goal, Outcome};
use super::stats::Middle;
use super::{Measured, Sides};
use crate::Workspace;

const DOCUMENT: &str = "docs/performance.md";

struct Row([String; 5]);

impl Row {
    fn of(figure: &Figure) -> Self {
        let (sdk, by_hand, ratio, met) = match &figure.outcome {
            Err(why) => (why.lines().next().unwrap_or_default().to_owned(), String::new(), None, None),
            Ok(Outcome::Alone(value)) => {
                let met = matches!(figure.goal, Goal::Below(goal) if *value < goal);
                (number(*value, figure.unit), String::new(), None, Some(met))
            }
            Ok(Outcome::Compared(compared)) => {
                let ratio = compared.ratio();
                let side = |values: &[f64]| Middle::of(values);
                let (sdk, by_hand) = (side(&compared.sdk), side(&compared.by_hand));
                let met = match figure.goal {
                    Goal::None => None,
                    Goal::Ratio(goal) => ratio.map(|ratio| hundredths(ratio.median) <= hundredths(goal)),
                    Goal::Below(goal) => sdk.map(|sdk| sdk.median < goal),
                };
                let ratio = ratio.filter(|_| !matches!(figure.goal, Goal::Below(_)));
                let shown =
                    |side: Option<Middle>| side.map_or(String::new(), |side| spread(side, figure.unit));
                (shown(sdk), shown(by_hand), ratio, met)
            }
        };
        let goal = match figure.goal {
            Goal::None => String::new(),
            Goal::Ratio(goal) => format!("≤ {goal:.2}"),
            Goal::Below(goal) => format!("< {}", number(goal, figure.unit)),
        };
        let goal = match (figure.goal, met) {
            (Goal::None, _) => goal,
            (_, Some(true)) => format!("{goal} met"),
            (_, Some(false)) => format!("{goal} **missed**"),
            (_, None) => format!("{goal} not measured"),
        };
        let ratio = ratio.map_or(String::new(), |ratio| {
            format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.low, ratio.high)
        });
        Self([figure.what.clone(), sdk, by_hand, ratio, goal])
    }
}

fn hundredths(ratio: f64) -> i64 {
    (ratio * 100.0).round() as i64
}

fn spread(middle: Middle, unit: &str) -> String {
    if middle.low == middle.high {
        return number(middle.median, unit);
    }
    let plain = |value| number(value, "");
    format!("{} ({} to {})", number(middle.median, unit), plain(middle.low), plain(middle.high))
}

/// Three digits at least, and thousands apart.
fn number(value: f64, unit: &str) -> String {
    let decimals = match value.abs() {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), String::new()), |(whole, part)| (whole, format!(".{part}")));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    let space = if unit.is_empty() { "" } else { " " };
    format!("{sign}{}{rest}{space}{unit}", groups.join(","))
}

pub(super) fn plain(figures: &[Figure]) -> String {
    let line = |figure: &Figure| {
        let Row([what, sdk, by_hand, ratio, goal]) = Row::of(figure);
        format!("{what:<42} {sdk:<26} {by_hand:<26} {ratio:<22} {goal}")
    };
    figures.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn table(stamp: &str, (sides, figures): &(Sides, Vec<Figure>)) -> String {
    let versions: String = sides.versions.iter().map(|version| format!("; {version}")).collect();
    let mut text =
        format!("{stamp}{versions}.\n\n| | SDK | by hand | ratio | goal |\n|---|---|---|---|---|\n");
    for figure in figures {
        let Row(cells) = Row::of(figure);
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// Puts a language's figures between its marks. What was measured before goes, also if nothing could be measured now.
pub(super) fn write(here: &Workspace, title: &str, stamp: &str, measured: Measured) -> Result<(), String> {
    let file = here.root.join(DOCUMENT);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{DOCUMENT}: {error}"))?;
    let figures = match &measured {
        Ok(measured) => table(stamp, measured),
        Err(why) => format!("{stamp}.\n\nNot measured: {}\n", why.lines().next().unwrap_or_default()),
    };
    let text = placed(&text, title, &figures)?;
    std::fs::write(&file, text).map_err(|error| format!("{DOCUMENT}: {error}"))
}

fn placed(text: &str, title: &str, figures: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- figures: {title} -->\n"), "<!-- end of figures -->");
    let cut = || {
        let (before, rest) = text.split_once(&begin)?;
        let (_, after) = rest.split_once(end)?;
        Some(format!("{before}{begin}{figures}{end}{after}"))
    };
    cut().ok_or_else(|| format!("{DOCUMENT} has no place for the figures of {title}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::stats::Compared;

    fn figure(goal: Goal, outcome: Outcome) -> [String; 5] {
        Row::of(&Figure { what: "a read".to_owned(), unit: "µs", goal, outcome: Ok(outcome) }).0
    }

    #[test]
    fn a_row_says_whether_its_goal_was_met_by_what_it_shows() {
        let compared = |sdk: f64| Outcome::Compared(Compared { sdk: vec![sdk], by_hand: vec![100.0] });
        assert_eq!(figure(Goal::Ratio(1.05), compared(105.4))[4], "≤ 1.05 met");
        assert_eq!(figure(Goal::Ratio(1.05), compared(105.6))[4], "≤ 1.05 **missed**");
        assert_eq!(figure(Goal::Below(1024.0), Outcome::Alone(1024.0))[4], "< 1,024 µs **missed**");
        assert_eq!(figure(Goal::None, compared(1.0))[4], "");
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(number(1_234_567.8, ""), "1,234,568");
        assert_eq!(number(27.349, "µs"), "27.3 µs");
        assert_eq!(number(-0.5, "KiB"), "-0.50 KiB");
    }

    #[test]
    fn figures_go_between_their_marks_and_nowhere_else() {
        let text = "a\n<!-- figures: Rust -->\nold\n<!-- end of figures -->\nb";
        assert_eq!(
            placed(text, "Rust", "new\n").unwrap(),
            "a\n<!-- figures: Rust -->\nnew\n<!-- end of figures -->\nb"
        );
        assert!(placed(text, "Swift", "new\n").is_err());
    }
}
