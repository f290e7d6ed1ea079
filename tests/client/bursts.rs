//! More messages at once than a handshake carries before it is answered.

use crate::bed::Bed;

/// What a sender may seal in a handshake that the peer has not answered is 1,000.
const MANY: usize = 2_500;

fn write(bed: &mut Bed, count: usize) {
    for number in 0..count {
        bed.send("alice", "bob", &number.to_string());
    }
}

/// Bob has read them all, in their order, `within_ms` from now.
fn all_are_read(bed: &mut Bed, count: usize, within_ms: u64) {
    bed.pass(within_ms);
    let texts = bed.person("bob").texts_of("alice");
    assert_eq!(texts.len(), count);
    assert!(texts.iter().enumerate().all(|(number, text)| *text == number.to_string()));
}

#[test]
fn a_stranger_who_is_there_reads_thousands_at_once() {
    let mut bed = Bed::of(&["alice", "bob"]);
    write(&mut bed, MANY);
    all_are_read(&mut bed, MANY, 20_000);
}

#[test]
fn a_stranger_who_comes_later_reads_thousands_at_once() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.disconnect("bob");
    write(&mut bed, MANY);
    bed.pass(60_000);
    bed.connect("bob");
    all_are_read(&mut bed, MANY, 20_000);
}

#[test]
fn whoever_has_begun_at_the_same_moment_reads_thousands_at_once() {
    for first in ["alice", "bob"] {
        let mut bed = Bed::of(&["alice", "bob"]);
        bed.send("alice", "bob", "0");
        bed.send("bob", "alice", "hello");
        bed.up(first).unwrap();
        bed.pass(5_000);
        for number in 1..MANY {
            bed.send("alice", "bob", &number.to_string());
        }
        all_are_read(&mut bed, MANY, 20_000);
    }
}
