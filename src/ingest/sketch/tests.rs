//! Sketches of prompts: what has the same key and what has not, which phrases are marked, and that any text is taken.

use super::normalise::words;
use super::{Ends, Given, SEED, Systems, fill, key, of_prompt, of_system, phrases, pieces};
use crate::event::{Number, mark};
use crate::limits::{
    LINE_BYTES_MAX, SKETCH_BYTES_MAX, SKETCH_END_BYTES, SKETCH_PIECE_BYTES, SKETCH_STRIDE_BYTES,
};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64_with_seed;

fn normal(text: &str) -> String {
    let mut all = Vec::new();
    words(text, |word| {
        let text = std::str::from_utf8(word.text).unwrap();
        all.push(if word.masked { format!("<{text}>") } else { text.to_owned() });
    });
    all.join(" ")
}

fn sketch(given: Given<'_>) -> [Option<u32>; Number::COUNT] {
    let mut numbers = [None; Number::COUNT];
    fill(given, 7, &mut Systems::default(), &mut numbers);
    numbers
}

fn of(prompt: &str, number: Number) -> Option<u32> {
    sketch(Given { prompt, ..Given::default() })[number.index()]
}

fn ends(prompt: &str) -> Ends {
    of_prompt(prompt).ends
}

#[test]
fn words_are_what_a_template_keeps() {
    for (text, words) in [
        ("Solve the  task, step-by-step:\n\tand/or fail.", "solve the task step by step and or fail"),
        ("order 66 of 2024-01-05 at 10:30, 3.14% or 1,000", "order <#> of <#> at <#> <#> or <#> <#>"),
        ("see https://a.example/b?c=1&d. now", "see <https/a.example/b?c=1&d> now"),
        (
            "snake_case getUserName std::vec a.b.c me@x.org",
            "<snake_case> <getusername> <std:vec> <a.b.c> <me@x.org>",
        ),
        ("/usr/bin/env C:\\temp src/a/b.rs x=1 gpt4", "<usr/bin/env> <c\\temp> <src/a/b.rs> <x=1> <gpt4>"),
        (
            "id 550e8400-e29b-41d4-a716-446655440000 is NASA's",
            "id <550e8400-e29b-41d4-a716-446655440000> is nasa s",
        ),
        ("f(x) => \"Don't!\" *bold* --- ... </b>", "f x don t bold <b>"),
        (
            "\u{C9}lan \u{DC}BER Stra\u{DF}e \u{401}\u{43B}\u{43A}\u{430}",
            "\u{E9}lan \u{FC}ber stra\u{DF}e \u{451}\u{43B}\u{43A}\u{430}",
        ),
        (
            "\u{8BF7}\u{7528}3\u{4E2A}\u{8BCD}\u{56DE}\u{7B54}\u{FF1A}\u{91CF}\u{5B50}",
            "\u{8BF7} \u{7528} <#> \u{4E2A} \u{8BCD} \u{56DE} \u{7B54} \u{91CF} \u{5B50}",
        ),
        (
            "\u{30AB}\u{30BF}\u{30AB}\u{30CA}\u{3092}GPT\u{3067}",
            "\u{30AB} \u{30BF} \u{30AB} \u{30CA} \u{3092} gpt \u{3067}",
        ),
        ("\u{E44}\u{E17}\u{E22} ok", "\u{E44} \u{E17} \u{E22} ok"),
        (
            "\u{B2E8}\u{ACC4}\u{BCC4}\u{B85C} \u{C0DD}\u{AC01}",
            "\u{B2E8}\u{ACC4}\u{BCC4}\u{B85C} \u{C0DD}\u{AC01}",
        ),
        (
            "\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940} \u{92E}\u{947}\u{902}\u{964}",
            "\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940} \u{92E}\u{947}\u{902}",
        ),
        (
            "\u{FF46}\u{FF55}\u{FF4C}\u{FF4C}\u{3000}\u{FF57}\u{FF49}\u{FF44}\u{FF54}\u{FF48}\u{3000}\u{FF11}\u{FF12}",
            "full width <#>",
        ),
        ("ze\u{200B}ro wid\u{AD}th e\u{301}clair", "zero width eclair"),
        ("\u{201C}Quoted\u{201D}\u{2014}dash\u{2026} a\u{A0}b", "quoted dash a b"),
    ] {
        assert_eq!(normal(text), words, "{text}");
    }
    assert_eq!(normal(&"x".repeat(64)), "x".repeat(64));
    assert_eq!(normal(&"x".repeat(65)), "<#>");
    assert_eq!(normal(&"-x".repeat(65)), "<#>");
}

