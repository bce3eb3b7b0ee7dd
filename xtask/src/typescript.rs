//! The npm package: its generator, what is generated for it, and its tests.

mod generator;
pub(crate) mod jsi_edits;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::counts::Counts;
use crate::{Workspace, bindings, conformance, setup, succeeds};
use generator::{Generator, copy, edit, write};

pub(crate) const PACKAGE: &str = "bindings/react-native";

/// Builds the library, and writes the generated parts of the package: for phones (`jsi`) and for Node (`napi`).
/// They are not committed.
pub(crate) fn bindgen(here: &Workspace) -> Result<(), String> {
    let package = here.root.join(PACKAGE);
    node(here)?;
    install(here, PACKAGE)?;
    let tool = Generator::built(here)?;
    let library = bindings::library(here)?;
    let generated = package.join("src/generated");
    for folder in [&generated, &package.join("cpp/generated"), &package.join("native")] {
        let _ = fs::remove_dir_all(folder);
    }
    tool.generate(here, "jsi", &library, &generated, &[])?;
    // It is packed, and looked for, where the generated C++ is that includes it.
    copy(&package.join("cpp/reload.h"), &package.join("cpp/generated/reload.h"))?;
    tool.generate(here, "napi", &library, &generated, &["--lib-colocated"])?;
    for flavour in ["jsi", "napi"] {
        let folder = generated.join(flavour);
        let (api, ffi) = if flavour == "napi" { (NODE_API_EDITS, NODE_EDITS) } else { Default::default() };
        edit(&folder.join("market_sdk_ffi.ts"), &[API_EDITS, api])?;
        edit(&folder.join("market_sdk_ffi-ffi.ts"), &[FFI_EDITS, ffi])?;
    }
    tool.lay_out(here)?;
    android(here, &package)?;
    ios(here, &package)?;
    // The package has its own of these.
    for file in ["turbo.tsx", "NativeMarketSdk.ts"] {
        let _ = fs::remove_file(generated.join(file));
    }
    // It would initialise the module before its version is looked at.
    let _ = fs::remove_file(generated.join("napi/index.ts"));
    let number = bindings::core_version();
    write(&generated.join("version.ts"), &format!("export const CORE_VERSION = {number};\n"))?;
    native(&package, &library, &tool)
}

/// What is changed in the generated calls, in both flavours.
const API_EDITS: &[(&str, &str)] = &[
    // The generator's runtime, with what this package puts in the place of some of it.
    (
        "} from \"@ubjs/core\";",
        "} from \"../../runtime\";
import { type CallOptions, uniffiLiterals, uniffiOpenLiterals, uniffiThrown } from \"../../runtime\";
import { ListenerError, MarketError, StoreError } from \"../../errors\";",
    ),
    // A list of orders may be asked for without saying which.
    (
        "async list(query: OrderQuery, options?: CallOptions)",
        "async list(query: OrderQuery = {}, options?: CallOptions)",
    ),
    (
        "    list(query: OrderQuery, options?: CallOptions) /*throws*/: Promise<Array<Order>>;",
        "    list(query?: OrderQuery, options?: CallOptions) /*throws*/: Promise<Array<Order>>;",
    ),
    // The word is reserved for functions, not for methods.
    ("    delete_(key: string) /*throws*/: void;", "    delete(key: string) /*throws*/: void;"),
    ("    delete_(key: string): void /*throws*/ {", "    delete(key: string): void /*throws*/ {"),
    ("return jsCallback.delete_(", "return jsCallback.delete("),
];

const FFI_EDITS: &[(&str, &str)] = &[("'@ubjs/core'", "\"../../runtime\"")];

/// What is changed in the generated calls on Node.
const NODE_API_EDITS: &[(&str, &str)] = &[
    (
        "import { ListenerError, MarketError, StoreError } from \"../../errors\";",
        "import { ListenerError, MarketError, StoreError } from \"../../errors\";
import { readInPlace } from \"../../text\";",
    ),
    (
        "= uniffiCreateFfiConverterString(stringConverter);",
        "= readInPlace(uniffiCreateFfiConverterString(stringConverter));",
    ),
];

/// What is changed in how the library is reached on Node.
const NODE_EDITS: &[(&str, &str)] = &[
    (
        "import lib from \"@ubjs/node\";
const { UniffiNativeModule, FfiType, resolveLibPath } = lib;
",
        "import { FfiType, openLibrary } from \"../../library\";
",
    ),
    (
        "    const libPath = resolveLibPath({
      crateName: \"market_sdk_ffi\",
      callerUrl: import.meta.url,
    });
    const mod_ = UniffiNativeModule.open(libPath);
",
        "    const mod_ = openLibrary();
",
    ),
];

