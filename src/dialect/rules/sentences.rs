//! The sentences in which a sensor may say that somebody did something to a thing, or failed to.
//!
//! ```toml
//! thing = '(?:alert )?exclusion rule'     # what it is called: a regex without captures
//! verbs = ["delete/deleted/deletion"]     # to do it / done / the noun, which may be missing
//! naming = "named"                        # the default: it has a name; "either": it may also come without one;
//!                                         # "words": so, and its name may be several words without quotes;
//!                                         # "itself": it has no other name, and is the target
//! ```
//!
//! ```text
//! User alice deleted exclusion rule "Night"       Exclusion rule "Night" was deleted by alice
//! Exclusion rule deleted by alice: "Night"        Exclusion rule deleted: "Night"
//! alice failed to delete exclusion rule "Night"   Failed to delete exclusion rule "Night": not permitted
//! Deletion of exclusion rule "Night" by alice     Exclusion rule deletion failed: not permitted
//! ```
//!
//! There is one pattern for each sentence, with all things and verbs in it; which of them it was is found out
//! afterwards: so things times verbs times sentences do not make an automaton of that size.
//!
//! Invariant: every pattern is anchored at the start, and where no auxiliary verb tells the thing from the actor
//! ("User bob created"), the sentence ends there or names the actor.

use super::matcher::{self, Matcher};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A thing and what can be done to it.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    /// What it is called.
    pub(super) name: String,
    pub(super) verbs: Vec<Verb>,
    pub(super) naming: Naming,
}

/// What follows when a thing is spoken of; in the tables below, of which things a sentence can be said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Naming {
    /// Its name.
    #[default]
    Named,
    /// Its name of several words, or nothing.
    Words,
    /// Its name or nothing.
    Either,
    /// Nothing: it is one of a kind.
    Itself,
    /// In a sentence: all but those with a name.
    Alone,
    /// In a sentence: all.
    Any,
}

impl Naming {
    /// As a rule file has it.
    pub(super) fn parse(word: &str) -> Option<Naming> {
        let known = NAMINGS.iter().position(|known| *known == word)?;
        [Naming::Named, Naming::Words, Naming::Either, Naming::Itself].get(known).copied()
    }

    /// Whether a sentence of that kind can be said of such a thing.
    fn suits(self, thing: Naming) -> bool {
        match self {
            Naming::Any => true,
            Naming::Named => thing != Naming::Itself,
            Naming::Alone => thing != Naming::Named,
            other => other == thing,
        }
    }
}

/// The words for it in a rule file.
pub(super) const NAMINGS: [&str; 4] = ["named", "words", "either", "itself"];

/// A verb in its forms; a form that it does not have is empty.
#[derive(Debug, Clone)]
pub(super) struct Verb {
    forms: [String; 3],
}

impl Verb {
    /// Reads `create/created/creation`.
    pub(super) fn parse(text: &str) -> Option<Verb> {
        let mut forms = text.split('/').map(|form| form.trim().to_owned());
        let forms = [forms.next()?, forms.next()?, forms.next().unwrap_or_default()];
        let is_word =
            |form: &String| form.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -".contains(&byte));
        (!forms[0].is_empty() && !forms[1].is_empty() && forms.iter().all(is_word)).then_some(Verb { forms })
    }

    /// The forms that it has.
    fn forms(&self) -> impl Iterator<Item = (Form, &str)> {
        let forms =
            [Form::ToDo, Form::Done, Form::Noun].into_iter().zip(self.forms.iter().map(String::as_str));
        forms.filter(|(_, form)| !form.is_empty())
    }
}

/// Which form of the verb a sentence has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    ToDo,
    Done,
    Noun,
}

/// One sentence, said about some things.
#[derive(Debug)]
pub(super) struct Sentence {
    form: Form,
    pub(super) fails: bool,
    naming: Naming,
    form_of: &'static str,
}

impl Sentence {
    /// The sentences that can be said about these things, in the order in which they are tried.
    pub(super) fn all(things: &[&Thing]) -> Vec<(Sentence, String)> {
        let mut found = Vec::new();
        for &(form, fails, naming, texts) in SENTENCES {
            let fits = |thing: &&&Thing| {
                naming.suits(thing.naming)
                    && thing.verbs.iter().any(|verb| !verb.forms[form as usize].is_empty())
            };
            let things: Vec<&Thing> = things.iter().filter(fits).copied().collect();
            if things.is_empty() {
                continue;
            }
            let mut names: Vec<&str> = Vec::new();
            for thing in &things {
                if !names.contains(&thing.name.as_str()) {
                    names.push(&thing.name);
                }
            }
            let verbs = alternatives(
                things.iter().flat_map(|thing| &thing.verbs).map(|verb| &verb.forms[form as usize]),
            );
            let thing = format!("(?:a |an |the )?(?:new )?(?<thing>{})", names.join("|"));
            for text in texts {
                let pattern = text
                    .replace("<VERB>", &format!("(?<verb>{verbs})"))
                    .replace("<THING>", &thing)
                    .replace("<REST>", REST)
                    .replace("<NAMED>", NAMED);
                found.push((Sentence { form, fails, naming, form_of: text }, pattern));
            }
        }
        found
    }

