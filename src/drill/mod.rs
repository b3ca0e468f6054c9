//! Floor 3: made-up life. A provider's log with honest accounts of every kind that looks coordinated, and
//! campaigns planted among them.
//!
//! ```text
//! dice     numbers that look random and are the same each time
//! words    prompts: texts that share nothing unless somebody means them to
//! person   one account's habits, and its day
//! benign/  one honest class a file          campaign/  what a campaign does, and the ladder's rungs
//! world    everybody, day by day, in order of time
//! ```
//!
//! What is true of an account (`Truth`) never reaches a log line, so that the detector cannot know it.

mod benign;
mod campaign;
mod dice;
mod line;
mod person;
mod words;
mod world;

pub use benign::Extras;
pub use campaign::{CampaignPlan, Client, Creation, Exits, NAMES, Payment, Scheduler, rung};
pub use world::{Made, Truth, World, WorldPlan};
