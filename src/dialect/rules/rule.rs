//! One rule, and what it finds in a text.

use super::file::{Example, Place, RuleProblem};
use super::matcher::{self, Matcher, SLOTS_MAX};
use super::pattern;
use super::rest;
use super::sentences::{Sentence, Thing};
use crate::model::{Action, Outcome};
use memchr::memmem;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{PatternID, meta};
use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;

/// A rule as its file has it.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    /// Empty: every type that the action fits.
    pub(super) types: Vec<String>,
    pub(super) title: Option<String>,
    pub(super) pattern: String,
    pub(super) action: Action,
    pub(super) outcome: Outcome,
    pub(super) target_kind: String,
    /// What introduces an actor that stands behind a named thing; empty when anything may.
    pub(super) once: String,
    pub(super) examples: Vec<Example>,
    /// Where its pattern stands.
    pub(super) place: Place,
    pub(super) part: Part,
    /// Made when first needed: a site sees a tenth of all wordings.
    compiled: OnceLock<Option<Compiled>>,
}

/// What its pattern is.
#[derive(Debug)]
pub(super) enum Part {
    /// All that it needs.
    Whole,
    /// The name of a thing; the sentences about it are rules of their own.
    Thing { thing: Thing, failed: Action },
    /// A sentence about the things of a vocabulary.
    Sentence { sentence: Sentence, vocabulary: usize },
}

#[derive(Debug)]
struct Compiled {
    matcher: Matcher,
    /// Group numbers, in the order of `pattern::CAPTURES`.
    groups: [Option<usize>; pattern::CAPTURES.len()],
    /// How many slots all groups have, also those without a name.
    slots: usize,
    /// Finds what may come once only.
    once: memmem::Finder<'static>,
}

/// Where the captures stand.
type Found = [Option<Range<usize>>; pattern::CAPTURES.len()];
/// The places of the actor and of the target among them.
const USER: usize = 0;
const TARGET: usize = 3;

/// What the rules make of a text.
#[expect(clippy::large_enum_variant, reason = "one for each entry, and it stays on the stack")]
#[derive(Debug, Default)]
pub(in super::super) enum Reading<'a> {
    /// A rule knows the wording.
    Words(Words<'a>),
    /// A rule knows the wording, but it may be made up to name somebody else.
    Doubtful,
    /// A rule knows the wording of a success that has failed, as is said behind it: none of its words counts.
    TakenBack,
    /// No rule knows the wording.
    #[default]
    Nothing,
}

impl Reading<'_> {
    /// The reading where it says anything; no success once that of a rule before has been taken back.
    pub(super) fn unless_taken_back(self, is_taken_back: &Cell<bool>) -> Option<Self> {
        match &self {
            Reading::Nothing => return None,
            Reading::TakenBack => is_taken_back.set(true),
            Reading::Words(words) if is_taken_back.get() && words.outcome == Outcome::Success => {}
            Reading::Words(_) | Reading::Doubtful => return Some(self),
        }
        None
    }
}

/// What a rule found.
#[derive(Debug)]
pub(in super::super) struct Words<'a> {
    pub(in super::super) rule: &'a str,
    pub(in super::super) action: Action,
    pub(in super::super) outcome: Outcome,
    pub(in super::super) target_kind: &'a str,
    pub(in super::super) user: Option<&'a str>,
    pub(in super::super) domain: Option<&'a str>,
    pub(in super::super) role: Option<&'a str>,
    pub(in super::super) target: Option<&'a str>,
    pub(in super::super) target_id: Option<&'a str>,
    pub(in super::super) client: Option<&'a str>,
    pub(in super::super) reason: Option<&'a str>,
    pub(in super::super) old: Option<&'a str>,
    pub(in super::super) new: Option<&'a str>,
    /// In a sentence: of what it is said, and what was done to it.
    pub(super) thing: Option<&'a str>,
    pub(super) verb: Option<&'a str>,
}

