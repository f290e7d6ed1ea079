//! What a client is asked to do differently.

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
        }
    }
}
