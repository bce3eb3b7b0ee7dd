//! The tests of the React Native package's generated C++, compiled for this machine and run in JavaScriptCore.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bindings::{self, edited};
use crate::counts::Counts;
use crate::typescript::{self, jsi_edits};
use crate::{Workspace, gate, setup, succeeds};

const TESTS: &str = "bindings/react-native/jsi-test";

/// The cases, against the dev server as a process.
pub(crate) fn test(here: &Workspace) -> Counts {
    run(here, false)
}

/// The same under AddressSanitizer, which watches each use of memory by C++ and each release of it by Rust, and looks
/// for what is left at the end.
pub(crate) fn test_memory(here: &Workspace) -> Counts {
    run(here, true)
}

fn run(here: &Workspace, sanitized: bool) -> Counts {
    if !setup::there(here, "the tests of JSI", NEEDED) {
        return Counts::check(false);
    }
    match built(here, sanitized)
        .and_then(|(runner, script)| Ok((runner, script, bindings::dev_server(here)?)))
    {
        Ok((runner, script, server)) => {
            let mut run = here.command(runner);
            // The slow way of reading a stack, since the engine is compiled without frame pointers. What is freed is
            // overwritten: Rust is not watched when it reads.
            run.env("ASAN_OPTIONS", "detect_leaks=1:fast_unwind_on_malloc=0:max_free_fill_size=65536");
            let known = here.root.join(TESTS).join("engine.supp");
            run.env("LSAN_OPTIONS", format!("suppressions={}:print_suppressions=0", known.display()));
            gate::tests(run.arg(script).arg(server), |_| ())
        }
        Err(why) => {
            println!("{why}");
            Counts::check(false)
        }
    }
}

/// What compiles and runs it, each with the Debian package that holds it.
const NEEDED: &[setup::Needed] = &[
    ("node", "nodejs"),
    ("npm", "npm"),
    ("g++", "g++"),
    ("pkg-config", "pkg-config"),
    ("/usr/include/webkitgtk-4.1/JavaScriptCore/JavaScript.h", "libjavascriptcoregtk-4.1-dev"),
];

/// Generates, edits, bundles and compiles: the runner, and the script that it runs.
fn built(here: &Workspace, sanitized: bool) -> Result<(PathBuf, PathBuf), String> {
    typescript::bindgen(here)?;
    typescript::install(here, TESTS)?;
    let package = here.root.join(typescript::PACKAGE);
    let (tests, modules, own) = (here.root.join(TESTS), package.join("node_modules"), package.join("cpp"));
    let (react_native, engine) = (
        modules.join("react-native/ReactCommon"),
        tests.join("node_modules/@react-native-community/javascriptcore/common"),
    );
    let (folder, sanitize) =
        if sanitized { ("jsi-memory", ["-fsanitize=address"].as_slice()) } else { ("jsi", [].as_slice()) };
    let out = bindings::built(here).join(folder);
    std::fs::create_dir_all(&out).map_err(|e| e.to_string())?;

    let given = engine.join("JSCRuntime.cpp");
    let edited_engine = out.join("engine.cpp");
    let text = std::fs::read_to_string(&given).map_err(|e| format!("{}: {e}", given.display()))?;
    std::fs::write(&edited_engine, edited(&text, jsi_edits::ENGINE)?).map_err(|e| e.to_string())?;

    let units = [
        edited_engine,
        own.join("generated/market_sdk_ffi.cpp"),
        react_native.join("jsi/jsi/jsi.cpp"),
        tests.join("runner.cpp"),
        tests.join("host.cpp"),
    ];
    let includes = [
        &tests,
        &own,
        &own.join("generated"),
        &modules.join("uniffi-bindgen-react-native/cpp/includes"),
        &engine,
        &react_native.join("jsi"),
        &react_native.join("callinvoker"),
    ];
    let flags = here.command("pkg-config").args(["--cflags", "javascriptcoregtk-4.1"]).output();
    let flags = String::from_utf8_lossy(&flags.map_err(|e| format!("pkg-config: {e}"))?.stdout).into_owned();
    let compile = |unit: &Path, object: &Path| {
        let mut compile = here.command("g++");
        compile.args(["-std=c++20", "-g1", "-O1", "-Wall", "-pthread", "-c"]).args(sanitize);
        compile.args(flags.split_whitespace());
        for folder in includes {
            compile.arg("-I").arg(folder);
        }
        compile.arg("-o").arg(object).arg(unit);
        compile
    };
    let locks = [package.join("package-lock.json"), tests.join("package-lock.json")];
    let common = [tests.clone(), own.clone(), own.join("generated")];
    let common = common.iter().flat_map(|folder| headers(folder)).chain(locks);
    let objects = compiled(&out, &units, common, compile)?;

    let (runner, library) = (out.join("runner"), bindings::built(here));
    let mut link = here.command("g++");
    link.arg("-pthread").args(sanitize).arg("-o").arg(&runner).args(objects);
    link.arg(format!("-L{}", library.display())).arg(format!("-Wl,-rpath,{}", library.display()));
    if !succeeds(link.args(["-lmarket_sdk_ffi", "-ljavascriptcoregtk-4.1"])) {
        return Err("the runner does not link".to_owned());
    }
    Ok((runner, bundled(here, &out)?))
}

