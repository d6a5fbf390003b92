//! A path in JSON: as a string, or by its bytes where it is no UTF-8, which JSON has no string for.
//!
//! ```text
//! "path":"/var/log/sensor/events.log"        "path":{"base64":"L3Zhci9sb2cv/2xvZw=="}
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes { base64: String },
}

pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(path) => serializer.serialize_str(path),
        None => Written::Bytes { base64: STANDARD.encode(path.as_os_str().as_bytes()) }.serialize(serializer),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Text(path) => Ok(PathBuf::from(path)),
        Written::Bytes { base64 } => {
            let bytes = STANDARD.decode(base64).map_err(D::Error::custom)?;
            Ok(PathBuf::from(OsString::from_vec(bytes)))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::journal::FollowedFile;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    #[test]
    fn every_path_reads_back_from_json() {
        for (bytes, json) in [
            (&b"/log/a b\n"[..], r#""path":"/log/a b\n""#),
            (b"/log/\xff\xfe.log", r#""path":{"base64":"L2xvZy///i5sb2c="}"#),
        ] {
            let file = FollowedFile { path: PathBuf::from(OsStr::from_bytes(bytes)), ..Default::default() };
            let text = serde_json::to_string(&file).unwrap();
            assert!(text.contains(json), "{text}");
            assert_eq!(serde_json::from_str::<FollowedFile>(&text).unwrap(), file);
        }
    }
}
