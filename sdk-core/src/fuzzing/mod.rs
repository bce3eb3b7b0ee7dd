//! What is read of bytes that others wrote: one function per fuzz target, which fails by a panic. Not part of the
//! SDK: it is there for `fuzz` and for the tests alone.
//!
//! Each holds what it reads against what has to be true of any input, so that more is found than a crash.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a finding is a panic")]
#![allow(clippy::indexing_slicing, reason = "here a missing part is a finding")]

mod answers;
mod exchange;
mod records;
mod texts;

pub use answers::{cart, errors, orders, session, wishlist};
#[cfg(test)]
pub(crate) use exchange::client;
pub use exchange::exchange;
pub use records::{claims, order_record, session_record};
pub use texts::{headers, money, phone, redirect, shown};

/// How many digits stand in a row at most; signs that may group them in a phone number do not part them.
fn longest_number(text: &str) -> usize {
    let (mut longest, mut digits, mut gap) = (0, 0, 0);
    for c in text.chars() {
        if c.is_numeric() {
            (digits, gap) = (digits + 1, 0);
        } else {
            gap += 1;
            // What was masked is no sign.
            if gap > 3 || c.is_alphabetic() || c == '•' {
                digits = 0;
            }
        }
        longest = longest.max(digits);
    }
    longest
}

/// The corpora hold what was found once, and the answers of real servers: every build of the tests reads them.
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        let mut inputs = Vec::new();
        for file in std::fs::read_dir(&folder).expect("each target has a corpus") {
            let path = file.unwrap().path();
            inputs.push((path.clone(), std::fs::read(path).unwrap()));
        }
        assert!(!inputs.is_empty(), "{}", folder.display());
        inputs
    }

    fn replay(target: &str, run: impl Fn(&[u8])) {
        for (path, input) in corpus(target) {
            println!("{}", path.display());
            run(&input);
        }
    }

    macro_rules! replayed {
        ($($test:ident: $target:ident;)*) => {
            $(
                #[test]
                fn $test() {
                    replay(stringify!($target), super::$target);
                }
            )*

            #[test]
            fn every_target_is_replayed() {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
                let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
                let targets: BTreeSet<_> =
                    files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
                let replayed = [$(stringify!($target)),*, "exchange"].map(str::to_owned).into();
                assert_eq!(targets, replayed);
            }
        };
    }

    replayed! {
        p9_every_cart_of_the_corpus_is_a_value_or_a_typed_error: cart;
        p9_every_wishlist_of_the_corpus_is_a_value_or_a_typed_error: wishlist;
        p9_every_order_of_the_corpus_is_a_value_or_a_typed_error: orders;
        p9_every_answer_about_sessions_of_the_corpus_is_a_value_or_a_typed_error: session;
        p9_every_error_of_the_corpus_is_a_typed_error: errors;
        p10_every_text_of_the_corpus_is_shown_without_numbers_and_tokens: shown;
        p9_every_token_of_the_corpus_has_claims_or_none: claims;
        p8_every_stored_session_of_the_corpus_is_read_or_corrupt: session_record;
        p8_every_stored_order_of_the_corpus_is_read_or_corrupt: order_record;
        p1_every_redirect_of_the_corpus_stays_on_its_origin: redirect;
        p9_every_header_of_the_corpus_is_a_time_or_none: headers;
        p9_every_phone_number_of_the_corpus_is_in_e_164_or_refused: phone;
        p9_every_amount_of_the_corpus_is_exact_or_refused: money;
    }

    #[test]
    fn p9_every_exchange_of_the_corpus_ends_and_the_next_call_works() {
        replay("exchange", |input| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(super::exchange(input));
        });
    }

    #[test]
    fn numbers_are_counted_as_people_group_them() {
        for (text, digits) in
            [("", 0), ("+1 (312) 805-98", 9), ("12 a 345", 3), ("12•345", 3), ("1    2", 1), ("٣٤", 2)]
        {
            assert_eq!(super::longest_number(text), digits, "{text}");
        }
    }
}
