//! Every limit of the library, each with its reason. `docs/PROTOCOL.md` section 12 repeats the normative ones.

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;
/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 3_600_000;

/// Bytes of a user id or group label: one length byte on the wire.
pub const NAME_MAX: usize = 255;
/// Bytes of plaintext in one message; larger things are attachments.
pub const MESSAGE_MAX: usize = 1_048_576;
/// Bytes that any envelope may add to its plaintext: header, card, padding (at most 12 %), tag, signature.
pub const ENVELOPE_MAX: usize = MESSAGE_MAX + MESSAGE_MAX / 8 + 4_096;
/// Bytes of a card: two names' worth beyond its fixed fields.
pub const CARD_MAX: usize = 640;
/// Bytes of a prekey bundle: a full one under the longest name is 69,448.
pub const PREKEYS_MAX: usize = 69_632;
/// Bytes of a roster entry: a creation with every member that fits a group.
pub const ENTRY_MAX: usize = 4_194_304;
/// Bytes of a whole roster log handed to the library at once.
pub const LOG_MAX: usize = 67_108_864;
/// Bytes of sealed state: the largest group receiver, that of a full group whose members all do what they can to make
/// it large.
pub const SEALED_MAX: usize = 134_217_728;
/// Bytes of the path of a store.
pub const PATH_MAX: usize = 4_096;
/// Bytes of an options object.
pub const OPTIONS_MAX: usize = 65_536;
/// Bytes of a frame: the largest roster entry and its envelope.
pub const FRAME_MAX: usize = ENTRY_MAX + 4_096;

/// Members of a group: rosters stay below a few MiB, a distribution below a second.
pub const GROUP_MEMBERS_MAX: usize = 10_000;
/// Entries of a roster log.
pub const ROSTER_ENTRIES_MAX: u64 = 1_000_000;
/// Competing branches that a forked roster remembers.
pub const ROSTER_BRANCHES_MAX: usize = 4;
/// How long an unproven claim of a newer roster holds back encryption.
pub const ROSTER_CLAIM_MS: u64 = 300_000;

/// Age at which a signed prekey is replaced.
pub const SIGNED_PREKEY_ROTATE_MS: u64 = 7 * DAY_MS;
/// Age at which a signed prekey expires and its private half dies: it outlives its rotation by a long queue.
pub const SIGNED_PREKEY_LIFE_MS: u64 = 30 * DAY_MS;
/// One-time prekeys in one bundle and held unused by an identity.
pub const ONE_TIME_PREKEYS_MAX: usize = 1_000;
/// Age at which the private half of an unused one-time prekey dies, so that handed-out ones that nobody came back
/// with do not fill the table for ever. A relay hands one out until it is a queue's age younger than that.
pub const ONE_TIME_PREKEY_LIFE_MS: u64 = 30 * DAY_MS;
/// First messages remembered against replay, per signed prekey and for the plain flow.
pub const FIRST_MESSAGES_MAX: usize = 10_000;
/// Oldest message that a relay still delivers, and the oldest plain-flow handshake that is accepted.
pub const QUEUE_AGE_MAX_MS: u64 = 7 * DAY_MS;
/// How far a peer's clock may run ahead of ours.
pub const CLOCK_SKEW_MS: u64 = HOUR_MS;

