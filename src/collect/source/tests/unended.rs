//! Logs with line ends that are none, and without what they should say first.

use super::*;

fn notice(bench: &Bench) -> String {
    bench.source.status(&bench.settings, false).notice
}

#[test]
fn a_log_whose_lines_end_in_carriage_returns_alone_is_told_with_a_way_out() {
    let mut bench = Bench::new();
    bench.settings.sources[0].line_bytes_max = 40;
    bench.write("log", "User admin logged in\r");
    assert!(bench.poll().is_empty() && notice(&bench).is_empty(), "the line feed may be on its way");
    bench.write("log", "User bob");
    assert!(bench.poll().is_empty(), "more may come");
    let place = format!("{}: ", bench.path("log").display());
    assert_eq!(
        notice(&bench).strip_prefix(&place).unwrap(),
        "29 bytes wait for the line feed that ends them; carriage returns in them (1) end no line: let lines end in LF or \
         CR LF"
    );
    bench.age();
    assert_eq!(bench.poll(), ["agent.parse_failures"]);
    // However long it goes on so, that is told once.
    bench.write("log", " logged in\rUser alice logged in\r");
    bench.age();
    assert!(bench.poll().is_empty());
    assert!(notice(&bench).contains("61 bytes wait"), "{}", notice(&bench));
    assert!(notice(&bench).contains("over line-max: the first 40 will be kept"), "{}", notice(&bench));
    bench.write("log", "\nUser carol logged in\n");
    let events = bench.events();
    let [cut, whole] = events.as_slice() else { panic!("{events:?}") };
    assert!(
        cut.flags.contains(Flag::TRUNCATED) && cut.raw.bytes().starts_with(b"User admin logged in\rUser")
    );
    assert_eq!(whole.message, "User carol logged in");
    assert!(notice(&bench).is_empty());
}

#[test]
fn an_export_without_the_names_of_its_columns_is_kept_and_told_with_a_way_out() {
    let mut bench = Bench::new();
    bench.settings.sources[0].dialect = crate::dialect::find("timeline-csv");
    bench.source = Source::new(0, &bench.settings.sources[0], Vec::new());
    bench.write("log", "1,USER_OPERATION,User admin logged in\n");
    assert_eq!(bench.poll(), ["first", "1,USER_OPERATION,User admin logged in"]);
    assert!(
        notice(&bench).contains("no line with the names of its columns has come yet"),
        "{}",
        notice(&bench)
    );
    bench.write("log", "Time,Type,Content\n1,USER_OPERATION,User admin logged in\n");
    assert_eq!(bench.poll(), ["User admin logged in"]);
    assert!(notice(&bench).is_empty());
}

/// What nobody has named the language of is read as text, which may well look as if it were understood.
#[test]
fn auto_tells_of_rows_without_the_names_of_their_columns_until_these_come() {
    for row in [
        "1,USER_OPERATION,User admin logged in",
        "2024-02-29 07:58:40;INFO;USER_OPERATION;User admin logged in",
    ] {
        let mut bench = Bench::new();
        bench.settings.sources[0].dialect = None;
        bench.source = Source::new(0, &bench.settings.sources[0], Vec::new());
        bench.write("log", &format!("{row}\n"));
        bench.poll();
        let told =
            "it has rows of the sensor's timeline, and no line with the names of their columns has come yet";
        assert!(notice(&bench).contains(told), "{}", notice(&bench));
        bench.write("log", &format!("{row}\n").repeat(3));
        bench.poll();
        assert!(notice(&bench).contains(told), "{}", notice(&bench));
        bench.write("log", "Time,Type,Content\n1,USER_OPERATION,User admin logged in\n");
        bench.poll();
        assert!(notice(&bench).is_empty(), "{}", notice(&bench));
    }
    let mut bench = Bench::new();
    bench.settings.sources[0].dialect = None;
    bench.source = Source::new(0, &bench.settings.sources[0], Vec::new());
    bench.write("log", "2024-02-29 07:58:40 one, two, three\n");
    bench.poll();
    assert!(notice(&bench).is_empty(), "{}", notice(&bench));
}
