//! Runs a plan: order, locks, steps, deadlines, teardown. [`run`] takes a [`Plan`] and tells of everything that
//! happens as [`RunEvent`](crate::event::RunEvent)s.

mod case;
mod deliver;
mod dispatch;
pub(crate) mod evidence;
mod findings;
mod jar;
mod pace;
mod parcel;
mod redirect;
mod repeat;
mod session;
mod step;
mod testimony;

pub use dispatch::{Plan, PlannedCase, RunOptions, Stop, run, run_heard};
pub use session::Session;
pub use step::{CaptureFailure, capture, capture_from};
pub use testimony::{Answer, Testimony};
