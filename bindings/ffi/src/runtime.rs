//! The one runtime. Every call runs as a task of it, so that a host's waker is woken from its threads alone,
//! and a client can be built on any thread, a platform's main thread among them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::unconstrained;

use crate::error::{MarketError, Result};

struct Running {
    runtime: Runtime,
    calls: UnboundedSender<Boxed<()>>,
}

static RUNNING: OnceLock<Option<Running>> = OnceLock::new();

// Boxed, and so of one type: what tokio and UniFFI make of each type, for thirty calls, would be a tenth of the library.
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The runtime, started with the first call.
pub(crate) fn handle() -> Result<&'static Handle> {
    Ok(running()?.runtime.handle())
}

fn running() -> Result<&'static Running> {
    let start = || {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(2).thread_name("market-sdk").enable_all();
        let runtime = runtime.build().inspect_err(|error| tracing::error!(%error, "no runtime")).ok()?;
        let (calls, made) = unbounded_channel();
        runtime.spawn(begin_in_order(made));
        Some(Running { runtime, calls })
    };
    let no_threads = || MarketError::internal("the system gives no threads for the runtime");
    RUNNING.get_or_init(start).as_ref().ok_or_else(no_threads)
}

/// Runs a call of the core as a task, and turns its value into the host's. The task ends with the future that waits
/// for it: a host that cancels drops that, and so the call.
pub(crate) fn run<T, U>(
    call: impl Future<Output = market_sdk::Result<T>> + Send + 'static,
) -> Boxed<Result<U>>
where
    T: Into<U> + Send + 'static,
    U: Send + 'static,
{
    let (mut answer, answered) = oneshot::channel();
    let call = Box::pin(async move {
        let value = tokio::select! {
            biased;
            () = answer.closed() => return,
            value = call => value,
        };
        // Whoever waited may be gone.
        let _ = answer.send(value.map(Into::into));
    });
    Box::pin(async move {
        // Who ended the runtime would have ended the process.
        let _ = running()?.calls.send(call);
        match answered.await {
            Ok(answer) => Ok(answer?),
            // It ends without an answer only when nobody is here to be given one.
            Err(_) => Err(MarketError::internal("a call panicked")),
        }
    })
}

/// Runs each call up to where it first waits, one after the other, and from there on as a task. Calls of the cart take
/// their places in its queue there, in the order in which the host makes them: of two tasks, the runtime's threads
/// may begin with either. Not on the host's own thread, which may be the one that draws.
async fn begin_in_order(mut made: UnboundedReceiver<Boxed<()>>) {
    while let Some(mut call) = made.recv().await {
        let begun = catch_unwind(AssertUnwindSafe(|| {
            // It must begin now: without a budget, which many calls in a row use up, and with nobody to be woken, since
            // a new task is polled at once.
            let first = pin!(unconstrained(call.as_mut()));
            first.poll(&mut Context::from_waker(Waker::noop()))
        }));
        // After a panic there is no answer, which says it.
        if let Ok(Poll::Pending) = begun {
            tokio::spawn(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn p9_a_panic_within_a_call_is_an_error() {
        let call = run::<(), ()>(async { panic!("on purpose") });
        let MarketError::Failed { failure } = handle().unwrap().block_on(call).unwrap_err();
        assert_eq!(failure.code, ErrorCode::UnexpectedResponse);
        assert_eq!(failure.detail.as_deref(), Some("a call panicked"));
    }

    #[test]
    fn p7_a_call_ends_with_the_future_that_waits_for_it() {
        let (alive, gone) = tokio::sync::oneshot::channel::<()>();
        let call = run::<(), ()>(async move {
            let _alive = alive;
            std::future::pending().await
        });
        let outcome = handle().unwrap().block_on(async {
            // Polled once, so that the task runs; then dropped.
            let _ = tokio::time::timeout(Duration::from_millis(20), call).await;
            tokio::time::timeout(Duration::from_secs(5), gone).await
        });
        assert!(matches!(outcome, Ok(Err(_))), "the task still runs");
    }

    #[test]
    fn p11_calls_begin_in_the_order_in_which_the_host_makes_them() {
        let mut context = Context::from_waker(Waker::noop());
        for round in 0..2_000 {
            let (begin, begun) = std::sync::mpsc::channel();
            let calls = (0..8).map(|number| {
                let begin = begin.clone();
                run::<(), ()>(async move {
                    begin.send(number).unwrap();
                    std::future::pending().await
                })
            });
            let mut calls: Vec<_> = calls.collect();
            // One after the other, as a host's main thread does.
            for call in &mut calls {
                assert!(call.as_mut().poll(&mut context).is_pending());
            }
            let order: Vec<_> = begun.iter().take(8).collect();
            assert!(order.is_sorted(), "round {round}: {order:?}");
        }
    }
}
