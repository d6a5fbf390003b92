//! What an admin sees of a sensor before the agent asks it: its certificate, and what is on disk for it.

use super::support::process::{House, free_port};
use super::{TOKEN, house};
use otrail::demo::SensorApi;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_certificate_of_a_sensor_can_be_looked_at_and_no_other_peer_passes_for_one() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let house = House::new();
    let shown = house.run(&["cert", "pin", &sensor.url()]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.status.code(), Some(0));
    assert!(text.ends_with(&format!("\npin = [\"{}\"]\n", sensor.pin().unwrap())), "{text}");
    assert!(text.contains("names    sensor.local"), "{text}");
    let address = format!("127.0.0.1:{}", sensor.port);
    let json = house.run(&["cert", "pin", &address, "-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["pin"], sensor.pin().unwrap().to_string());
    assert!(sensor.asked().is_empty(), "nothing but a handshake");
    for (url, why) in [
        ("http://127.0.0.1", "in the clear"),
        (format!("127.0.0.1:{}", free_port()).as_str(), "refused the connection"),
    ] {
        let refused = house.run(&["cert", "pin", url]);
        assert_eq!(refused.status.code(), Some(1), "{url}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(why), "{refused:?}");
    }
}

#[test]
fn check_looks_at_token_and_trust() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let house = house(&sensor);
    house.write_log(b"");
    let checked = |house: &House| String::from_utf8(house.run(&["check"]).stdout).unwrap();
    assert!(checked(&house).contains("its token is readable"), "{}", checked(&house));
    fs::set_permissions(house.path("token"), Permissions::from_mode(0o644)).unwrap();
    let text = checked(&house);
    assert!(text.contains("others can get at it: chmod 600") && !text.contains(TOKEN), "{text}");
}