/// Message keys that one session chain may skip (checked before any ECDH).
pub const SESSION_SKIP_MAX: u32 = 2_000;
/// Skipped message keys that one session stores; the oldest go first.
pub const SESSION_SKIPPED_KEYS_MAX: usize = 4_000;
/// Receiving chains with skipped keys that one session stores; each costs a trial decryption of hidden headers.
pub const SESSION_SKIPPED_CHAINS_MAX: usize = 16;
/// Remote ratchet keys remembered to tell a replay from a forgery.
pub const SESSION_PAST_RATCHETS: usize = 32;
/// Hashes of accepted envelopes remembered to tell a duplicate from a replay.
pub const SESSION_RECENT_MAX: usize = 32;
/// Parallel sessions with one peer.
pub const SESSIONS_PER_PEER_MAX: usize = 4;
/// A session that only receives is dropped after this silence.
pub const SESSION_SILENT_MS: u64 = 7 * DAY_MS;
/// Messages that may be sent before the peer's first answer.
pub const SESSION_UNANSWERED_MAX: u32 = 1_000;
/// Time that may pass before the peer's first answer.
pub const SESSION_UNANSWERED_MS: u64 = 7 * DAY_MS;
/// Shortest time between two renewals with one peer.
pub const SESSION_RENEW_MS: u64 = HOUR_MS;
/// Longest time that unanswered renewals double it to.
pub const SESSION_RENEW_MAX_MS: u64 = DAY_MS;
/// Of two handshakes that crossed, how long the peer sends under one alone before the other counts as lost to it.
pub const SESSION_LEFT_MS: u64 = HOUR_MS;
/// Largest lease of an export: an import may skip no more than a receiver tolerates.
pub const LEASE_MAX: u32 = 1_000;

/// Messages of one block of the two-level group chain.
pub const GROUP_BLOCK: u32 = 256;
/// Messages that a receiver skips within one key id: 1,024 blocks, 32 KiB of seeds.
pub const GROUP_SKIP_MAX: u32 = 262_144;
/// Skipped single message keys stored per key id; the oldest go first.
pub const GROUP_SKIPPED_KEYS_MAX: usize = 4_096;
/// Skipped whole blocks stored per key id; the oldest go first.
pub const GROUP_SKIPPED_BLOCKS_MAX: usize = 1_024;
/// Bytes of keys, blocks and links that one receiver stores of messages passed over, for all senders together: its
/// export stays below [`SEALED_MAX`] whatever members send.
pub const GROUP_STORED_BYTES_MAX: usize = 16_777_216;
/// Links remembered per key id to check neighbours that arrive out of order.
pub const GROUP_LINKS_MAX: usize = 1_024;
/// Retired keys of one sender within their window.
pub const GROUP_RETIRED_KEYS_MAX: usize = 8;
/// Hashes of opened envelopes remembered per key id to tell a duplicate from a replay.
pub const GROUP_RECENT_MAX: usize = 32;
/// Ids of wiped keys remembered per sender.
pub const GROUP_TOMBSTONES_MAX: usize = 64;
/// Sender keys retained by one receiver to be shared later; the oldest go first.
pub const GROUP_RETAINED_KEYS_MAX: usize = 16_384;
/// Shared sender keys in one receiver of history.
pub const GROUP_HISTORY_KEYS_MAX: usize = 4_096;
/// Messages of one backlog: beyond some hundreds nothing is gained, and the receiver and its roster stay locked meanwhile.
pub const GROUP_BATCH_MAX: usize = 4_096;
/// Bytes of all messages of one backlog.
pub const GROUP_BATCH_BYTES_MAX: usize = 67_108_864;
/// Messages under one sender key, whatever the policy says.
pub const GROUP_CHAIN_MAX: u32 = 1 << 24;
/// Default number of messages after which a sender key must rotate.
pub const GROUP_ROTATE_MESSAGES: u32 = 10_000;
/// Default age at which a sender key must rotate.
pub const GROUP_ROTATE_MS: u64 = 7 * DAY_MS;
/// Default transition window.
pub const GROUP_WINDOW_MS: u64 = 120_000;
/// Longest transition window that can be asked for.
pub const GROUP_WINDOW_MAX_MS: u64 = DAY_MS;

