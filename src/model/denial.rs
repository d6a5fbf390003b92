//! Why a wish of an admin is not fulfilled.

use std::fmt;

/// A sentence, and of which kind it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The wish names what is not there: it is wrong, whenever it comes.
    Unknown(String),
    /// It cannot be done, or not now.
    No(String),
}

impl Denial {
    /// Of that kind there is none of that name; names those that there are.
    pub fn unknown(kind: &str, name: &str, known: &[&str]) -> Denial {
        Denial::Unknown(match known {
            [] => format!("there is no {kind} {name}, nor any other"),
            known => format!("there is no {kind} {name}; there is {}", known.join(", ")),
        })
    }
}

impl From<String> for Denial {
    fn from(sentence: String) -> Denial {
        Denial::No(sentence)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Denial::Unknown(sentence) | Denial::No(sentence)) = self;
        f.write_str(sentence)
    }
}

impl std::error::Error for Denial {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_named_and_that_nothing_is() {
        let told = |known: &[&str]| Denial::unknown("destination", "soc", known).to_string();
        assert_eq!(told(&["a", "b"]), "there is no destination soc; there is a, b");
        assert_eq!(told(&[]), "there is no destination soc, nor any other");
    }
}
