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
    /// Looks at a frame that leaves a client.
    pub(crate) fn watch(&mut self, frame: &[u8]) {
        match Frame::parse(frame).unwrap().body {
            Body::Send { envelope, .. } => self.take(envelope),
            Body::SendMany { envelopes, .. } => envelopes.iter().for_each(|envelope| self.take(envelope)),
            _ => {}
        }
    }

    /// The same place under the same key must be the same envelope, and so must the same nonce.
    fn take(&mut self, envelope: &[u8]) {
        let (who, places) = if let Ok(message) = GroupMessage::parse(envelope) {
            let front = message.front;
            let place = [&front.key_id[..], &front.counter.to_be_bytes()].concat();
            (front.sender.to_string(), vec![place, [&front.key_id[..], front.nonce].concat()])
        } else {
            let message = SessionMessage::parse(envelope).unwrap();
            let front = message.front;
            let place = match message.header {
                Header::Plain(header) => {
                    [&front.key_id[..], header.ratchet_key, &header.counter.to_be_bytes()].concat()
                }
                Header::Hidden { nonce, .. } => [&front.key_id[..], nonce].concat(),
            };
            (
                format!("{} {}", front.sender, front.recipient),
                vec![place, [&front.key_id[..], front.nonce].concat()],
            )
        };
        for place in places {
            let before = self.sealed.insert((who.clone(), place), envelope.to_vec());
            assert!(before.is_none_or(|before| before == envelope), "a key of {who} seals twice");
        }
    }
}
