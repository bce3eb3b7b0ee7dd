//! The table of cases and languages: each test passed, and the dev server's own log of it shows what it has to.

mod list;
mod log;
mod reports;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(crate) use reports::junit;
pub(crate) use reports::{Outcome, Results};

use crate::counts::Counts;
use crate::{Workspace, gate, kotlin, swift, typescript};
use list::Case;

/// Tells the tests where their dev servers write their logs: `<id>.json` in this folder.
pub(crate) const VARIABLE: &str = "MARKET_CONFORMANCE";

/// What the list may speak of.
pub(crate) const LANGUAGES: &[&str] = &["rust", "kotlin", "swift", "node"];

/// The languages that are in the table.
pub(crate) const COLUMNS: &[Column] = &[
    Column { name: "rust", run: rust, results: rust_results },
    Column { name: "kotlin", run: kotlin::conformance, results: kotlin::conformance_results },
    Column { name: "swift", run: swift::conformance, results: swift::results },
    Column { name: "node", run: typescript::conformance, results: |_, folder| typescript::results(folder) },
];

/// A language.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Runs the conformance tests, with [`VARIABLE`] set to [`Folder::logs`].
    pub(crate) run: fn(&Workspace) -> Counts,
    /// What became of each test, as the last run says, be it of this column or of the language's step of the gate.
    pub(crate) results: fn(&Workspace, &Folder) -> Result<Results, String>,
}

/// What a run of a column leaves behind: `target/conformance/<language>`.
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn of(here: &Workspace, language: &str) -> Self {
        Self(here.root.join("target/conformance").join(language))
    }

    /// Where the logs go.
    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// A file or folder for the language's own reports.
    pub(crate) fn report(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Written when the run began. What is older is another run's.
    fn began(&self) -> Result<SystemTime, String> {
        modified(&self.0.join("began")).map_err(|_| "it was not run".to_owned())
    }
}

/// Empties the folder of a language whose conformance tests are about to run.
pub(crate) fn begin(here: &Workspace, language: &str) -> Result<Folder, String> {
    let folder = Folder::of(here, language);
    let _ = std::fs::remove_dir_all(&folder.0);
    let made =
        std::fs::create_dir_all(folder.logs()).and_then(|()| std::fs::write(folder.0.join("began"), ""));
    made.map_err(|error| format!("{}: {error}", folder.0.display()))?;
    Ok(folder)
}

/// `cargo xtask conformance [LANGUAGE ...]`: runs the columns, all if none is named, and judges them.
/// An error is a column that does not exist.
pub(crate) fn run(here: &Workspace, names: &[&str]) -> Result<bool, String> {
    Ok(run_and_judge(here, &chosen(names)?))
}

fn run_and_judge(here: &Workspace, columns: &[&Column]) -> bool {
    for column in columns {
        println!("\n== conformance: {}", column.name);
        // A run that does not get as far as its tests would leave the table of the run before: all green.
        let _ = std::fs::remove_dir_all(Folder::of(here, column.name).0);
        // A test that fails is a red cell: the table says it.
        (column.run)(here);
    }
    judge(here, columns)
}

/// The step of the gate: judges what the languages' steps have left.
pub(crate) fn step(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    let columns: Vec<_> = COLUMNS.iter().collect();
    let ok = judge(here, &columns);
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    figures.push(format!("conformance of {}: {}", names.join(", "), if ok { "all green" } else { "RED" }));
    Counts::check(ok)
}

fn chosen(names: &[&str]) -> Result<Vec<&'static Column>, String> {
    if names.is_empty() {
        return Ok(COLUMNS.iter().collect());
    }
    let find = |name: &&str| {
        let column = COLUMNS.iter().find(|column| column.name == *name);
        column.ok_or_else(|| format!("there is no conformance column {name:?}"))
    };
    names.iter().map(find).collect()
}

fn judge(here: &Workspace, columns: &[&Column]) -> bool {
    let cases = match list::read(&here.root, LANGUAGES) {
        Ok(cases) => cases,
        Err(why) => {
            println!("{why}");
            return false;
        }
    };
    let mut table = Vec::new();
    for column in columns {
        let folder = Folder::of(here, column.name);
        let results = folder.began().and_then(|began| Ok((began, (column.results)(here, &folder)?)));
        table.push(cells(column.name, &cases, &folder.logs(), results));
    }
    print(&cases, &table)
}

