//! What masks find, and what they leave.

use super::super::{DIALECTS, Rules};
use super::*;
use crate::model::{Action, Outcome, Time};
use proptest::prelude::*;

fn read(masks: &Masks, entry: &[u8]) -> Parsed {
    super::super::read(&DIALECTS[0], &State::at(9), &Context::example(), masks, entry)
}

fn entry(content: &str) -> String {
    let time = 1_709_193_520_000i64;
    serde_json::json!({"timestamp": time, "type": "USER_OPERATION", "content": content}).to_string()
}

fn shipped() -> Masks {
    Masks::with(Mask::shipped_names().filter_map(|name| Mask::shipped(name, "***")).collect())
}

#[test]
fn without_a_mask_an_entry_is_kept_as_it_is() {
    let event = read(&Masks::default(), entry("password=hunter2").as_bytes()).event;
    assert_eq!((event.message.as_str(), event.flags.contains(Flag::MASKED)), ("password=hunter2", false));
}

#[test]
fn a_secret_beside_half_a_surrogate_pair_is_masked_as_beside_a_character() {
    for content in [r#"{\\\"pwd\\\":\\\"hunter2 x\\\"}"#, r"pass\u0077ord=hunter2", r"pwd=hun\udc00ter2"] {
        let entry = entry("CONTENT").replace("CONTENT", &format!(r"\ud800 {content}, ok"));
        let event = read(&shipped(), entry.as_bytes()).event;
        let (message, raw) =
            (event.message.as_str(), String::from_utf8_lossy(event.raw.bytes()).into_owned());
        assert!(!message.contains("ter2") && !raw.contains("ter2"), "{message} {raw}");
        assert!(message.starts_with("\u{fffd} ") && message.ends_with(", ok"), "{message}");
        assert!(event.flags.contains(Flag::MASKED) && raw.starts_with('{'), "{raw}");
    }
}

fn message(content: &str) -> String {
    read(&shipped(), entry(content).as_bytes()).event.message.to_string()
}

