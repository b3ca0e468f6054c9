//! The words of prompts: two thousand, a few hundred of them English, the others made up.
//!
//! Many enough that two prompts drawn from them never have eight words in a row in common by chance.

use super::dice::Dice;
use std::collections::BTreeSet;

/// How many words there are.
const WORDS: usize = 2_000;

/// Words that everybody uses.
const ENGLISH: &str = "about above across after again against almost along already also although always among \
    another answer anybody anything around article author balance because become before behind believe better \
    between beyond book branch bridge bring broken brother budget build button camera cannot careful carry cause \
    center certain change chapter choice circle city clear close cloud coffee collect color common company \
    compare complete concern consider contain corner correct country course cover create culture current custom \
    daily danger decide deep degree deliver depend describe design detail differ dinner direct distance doctor \
    double dream during early earth eastern effort either empty engine enough evening event every exact example \
    expect explain express extra family famous farmer father figure final finger finish flower follow foreign \
    forest forget formal forward friend front future garden gather general gentle glass golden ground group \
    growth guess happen harbor hardly health heavy height history holiday honest hotel hour however human \
    hundred idea image important include increase indeed inside instead island itself journey kitchen known \
    ladder language large later laugh learn leave letter level library light likely limit listen little local \
    machine manner many market matter maybe meaning measure medicine meeting member memory middle minute mirror \
    modern moment money month morning mother motion mountain music narrow nation nature near nearly never night \
    noise normal north nothing notice number object ocean offer office often only open opinion orange order \
    other outside paper parent partly people perhaps period person picture place planet plant please point \
    polite popular possible practice present pretty price private problem promise proper public purpose quarter \
    quick quiet quite rather reach ready reason recent record region relate remain remember repeat report rest \
    result return river road room round sample school science season second secret seem select sense separate \
    serious settle seven shadow share short should silver similar simple since single sister sleep small smooth \
    social soft some sound south special spoken spring square stand station still stone story strange street \
    strong student study such sudden summer supply surface system table target teacher temper thank their theory \
    there thing third thought thousand through ticket today together tomorrow toward travel under unique until \
    usual valley value various very village visit voice volume waiter water weather week weight western whether \
    while whole window winter within without wonder wooden worker world writer yellow young";

/// Pieces of made-up words; a word is two or three of them.
const SYLLABLES: &[&str; 32] = &[
    "ba", "cor", "del", "fin", "gra", "hul", "jan", "kel", "lor", "mar", "nev", "ost", "pra", "quin", "rel",
    "san", "tor", "umb", "vel", "wen", "yar", "zim", "bro", "che", "dun", "fal", "gor", "hin", "lup", "mis",
    "nor", "tak",
];

/// Two thousand words in one text, each with the space after it.
pub(super) struct Words {
    text: Vec<u8>,
    /// Where each word begins, and the end of the last.
    starts: Vec<u16>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut chosen: Vec<String> = ENGLISH.split_whitespace().map(str::to_owned).collect();
        let mut seen: BTreeSet<String> = chosen.iter().cloned().collect();
        let mut dice = Dice::of(&[0x30]);
        while chosen.len() < WORDS {
            let parts = 2 + dice.under(2);
            let word: String = (0..parts).map(|_| syllable(dice.next())).collect();
            if seen.insert(word.clone()) {
                chosen.push(word);
            }
        }
        let (mut text, mut starts) = (Vec::new(), vec![0]);
        for word in chosen {
            text.extend_from_slice(word.as_bytes());
            text.push(b' ');
            starts.push(text.len() as u16);
        }
        Self { text, starts }
    }

    /// Writes a word and a space.
    pub(super) fn write(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let number = dice.under(WORDS as u32) as usize;
        if let [start, end] = self.starts[number..=number + 1] {
            out.extend_from_slice(&self.text[usize::from(start)..usize::from(end)]);
        }
    }
}

/// Writes a name that hardly any other prompt has, and a space: one of thirty million.
pub(super) fn write_name(dice: &mut Dice, out: &mut Vec<u8>) {
    let number = dice.next();
    for place in 0..5 {
        out.extend_from_slice(syllable(number >> (8 * place)).as_bytes());
    }
    out.push(b' ');
}

fn syllable(number: u64) -> &'static str {
    SYLLABLES[number as usize % SYLLABLES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_thousand_different_words() {
        let words = Words::new();
        let text = String::from_utf8(words.text.clone()).expect("ASCII");
        let all: BTreeSet<&str> = text.split_whitespace().collect();
        assert_eq!(all.len(), WORDS);
        assert_eq!(words.starts.len(), WORDS + 1);
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' '));
        assert_eq!(usize::from(words.starts[WORDS]), text.len());
    }
}