/// Bytes of plaintext in a chunk of an attachment, at least: its nonce and tag are then below 1 %.
pub const ATTACHMENT_CHUNK_MIN: usize = 4_096;
/// Bytes of plaintext in a chunk of an attachment, at most: what one read has to fetch and hold.
pub const ATTACHMENT_CHUNK_MAX: usize = 1_048_576;
/// Bytes of plaintext in a chunk of an attachment unless set: it stays in the second-level cache while it is worked on.
pub const ATTACHMENT_CHUNK: usize = 65_536;
/// Chunks of an attachment: each may be sealed four times before random nonces reach their limit of 2^32.
pub const ATTACHMENT_CHUNKS_MAX: u32 = 1 << 30;
/// How far ahead of the first missing chunk others may be sealed or opened: 35 KiB of digests.
pub const ATTACHMENT_WINDOW: usize = 1_024;
/// Bytes that one call takes of an attachment that is read or written in order.
pub const ATTACHMENT_PIECE_MAX: usize = 1 << 30;

/// Parts of the name of a stored record.
pub const STORE_PARTS_MAX: usize = 8;
/// Bytes of one record: whatever an object exports.
pub const STORE_VALUE_MAX: usize = SEALED_MAX;
/// Changes of one commit.
pub const STORE_CHANGES_MAX: usize = 65_536;
/// Bytes that one commit writes.
pub const STORE_COMMIT_MAX: usize = 4 * STORE_VALUE_MAX;
/// Rows that a scan holds at once.
pub const STORE_PAGE_ROWS: usize = 128;
/// Bytes after which a scan takes no further row into what it holds.
pub const STORE_PAGE_BYTES: usize = 1_048_576;

