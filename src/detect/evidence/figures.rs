//! The figures of each family, with the counts by stratum that they follow from.

use super::Context;
use crate::detect::clusters::Confirmed;
use crate::detect::extraction::{Extraction, LEANING};
use crate::detect::facts::Kind;
use crate::detect::family::{Basis, Creation, Finding};
use crate::detect::math;
use crate::detect::networks;
use crate::detect::null::{Categorical, KAPPA, Null, Strata};
use crate::detect::twins::{innocent_twin, observed};
use crate::detect::window::{STRATA, Window};
use crate::event::Dim;
use serde_json::{Value, json};

/// How the categorical test works, for whoever recomputes it by hand.
const CATEGORICAL: &str = "g = (C - k' + 0.5) / (N - n' + 1); E = sum over strata of n_s (C_s - k'_s + kappa g) / (N_s - n'_s + kappa); \
     p = min(1, 2 F P(Poisson(E) >= k)); primes count members that belong to the population";

/// A value of a kind as text; texts that came in are written as they were sent.
pub(super) fn value(context: &Context<'_>, kind: Kind, value: u32) -> String {
    let Some(dim) = super::super::dim_of(kind) else { return value.to_string() };
    let snapshot = context.snapshot;
    let catalog = snapshot.catalog();
    let bytes = context.frame.bench.window.value(&catalog, dim, value);
    match dim {
        Dim::Ip => bytes.try_into().map_or_else(|_| String::new(), |ip| snapshot.privacy().shown_address(ip)),
        Dim::Net | Dim::Site => match (bytes.first_chunk::<16>(), bytes.get(16)) {
            (Some(ip), Some(bits)) => snapshot.privacy().shown_network(*ip, *bits),
            _ => String::new(),
        },
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn stratum(at: usize) -> String {
    let network = ["unknown", "residential", "mobile", "campus", "hosting", "cloud"];
    debug_assert_eq!(network.len(), networks::TYPES, "every type has a name");
    format!("{} {}", network.get(at / 5).unwrap_or(&"?"), at % 5 + 1)
}

fn by_stratum(strata: &Strata) -> Value {
    (0..STRATA).filter(|at| strata[*at] > 0).map(|at| (stratum(at), Value::from(strata[at]))).collect()
}

/// Who says what is usual.
pub(super) fn population(usual: &Null, window: &Window) -> Value {
    json!({
        "accounts_in_window": window.accounts.len(),
        "accounts": usual.count,
        "only_established": usual.mature_only,
        "kappa": KAPPA,
        "strata_are": "kind of network, and quintile of events per active day from 1 (fewest)",
        "by_stratum": by_stratum(&usual.strata),
    })
}

/// What each family says of the cluster, strongest first.
pub(super) fn families(context: &Context<'_>, cluster: &Confirmed) -> Value {
    let mut findings: Vec<&Finding> = cluster.scored.findings.iter().flatten().collect();
    findings.sort_by(|a, b| a.ln_p.total_cmp(&b.ln_p).then_with(|| a.family.cmp(&b.family)));
    findings.into_iter().map(|finding| family(context, cluster, finding)).collect()
}

fn family(context: &Context<'_>, cluster: &Confirmed, finding: &Finding) -> Value {
    let strength = math::strength(finding.ln_p);
    let figures = match finding.basis {
        Basis::Shared(kind, test) => shared(context, cluster, kind, &test),
        Basis::Created(creation, test) => created(context, cluster, creation, &test),
        Basis::Volumes(volumes) => json!({
            "accounts": volumes.accounts,
            "variance_of_log_volume": volumes.variance,
            "usual_deviation": volumes.usual,
            "coefficient_of_variation": volumes.cv,
            "formula": "p = P(chi2(n-1) <= (n-1) s^2 / s0^2), s0 = 0.85 of the pooled deviation of established accounts",
        }),
        Basis::Rhythm { days, ratio } => json!({
            "days": days,
            "variance_ratio": ratio,
            "formula": "F = Var(sum of x) / sum of Var(x); p = P(chi2(T-1) >= (T-1) F / 1.5)",
        }),
    };
    json!({
        "family": finding.family.name(),
        "strength": strength,
        "ln_p": finding.ln_p.max(-1e6),
        "extreme": strength >= cluster.threshold,
        "observed": observed(finding.family),
        "innocent_twin": innocent_twin(finding.family),
        "figures": figures,
    })
}

fn shared(context: &Context<'_>, cluster: &Confirmed, kind: Kind, test: &Categorical) -> Value {
    let frame = context.frame;
    let (bench, window) = (frame.bench, frame.bench.window);
    let Some(rates) = bench.rates_of(kind) else { return Value::Null };
    let (group, usual) = bench.null.strata_of(window, &cluster.members);
    let named =
        |item: u32| (rates.items.values.get(item as usize).map(|held| value(context, kind, *held)), item);
    let as_good = rates.as_good(window, &bench.null, &cluster.members, &test.best);
    // Of values that say the same the first by name, whichever the database met first.
    let (value, item) = as_good.into_iter().map(named).min().unwrap_or_else(|| named(test.best.item));
    json!({
        "kind": kind.name(),
        "value": value,
        "n": cluster.members.len(),
        "k": test.best.k,
        "holders": rates.items.holders.get(item).len(),
        "expected": test.best.expected,
        "values_tried": test.tried,
        "ln_tail": test.best.ln_tail.max(-1e6),
        "n_s": by_stratum(&group),
        "n'_s": by_stratum(&usual),
        "C_s": by_stratum(&rates.holders(window, &bench.null, item)),
        "k'_s": by_stratum(&rates.inside_of(window, &bench.null, &cluster.members, item)),
        "formula": CATEGORICAL,
    })
}

fn created(context: &Context<'_>, cluster: &Confirmed, creation: Creation, test: &Categorical) -> Value {
    let bench = context.frame.bench;
    let (group, usual) = bench.null.strata_of(bench.window, &cluster.members);
    json!({
        "created_from": super::date(creation.first),
        "days": creation.days,
        "n": cluster.members.len(),
        "k": test.best.k,
        "expected": test.best.expected,
        "windows_tried": test.tried,
        "ln_tail": test.best.ln_tail.max(-1e6),
        "n_s": by_stratum(&group),
        "n'_s": by_stratum(&usual),
        "C_s": by_stratum(&bench.creation().created_in(creation)),
        "formula": CATEGORICAL,
    })
}

/// What the accounts ask for.
pub(super) fn extraction(found: &Extraction) -> Value {
    json!({
        "assessable": found.assessable,
        "accounts": found.accounts,
        "target_share": found.target,
        "platform_share": found.platform,
        "lift": found.lift,
        "agreement": found.agreement,
        "agreement_is": "share of accounts whose own target share is twice the platform's or more",
        "leaning": found.leaning,
        "leaning_is": format!("the same for {LEANING} times; it counts where something is hidden"),
        "prompt_overlap": found.overlap,
        "prompts_per_account": found.prompts,
        "output_lift": found.output_lift,
        "round_the_clock": found.round_the_clock,
        "score": found.score,
        "target_is": "requests about agents, tools, reasoning or grading, by topic label or by phrase lists",
    })
}