/// Puts what starts the library on Android, and what R8 is told of it, beside the turbo module: they are the Kotlin
/// package's.
fn android(here: &Workspace, package: &Path) -> Result<(), String> {
    let (from, to) = (here.root.join("bindings/kotlin/android"), package.join("android"));
    let provider = "dev/marketsdk/android/StartProvider.kt";
    copy(&from.join("src/main/kotlin").join(provider), &to.join("src/main/java").join(provider))?;
    for file in ["market_sdk_backup_rules.xml", "market_sdk_data_extraction_rules.xml"] {
        copy(&from.join("src/main/res/xml").join(file), &to.join("src/main/res/xml").join(file))?;
    }
    copy(&from.join("consumer-rules.pro"), &to.join("proguard-rules.pro"))?;
    edit(&to.join("build.gradle"), &[GRADLE_EDITS])
}

const GRADLE_EDITS: &[(&str, &str)] = &[
    // There is no JNA here; the class that the core checks certificates with is not in a Maven repository.
    (
        "implementation \"net.java.dev.jna:jna:5.17.0@aar\"",
        "implementation files(\"libs/rustls-platform-verifier.jar\")",
    ),
    // The library is built for this one: an app that asks for an older one is told so when it is built.
    (
        "minSdkVersion getExtOrIntegerDefault(\"minSdkVersion\")",
        "minSdkVersion Math.max(getExtOrIntegerDefault(\"minSdkVersion\"), project.properties[\"MarketSdk_minSdkVersion\"].toInteger())",
    ),
    (
        "project.properties[\"DummyLibForAndroid_kotlinVersion\"]",
        "project.properties[\"MarketSdk_kotlinVersion\"]",
    ),
    // The module is a turbo module and nothing else, whatever the app says of it.
    (
        "  return rootProject.hasProperty(\"newArchEnabled\") && rootProject.getProperty(\"newArchEnabled\") == \"true\"\n",
        "  return true\n",
    ),
    // Its former name, which is gone from newer plugins.
    ("  lintOptions {", "  lint {"),
];

/// Makes the pod whole. Apple's privacy manifest is the Swift package's; the frameworks are those that the core needs, which
/// a static library does not name itself; and the generator's headers come with the package, since React Native makes no pod
/// of what only a package depends on.
fn ios(here: &Workspace, package: &Path) -> Result<(), String> {
    let manifest = "PrivacyInfo.xcprivacy";
    let swift = here.root.join("bindings/swift/Sources/MarketSDK");
    copy(&swift.join(manifest), &package.join("ios").join(manifest))?;
    let headers = package.join(generator::GENERATOR).join("cpp/includes");
    for file in fs::read_dir(&headers).map_err(|e| format!("{}: {e}", headers.display()))? {
        let file = file.map_err(|e| e.to_string())?;
        copy(&file.path(), &package.join("cpp/generated").join(file.file_name()))?;
    }
    edit(&package.join("MarketSdk.podspec"), &[POD_EDITS])
}

const POD_EDITS: &[(&str, &str)] = &[(
    "  s.dependency    \"uniffi-bindgen-react-native\", \"0.31.0-5\"\n",
    "  s.frameworks = \"Security\", \"CoreFoundation\"
  s.resource_bundles = { \"MarketSdkPrivacy\" => [\"ios/PrivacyInfo.xcprivacy\"] }
",
)];

/// Puts what Node loads where the package looks for it.
fn native(package: &Path, library: &Path, tool: &Generator) -> Result<(), String> {
    let folder = package.join("native").join(platform());
    copy(library, &folder.join(format!("market_sdk_ffi{}", std::env::consts::DLL_SUFFIX)))?;
    copy(&tool.runtime, &folder.join("runtime.node"))
}

/// This machine, in Node's words.
pub(crate) fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        arch => arch,
    };
    let libc = if cfg!(target_env = "musl") { "-musl" } else { "" };
    format!("{os}-{arch}{libc}")
}

/// Installs what the package's lock file says, if that has not been done.
pub(crate) fn install(here: &Workspace, package: &str) -> Result<(), String> {
    let package = here.root.join(package);
    let lock = fs::read_to_string(package.join("package-lock.json")).map_err(|e| e.to_string())?;
    let installed = package.join("node_modules/.installed");
    if fs::read_to_string(&installed).is_ok_and(|done| done == lock) {
        return Ok(());
    }
    let mut npm = here.command("npm");
    npm.current_dir(&package).args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"]);
    if !succeeds(&mut npm) {
        return Err(format!("npm did not install what {} needs", package.display()));
    }
    write(&installed, &lock)
}

/// What Node the tests run on, major and minor. React Native's own tools ask for 22; they and all else here run on this.
const OLDEST_NODE: (u32, u32) = (20, 19);
/// The one that is fetched, from npm, where Debian's is older. With an npm of its own: Debian's finds the modules that it
/// is made of with Debian's Node alone.
const NODE: [&str; 2] = ["node@22.23.3", "npm@11.19.1"];