/// Users of one relay.
pub const RELAY_USERS_MAX: usize = 10_000_000;
/// Envelopes queued for one user.
pub const RELAY_QUEUE_MAX: usize = 10_000;
/// Bytes queued for one user.
pub const RELAY_QUEUE_BYTES_MAX: usize = 268_435_456;
/// One-time prekeys of one user that one requester may take in an hour.
pub const RELAY_PREKEYS_PER_HOUR: u32 = 5;
/// Groups of one relay.
pub const RELAY_GROUPS_MAX: usize = 1_000_000;
/// Ids of envelopes that a relay remembers of one sender once no queue holds them, to drop what is sent again.
pub const RELAY_RECENT_MAX: usize = 256;
/// Envelopes of one frame: a distribution to a group of a thousand in one.
pub const RELAY_SEND_MANY_MAX: usize = 1_024;
/// Groups of one answer to a search by label: more are no choice for a person.
pub const RELAY_FOUND_MAX: usize = 64;
/// Part of a user's queue that the envelopes of one sender may fill, in percent: four must work together to close it.
pub const RELAY_SENDER_SHARE_PERCENT: u32 = 25;
/// Groups that one user created and that are not deleted.
pub const RELAY_GROUPS_PER_USER: usize = 1_000;
/// Joins of one group in an hour: each is an entry that all members get.
pub const RELAY_JOINS_PER_HOUR: usize = 1_000;
/// Requests of one user in a second, in the long run.
pub const RELAY_REQUESTS_PER_SECOND: u32 = 100;
/// Requests of one user at once: a client that comes back after a day has that much to say.
pub const RELAY_REQUESTS_BURST: u32 = 1_000;
/// Envelopes of a send many that count as one request: they share a frame, and a distribution to a full group passes.
pub const RELAY_ENVELOPES_PER_REQUEST: usize = 16;
/// Copies of envelopes and entries in queues that count as one request more.
pub const RELAY_COPIES_PER_REQUEST: usize = 64;
/// Frames that tell somebody who is there that count as one request more.
pub const RELAY_PRESENCE_PER_REQUEST: usize = 32;
/// Bytes of an answer that count as one request more.
pub const RELAY_ANSWER_PER_REQUEST: usize = 16_384;
/// Copies after which one send many takes no further envelope for a group: two of the largest.
pub const RELAY_COPIES_PER_FRAME: usize = 20_000;
/// Requests that a hello counts for: it asks for all that waits.
pub const RELAY_HELLO_REQUESTS: usize = 10;
/// By how much the number of a client's last commit grows before a relay records it for itself.
pub const RELAY_COMMITS_UNRECORDED: u64 = 16;
/// Of what waited for a user, envelopes that are on their way to it at once.
pub const RELAY_WINDOW: usize = 1_024;
/// Bytes of them; one is always on its way, whatever its size.
pub const RELAY_WINDOW_BYTES: usize = 1_048_576;
/// How far one call may move the time by which a relay lets things age; further takes two calls.
pub const RELAY_CLOCK_STEP_MS: u64 = HOUR_MS;
/// How long a connection may take until welcome.
pub const RELAY_HANDSHAKE_MS: u64 = 10_000;
/// How long a connection may stay without a frame; a client pings after 30 seconds.
pub const RELAY_IDLE_MS: u64 = 90_000;
/// Members of a group that shows its members to each other: in a larger one, presence is noise and costs its square.
pub const RELAY_PRESENCE_MEMBERS_MAX: usize = 256;
/// Users whom one watch names.
pub const RELAY_WATCHES_MAX: usize = 1_000;
/// Groups whose members are shown to one user, those that are oldest.
pub const RELAY_PRESENCE_GROUPS_MAX: usize = 512;
/// How long a user who hid remains hidden on its next connection, until it says so again.
pub const RELAY_HIDDEN_MS: u64 = 10_000;
/// Users whom a relay looks at to find to whom one user is shown, each once for each group: what a change of presence
/// costs at most.
pub const RELAY_VISITS_MAX: usize = 16_384;
/// Users whom a relay looks at to find who knows each other when a group takes in members: as many as a full group has
/// pairs, all of whom it may have to tell.
pub const RELAY_INTRODUCED_MAX: usize = RELAY_PRESENCE_MEMBERS_MAX * RELAY_PRESENCE_MEMBERS_MAX;
/// Users or groups looked at that count as one request more.
pub const RELAY_VISITS_PER_REQUEST: usize = 512;
/// Bytes of one answer with roster entries, beyond the first of them: for the rest, one asks again.
pub const RELAY_LOG_ANSWER_MAX: usize = 262_144;
/// Bytes and entries of a log that are kept for those who run the group and for those who leave it, so that nobody else
/// closes it to them: more than all members of a full group need to leave.
pub const RELAY_LOG_RESERVE: usize = 4_194_304;
/// Entries likewise.
pub const RELAY_ENTRIES_RESERVE: u64 = 16_384;
/// Joins of one group by one user in an hour: who comes and goes makes work for all others.
pub const RELAY_JOINS_PER_USER: usize = 5;
/// How many times as many groups as it may have a user founds in a day, whatever becomes of them.
pub const RELAY_FOUNDED_PER_DAY: usize = 2;
/// Bytes of entries that one user founds groups or brings in members with, in a day: one full log.
pub const RELAY_FOUNDED_BYTES_PER_DAY: usize = LOG_MAX;
/// Records of groups that ended long ago that one new group clears away, and how many such groups.
pub const RELAY_CLEARED_RECORDS: usize = 1_024;
/// See [`RELAY_CLEARED_RECORDS`].
pub const RELAY_CLEARED_GROUPS: usize = 4;

