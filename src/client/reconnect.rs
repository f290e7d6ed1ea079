//! How the host of a client goes on once a connection has ended.

use crate::error::Error;

/// When the host connects again. The pauses are those of `docs/C_API.md`, section 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Reconnect {
    /// After a pause that grows: the connection was lost, or ended for something that passes.
    #[default]
    Soon = 0,
    /// After the longest pause, or not: a newer connection of the same user has taken the place of this one, and two that
    /// do not give way would take turns for ever.
    Late = 1,
    /// Not by itself: the relay has refused us, or is not the one that was meant, and would again until somebody changes
    /// something.
    Never = 2,
}

impl Reconnect {
    /// After a connection that has ended for an error of the relay's or about it, before or after its welcome.
    pub(super) const fn after(error: Error, is_welcome: bool) -> Self {
        match error {
            Error::Replaced => Self::Late,
            Error::NotPermitted
            | Error::IdentityChanged
            | Error::AuthenticationFailed
            | Error::Unsupported
            | Error::UnsupportedVersion
            | Error::UnsupportedSuite
                if !is_welcome =>
            {
                Self::Never
            }
            _ => Self::Soon,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_the_same_way_again_is_not_tried_again() {
        for error in [Error::NotPermitted, Error::IdentityChanged, Error::UnsupportedVersion] {
            assert_eq!(Reconnect::after(error, false), Reconnect::Never);
        }
        assert_eq!(Reconnect::after(Error::RateLimited, false), Reconnect::Soon);
        assert_eq!(Reconnect::after(Error::LimitReached, false), Reconnect::Soon);
    }

    #[test]
    fn whom_the_relay_has_welcomed_it_does_not_refuse() {
        assert_eq!(Reconnect::after(Error::NotPermitted, true), Reconnect::Soon);
        assert_eq!(Reconnect::after(Error::Replaced, true), Reconnect::Late);
    }
}
