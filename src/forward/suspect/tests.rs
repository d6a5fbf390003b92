//! What it takes until a record is set aside, and that no server in trouble costs one.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Patience = Patience { refusals: 5, over: Duration::from_secs(600) };

fn suspect() -> Suspect {
    Suspect::new(Seq(100), PATIENCE, Duration::ZERO)
}

/// What a trial comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Taken,
    Refused,
    Nothing,
    Absent,
}

/// One trial and its answer, each of which takes a second.
#[derive(Debug, Clone, Copy)]
struct Trial {
    at: Duration,
    which: Which,
    place: usize,
    answer: Answer,
}

/// Lets a server answer until it is over or so much time has passed; what was tried, and what came of it.
fn investigate(
    mut answer: impl FnMut(Which, Duration) -> (usize, Answer),
    end: Duration,
) -> (Vec<Trial>, Option<Next>) {
    let (mut suspect, mut now, mut trials) = (suspect(), Duration::ZERO, Vec::new());
    while now < end {
        match suspect.next(now) {
            Next::Wait { until } => {
                assert!(until > now, "a wait that is over");
                now = until;
            }
            Next::Try(which) => {
                now += SECOND;
                let (place, answer) = answer(which, now);
                trials.push(Trial { at: now, which, place, answer });
                match answer {
                    Answer::Taken => suspect.on_taken(place, now),
                    Answer::Refused => suspect.on_refused(place, now),
                    Answer::Nothing => suspect.on_nothing(now + SECOND),
                    Answer::Absent => suspect.on_absent(now),
                }
            }
            next => return (trials, Some(next)),
        }
    }
    (trials, None)
}

/// What must be true of every record that was set aside, whatever else happened.
fn check(trials: &[Trial]) {
    let refused: Vec<usize> = (0..trials.len())
        .filter(|&at| trials[at].which == Which::Suspect && trials[at].answer == Answer::Refused)
        .collect();
    assert!(!trials.iter().any(|trial| trial.which == Which::Suspect && trial.answer == Answer::Taken));
    // Of those at one address only the last run counts.
    let place = trials[*refused.last().unwrap()].place;
    let rounds: Vec<&[Trial]> = refused
        .iter()
        .zip(refused.iter().skip(1).chain([&trials.len()]))
        .map(|(&from, &to)| &trials[from..to])
        .collect();
    let is_good = |round: &&&[Trial]| {
        let taken: Vec<Which> = round[1..]
            .iter()
            .filter(|trial| trial.answer == Answer::Taken && trial.place == place)
            .map(|trial| trial.which)
            .collect();
        round[0].place == place && taken.len() == 2 && taken[0] != taken[1]
    };
    let counted: Vec<&&[Trial]> = rounds.iter().filter(is_good).collect();
    assert!(counted.len() >= 5, "{trials:?}");
    let (first, last) = (counted[counted.len() - 5][0].at, counted[counted.len() - 1][0].at);
    assert!(last - counted[0][0].at >= PATIENCE.over && last > first, "{trials:?}");
    // Nobody who witnessed was ever refused there since.
    let witnesses: Vec<Which> = counted
        .iter()
        .flat_map(|round| round[1..].iter())
        .filter(|trial| trial.answer == Answer::Taken)
        .map(|trial| trial.which)
        .collect();
    let since = counted[0][0].at;
    let mut later = trials.iter().filter(|trial| trial.at >= since && trial.answer == Answer::Refused);
    let last_two = &witnesses[witnesses.len() - 2..];
    assert!(
        !later.any(|trial| trial.which == Which::Before || last_two.contains(&trial.which)),
        "{trials:?}"
    );
}

#[test]
fn a_record_that_alone_is_refused_is_set_aside_after_five_times_over_ten_minutes() {
    let refused = |which, _| (0, if which == Which::Suspect { Answer::Refused } else { Answer::Taken });
    let (trials, end) = investigate(refused, 3600 * SECOND);
    assert_eq!(end, Some(Next::SetAside));
    check(&trials);
    let order: Vec<Which> = trials.iter().map(|trial| trial.which).collect();
    assert_eq!(order, [Which::Suspect, Which::Before, Which::After(0)].repeat(5));
    let tried: Vec<u64> = trials.iter().step_by(3).map(|trial| trial.at.as_secs()).collect();
    assert_eq!(tried, [11, 162, 313, 464, 615]);
}

#[test]
fn a_server_that_refuses_everything_costs_nothing() {
    let (trials, end) = investigate(|_, _| (0, Answer::Refused), 3600 * SECOND);
    assert_eq!((trials.len(), end), (2, Some(Next::Over { taken: false })));
    // Also where nothing is known to have been taken before.
    let absent = |which, _| (0, if which == Which::Before { Answer::Absent } else { Answer::Refused });
    let (trials, end) = investigate(absent, 3600 * SECOND);
    assert_eq!((trials.len(), end), (SPARES_MAX + 2, Some(Next::Over { taken: false })));
}

