//! Of what a source passes over nothing is lost; of what it keeps, any row that no answer showed may be.

use super::{KIND, TOKEN, api, events, house_that_asks, told};
use otrail::demo::{Answering, SensorApi};
use otrail::model::Action;

#[test]
fn rows_that_are_passed_over_make_no_gap_at_the_next_start() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house_that_asks(&sensor, "[select]\nclasses = [\"network\"]\n");
    for at in 0..120 {
        sensor.add(KIND, &format!("User alice logged in {at}"));
    }
    for _ in 0..2 {
        let from = sensor.answers();
        house.start();
        house.wait_until("has asked twice", |status| {
            sensor.answers() >= from + 4 && api(status).passed_over == 100
        });
        assert_eq!(house.stop(), Some(0));
    }
    assert_eq!(told(&house, Action::GAP_DETECTED), []);
}

#[test]
fn rows_of_all_types_that_are_passed_over_may_hide_one_of_the_type_that_was_asked_for() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house_that_asks(&sensor, "[select]\nclasses = [\"user-operation\"]\n");
    sensor.answer(Answering::AllTypes);
    sensor.add(KIND, "User alice logged in");
    house.start();
    house.wait_until("has the row", |status| api(status).error.is_empty() && events(&house).len() == 1);
    assert_eq!(house.stop(), Some(0));
    sensor.add(KIND, "User alice logged out");
    for at in 0..120 {
        sensor.add("SCAN", &format!("a scan {at}"));
    }
    house.start();
    house.wait_until("tells the gap", |status| api(status).gaps.overflows > 0);
    assert_eq!(house.stop(), Some(0));
    assert_eq!(events(&house).len(), 1, "the other row has scrolled out");
    let gaps = told(&house, Action::GAP_DETECTED);
    assert!(gaps.iter().any(|gap| gap.message.starts_with("USER_OPERATION rows")), "{gaps:?}");
}