#[test]
fn what_is_certainly_a_secret_is_masked_by_what_comes_with_otrail() {
    for (text, masked) in [
        ("User a logged in, password=hunter2 from 10.2.3.4", "User a logged in, password=*** from 10.2.3.4"),
        ("PASSWORD = \"two words\", ok", "PASSWORD = ***, ok"),
        ("api_key:0a1b secret='x y' pwd=ü€;", "api_key:*** secret=*** pwd=***;"),
        ("sent {\"secret\": \"a b\"} to x", "sent {\"secret\": ***} to x"),
        (r"password='a\'hunter2' by bob's", "password=*** by bob's"),
        (r#"pwd="a\"hunter2", ok "x""#, r#"pwd=***, ok "x""#),
        (r#"sent {\"pwd\": \"a\\\"hunter2\", \"x\": 1}"#, r#"sent {\"pwd\": ***, \"x\": 1}"#),
        (r"password='C:\hunter2\' for bob", "password=*** for bob"),
        (r"pwd='hun\'', ok", "pwd=***, ok"),
        (r"pwd='a\' hunter2' of bob", "pwd=*** of bob"),
        // A value that ends in a backslash takes nothing of the next one.
        (r"password='C:\pw\' secret='hunter2' end", "password=*** secret=*** end"),
        (r#"pwd="a\",token="hunter2""#, "pwd=***,token=***"),
        (r#"password="C:\x\" user="bob" role="admin""#, r#"password=*** user="bob" role="admin""#),
        (r#"pwd=\"C:\\\\\" token=\"hunter2\""#, "pwd=*** token=***"),
        (r#"{\"pwd\":\"a\\\\\",\"token\":\"hunter2\"}"#, r#"{\"pwd\":***,\"token\":***}"#),
        ("password: \"a b\", pwd : 'a b' of bob's", "password: ***, pwd : *** of bob's"),
        (r#"sent secret: \"a b\" to x"#, "sent secret: *** to x"),
        ("Password   : Temp1234. ok", "Password   : *** ok"),
        ("pwd: P@ss:w0rd1!, api_key: sk_live_abc123", "pwd: ***, api_key: ***"),
        // In JSON of JSON of JSON, and as it is written for a page of HTML.
        (r#"x {\\\"pwd\\\":\\\"a \\\\\\\"b\\\",\\\"x\\\":1}"#, r#"x {\\\"pwd\\\":***,\\\"x\\\":1}"#),
        (
            r"x {\u0022pwd\u0022:\u0022a \\u0022b\u0022,\u0022x\u0022:1}",
            r"x {\u0022pwd\u0022:***,\u0022x\u0022:1}",
        ),
        // Also in quotes of two backslashes, and where they have no end.
        (
            r"x {\\u0022pwd\\u0022:\\u0022a\\\\b c\\u0022,\\u0022x\\u0022:1}",
            r"x {\\u0022pwd\\u0022:***,\\u0022x\\u0022:1}",
        ),
        (r"pwd=\\u0022\x9 y", "pwd=*** y"),
        (r"password=\u0022x user=alice from 10.2.3.4 did y", "password=*** user=alice from 10.2.3.4 did y"),
        (r"token: \\u0022x user=alice", "token: *** user=alice"),
        // CEF and files of properties write the sign so.
        (r"password\=hunter2 pwd\:x9 pwd \= ab", r"password\=*** pwd\:*** pwd \= ***"),
        (r#"password\: "a b", pwd\\: x9 c"#, r"password\: ***, pwd\\: *** c"),
        ("pwd=\"\"|user=\"\"bob\"\" x", "pwd=***|user=\"\"bob\"\" x"),
        ("pwd=\"\"|a b\"\">x", "pwd=***>x"),
        ("password: hunter2: no, password: P@ss=w0rd: no", "password: ***: no, password: ***: no"),
        ("password: YWJj1g==, pwd: 'x' \"pwd: YWJjZ1g=\"", "password: ***, pwd: *** \"pwd: ***\""),
        ("password: my2token=\"a b\" x", "password: my2token=*** x"),
        ("password: user=al pwd=ab1, password: token=x9", "password: user=al pwd=***, password: token=***"),
        (r#"cell ""password"": ""a b"", x"#, r#"cell ""password"": ***, x"#),
        ("password=\"\" user=\"\" x", "password=*** user=\"\" x"),
        ("Authorization: Bearer abcdefghijkl.mnop", "Authorization: Bearer ***"),
        ("from https://bob:pw@10.1.1.1/x", "from https://bob:***@10.1.1.1/x"),
        ("used token 0123456789abcdef0123456789", "used token ***"),
    ] {
        assert_eq!(message(text), masked);
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "User a failed to log in: wrong password: not permitted",
        "API token alice-api was created by user admin",
        "password: changed by admin",
        "Wrong password : denied, passwords: 'tis",
        "wrong password: 3 attempts",
        "wrong password: 10.2.3.4 locked",
        "wrong password: fe80::1a locked",
        "wrong password: fe80::1%eth0 locked, password: ::ffff:1.2.3.4: no",
        "wrong password: [fe80::1%eth0]:22 locked",
        "wrong password: 1.2.3.4:8443/https locked, password: (1.2.3.4/tcp).",
        "wrong password: 2024-02-29T07:58:40Z, pwd: 2024-02-29T07:58:40.118+01:00",
        "wrong password: user=alice9 locked, password: user=\"alice9\"",
        "API token: alice-api2 was created",
        "User admin changed the password of user m.okafor",
        "Secret Santa joined; token: removed",
    ] {
        assert_eq!(message(text), text);
    }
}

#[test]
fn a_secret_in_a_line_that_is_no_whole_json_is_masked_to_its_end() {
    for (text, masked) in [
        (r#"{"x":"{\"password\":\"hunter a\"}", br"#, r#"{"x":"{\"password\":***", br"#),
        (
            r#"{"x":"{\\\"pwd\\\": \\\"hunter a\\\",\\\"y\\\":1}", br"#,
            r#"{"x":"{\\\"pwd\\\": ***,\\\"y\\\":1}", br"#,
        ),
        (r#"{"x":"to password=\"hunter a\"", br"#, r#"{"x":"to password=***", br"#),
        (r#"{"x":"to password=\\\"hunter a\\\"", br"#, r#"{"x":"to password=***", br"#),
        (r#"{"x":"{\u0022pwd\u0022:\u0022hunter a\u0022}", br"#, r#"{"x":"{\u0022pwd\u0022:***", br"#),
        (r#"a=1 z={\"password\":\"hunter a\"} y=2"#, r#"a=1 z={\"password\":*** y=2"#),
        (r"password=\u0022hunter a\u0022 y=2", "password=*** y=2"),
        (r"z={\u0022pwd\u0022:\u0022hunter a\u0022\n} y=2", r"z={\u0022pwd\u0022:*** y=2"),
        (r"z={\u0022pwd\u0022:\u0022hunter a b=token:c9\u0022} y=2", r"z={\u0022pwd\u0022:*** y=2"),
        (r"z={\u0022pwd\u0022:\u0022hunter a pwd=c9\u0022} y=2", r"z={\u0022pwd\u0022:*** y=2"),
        (r#"z={\"pwd\":\"hunter a b=token:c9\"} y=2"#, r#"z={\"pwd\":*** y=2"#),
        // A quote that has no end takes nothing of what follows.
        (r#"password="hunter a=1 b=2"#, "password=*** a=1 b=2"),
    ] {
        let event = read(&shipped(), text.as_bytes()).event;
        assert_eq!((event.message.as_str(), event.raw.bytes()), (masked, masked.as_bytes()));
    }
}

#[test]
fn all_masks_that_come_with_otrail_are_looked_for_in_one_pass() {
    assert_eq!(shipped().any.len(), shipped().masks.len());
}

#[test]
fn the_examples_of_the_rules_hold_no_secret() {
    let masks = shipped();
    for text in Rules::embedded().example_texts() {
        assert_eq!(masks.masked_text(text), None);
    }
}

#[test]
fn a_masked_entry_is_still_its_json_and_who_did_it_stays() {
    let parsed = read(&shipped(), br#"{"timestamp":1709193520000, "type":"USER_OPERATION","password":"a b","pin":[1,"2"],"content":"User CORP\\al logged in from 10.2.3.4 password=al"}"#);
    let raw = r#"{"timestamp":1709193520000, "type":"USER_OPERATION","password":"***","pin":[1,"2"],"content":"User CORP\\al logged in from 10.2.3.4 password=***"}"#;
    assert_eq!(parsed.event.raw, Raw::Json(raw.into()));
    assert_eq!(parsed.event.user.as_deref(), Some("al"));
    assert!(parsed.event.flags.contains(Flag::MASKED));
    let other = entry("User CORP\\al logged in from 10.2.3.4 password=***");
    assert!(!read(&shipped(), other.as_bytes()).event.flags.contains(Flag::MASKED));
}

#[test]
fn a_secret_in_the_name_of_a_field_is_masked_and_the_entry_is_still_its_json() {
    let parsed = read(&shipped(), br#"{"timestamp":1709193520000,"type":"USER_OPERATION","content":"x","args":{"--password=a b":{"https://bob:pw@h/":1}}}"#);
    let raw = r#"{"timestamp":1709193520000,"type":"USER_OPERATION","content":"x","args":{"--password=*** b":{"https://bob:***@h/":"***"}}}"#;
    assert_eq!(parsed.event.raw, Raw::Json(raw.into()));
    assert!(parsed.event.flags.contains(Flag::MASKED));
}

#[test]
fn what_an_admin_asks_for_is_masked_as_what_the_sensor_says() {
    let message = "root (uid 0) read 0 records of the trail: grep=password=hunter2";
    let mut event = Event::own(Action::QUERY, Outcome::Success, Time::default(), message);
    shipped().mask_own(&mut event);
    assert_eq!(event.message, "root (uid 0) read 0 records of the trail: grep=password=***");
    assert!(event.flags.contains(Flag::MASKED));
}

#[test]
fn the_id_says_nothing_about_the_secret() {
    let of = |secret: &str| {
        let entry = entry(&format!("User a logged in password={secret}"));
        read(&shipped(), entry.as_bytes()).identity.id(0)
    };
    assert_eq!(of("one"), of("two"));
}

#[test]
fn a_pattern_that_cannot_be_used_says_why() {
    for (pattern, problem) in [
        ("(", "is no regex: unclosed group"),
        ("\\w{99999}", "is too large"),
        ("a*", "matches the empty text"),
    ] {
        assert_eq!(Mask::new("a", pattern, "***").unwrap_err().to_string(), problem);
    }
}

proptest! {
    #[test]
    fn a_secret_is_nowhere_in_the_event(
        secret in "[A-Za-z0-9!?ü€\\\\]{6,20}", before in "[a-z\"\\\\ ]{0,20}", plain: bool, bad: bool,
    ) {
        let secret = format!("Qz7Kx{secret}");
        let badge = Mask::new("badge", "badge (?<secret>\\S+)", "***").unwrap();
        let masks = Masks::with(vec![badge, Mask::shipped("assignment", "***").unwrap()]);
        for text in [
            format!("User a {before} logged in badge {secret} badge {secret}"),
            format!("{before} password={secret} end"),
        ] {
            let mut bytes = if plain { text.into_bytes() } else { entry(&text).into_bytes() };
            if bad {
                bytes.insert(1, 0xff);
            }
            let event = read(&masks, &bytes).event;
            prop_assert!(!format!("{event:?}").contains(&secret[..5]), "{event:?}");
            prop_assert!(!String::from_utf8_lossy(event.raw.bytes()).contains(&secret[..5]));
            prop_assert!(event.flags.contains(Flag::MASKED));
        }
    }
}

#[test]
fn what_is_in_utf_16_is_masked_as_the_same_text_in_utf_8_is() {
    for text in [entry("User ana: password=hunter2"), "{\"password\":\"hunter2\"".to_owned()] {
        for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
            let mut state = State::at(9);
            state.encoding = encoding;
            let bytes = encoding.bytes(text.clone());
            let context = Context::example();
            let event = super::super::read(&DIALECTS[0], &state, &context, &shipped(), &bytes).event;
            let narrow = read(&shipped(), text.as_bytes()).event;
            assert_eq!((&event.message, event.raw.bytes()), (&narrow.message, narrow.raw.bytes()));
            assert!(event.flags.contains(Flag::MASKED) && !event.message.contains("hunter2"), "{event:?}");
        }
    }
    // Without a secret its bytes are what they were, also where they are no text.
    let mut state = State::at(9);
    state.encoding = Encoding::Utf16Le;
    let broken = b"\x3D\xD8{\0";
    let event = super::super::read(&DIALECTS[0], &state, &Context::example(), &shipped(), broken).event;
    assert_eq!(event.raw.bytes(), broken);
}
