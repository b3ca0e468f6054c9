//! A made-up provider's log: the honest life of many kinds of customers, and planted extraction campaigns.
//!
//! For demonstrations, for drills, and for tests that need to know who is who: [`World::truth`] tells. A world
//! comes from a plan and a seed alone; any day of it can be made without the others. Nothing that is written to
//! the log tells what class an account is of.
//!
//! What is left out: sessions, system prompts, and life between providers. The campaigns do what has been published
//! about real ones and what their public tools do, and the honest classes are those that look most like them.

mod account;
mod benign;
mod campaign;
mod census;
mod dice;
mod life;
mod line;
mod net;
mod prompt;
mod topic;
mod words;
mod world;

pub use benign::BenignPlan;
pub use campaign::{CampaignPlan, Client, Creation, Exits, NAMES, Payment, Scheduler, rung};
pub use world::{Made, Truth, World, WorldPlan};

#[cfg(test)]
mod tests;