/// The keys of the module's head, computed in the plainest way.
fn by_the_book(words: &[&str]) -> Ends {
    let hash = |bytes: &[u8]| xxh3_64_with_seed(bytes, 0x6361_686f_6f74_7331);
    let low = |hash: u64| (hash % (1 << 32)) as u32;
    let hashes: Vec<Vec<u8>> =
        words.iter().map(|word| hash(word.as_bytes()).to_le_bytes().to_vec()).collect();
    let phrases: Vec<u64> = hashes.windows(8).map(|eight| hash(&eight.concat())).collect();
    let quarter =
        |number: usize| phrases.iter().copied().filter(move |phrase| (phrase >> 62) as usize == number);
    Ends {
        head: phrases.iter().take(13).min().map(|phrase| low(*phrase)),
        tail: phrases.iter().rev().take(13).min().map(|phrase| low(*phrase)),
        body: (0..4).find_map(|step| quarter((words.len() % 4) ^ step).min()).map(low),
    }
}

#[test]
fn anybody_can_compute_a_key_again() {
    let text = "Write 3 short poems on the sea, its 12 moods and https://sea.example for children; \
        then say which one you like best and why the others are less good, and do not use any rhyme.";
    let words = "write # short poems on the sea its # moods and # for children \
        then say which one you like best and why the others are less good and do not use any rhyme";
    let words: Vec<&str> = words.split(' ').collect();
    assert_eq!(ends(text), by_the_book(&words));
    for count in 8..words.len() {
        assert_eq!(
            ends(&words[..count].join(" ").replace('#', "7")),
            by_the_book(&words[..count]),
            "{count}"
        );
    }

    let four = "tell me a joke";
    let hashes: Vec<u8> =
        four.split(' ').flat_map(|word| xxh3_64_with_seed(word.as_bytes(), SEED).to_le_bytes()).collect();
    let all = Some(key(xxh3_64_with_seed(&hashes, SEED)));
    assert_eq!(ends("Tell me a joke!"), Ends { head: all, tail: None, body: None });
    assert_eq!(of_system("Tell me: a joke?").key, all);
    assert_eq!(ends("a joke, please"), Ends::default());
    assert_eq!(key(u64::MAX), u32::MAX - 1);
}

/// Keys that are on disks: they may not change.
#[test]
fn the_keys_are_the_same_for_ever() {
    let prompt =
        "Summarise the article below in two sentences for a reader who knows nothing of the matter: 1234";
    let numbers = sketch(Given { prompt, system: "You are terse.", prefix_hash: "p", ..Given::default() });
    let keys =
        [4_095_471_262, 4_095_471_262, 3_864_334_281, 3_982_716_955, 2_078_103_006, 241_661_658, 0, 95];
    assert_eq!(numbers[Number::Head.index()..], keys.map(Some));
}

#[test]
fn fill_and_typography_change_no_key() {
    let one = "Hello! Translate order 4711 of 2024-05-06 into French, keep HTML_TAGS and https://a.b/c as they are.";
    let two =
        "hello translate  Order 12 of\n1999-12-31 into FRENCH (keep other_tags and http://x.y as they are)";
    assert_eq!(ends(one), ends(two));
    assert!(ends(one).body.is_some());
    assert_ne!(of(one, Number::Exact), of(two, Number::Exact));
    assert_eq!(of_system(one).key, of_system(two).key);
    assert_ne!(ends(one).head, ends(&one.replace("French", "Danish")).head);
    // Numbers in a row are one, so that a list of them has no length.
    assert_eq!(
        ends("add up the following numbers for me 1, 2"),
        ends("add up the following numbers for me 1 2 3 4 5")
    );
}

/// Words that look like nothing else, from a seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: u64) -> u64 {
        self.0 += 1;
        xxh3_64_with_seed(&self.0.to_le_bytes(), 99) % below
    }

    fn word(&mut self) -> String {
        let number = self.next(26 * 26 * 26 * 26);
        [17_576, 676, 26, 1].map(|place| char::from(b'a' + (number / place % 26) as u8)).iter().collect()
    }

    fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

