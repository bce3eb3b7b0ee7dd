//! How large the library is that ships, beside the least that its libraries weigh by themselves.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::counts::Counts;
use crate::{Workspace, bindings, succeeds};

/// The sizes of the last commit. What is larger by more than [`MORE`] percent fails.
const COMMITTED: &str = "xtask/size.txt";
const MORE: u64 = 3;

/// What is built and measured: its name, the package, what cargo is told besides.
const BUILDS: &[(&str, &str, &[&str])] = &[
    ("bare", "market-bare", &[]),
    ("phone", "market-sdk-ffi", &["--no-default-features"]),
    ("desktop", "market-sdk-ffi", &[]),
];

const LEGEND: &str = "\
bare     uniffi, tokio, reqwest and rustls alone (tests/bare)
phone    the SDK without the keyring of Linux desktops, which phones do not get
desktop  the SDK for Linux desktops: with D-Bus and the Secret Service";

struct Size {
    name: String,
    raw: u64,
    gzip: u64,
}

/// Builds, prints, and compares with what was committed.
pub(crate) fn check(here: &Workspace, figures: &mut Vec<String>) -> Counts {
    let sizes = match measured(here) {
        Ok(sizes) => sizes,
        Err(why) => {
            println!("{why}");
            return Counts::check(false);
        }
    };
    println!("\n{:<10}{:>12}{:>12}", "bytes", "raw", "gzip");
    for Size { name, raw, gzip } in &sizes {
        println!("{name:<10}{raw:>12}{gzip:>12}");
        figures.push(format!("size of {name}: {raw} bytes, {gzip} as gzip"));
    }
    println!("\n{LEGEND}\n");
    let text: String =
        sizes.iter().map(|size| format!("{} {} {}\n", size.name, size.raw, size.gzip)).collect();
    if std::env::var_os("UPDATE_SIZE").is_some() {
        return Counts::check(std::fs::write(here.root.join(COMMITTED), text).is_ok());
    }
    let committed = std::fs::read_to_string(here.root.join(COMMITTED)).unwrap_or_default();
    let grown = grown(&read(&committed), &sizes);
    for why in &grown {
        println!("{why}");
    }
    if !grown.is_empty() {
        println!("If that is meant: UPDATE_SIZE=1 cargo xtask size, and say in the change what it is for.");
    }
    Counts::check(grown.is_empty())
}

/// What is larger than it may be, or was never committed.
fn grown(committed: &[Size], sizes: &[Size]) -> Vec<String> {
    let grown = |now: &Size| {
        let Some(before) = committed.iter().find(|before| before.name == now.name) else {
            return Some(format!("{COMMITTED} has no size for {}.", now.name));
        };
        let more = |what: &str, before: u64, now_is: u64| {
            let bound = before + before * MORE / 100;
            (now_is > bound).then(|| format!("{} is {now_is} bytes {what}, and may be {bound}.", now.name))
        };
        more("raw", before.raw, now.raw).or_else(|| more("as gzip", before.gzip, now.gzip))
    };
    sizes.iter().filter_map(grown).collect()
}

fn read(committed: &str) -> Vec<Size> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        Some(Size { name, raw: words.next()?.parse().ok()?, gzip: words.next()?.parse().ok()? })
    };
    committed.lines().filter_map(line).collect()
}

fn measured(here: &Workspace) -> Result<Vec<Size>, String> {
    let measure = |(name, package, more): &(&str, &str, &[&str])| {
        let library = build(here, package, more)?;
        let raw =
            std::fs::metadata(&library).map_err(|error| format!("{}: {error}", library.display()))?.len();
        Ok(Size { name: (*name).to_owned(), raw, gzip: gzipped(&library)? })
    };
    BUILDS.iter().map(measure).collect()
}

/// Builds a library as it ships, and says where it is.
pub(crate) fn build(here: &Workspace, package: &str, more: &[&str]) -> Result<PathBuf, String> {
    let mut build = here.cargo(&["build", "--profile", "mobile", "-p", package]);
    if !succeeds(build.args(more)) {
        return Err(format!("{package} does not build"));
    }
    let name = package.replace('-', "_");
    let file = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    Ok(bindings::target(here).join("mobile").join(file))
}

/// As small as gzip makes it, which is about what a store's download comes to.
fn gzipped(file: &Path) -> Result<u64, String> {
    let zip = Command::new("gzip").args(["--best", "--stdout"]).arg(file).stdout(Stdio::piped()).output();
    match zip {
        Ok(out) if out.status.success() => Ok(out.stdout.len() as u64),
        Ok(out) => {
            let _ = std::io::stderr().write_all(&out.stderr);
            Err("gzip failed".to_owned())
        }
        Err(error) => Err(format!("gzip did not start: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str, raw: u64, gzip: u64) -> Size {
        Size { name: name.to_owned(), raw, gzip }
    }

    #[test]
    fn a_library_may_grow_by_three_percent() {
        let committed = read("phone 1000 500\nbare 10 10\nnot a size\n");
        assert_eq!(committed.len(), 2);
        assert!(grown(&committed, &[size("phone", 1030, 515)]).is_empty());
        assert!(grown(&committed, &[size("phone", 1031, 500)])[0].contains("1031 bytes raw"));
        assert!(grown(&committed, &[size("phone", 1000, 516)])[0].contains("as gzip"));
        assert!(grown(&committed, &[size("new", 1, 1)])[0].contains("no size"));
    }
}