/// One language's cells by id, with what is wrong; and what is wrong beside the cells.
struct Judged {
    name: &'static str,
    cells: BTreeMap<String, Cell>,
    beside: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Cell {
    Green,
    Red(String),
    /// It has nothing to show there, and the list says why; or not yet.
    None,
}

fn cells(
    name: &'static str,
    cases: &[Case],
    logs: &Path,
    results: Result<(SystemTime, Results), String>,
) -> Judged {
    let mut beside = Vec::new();
    let (began, results) = results.unwrap_or_else(|why| {
        beside.push(why);
        (SystemTime::UNIX_EPOCH, Results::new())
    });
    let cell = |case: &Case| match (case.not_in.contains_key(name), results.get(&case.id)) {
        (true, None) => Cell::None,
        (true, Some(_)) => Cell::Red("the list says that it is not in this language".to_owned()),
        (false, None) => Cell::Red("there is no such test".to_owned()),
        (false, Some(Outcome::Failed(why))) => Cell::Red(format!("the test failed: {why}")),
        (false, Some(Outcome::Skipped)) => Cell::Red("the test was skipped".to_owned()),
        (false, Some(Outcome::Passed)) => match judge_log(case, logs, began) {
            Ok(()) => Cell::Green,
            Err(why) => Cell::Red(why),
        },
    };
    let cells = cases.iter().map(|case| (case.id.clone(), cell(case))).collect::<BTreeMap<_, _>>();
    let unknown = results.keys().filter(|id| !cells.contains_key(*id));
    beside.extend(unknown.map(|id| format!("the list has no case {id}")));
    Judged { name, cells, beside }
}

fn judge_log(case: &Case, logs: &Path, began: SystemTime) -> Result<(), String> {
    let file = logs.join(format!("{}.json", case.id));
    let text = std::fs::read_to_string(&file).map_err(|_| "the server left no log".to_owned())?;
    if modified(&file).map_err(|error| error.to_string())? < began {
        return Err("the log is of an earlier run".to_owned());
    }
    log::check(&text, &case.dialect, &case.requests)
}

fn modified(file: &Path) -> std::io::Result<SystemTime> {
    std::fs::metadata(file)?.modified()
}

/// Prints the table, and says whether all is green.
fn print(cases: &[Case], table: &[Judged]) -> bool {
    let width = cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
    let row = |id: &str, cells: &[&str]| {
        let cells: Vec<_> = cells.iter().map(|cell| format!("{cell:<8}")).collect();
        println!("{}", format!("{id:<width$}  {}", cells.join("")).trim_end());
    };
    println!();
    row("case", &table.iter().map(|judged| judged.name).collect::<Vec<_>>());
    for case in cases {
        let cells = table.iter().map(|judged| match judged.cells.get(&case.id) {
            Some(Cell::Green) => "ok",
            Some(Cell::None) => "-",
            Some(Cell::Red(_)) | None => "RED",
        });
        row(&case.id, &cells.collect::<Vec<_>>());
    }
    println!();
    let mut ok = true;
    for judged in table {
        let count = |wanted: fn(&Cell) -> bool| judged.cells.values().filter(|cell| wanted(cell)).count();
        let green = count(|cell| *cell == Cell::Green);
        let none = count(|cell| *cell == Cell::None);
        println!("{}: {green} of {} green", judged.name, judged.cells.len() - none);
        for (id, cell) in &judged.cells {
            if let Cell::Red(why) = cell {
                println!("  RED {id}: {why}");
                ok = false;
            }
        }
        for why in &judged.beside {
            println!("  RED {why}");
            ok = false;
        }
    }
    for case in cases {
        for (language, why) in &case.not_in {
            println!("  -   {} in {language}: {why}", case.id);
        }
    }
    ok
}

/// The Rust column. What the test program prints is its report.
pub(crate) fn rust(here: &Workspace) -> Counts {
    let folder = match begin(here, "rust") {
        Ok(folder) => folder,
        Err(why) => {
            println!("{why}");
            return Counts::check(false);
        }
    };
    let mut command = here.cargo(&["test", "-p", "market-conformance-tests", "--test", "conformance"]);
    let mut lines = String::new();
    let counts = gate::tests(command.env(VARIABLE, folder.logs()), |line| {
        lines.push_str(line);
        lines.push('\n');
    });
    match std::fs::write(folder.report(RUST_REPORT), lines) {
        Ok(()) => counts,
        Err(error) => {
            println!("{RUST_REPORT}: {error}");
            Counts::check(false)
        }
    }
}

const RUST_REPORT: &str = "libtest.txt";

fn rust_results(_: &Workspace, folder: &Folder) -> Result<Results, String> {
    let text =
        std::fs::read_to_string(folder.report(RUST_REPORT)).map_err(|_| "there is no report".to_owned())?;
    Ok(reports::libtest(&text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LOG: &str = r#"{"dialect":"documented","requests":[{"method":"GET","path":"/api/v1/auth/markets","query":"",
        "headers":{},"body":null,"status":200,"aborted":false,"market":null,"started_ms":1,"ended_ms":1,
        "complaints":[]}]}"#;