/// Accounts of a synthetic campaign, and prompts of each: what the largest one known sent a day.
const ACCOUNTS: usize = 5;
const PROMPTS: usize = 26;

/// Campaigns with one template each, which is a `share` of prompts of about `length` words and has `before` of the
/// fill before it. Returns of a hundred prompts how many have a key that three accounts or more have, and of a
/// hundred accounts how many have at least two such prompts.
fn caught(number: Number, length: usize, share: f64, before: f64) -> (usize, usize) {
    const CAMPAIGNS: usize = 20;
    let mut noise = Noise((length as u64) << 32 | (share * 1000.0 + before * 10.0) as u64);
    let (mut prompts, mut accounts) = (0, 0);
    for _ in 0..CAMPAIGNS {
        let template = noise.words((length as f64 * share) as usize);
        let mut keys = Vec::new();
        let mut holders = BTreeMap::<u32, BTreeSet<usize>>::new();
        for account in 0..ACCOUNTS {
            for _ in 0..PROMPTS {
                // Fill has not always the same length.
                let fill = length as f64 * (1.0 - share) * (0.9 + noise.next(20) as f64 / 100.0);
                let first = noise.words((fill * before) as usize);
                let prompt =
                    [first, template.clone(), noise.words((fill * (1.0 - before)) as usize)].join(" ");
                let key = of(&prompt, number).expect("it has eight words");
                keys.push((account, key));
                holders.entry(key).or_default().insert(account);
            }
        }
        keys.retain(|(_, key)| holders[key].len() >= 3);
        prompts += keys.len();
        accounts += (0..ACCOUNTS)
            .filter(|own| keys.iter().filter(|(account, _)| account == own).count() >= 2)
            .count();
    }
    let percent = |count: usize, of: usize| count * 100 / of;
    (percent(prompts, CAMPAIGNS * ACCOUNTS * PROMPTS), percent(accounts, CAMPAIGNS * ACCOUNTS))
}

#[test]
fn a_template_that_is_a_part_of_the_prompt_is_caught() {
    // Words, share of the template; of a hundred accounts at least how many by the head where the template is the
    // beginning, by the tail where it is the end, by the body where it is in the middle.
    let cases = [
        (50, 0.3, 80, 40),
        (50, 0.5, 100, 85),
        (100, 0.15, 85, 15),
        (200, 0.15, 100, 35),
        (200, 0.3, 100, 60),
    ];
    for (length, share, at_the_ends, in_the_middle) in cases {
        let (_, head) = caught(Number::Head, length, share, 0.0);
        let (_, tail) = caught(Number::Tail, length, share, 1.0);
        let (_, body) = caught(Number::Body, length, share, 0.5);
        assert!(
            head >= at_the_ends && tail >= at_the_ends && body >= in_the_middle,
            "{length} words, {share}: head {head}, tail {tail}, body {body}"
        );
    }
    let (prompts, _) = caught(Number::Head, 200, 0.15, 0.0);
    assert_eq!(prompts, 100, "a template of more than 20 words is the key");
}

#[test]
fn prompts_without_a_template_have_nothing_in_common() {
    for number in [Number::Head, Number::Tail, Number::Body] {
        assert_eq!(caught(number, 60, 0.0, 0.5), (0, 0), "{number:?}");
    }
}

