//! The packs: what a SIEM or a server needs to make something of the events, as files that come with the program.
//!
//! They are the files of `packaging/siem`; `tests/packs.rs` holds the two against each other.

/// Files that belong together.
pub(super) struct Content {
    /// How it is asked for.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    /// Where a file goes, and what is in it.
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// The files of a folder of `packaging/siem`.
macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../packaging/siem/", $folder, $path)))),*]
    };
}

/// All packs, by name.
pub(super) const PACKS: &[Content] = &[
    Content {
        name: "elastic",
        about: "Elastic: ingest pipeline, index template, detection rules (format ecs)",
        files: files![
            "elastic/":
            "README.md",
            "index-template.json",
            "ingest-pipeline.json",
            "rules.ndjson",
        ],
    },
    Content {
        name: "integrity",
        about: "A program that checks the hash chain of events in OCSF 1.9, for an auditor",
        files: files![
            "":
            "check-integrity.py",
        ],
    },
    Content {
        name: "loki",
        about: "Grafana Loki: Alloy configuration, a dashboard and alerts (format json)",
        files: files![
            "loki/":
            "README.md",
            "config.alloy", "dashboard.json",
            "rules.yaml",
        ],
    },
    Content {
        name: "receivers",
        about: "Servers that take every format over TLS: rsyslog, syslog-ng, the forwarder for Microsoft Sentinel",
        files: files![
            "receivers/":
            "rsyslog.conf",
            "sentinel-forwarder.conf",
            "syslog-ng.conf",
        ],
    },
    Content {
        name: "sentinel",
        about: "Microsoft Sentinel: a function for the names of fields, analytics rules, a workbook (format cef)",
        files: files![
            "sentinel/":
            "OtrailAudit.kql",
            "README.md",
            "rules/otrail_agent_stopped.yaml",
            "rules/otrail_alert_silenced.yaml",
            "rules/otrail_alert_silenced_burst.yaml",
            "rules/otrail_api_token_created.yaml",
            "rules/otrail_config_changed.yaml",
            "rules/otrail_data_exported.yaml",
            "rules/otrail_detection_rule_weakened.yaml",
            "rules/otrail_exclusion_rule_changed.yaml",
            "rules/otrail_forwarding_rule_changed.yaml",
            "rules/otrail_operation_failed.yaml",
            "rules/otrail_query_denied.yaml",
            "rules/otrail_system_interrupted.yaml",
            "rules/otrail_trail_disturbed.yaml",
            "rules/otrail_trail_incomplete.yaml",
            "rules/otrail_user_admin_created.yaml",
            "rules/otrail_user_deleted.yaml",
            "rules/otrail_user_lockout.yaml",
            "rules/otrail_user_login_failed.yaml",
            "rules/otrail_user_login_failed_burst.yaml",
            "rules/otrail_user_login_failed_spray.yaml",
            "rules/otrail_user_password_reset.yaml",
            "rules/otrail_user_role_raised.yaml",
            "workbook.json",
        ],
    },
    Content {
        name: "sigma",
        about: "Sigma rules, and what their fields are called elsewhere; the rules of the others are made from them",
        files: files![
            "sigma/":
            "README.md",
            "pipelines/elastic.yml",
            "pipelines/loki.yml",
            "pipelines/sentinel.yml",
            "pipelines/splunk.yml",
            "rules/otrail_agent_stopped.yml",
            "rules/otrail_alert_silenced.yml",
            "rules/otrail_api_token_created.yml",
            "rules/otrail_config_changed.yml",
            "rules/otrail_data_exported.yml",
            "rules/otrail_detection_rule_weakened.yml",
            "rules/otrail_exclusion_rule_changed.yml",
            "rules/otrail_forwarding_rule_changed.yml",
            "rules/otrail_operation_failed.yml",
            "rules/otrail_query_denied.yml",
            "rules/otrail_system_interrupted.yml",
            "rules/otrail_trail_disturbed.yml",
            "rules/otrail_trail_incomplete.yml",
            "rules/otrail_user_admin_created.yml",
            "rules/otrail_user_deleted.yml",
            "rules/otrail_user_lockout.yml",
            "rules/otrail_user_login_failed.yml",
            "rules/otrail_user_password_reset.yml",
            "rules/otrail_user_role_raised.yml",
        ],
    },
    Content {
        name: "splunk",
        about: "Splunk: an app with field extraction, a dashboard and alerts (format json)",
        files: files![
            "splunk/":
            "README.md",
            "otrail/default/app.conf",
            "otrail/default/data/ui/nav/default.xml",
            "otrail/default/data/ui/views/otrail.xml",
            "otrail/default/macros.conf",
            "otrail/default/props.conf",
            "otrail/default/savedsearches.conf",
            "otrail/metadata/default.meta",
        ],
    },
];
