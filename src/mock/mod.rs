//! The embedded mock service, written from the documents and never from the cases.
//!
//! One [`Service`](service::Service) answers for both documented APIs. Everything but
//! [`server`] is pure: a seed becomes a [`State`](state::State), and a request against it becomes
//! a [`Response`](http::Response). What the documents leave open, and what a fault breaks, is a
//! value of the [`Policy`](policy::Policy); the honest code reads the policy and knows no fault.

pub mod faults;
pub mod groove;
pub mod http;
pub mod ids;
pub mod media;
pub mod oracle;
pub mod policy;
pub mod seed;
pub mod server;
pub mod service;
pub mod state;
#[cfg(test)]
mod testing;
pub mod variations;
pub mod xml;
