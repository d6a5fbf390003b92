//! `otrail explain`: how an entry becomes an event, step by step.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::expect;
use std::process::{Command, Output};

const LOGIN: &str = r#"{"timestamp":1709193520000,"type":"USER_OPERATION","title":"User Operation","content":"User CORP\\alice logged in from 10.2.3.4"}"#;

fn explain(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otrail")).arg("explain").args(args).output().unwrap()
}

fn shown(args: &[&str]) -> String {
    let text = String::from_utf8(explain(args).stdout).unwrap();
    let seen = regex::Regex::new("(deviceCustomDate1=|seenTime=|logged_time\":)[0-9]+").unwrap();
    let text = seen.replace_all(&text, "${1}MILLIS");
    regex::Regex::new("20[0-9]{2}-[0-9T:.-]+Z").unwrap().replace_all(&text, "TIME").into_owned()
}

#[test]
fn every_step_is_shown() {
    expect![[r#"
        entry    {"timestamp":1709193520000,"type":"USER_OPERATION","title":"User Operation","content":"User CORP\\alice logged in from 10.2.3.4"}
        dialect  timeline-json: there is an object with a type or content among the first entries
        field    timestamp       13..26    1709193520000
        field    type            34..50    USER_OPERATION
        field    title           59..75    User Operation
        field    content         86..128   User CORP\alice logged in from 10.2.3.4
        rule     login (sign_in.toml:26)
        capture  user            92..103   CORP\alice
        capture  client         119..127   10.2.3.4
        near     login-role (sign_in.toml:15) fits up to byte 26: `User CORP\alice logged in `
        near     session-expired-inactive (sign_in.toml:345) fits up to byte 23: `User CORP\alice logged `
        near     logout-of-another (sign_in.toml:370) fits up to byte 23: `User CORP\alice logged `
        event    seq          1
        event    id           f00a9f3566d57a31da128e7d8824bde4
        event    time         TIME
        event    seen         TIME
        event    class        user-operation
        event    action       user.login
        event    code         OTA-1001
        event    outcome      success
        event    severity     3
        event    sensor       sensor
        event    source       stdin
        event    user         alice
        event    domain       CORP
        event    account      CORP\alice
        event    client       10.2.3.4
        event    message      User CORP\alice logged in from 10.2.3.4
        event    type         USER_OPERATION
        event    title        User Operation
        event    raw          {"timestamp":1709193520000,"type":"USER_OPERATION","title":"User Operation","content":"User CORP\\alice logged in from 10.2.3.4"}
        wire     rfc5424, 602 bytes: <110>1 TIME sensor otrail - user.login [otrail@32473 id="f00a9f3566d57a31da128e7d8824bde4" seq="1" prev="0" stream="00000000000000000000000000000000" class="user-operation" action="user.login" code="OTA-1001" outcome="success" severity="3" sensor="sensor" source="stdin" user="alice" domain="CORP" account="CORP\\alice" client="10.2.3.4" type="USER_OPERATION" title="User Operation" seen="TIME"][origin software="otrail" swVersion="0.1.0" enterpriseId="32473"][meta sequenceId="1"][timeQuality tzKnown="1" isSynced="0"] \u{feff}User CORP\alice logged in from 10.2.3.4
        wire     cef, 689 bytes: <110>1 TIME sensor otrail - user.login - CEF:0|otrail|OT Sensor Audit|0.1.0|OTA-1001|User login|3|rt=1709193520000 act=user.login outcome=success cat=authentication externalId=f00a9f3566d57a31da128e7d8824bde4 suser=alice sntdom=CORP suid=CORP\\alice src=10.2.3.4 dvchost=sensor deviceExternalId=sensor deviceFacility=stdin msg=User CORP\\alice logged in from 10.2.3.4 cs1=USER_OPERATION cs1Label=sourceType cs6=00000000000000000000000000000000 cs6Label=stream cn1=1 cn1Label=sequence cn2=0 cn2Label=previousSequence deviceCustomDate1=MILLIS deviceCustomDate1Label=seen otrailAuditClass=user-operation otrailAuditAttack=T1078,T0859 otrailAuditTitle=User Operation
        wire     leef, 581 bytes: <110>1 TIME sensor LEEF:2.0|otrail|OT Sensor Audit|0.1.0|OTA-1001|x09|devTime=1709193520000\tcat=authentication\tsev=3\tusrName=alice\tdomain=CORP\tsrc=10.2.3.4\tresource=sensor\taction=user.login\teventName=User login\toutcome=success\tmessage=User CORP\alice logged in from 10.2.3.4\tclient=10.2.3.4\tuserAccount=CORP\alice\tlogSource=stdin\tsourceType=USER_OPERATION\tsourceTitle=User Operation\teventClass=user-operation\tattack=T1078,T0859\tseenTime=MILLIS\teventId=f00a9f3566d57a31da128e7d8824bde4\tstream=00000000000000000000000000000000\tsequence=1\tpreviousSequence=0
        wire     json, 770 bytes: <110>1 TIME sensor otrail - user.login - {"seq":1,"prev":0,"stream":"00000000000000000000000000000000","id":"f00a9f3566d57a31da128e7d8824bde4","time":"TIME","seen":"TIME","class":"user-operation","action":"user.login","code":"OTA-1001","name":"User login","category":"authentication","outcome":"success","severity":3,"attack":["T1078","T0859"],"sensor":"sensor","source":"stdin","user":"alice","domain":"CORP","account":"CORP\\alice","client":"10.2.3.4","message":"User CORP\\alice logged in from 10.2.3.4","type":"USER_OPERATION","title":"User Operation","raw":"{\"timestamp\":1709193520000,\"type\":\"USER_OPERATION\",\"title\":\"User Operation\",\"content\":\"User CORP\\\\alice logged in from 10.2.3.4\"}"}
        wire     ecs, 1251 bytes: <110>1 TIME sensor otrail - user.login - {"@timestamp":"TIME","ecs":{"version":"9.4.0"},"message":"User CORP\\alice logged in from 10.2.3.4","event":{"kind":"event","category":["authentication"],"type":["start"],"action":"user.login","outcome":"success","code":"OTA-1001","severity":3,"id":"f00a9f3566d57a31da128e7d8824bde4","sequence":1,"created":"TIME","module":"otrail","dataset":"otrail.audit","provider":"stdin","original":"{\"timestamp\":1709193520000,\"type\":\"USER_OPERATION\",\"title\":\"User Operation\",\"content\":\"User CORP\\\\alice logged in from 10.2.3.4\"}"},"user":{"name":"alice","domain":"CORP","id":"CORP\\alice"},"source":{"address":"10.2.3.4","ip":"10.2.3.4"},"related":{"user":["alice","CORP\\alice"],"ip":["10.2.3.4"],"hosts":["sensor"]},"threat":{"framework":"MITRE ATT&CK","technique":{"id":["T1078","T0859"]}},"host":{"name":"sensor"},"observer":{"vendor":"Microsoft","product":"Defender for IoT","type":"sensor","name":"sensor"},"agent":{"type":"otrail","version":"0.1.0"},"labels":{"stream":"00000000000000000000000000000000","prev":"0","class":"user-operation","name":"User login","category":"authentication","type":"USER_OPERATION","title":"User Operation"}}
        wire     ocsf, 1432 bytes: <110>1 TIME sensor otrail - user.login - {"activity_id":1,"activity_name":"Logon","actor":{"user":{"domain":"CORP","name":"alice","type":"Unknown","type_id":0,"uid":"CORP\\alice"}},"category_name":"Identity & Access Management","category_uid":3,"class_name":"Authentication","class_uid":3002,"device":{"name":"sensor","type":"OT network sensor","type_id":99},"dst_endpoint":{"name":"sensor"},"message":"User CORP\\alice logged in from 10.2.3.4","metadata":{"event_code":"OTA-1001","log_name":"stdin","log_provider":"otrail","logged_time":MILLIS,"original_time":"TIME","product":{"name":"OT Sensor Audit","vendor_name":"otrail","version":"0.1.0"},"profiles":["host"],"sequence":1,"uid":"f00a9f3566d57a31da128e7d8824bde4","version":"1.9.0"},"raw_data":"{\"timestamp\":1709193520000,\"type\":\"USER_OPERATION\",\"title\":\"User Operation\",\"content\":\"User CORP\\\\alice logged in from 10.2.3.4\"}","severity":"Informational","severity_id":1,"src_endpoint":{"ip":"10.2.3.4"},"status":"Success","status_id":1,"time":1709193520000,"type_uid":300201,"unmapped":{"action":"user.login","attack":["T1078","T0859"],"category":"authentication","class":"user-operation","name":"User login","prev":0,"severity":3,"stream":"00000000000000000000000000000000","title":"User Operation","type":"USER_OPERATION"},"user":{"domain":"CORP","name":"alice","type":"Unknown","type_id":0,"uid":"CORP\\alice"}}
    "#]].assert_eq(&shown(&[LOGIN]));
}

#[test]
fn an_expectation_decides_about_the_exit_code() {
    let met = explain(&[LOGIN, "--expect", "user=alice", "--expect", "rule=login", "--expect", "position="]);
    assert_eq!(met.status.code(), Some(0));
    assert!(explain(&[LOGIN, "--expect", "target-kind="]).status.success());
    for expected in ["bogus=1", "user", "=alice", ""] {
        let usage = explain(&[LOGIN, "--expect", expected]);
        assert_eq!((usage.status.code(), usage.stdout.len()), (Some(2), 0), "{expected}");
    }
    let said = |what: &str| {
        let output = explain(&[what]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let nothing = "otrail: there is no entry; give a line of the log, a file, or - for stdin\n";
    assert_eq!(said(""), (Some(1), nothing.to_owned()));
    assert!(said("/var/log/absent.log").1.starts_with("otrail: /var/log/absent.log is no file"));
    assert_eq!(said("10.0.0.0/8 was removed by alice"), (Some(0), String::new()));
    let missed = explain(&[LOGIN, "--expect", "user=bob"]);
    assert_eq!(missed.status.code(), Some(1));
    let text = String::from_utf8(missed.stdout).unwrap();
    assert!(text.ends_with("expected user=bob, found alice\n"), "{text}");
}

#[test]
fn a_number_is_shown_as_it_stands_however_long() {
    let long = "184467440737095516160123.45678901234567890123";
    let line = LOGIN.replace("\"title\"", &format!("\"serial\":{long},\"title\""));
    let event = format!("\"raw\":{line}");
    let json = String::from_utf8(explain(&[&line, "-o", "json"]).stdout).unwrap();
    assert!(json.contains(&event) && json.contains(&format!("\"value\":\"{long}\"")), "{json}");
    let wanted = format!("raw.serial={long}");
    assert_eq!(explain(&[&line, "--expect", &wanted, "--expect", "devices="]).status.code(), Some(0));
    assert_eq!(explain(&[&line, "--expect", "raw.serial=184467440737095516161"]).status.code(), Some(1));
}

#[test]
fn a_field_with_a_control_character_is_seen_where_it_stands() {
    let text = shown(&[
        "{\"timestamp\":1709193520000,\"type\":\"USER_OPERATION\",\"content\":\"User al\tice logged in\"}",
    ]);
    assert!(text.contains("field    content         61..84    User al\\tice logged in\n"), "{text}");
    assert!(text.contains("event    raw          {\"timestamp\":1709193520000,"), "{text}");
}

#[test]
fn json_has_the_same_and_no_terminal_is_commanded() {
    let json: serde_json::Value = serde_json::from_slice(&explain(&[LOGIN, "-o", "json"]).stdout).unwrap();
    assert_eq!(json["rule"]["file"], "sign_in.toml");
    assert_eq!(json["captures"][0]["value"], "CORP\\alice");
    let (start, end) = (&json["captures"][0]["start"], &json["captures"][0]["end"]);
    let span =
        usize::try_from(start.as_u64().unwrap()).unwrap()..usize::try_from(end.as_u64().unwrap()).unwrap();
    assert_eq!(&LOGIN[span], r"CORP\\alice");
    let hostile = explain(&["\u{1b}[2J\u{202e}"]).stdout;
    assert!(!hostile.contains(&0x1b) && !String::from_utf8(hostile).unwrap().contains('\u{202e}'));
}

#[test]
fn every_entry_of_a_mixed_log_is_explained_in_its_own_dialect() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("mixed.log");
    let mut bytes =
        format!("{LOGIN}\n2024-02-29 07:58:40,118 [main] INFO AUDIT- User bob logged in\n").into_bytes();
    bytes.extend_from_slice(
        b"Feb 29 07:58:40 plant-a console: User al\xff logged in\nCEF:0|V|P|1|4|User login|3|suser=c\\=d\n",
    );
    std::fs::write(&log, bytes).unwrap();
    let text = shown(&[log.to_str().unwrap()]);
    let steps: Vec<&str> =
        text.lines().filter(|line| line.starts_with("dialect") || line.starts_with("field")).collect();
    expect![[r#"
        dialect  timeline-json: there is an object with a type or content among the first entries
        field    timestamp       13..26    1709193520000
        field    type            34..50    USER_OPERATION
        field    title           59..75    User Operation
        field    content         86..128   User CORP\alice logged in from 10.2.3.4
        dialect  audit-log: there is a line with date, time of day and level at byte 130, no timeline-json any more
        field    time             0..23    2024-02-29 07:58:40,118
        field    title           36..41    AUDIT
        field    severity        31..35    INFO
        field    message         43..61    User bob logged in
        dialect  syslog: there is a line with a priority, or with a date, a host and a tag at byte 192, no audit-log any more
        field    time             0..15    Feb 29 07:58:40
        field    title           24..31    console
        field    message         33..53    User al� logged in
        dialect  cef: there is a line that begins with CEF: at byte 244, no syslog any more
        field    type            12..13    4
        field    title           14..24    User login
        field    severity        25..26    3
        field    user             -        c=d
        field    message         14..24    User login
    "#]]
    .assert_eq(&(steps.join("\n") + "\n"));
}

#[test]
fn a_masked_secret_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("otrail.toml");
    let text = "sensor = \"plant-a\"\n[[mask]]\nname = \"assignment\"\n[[source]]\nname = \"timeline\"\npath = \"/x\"\n\
                [[source]]\nname = \"second\"\npath = \"/y\"\ndialect = \"key-value\"\n\
                [[destination]]\nname = \"siem\"\naddress = \"siem.example.net\"\n";
    std::fs::write(&config, text).unwrap();
    std::fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let config = config.to_str().unwrap();
    let line = LOGIN.replace("10.2.3.4", "10.2.3.4 password=hunter2");
    let text = shown(&["-c", config, &line]);
    assert!(text.contains("password=***") && !text.contains("hunter2"), "{text}");
    let text = shown(&["-c", config, "--source", "second", "user=alice action=user.login"]);
    assert!(
        text.contains("dialect  key-value: as configured") && text.contains("source       second"),
        "{text}"
    );
    let unknown = explain(&["-c", config, "--source", "third", "x"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        String::from_utf8(unknown.stderr).unwrap().contains("no source third; there is timeline, second")
    );
}

/// Some terminals obey U+009B as they obey an escape and a bracket.
#[test]
fn json_of_an_entry_commands_no_terminal() {
    let line = "{\"type\":\"X\",\"content\":\"a \u{9b}31m\u{202e} \u{7f} é\"}";
    let command = format!("{} explain -o json '{line}'", env!("CARGO_BIN_EXE_otrail"));
    let on_a_terminal = Command::new("script").args(["-qec", &command, "/dev/null"]).output().unwrap().stdout;
    let (seen, piped) = (
        String::from_utf8(on_a_terminal).unwrap(),
        String::from_utf8(explain(&["-o", "json", line]).stdout).unwrap(),
    );
    assert!(!seen.contains(['\u{9b}', '\u{202e}', '\u{7f}']) && seen.contains("\\u009b31m"), "{seen}");
    assert!(piped.contains(line.rsplit_once("content").unwrap().1.trim_matches(['"', ':', '}'])), "{piped}");
}
