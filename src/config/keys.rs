//! Every section and key that the config file may hold, each with an example that is valid as it stands.
//!
//! Unknown keys, suggestions, the text of "is missing" and the test of the shipped file all live from this table.

/// A table of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name; empty for the keys that stand above all tables.
    pub name: &'static str,
    /// Whether it is a list, written `[[name]]`.
    pub many: bool,
    /// What may stand in it.
    pub keys: &'static [Key],
}

/// A key of a section.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// A value in TOML, the default where there is one.
    pub example: &'static str,
    /// The kind of source that it is for; empty for all, and in all other sections.
    pub kind: &'static str,
}

impl Section {
    /// Where its keys stand, for a sentence.
    pub(super) fn place(&self) -> String {
        match self.name {
            "" => self.title(),
            _ => format!("in {}", self.title()),
        }
    }

    /// The section as its header is written.
    pub fn title(&self) -> String {
        match (self.name, self.many) {
            ("", _) => "at the top of the file".to_owned(),
            (name, true) => format!("[[{name}]]"),
            (name, false) => format!("[{name}]"),
        }
    }
}

/// All sections, the top of the file first.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        many: false,
        keys: &[
            key("sensor", r#""plant-a-sensor-01""#),
            key("state-dir", r#""/var/lib/otrail""#),
            key("heartbeat", r#""15 min""#),
        ],
    },
    Section {
        name: "source",
        many: true,
        keys: &[
            key("kind", r#""file""#),
            key("name", r#""timeline""#),
            key("sensor", r#""plant-b-sensor-02""#),
            of_file("path", r#""/var/log/sensor/user-operations.ndjson""#),
            of_file("dialect", r#""auto""#),
            of_file("time-zone", r#""UTC""#),
            of_file("day-first", "false"),
            of_file("start", r#""beginning""#),
            of_file("follow-symlinks", "false"),
            key("line-max", r#""1 MiB""#),
            of_file("field-max", r#""4 KiB""#),
            of_file("fields", "{}"),
            of_api("url", r#""https://sensor-01.example.net""#),
            of_api("token-file", r#""/etc/otrail/sensor-01.token""#),
            of_api("ca-file", r#""/etc/otrail/sensor-ca.pem""#),
            of_api("pin", "[]"),
            of_api("server-name", r#""sensor-01.example.net""#),
            of_api("proxy", r#""http://proxy.example.net:3128""#),
            of_api("proxy-credentials-file", r#""/etc/otrail/proxy""#),
            of_api("types", r#"["USER_OPERATION", "EXCLUSION_RULE_CREATED"]"#),
            of_api("interval", r#""60 s""#),
            of_api("answer-timeout", r#""30 s""#),
            of_api("silent-after", r#""1 day""#),
        ],
    },
    Section {
        name: "select",
        many: false,
        keys: &[key("classes", r#"["user-operation"]"#), key("user-login", r#""user-operation""#)],
    },
    Section { name: "rules", many: false, keys: &[key("folder", r#""/etc/otrail/rules.d""#)] },
    Section {
        name: "mask",
        many: true,
        keys: &[
            key("name", r#""badge""#),
            key("pattern", r#"'badge=(?<secret>\S+)'"#),
            key("replacement", r#""***""#),
        ],
    },
    Section {
        name: "journal",
        many: false,
        keys: &[
            key("size-max", r#""2 GiB""#),
            key("age-max", r#""400 days""#),
            key("segment-max", r#""64 MiB""#),
            key("seal", "true"),
            key("recent-max", r#""8 MiB""#),
            key("reserve", r#""8 MiB""#),
        ],
    },
    Section {
        name: "destination",
        many: true,
        keys: &[
            key("name", r#""siem""#),
            key("address", r#""siem.example.net:6514""#),
            key("addresses", r#"["siem-1.example.net:6514", "siem-2.example.net:6514"]"#),
            key("return-interval", r#""5 min""#),
            key("proxy", r#""http://proxy.example.net:3128""#),
            key("proxy-credentials-file", r#""/etc/otrail/proxy""#),
            key("transport", r#""tls""#),
            key("select", "{}"),
            key("format", r#""rfc5424""#),
            key("header", r#""rfc5424""#),
            key("timestamp", r#""ms""#),
            key("cef-version", r#""0""#),
            key("leef-version", r#""2.0""#),
            key("leef-delimiter", r#""tab""#),
            key("ocsf-version", r#""1.9""#),
            key("leave-out", "[]"),
            key("ca-file", r#""/etc/otrail/ca.pem""#),
            key("crl-file", r#""/etc/otrail/crl.pem""#),
            key("cert-file", r#""/etc/otrail/client.pem""#),
            key("key-file", r#""/etc/otrail/client.key""#),
            key("server-name", r#""siem.example.net""#),
            key("pin", "[]"),
            key("tls-min", r#""1.2""#),
            key("framing", r#""octet-counting""#),
            key("facility", r#""log-audit""#),
            key("enterprise-number", "32473"),
            key("frame-max", r#""8000 B""#),
            key("value-max", r#""1 KiB""#),
            key("bom", "true"),
            key("evidence", r#""auto""#),
            key("from", r#""oldest""#),
            key("window-max", r#""4 MiB""#),
            key("barrier-interval", r#""30 s""#),
            key("probe-records", "1000"),
            key("probe-bytes", r#""256 KiB""#),
            key("probe-interval", r#""1 s""#),
            key("rate-max", "0"),
            key("connect-timeout", r#""10 s""#),
            key("send-timeout", r#""30 s""#),
            key("backoff-max", r#""60 s""#),
        ],
    },
    Section {
        name: "query",
        many: false,
        keys: &[key("admin-groups", r#"["otrail-admin"]"#), key("admin-users", "[]")],
    },
    Section { name: "control", many: false, keys: &[key("socket", r#""/run/otrail/otrail.sock""#)] },
];

/// The section of that name.
pub(super) fn section(name: &str) -> &'static Section {
    SECTIONS.iter().find(|section| section.name == name).unwrap_or(&SECTIONS[0])
}

/// Where this key would be known.
pub(super) fn sections_with(name: &str) -> Vec<String> {
    let holds = |section: &&Section| section.keys.iter().any(|key| key.name == name);
    SECTIONS.iter().filter(holds).map(Section::place).collect()
}

const fn key(name: &'static str, example: &'static str) -> Key {
    Key { name, example, kind: "" }
}

const fn of_file(name: &'static str, example: &'static str) -> Key {
    Key { name, example, kind: "file" }
}

const fn of_api(name: &'static str, example: &'static str) -> Key {
    Key { name, example, kind: "api" }
}
