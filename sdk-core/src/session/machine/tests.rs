//! A test per row of the table, and one per rule, named after the run that goes wrong without it.
//!
//! Users are `'a'` and `'b'`; a session is a user and a number.

use super::*;
use Effect::*;

#[derive(Clone, Debug, PartialEq)]
struct Short(char, u128);

impl Session for Short {
    type User = char;
    fn id(&self) -> SessionId {
        SessionId(self.1)
    }
    fn user(&self) -> char {
        self.0
    }
}

type M = Machine<Short>;
type E = Event<Short>;

const A1: Short = Short('a', 1);
const A2: Short = Short('a', 2);
const B3: Short = Short('b', 3);
const NOW: Millis = 1000;
const LOGOUT: E = Event::Logout { now: NOW, notice: true };
const CLEAR: E = Event::Logout { now: NOW, notice: false };

fn owes(items: &[Owe]) -> Owed {
    items.iter().copied().collect()
}

fn id(session: &Short) -> Owe {
    Owe::Id(session.id())
}

fn erase(erase: EraseId, items: &[Owe]) -> Effect<Short> {
    Erase { erase, owed: owes(items) }
}

fn erased(erase: EraseId, items: &[Owe], result: EraseResult) -> E {
    Event::Erased { erase, carried: owes(items), result }
}

fn written(session: &Short, over: &[Owe], result: WriteResult) -> E {
    Event::Written { id: session.id(), over: owes(over), result }
}

const FAILED: WriteResult = WriteResult::Failed(Trouble::Unavailable);
const REFUSED: EraseResult = EraseResult::Failed(Trouble::Unavailable);

/// A machine after these events.
fn after(events: impl IntoIterator<Item = E>) -> M {
    let mut machine = M::new();
    machine.apply(Event::Start);
    for event in events {
        machine.apply(event);
    }
    machine
}

fn restoring() -> M {
    after([])
}

fn locked() -> M {
    after([Event::Read(ReadResult::Locked)])
}

fn signed_out() -> M {
    after([Event::Read(ReadResult::Missing)])
}

/// `A1`, restored: generation 1.
fn signed_in() -> M {
    after([Event::Read(ReadResult::Found(A1))])
}

/// `A1`, restored and expired, erased: generation 2.
fn expired() -> M {
    let mut machine = signed_in();
    machine.apply(Event::TimeUp(1));
    machine.apply(erased(1, &[id(&A1)], EraseResult::Ok));
    machine
}

fn known() -> [M; 3] {
    [signed_out(), signed_in(), expired()]
}

fn all() -> [M; 5] {
    [restoring(), locked(), signed_out(), signed_in(), expired()]
}

/// The verify flight 9 of this machine is sent.
fn sent(mut machine: M) -> M {
    assert!(machine.apply(Event::VerifyCalled(9)).contains(&SendVerify(9)));
    machine
}

fn is_signed_in(machine: &M, session: &Short, stored: bool) -> bool {
    *machine.state() == State::SignedIn { session: session.clone(), persisted: stored }
}

// Rows

#[test]
fn start_publishes_and_reads() {
    assert_eq!(M::new().apply(Event::Start), [Publish, Read]);
}

#[test]
fn nudge_reads_while_the_state_is_unknown_unless_a_read_is_under_way() {
    assert_eq!(restoring().apply(Event::Nudge), []);
    let mut machine = locked();
    assert_eq!(machine.apply(Event::Nudge), [Read]);
    assert_eq!(machine.apply(Event::Nudge), []);
}

#[test]
fn nudge_erases_what_is_owed_unless_the_store_is_at_work() {
    for machine in &mut known() {
        assert_eq!(machine.apply(Event::Nudge), []);
    }
    let mut machine = signed_in();
    machine.apply(Event::TimeUp(1));
    assert_eq!(machine.apply(Event::Nudge), [], "its erase is under way");
    machine.apply(erased(1, &[id(&A1)], REFUSED));
    assert_eq!(machine.apply(Event::Nudge), [erase(2, &[id(&A1)])]);

    let mut machine = sent(expired());
    machine.apply(Event::VerifyOk(9, A2));
    machine.apply(Event::TimeUp(3));
    machine.apply(erased(2, &[id(&A2)], REFUSED));
    assert_eq!(machine.apply(Event::Nudge), [], "a write is under way");
}

