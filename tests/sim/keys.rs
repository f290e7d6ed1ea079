//! That no message key seals twice, as far as a relay can see it.

use std::collections::BTreeMap;

use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::group::GroupMessage;
use sealwax::wire::session::{Header, SessionMessage};

/// What was sealed under which key: the whole envelope, by all that an envelope shows of its key.
#[derive(Default)]
pub(crate) struct Keys {
    sealed: BTreeMap<(String, Vec<u8>), Vec<u8>>,
}

impl Keys {
    /// Looks at a frame that leaves a client: a nonce is never drawn twice for a key.
    pub(crate) fn watch(&mut self, frame: &[u8]) {
        each_envelope(frame, |envelope| {
            let (who, key_id, nonce, _) = place_of(envelope);
            self.take(who, [&key_id[..], &nonce].concat(), envelope);
        });
    }

    /// Looks at a frame that a relay has taken: a place under a key is never used twice. Of what never came so far,
    /// nobody can tell an older copy of a client.
    pub(crate) fn arrive(&mut self, frame: &[u8]) {
        each_envelope(frame, |envelope| {
            let (who, key_id, _, place) = place_of(envelope);
            self.take(who, [&key_id[..], &place].concat(), envelope);
        });
    }

    fn take(&mut self, who: String, place: Vec<u8>, envelope: &[u8]) {
        let before = self.sealed.insert((who.clone(), place), envelope.to_vec());
        assert!(before.is_none_or(|before| before == envelope), "a key of {who} seals twice");
    }
}

fn each_envelope(frame: &[u8], mut look: impl FnMut(&[u8])) {
    match Frame::parse(frame).map(|frame| frame.body) {
        Ok(Body::Send { envelope, .. }) => look(envelope),
        Ok(Body::SendMany { envelopes, .. }) => envelopes.iter().for_each(look),
        _ => {}
    }
}

/// Whose key it is, which, the nonce, and the place under the key.
fn place_of(envelope: &[u8]) -> (String, [u8; 8], [u8; 12], Vec<u8>) {
    if let Ok(message) = GroupMessage::parse(envelope) {
        let front = message.front;
        return (front.sender.into(), *front.key_id, *front.nonce, front.counter.to_be_bytes().to_vec());
    }
    let message = SessionMessage::parse(envelope).unwrap();
    let front = message.front;
    let place = match message.header {
        Header::Plain(header) => [&header.ratchet_key[..], &header.counter.to_be_bytes()].concat(),
        Header::Hidden { nonce, .. } => nonce.to_vec(),
    };
    (format!("{} {}", front.sender, front.recipient), *front.key_id, *front.nonce, place)
}
