//! Work that goes over from one account of a campaign to another: conversations that are continued elsewhere, and
//! refused requests that are sent again elsewhere.

use super::CampaignPlan;
use crate::drill::dice::Dice;
use crate::drill::prompt::Text;
use crate::drill::topic::Topic;
use crate::drill::world::Made;
use crate::event::{MICROS_A_SECOND, Micros};

/// Shares of requests that are handed on, and that are refused and sent again.
const HANDED_ON: f64 = 0.015;
const REFUSED: f64 = 0.01;

/// How late a conversation may be continued, and a refused request sent again.
const CONTINUED_WITHIN: Micros = 20 * 60 * MICROS_A_SECOND;
const AGAIN_SECONDS: f64 = 25.0;

/// Changes a day's events of a campaign, which ends at `end`. They come in any order and are sorted afterwards.
pub(super) fn pass_on(plan: &CampaignPlan, mut dice: Dice, end: Micros, events: &mut Vec<Made>) {
    events.sort_unstable_by_key(Made::order);
    let mut again = Vec::new();
    for at in 0..events.len() {
        let (hands_on, fails) = (dice.chance(HANDED_ON), dice.chance(REFUSED));
        let number = dice.next() as u32;
        let Some((from, to)) = two(events, at) else { continue };
        if plan.handoffs && hands_on && to.ts - from.ts <= CONTINUED_WITHIN {
            for (event, turn) in [(from, 0), (to, 1)] {
                event.text = Text::Turn { of: number, turn };
                (event.topic, event.label) = (Topic::Agentic, Topic::Agentic);
                event.input_tokens = 1_150 + 100 * u32::from(turn);
            }
        } else if plan.failovers && fails {
            let later = MICROS_A_SECOND + (AGAIN_SECONDS * dice.unit() * MICROS_A_SECOND as f64) as Micros;
            if from.ts + later < end {
                from.text = Text::Again(number);
                again.push(Made {
                    ts: from.ts + later,
                    own: dice.next(),
                    text: from.text,
                    topic: from.topic,
                    label: from.label,
                    input_tokens: from.input_tokens,
                    status: 200,
                    output_tokens: 300,
                    ..*to
                });
                (from.status, from.output_tokens) = (429, 0);
            }
        }
    }
    events.append(&mut again);
}

/// The event at a place and the next one of another account, if neither has been passed on.
fn two(events: &mut [Made], at: usize) -> Option<(&mut Made, &mut Made)> {
    let is_free =
        |event: &Made| !matches!(event.text, Text::Turn { .. } | Text::Again(_)) && event.status == 200;
    let (before, after) = events.split_at_mut_checked(at + 1)?;
    let from = before.last_mut().filter(|event| is_free(event))?;
    let to = after.iter_mut().find(|event| event.account != from.account)?;
    is_free(to).then_some((from, to))
}