#[test]
fn read_found_signs_in() {
    for machine in &mut [restoring(), locked()] {
        let generation = machine.generation();
        assert_eq!(machine.apply(Event::Read(ReadResult::Found(A1))), [Publish, StartTimer(generation + 1)]);
        assert!(is_signed_in(machine, &A1, true));
    }
}

#[test]
fn read_found_surely_expired_is_expired_without_a_signal() {
    for machine in &mut [restoring(), locked()] {
        let effects = machine.apply(Event::Read(ReadResult::SurelyExpired(A1)));
        assert_eq!(effects, [Publish, erase(1, &[id(&A1)])]);
        assert_eq!(*machine.state(), State::Expired { user: 'a', why: EndWhy::Expired });
    }
}

#[test]
fn read_missing_is_signed_out() {
    for machine in &mut [restoring(), locked()] {
        assert_eq!(machine.apply(Event::Read(ReadResult::Missing)), [Publish]);
        assert_eq!(*machine.state(), State::SignedOut(SignedOutWhy::NoSession));
    }
}

#[test]
fn p8_after_corrupt_or_left_behind_it_is_signed_out_and_only_what_is_of_no_use_is_owed() {
    let results =
        [(ReadResult::Corrupt, SignedOutWhy::Corrupt), (ReadResult::LeftBehind, SignedOutWhy::NoSession)];
    for (result, why) in results {
        for machine in &mut [restoring(), locked()] {
            let effects = machine.apply(Event::Read(result.clone()));
            assert_eq!(effects, [Publish, erase(1, &[Owe::Unreadable])]);
            assert_eq!(*machine.state(), State::SignedOut(why));
        }
    }
}

#[test]
fn p8_read_locked_unavailable_and_late_are_locked_each_with_its_reason() {
    let results = [
        (ReadResult::Locked, LockedWhy::Locked),
        (ReadResult::Unavailable, LockedWhy::Unavailable),
        (ReadResult::Late, LockedWhy::Hung),
    ];
    for (result, why) in results {
        for machine in &mut [restoring(), locked()] {
            assert_eq!(machine.apply(Event::Read(result.clone())), [Publish]);
            assert_eq!(*machine.state(), State::Locked(why));
        }
    }
}

#[test]
fn a_read_that_was_late_is_used_when_it_comes_and_none_is_begun_before() {
    let mut machine = after([Event::Read(ReadResult::Late)]);
    assert_eq!(machine.apply(Event::Nudge), []);
    machine.apply(Event::Read(ReadResult::Found(A1)));
    assert!(is_signed_in(&machine, &A1, true));
}

#[test]
fn a_read_means_nothing_once_the_state_is_known() {
    let results = [
        ReadResult::Found(B3),
        ReadResult::SurelyExpired(B3),
        ReadResult::Missing,
        ReadResult::Corrupt,
        ReadResult::LeftBehind,
        ReadResult::Late,
    ];
    for result in results {
        for machine in &mut known() {
            let before = machine.state().clone();
            assert_eq!(machine.apply(Event::Read(result.clone())), []);
            assert_eq!(*machine.state(), before);
        }
    }
}

#[test]
fn verify_is_sent_at_once_when_the_store_is_known_to_be_good() {
    for machine in &mut known() {
        assert_eq!(machine.apply(Event::VerifyCalled(9)), [SendVerify(9)]);
    }
}

#[test]
fn verify_waits_for_the_read_while_the_state_is_unknown() {
    let mut machine = restoring();
    assert_eq!(machine.apply(Event::VerifyCalled(9)), []);
    assert_eq!(machine.apply(Event::Read(ReadResult::Missing)), [Publish, SendVerify(9)]);
    let mut machine = locked();
    assert_eq!(machine.apply(Event::VerifyCalled(9)), [Read]);
    let end = EndFlight(9, FlightEnd::Store(Trouble::Locked));
    assert_eq!(machine.apply(Event::Read(ReadResult::Locked)), [Publish, end]);
}