impl Rule {
    #[expect(clippy::too_many_arguments, reason = "the keys of a rule in its file")]
    pub(super) fn new(
        name: String,
        types: Vec<String>,
        title: Option<String>,
        pattern: String,
        action: Action,
        outcome: Outcome,
        target_kind: String,
        once: String,
        examples: Vec<Example>,
        place: Place,
    ) -> Rule {
        let compiled = OnceLock::new();
        let part = Part::Whole;
        Rule {
            name,
            types,
            title,
            pattern,
            action,
            outcome,
            target_kind,
            once,
            examples,
            place,
            part,
            compiled,
        }
    }

    /// A sentence about things; what it says about which is found out when it has matched.
    pub(super) fn sentence(part: Part, pattern: String, place: Place) -> Rule {
        let (name, fails) = match &part {
            Part::Sentence { sentence, .. } => (sentence.form_of().trim_start_matches('^'), sentence.fails),
            _ => ("", false),
        };
        let outcome = if fails { Outcome::Failure } else { Outcome::Success };
        let (name, action, once) = (name.to_owned(), Action::USER_OPERATION, " by ".to_owned());
        let rule = Rule::new(
            name,
            Vec::new(),
            None,
            pattern,
            action,
            outcome,
            String::new(),
            once,
            Vec::new(),
            place,
        );
        Rule { part, ..rule }
    }

    /// The thing that it is about, when it is about one.
    pub(super) fn thing(&self) -> Option<&Thing> {
        match &self.part {
            Part::Thing { thing, .. } => Some(thing),
            _ => None,
        }
    }