/// Time without a frame of ours after which a client pings.
pub const CLIENT_PING_MS: u64 = 30_000;
/// Time without an answer after which a client gives up a connection.
pub const CLIENT_ANSWER_MS: u64 = 60_000;
/// Handshakes of one peer that a client takes in a day: an honest one makes one an hour, and a few more where a relay
/// lies, and each fills what remembers first messages. What comes under more of them is asked for.
pub const CLIENT_HANDSHAKES_MAX: u32 = 48;
/// First messages under another identity of one peer that a client tries in a minute.
pub const CLIENT_TRIED_MAX: u32 = 8;
/// Unknown users whom a client asks again for what it cannot open, in an hour.
pub const CLIENT_STRANGERS_MAX: u32 = 256;
/// How long a message is tried before it fails.
pub const CLIENT_RETRY_MS: u64 = QUEUE_AGE_MAX_MS;
/// Longest pause between two tries.
pub const CLIENT_BACKOFF_MAX_MS: u64 = HOUR_MS;
/// Longest pause while the queue of the recipient is full.
pub const CLIENT_FULL_MAX_MS: u64 = 60_000;
/// Messages that wait in a client to be sent.
pub const CLIENT_OUTBOX_MAX: usize = 65_536;
/// Bytes of them.
pub const CLIENT_OUTBOX_BYTES_MAX: usize = 268_435_456;
/// What waits besides of what a client answers and hands out by itself, before it does no more of that.
pub const CLIENT_AUTOMATIC_MAX: usize = 65_536;
/// Of that, for one peer: then the oldest goes.
pub const CLIENT_AUTOMATIC_PEER_MAX: usize = 256;
/// Message ids that a client remembers of each peer, to show none twice.
pub const CLIENT_SEEN_MAX: u64 = 1_024;
/// Contents that a client keeps for each peer in case their envelopes cannot be opened.
pub const CLIENT_RESEND_MAX: usize = 256;
/// Bytes of them; the last one is kept whatever its size.
pub const CLIENT_RESEND_BYTES_MAX: usize = 4_194_304;
/// Messages to one peer of which a client remembers which envelope carried them, with or without their content: more
/// than one sender's share of a queue.
pub const CLIENT_KEPT_MAX: usize = 2_560;
/// Requests for lost contents that wait for one peer: each names up to 256 envelopes.
pub const CLIENT_RESENDS_MAX: usize = 10;
/// Messages whose acks a client can judge.
pub const CLIENT_SENT_MAX: usize = 10_000;
/// Peers that a client holds in memory; of those who were not needed for longest, the rest is read again when they are.
pub const CLIENT_PEERS_MAX: usize = 4_096;
/// Envelopes that a client holds of one identity that was not accepted yet.
pub const CLIENT_HELD_MAX: usize = 64;
/// Deliveries that a client works on for one commit.
pub const CLIENT_BATCH_MAX: usize = 1_024;
/// Bytes of deliveries after which no other joins them.
pub const CLIENT_BATCH_BYTES_MAX: usize = 16_777_216;
/// Users that one client may watch.
pub const CLIENT_WATCH_MAX: usize = 1_000;
/// Message ids in one call that marks messages as read.
pub const CLIENT_READ_MAX: usize = 4_096;
/// Messages of a session or sender key that leave without the state being stored again.
pub const CLIENT_LEASE: u32 = 64;
/// Time after a message before its sender is told of it, and between two such tellings of one peer.
pub const CLIENT_ACK_DELAY_MS: u64 = 1_000;
/// Groups that a client knows.
pub const CLIENT_GROUPS_MAX: usize = 16_384;
/// Group messages that wait for their keys: of one sender in a group.
pub const CLIENT_PENDING_SENDER_MAX: usize = 64;
/// Of all senders in all groups.
pub const CLIENT_PENDING_MAX: usize = 1_024;
/// Bytes of them.
pub const CLIENT_PENDING_BYTES_MAX: usize = 67_108_864;
/// Sender keys of one group that wait for the entry that makes their owner a member.
pub const CLIENT_KEYS_MAX: usize = 1_024;
/// Time before a key that did not come is asked for; then it doubles.
pub const CLIENT_KEY_REQUEST_MS: u64 = 5_000;
/// Time in which a member gets one answer about one key.
pub const CLIENT_KEY_ANSWER_MS: u64 = 60_000;
/// How often an entry is made anew for another that came first.
pub const CLIENT_STALE_MAX: u32 = 16;
/// Time before a log that did not say what was claimed is asked for again.
pub const CLIENT_LOG_AGAIN_MS: u64 = 60_000;
/// Time for the relay to show a history that a member names, before the application is told that there is another.
pub const CLIENT_DISPUTE_MS: u64 = 120_000;
/// Members of a group up to which keys are handed out before they are needed.
pub const CLIENT_EAGER_MAX: usize = 64;
