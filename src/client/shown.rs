//! What may be shown of an event, by the names of the fields of `sealwax_event_fields`: never a payload.

use serde_json::{Map, Value as Json};

use crate::json::{hex, integer};

/// Fields by name. What there is not is left out.
#[derive(Default)]
pub(super) struct Shown(Map<String, Json>);

/// None of these is inlined: events make some eighty calls of them.
impl Shown {
    #[inline(never)]
    pub(super) fn put(&mut self, name: &str, value: Json) {
        self.0.insert(name.into(), value);
    }

    #[inline(never)]
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.put(name, text.into());
    }

    #[inline(never)]
    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.put(name, hex(bytes));
    }

    #[inline(never)]
    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.put(name, integer(number));
    }

    /// A user, or nobody.
    #[inline(never)]
    pub(super) fn anybody(&mut self, name: &str, user: Option<&str>) {
        if let Some(user) = user {
            self.text(name, user);
        }
    }

    pub(super) fn into_json(self) -> Json {
        Json::Object(self.0)
    }
}
