//! Bounds of the analysis: what it looks at, and what it needs before it says anything.

/// Days that are compared with each other. Older ones are forgotten, except in clusters.
pub const WINDOW_DAYS: usize = 14;

/// Days for which every phrase key is kept; after them only those that three accounts had.
pub const TEMPLATE_FRESH_DAYS: usize = 3;

/// One in this many exact prompts is kept, by its key, to compare what accounts ask.
pub const PROMPT_SAMPLE: u32 = 8;

/// Seconds of silence that end a session.
pub const SESSION_GAP_SECONDS: u32 = 1800;

/// Seconds within which a conversation counts as handed on.
pub const HANDOFF_SECONDS: u32 = 1800;

/// Seconds within which a refused request counts as sent again elsewhere.
pub const FAILOVER_SECONDS: u32 = 120;

/// Accounts that may have the same beginning of a conversation before it is a text that many use.
pub const HANDOFF_ACCOUNTS_MAX: usize = 4;

/// Days since its creation after which an account may be established.
pub const MATURE_AGE_DAYS: i32 = 30;

/// Days with events that an established account has had.
pub const MATURE_ACTIVE_DAYS: u32 = 5;

/// Established accounts without which there is no saying what is usual: nothing is confirmed.
pub const BASELINE_ACCOUNTS_MIN: usize = 200;

/// Established holders that a text or client needs to be background.
pub const STANDING_ACCOUNTS_MIN: usize = 5;

/// Share of established accounts among the holders of a background value, against that of the platform.
pub const STANDING_SHARE: f64 = 0.3;

/// Accounts of the smallest group that is tested.
pub const GROUP_MIN: usize = 8;

/// Accounts of the smallest group that is ever more than watched.
pub const CONFIRM_MIN: usize = 20;

/// Strong groups that are tried as the beginning of a cluster and give none; past it, those left are joined
/// by overlap and settled together.
pub const VAIN_SEEDS_MAX: usize = 64;

/// Meetings that evidence lists for a cluster, and then as many as the last pair has; it says how many there were.
pub const MEETINGS_SHOWN_MAX: usize = 100;

/// Groups that evidence lists for a cluster, the strongest; it says how many there were.
pub const GROUPS_SHOWN_MAX: usize = 1_000;

/// Share of all accounts beyond which a shared value says nothing.
pub const STAR_SHARE_MAX: f64 = 0.4;

/// Overlap of holders from which two values are one.
pub const TEMPLATE_JACCARD: f64 = 0.9;

/// Accounts with enough events without which evenness is not judged.
pub const LOAD_ACCOUNTS_MIN: usize = 8;

/// Events within the window without which an account's volume says nothing.
pub const LOAD_EVENTS_MIN: u64 = 20;

/// Requests that can be told apart without which an account's purpose is not judged.
pub const LABELLED_MIN: u64 = 5;

/// Prompts of an account from which hardly any repetition means that work is shared out.
pub const QUEUE_PROMPTS_MIN: f64 = 200.0;

/// Pairs of accounts of one rate of work that are tried for taking turns, before anybody is asked alone.
pub const CELL_PAIRS: usize = 1_500;

/// Others of its rate with whom an account is tried.
pub const CELL_PARTNERS: usize = 25;

/// Sessions within the window without which nobody can be told to take turns.
pub const SESSIONS_MIN: usize = 6;

/// Newcomers of a day below whom there is no alarm.
pub const ALARM_ACCOUNTS_MIN: u32 = 20;

/// Days that an alarm is held against, at least.
pub const ALARM_DAYS_MIN: i32 = 5;

/// Days at the beginning of a log in which everybody seems new.
pub const LOG_BEGINS_DAYS: i32 = 7;

/// Pairs of accounts that are compared where all pairs would be too many.
pub const PAIRS_SAMPLED: usize = 300;

/// Members that have to hold a value before it is something that members have in common.
pub const SHARED_VALUE_MIN: u32 = 4;

/// Share of a group that pays with one payment from which the group is openly one customer.
pub const ONE_CARD_SHARE: f64 = 0.8;

/// Accounts from which even that is no explanation.
pub const ONE_CARD_ACCOUNTS_MAX: usize = 100;

/// False rate that a confirmed group may have.
pub const FALSE_RATE_MAX: f64 = 0.01;

/// Permutations of a day.
pub const PERMUTATIONS: u32 = 120;

/// Permuted groups tested in a day. Of more a sample is tested, and counted as standing for all.
pub const PERMUTED_GROUPS_MAX: usize = 40_000;

/// Accounts without which nothing is analysed.
pub const ACCOUNTS_MIN: usize = 100;

/// Share of all events from which one account is named as unusual.
pub const ONE_ACCOUNT_SHARE: f64 = 0.3;

/// Visitors of one address within a day beyond whom it is a crossroads, where nobody meets anybody.
pub const MEETING_VISITORS_MAX: usize = 16;

/// Days for which it is remembered when a group was first strong.
pub const STRONG_DAYS: i32 = 60;

/// Days since its first event for which an account is a newcomer, who may be known by signature.
pub const NEWCOMER_DAYS: i32 = 7;

/// Banned accounts that are kept, 100 bytes each, and written with every closing. Past it, give or take what comes
/// at once: 400.
pub const BANS_MAX: usize = 1_000_000;

/// Releases that are kept. Past it: 400.
pub const RELEASES_MAX: usize = 10_000;

/// Bytes of a body that bans accounts or names a release. Past it: 413.
pub const BANS_BYTES_MAX: usize = 4 << 20;

/// Members that hold a value before it is part of a cluster's signature.
pub const SIGNATURE_HOLDERS_MIN: usize = 8;

/// Values of each kind in a signature. The most common ones are kept.
pub const SIGNATURE_KEYS_MAX: usize = 200;

/// Accounts listed beside a cluster, and in its evidence, as excluded. Further ones are left out; evidence says how many
/// there were.
pub const BYSTANDERS_MAX: usize = 1_000;

/// Clusters that the book holds. Past it new ones are logged as an error and not entered.
pub const CLUSTERS_MAX: usize = 100_000;
