//! The table of reports.
//!
//! A condition is an expression as `--where` has it; none is every record.

/// One report.
pub struct ReportKind {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Which records it is about.
    pub wanted: &'static str,
    /// What its lines are.
    pub rows: Rows,
    /// How many of the records of a line are counted as what; where `rows` has no order, the first decides it.
    pub counts: &'static [Count],
    /// It is about what happens outside of working hours.
    pub off_hours: bool,
}

/// What the lines of a report are.
pub enum Rows {
    /// One for each set of values of these fields that there is.
    By(&'static [&'static str]),
    /// These, whether there are records or not; one record can be of several.
    Topics(&'static [Topic]),
    /// One for each day in the zone that has records, in their order.
    Days,
}

/// A line of a report that is always there.
pub struct Topic {
    /// What it is about.
    pub name: &'static str,
    /// Which records.
    pub of: &'static str,
}

/// A number of a line.
pub struct Count {
    /// What is counted.
    pub name: &'static str,
    /// Which of the records of the line.
    pub of: &'static str,
}

/// All reports; the first is the default.
pub const REPORTS: &[ReportKind] = &[
    report("summary", "how much of what happened", "", Rows::Topics(SUMMARY), ALL_AND_FAILED),
    report(
        "logins",
        "sign-ins by user and client: how many worked, how many failed",
        "action = user.login",
        Rows::By(&["account", "client"]),
        &[
            count("sign-ins", ""),
            count("success", "outcome = success"),
            count("failure", "outcome = failure"),
        ],
    ),
    report(
        "failed",
        "what did not work, by action, user and client",
        "outcome = failure",
        Rows::By(&["action", "account", "client"]),
        &[count("events", "")],
    ),
    report(
        "users",
        "what each user did: sign-ins, changes, failures",
        "class = user-operation",
        Rows::By(&["account"]),
        OF_USERS,
    ),
    report(
        "days",
        "what users did on each day: sign-ins, changes, failures",
        "class = user-operation",
        Rows::Days,
        OF_USERS,
    ),
    report(
        "changes",
        "what was changed, by action, target and user",
        CHANGE,
        Rows::By(&["action", "target", "account"]),
        ALL_AND_FAILED,
    ),
    report(
        "admins",
        "changes of accounts, rights and access, by user, action and target",
        ACCESS,
        Rows::By(&["account", "action", "target"]),
        ALL_AND_FAILED,
    ),
    report(
        "clients",
        "from where users came, by client and user",
        "class = user-operation",
        Rows::By(&["client", "account"]),
        ALL_AND_FAILED,
    ),
    ReportKind {
        off_hours: true,
        ..report(
            "off-hours",
            "what users did outside of working hours, by user and action",
            "class = user-operation",
            Rows::By(&["account", "action"]),
            ALL_AND_FAILED,
        )
    },
    report(
        "sources",
        "how much came from each log, and how much of it no rule understood",
        "",
        Rows::By(&["source", "sensor"]),
        &[
            count("events", ""),
            count("user-operations", "class = user-operation"),
            count("unclassified", "action = user.operation"),
            count("unparsed", "flag = unparsed"),
        ],
    ),
    report(
        "gaps",
        "where events are or may be missing, by what happened, and of which log or destination",
        MISSING,
        Rows::By(&["action", "target", "reason"]),
        &[count("events", "")],
    ),
];

const SUMMARY: &[Topic] = &[
    topic("user operations", "class = user-operation"),
    topic("sign-ins", "action = user.login"),
    topic("accounts, rights and access", ACCESS),
    topic("exclusion rules", "action = exclusion_rule."),
    topic("detection and forwarding rules", "action in (detection_rule., forwarding_rule.)"),
    topic("alerts handled", "action = alert."),
    topic("settings and certificates", "action in (config., certificate.)"),
    topic("software, packages and backups", "action in (software., sensor., ti_package., scl., backup.)"),
    topic("reboots and shutdowns", "action = system."),
    topic("devices", "action = device."),
    topic("reports and exports", "action in (report., data.)"),
    topic("unclassified", "action = user.operation"),
    topic("queries of this trail", "action in (agent.query, agent.query_denied)"),
    topic("starts of the agent", "action = agent.start"),
    topic("missing events", MISSING),
    topic("silent or missing logs", "action in (agent.source_missing, agent.source_silent)"),
    topic("destinations lost", "action = agent.destination_lost"),
];

/// What changes the sensor, its users or what it tells; signing in and looking do not.
const CHANGE: &str = "class = user-operation and not action in (user.login, user.logout, session., user.lockout, \
     user.operation, report., data., event., notification.)";
/// Who may do what.
const ACCESS: &str = "action in (user.create, user.update, user.role_change, user.delete, user.password_change, \
     user.password_reset, user.lockout, api_token., certificate.)";
/// Where the trail has, or may have, a hole.
const MISSING: &str = "action in (agent.gap_detected, agent.records_dropped, agent.journal_damaged, \
     agent.event_set_aside, agent.source_truncated, agent.events_suppressed) \
     or (action = agent.position_reset and reason = 'passed over')";
const OF_USERS: &[Count] = &[
    count("events", ""),
    count("sign-ins", "action = user.login"),
    count("changes", CHANGE),
    count("failed", "outcome = failure"),
];
const ALL_AND_FAILED: &[Count] = &[count("events", ""), count("failed", "outcome = failure")];

impl ReportKind {
    /// The report of that name.
    pub fn named(name: &str) -> Option<&'static ReportKind> {
        REPORTS.iter().find(|kind| kind.name == name)
    }

    /// What its lines are named by.
    pub fn keys(&self) -> &'static [&'static str] {
        match self.rows {
            Rows::By(names) => names,
            Rows::Topics(_) => &["topic"],
            Rows::Days => &["day"],
        }
    }
}

impl std::fmt::Debug for ReportKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn report(
    name: &'static str,
    about: &'static str,
    wanted: &'static str,
    rows: Rows,
    counts: &'static [Count],
) -> ReportKind {
    ReportKind { name, about, wanted, rows, counts, off_hours: false }
}

const fn topic(name: &'static str, of: &'static str) -> Topic {
    Topic { name, of }
}

const fn count(name: &'static str, of: &'static str) -> Count {
    Count { name, of }
}