/// Makes sure that there is a Node to run on. Gives a folder to be looked in before the path, if it takes one.
fn node(here: &Workspace) -> Result<Option<PathBuf>, String> {
    let new_enough = |program: &Path| {
        let out = here.command(program).arg("--version").stderr(Stdio::null()).output();
        let said = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
        node_version(&said).is_some_and(|version| version >= OLDEST_NODE)
    };
    if !setup::there(here, "the TypeScript package", &[("node", "nodejs"), ("npm", "npm"), ("make", "make")])
    {
        return Err("there is no Node".to_owned());
    }
    if new_enough(Path::new("node")) {
        return Ok(None);
    }
    let folder = here.root.join("target/tools/node");
    let bin = folder.join("node_modules/.bin");
    if !new_enough(&bin.join("node")) || !bin.join("npm").exists() {
        fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        let mut npm = here.command("npm");
        npm.current_dir(&folder)
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix", "."])
            .args(NODE);
        if !succeeds(&mut npm) || !new_enough(&bin.join("node")) {
            let (major, minor) = OLDEST_NODE;
            return Err(format!(
                "there is no Node of version {major}.{minor} or later, and npm has none to give"
            ));
        }
    }
    Ok(Some(bin))
}

/// Major and minor of what Node says that it is.
fn node_version(said: &str) -> Option<(u32, u32)> {
    let mut parts = said.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// A command of the package's, on that Node.
fn npm(here: &Workspace, node: Option<&PathBuf>, arguments: &[&str]) -> Command {
    let mut npm = here.command("npm");
    npm.current_dir(here.root.join(PACKAGE)).args(arguments);
    if let Some(node) = node {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(node.clone()).chain(std::env::split_paths(&path));
        npm.env("PATH", std::env::join_paths(path).unwrap_or_default());
    }
    npm
}

/// The checks and tests of the package: types, lint, and tests against the dev server as a process, on Node and of
/// screens.
pub(crate) fn test(here: &Workspace) -> Counts {
    run(here, &["check", "lint"], &[])
}

/// Builds what an app on Node loads, with `native` as its library, and says which Node that is.
pub(crate) fn built_for_node(here: &Workspace, native: &Path) -> Result<PathBuf, String> {
    let node = node(here)?;
    bindgen(here)?;
    if !succeeds(&mut npm(here, node.as_ref(), &["run", "--silent", "build"])) {
        return Err("the npm package does not build".to_owned());
    }
    let library = format!("market_sdk_ffi{}", std::env::consts::DLL_SUFFIX);
    copy(native, &here.root.join(PACKAGE).join("native").join(platform()).join(library))?;
    Ok(node.map_or_else(|| PathBuf::from("node"), |folder| folder.join("node")))
}

/// The conformance tests alone.
pub(crate) fn conformance(here: &Workspace) -> Counts {
    run(here, &[], &["--selectProjects", "node", "--testPathPattern", "tests/conformance/"])
}

/// What became of each conformance test in the last run.
pub(crate) fn results(folder: &conformance::Folder) -> Result<conformance::Results, String> {
    conformance::junit(&folder.report(REPORT), |class| class.contains("tests/conformance/"))
}

const REPORT: &str = "report.xml";

fn run(here: &Workspace, checks: &[&str], only: &[&str]) -> Counts {
    let ready = || {
        let node = node(here)?;
        bindgen(here)?;
        Ok((node, bindings::dev_server(here)?, conformance::begin(here, "node")?))
    };
    let (node, server, folder) = match ready() {
        Ok(ready) => ready,
        Err::<_, String>(why) => {
            println!("{why}");
            return Counts::check(false);
        }
    };
    let mut sum = Counts::default();
    for check in checks {
        sum += Counts::check(succeeds(&mut npm(here, node.as_ref(), &["run", "--silent", check])));
    }
    let mut jest = npm(here, node.as_ref(), &["run", "--silent", "test", "--"]);
    jest.args(only).env("MARKET_DEV_SERVER", server).env(conformance::VARIABLE, folder.logs());
    jest.env("JEST_JUNIT_OUTPUT_FILE", folder.report(REPORT));
    let ok = succeeds(&mut jest);
    let tests = conformance::junit(&folder.report(REPORT), |_| true).map(|results| counted(&results));
    let tests = tests.unwrap_or_else(|why| {
        println!("{why}");
        Counts::default()
    });
    println!("{tests}");
    sum += tests;
    // What did not compile or held no test at all leaves no report.
    if sum.ok() && (!ok || tests == Counts::default()) {
        sum.failed += 1;
    }
    sum
}

fn counted(results: &conformance::Results) -> Counts {
    let count = |wanted: fn(&conformance::Outcome) -> bool| {
        u64::try_from(results.values().filter(|outcome| wanted(outcome)).count()).unwrap_or(0)
    };
    Counts {
        passed: count(|outcome| matches!(outcome, conformance::Outcome::Passed)),
        failed: count(|outcome| matches!(outcome, conformance::Outcome::Failed(_))),
        skipped: count(|outcome| matches!(outcome, conformance::Outcome::Skipped)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_compared_by_major_and_minor() {
        assert_eq!(node_version("v18.20.4\n"), Some((18, 20)));
        assert!(node_version("v20.9.0").is_some_and(|version| version < OLDEST_NODE));
        assert!(node_version("v20.19.0").is_some_and(|version| version >= OLDEST_NODE));
        assert_eq!(node_version(""), None);
    }
}
