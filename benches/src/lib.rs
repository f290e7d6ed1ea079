//! What Sealwax is measured with, and against. `make bench` runs the program `compare`, `make budgets` and
//! `make instructions-check` what continuous integration holds the library to.

pub mod abi;
pub mod budget;
#[cfg(feature = "peers")]
pub mod floor;
pub mod gate;
#[cfg(feature = "peers")]
pub mod libolm;
pub mod pairs;
#[cfg(feature = "peers")]
pub mod peer;
pub mod report;
pub mod scene;
pub mod town;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    /// The versions of a lock file.
    fn locked(text: &str) -> BTreeMap<&str, Vec<&str>> {
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in text.split("[[package]]").skip(1) {
            let field = |name: &str| {
                let value = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
                value.and_then(|value| value.strip_suffix('"')).unwrap()
            };
            versions.entry(field("name")).or_default().push(field("version"));
        }
        versions
    }

    #[test]
    fn the_floor_is_made_of_what_the_library_is_made_of() {
        let own = locked(include_str!("../Cargo.lock"));
        let library = locked(include_str!("../../Cargo.lock"));
        for name in
            ["aes-gcm", "crypto-bigint", "elliptic-curve", "getrandom", "hkdf", "hmac", "p256", "sha2"]
        {
            assert_eq!(own[name], library[name], "{name}: cargo update -p {name} in benches");
        }
        for name in ["aws-lc-rs", "aws-lc-sys"] {
            assert!(library.get(name).is_none_or(|version| *version == own[name]), "{name}");
        }
    }
}