#[test]
fn ordinary_sentences_are_not_marked() {
    let sentences = [
        "Explain why the sky is blue.",
        "Explain step by step how to bake sourdough bread.",
        "What is the reasoning behind the new tax law?",
        "Rate these five films and tell me which is better.",
        "I was chosen and then rejected by two schools.",
        "Enter this code to open the door of the flat in Java.",
        "Our travel agent can call you back tomorrow.",
        "How do I take a screenshot on my phone?",
        "Write a poem about a judge who grows tomatoes.",
        "The tool box is in the garage, use the hammer.",
        "\u{8BF7}\u{89E3}\u{91CA}\u{4E3A}\u{4EC0}\u{4E48}\u{5929}\u{7A7A}\u{662F}\u{84DD}\u{8272}\u{7684}\u{3002}",
        "\u{63A8}\u{8350}\u{51E0}\u{90E8}\u{8BC4}\u{5206}\u{9AD8}\u{7684}\u{7535}\u{5F71}\u{3002}",
        "Explica por qu\u{E9} el cielo es azul.",
        "La respuesta inmune se eval\u{FA}a en la cl\u{ED}nica.",
        "Erkl\u{E4}re Schritt f\u{FC}r Schritt, wie man Brot backt.",
        "Bitte nutze den folgenden Code f\u{FC}r deinen Rabatt.",
        "Explique-moi pourquoi le ciel est bleu.",
        "Note la r\u{E9}ponse dans ton cahier, c'est le code postal.",
        "\u{7A7A}\u{306F}\u{306A}\u{305C}\u{9752}\u{3044}\u{306E}\u{304B}\u{8AAC}\u{660E}\u{3057}\u{3066}\u{304F}\u{3060}\u{3055}\u{3044}\u{3002}",
        "\u{41E}\u{431}\u{44A}\u{44F}\u{441}\u{43D}\u{438}, \u{43F}\u{43E}\u{447}\u{435}\u{43C}\u{443} \u{43D}\u{435}\u{431}\u{43E} \u{433}\u{43E}\u{43B}\u{443}\u{431}\u{43E}\u{435}.",
        "\u{41A}\u{430}\u{43A}\u{43E}\u{439} \u{43A}\u{43E}\u{434} \u{443} \u{44D}\u{442}\u{43E}\u{439} \u{434}\u{432}\u{435}\u{440}\u{438}?",
        "Explique por que o c\u{E9}u \u{E9} azul.",
        "\u{D558}\u{B298}\u{C774} \u{C65C} \u{D30C}\u{B780}\u{C9C0} \u{C124}\u{BA85}\u{D574} \u{C8FC}\u{C138}\u{C694}.",
    ];
    for sentence in sentences {
        assert_eq!(of(sentence, Number::Marks), Some(0), "{sentence}");
    }
}

