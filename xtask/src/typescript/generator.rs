//! The React Native generator: it is built from the source that npm serves, with a lock file and changes of our own.

use std::fs;
use std::path::{Path, PathBuf};

use super::PACKAGE;
use super::jsi_edits;
use crate::{Workspace, bindings, succeeds};

const GENERATOR: &str = "node_modules/uniffi-bindgen-react-native";
/// Where it keeps its templates for TypeScript.
const TYPESCRIPT: &str = "crates/ubrn_bindgen/src/bindings/gen_typescript";
/// Those of its templates that are replaced, with files of the folder `generator`.
const TEMPLATES: &[&str] =
    &["EnumTemplate.ts", "InitializationTemplate.ts", "RecordTemplate.ts", "TaggedEnumTemplate.ts"];

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
    // What wakes a call does so while it holds the call's lock, which aborting the call takes: were it to wait for the
    // JavaScript thread, as what gives something back has to, the two would wait for each other.
    (
        "runtimes/napi/src/callback/mod.rs",
        &[(
            "    // Block until the JS thread sends back the return bytes.
",
            "    if ret_len == 0 && !ud.has_rust_call_status && !ud.out_return {
        return;
    }
    // Block until the JS thread sends back the return bytes.
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

/// The React Native generator, built from the source that npm serves.
pub(super) struct Generator {
    program: PathBuf,
    /// What calls a library from Node.
    pub(super) runtime: PathBuf,
}

impl Generator {
    /// Builds it, which takes minutes, unless that has been done from the same source.
    pub(super) fn built(here: &Workspace) -> Result<Self, String> {
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
        wanted.push_str(&format!("{GENERATOR_EDITS:?}{:?}", jsi_edits::GENERATOR));
        Ok(wanted)
    }

    fn unpack(package: &Path, source: &Path) -> Result<(), String> {
        let _ = fs::remove_dir_all(source);
        for part in ["Cargo.toml", "crates", "runtimes"] {
            copy_all(&package.join(GENERATOR).join(part), &source.join(part))
                .map_err(|e| format!("{part} of the React Native generator: {e}"))?;
        }
        for (file, edits) in GENERATOR_EDITS.iter().chain(jsi_edits::GENERATOR) {
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

    pub(super) fn generate(
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

    /// Writes what a phone's build needs beside the bindings: the turbo module's Kotlin, Objective-C++ and C++, and the
    /// build files. `ubrn.config.yaml` says where.
    pub(super) fn lay_out(&self, here: &Workspace) -> Result<(), String> {
        let mut generate = here.command(&self.program);
        generate.current_dir(here.root.join(PACKAGE)).args(["generate", "jsi", "turbo-module"]);
        generate.args(["--config", "ubrn.config.yaml", "--native-bindings", "market_sdk_ffi"]);
        if succeeds(&mut generate) { Ok(()) } else { Err("the turbo module was not generated".to_owned()) }
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

pub(super) fn edit(file: &Path, edits: &[&[(&str, &str)]]) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let text = edits.iter().try_fold(text, |text, edits| bindings::edited(&text, edits))?;
    write(file, &text)
}

pub(super) fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let into = to.parent().map_or(Ok(()), fs::create_dir_all);
    into.and_then(|()| fs::copy(from, to)).map_err(|e| format!("{}: {e}", from.display()))?;
    Ok(())
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
