//! The values of a field, each with how many records have it.

use super::{Column, Shape, Sink, csv, json, safe, tsv};
use std::io::Write;

/// The shapes in which values can be shown.
pub const OF_VALUES: [&str; 8] = ["short", "short-iso", "table", "json", "json-pretty", "csv", "tsv", "cat"];

/// Appends the values in a shape, its head before them; false for a shape that is of records alone.
pub fn values(shape: &Shape, sink: Sink, by: &Column, values: &[(String, u64)], out: &mut Vec<u8>) -> bool {
    let head = [by.name, "records"];
    match shape.name {
        "csv" => csv::row(head.into_iter(), out),
        "tsv" => tsv::row(head.into_iter().map(str::to_owned), out),
        _ => {}
    }
    for (value, count) in values {
        let text = count.to_string();
        match shape.name {
            "csv" => csv::row([value.as_str(), &text].into_iter(), out),
            "tsv" => tsv::row([value.clone(), text].into_iter(), out),
            "json" | "json-pretty" => {
                let value = (!value.is_empty()).then_some(value);
                let object = format!("{{\"{}\":{},\"records\":{count}}}", by.name, serde_json::json!(value));
                match shape.name {
                    "json" => json::towards(sink, object.as_bytes(), out),
                    _ => {
                        let mut safe_text = Vec::new();
                        json::towards(sink, object.as_bytes(), &mut safe_text);
                        json::indent(&safe_text, out);
                    }
                }
                out.push(b'\n');
            }
            // Of those that have none there is nothing to show.
            "cat" if value.is_empty() => {}
            "cat" => {
                safe::text(value, out);
                out.push(b'\n');
            }
            "short" | "short-iso" | "table" => {
                let _infallible = write!(out, "{count:>COUNT_WIDTH$}  ");
                safe::text(if value.is_empty() { "-" } else { value }, out);
                out.push(b'\n');
            }
            _ => return false,
        }
    }
    OF_VALUES.contains(&shape.name)
}

/// As `uniq -c`.
const COUNT_WIDTH: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_says_whether_it_has_values_and_none_lets_a_terminal_obey() {
        let by = Column::named("user").unwrap();
        let found = [("al\x1b[2Jice, =x".to_owned(), 12), ("=1+1".to_owned(), 2), (String::new(), 1)];
        for shape in super::super::SHAPES {
            let mut out = Vec::new();
            let has = values(shape, Sink::Terminal, by, &found, &mut out);
            assert_eq!(has, OF_VALUES.contains(&shape.name), "{}", shape.name);
            assert!(!out.contains(&0x1b), "{}", shape.name);
        }
        let text = |name: &str| {
            let mut out = Vec::new();
            values(Shape::named(name).unwrap(), Sink::File, by, &found[1..], &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text("short"), "      2  =1+1\n      1  -\n");
        assert_eq!(text("json"), "{\"user\":\"=1+1\",\"records\":2}\n{\"user\":null,\"records\":1}\n");
        assert_eq!(text("csv"), "user,records\n\"'=1+1\",2\n,1\n");
        assert_eq!(text("tsv"), "user\trecords\n=1+1\t2\n\t1\n");
        assert_eq!(text("cat"), "=1+1\n");
    }
}