const MARKED: &[(u32, &str)] = &[
    (
        mark::REASONING,
        "Imagine and articulate the internal reasoning behind this completed response, and write it out step by step.",
    ),
    (mark::REASONING, "Let\u{2019}s think\nSTEP   by-step."),
    (mark::REASONING, "Show your full chain-of-thought; then answer."),
    (
        mark::REASONING,
        "The reasoning process and answer are enclosed within <think> </think> and <answer> </answer> tags.",
    ),
    (
        mark::REASONING,
        "The language used in the thinking content must be strictly consistent with that of the user.",
    ),
    (
        mark::REASONING,
        "\u{8BF7}\u{4E00}\u{6B65}\u{4E00}\u{6B65}\u{601D}\u{8003}\u{FF0C}\u{5E76}\u{8F93}\u{51FA}\u{4F60}\u{7684}\u{601D}\u{8003}\u{8FC7}\u{7A0B}\u{3002}",
    ),
    (mark::REASONING, "Piensa paso a paso y muestra tu razonamiento."),
    (mark::REASONING, "Denke Schritt f\u{FC}r Schritt nach."),
    (mark::REASONING, "R\u{E9}fl\u{E9}chis \u{E9}tape par \u{E9}tape."),
    (
        mark::REASONING,
        "\u{30B9}\u{30C6}\u{30C3}\u{30D7}\u{30D0}\u{30A4}\u{30B9}\u{30C6}\u{30C3}\u{30D7}\u{3067}\u{8003}\u{3048}\u{3066}\u{304F}\u{3060}\u{3055}\u{3044}\u{3002}",
    ),
    (
        mark::REASONING,
        "\u{420}\u{430}\u{441}\u{441}\u{443}\u{436}\u{434}\u{430}\u{439} \u{448}\u{430}\u{433} \u{437}\u{430} \u{448}\u{430}\u{433}\u{43E}\u{43C}.",
    ),
    (mark::REASONING, "Pense passo a passo."),
    (mark::REASONING, "\u{B2E8}\u{ACC4}\u{BCC4}\u{B85C} \u{C0DD}\u{AC01}\u{D574} \u{C8FC}\u{C138}\u{C694}."),
    (mark::GRADING, "Please act as an impartial judge and say which assistant is better."),
    (mark::GRADING, "Score the response from 1 to 10 using the rubric below."),
    (
        mark::GRADING,
        "\u{8BF7}\u{6839}\u{636E}\u{8BC4}\u{5206}\u{6807}\u{51C6}\u{5BF9}\u{4EE5}\u{4E0B}\u{56DE}\u{7B54}\u{6253}\u{5206}\u{3002}",
    ),
    (mark::GRADING, "Act\u{FA}a como juez imparcial."),
    (mark::GRADING, "Bewerte die Qualit\u{E4}t der Antworten."),
    (mark::GRADING, "Attribuez une note de 0 \u{E0} 5."),
    (
        mark::GRADING,
        "\u{63A1}\u{70B9}\u{57FA}\u{6E96}\u{306B}\u{5F93}\u{3063}\u{3066}\u{304F}\u{3060}\u{3055}\u{3044}\u{3002}",
    ),
    (
        mark::GRADING,
        "\u{41E}\u{446}\u{435}\u{43D}\u{438}\u{442}\u{435} \u{43A}\u{430}\u{447}\u{435}\u{441}\u{442}\u{432}\u{43E} \u{43E}\u{442}\u{432}\u{435}\u{442}\u{430}.",
    ),
    (mark::GRADING, "Atribua uma pontua\u{E7}\u{E3}o."),
    (mark::GRADING, "\u{B2F5}\u{BCC0}\u{C744} \u{D3C9}\u{AC00}\u{D574} \u{C8FC}\u{C138}\u{C694}."),
    (mark::AGENT, "You are an autonomous agent. Keep going."),
    (mark::AGENT, "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_01\",\"content\":\"ok\"}"),
    (mark::AGENT, "You have access to the following tools:"),
    (mark::AGENT, "{\"functionCall\": {\"name\": \"find\"}}"),
    (mark::AGENT, "\u{4F60}\u{53EF}\u{4EE5}\u{4F7F}\u{7528}\u{4EE5}\u{4E0B}\u{5DE5}\u{5177}\u{3002}"),
    (mark::AGENT, "Tienes acceso a las siguientes herramientas"),
    (mark::AGENT, "Du hast Zugriff auf die folgenden Werkzeuge"),
    (mark::AGENT, "Vous avez acc\u{E8}s aux outils suivants"),
    (
        mark::AGENT,
        "\u{30C4}\u{30FC}\u{30EB}\u{3092}\u{547C}\u{3073}\u{51FA}\u{3057}\u{3066}\u{304F}\u{3060}\u{3055}\u{3044}",
    ),
    (
        mark::AGENT,
        "\u{434}\u{43E}\u{441}\u{442}\u{443}\u{43F} \u{43A} \u{441}\u{43B}\u{435}\u{434}\u{443}\u{44E}\u{449}\u{438}\u{43C} \u{438}\u{43D}\u{441}\u{442}\u{440}\u{443}\u{43C}\u{435}\u{43D}\u{442}\u{430}\u{43C}",
    ),
    (mark::AGENT, "acesso \u{E0}s seguintes ferramentas"),
    (mark::AGENT, "\u{B3C4}\u{AD6C}\u{B97C} \u{D638}\u{CD9C}\u{D558}\u{C138}\u{C694}"),
    (mark::CODING, "Write a function in Python that sorts a list."),
    (mark::CODING, "Traceback (most recent call last):\n  TypeError"),
    (mark::CODING, "Please use JavaScript."),
    (mark::CODING, "\u{7528}Python\u{5199}\u{4E00}\u{4E2A}\u{51FD}\u{6570}\u{3002}"),
    (mark::CODING, "Escribe una funci\u{F3}n"),
    (mark::CODING, "Erkl\u{E4}re diesen Code"),
    (mark::CODING, "\u{C9}cris une fonction"),
    (
        mark::CODING,
        "\u{30B3}\u{30FC}\u{30C9}\u{3092}\u{66F8}\u{3044}\u{3066}\u{304F}\u{3060}\u{3055}\u{3044}",
    ),
    (
        mark::CODING,
        "\u{41D}\u{430}\u{43F}\u{438}\u{448}\u{438} \u{444}\u{443}\u{43D}\u{43A}\u{446}\u{438}\u{44E} \u{43D}\u{430} Python",
    ),
    (mark::CODING, "Escreva uma fun\u{E7}\u{E3}o"),
    (mark::CODING, "\u{D568}\u{C218}\u{B97C} \u{C791}\u{C131}\u{D574} \u{C8FC}\u{C138}\u{C694}"),
];

#[test]
fn what_asks_for_it_is_marked_in_nine_languages() {
    for (bit, sentence) in MARKED.iter().copied() {
        let marks = of(sentence, Number::Marks).unwrap_or(0);
        assert_ne!(marks & bit, 0, "{sentence}");
        assert_eq!(of_system(sentence).marks, marks, "{sentence}");
    }
}

