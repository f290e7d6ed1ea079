//! Members whose identity is not the one that others know.

use sealwax::client::ClientOptions;

use crate::bed::Bed;

/// Alice knows Bob; then Bob loses his phone, and Carol, who never met him, founds a group with both.
fn with_another_bob() -> (Bed, [u8; 32]) {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    bed.send("alice", "bob", "hi");
    bed.run();
    bed.replace_relay();
    bed.people.remove("bob");
    bed.add("bob", &ClientOptions::default());
    for name in ["alice", "carol"] {
        bed.connect(name);
    }
    bed.run();
    let group = bed.found("carol", "team", &["alice", "bob"]);
    (bed, group)
}

#[test]
fn a_member_under_another_identity_than_the_known_one_gets_no_key_until_it_is_accepted() {
    let (mut bed, group) = with_another_bob();
    bed.say("alice", &group, "hello carol");
    bed.pass(30_000);
    assert_eq!(bed.person("carol").heard_of("alice"), ["hello carol"]);
    assert_eq!(bed.person("bob").heard_of("alice"), Vec::<String>::new());
    assert!(bed.person("alice").happened().contains(&"key_withheld bob: IdentityChanged".into()));
    assert_eq!(bed.person("alice").changes().len(), 1);

    let fingerprint = bed.client("bob").card().fingerprint();
    let now_ms = bed.now_ms;
    bed.client("alice").accept_identity("bob", &fingerprint, now_ms).unwrap();
    bed.pass(30_000);
    assert_eq!(bed.person("bob").heard_of("alice"), ["hello carol"]);
    bed.say("bob", &group, "thanks");
    bed.run();
    assert_eq!(bed.person("alice").heard_of("bob"), ["thanks"]);
    bed.assert_no_key_twice();
}
