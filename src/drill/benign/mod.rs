//! Honest customers, most of whom look as if they acted together with somebody: that is most of life.
//!
//! Each class has a file, which founds its accounts and, where they do not live as people do, makes their days.

mod agency;
mod benchmark;
mod classroom;
mod cloud;
mod cron;
mod family;
mod fleet;
mod hackathon;
mod harness;
mod home;
mod launch;
mod mobile;
mod office;
mod reseller;
mod vpn;

use super::account::Routine;
use super::census::Census;
use super::life::Sheet;

/// How many honest customers there are of each class. [`BenignPlan::of`] has the usual mix.
#[derive(Clone, Debug, PartialEq)]
pub struct BenignPlan {
    /// Accounts at home, whose address changes on one day in ten.
    pub home: u32,
    /// Accounts behind the shared addresses of mobile carriers.
    pub mobile: u32,
    /// Accounts behind the addresses of offices and campuses.
    pub office: u32,
    /// Accounts behind the exits of VPN services.
    pub vpn: u32,
    /// Accounts of servers.
    pub cloud: u32,
    /// Agencies of 16 accounts.
    pub agencies: u32,
    /// Resellers of 60 accounts.
    pub resellers: u32,
    /// Resellers of coding agents, of 60 accounts: what no log tells from a campaign.
    pub coding_resellers: u32,
    /// Company fleets of 20 accounts.
    pub fleets: u32,
    /// Accounts of jobs that a clock starts.
    pub crons: u32,
    /// Classes of 30 students.
    pub classrooms: u32,
    /// Hackathons of 80 fresh accounts.
    pub hackathons: u32,
    /// Whether hackathons hand out a starter kit whose fingerprint nobody else has.
    pub starter_kits: bool,
    /// Public benchmarks, each run by 50 accounts.
    pub benchmarks: u32,
    /// Accounts created on the day of a launch.
    pub launch: u32,
    /// Share of honest accounts that use the popular harness.
    pub harness: f64,
    /// Share of honest accounts that take up a new harness in the middle of the log.
    pub new_harness: f64,
    /// Chance on each day that somebody takes up a new model, once it is there.
    pub take_up: f64,
    /// Families of four accounts, who go on with each other's conversations.
    pub families: u32,
    /// Whether fleets have a gateway, which sends what one account is refused again from another.
    pub gateways: bool,
    /// Whether hackathons, resellers and campaigns with rented addresses share those of the first reseller.
    pub shared_venue: bool,
}

impl BenignPlan {
    /// The usual mix of as many accounts. Of few accounts, the larger kinds of customers are not there.
    #[must_use]
    pub fn of(accounts: u32) -> Self {
        let groups = |per_mille: f64, of: u32| {
            (f64::from(accounts) * per_mille / 1_000.0 / f64::from(of)).round() as u32
        };
        let mut plan = Self {
            home: 0,
            mobile: 0,
            office: 0,
            vpn: 0,
            cloud: 0,
            agencies: groups(20.0, agency::ACCOUNTS),
            resellers: groups(15.0, reseller::ACCOUNTS),
            coding_resellers: 0,
            fleets: groups(10.0, fleet::ACCOUNTS),
            crons: groups(10.0, 1),
            classrooms: groups(15.0, classroom::ACCOUNTS),
            hackathons: groups(6.0, hackathon::ACCOUNTS),
            starter_kits: false,
            benchmarks: groups(4.0, benchmark::ACCOUNTS),
            launch: groups(20.0, 1),
            harness: 0.08,
            new_harness: 0.03,
            take_up: 0.03,
            families: 0,
            gateways: false,
            shared_venue: false,
        };
        let ordinary = accounts.saturating_sub(plan.accounts());
        let share = |percent: u32| (u64::from(ordinary) * u64::from(percent) / 96) as u32;
        (plan.mobile, plan.office, plan.vpn, plan.cloud) = (share(25), share(15), share(6), share(10));
        plan.home = ordinary - plan.mobile - plan.office - plan.vpn - plan.cloud;
        plan
    }

    /// All accounts.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        let single = [self.home, self.mobile, self.office, self.vpn, self.cloud, self.crons, self.launch];
        let grouped = [
            self.agencies * agency::ACCOUNTS,
            (self.resellers + self.coding_resellers) * reseller::ACCOUNTS,
            self.fleets * fleet::ACCOUNTS,
            self.classrooms * classroom::ACCOUNTS,
            self.hackathons * hackathon::ACCOUNTS,
            self.benchmarks * benchmark::ACCOUNTS,
            self.families * family::ACCOUNTS,
        ];
        single.into_iter().chain(grouped).sum()
    }
}

/// Founds all honest accounts. Returns fingerprint and text of the harnesses.
pub(super) fn found(census: &mut Census, plan: &BenignPlan) -> [(u32, u32); 2] {
    home::found(census, plan.home);
    mobile::found(census, plan.mobile);
    office::found(census, plan.office);
    vpn::found(census, plan.vpn);
    cloud::found(census, plan.cloud);
    cron::found(census, plan.crons);
    launch::found(census, plan.launch);
    for _ in 0..plan.agencies {
        agency::found(census);
    }
    let coding = (0..plan.coding_resellers).map(|_| reseller::Sells::CodingAgents);
    for sells in (0..plan.resellers).map(|_| reseller::Sells::Anything).chain(coding) {
        let servers = reseller::found(census, sells);
        census.shared = census.shared.or(plan.shared_venue.then_some(servers));
    }
    for number in 0..plan.fleets {
        fleet::found(census, number, plan.gateways);
    }
    for _ in 0..plan.classrooms {
        classroom::found(census);
    }
    for _ in 0..plan.hackathons {
        hackathon::found(census, plan.starter_kits);
    }
    for number in 0..plan.benchmarks {
        benchmark::found(census, number);
    }
    for _ in 0..plan.families {
        family::found(census);
    }
    harness::give(census, plan.harness, plan.new_harness)
}

/// Makes an honest account's day.
pub(super) fn day(sheet: &mut Sheet<'_>) {
    match sheet.account.routine {
        Routine::Cron { every, second, events } => cron::day(sheet, every, second, events),
        Routine::Homework { first, day } => classroom::day(sheet, first, day),
        Routine::Benchmark { first, day } => benchmark::day(sheet, first, day),
        Routine::Family { first } => family::day(sheet, first),
        Routine::Gateway { first } => fleet::day(sheet, first),
        Routine::Person | Routine::Slot(_) => sheet.person(),
    }
}

#[cfg(test)]
mod tests;