    fn case(id: &str) -> Case {
        let requests = log::Expected::read(list::Entry::Line("GET /auth/markets 200 -".to_owned())).unwrap();
        let (id, dialect) = (id.to_owned(), "documented".to_owned());
        Case { id, dialect, not_in: BTreeMap::new(), requests: vec![requests] }
    }

    fn judged(outcome: Option<Outcome>, write: impl FnOnce(&Path), began: SystemTime) -> Cell {
        let folder = std::env::temp_dir().join(format!("market-xtask-{:?}", std::thread::current().id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        write(&folder.join("a_case.json"));
        let results = outcome.into_iter().map(|outcome| ("a_case".to_owned(), outcome)).collect();
        let mut judged = cells("rust", &[case("a_case")], &folder, Ok((began, results)));
        std::fs::remove_dir_all(&folder).unwrap();
        judged.cells.remove("a_case").unwrap()
    }

    fn red(cell: Cell) -> String {
        match cell {
            Cell::Red(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn written(file: &Path) {
        std::fs::write(file, LOG).unwrap();
    }

    #[test]
    fn a_test_that_passed_and_left_the_right_log_is_green() {
        assert_eq!(judged(Some(Outcome::Passed), written, SystemTime::UNIX_EPOCH), Cell::Green);
    }

    #[test]
    fn an_empty_test_a_missing_one_a_failed_one_and_a_skipped_one_are_red() {
        let began = SystemTime::UNIX_EPOCH;
        assert!(red(judged(Some(Outcome::Passed), |_| {}, began)).contains("no log"));
        assert!(red(judged(None, written, began)).contains("no such test"));
        assert!(red(judged(Some(Outcome::Failed("why".to_owned())), written, began)).contains("why"));
        assert!(red(judged(Some(Outcome::Skipped), written, began)).contains("skipped"));
        let other = |file: &Path| std::fs::write(file, LOG.replace("200", "500")).unwrap();
        assert!(red(judged(Some(Outcome::Passed), other, began)).contains("must be GET /auth/markets 200 -"));
    }

    #[test]
    fn a_log_of_an_earlier_run_is_red() {
        let later = SystemTime::now() + Duration::from_secs(60);
        assert!(red(judged(Some(Outcome::Passed), written, later)).contains("earlier run"));
    }

    #[test]
    fn a_test_that_the_list_does_not_have_and_a_column_that_was_not_run_are_red() {
        let results = Results::from([("other".to_owned(), Outcome::Passed)]);
        let judged = cells("rust", &[], Path::new(""), Ok((SystemTime::UNIX_EPOCH, results)));
        assert_eq!(judged.beside, ["the list has no case other"]);
        let judged = cells("rust", &[case("a_case")], Path::new(""), Err("it was not run".to_owned()));
        assert_eq!(judged.beside, ["it was not run"]);
        assert!(!print(&[case("a_case")], &[judged]));
    }

    #[test]
    fn a_case_that_is_not_in_a_language_is_no_cell_there_and_a_test_of_it_is_red() {
        let mut case = case("a_case");
        case.not_in.insert("rust".to_owned(), "why".to_owned());
        let cases = [case];
        let of = |results: Results| {
            cells("rust", &cases, Path::new(""), Ok((SystemTime::UNIX_EPOCH, results))).cells.remove("a_case")
        };
        assert_eq!(of(Results::new()), Some(Cell::None));
        let run = Results::from([("a_case".to_owned(), Outcome::Passed)]);
        assert!(matches!(of(run), Some(Cell::Red(_))));
    }

    #[test]
    fn a_run_that_does_not_begin_is_not_judged_by_what_the_run_before_it_left() {
        let root = std::env::temp_dir().join(format!("market-xtask-run-{}", std::process::id()));
        let here = Workspace { root: root.clone(), cargo: String::new() };
        let file = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        file("sdk-core/src/error.rs", "pub enum ErrorCode {\n    Config,\n}\n");
        file(
            "tests/conformance/cases.toml",
            "[left]\nConfig = 'why'\n[[case]]\nid = 'a_case'\ngiven = 'g'\nseen = 's'\n\
             requests = ['GET /auth/markets 200 -']\n",
        );
        let results = |_: &Workspace, _: &Folder| Ok([("a_case".to_owned(), Outcome::Passed)].into());
        let runs = |here: &Workspace| {
            let folder = begin(here, "rust").unwrap();
            std::fs::write(folder.logs().join("a_case.json"), LOG).unwrap();
            Counts::check(true)
        };
        assert!(run_and_judge(&here, &[&Column { name: "rust", run: runs, results }]));
        // It does not compile, say: nothing is run, and the reports of before are still there.
        let does_not = |_: &Workspace| Counts::check(false);
        assert!(!run_and_judge(&here, &[&Column { name: "rust", run: does_not, results }]));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_column_that_there_is_not_is_an_error() {
        assert!(chosen(&["rust"]).is_ok());
        assert!(chosen(&["basic"]).is_err());
    }
}
