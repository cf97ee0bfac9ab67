//! `~` at the beginning of a path.

use std::env;
use std::path::{Path, PathBuf};

/// A path with `~` or `~/` at its beginning replaced by the home folder: where a path stands in a file or behind an
/// equals sign, no shell does it.
///
/// # Errors
///
/// What is wrong and what to write instead, if there is no home folder or if the path begins with the home of
/// somebody else, as `~name`.
pub fn expand_home(path: impl AsRef<Path>) -> Result<PathBuf, String> {
    let path = path.as_ref();
    let first = path.iter().next().unwrap_or_default();
    if !first.as_encoded_bytes().starts_with(b"~") {
        return Ok(path.to_path_buf());
    }
    if first != "~" {
        return Err(format!(
            "{}: `~name` is not replaced by a home folder; write the path out, or ./{0} for a file of that name",
            path.display()
        ));
    }
    let home = env::home_dir().filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| {
        format!(
            "{}: `~` stands for the home folder, but HOME names none; write the path out",
            path.display()
        )
    })?;
    Ok(home.join(path.strip_prefix("~").unwrap_or(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_takes_the_place_of_a_tilde() {
        for plain in ["", "a/~", "./~", "/~/x", "a~"] {
            assert_eq!(expand_home(plain).unwrap(), Path::new(plain));
        }
        let home = env::home_dir().unwrap();
        assert_eq!(expand_home("~").unwrap(), home.join(""));
        assert_eq!(expand_home("~/a/b").unwrap(), home.join("a/b"));
        for other in ["~somebody/x", "~x"] {
            let error = expand_home(other).unwrap_err();
            assert!(
                error.contains(other) && error.contains("write the path out"),
                "{error}"
            );
        }
    }
}