#[test]
fn a_flight_that_was_taken_out_is_not_sent() {
    let mut machine = restoring();
    machine.apply(Event::VerifyCalled(9));
    machine.apply(Event::VerifyEnded(9));
    assert_eq!(machine.apply(Event::Read(ReadResult::Missing)), [Publish]);
}

#[test]
fn verify_200_while_signed_out_signs_in_and_writes() {
    let mut machine = sent(signed_out());
    let (lineage, generation) = (machine.lineage(), machine.generation());
    let effects = machine.apply(Event::VerifyOk(9, A1));
    assert_eq!(effects, [Publish, StartTimer(generation + 1), Write { session: A1, over: owes(&[]) }]);
    assert!(is_signed_in(&machine, &A1, false));
    assert_eq!(machine.lineage(), lineage + 1);
}

#[test]
fn verify_200_while_expired_keeps_the_lineage_for_the_same_user_only() {
    for (session, grown) in [(A2, 0), (B3, 1)] {
        let mut machine = sent(expired());
        let lineage = machine.lineage();
        let effects = machine.apply(Event::VerifyOk(9, session.clone()));
        assert_eq!(effects, [Publish, StartTimer(3), Write { session: session.clone(), over: owes(&[]) }]);
        assert!(is_signed_in(&machine, &session, false));
        assert_eq!(machine.lineage(), lineage + grown);
    }
}

#[test]
fn p4_verify_200_while_signed_in_ends_the_old_session_first() {
    for (session, grown) in [(A2, 0), (B3, 1)] {
        let mut machine = sent(signed_in());
        let (lineage, generation) = (machine.lineage(), machine.generation());
        let effects = machine.apply(Event::VerifyOk(9, session.clone()));
        let ended = Ended { session: A1, why: EndWhy::Replaced };
        let write = Write { session: session.clone(), over: owes(&[id(&A1)]) };
        assert_eq!(effects, [ended, Publish, StartTimer(machine.generation()), write]);
        assert!(machine.generation() > generation);
        assert_eq!(machine.lineage(), lineage + grown);
    }
}

#[test]
fn any_other_end_of_verify_changes_nothing_but_that_the_next_may_fly() {
    for machine in known() {
        let mut machine = sent(machine);
        let before = machine.state().clone();
        assert_eq!(machine.apply(Event::VerifyEnded(9)), []);
        assert_eq!(*machine.state(), before);
        assert_eq!(machine.apply(Event::VerifyOk(9, A2)), [], "it has ended");
        assert_eq!(machine.apply(Event::VerifyCalled(10)), [SendVerify(10)]);
    }
}

#[test]
fn write_ok_marks_the_session_it_wrote_as_persisted_and_pays_what_it_went_over() {
    let mut machine = sent(signed_in());
    machine.apply(Event::VerifyOk(9, A2));
    assert_eq!(machine.apply(written(&A2, &[id(&A1)], WriteResult::Ok)), [Landed(9), Publish]);
    assert!(is_signed_in(&machine, &A2, true));
    assert_eq!(machine.apply(Event::Nudge), [], "nothing is owed");
}

#[test]
fn write_newer_pays_and_leaves_the_session_unpersisted() {
    let mut machine = sent(signed_in());
    machine.apply(Event::VerifyOk(9, A2));
    assert_eq!(machine.apply(written(&A2, &[id(&A1)], WriteResult::Newer)), [Landed(9)]);
    assert!(is_signed_in(&machine, &A2, false));
    assert_eq!(machine.apply(Event::Nudge), []);
}

#[test]
fn write_failed_leaves_the_session_unpersisted() {
    let mut machine = sent(signed_out());
    machine.apply(Event::VerifyOk(9, A1));
    assert_eq!(machine.apply(written(&A1, &[], FAILED)), [Landed(9)]);
    assert!(is_signed_in(&machine, &A1, false));
}

#[test]
fn write_late_ends_the_flight_and_its_true_result_counts_when_it_comes() {
    let mut machine = sent(signed_out());
    machine.apply(Event::VerifyOk(9, A1));
    assert_eq!(machine.apply(written(&A1, &[], WriteResult::Late)), [Landed(9)]);
    assert_eq!(machine.apply(written(&A1, &[], WriteResult::Ok)), [Publish]);
    assert!(is_signed_in(&machine, &A1, true));
}

