//! The market SDK.
#![forbid(unsafe_code)]
pub mod store;
