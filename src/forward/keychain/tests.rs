//! The TLS files of a destination, tested without a disk.

use super::*;

fn set(own: &str) -> Result<Set, LinkError> {
    let files = Files { own: Some(own.into()), ..Files::default() };
    Ok(Set { tls: None, files, own: Vec::new() })
}

/// What the next connection uses while these are the files.
fn next(keychain: &Keychain, own: &str) -> String {
    let mut ring = keychain.ring();
    let chosen = ring.choose(set(own)).unwrap();
    ring.last = Some(chosen.clone());
    chosen.files.own.unwrap_or_default()
}

fn up_with(own: &str) -> Keychain {
    let keychain = Keychain::default();
    assert_eq!(next(&keychain, own), own);
    keychain.on_connected();
    keychain
}

#[test]
fn while_the_link_is_up_another_connection_uses_what_the_link_uses() {
    let keychain = up_with("old");
    assert_eq!(next(&keychain, "new"), "old");
    keychain.on_taken(set("new").unwrap());
    assert_eq!(next(&keychain, "new"), "new");
}

#[test]
fn while_the_link_is_down_the_files_and_what_was_good_take_turns() {
    let keychain = up_with("old");
    let mut used = Vec::new();
    for _ in 0..4 {
        keychain.on_lost();
        used.push(next(&keychain, "new"));
    }
    assert!(used.windows(2).all(|pair| pair[0] != pair[1]), "{used:?}");
}

#[test]
fn files_are_untried_until_a_connection_has_used_them() {
    let keychain = up_with("old");
    let new = set("new").unwrap().files;
    keychain.on_lost();
    assert_eq!(next(&keychain, "new"), "old");
    assert!(keychain.ring().is_untried(&new));
    keychain.on_lost();
    assert_eq!(next(&keychain, "new"), "new");
    keychain.on_lost();
    assert!(!keychain.ring().is_untried(&new));
    assert!(!keychain.ring().is_untried(&set("old").unwrap().files));
    assert!(keychain.ring().is_untried(&set("newer").unwrap().files));
}

#[test]
fn the_trials_of_a_suspicion_use_one_set_and_those_of_the_next_the_other() {
    let keychain = up_with("old");
    keychain.on_lost();
    let mut used = Vec::new();
    for _ in 0..2 {
        keychain.on_suspicion();
        let sets: Vec<String> = (0..3).map(|_| next(&keychain.for_trial(), "new")).collect();
        assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
        used.push(sets[0].clone());
    }
    used.sort();
    assert_eq!(used, ["new", "old"]);
}

#[test]
fn what_cannot_be_used_is_told_once_and_what_was_good_is_used() {
    let keychain = up_with("old");
    for _ in 0..2 {
        let chosen = keychain.ring().choose(Err(LinkError::Unprepared)).unwrap();
        assert_eq!(chosen.files.own.as_deref(), Some("old"));
    }
    assert!(keychain.refusal().is_some() && keychain.refusal().is_none());
}

#[test]
fn a_set_that_the_peer_does_not_take_is_no_news_until_the_link_is_lost() {
    let keychain = up_with("old");
    let new = set("new").unwrap();
    assert!(keychain.ring().is_news(&new.files));
    keychain.on_refused(new.clone(), "it was revoked");
    assert!(!keychain.ring().is_news(&new.files));
    keychain.on_lost();
    assert!(keychain.ring().is_news(&new.files));
}

#[test]
fn a_set_that_could_not_be_tried_is_tried_again_and_told_once() {
    let keychain = up_with("old");
    let new = set("new").unwrap();
    for is_news in [true, false] {
        assert!(keychain.ring().is_news(&new.files));
        assert_eq!(keychain.on_untried(new.clone(), "no way"), is_news);
    }
    assert!(keychain.on_untried(set("newer").unwrap(), "no way"));
}

#[test]
fn why_files_are_not_used_is_known_until_they_are_or_those_in_use_are_back() {
    let keychain = up_with("old");
    let (old, new) = (set("old").unwrap(), set("new").unwrap());
    for way_out in ["used", "back"] {
        let _ = keychain.ring().note(Err(LinkError::Unprepared));
        assert!(keychain.unused().is_some());
        assert!(keychain.ring().note(set("new")).is_some());
        assert_eq!(keychain.unused(), None);
        keychain.on_refused(new.clone(), "it was revoked");
        assert!(!keychain.ring().on_seen(&new.files));
        assert_eq!(keychain.unused().as_deref(), Some("it was revoked"));
        if way_out == "used" {
            keychain.on_taken(old.clone());
        } else {
            assert!(!keychain.ring().on_seen(&old.files));
        }
        assert_eq!(keychain.unused(), None, "{way_out}");
    }
}

#[test]
fn what_the_peer_keeps_after_the_link_was_down_is_good_from_then_on() {
    let keychain = up_with("old");
    keychain.on_lost();
    keychain.on_lost();
    assert_eq!(next(&keychain, "new"), "new");
    assert_eq!(keychain.on_kept(), None);
    keychain.on_connected();
    assert_eq!(keychain.on_kept(), Some((Some("old".into()), Some("new".into()))));
    assert_eq!(keychain.on_kept(), None);
    for _ in 0..2 {
        keychain.on_lost();
        assert_eq!(next(&keychain, "new"), "new");
    }
}

#[test]
fn a_set_that_revokes_the_peer_leaves_nothing_to_go_back_to() {
    let keychain = up_with("old");
    keychain.on_taken(set("revoking").unwrap());
    for _ in 0..3 {
        keychain.on_lost();
        assert_eq!(next(&keychain, "revoking"), "revoking");
    }
}

#[test]
fn why_the_peer_does_not_take_files_is_known_over_further_connections_with_those_in_use() {
    for refused in [true, false] {
        let keychain = up_with("old");
        match refused {
            true => keychain.on_refused(set("new").unwrap(), "it expired"),
            false => assert!(keychain.on_untried(set("new").unwrap(), "it expired")),
        }
        for _ in 0..2 {
            assert_eq!(next(&keychain, "new"), "old");
            assert_eq!(keychain.unused().as_deref(), Some("it expired"), "refused: {refused}");
        }
        assert_eq!(next(&keychain, "newer"), "old");
        assert_eq!(keychain.unused(), None, "nothing is known of these");
    }
}