    /// Which sentence it is, when it is one.
    pub(super) fn sentence_form(&self) -> Option<&'static str> {
        match &self.part {
            Part::Sentence { sentence, .. } => Some(sentence.form_of()),
            _ => None,
        }
    }

    /// Whether it speaks about entries of that type and title.
    pub(super) fn is_about(&self, kind: &str, title: &str) -> bool {
        (self.types.is_empty() || self.types.iter().any(|name| name == kind))
            && self.title.as_deref().is_none_or(|wanted| wanted == title)
    }

    /// Whether the pattern can be used; else says why not.
    pub(super) fn compiles(&self, problems: &mut Vec<RuleProblem>) -> bool {
        let (message, help) = match matcher::regex(&self.pattern) {
            Ok(regex) if regex.group_info().slot_len() > SLOTS_MAX => (
                format!("the pattern of rule `{}` has more than {} groups", self.name, SLOTS_MAX / 2 - 1),
                "write (?:...) for groups that capture nothing".to_owned(),
            ),
            Ok(regex) => match self.unknown_capture(&regex) {
                None => return true,
                Some(name) => {
                    let known = self.captures().join(", ");
                    (format!("unknown capture `{name}` in rule `{}`", self.name), format!("known: {known}"))
                }
            },
            Err(error) => match error.syntax_error() {
                None => (
                    format!("the pattern of rule `{}` is too large", self.name),
                    "use less repetition".to_owned(),
                ),
                Some(error) => {
                    let text = error.to_string();
                    let cause = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
                    (format!("the pattern of rule `{}` is no regex: {cause}", self.name), HELP.to_owned())
                }
            },
        };
        problems.push(self.place.problem(message, help));
        false
    }

    /// What it finds in a text.
    pub(super) fn read<'a>(&'a self, text: &'a str) -> Reading<'a> {
        let Some((compiled, found, is_taken_back)) = self.matched(text) else { return Reading::Nothing };
        if is_taken_back {
            return Reading::TakenBack;
        }
        let [user, domain, role, target, target_id, client, reason, old, new, thing, verb] = found;
        // "for unknown user bob" names no user called so, nor does "User signed out: bob".
        let is_nobody = |user: &Range<usize>| {
            let is = |word: &&str| text[user.clone()].eq_ignore_ascii_case(word);
            ["unknown", "invalid"].iter().any(is) && text[user.end..].starts_with(" user")
                || user.start == 0 && is(&"user")
        };
        if user.as_ref().is_some_and(is_nobody) {
            return Reading::Nothing;
        }
        if let Some(user) = &user {
            let named_before =
                [&target, &target_id, &old, &new].into_iter().flatten().any(|thing| thing.start < user.start);
            let rest = &text.as_bytes()[user.end..];
            if named_before && !self.once.is_empty() && compiled.once.find(rest).is_some() {
                return Reading::Doubtful;
            }
        }
        let words = |found: Option<Range<usize>>| found.and_then(|found| text.get(found));
        Reading::Words(Words {
            rule: &self.name,
            action: self.action,
            outcome: self.outcome,
            target_kind: &self.target_kind,
            user: words(user),
            domain: words(domain),
            role: words(role),
            target: words(target),
            target_id: words(target_id),
            client: words(client),
            reason: words(reason),
            old: words(old),
            new: words(new),
            thing: words(thing),
            verb: words(verb),
        })
    }

    /// Where its captures stand in a text that it matches, in the order of `pattern::CAPTURES`, and whether what stands
    /// behind it takes its success back.
    fn matched(&self, text: &str) -> Option<(&Compiled, Found, bool)> {
        let mut slots = [None; SLOTS_MAX];
        let compiled = self.compiled().filter(|compiled| compiled.matcher.find(text, &mut slots))?;
        let in_a_character =
            |slot: &Option<NonMaxUsize>| slot.is_some_and(|at| !text.is_char_boundary(at.get()));
        if !text.is_ascii() && slots[..compiled.slots].iter().any(in_a_character) {
            return None;
        }
        let end = range(&slots, 0)?.end;
        if !rest::ends_with_a_word(text, end) {
            return None;
        }
        let mut found: Found = std::array::from_fn(|at| range(&slots, compiled.groups[at]?));
        let is_taken_back =
            self.outcome == Outcome::Success && rest::takes_back(text, [&found[USER], &found[TARGET]], end);
        if matches!(self.part, Part::Sentence { .. })
            && let Some(name) = found[TARGET].take()
        {
            found[TARGET] = Some(rest::whole_name(text, name, end)?);
        }
        Some((compiled, found, is_taken_back))
    }

    /// Where its captures stand in a text that it matches; empty when it does not.
    pub(super) fn spans(&self, text: &str) -> Vec<(&'static str, Range<usize>)> {
        let Some((_, found, false)) = self.matched(text) else { return Vec::new() };
        pattern::CAPTURES.into_iter().zip(found).filter_map(|(name, found)| Some((name, found?))).collect()
    }

    fn compiled(&self) -> Option<&Compiled> {
        let compile = || {
            let parsed = matcher::parse(&self.pattern)?;
            Some(Compiled {
                matcher: Matcher::of(&self.pattern, &parsed),
                groups: pattern::groups(&parsed),
                slots: SLOTS_MAX.min(2 * (parsed.properties().explicit_captures_len() + 1)),
                once: memmem::Finder::new(&self.once).into_owned(),
            })
        };
        self.compiled.get_or_init(compile).as_ref()
    }

    /// The captures that it may have.
    fn captures(&self) -> &'static [&'static str] {
        match self.part {
            Part::Whole => &pattern::CAPTURES[..pattern::CAPTURES_OF_ENTRIES],
            Part::Thing { .. } => &[],
            Part::Sentence { .. } => &pattern::CAPTURES,
        }
    }

    fn unknown_capture<'c>(&self, regex: &'c meta::Regex) -> Option<&'c str> {
        let names = regex.group_info().pattern_names(PatternID::ZERO);
        names.flatten().find(|name| !self.captures().contains(name))
    }
}

/// Where a group was found.
fn range(slots: &[Option<NonMaxUsize>], group: usize) -> Option<Range<usize>> {
    Some(slots.get(2 * group).copied()??.get()..slots.get(2 * group + 1).copied()??.get())
}

const HELP: &str = "the syntax is that of Rust's regex crate in ASCII, (?u:...) around what is beyond it; a brace or bracket meant \
     as itself needs a backslash";