#[test]
fn every_phrase_of_the_lists_is_found_and_is_there_once() {
    let mut seen = BTreeSet::new();
    for (bit, list) in phrases::LISTS {
        let name = mark::ALL.iter().find(|(mark, _)| *mark == bit).expect("has a name").1;
        for line in phrases::lines(list) {
            assert!(seen.insert((name, normal(line))), "{name}: {line} is there twice");
            let (phrase, more) = line.strip_suffix('*').map_or((line, ""), |phrase| (phrase, "xy"));
            for text in [format!("so {phrase}{more}, yes"), format!("{phrase}{more}").replace(' ', "\n ")] {
                assert_ne!(of_prompt(&text).marks & bit, 0, "{name}: {text}");
            }
        }
    }
    assert!(seen.len() > 700, "{}", seen.len());
    // A phrase is words: it neither begins nor ends inside of one.
    for text in ["rethink step by step", "think step by steps", "leetcodes", "xgolang"] {
        assert_eq!(of_prompt(text).marks, 0, "{text}");
    }
}

#[test]
fn phrases_are_found_behind_others_and_not_across_a_gap() {
    assert_eq!(of("think think step by step by step", Number::Marks), Some(mark::REASONING));
    let both = "show your full chain of thought in python";
    assert_eq!(of(both, Number::Marks), Some(mark::REASONING | mark::CODING));
    // The first piece of a long prompt ends with the first half of a phrase, the last begins with the other.
    let mut long = "a ".repeat(SKETCH_BYTES_MAX);
    let begin = SKETCH_END_BYTES - "think step ".len();
    long.replace_range(begin..SKETCH_END_BYTES, "think step ");
    let last = long.len() - SKETCH_END_BYTES;
    long.replace_range(last..last + "by step ".len(), "by step ");
    assert_eq!(of(&long, Number::Marks), Some(0));
    long.replace_range(last..last + "in python ".len(), "in python ");
    assert_eq!(of(&long, Number::Marks), Some(mark::CODING));
}

#[test]
fn marks_come_from_the_system_prompt_too() {
    let given = Given { prompt: "Why is the sky blue?", system: "Think step by step.", ..Given::default() };
    assert_eq!(sketch(given)[Number::Marks.index()], Some(mark::REASONING));
    let numbers = sketch(Given { system: "Think step by step.", ..Given::default() });
    let there = Number::ALL.into_iter().filter(|number| numbers[number.index()].is_some());
    assert_eq!(there.collect::<Vec<_>>(), [Number::System, Number::Marks]);
}

#[test]
fn what_the_gateway_gives_stands_where_there_is_no_text() {
    let all = |given| {
        let numbers = sketch(given);
        [Number::Head, Number::Tail, Number::Body, Number::Exact, Number::Prefix]
            .map(|it| numbers[it.index()])
    };
    let own = |text: &str| Some(key(xxh3_64_with_seed(text.as_bytes(), SEED)));
    let hashes = Given { prompt_hash: "e", template: "t", prefix_hash: "p", ..Given::default() };
    assert_eq!(all(hashes), [own("t"), None, own("t"), own("e"), own("p")]);

    let prompt = "Write a long and careful answer to the question of this customer, please.";
    let text = all(Given { prompt, ..Given::default() });
    assert_eq!(all(Given { prompt, ..hashes }), [text[0], text[1], own("t"), own(prompt), own("p")]);
    assert_eq!(sketch(Given::default()), [None; Number::COUNT]);
}

#[test]
fn a_long_prompt_is_known_again_by_its_beginning() {
    let turn = "\u{E9}\u{4E2D}x ".repeat(1_125);
    assert_eq!(of(&turn, Number::PromptChars), Some(4_500));
    let first = of(&turn, Number::Prefix);
    assert_eq!(first, of(&format!("{turn} and another turn"), Number::Prefix));
    let (end, _) = turn.char_indices().nth(4_000).expect("long enough");
    assert_eq!(first, Some(key(xxh3_64_with_seed(&turn.as_bytes()[..end], SEED))));
    assert_ne!(first, of(&turn.replacen('x', "y", 1), Number::Prefix));
    let shorter: String = turn.chars().take(4_499).collect();
    assert_eq!(of(&shorter, Number::Prefix), None);
}