    /// The sentence as the tables below have it.
    pub(super) fn form_of(&self) -> &'static str {
        self.form_of
    }
}

/// Whether a name without quotes is none, but a word of the sentence.
pub(super) fn is_of_the_sentence(name: &str) -> bool {
    name.len() <= SMALL_WORD_BYTES_MAX && SMALL_WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

/// The words, those with the same first letter together: an alternative that is none is passed in one step.
fn alternatives<'a>(words: impl Iterator<Item = &'a String>) -> String {
    let mut words: Vec<&str> = words.map(String::as_str).filter(|word| !word.is_empty()).collect();
    words.sort_unstable_by_key(|word| (word.as_bytes()[0], std::cmp::Reverse(word.len()), *word));
    words.dedup();
    let groups = words.chunk_by(|one, other| one.as_bytes()[0] == other.as_bytes()[0]);
    let group = |words: &[&str]| {
        let tails: Vec<&str> = words.iter().map(|word| &word[1..]).collect();
        format!("{}(?:{})", &words[0][..1], tails.join("|"))
    };
    groups.map(group).collect::<Vec<_>>().join("|")
}

/// Things by what can be done to them and what they are called.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// Places in the table of all rules, and the things.
    things: Vec<(usize, Thing)>,
    /// Each form of each verb, in the order of their keys, with the numbers of the things that have it.
    verbs: Vec<(VerbKey, String, Vec<usize>)>,
    /// For each thing its name and nothing else; made when first needed.
    names: Vec<OnceLock<Option<Matcher>>>,
}

impl Vocabulary {
    pub(super) fn of(things: Vec<(usize, Thing)>) -> Vocabulary {
        let mut verbs: BTreeMap<(VerbKey, String), Vec<usize>> = BTreeMap::new();
        for (number, (_, thing)) in things.iter().enumerate() {
            for (form, verb) in thing.verbs.iter().flat_map(Verb::forms) {
                let numbers = verbs.entry((key(form, verb), verb.to_ascii_lowercase())).or_default();
                if numbers.last() != Some(&number) {
                    numbers.push(number);
                }
            }
        }
        let verbs = verbs.into_iter().map(|((key, verb), numbers)| (key, verb, numbers)).collect();
        let names = things.iter().map(|_| OnceLock::new()).collect();
        Vocabulary { things, verbs, names }
    }

    /// The place of the rule about the first of them.
    pub(super) fn first(&self) -> Option<usize> {
        self.things.first().map(|(place, _)| *place)
    }

    pub(super) fn things(&self) -> Vec<&Thing> {
        self.things.iter().map(|(_, thing)| thing).collect()
    }

    /// The places of the rules about a thing that is called so and to which that can be done, in order.
    pub(super) fn find(&self, sentence: &Sentence, thing: &str, verb: &str) -> impl Iterator<Item = usize> {
        let key = key(sentence.form, verb);
        let first = self.verbs.partition_point(|(known, _, _)| *known < key);
        let mut alike = self.verbs[first..].iter().take_while(|(known, _, _)| *known == key);
        let known = alike.find(|(_, known, _)| known.eq_ignore_ascii_case(verb));
        let numbers = known.map_or(&[][..], |(_, _, numbers)| numbers);
        let is_it = move |number: &&usize| {
            let naming = self.things[**number].1.naming;
            sentence.naming.suits(naming) && self.is_called(**number, thing)
        };
        numbers.iter().filter(is_it).map(|&number| self.things[number].0)
    }

    fn is_called(&self, number: usize, name: &str) -> bool {
        let matcher = self.names[number].get_or_init(|| {
            let pattern = format!("^(?:{})$", self.things[number].1.name);
            Some(Matcher::of(&pattern, &matcher::parse(&pattern)?))
        });
        matcher.as_ref().is_some_and(|matcher| matcher.matches(name))
    }
}

/// What tells verbs apart at a glance.
type VerbKey = (Form, usize, u8);

fn key(form: Form, verb: &str) -> VerbKey {
    (form, verb.len(), verb.as_bytes().first().map_or(0, u8::to_ascii_lowercase))
}

