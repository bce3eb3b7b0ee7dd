//! The dev server as a program of this package. Cargo builds a package's own programs before its tests and
//! tells the tests where they are; of another package's programs it does neither.

fn main() -> market_dev_server::Result<()> {
    market_dev_server::run_cli()
}