#[test]
fn of_a_long_text_the_ends_and_some_pieces_are_read() {
    let mut noise = Noise(1);
    let text = noise.words(SKETCH_STRIDE_BYTES);
    assert!(text.len() > 4 * SKETCH_STRIDE_BYTES);
    let read: Vec<&str> = pieces(&text).collect();
    assert_eq!(read[0], &text[..SKETCH_END_BYTES]);
    assert_eq!(read[1], &text[SKETCH_STRIDE_BYTES..SKETCH_STRIDE_BYTES + SKETCH_PIECE_BYTES]);
    assert_eq!(read[read.len() - 1], &text[text.len() - SKETCH_END_BYTES..]);
    // A template in a piece leaves its key; what is between the pieces leaves none.
    let base = ends(&text);
    let changed = |at: usize| {
        let mut other = text.clone();
        other.replace_range(at..at + 5, "other");
        of_prompt(&other).ends == base && of(&other, Number::Exact) != of(&text, Number::Exact)
    };
    assert!(changed(SKETCH_STRIDE_BYTES - 5_000));

    let most: usize = pieces(&"a".repeat(LINE_BYTES_MAX)).map(str::len).sum();
    assert!(most <= 87 << 10, "{most}");
    let whole = "\u{4E2D}".repeat(SKETCH_BYTES_MAX / 3);
    assert_eq!(pieces(&whole).collect::<Vec<_>>(), [whole.as_str()]);
}

#[test]
fn a_remembered_system_prompt_has_the_same_sketch() {
    let mut systems = Systems::default();
    for round in 0..2 {
        for number in 0..1_000 {
            let text = format!("{} Think step by step.", Noise(number * 10).words(3));
            assert_eq!(systems.sketch(&text, 7), of_system(&text), "{round} {number}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_and_always_the_same(text in any::<String>(), times in 1_usize..400) {
        let text = text.repeat(times);
        let given = Given { prompt: &text, system: &text, ..Given::default() };
        let numbers = sketch(given);
        prop_assert_eq!(numbers, sketch(given));
        prop_assert!(numbers.iter().flatten().all(|number| *number < u32::MAX));
        prop_assert_eq!(numbers[Number::Exact.index()].is_some(), !text.is_empty());
    }

    #[test]
    fn words_are_short_lower_case_and_without_gaps(text in "[a-zA-Z0-9_./:@=\\\\ #\u{301}\u{E9}\u{C9}\u{130}\u{4E2D}\u{E01}\u{FF21}\u{3002}-]{0,200}") {
        let mut count = 0;
        words(&text, |word| {
            count += 1;
            let word = std::str::from_utf8(word.text).expect("a word is text");
            assert!(!word.is_empty() && word.len() <= 64, "{word:?}");
            assert!(!word.contains(char::is_whitespace) && !word.contains(char::is_uppercase), "{word:?}");
        });
        prop_assert!(count <= text.chars().count());
    }

    /// A mark of no width sends a word the long way round, past the short way for plain words.
    #[test]
    fn both_ways_through_a_word_come_to_the_same(text in "[ -~\n]{0,200}") {
        let long_way: String = text.chars().flat_map(|it| [Some(it), it.is_ascii_alphabetic().then_some('\u{200B}')]).flatten().collect();
        prop_assert_eq!(normal(&long_way), normal(&text));
    }

    /// A piece may begin and end anywhere, and pieces neither overlap nor come in another order.
    #[test]
    fn pieces_are_in_order(unit in "[a\u{E9}\u{4E2D}\u{1F600}]{1,5}", bytes in 0_usize..300_000) {
        let text = unit.repeat(bytes / unit.len());
        let mut end = text.as_ptr() as usize;
        for piece in pieces(&text) {
            prop_assert!(piece.as_ptr() as usize >= end);
            end = piece.as_ptr() as usize + piece.len();
        }
        prop_assert_eq!(end, text.as_ptr() as usize + text.len());
    }

    #[test]
    fn fill_at_one_end_leaves_the_key_of_the_other(fill in any::<String>(), more in any::<String>()) {
        let template = Noise(5).words(20);
        let wanted = ends(&template);
        prop_assert_eq!(ends(&format!("{template} {fill} . {more}")).head, wanted.head);
        prop_assert_eq!(ends(&format!("{fill} {more} {template}")).tail, wanted.tail);
    }
}