/// One script of the cases, the package's own TypeScript and what it imports, once their types are right.
fn bundled(here: &Workspace, out: &Path) -> Result<PathBuf, String> {
    let (tests, script) = (here.root.join(TESTS), out.join("cases.js"));
    let mut check = here.command(here.root.join(typescript::PACKAGE).join("node_modules/.bin/tsc"));
    if !succeeds(check.arg("-p").arg(tests.join("tsconfig.json"))) {
        return Err("the types of the cases are wrong".to_owned());
    }
    let mut bundle = here.command(tests.join("node_modules/esbuild/bin/esbuild"));
    bundle.arg(tests.join("cases.ts")).args(["--bundle", "--format=iife", "--target=safari16"]);
    bundle.args([
        "--platform=neutral",
        "--main-fields=module,main",
        "--log-level=warning",
        "--sourcemap=inline",
    ]);
    bundle.arg("--define:process.env.NODE_ENV=\"production\"");
    bundle.arg(format!("--alias:react-native={}", tests.join("react-native.ts").display()));
    bundle.arg(format!("--outfile={}", script.display()));
    if succeeds(&mut bundle) { Ok(script) } else { Err("the script of the cases was not bundled".to_owned()) }
}

fn headers(folder: &Path) -> Vec<PathBuf> {
    let kind = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "h" || kind == "hpp");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let mut files: Vec<_> = files.filter(kind).collect();
    files.sort();
    files
}

/// Compiles what is not compiled yet, side by side. A change in any of `common`, headers and the locks of those that
/// others wrote, compiles all anew.
fn compiled(
    out: &Path,
    units: &[PathBuf],
    common: impl Iterator<Item = PathBuf>,
    compile: impl Fn(&Path, &Path) -> Command,
) -> Result<Vec<PathBuf>, String> {
    let read = |file: &Path| std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()));
    let mut all = DefaultHasher::new();
    for file in common {
        read(&file)?.hash(&mut all);
    }
    let (mut objects, mut running) = (Vec::new(), Vec::new());
    for unit in units {
        let object = out.join(unit.file_name().unwrap_or_default()).with_extension("o");
        let mut command = compile(unit, &object);
        let mut now = all.clone();
        read(unit)?.hash(&mut now);
        format!("{command:?}").hash(&mut now);
        let (now, stamp) = (now.finish().to_string(), object.with_extension("stamp"));
        if !object.exists() || std::fs::read_to_string(&stamp).ok().as_ref() != Some(&now) {
            let _ = std::fs::remove_file(&stamp);
            let started = command.spawn().map_err(|e| format!("g++ did not start: {e}"))?;
            running.push((started, stamp, now, unit));
        }
        objects.push(object);
    }
    for (mut compiling, stamp, now, unit) in running {
        if !compiling.wait().is_ok_and(|status| status.success()) {
            return Err(format!("{} does not compile", unit.display()));
        }
        std::fs::write(stamp, now).map_err(|e| e.to_string())?;
    }
    Ok(objects)
}