#[test]
fn erase_ok_pays_what_it_carried() {
    let mut machine = signed_in();
    machine.apply(Event::Unauthorized(1));
    assert_eq!(machine.apply(erased(1, &[id(&A1)], EraseResult::Ok)), []);
    assert_eq!(machine.apply(Event::Nudge), []);
}

#[test]
fn p2_401_or_time_up_of_this_generation_expires_the_session() {
    for (event, why) in [(Event::Unauthorized(1), EndWhy::Rejected), (Event::TimeUp(1), EndWhy::Expired)] {
        let mut machine = signed_in();
        let effects = machine.apply(event);
        assert_eq!(effects, [Ended { session: A1, why }, Publish, erase(1, &[id(&A1)])]);
        assert_eq!(*machine.state(), State::Expired { user: 'a', why });
        assert_eq!(machine.generation(), 2);
    }
}

#[test]
fn p2_401_or_time_up_of_another_generation_is_nothing() {
    let mut machine = sent(expired());
    machine.apply(Event::VerifyOk(9, A2));
    for generation in [0, 1, 2, 99] {
        assert_eq!(machine.apply(Event::Unauthorized(generation)), []);
        assert_eq!(machine.apply(Event::TimeUp(generation)), []);
    }
    for machine in &mut [restoring(), locked(), signed_out(), expired()] {
        let generation = machine.generation();
        assert_eq!(machine.apply(Event::Unauthorized(generation)), []);
        assert_eq!(machine.apply(Event::TimeUp(generation)), []);
    }
}

#[test]
fn logout_while_the_state_is_unknown_owes_what_was_stored_before() {
    for machine in &mut [restoring(), locked()] {
        let lineage = machine.lineage();
        assert_eq!(machine.apply(LOGOUT), [Publish, erase(1, &[Owe::Before(NOW)])]);
        assert_eq!(*machine.state(), State::SignedOut(SignedOutWhy::LoggedOut));
        assert_eq!(machine.lineage(), lineage + 1);
    }
}

#[test]
fn logout_while_signed_out_or_expired_is_done_at_once_if_nothing_is_owed() {
    for machine in &mut [signed_out(), expired()] {
        assert_eq!(machine.apply(LOGOUT), [Publish, LogoutDone { erased: true }]);
        assert_eq!(*machine.state(), State::SignedOut(SignedOutWhy::LoggedOut));
    }
}

#[test]
fn logout_while_signed_in_ends_publishes_erases_and_tells_the_server() {
    let mut machine = signed_in();
    let ended = Ended { session: A1, why: EndWhy::LoggedOut };
    assert_eq!(machine.apply(LOGOUT), [ended, Publish, erase(1, &[id(&A1)]), Notice(A1)]);
    assert_eq!(machine.apply(erased(1, &[id(&A1)], EraseResult::Ok)), [LogoutDone { erased: true }]);
    assert_eq!((machine.generation(), machine.lineage()), (2, 1));
}

#[test]
fn clear_is_a_logout_that_the_server_is_not_told_of() {
    let mut machine = signed_in();
    let ended = Ended { session: A1, why: EndWhy::Cleared };
    assert_eq!(machine.apply(CLEAR), [ended, Publish, erase(1, &[id(&A1)])]);
    assert_eq!(*machine.state(), State::SignedOut(SignedOutWhy::Cleared));
}

#[test]
fn p5_a_logout_whose_erase_fails_or_is_late_says_so() {
    for result in [REFUSED, EraseResult::Late] {
        let mut machine = signed_in();
        machine.apply(LOGOUT);
        assert_eq!(machine.apply(erased(1, &[id(&A1)], result)), [LogoutDone { erased: false }]);
        assert_eq!(*machine.state(), State::SignedOut(SignedOutWhy::LoggedOut));
    }
}

#[test]
fn notice_over_lets_a_waiting_flight_go() {
    let mut machine = signed_in();
    machine.apply(LOGOUT);
    machine.apply(erased(1, &[id(&A1)], EraseResult::Ok));
    assert_eq!(machine.apply(Event::VerifyCalled(9)), []);
    assert_eq!(machine.apply(Event::NoticeOver), [SendVerify(9)]);
}

