//! An error as one line.

use std::error::Error;
use std::iter::successors;

/// The error with its causes, each behind a colon.
pub fn error_text(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{1}")]
    struct Told(#[source] Option<Box<Told>>, &'static str);

    #[test]
    fn every_cause_is_told() {
        let error = ["no such file", "cannot open it", "cannot begin"]
            .into_iter()
            .fold(None, |cause, text| Some(Box::new(Told(cause, text))));
        assert_eq!(error_text(&error.unwrap()), "cannot begin: cannot open it: no such file");
    }
}
