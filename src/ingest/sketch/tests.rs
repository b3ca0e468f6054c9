//! Sketches of prompts: what has the same key, what has not, and that any text is taken.

use super::normalise::words;

fn normal(text: &str) -> String {
    let mut all = Vec::new();
    words(text, |word| {
        all.push(
            String::from_utf8(if word.masked {
                [b"<", word.text, b">"].concat()
            } else {
                word.text.to_vec()
            })
            .unwrap(),
        );
    });
    all.join(" ")
}

#[test]
fn words_are_what_a_template_keeps() {
    for (text, words) in [
        ("Solve the  task, step-by-step:\n\tand/or fail.", "solve the task step by step and or fail"),
        ("order 66 of 2024-01-05 at 10:30, 3.14% or 1,000", "order <#> of <#> at <#> <#> or <#> <#>"),
        ("see https://a.example/b?c=1&d. now", "see <https/a.example/b?c=1&d> now"),
        (
            "snake_case getUserName std::vec a.b.c me@x.org /usr/bin/env",
            "<snake_case> <getusername> <std:vec> <a.b.c> <me@x.org> <usr/bin/env>",
        ),
    ] {
        assert_eq!(normal(text), words, "{text}");
    }
}
