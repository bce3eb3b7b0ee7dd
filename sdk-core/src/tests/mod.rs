//! Tests of the whole core on paused time: the transport is a script, the store a memory that fails when
//! told to, and nothing waits for a real clock.

mod drops;
mod error_codes;
mod expiring_soon;
mod observed_cart;
mod orders_once;
mod orders_simulated;
mod parked_orders;
mod parking;
mod parking_order;
mod promises;
mod recorded;
mod retries;
mod schedules;
#[cfg(target_os = "linux")]
mod secrets;
mod shop;
mod signing_in;
mod store_matrix;
mod stores;
mod world;
