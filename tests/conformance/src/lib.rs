//! What every language of the SDK has to show: `cases.toml` lists the cases, and `tests/` is the Rust column.
//! How a case is made and how a language plugs in is in the folder's README.
