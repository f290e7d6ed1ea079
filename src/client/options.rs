//! What a client is asked to do differently.

use crate::limits::{CLIENT_EAGER_MAX, GROUP_ROTATE_MESSAGES, GROUP_ROTATE_MS};
use crate::wire::content::Padding;
use crate::wire::frame::Method;

/// What happens when a peer turns up under another identity (`docs/PROTOCOL.md` section 5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdentityChange {
    /// Nothing is sent to the peer, and what arrives under the new identity is held, until the application accepts it.
    #[default]
    Block,
    /// The application is told, and the new identity counts at once.
    Warn,
}

/// The options of a client. They are not stored: an application gives them each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// How it shows the relay that it is the user.
    pub method: Method,
    /// Hide ratchet keys and counters from the relay, in handshakes that we make.
    pub hidden_header: bool,
    /// Hide the length of what we send.
    pub padding: Padding,
    /// What happens when a peer turns up under another identity.
    pub identity_change: IdentityChange,
    /// Tell accepted peers what was delivered and read, and take what they tell.
    pub acks: bool,
    /// One-time prekeys that the relay shall hold.
    pub one_time_prekeys: u16,
    /// Keep the keys of group messages that were read, to share them with members when the application says so. Holds
    /// for groups that are entered from then on.
    pub retain_history: bool,
    /// Group messages after which our sender key is made anew, 1 to 2^24.
    pub rotate_messages: u32,
    /// Age in milliseconds at which it is, at least 1.
    pub rotate_ms: u64,
    /// Members of a group up to which our sender key is handed out before we write.
    pub eager_members: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            method: Method::Proof,
            hidden_header: false,
            padding: Padding::None,
            identity_change: IdentityChange::Block,
            acks: false,
            one_time_prekeys: 100,
            retain_history: false,
            rotate_messages: GROUP_ROTATE_MESSAGES,
            rotate_ms: GROUP_ROTATE_MS,
            eager_members: CLIENT_EAGER_MAX,
        }
    }
}
