//! The words that are known behind a sentence, each in one of its uses.

/// What introduces a word of failure.
pub(super) const LEADING: [&str; 33] = [
    "a",
    "access",
    "action",
    "an",
    "and",
    "attempt",
    "authentication",
    "authorization",
    "because",
    "been",
    "but",
    "due",
    "had",
    "has",
    "have",
    "is",
    "it",
    "login",
    "of",
    "operation",
    "outcome",
    "permission",
    "request",
    "result",
    "state",
    "status",
    "the",
    "this",
    "to",
    "was",
    "were",
    "which",
    "with",
];
/// What says that something failed.
pub(super) const FAILED: [&str; 13] = [
    "failed",
    "failure",
    "fail",
    "fails",
    "denied",
    "rejected",
    "refused",
    "unsuccessful",
    "unsuccessfully",
    "aborted",
    "forbidden",
    "cancelled",
    "canceled",
];
/// What takes back a word of [`DONE`], or says by itself that something failed.
pub(super) const NOT: [&str; 2] = ["not", "unable"];
/// What it was not.
pub(super) const DONE: [&str; 13] = [
    "allowed",
    "permitted",
    "authorized",
    "authorised",
    "successful",
    "possible",
    "completed",
    "applied",
    "performed",
    "executed",
    "done",
    "created",
    "deleted",
];
/// What is said of a word of [`SECRETS`].
pub(super) const WRONG: [&str; 4] = ["wrong", "invalid", "incorrect", "bad"];
/// What is wrong when a sign-in failed.
pub(super) const SECRETS: [&str; 10] = [
    "password",
    "passwords",
    "credentials",
    "credential",
    "username",
    "passcode",
    "pin",
    "code",
    "token",
    "certificate",
];
/// What is said of a word of [`RIGHTS`].
pub(super) const LACKING: [&str; 2] = ["insufficient", "no"];
/// What somebody lacks.
pub(super) const RIGHTS: [&str; 6] =
    ["permission", "permissions", "privilege", "privileges", "right", "rights"];
/// What no name goes on with.
pub(super) const CONNECTIVES: [&str; 58] = [
    "after", "again", "along", "also", "and", "as", "at", "because", "been", "before", "between", "but",
    "by", "could", "do", "does", "due", "during", "for", "from", "had", "has", "have", "if", "in", "into",
    "is", "not", "now", "of", "on", "or", "over", "per", "role", "since", "so", "that", "the", "then",
    "through", "to", "today", "together", "under", "until", "using", "via", "was", "were", "when", "where",
    "which", "while", "who", "with", "within", "without",
];
/// What is no name where more words follow: it is the kind of another thing.
pub(super) const NOUNS: [&str; 46] = [
    "account",
    "action",
    "activity",
    "category",
    "certificate",
    "comment",
    "comments",
    "dashboard",
    "data",
    "description",
    "details",
    "email",
    "filter",
    "group",
    "groups",
    "history",
    "icon",
    "image",
    "information",
    "interface",
    "inventory",
    "key",
    "label",
    "list",
    "log",
    "logs",
    "map",
    "name",
    "note",
    "notes",
    "password",
    "permission",
    "permissions",
    "policy",
    "profile",
    "report",
    "role",
    "session",
    "setting",
    "settings",
    "table",
    "tag",
    "template",
    "token",
    "type",
    "view",
];