/// A name, and what may stand behind it in parentheses or as a title.
const NAMED: &str = r##"(?:with )?(?:#|id:? ?#?)?{target}(?: \(id:? ?#?(?<target_id>[0-9A-Za-z-]+)\))?(?: \([^()]*\)| "[^"]*")??"##;
/// What it was and is now, or the role that an account is given.
const REST: &str = r"(?: manually| from the (?:device )?inventory)?(?:(?:(?: from (?:version )?{old_role})? (?:to|as|on interface)(?: version| interface)?|,? \(?(?:with |and )?(?:the )?(?:user )?role(?: of)?:?) {new_role}\)?(?: minutes| seconds| hours| days)?)?";

/// The tables in the order in which they are tried: the more exact go first. Where the verb stands before the name,
/// what follows cannot be the name of the actor.
const SENTENCES: &[(Form, Fails, Naming, &[&str])] = &[
    (
        Form::ToDo,
        true,
        Naming::Alone,
        &[
            r"^{actor}{could_not} <VERB> <THING><REST>{from}(?:{because}|\.?$)",
            r"^(?:failed to|could not|unable to|cannot) <VERB> <THING>(?:{by})?{from}(?:{because}|\.?$)",
        ],
    ),
    (
        Form::ToDo,
        true,
        Naming::Named,
        &[
            r"^{actor}{could_not} <VERB> <THING> <NAMED><REST>{from}{why}",
            r"^(?:failed to|could not|unable to|cannot) <VERB> <THING> <NAMED>(?:{by})?{from}{why}",
        ],
    ),
    (
        Form::Done,
        true,
        Naming::Any,
        &[r"^<THING>(?: <NAMED>)? (?:could not be|cannot be|was not) <VERB>(?:{by})?{from}{why}"],
    ),
    (
        Form::Noun,
        true,
        Naming::Any,
        &[
            r"^(?:the )?<VERB> of <THING>(?: <NAMED>)?<REST>(?:{by})?{from} (?:has )?failed{why}",
            r"^<THING>(?: <NAMED>)? <VERB><REST>(?:{by})?{from} (?:has )?failed{why}",
        ],
    ),
    (
        Form::Done,
        false,
        Naming::Named,
        &[
            r"^<THING>(?:{were})? <VERB>: <NAMED><REST>(?:{by})?{from}",
            r"^<THING>(?:{were})? <VERB>{by}{from}(?::|,| -) <NAMED>",
        ],
    ),
    (Form::Done, false, Naming::Alone, &[r"^<THING>(?:{were})? <VERB><REST>(?:{by})?{from}"]),
    // These two are neighbours: where the first takes a small word for a name, the second is tried at once.
    (
        Form::Done,
        false,
        Naming::Named,
        &[r"^{actor} (?:has )?(?:successfully )?<VERB>(?: manually)? <THING>:? <NAMED><REST>{from}"],
    ),
    (Form::Done, false, Naming::Alone, &[r"^{actor} (?:has )?(?:successfully )?<VERB> <THING><REST>{from}"]),
    (
        Form::Done,
        false,
        Naming::Named,
        &[
            r"^<THING> <NAMED>(?:{were})? <VERB><REST>{by}{from}",
            r"^<THING> <NAMED>{were} <VERB><REST>{from}",
            r"^<THING> <NAMED> <VERB>\.?$",
            r"^<VERB> <THING>:? <NAMED>(?:{by})?{from}",
        ],
    ),
    (Form::Done, false, Naming::Words, &[r#"^<THING> (?<target>[^"]+?){were} <VERB>(?:{by})?{from}"#]),
    (
        Form::Noun,
        false,
        Naming::Any,
        &[
            r"^(?:the )?<VERB> of <THING>(?: <NAMED>)??<REST>{by}{from}",
            r"^<THING> <VERB><REST>(?: (?:was )?(?:completed|started))?{by}{from}(?:: <NAMED>)?",
        ],
    ),
    (Form::Noun, false, Naming::Named, &[r"^<THING> <VERB>: <NAMED>(?:{by})?{from}"]),
    (
        Form::Noun,
        false,
        Naming::Alone,
        &[r"^<THING> <VERB><REST> (?:was |has been )?(?:completed|successful|succeeded|started)"],
    ),
];

const SMALL_WORDS: [&str; 19] = [
    "from", "by", "to", "at", "on", "of", "for", "with", "because", "due", "was", "were", "is", "has",
    "failed", "could", "rule", "file", "package",
];
const SMALL_WORD_BYTES_MAX: usize = "because".len();
/// Whether it was not done.
type Fails = bool;
