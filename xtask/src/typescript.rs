//! The npm package: its generator, what is generated for it, and its tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Workspace, bindings, succeeds};

pub(crate) const PACKAGE: &str = "bindings/react-native";
const GENERATOR: &str = "node_modules/uniffi-bindgen-react-native";
/// Where the generator keeps its templates for TypeScript.
const TYPESCRIPT: &str = "crates/ubrn_bindgen/src/bindings/gen_typescript";
/// Those of its templates that are replaced, with files of the folder `generator`.
const TEMPLATES: &[&str] =
    &["EnumTemplate.ts", "InitializationTemplate.ts", "RecordTemplate.ts", "TaggedEnumTemplate.ts"];

/// Builds the library, and writes the generated parts of the package: for phones (`jsi`) and for Node (`napi`).
/// They are not committed.
pub(crate) fn bindgen(here: &Workspace) -> Result<(), String> {
    let package = here.root.join(PACKAGE);
    install(here, PACKAGE)?;
    let tool = Generator::built(here)?;
    let library = bindings::library(here)?;
    let generated = package.join("src/generated");
    for folder in [&generated, &package.join("cpp/generated"), &package.join("native")] {
        let _ = fs::remove_dir_all(folder);
    }
    tool.generate(here, "jsi", &library, &generated, &[])?;
    tool.generate(here, "napi", &library, &generated, &["--lib-colocated"])?;
    for flavour in ["jsi", "napi"] {
        let folder = generated.join(flavour);
        edit(&folder.join("market_sdk_ffi.ts"), &[API_EDITS])?;
        let ffi = if flavour == "napi" { NODE_EDITS } else { &[] };
        edit(&folder.join("market_sdk_ffi-ffi.ts"), &[FFI_EDITS, ffi])?;
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

/// What is changed in the generator itself.
const GENERATOR_EDITS: &[(&str, &[(&str, &str)])] = &[
    // Only what is used is built, and only that is in the lock file.
    (
        "Cargo.toml",
        &[(
            "members = [
    \"crates/*\",
    \"examples/*\",
    \"fixtures/*\",
    \"runtimes/*\",
    \"runtimes/napi/fixtures/*\",
    \"runtimes/wasm/helper-crate\",
    \"xtask\",
]
exclude = [\"runtimes/wasm\"]
",
            "members = [\"crates/ubrn_cli\", \"runtimes/napi\"]
",
        )],
    ),
    // Ids are numbers: the package's own converter refuses those that a number cannot hold.
    (
        "crates/ubrn_bindgen/src/bindings/gen_typescript/api_module/type_helpers.rs",
        &[("general::Type::Int64 => \"bigint\".into()", "general::Type::Int64 => \"number\".into()")],
    ),
    // Options may be given without a signal.
    (
        "crates/ubrn_bindgen/src/bindings/gen_typescript/templates/CallBodyMacros.ts",
        &[
            (
                "        {%- if let Some(dv) = arg.default_value %} = {{ dv }}{% endif %}
        {%- if !loop.last %}, {% endif -%}
    {%- endfor %}
    {%- if callable.is_ffi_async() %}
    {%-   if !callable.arguments.is_empty() %}, {% endif -%}
    asyncOpts_?: { signal: AbortSignal }",
                "        {%- if let Some(dv) = arg.default_value %} = {{ dv }}{% endif %}
        {%- if !loop.last %}, {% endif -%}
    {%- endfor %}
    {%- if callable.is_ffi_async() %}
    {%-   if !callable.arguments.is_empty() %}, {% endif -%}
    options?: CallOptions",
            ),
            (
                "        {{ arg.name }}: {{ arg.ts_type -}}
        {%- if !loop.last %}, {% endif -%}
    {%- endfor %}
    {%- if callable.is_ffi_async() %}
    {%-   if !callable.arguments.is_empty() %}, {% endif -%}
    asyncOpts_?: { signal: AbortSignal }",
                "        {{ arg.name }}: {{ arg.ts_type -}}
        {%- if !loop.last %}, {% endif -%}
    {%- endfor %}
    {%- if callable.is_ffi_async() %}
    {%-   if !callable.arguments.is_empty() %}, {% endif -%}
    options?: CallOptions",
            ),
            ("/*asyncOpts:*/ asyncOpts_,", "/*asyncOpts:*/ options,"),
            // Where a call was made is noted by what makes it, without losing the error's own words.
            ("{%- if module.supports_rust_backtrace %}", "{%- if true %}"),
        ],
    ),
];

fn edit(file: &Path, edits: &[&[(&str, &str)]]) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let text = edits.iter().try_fold(text, |text, edits| bindings::edited(&text, edits))?;
    write(file, &text)
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let into = to.parent().map_or(Ok(()), fs::create_dir_all);
    into.and_then(|()| fs::copy(from, to)).map_err(|e| format!("{}: {e}", from.display()))?;
    Ok(())
}

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

/// The React Native generator, built from the source that npm serves.
struct Generator {
    program: PathBuf,
    /// What calls a library from Node.
    runtime: PathBuf,
}

impl Generator {
    /// Builds it, which takes minutes, unless that has been done from the same source.
    fn built(here: &Workspace) -> Result<Self, String> {
        let package = here.root.join(PACKAGE);
        let folder = here.root.join("target/tools/react-native");
        let source = folder.join("source");
        let built = folder.join("target");
        let suffix = std::env::consts::EXE_SUFFIX;
        let tool = Self {
            program: built.join(format!("debug/uniffi-bindgen-react-native{suffix}")),
            runtime: built.join(format!(
                "release/{}uniffi_runtime_napi{}",
                std::env::consts::DLL_PREFIX,
                std::env::consts::DLL_SUFFIX
            )),
        };
        let wanted = Self::wanted(&package)?;
        let done = folder.join("built");
        if fs::read_to_string(&done).is_ok_and(|done| done == wanted) && tool.program.exists() {
            return Ok(tool);
        }
        Self::unpack(&package, &source)?;
        for arguments in [
            ["build", "--locked", "-p", "uniffi-bindgen-react-native"].as_slice(),
            &["build", "--locked", "--release", "-p", "uniffi-runtime-napi"],
        ] {
            let mut cargo = here.cargo(arguments);
            // Its warnings are its own.
            cargo.current_dir(&source).env("CARGO_TARGET_DIR", &built).env("RUSTFLAGS", "-Awarnings");
            if !succeeds(&mut cargo) {
                return Err("the React Native generator does not build".to_owned());
            }
        }
        write(&done, &wanted)?;
        Ok(tool)
    }

    /// All that it is built from, in one text.
    fn wanted(package: &Path) -> Result<String, String> {
        let read = |file: PathBuf| fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()));
        let mut wanted = read(package.join(GENERATOR).join("package.json"))?;
        wanted.push_str(&read(package.join("generator/Cargo.lock"))?);
        for template in TEMPLATES {
            wanted.push_str(&read(package.join("generator").join(template))?);
        }
        wanted.push_str(&format!("{GENERATOR_EDITS:?}"));
        Ok(wanted)
    }

    fn unpack(package: &Path, source: &Path) -> Result<(), String> {
        let _ = fs::remove_dir_all(source);
        for part in ["Cargo.toml", "crates", "runtimes"] {
            copy_all(&package.join(GENERATOR).join(part), &source.join(part))
                .map_err(|e| format!("{part} of the React Native generator: {e}"))?;
        }
        for (file, edits) in GENERATOR_EDITS {
            edit(&source.join(file), &[edits])?;
        }
        let own = package.join("generator");
        for template in TEMPLATES {
            let replaced = source.join(TYPESCRIPT).join("templates").join(template);
            if !replaced.exists() {
                return Err(format!("the React Native generator has no {template}"));
            }
            copy(&own.join(template), &replaced)?;
        }
        copy(&own.join("Cargo.lock"), &source.join("Cargo.lock"))
    }

    fn generate(
        &self,
        here: &Workspace,
        flavour: &str,
        library: &Path,
        out: &Path,
        more: &[&str],
    ) -> Result<(), String> {
        let crate_folder = Self::configuration(here)?;
        let mut generate = here.command(&self.program);
        generate.current_dir(&crate_folder).args([
            "generate",
            flavour,
            "bindings",
            "--library",
            "--no-format",
        ]);
        generate.arg("--ts-dir").arg(out.join(flavour)).args(more);
        if flavour == "jsi" {
            generate.arg("--cpp-dir").arg(here.root.join(PACKAGE).join("cpp/generated"));
        }
        if succeeds(generate.arg(library)) {
            Ok(())
        } else {
            Err("the React Native generator failed".to_owned())
        }
    }

    /// It reads `uniffi.toml` beside the manifest of the crate that the library was built from, and nowhere else; the
    /// project has one such file, at the top. So it is shown a crate of that name that has it.
    fn configuration(here: &Workspace) -> Result<PathBuf, String> {
        let folder = here.root.join("target/tools/react-native/market-sdk-ffi");
        copy(&here.root.join("uniffi.toml"), &folder.join("uniffi.toml"))?;
        write(&folder.join("lib.rs"), "")?;
        let manifest = "[package]\nname = \"market-sdk-ffi\"\n\n[lib]\npath = \"lib.rs\"\n\n[workspace]\n";
        write(&folder.join("Cargo.toml"), manifest)?;
        Ok(folder)
    }
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