#[test]
fn the_door_lets_calls_of_this_lineage_through_while_signed_in() {
    for machine in all() {
        let expected = match machine.state() {
            State::Restoring => Door::Wait(None),
            State::Locked(why) => Door::Wait(Some(*why)),
            State::SignedOut(_) => Door::NotSignedIn,
            State::SignedIn { .. } => Door::Permit(A1, 1),
            State::Expired { .. } => Door::SessionExpired,
        };
        assert_eq!(machine.door(machine.lineage()), expected);
        assert_eq!(machine.door(machine.lineage() + 1), Door::SignedOut);
    }
}

// Rules

#[test]
fn start_logout_then_the_read_finds_s_nobody_is_signed_in_again() {
    let mut machine = restoring();
    machine.apply(LOGOUT);
    machine.apply(Event::Read(ReadResult::Found(A1)));
    assert_eq!(*machine.state(), State::SignedOut(SignedOutWhy::LoggedOut));
}

#[test]
fn verify_sent_then_the_old_session_expires_then_200_the_code_counts() {
    let mut machine = sent(signed_in());
    machine.apply(Event::TimeUp(1));
    machine.apply(Event::VerifyOk(9, A2));
    assert!(is_signed_in(&machine, &A2, false));
}

#[test]
fn verify_sent_then_logout_in_any_state_then_200_nobody_is_signed_in() {
    for machine in known() {
        let mut machine = sent(machine);
        assert!(machine.apply(LOGOUT).contains(&EndFlight(9, FlightEnd::SignedOut)));
        assert_eq!(machine.apply(Event::VerifyOk(9, A2)), []);
        assert_eq!(*machine.state(), State::SignedOut(SignedOutWhy::LoggedOut));
    }
}

#[test]
fn verify_200_over_s_and_the_write_fails_s_is_erased() {
    let mut machine = sent(signed_in());
    machine.apply(Event::VerifyOk(9, B3));
    assert_eq!(machine.apply(written(&B3, &[id(&A1)], FAILED)), [Landed(9), erase(1, &[id(&A1)])]);
}

#[test]
fn verify_200_then_expiry_then_the_write_is_answered_the_caller_does_not_wait_for_ever() {
    for result in [WriteResult::Ok, WriteResult::Newer, FAILED, WriteResult::Late] {
        let mut machine = sent(signed_out());
        machine.apply(Event::VerifyOk(9, A1));
        machine.apply(Event::Unauthorized(1));
        assert!(machine.apply(written(&A1, &[], result)).contains(&Landed(9)), "{result:?}");
    }
}

#[test]
fn a_write_that_failed_is_not_tried_again() {
    let mut machine = sent(signed_out());
    machine.apply(Event::VerifyOk(9, A1));
    machine.apply(written(&A1, &[], FAILED));
    for _ in 0..3 {
        assert_eq!(machine.apply(Event::Nudge), []);
    }
}

#[test]
fn the_write_is_slow_and_a_401_comes_what_was_not_stored_yet_is_erased_all_the_same() {
    let mut machine = sent(signed_out());
    machine.apply(Event::VerifyOk(9, A1));
    assert!(machine.apply(Event::Unauthorized(1)).contains(&erase(1, &[id(&A1)])));
}

#[test]
fn expiry_then_the_erase_is_refused_then_logout_s_is_erased_by_the_logout() {
    let mut machine = signed_in();
    machine.apply(Event::TimeUp(1));
    machine.apply(erased(1, &[id(&A1)], REFUSED));
    assert_eq!(machine.apply(LOGOUT), [Publish, erase(2, &[id(&A1)])]);
}

#[test]
fn p5_an_older_erase_that_succeeds_is_not_taken_for_the_logouts_own() {
    let mut machine = after([Event::Read(ReadResult::Corrupt)]);
    machine.apply(Event::VerifyCalled(9));
    machine.apply(Event::VerifyOk(9, A1));
    machine.apply(LOGOUT);
    assert_eq!(machine.apply(erased(1, &[Owe::Unreadable], EraseResult::Ok)), []);
    let carried = [id(&A1), Owe::Unreadable];
    assert_eq!(machine.apply(erased(2, &carried, EraseResult::Ok)), [LogoutDone { erased: true }]);
}