#[test]
fn a_server_that_takes_the_suspect_once_ends_the_suspicion() {
    let mut times = 0;
    let (_, end) = investigate(
        |which, _| {
            times += usize::from(which == Which::Suspect);
            (0, if which == Which::Suspect && times < 5 { Answer::Refused } else { Answer::Taken })
        },
        3600 * SECOND,
    );
    assert_eq!(end, Some(Next::Over { taken: true }));
}

#[test]
fn of_two_in_a_row_each_is_found_out_with_a_witness_behind_both() {
    let refused = |which, _| {
        (0, if matches!(which, Which::Suspect | Which::After(0)) { Answer::Refused } else { Answer::Taken })
    };
    let (trials, end) = investigate(refused, 3600 * SECOND);
    assert_eq!(end, Some(Next::SetAside));
    check(&trials);
    assert_eq!(
        trials.iter().filter(|trial| trial.which == Which::After(0)).count(),
        1,
        "it is not tried again"
    );
}

#[test]
fn what_is_not_there_yet_is_waited_for_and_nothing_counts_meanwhile() {
    let answer = |which, now: Duration| match which {
        Which::Suspect => (0, Answer::Refused),
        Which::After(_) if now < 7200 * SECOND => (0, Answer::Absent),
        _ => (0, Answer::Taken),
    };
    let (trials, end) = investigate(answer, 10_000 * SECOND);
    assert_eq!(end, Some(Next::SetAside));
    assert!(trials.last().unwrap().at >= 7200 * SECOND + PATIENCE.over);
    assert!(trials.len() < 3 * 10_000 / 150, "no more than a trial now and then");
}

#[test]
fn where_nothing_is_known_to_have_come_before_two_after_it_witness() {
    let answer = |which, _| match which {
        Which::Suspect => (0, Answer::Refused),
        Which::Before => (0, Answer::Absent),
        Which::After(_) => (0, Answer::Taken),
    };
    let (trials, end) = investigate(answer, 3600 * SECOND);
    assert_eq!(end, Some(Next::SetAside));
    check(&trials);
}

#[test]
fn one_address_does_not_speak_for_another() {
    // The first takes nothing, the second everything but is asked about the witnesses only.
    let answer = |which, _| match which {
        Which::Suspect => (0, Answer::Refused),
        _ => (1, Answer::Taken),
    };
    assert_eq!(investigate(answer, 36_000 * SECOND).1, None);
}

fn answers() -> impl Strategy<Value = Vec<(usize, Answer)>> {
    let answer = prop_oneof![
        6 => Just(Answer::Taken),
        6 => Just(Answer::Refused),
        1 => Just(Answer::Nothing),
        1 => Just(Answer::Absent),
    ];
    prop::collection::vec((prop_oneof![9 => Just(0_usize), 1 => Just(1)], answer), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    /// Whatever a server answers, and in whatever order: what is set aside fulfils every condition.
    #[test]
    fn no_order_of_answers_sets_aside_what_does_not_deserve_it(answers in answers(), refusing in any::<bool>()) {
        let mut answers = answers.into_iter();
        let (trials, end) = investigate(
            |which, _| {
                let (place, answer) = answers.next().unwrap_or((0, Answer::Nothing));
                match which {
                    Which::Suspect if refusing && answer == Answer::Taken => (place, Answer::Refused),
                    _ => (place, answer),
                }
            },
            100_000 * SECOND,
        );
        if end == Some(Next::SetAside) {
            check(&trials);
        }
    }
}

/// Every order of taken and refused there is, for as long as it can matter.
#[test]
fn of_all_orders_of_answers_only_those_with_good_witnesses_set_aside() {
    let (mut paths, mut aside) = (0_u32, 0_u32);
    let mut path: Vec<Answer> = Vec::new();
    loop {
        let mut answers = path.iter().copied();
        let mut missing = false;
        let (trials, end) = investigate(
            |_, _| {
                let answer = answers.next();
                missing |= answer.is_none();
                (0, answer.unwrap_or(Answer::Nothing))
            },
            if path.len() < DEPTH { 2000 * SECOND } else { 1000 * SECOND },
        );
        if missing && path.len() < DEPTH {
            path.push(Answer::Taken);
            continue;
        }
        paths += 1;
        if end == Some(Next::SetAside) {
            aside += 1;
            check(&trials);
        }
        // The next path: the last taken becomes refused.
        while path.pop_if(|answer| *answer == Answer::Refused).is_some() {}
        match path.last_mut() {
            Some(last) => *last = Answer::Refused,
            None => break,
        }
    }
    assert!(paths > 100 && aside > 0, "{paths} {aside}");
}

const DEPTH: usize = 16;