#[test]
fn p5_a_logout_whose_erase_is_late_is_not_done_and_what_it_carried_stays_owed() {
    let mut machine = signed_in();
    machine.apply(LOGOUT);
    machine.apply(erased(1, &[id(&A1)], EraseResult::Late));
    machine.apply(erased(1, &[id(&A1)], REFUSED));
    assert_eq!(machine.apply(Event::Nudge), [erase(2, &[id(&A1)])]);
}

#[test]
fn nothing_is_erased_past_a_hung_operation() {
    let mut machine = sent(signed_out());
    machine.apply(Event::VerifyOk(9, A1));
    machine.apply(written(&A1, &[], WriteResult::Late));
    machine.apply(LOGOUT);
    machine.apply(erased(1, &[id(&A1)], EraseResult::Late));
    assert_eq!(machine.apply(Event::Nudge), [], "both keep their places");
}

#[test]
fn p8_verify_asks_a_store_that_is_not_known_to_be_good() {
    let mut machine = signed_in();
    machine.apply(Event::TimeUp(1));
    machine.apply(erased(1, &[id(&A1)], EraseResult::Failed(Trouble::Locked)));
    assert_eq!(machine.apply(Event::VerifyCalled(9)), [Read]);
    let end = EndFlight(9, FlightEnd::Store(Trouble::Locked));
    assert_eq!(machine.apply(Event::Read(ReadResult::Locked)), [end]);
    assert_eq!(machine.apply(Event::VerifyCalled(10)), [Read]);
    assert_eq!(machine.apply(Event::Read(ReadResult::Found(A1))), [SendVerify(10)]);
}

#[test]
fn verify_on_a_store_that_hangs_ends_at_once_the_code_unspent() {
    let end = EndFlight(9, FlightEnd::Store(Trouble::Locked));
    let mut machine = restoring();
    machine.apply(Event::VerifyCalled(9));
    assert_eq!(machine.apply(Event::Read(ReadResult::Late)), [Publish, end.clone()]);
    assert_eq!(machine.apply(Event::VerifyCalled(9)), [end]);
}

#[test]
fn verify_waits_for_the_notice_of_the_logout_before_it() {
    let mut machine = signed_in();
    machine.apply(LOGOUT);
    machine.apply(erased(1, &[id(&A1)], EraseResult::Ok));
    assert_eq!(machine.apply(Event::VerifyCalled(9)), [], "a notice after it would sign the user out");
}

#[test]
fn calls_go_on_by_lineage_after_the_same_user_signs_in_again() {
    let mut machine = sent(expired());
    let lineage = machine.lineage();
    machine.apply(Event::VerifyOk(9, A2));
    assert_eq!(machine.door(lineage), Door::Permit(A2, 3));
}

#[test]
fn no_call_goes_on_as_another_user_or_across_a_logout() {
    let mut machine = sent(expired());
    let lineage = machine.lineage();
    machine.apply(Event::VerifyOk(9, B3));
    assert_eq!(machine.door(lineage), Door::SignedOut);

    let mut machine = signed_in();
    let lineage = machine.lineage();
    machine.apply(CLEAR);
    machine.apply(erased(1, &[id(&A1)], EraseResult::Ok));
    let mut machine = sent(machine);
    machine.apply(Event::VerifyOk(9, A2));
    assert_eq!(machine.door(lineage), Door::SignedOut);
}

#[test]
fn p3_each_session_ends_with_one_signal_however_many_say_so() {
    let mut machine = signed_in();
    let events = [
        Event::Unauthorized(1),
        Event::Unauthorized(1),
        Event::TimeUp(1),
        LOGOUT,
        CLEAR,
        Event::Unauthorized(1),
    ];
    let effects = events.into_iter().flat_map(|event| machine.apply(event));
    assert_eq!(effects.filter(|effect| matches!(effect, Ended { .. })).count(), 1);
}
