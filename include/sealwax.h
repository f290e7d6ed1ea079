/*
 * sealwax.h - end-to-end encryption over P-256, AES-256-GCM and HKDF-SHA-256.
 *
 * This file is generated from the library's sources. There lie docs/C_API.md, which says more about each
 * convention below, and the other files that are named here.
 *
 * Hazards   Save what an object exports before you send what it made: a state that goes back to an older one
 *           loses messages. A relay sees who talks to whom, when and how much; it reads nothing. A user id
 *           proves nothing until the safety number was compared.
 *
 * Status    Every function that can fail returns a sealwax_status, 0 for done. If it is not 0, nothing changed,
 *           unless the function says otherwise. All failed authentication is SEALWAX_AUTHENTICATION_FAILED.
 *
 * Handles   Opaque tokens, never followed as pointers: NULL, freed, forged or of another type gives
 *           SEALWAX_INVALID_HANDLE. All functions may be called from any thread. const T * takes a shared lock
 *           for the time of the call (calls run side by side), T * an exclusive one (they take turns); no order
 *           of calls can deadlock. The same handle twice in one call is SEALWAX_INVALID_ARGUMENT.
 *           A _free never waits: the token dies at once, the object with its last running call. An object keeps
 *           what it was made from alive, so handles may be freed in any order. _free(NULL) is fine, a second
 *           _free of a handle is SEALWAX_INVALID_HANDLE. sealwax_live_handles() finds leaks.
 *
 * Inputs    Bytes: const void *x, size_t x_len. Text: const char *x, size_t x_len, UTF-8, no NUL needed.
 *           NULL is taken with length 0 only. A length over the argument's limit is refused before a byte is
 *           read. Inputs may overlap one another and must not change during the call.
 *
 * Outputs   void *out, size_t out_cap, size_t *out_len. Too small a buffer: SEALWAX_BUFFER_TOO_SMALL, *out_len
 *           is the size that would do, out is untouched, nothing changed; so out_cap 0 (and then out NULL) asks
 *           for the size. Only SEALWAX_BUFFER_TOO_SMALL means that a second call is due: if the result is empty,
 *           out_cap 0 is enough, and the call was done. After any other failure *out_len is 0, numbers are 0,
 *           new handles NULL, and bytes already written are wiped. An output must not overlap an input or
 *           another output.
 *
 * Options   A JSON object in UTF-8; length 0 takes all defaults. An unknown key or a bad value is
 *           SEALWAX_INVALID_OPTIONS, and sealwax_options_check() says which and why. Of a key that is there twice
 *           the last one counts. "open" (false): the default is in parentheses, and what follows is said of true.
 * Info      JSON in UTF-8 with "v":1. Keys are only ever added; integers are below 2^53, bytes are lower-case
 *           hex; never a message or a secret.
 *
 * Time      now_ms is Unix time in milliseconds. The library reads no clock. A value below an earlier one counts
 *           as the earlier one; but a client whose clock goes back by more than a second goes by the new time, and
 *           nothing that it does by time waits for the old one to come again.
 * fork      In the child every handle made before says SEALWAX_FORKED and only _free works on it; new objects
 *           are safe.
 * Defects   A defect inside the library never crosses into the caller: SEALWAX_INTERNAL, and the objects that
 *           the call could have changed say SEALWAX_POISONED from then on; only _free works on them.
 *
 * The library starts no thread, opens no socket, and no file but the stores of clients. It stays loaded once
 * loaded.
 */

#ifndef SEALWAX_H
#define SEALWAX_H

#include <stddef.h>
#include <stdint.h>

/* How functions are imported. Windows programs that link the static library define SEALWAX_STATIC. */
#if defined(_WIN32) && !defined(SEALWAX_STATIC)
#define SEALWAX_API __declspec(dllimport)
#else
#define SEALWAX_API
#endif

/* A status must be looked at. A compiler warns if it is not; GCC before C23 takes not even (void) for a look. */
#if defined(__cplusplus)
#if __cplusplus >= 201703L
#define SEALWAX_NODISCARD [[nodiscard]]
#endif
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define SEALWAX_NODISCARD [[nodiscard]]
#endif
#if !defined(SEALWAX_NODISCARD)
#if defined(__GNUC__)
#define SEALWAX_NODISCARD __attribute__((warn_unused_result))
#else
#define SEALWAX_NODISCARD
#endif
#endif

/** Major number of the ABI, and of the SONAME. It grows when something is removed or changes its meaning. */
#define SEALWAX_ABI_MAJOR 0
/** Minor number of the ABI. It grows when functions, statuses or keys of an options object are added. */
#define SEALWAX_ABI_MINOR 2

/**
 * The ABI that this header describes. A library serves it if it has the same major and at least this minor:
 * compare with what sealwax_abi_version() says about the library that was loaded.
 */
#define SEALWAX_ABI_VERSION ((SEALWAX_ABI_MAJOR << 16) | SEALWAX_ABI_MINOR)

/* ---- Sizes, in bytes; sealwax_build_info() gives them at run time ---- */

/** Key that seals an export. */
#define SEALWAX_KEY_LEN 32
/** Message id, and envelope id. */
#define SEALWAX_ID_LEN 16
/** Fingerprint of an identity. */
#define SEALWAX_FINGERPRINT_LEN 32
/** Group id. */
#define SEALWAX_GROUP_ID_LEN 32
/** Key id of a group sender's key. */
#define SEALWAX_KEY_ID_LEN 8
/** Digits of a safety number, without the NUL. */
#define SEALWAX_SAFETY_DIGITS 60
/** Longest user id or group label, in bytes of UTF-8. */
#define SEALWAX_NAME_MAX 255
/** Longest card. */
#define SEALWAX_CARD_MAX 640
/** Longest prekey bundle; one with a single one-time prekey is below 1,024 bytes. */
#define SEALWAX_PREKEYS_MAX 69632
/** Longest plaintext of one message. */
#define SEALWAX_MESSAGE_MAX 1048576
/** Longest envelope. */
#define SEALWAX_ENVELOPE_MAX 1183744
/** Longest frame between a client and a relay. */
#define SEALWAX_FRAME_MAX 4198400
/** Header of a sealed attachment. */
#define SEALWAX_STREAM_HEADER_LEN 38
/** Bytes by which each chunk of an attachment grows. */
#define SEALWAX_STREAM_OVERHEAD 28
/** Longest plaintext of one chunk of an attachment. */
#define SEALWAX_STREAM_CHUNK_MAX 1048576
/** Longest reference to an attachment. */
#define SEALWAX_STREAM_REFERENCE_MAX 79
/** Most envelopes of one call that takes a backlog. */
#define SEALWAX_BATCH_MAX 4096
/** Most bytes that they may have together. */
#define SEALWAX_BATCH_BYTES_MAX 67108864

/* ---- Envelopes ---- */

/** A message of a session. */
#define SEALWAX_KIND_SESSION 1

/**
 * A message of a session that also carries the handshake: sealwax_session_accept() takes it if there is no session
 * with its sender, sealwax_session_decrypt() otherwise.
 */
#define SEALWAX_KIND_SESSION_FIRST 2
/** A message of a group: sealwax_group_receiver_decrypt() takes it. */
#define SEALWAX_KIND_GROUP 5
/** An entry of a roster: sealwax_roster_apply() takes it. */
#define SEALWAX_KIND_ROSTER_ENTRY 6
/** Flag of a session message: its ratchet header is encrypted. */
#define SEALWAX_FLAG_HIDDEN_HEADER 1
/** Flag of a group message: the first one after its sender loaded a stored state. */
#define SEALWAX_FLAG_RESUMED 1

/* ---- Roles of a group's members ---- */

/** Reads and writes. */
#define SEALWAX_ROLE_MEMBER 1
/** Also adds and removes members. */
#define SEALWAX_ROLE_ADMIN 2
/** Also gives roles, settles forks and deletes the group. */
#define SEALWAX_ROLE_OWNER 3
/** Flag of a group: anybody may join, whom the relay lets in. */
#define SEALWAX_GROUP_FLAG_OPEN 1
/** Flag of a group: it has ended. */
#define SEALWAX_GROUP_FLAG_DELETED 2

/**
 * Flag of a delivery: all that had gathered for this user while offline comes before it. It has no payload.
 */
#define SEALWAX_DELIVERY_QUEUE_END 1

/**
 * Flag of a delivery: close the connection once this is sent, and end it with sealwax_relay_disconnect().
 */
#define SEALWAX_DELIVERY_CLOSE 2

/**
 * How to go on without a connection, whether it was lost or could not be made: connect again after a pause. Half a
 * second is right at first; double it each time, up to a minute, less a random part of up to a half, and begin
 * anew after a connection that has held ten seconds beyond SEALWAX_EVENT_CONNECTED. If SEALWAX_EVENT_ERROR has
 * said SEALWAX_LIMIT_REACHED, the relay has no room for another user, which may pass: tell the user who waits.
 */
#define SEALWAX_RECONNECT_SOON 0

/**
 * How to go on: connect again after the longest pause, or when the user asks for it. Another connection of this
 * user has taken the place of ours, and two that do not give way would take turns for ever. SEALWAX_EVENT_ERROR
 * has said SEALWAX_REPLACED.
 */
#define SEALWAX_RECONNECT_LATE 1

/**
 * How to go on: tell the user, and connect again when something has changed; where nobody is there to ask, after
 * the longest pause. The next connection would end as this one. SEALWAX_EVENT_ERROR has said why:
 * SEALWAX_NOT_PERMITTED: the relay wants another "method", or its host knows us by another name;
 * SEALWAX_IDENTITY_CHANGED: the user has another identity at the relay; SEALWAX_AUTHENTICATION_FAILED: the relay
 * has another name than was given, or takes our proof for none; SEALWAX_UNSUPPORTED_VERSION,
 * SEALWAX_UNSUPPORTED_SUITE, SEALWAX_UNSUPPORTED: one of the two libraries is too old for the other, or whoever
 * answers is no relay. After a welcome the relay has taken us, and each of these is SEALWAX_RECONNECT_SOON.
 */
#define SEALWAX_RECONNECT_NEVER 2
/** Bytes: what they are is between the applications. */
#define SEALWAX_CONTENT_BINARY 0
/** Text in UTF-8, checked by both clients. */
#define SEALWAX_CONTENT_TEXT 1

/**
 * Flag of sending: the message leaves this client at once or never. The client does not store it or try again,
 * and no event tells of it: for what is worth nothing later, such as "is typing". To all others it is a message as
 * any: the relay keeps it for a recipient who is offline, and the recipient's client tells and stores it. Say in
 * the payload what it is, and look at the event's `time_ms`.
 */
#define SEALWAX_SEND_TRANSIENT 1

/**
 * The relay has welcomed us. Flag RESTORED: the store is an older copy of itself, and keys are made anew.
 */
#define SEALWAX_EVENT_CONNECTED 1

/**
 * The connection is gone, of which SEALWAX_EVENT_CONNECTED has told. Of one that ends before a welcome nothing is
 * told but the SEALWAX_EVENT_ERROR that says why, if the relay or the client had a reason.
 */
#define SEALWAX_EVENT_DISCONNECTED 2

/**
 * `user`, whom we watch and who watches us, or with whom we share a group, came (flag ONLINE) or went: the relay's
 * word, and nobody's proof. Who is there is told once on each connection; without one, nobody is known to be. With
 * whom the last group ends, of that one no more is told.
 */
#define SEALWAX_EVENT_PRESENCE 3
/** `user` has sent us `payload`, of `content_type`, as `message_id`, at `time_ms` by its clock. */
#define SEALWAX_EVENT_MESSAGE 4

/**
 * Our message `message_id` to `user` has reached `state`. With a `group`: `user` is the member who says so, NULL
 * if it is the relay. SEALWAX_STATE_SENT promises no more than that the relay has queued it: what its recipient
 * does not fetch within the time that the relay keeps it ("queue_age_max_ms", 7 days) is gone, and nobody is told.
 */
#define SEALWAX_EVENT_ACK 5

/**
 * Our message `message_id` to `user`, or to `group`, will not be sent: `status` says why. Or it was sent, `user`
 * cannot read it, and it is not sent again: SEALWAX_LIMIT_REACHED if it is not kept any longer or was repeated
 * enough, SEALWAX_IDENTITY_CHANGED if it was for another identity and nobody had to accept the new one.
 * No such event means no delivery: after SEALWAX_STATE_SENT only an ack of the recipient says that.
 */
#define SEALWAX_EVENT_FAILED 6

/**
 * `user` has turned up under another identity, `fingerprint`, than the known one, `known_fingerprint`. Flag
 * BLOCKED: nothing is sent to the user or taken from the new identity until sealwax_client_accept_identity(). As
 * long as that was not called it is told again after each opening, with `number` 0 if it was confirmed.
 * sealwax_client_changed_card() gives the new card.
 */
#define SEALWAX_EVENT_IDENTITY_CHANGED 7
/** What was asked for as `request`, about `group`, is done. */
#define SEALWAX_EVENT_DONE 8

/**
 * `status` says what went wrong. With a `request`: that was refused, and nothing of it has happened; `group` and
 * `user` are given where they are the reason. Without one: if it is about the connection,
 * sealwax_pending says how to go on; otherwise nothing has to be done.
 */
#define SEALWAX_EVENT_ERROR 9
/** We have founded `group`, with this `label`. */
#define SEALWAX_EVENT_GROUP_CREATED 20
/** We are a member of `group`, with this `label`; `by` has added us, or we ourselves. */
#define SEALWAX_EVENT_GROUP_JOINED 21
/** We are a member of `group` no longer; `by` has removed us, or we ourselves. */
#define SEALWAX_EVENT_GROUP_LEFT 22
/** `by` has ended `group`. */
#define SEALWAX_EVENT_GROUP_DELETED 23

/**
 * Two histories of `group` are about. Who is not a member in both is given no keys, and an owner has to settle
 * it: sealwax_client_resolve_group(). With `user`: that member names another history than the relay shows us. One
 * of both lies, or is lied to, and there is nothing to settle until it shows. With our own name: the relay has
 * taken an entry of ours, does not show it, and refuses it now.
 */
#define SEALWAX_EVENT_GROUP_FORKED 24
/** `user` is a member of `group`; `by` has added the user, or the user itself. */
#define SEALWAX_EVENT_MEMBER_JOINED 25
/** `user` is a member of `group` no longer; `by` has removed the user, or the user itself. */
#define SEALWAX_EVENT_MEMBER_LEFT 26
/** `by` has given `user` another `role` in `group`. */
#define SEALWAX_EVENT_ROLE_CHANGED 27
/** `by` says that `user` has other keys in `group`. */
#define SEALWAX_EVENT_MEMBER_REPLACED 28

/**
 * `user` has sent `payload` to `group`, of `content_type`, as `message_id`, at `time_ms` by its clock. With
 * `by`: the key was shared by that member, in whose word it is.
 */
#define SEALWAX_EVENT_GROUP_MESSAGE 29
/** `count` messages of `user` to `group` wait for their key, which was asked for. */
#define SEALWAX_EVENT_MESSAGE_PENDING 30

/**
 * `count` messages of `user`, as far as they say themselves, to `group` will not be read: `status` says why.
 */
#define SEALWAX_EVENT_MESSAGE_UNREADABLE 31

/**
 * We give `user` no keys of `group`, for this `status`: SEALWAX_IDENTITY_CHANGED, until an admin who has accepted
 * the new identity calls sealwax_client_replace_member(); or SEALWAX_ROSTER_FORKED.
 */
#define SEALWAX_EVENT_KEY_WITHHELD 32
/** Flag of an event: it was taken out before the store was opened, or may have been. */
#define SEALWAX_EVENT_FLAG_AGAIN 1
/** Flag of SEALWAX_EVENT_PRESENCE. */
#define SEALWAX_EVENT_FLAG_ONLINE 2
/** Flag of SEALWAX_EVENT_CONNECTED. */
#define SEALWAX_EVENT_FLAG_RESTORED 4
/** Flag of SEALWAX_EVENT_IDENTITY_CHANGED. */
#define SEALWAX_EVENT_FLAG_BLOCKED 8
/** State of a message: the relay has it, and gives it up after its time. */
#define SEALWAX_STATE_SENT 1
/** State of a message: the recipient's client has it. */
#define SEALWAX_STATE_DELIVERED 2
/** State of a message: the recipient has read it. */
#define SEALWAX_STATE_READ 3

/** A client: one identity, one store, any number of peers, one relay. What is called on it takes turns. */
typedef struct sealwax_client sealwax_client;

/** What came of a call on a relay: records to store, then deliveries to send. */
typedef struct sealwax_deliveries sealwax_deliveries;

/** Something that a client tells its application. It never changes, and outlives its client. */
typedef struct sealwax_event sealwax_event;

/** The receiving half of a membership in one group, or what was shared of the group's past. */
typedef struct sealwax_group_receiver sealwax_group_receiver;

/** The sending half of a membership in one group. */
typedef struct sealwax_group_sender sealwax_group_sender;

/** One's own keys, the card that shows them, and prekeys. */
typedef struct sealwax_identity sealwax_identity;

/**
 * A relay: connections, cards, prekeys, rosters, queues; no secret. All its functions take it as const and
 * run side by side.
 */
typedef struct sealwax_relay sealwax_relay;

/** The signed membership log of one group. It holds no key. */
typedef struct sealwax_roster sealwax_roster;

/** Everything shared with one peer, in both directions. */
typedef struct sealwax_session sealwax_session;

/** One attachment that is read. */
typedef struct sealwax_stream_open sealwax_stream_open;

/** One attachment in the making: a file of any size, sealed chunk by chunk. */
typedef struct sealwax_stream_seal sealwax_stream_seal;

/**
 * What every fallible function returns: SEALWAX_OK, or why it did not do what was asked.
 * Unless a function says otherwise, nothing changed when it is not SEALWAX_OK.
 */
typedef int32_t sealwax_status;

/** Bytes that belong to something else, which says how long they live. */
typedef struct {
    /** NULL if there are none. */
    const void *ptr;
    /** How many. */
    size_t len;
} sealwax_slice;

/** The public header of an envelope or roster entry, for dispatch. Nothing in it is proven. */
typedef struct {
    /** SEALWAX_KIND_SESSION and so on. */
    uint32_t kind;
    /** SEALWAX_FLAG_HIDDEN_HEADER or SEALWAX_FLAG_RESUMED, by kind. */
    uint32_t flags;
    /** User id of the sender; of a roster entry, of its actor. */
    sealwax_slice sender;
    /** User id of the recipient of a session message; otherwise NULL. */
    sealwax_slice recipient;
    /**
     * Id of the group of a group message or roster entry; NULL in a session message, and in a group's first entry,
     * whose hash is the id.
     */
    sealwax_slice group;
    /** The sender's clock. */
    uint64_t timestamp_ms;
    /** Names these very bytes, as sealwax_delivery.envelope_id does. */
    uint8_t envelope_id[SEALWAX_ID_LEN];
} sealwax_envelope;

/** How a group stands. */
typedef struct {
    /** Number of the newest entry of its log. */
    uint64_t epoch;
    /** Number of the newest entry that changed who can read. */
    uint64_t membership_epoch;
    /** Hash of the newest entry: the head of its history. */
    uint8_t hash[32];
    /** How many members there are. */
    uint32_t members;
    /** Our role, SEALWAX_ROLE_MEMBER and so on. 0: we are no member, or nobody is meant by "we". */
    uint32_t role;
    /** SEALWAX_GROUP_FLAG_OPEN and SEALWAX_GROUP_FLAG_DELETED, added up. */
    uint32_t flags;
    /** How many histories compete with this one; 0 unless the group is forked. */
    uint32_t branches;
    /** Their heads, 32 bytes each; the rest is 0. */
    uint8_t branch_heads[128];
    /** Bytes of the label. */
    uint32_t label_len;
    /** 0. */
    uint32_t reserved;
    /** What people call the group, which identifies nothing: UTF-8, and a NUL. */
    char label[256];
} sealwax_group_state;

/**
 * What became of one of many inputs. If the call itself fails, each one says SEALWAX_INTERNAL and has no bytes,
 * whatever it was that failed; if there are more of them than the call takes, they are left as they were.
 */
typedef struct {
    /** SEALWAX_OK if there is a result. */
    sealwax_status status;
    /** 0. */
    uint32_t reserved;
    /** Where its bytes start in the output. */
    size_t offset;
    /** How many they are; 0 after a failure. */
    size_t len;
} sealwax_result;

/**
 * Which bytes of an attachment lie where. Chunk i starts at SEALWAX_STREAM_HEADER_LEN + i * (chunk_size +
 * SEALWAX_STREAM_OVERHEAD) of the sealed file and holds the plaintext from i * chunk_size on. All chunks but the
 * last are full; a file without content is one empty chunk.
 */
typedef struct {
    /** Bytes of plaintext. */
    uint64_t size;
    /** Bytes of the sealed file, header included. */
    uint64_t sealed_size;
    /** How many chunks. */
    uint32_t chunks;
    /** Bytes of plaintext in a full chunk. */
    uint32_t chunk_size;
} sealwax_stream_layout;

/** Something to send to a connection, or to a user whom sealwax_relay_set_online() said to be online. */
typedef struct {
    /** User id of whom it is for; empty if the connection is nobody's yet. */
    sealwax_slice user;
    /** Envelope or roster entry; the same memory for all recipients of one message. NULL in all else. */
    sealwax_slice payload;
    /** Its place in the user's queue, from 1 on: what sealwax_relay_acknowledge() takes. 0 in all else. */
    uint64_t sequence;
    /** Names the payload. */
    uint8_t envelope_id[SEALWAX_ID_LEN];
    /** SEALWAX_DELIVERY_QUEUE_END, SEALWAX_DELIVERY_CLOSE or 0. */
    uint32_t flags;
    /** 0. */
    uint32_t reserved;
    /** The connection to send it to; 0: one that the host knows by its user. */
    uint64_t connection;
    /**
     * The frame to send to the connection is `head`, then `payload`. Empty without a connection, and for one that
     * is closed without a word.
     */
    sealwax_slice head;
} sealwax_delivery;

/**
 * A change to store, so that sealwax_relay_restore() can rebuild the relay. Write it only if the version that is
 * stored under the name is `replaces`, as version `replaces` + 1.
 */
typedef struct {
    /**
     * Text in UTF-8 such as "queue/alice/00000000000000000007": names of one kind begin alike, and those of one
     * queue or group sort in their order. It holds user ids as they are, "/" and ".." among them: it is no name of
     * a file before it was encoded.
     */
    sealwax_slice name;
    /** What to store; the same memory for all recipients of one message. NULL: delete what is stored. */
    sealwax_slice value;
    /** The version that it replaces; 0: nothing is stored. */
    uint64_t replaces;
} sealwax_record;

/** What there is to take out of a client, and when it wants the time. */
typedef struct {
    /** Frames for the relay. */
    size_t frames;
    /** Events for the application. */
    size_t events;
    /** When sealwax_client_tick() is due at the latest; UINT64_MAX: never, as things are. */
    uint64_t due_ms;
    /**
     * 1: end the connection once the frames are sent. The relay breaks the protocol or has told us to go, and an
     * event says why; or it does not answer. Otherwise 0.
     */
    uint32_t wants_disconnect;
    /**
     * SEALWAX_RECONNECT_SOON and so on: how to go on once there is no connection. It stays until the next
     * sealwax_client_connected().
     */
    uint32_t reconnect;
} sealwax_pending;

/**
 * Tells the host of a client that there may be something to take out of it: see sealwax_client_on_wake().
 */
typedef void (*sealwax_wake)(void *user_data);

/**
 * What an event says. What its kind does not speak of is 0, or NULL with length 0. Besides `kind` it gives (with
 * "?": not always; a flag: if it holds; SEALWAX_EVENT_FLAG_AGAIN with each `number`):
 *
 *   CONNECTED           flags RESTORED?
 *   DISCONNECTED
 *   PRESENCE            user, flags ONLINE?
 *   MESSAGE             number, user, message_id, time_ms, content_type, payload
 *   ACK                 number, message_id, state, user?, group?
 *   FAILED              number, message_id, status, user?, group?
 *   IDENTITY_CHANGED    number, user, known_fingerprint, fingerprint, flags BLOCKED?
 *   DONE                number, request, group
 *   ERROR               status; of a request: number, request, group?, user?
 *   GROUP_CREATED       number, group, label?
 *   GROUP_JOINED        number, group, label?, by
 *   GROUP_LEFT          number, group, by
 *   GROUP_DELETED       number, group, by
 *   GROUP_FORKED        number, group, user?
 *   MEMBER_JOINED       number, group, user, by
 *   MEMBER_LEFT         number, group, user, by
 *   ROLE_CHANGED        number, group, user, role, by
 *   MEMBER_REPLACED     number, group, user, by
 *   GROUP_MESSAGE       number, group, user, message_id, time_ms, content_type, payload, by?
 *   MESSAGE_PENDING     number, group, user, count
 *   MESSAGE_UNREADABLE  number, group, user, count, status
 *   KEY_WITHHELD        number, group, user, status
 *
 * A `payload` may be empty, `content_type` be SEALWAX_CONTENT_BINARY, which is 0.
 */
typedef struct {
    /**
     * SEALWAX_EVENT_MESSAGE and so on. There will be more kinds: pass over what is unknown, and confirm it.
     */
    uint32_t kind;
    /** SEALWAX_EVENT_FLAG_AGAIN and so on, added up. */
    uint32_t flags;
    /**
     * Its place among the events of the store, for sealwax_client_confirm(); 0: it is told once and not stored.
     */
    uint64_t number;
    /** What the call gave that asked for this. */
    uint64_t request;
    /** When the message was sent, by its sender's clock. */
    uint64_t time_ms;
    /** User id of whom it is about. */
    sealwax_slice user;
    /** User id of who did it. */
    sealwax_slice by;
    /** SEALWAX_GROUP_ID_LEN bytes of the group that it is about. */
    sealwax_slice group;
    /** What people call the group. */
    sealwax_slice label;
    /** The message. It is wiped with the event. */
    sealwax_slice payload;
    /** SEALWAX_FINGERPRINT_LEN bytes of the identity that counted. */
    sealwax_slice known_fingerprint;
    /** SEALWAX_FINGERPRINT_LEN bytes of the new identity. */
    sealwax_slice fingerprint;
    /** The message that it is about. */
    uint8_t message_id[SEALWAX_ID_LEN];
    /** What went wrong. */
    sealwax_status status;
    /** SEALWAX_STATE_SENT and so on. */
    uint32_t state;
    /** SEALWAX_CONTENT_TEXT or SEALWAX_CONTENT_BINARY. */
    uint32_t content_type;
    /** SEALWAX_ROLE_MEMBER and so on. */
    uint32_t role;
    /** How many. */
    uint32_t count;
    /** 0. */
    uint32_t reserved;
} sealwax_event_fields;

/** A member of a group. */
typedef struct {
    /** SEALWAX_ROLE_MEMBER and so on. */
    uint32_t role;
    /** Bytes of the user id. */
    uint32_t user_len;
    /** Number of the entry since which it is a member. */
    uint64_t since_epoch;
    /** Of the identity that is a member. */
    uint8_t fingerprint[SEALWAX_FINGERPRINT_LEN];
    /** User id: UTF-8, and a NUL. */
    char user[256];
} sealwax_member;

/** Done. */
#define SEALWAX_OK 0

/* ---- The caller's mistakes. Nothing changed. ---- */

/** A number, a fixed length or a pair of handles that this function does not take. */
#define SEALWAX_INVALID_ARGUMENT 100
/** A pointer is NULL that must not be. */
#define SEALWAX_NULL_POINTER 101
/** A handle that is NULL, freed, of another type, or never came from this library. */
#define SEALWAX_INVALID_HANDLE 102
/** *out_len is the size that would do; out is untouched. */
#define SEALWAX_BUFFER_TOO_SMALL 103
/** An output overlaps an input or another output. */
#define SEALWAX_BUFFER_OVERLAP 104
/** A length beyond its limit. Not a byte of it was read. */
#define SEALWAX_TOO_LARGE 105
/** Not UTF-8, or not what a user id or label may hold. */
#define SEALWAX_INVALID_TEXT 106
/** sealwax_options_check() names the key and says why. */
#define SEALWAX_INVALID_OPTIONS 107

/**
 * A bounded table is full: the limits in sealwax_build_info(), the options of a relay, or what the function says.
 */
#define SEALWAX_LIMIT_REACHED 108
/** This build lacks the feature; the header never changes with features. */
#define SEALWAX_UNSUPPORTED 109
/** A call that comes too early, too late, or beside another way of doing the same. */
#define SEALWAX_WRONG_STATE 110

/* ---- Bytes that cannot be what they claim. Nothing changed. ---- */

/** Not a well-formed object of the protocol, or bytes follow its end. */
#define SEALWAX_MALFORMED 200

/**
 * Made by a version of the protocol that this library does not speak; or bytes of no protocol, whose first two are
 * taken for a version.
 */
#define SEALWAX_UNSUPPORTED_VERSION 201
/** Made with a cipher suite that this library does not speak. */
#define SEALWAX_UNSUPPORTED_SUITE 202
/** A well-formed object, but not one that this function takes. */
#define SEALWAX_WRONG_KIND 203
/** Addressed to somebody else. */
#define SEALWAX_WRONG_RECIPIENT 204
/** Belongs to another group. */
#define SEALWAX_WRONG_GROUP 205
/** Belongs to another pair of identities. */
#define SEALWAX_WRONG_SESSION 206
/** A prekey, or a first message, past its time. */
#define SEALWAX_EXPIRED 207

/* ---- Authentication. Nothing changed. ---- */

/** Every tag, signature, link, commitment or seal that does not verify. */
#define SEALWAX_AUTHENTICATION_FAILED 300

/* ---- Message state. Nothing changed. ---- */

/** The very bytes of a recently accepted message: a hint, drop it. */
#define SEALWAX_DUPLICATE 400
/** A message whose key was used before: a hint, drop it. */
#define SEALWAX_REPLAY 401
/** A gap in the counters larger than the limit. */
#define SEALWAX_TOO_FAR_AHEAD 402
/** No such key, or no longer; for a group, its distribution may still be under way. */
#define SEALWAX_UNKNOWN_KEY 403
/** A group key past its transition window; its messages stay closed. */
#define SEALWAX_RETIRED_KEY 404
/** The owner withholds this group key on purpose. */
#define SEALWAX_WITHHELD_KEY 405
/** The chain has no message keys left. */
#define SEALWAX_CHAIN_EXHAUSTED 406
/** The peer never answered: sealwax_session_renew() with fresh prekeys. */
#define SEALWAX_RENEWAL_REQUIRED 407
/** A handshake names a prekey that this identity does not hold, or no longer. */
#define SEALWAX_UNKNOWN_PREKEY 408

/* ---- People and groups. Nothing changed. ---- */

/** No such user. */
#define SEALWAX_UNKNOWN_USER 500
/** No such group. */
#define SEALWAX_UNKNOWN_GROUP 501
/** The user is not a member of the group. */
#define SEALWAX_NOT_A_MEMBER 502
/** The actor's role does not allow it. */
#define SEALWAX_NOT_PERMITTED 503
/** Another entry took this epoch: apply it, and propose again. */
#define SEALWAX_STALE_EPOCH 504
/** sealwax_group_sender_rotate(), distribute, then encrypt again. */
#define SEALWAX_ROTATION_REQUIRED 505
/** The user is known under other keys. Verify out of band before accepting them. */
#define SEALWAX_IDENTITY_CHANGED 506
/** The peer's card forbids a session without a signed prekey. */
#define SEALWAX_PREKEYS_REQUIRED 507
/** A newer roster is proven to exist: apply its entries first. */
#define SEALWAX_ROSTER_BEHIND 508
/** Two valid entries for one epoch; an owner must resolve. */
#define SEALWAX_ROSTER_FORKED 509
/** The sender is no longer a member; its keys are gone. */
#define SEALWAX_SENDER_REMOVED 510
/** One key id was given two meanings: the sender lies. */
#define SEALWAX_EQUIVOCATION 511
/** The group was deleted. */
#define SEALWAX_GROUP_DELETED 512

/* ---- Stores. 600 to 609 are reserved for them. ---- */

/** Another process has the store open. */
#define SEALWAX_STORE_IN_USE 600
/** The store's content does not verify. */
#define SEALWAX_STORE_DAMAGED 601
/** The key does not open this store. */
#define SEALWAX_STORE_WRONG_KEY 602
/** A newer library wrote the store. */
#define SEALWAX_STORE_NEWER 603
/** The system refused to read or write the store. */
#define SEALWAX_STORE_IO 604

/* ---- Relay. Nothing changed. ---- */

/** More requests than allowed in this time. */
#define SEALWAX_RATE_LIMITED 610
/** The recipient's queue is full. */
#define SEALWAX_QUEUE_FULL 611
/** The user has another connection to the relay, which is newer. */
#define SEALWAX_REPLACED 612

/* ---- The library itself. ---- */

/**
 * A defect of the library, or a system without randomness. Objects that the call could have changed are
 * poisoned.
 */
#define SEALWAX_INTERNAL 900
/** An earlier call on the object ended in a defect: only its _free works. */
#define SEALWAX_POISONED 901
/** The handle was made before this process was forked: only its _free works. */
#define SEALWAX_FORKED 902

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/* ---- Library ---- */

/**
 * The ABI version of the library that was loaded, major << 16 | minor. It serves this header if the major is
 * SEALWAX_ABI_MAJOR and the minor at least SEALWAX_ABI_MINOR.
 */
SEALWAX_API uint32_t sealwax_abi_version(void);

/** The version of the library, such as "1.2.3". Static; never NULL. */
SEALWAX_API const char *sealwax_version(void);

/**
 * How the library was built, as JSON: "version", "abi", "backend", "fips", "store", "suites", "sizes", "limits".
 * Static; never NULL.
 */
SEALWAX_API
const char *sealwax_build_info(void);

/**
 * The name of a status, such as "SEALWAX_REPLAY". Static; never NULL, for a number that is no status either.
 */
SEALWAX_API const char *sealwax_status_name(sealwax_status status);

/** One English sentence about a status. Static; never NULL, for a number that is no status either. */
SEALWAX_API const char *sealwax_status_text(sealwax_status status);

/** How many handles are open. Leak checkers do not see handles: a test ends by asserting that this is 0. */
SEALWAX_API size_t sealwax_live_handles(void);

/**
 * Tells whether an object changed since it was exported last: the revision of a handle grows whenever an export
 * would differ.
 *
 * @param handle        any handle
 * @param out_revision  the revision, at least 1
 *
 * @retval SEALWAX_NULL_POINTER    out_revision is NULL
 * @retval SEALWAX_INVALID_HANDLE  handle is not one that is open
 * @retval SEALWAX_POISONED        the object broke; free it
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_handle_revision(const void *handle,
                                       uint64_t *out_revision);

/**
 * Explains an options object without calling the function that takes it.
 *
 * @param function      name of that function, such as "sealwax_session_initiate", without a NUL
 * @param function_len  bytes of it
 * @param options       the options; may be NULL if options_len is 0
 * @param options_len   bytes of them
 * @param out           JSON: {"v":1,"ok":true,"effective":{...}} with all defaults filled in, or
 *                      {"v":1,"ok":false,"key":"...","why":"..."}; key is "" if the object as a whole is wrong
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         function or options are longer than any could be
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      function or options are not UTF-8
 * @retval SEALWAX_INVALID_ARGUMENT  no function of that name takes options
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_options_check(const char *function,
                                     size_t function_len,
                                     const char *options,
                                     size_t options_len,
                                     void *out,
                                     size_t out_cap,
                                     size_t *out_len);

/**
 * Reads the public header of an envelope or roster entry, without a key: to whom it goes, which function takes it.
 * The bytes are checked to be well formed; who made them is proven only by the function that opens them.
 *
 * @param envelope      the envelope or roster entry
 * @param envelope_len  bytes of it
 * @param out_envelope  the header; its slices point into envelope
 *
 * @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE            longer than any envelope or roster entry
 * @retval SEALWAX_BUFFER_OVERLAP       the output overlaps the input
 * @retval SEALWAX_MALFORMED            neither
 * @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND           another object, such as a card
 * @retval SEALWAX_INVALID_TEXT         a user id in a roster entry is none
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_envelope_parse(const void *envelope,
                                      size_t envelope_len,
                                      sealwax_envelope *out_envelope);

/**
 * Tells all public fields of an object of the protocol, for logs: of an envelope, roster entry, card, prekey
 * bundle or frame. It proves nothing, and shows no message.
 *
 * @param envelope      the object
 * @param envelope_len  bytes of it
 * @param out           JSON: "kind" and the fields of the object as docs/PROTOCOL.md names them; of ciphertexts
 *                      and logs the length only
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE            longer than any object of its kind
 * @retval SEALWAX_BUFFER_OVERLAP       an output overlaps an input or another output
 * @retval SEALWAX_MALFORMED            not an object of the protocol
 * @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND           a sealed state
 * @retval SEALWAX_UNSUPPORTED          a frame with a method that is reserved
 * @retval SEALWAX_INVALID_TEXT         a user id in it is none
 * @retval SEALWAX_BUFFER_TOO_SMALL     *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_envelope_inspect(const void *envelope,
                                        size_t envelope_len,
                                        void *out,
                                        size_t out_cap,
                                        size_t *out_len);

/**
 * Finds the envelope or roster entry that a frame of a relay delivers, without a key: for a host that keeps the
 * messages of a group, to share them by sealwax_client_share_history(). Whether it is genuine, and whether it was
 * here before, is found by the client that takes the frame.
 *
 * @param frame         a whole frame, as sealwax_client_receive() takes it
 * @param frame_len     bytes of it
 * @param out_envelope  what it delivers, for sealwax_envelope_parse(); it points into frame. NULL with length 0:
 *                      it delivers nothing
 *
 * @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE            longer than any frame
 * @retval SEALWAX_BUFFER_OVERLAP       the output overlaps the input
 * @retval SEALWAX_MALFORMED            not a frame
 * @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND           another object, such as an envelope
 * @retval SEALWAX_UNSUPPORTED          a frame with a method that is reserved
 * @retval SEALWAX_INVALID_TEXT         a user id in it is none
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_frame_envelope(const void *frame,
                                      size_t frame_len,
                                      sealwax_slice *out_envelope);

/* ---- Identities and cards ---- */

/**
 * Makes a new identity: two fresh key pairs and the card that shows them.
 *
 * @param user          user id, 1 to SEALWAX_NAME_MAX bytes of UTF-8 in Normalization Form C, without control,
 *                      format, private-use or unassigned characters; it names one device's identity
 * @param user_len      bytes of it
 * @param options       JSON: "prekeys_required" (true): refuse a handshake without a signed prekey, so that a
 *                      relay cannot cause one by hiding prekeys; may be NULL if options_len is 0
 * @param options_len   bytes of them
 * @param now_ms        the time
 * @param out_identity  the identity; sealwax_identity_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        user or options are too long
 * @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT     user is not a user id, or an input is not UTF-8
 * @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
 * @retval SEALWAX_LIMIT_REACHED    too many handles are open
 * @retval SEALWAX_INTERNAL         the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_identity_new(const char *user,
                                    size_t user_len,
                                    const char *options,
                                    size_t options_len,
                                    uint64_t now_ms,
                                    sealwax_identity **out_identity);

/**
 * Ends an identity. Sessions and groups made from it go on.
 *
 * @param identity  the identity; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  identity is not one that is open
 */
SEALWAX_API sealwax_status sealwax_identity_free(sealwax_identity *identity);

/**
 * Seals the whole identity, private keys included, to be stored. Save it before a bundle of
 * sealwax_identity_prekeys() is published, and again after each sealwax_session_accept() and each
 * sealwax_session_decrypt() that made its revision grow: an older state would take a replayed first message.
 *
 * @param identity      the identity
 * @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
 * @param key_len       SEALWAX_KEY_LEN
 * @param out           the sealed identity, other bytes each time
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the sealed identity
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN
 * @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
 * @retval SEALWAX_POISONED          the identity broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_identity_export(const sealwax_identity *identity,
                                       const void *key,
                                       size_t key_len,
                                       void *out,
                                       size_t out_cap,
                                       size_t *out_len);

/**
 * Opens what sealwax_identity_export() sealed.
 *
 * @param key           the key that sealed it
 * @param key_len       SEALWAX_KEY_LEN
 * @param sealed        the sealed identity
 * @param sealed_len    bytes of it
 * @param out_identity  the identity; sealwax_identity_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              key_len is above SEALWAX_KEY_LEN, or sealed_len above any state's
 * @retval SEALWAX_INVALID_ARGUMENT       key_len is below SEALWAX_KEY_LEN
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
 * @retval SEALWAX_MALFORMED              not a sealed state
 * @retval SEALWAX_UNSUPPORTED_VERSION    sealed by a library that this one does not understand
 * @retval SEALWAX_UNSUPPORTED_SUITE      likewise
 * @retval SEALWAX_WRONG_KIND             the sealed state of another kind of object
 * @retval SEALWAX_AUTHENTICATION_FAILED  another key, or changed bytes
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open
 * @retval SEALWAX_INTERNAL               the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_identity_import(const void *key,
                                       size_t key_len,
                                       const void *sealed,
                                       size_t sealed_len,
                                       sealwax_identity **out_identity);

/**
 * Gives the card to show to others: user id, public keys, own signature. The same bytes each time.
 *
 * @param identity      the identity
 * @param out           the card
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the card
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
 * @retval SEALWAX_POISONED          the identity broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_identity_card(const sealwax_identity *identity,
                                     void *out,
                                     size_t out_cap,
                                     size_t *out_len);

/**
 * Makes a bundle to publish: the signed prekey, a new one when the last is seven days old, and fresh one-time
 * prekeys. Save the identity before the bundle leaves. Publish at least weekly: a signed prekey dies after thirty
 * days, and so does a one-time prekey that nobody used.
 *
 * @param identity      the identity
 * @param one_time      new one-time prekeys; at most 1,000 may be unused at a time
 * @param now_ms        the time
 * @param out           the bundle
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the bundle
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
 * @retval SEALWAX_POISONED          the identity broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED     too many one-time prekeys would be unused; nothing changed
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
 * @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_identity_prekeys(sealwax_identity *identity,
                                        uint32_t one_time,
                                        uint64_t now_ms,
                                        void *out,
                                        size_t out_cap,
                                        size_t *out_len);

/**
 * Answers the challenge of a relay: shows it that a connection is this identity's. Compare the name in the
 * challenge with that of the relay that was called first, so that no relay can pass the proof on to another.
 *
 * @param identity        the identity
 * @param relay_name      the relay's name
 * @param relay_name_len  bytes of it
 * @param nonce           the 32 bytes of the challenge
 * @param nonce_len       32
 * @param hello           the whole hello frame that the connection started with
 * @param hello_len       bytes of it
 * @param out             the 64 bytes of the proof
 * @param out_cap         bytes of room at out; 0 asks for the size
 * @param out_len         bytes of the proof
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_INVALID_ARGUMENT  nonce_len is below 32
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      relay_name is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
 * @retval SEALWAX_POISONED          the identity broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_identity_prove(const sealwax_identity *identity,
                                      const char *relay_name,
                                      size_t relay_name_len,
                                      const void *nonce,
                                      size_t nonce_len,
                                      const void *hello,
                                      size_t hello_len,
                                      void *out,
                                      size_t out_cap,
                                      size_t *out_len);

/**
 * Tells what an application may want to show of an identity, or act on.
 *
 * @param identity      the identity
 * @param out           JSON: what sealwax_card_inspect() says of the card, "signed_prekeys" that are alive (oldest
 *                      first, each "id", "created_ms", "expires_ms"), "rotate_ms" (when the next
 *                      sealwax_identity_prekeys() makes a new one; null if there is none), "one_time_prekeys"
 *                      (unused), "first_messages" (remembered against replay)
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
 * @retval SEALWAX_POISONED          the identity broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_identity_info(const sealwax_identity *identity,
                                     void *out,
                                     size_t out_cap,
                                     size_t *out_len);

/**
 * Checks a card whole, its signature too, and tells what it says. It proves that the keys belong together, not
 * whose they are: compare the safety number.
 *
 * @param card      the card
 * @param card_len  bytes of it
 * @param out       JSON: "user", "fingerprint", "sign_key", "agree_key", "prekeys_required", "created_ms" (by the
 *                  owner's clock)
 * @param out_cap   bytes of room at out; 0 asks for the size
 * @param out_len   bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any card
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_MALFORMED              not a card
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card
 * @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_card_inspect(const void *card,
                                    size_t card_len,
                                    void *out,
                                    size_t out_cap,
                                    size_t *out_len);

/**
 * Makes the number that two people compare to know that nobody sits between them: the same on both sides, in
 * either order of the cards.
 *
 * @param card        one card
 * @param card_len    bytes of it
 * @param other       the other card
 * @param other_len   bytes of it
 * @param out_digits  SEALWAX_SAFETY_DIGITS ASCII digits and a NUL, to be shown in groups of five
 * @param out         67 bytes to be shown as a QR code, compared byte by byte with what the other side scanned
 * @param out_cap     bytes of room at out; 0 asks for the size
 * @param out_len     bytes at out
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any card
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_MALFORMED              not a card
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card
 * @retval SEALWAX_AUTHENTICATION_FAILED  the signature of a card does not hold
 * @retval SEALWAX_INVALID_ARGUMENT       both cards are of the same identity
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_card_safety_number(const void *card,
                                          size_t card_len,
                                          const void *other,
                                          size_t other_len,
                                          char *out_digits,
                                          void *out,
                                          size_t out_cap,
                                          size_t *out_len);

/* ---- Sessions: messages between two identities ---- */

/**
 * Starts a session by a handshake with the owner of a card. Nothing is sent by itself: the first messages carry
 * the handshake. If the peer starts one at the same time, either session takes the other's messages and both sides
 * come to use the same.
 *
 * @param identity      who starts
 * @param card          the peer's card
 * @param card_len      bytes of it
 * @param prekeys       the peer's bundle as the relay handed it out, with one or no one-time prekey: of several
 *                      the first is used, so a bundle is for one peer only, as sealwax_relay_lookup() sees to;
 *                      empty for none, which the card must allow; may be NULL if prekeys_len is 0
 * @param prekeys_len   bytes of it
 * @param options       JSON: "hidden_header" (false): hide ratchet keys and counters from the relay; "padding"
 *                      ("none"): "padme" hides lengths; "peer_fingerprint": the only one that is taken, in hex;
 *                      may be NULL if options_len is 0
 * @param options_len   bytes of them
 * @param now_ms        the time
 * @param out_session   the session; sealwax_session_free() ends it; it keeps the identity alive
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              card, prekeys or options are too long
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT           options are not UTF-8
 * @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
 * @retval SEALWAX_POISONED               the identity broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_OPTIONS        sealwax_options_check() says why
 * @retval SEALWAX_MALFORMED              not a card, or not a bundle
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card, or than a bundle
 * @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
 * @retval SEALWAX_INVALID_ARGUMENT       the card is one's own
 * @retval SEALWAX_IDENTITY_CHANGED       not the pinned fingerprint, or the bundle is of another identity
 * @retval SEALWAX_EXPIRED                the signed prekey is past its time: fetch another bundle
 * @retval SEALWAX_PREKEYS_REQUIRED       the card asks for prekeys, and there are none
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open
 * @retval SEALWAX_INTERNAL               the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_initiate(const sealwax_identity *identity,
                                        const void *card,
                                        size_t card_len,
                                        const void *prekeys,
                                        size_t prekeys_len,
                                        const char *options,
                                        size_t options_len,
                                        uint64_t now_ms,
                                        sealwax_session **out_session);

/**
 * Answers a first message (SEALWAX_KIND_SESSION_FIRST) of a peer with whom there is no session. The message is
 * authenticated and its one-time prekey goes; sealwax_session_decrypt() then reads it, and every further one of
 * the peer. Save the identity before the message is acknowledged: an older one would take it again.
 *
 * @param identity      whom the message is for; it remembers the handshake
 * @param envelope      the first message
 * @param envelope_len  bytes of it
 * @param options       JSON, as in sealwax_session_initiate(): "hidden_header" is for handshakes that we make
 *                      later, this one is as the peer made it; may be NULL if options_len is 0
 * @param options_len   bytes of them
 * @param now_ms        the time
 * @param out_session   the session; sealwax_session_free() ends it; it keeps the identity alive
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              envelope or options are too long
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT           options are not UTF-8
 * @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
 * @retval SEALWAX_POISONED               the identity broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_OPTIONS        sealwax_options_check() says why
 * @retval SEALWAX_MALFORMED              not an envelope; nothing changed, as with all that follow
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a session message, or content of a later version
 * @retval SEALWAX_WRONG_RECIPIENT        for somebody else
 * @retval SEALWAX_UNKNOWN_KEY            a session message without a handshake: the session that it belongs to is
 *                                        lost; start one with its sender
 * @retval SEALWAX_IDENTITY_CHANGED       the sender is not of the pinned fingerprint
 * @retval SEALWAX_PREKEYS_REQUIRED       made without prekeys, and this identity asks for them
 * @retval SEALWAX_UNKNOWN_PREKEY         made with a prekey that is used up or dead
 * @retval SEALWAX_EXPIRED                made without prekeys, too long ago or in the future
 * @retval SEALWAX_REPLAY                 this first message was taken before
 * @retval SEALWAX_TOO_FAR_AHEAD          not among the first 2,001 messages of its sender
 * @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
 * @retval SEALWAX_LIMIT_REACHED          too many first messages to remember, or too many handles are open
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_accept(sealwax_identity *identity,
                                      const void *envelope,
                                      size_t envelope_len,
                                      const char *options,
                                      size_t options_len,
                                      uint64_t now_ms,
                                      sealwax_session **out_session);

/**
 * Makes a fresh handshake with the peer, with a bundle fetched for it: after SEALWAX_RENEWAL_REQUIRED, or when the
 * peer's messages are of an unknown key. What is under way under the old one still opens.
 *
 * @param session      the session
 * @param card         the peer's card
 * @param card_len     bytes of it
 * @param prekeys      the peer's bundle as the relay handed it out; empty for none, if there never were any; may
 *                     be NULL if prekeys_len is 0
 * @param prekeys_len  bytes of it
 * @param now_ms       the time
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              card or prekeys are too long
 * @retval SEALWAX_INVALID_HANDLE         session is not one that is open
 * @retval SEALWAX_POISONED               the session or its identity broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not a card, or not a bundle
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card, or than a bundle
 * @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
 * @retval SEALWAX_IDENTITY_CHANGED       not the card of this session's peer, or the bundle of another identity: a
 *                                        new identity needs a new session
 * @retval SEALWAX_EXPIRED                the signed prekey is past its time: fetch another bundle
 * @retval SEALWAX_PREKEYS_REQUIRED       the card asks for prekeys, or the peer once had some, and there are none
 * @retval SEALWAX_RATE_LIMITED           too early: "renewal_due_ms" of sealwax_session_info() says when
 * @retval SEALWAX_INTERNAL               the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_renew(sealwax_session *session,
                                     const void *card,
                                     size_t card_len,
                                     const void *prekeys,
                                     size_t prekeys_len,
                                     uint64_t now_ms);

/**
 * Ends a session. What was not exported is gone.
 *
 * @param session  the session; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  session is not one that is open
 */
SEALWAX_API sealwax_status sealwax_session_free(sealwax_session *session);

/**
 * Tells what an application may want to show of a session, or act on, as of its last change.
 *
 * @param session       the session
 * @param out           JSON: "user", "fingerprint" (one's own), "peer_user", "peer_fingerprint", "padding",
 *                      "sendable" (or else sealwax_session_renew()), "renewal_due_ms" (when that is allowed),
 *                      "inner": one object for each handshake that is held, oldest first, with "key_id", "active"
 *                      (it sends), "initiated" (by us), "answered", "level" (0 without prekeys, 1 with a signed, 2
 *                      also with a one-time prekey), "hidden_header", "created_ms" (by its maker's clock),
 *                      "used_ms", "unanswered" (messages sent before the first answer), "skipped_keys"
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    session is not one that is open
 * @retval SEALWAX_POISONED          the session broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_info(const sealwax_session *session,
                                    void *out,
                                    size_t out_cap,
                                    size_t *out_len);

/**
 * Seals the whole session to be stored. Save it before an envelope that it made leaves, and before one that it
 * read is acknowledged. A lease spares the first: it promises that at most so many messages are encrypted before
 * the next export, and an import skips as many. A message read, the first one encrypted after that, and a renewal
 * each need an export of their own; between the first two of them only a lease of 0 is granted.
 *
 * @param session       the session
 * @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
 * @param key_len       SEALWAX_KEY_LEN
 * @param lease         messages that may follow, at most 1,000; 0 if each is saved
 * @param out           the sealed session, other bytes each time
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the sealed session
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN
 * @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN, or lease above 1,000
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    session is not one that is open
 * @retval SEALWAX_POISONED          the session broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_WRONG_STATE       lease is above 0, and nothing was encrypted since the last message was read: a
 *                                   lease does not reach what comes next. Export with 0, and again after it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_export(const sealwax_session *session,
                                      const void *key,
                                      size_t key_len,
                                      uint32_t lease,
                                      void *out,
                                      size_t out_cap,
                                      size_t *out_len);

/**
 * Opens what sealwax_session_export() sealed, and skips the messages of its lease.
 *
 * @param identity      the identity that the session was made from
 * @param key           the key that sealed it
 * @param key_len       SEALWAX_KEY_LEN
 * @param sealed        the sealed session
 * @param sealed_len    bytes of it
 * @param out_session   the session; sealwax_session_free() ends it; it keeps the identity alive
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              key_len is above SEALWAX_KEY_LEN, or sealed_len above any state's
 * @retval SEALWAX_INVALID_ARGUMENT       key_len is below SEALWAX_KEY_LEN
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
 * @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
 * @retval SEALWAX_POISONED               the identity broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not a sealed state
 * @retval SEALWAX_UNSUPPORTED_VERSION    sealed by a library that this one does not understand
 * @retval SEALWAX_UNSUPPORTED_SUITE      likewise
 * @retval SEALWAX_WRONG_KIND             the sealed state of another kind of object
 * @retval SEALWAX_AUTHENTICATION_FAILED  another key, or changed bytes
 * @retval SEALWAX_WRONG_SESSION          made from another identity
 * @retval SEALWAX_CHAIN_EXHAUSTED        the lease goes beyond 2^32 - 1 messages without one of the peer
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_import(const sealwax_identity *identity,
                                      const void *key,
                                      size_t key_len,
                                      const void *sealed,
                                      size_t sealed_len,
                                      sealwax_session **out_session);

/* ---- Messages of a session ---- */

/**
 * Tells how long the next message will be, exactly. Pure: it changes nothing.
 *
 * @param session        the session
 * @param plaintext_len  bytes of the plaintext, at most SEALWAX_MESSAGE_MAX
 * @param out_len        bytes of the envelope
 *
 * @retval SEALWAX_NULL_POINTER    out_len is NULL
 * @retval SEALWAX_TOO_LARGE       plaintext_len is above SEALWAX_MESSAGE_MAX
 * @retval SEALWAX_INVALID_HANDLE  session is not one that is open
 * @retval SEALWAX_POISONED        the session broke; free it
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_encrypt_len(const sealwax_session *session,
                                           size_t plaintext_len,
                                           size_t *out_len);

/**
 * Encrypts one message to the peer. Save the session before the envelope leaves, or have exported it with a lease
 * that covers this message.
 *
 * @param session        the session
 * @param plaintext      any bytes; may be NULL if plaintext_len is 0
 * @param plaintext_len  bytes of them, at most SEALWAX_MESSAGE_MAX
 * @param now_ms         the time. It travels in the clear, or the latest given before if that is later
 * @param out            the envelope
 * @param out_cap        bytes of room at out; sealwax_session_encrypt_len() says how many
 * @param out_len        bytes of the envelope
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         plaintext_len is above SEALWAX_MESSAGE_MAX
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    session is not one that is open
 * @retval SEALWAX_POISONED          the session broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
 * @retval SEALWAX_RENEWAL_REQUIRED  1,000 messages or 7 days without an answer, or too many leases; nothing
 *                                   changed; sealwax_session_renew()
 * @retval SEALWAX_CHAIN_EXHAUSTED   2^32 - 1 messages without one of the peer; nothing changed
 * @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_encrypt(sealwax_session *session,
                                       const void *plaintext,
                                       size_t plaintext_len,
                                       uint64_t now_ms,
                                       void *out,
                                       size_t out_cap,
                                       size_t *out_len);

/**
 * Reads one envelope of the peer: of either kind, in any order. A first message under a new handshake also changes
 * the identity, whose revision then grows: save both before the message is acknowledged.
 *
 * @param session       the session
 * @param envelope      the envelope
 * @param envelope_len  bytes of it
 * @param now_ms        the time
 * @param out           the plaintext
 * @param out_cap       bytes of room at out; envelope_len always is enough
 * @param out_len       bytes of the plaintext
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any envelope
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         session is not one that is open
 * @retval SEALWAX_POISONED               the session or its identity broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not an envelope; nothing changed, as with all that follow
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_SESSION          of another sender
 * @retval SEALWAX_WRONG_RECIPIENT        for somebody else
 * @retval SEALWAX_DUPLICATE              these very bytes were read lately
 * @retval SEALWAX_REPLAY                 its key was used before
 * @retval SEALWAX_TOO_FAR_AHEAD          more than 2,000 messages before it are missing
 * @retval SEALWAX_UNKNOWN_KEY            of a handshake that this session does not hold: sealwax_session_renew()
 * @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
 * @retval SEALWAX_IDENTITY_CHANGED       a first message of the user under another identity: verify it out of
 *                                        band, then accept it as a new session
 * @retval SEALWAX_PREKEYS_REQUIRED       a first message without prekeys, from a peer that has used some
 * @retval SEALWAX_UNKNOWN_PREKEY         a first message with a prekey that is used up or dead
 * @retval SEALWAX_EXPIRED                a first message without prekeys, too long ago or in the future
 * @retval SEALWAX_LIMIT_REACHED          too many first messages to remember
 * @retval SEALWAX_WRONG_KIND             not a session message, or its content is for another function:
 *                                        sealwax_session_peek() says which
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_decrypt(sealwax_session *session,
                                       const void *envelope,
                                       size_t envelope_len,
                                       uint64_t now_ms,
                                       void *out,
                                       size_t out_cap,
                                       size_t *out_len);

/**
 * Tells what an envelope of the peer holds: it is authenticated and decrypted, and nothing changes, so that it can
 * still be read by the function that it is for.
 *
 * @param session       the session
 * @param envelope      the envelope
 * @param envelope_len  bytes of it
 * @param now_ms        the time
 * @param out           JSON: "content" ("data" for sealwax_session_decrypt(), "distribution" or "history" for
 *                      sealwax_group_receiver_install(); others are of the client engine), "message_id",
 *                      "timestamp_ms" (by the sender's clock), "first" (whether it makes a handshake), and
 *                      "group" of a distribution or history
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any envelope
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         session is not one that is open
 * @retval SEALWAX_POISONED               the session or its identity broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not an envelope, or not the content that it says
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             not a session message, or content of a later version
 * @retval SEALWAX_WRONG_SESSION          of another sender
 * @retval SEALWAX_WRONG_RECIPIENT        for somebody else
 * @retval SEALWAX_DUPLICATE              these very bytes were read lately
 * @retval SEALWAX_REPLAY                 its key was used before
 * @retval SEALWAX_TOO_FAR_AHEAD          more than 2,000 messages before it are missing
 * @retval SEALWAX_UNKNOWN_KEY            of a handshake that this session does not hold
 * @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
 * @retval SEALWAX_IDENTITY_CHANGED       a first message of the user under another identity
 * @retval SEALWAX_PREKEYS_REQUIRED       a first message without prekeys, from a peer that has used some
 * @retval SEALWAX_UNKNOWN_PREKEY         a first message with a prekey that is used up or dead
 * @retval SEALWAX_EXPIRED                a first message without prekeys, too long ago or in the future
 * @retval SEALWAX_LIMIT_REACHED          too many first messages to remember
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_session_peek(const sealwax_session *session,
                                    const void *envelope,
                                    size_t envelope_len,
                                    uint64_t now_ms,
                                    void *out,
                                    size_t out_cap,
                                    size_t *out_len);

/* ---- Rosters: who is in a group, proven by signatures ---- */

/**
 * Founds a group. The identity becomes its owner, the others become members. The create entry is the log so far:
 * hand sealwax_roster_log() to the relay and to the members.
 *
 * @param identity      the owner
 * @param label         what people call the group, up to SEALWAX_NAME_MAX bytes under the rules of user ids; may
 *                      be empty; it identifies nothing
 * @param label_len     bytes of it
 * @param cards         cards of the first members, one after another; empty for none
 * @param cards_len     bytes of them
 * @param options       JSON: "open" (false): anybody may join, and so may the relay; "add_role" ("admin"): the
 *                      lowest of "member", "admin", "owner" that may add members; may be NULL if options_len is 0
 * @param options_len   bytes of them
 * @param now_ms        the time
 * @param out_roster    the roster; sealwax_roster_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              label, cards or options are too long
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT           label holds what a user id may not hold, or an input is not UTF-8
 * @retval SEALWAX_INVALID_OPTIONS        sealwax_options_check() says why
 * @retval SEALWAX_INVALID_ARGUMENT       a user is named twice, or the owner is among the cards
 * @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
 * @retval SEALWAX_POISONED               the identity broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not cards
 * @retval SEALWAX_UNSUPPORTED_VERSION    a card of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      a card of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card
 * @retval SEALWAX_AUTHENTICATION_FAILED  the signature of a card does not hold
 * @retval SEALWAX_LIMIT_REACHED          more than 10,000 members, or too many handles are open
 * @retval SEALWAX_INTERNAL               the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_create(const sealwax_identity *identity,
                                     const char *label,
                                     size_t label_len,
                                     const void *cards,
                                     size_t cards_len,
                                     const char *options,
                                     size_t options_len,
                                     uint64_t now_ms,
                                     sealwax_roster **out_roster);

/**
 * Opens a log and checks every entry of it, from the first one on. What comes from a stranger proves itself, but
 * not that it is the group that was meant: compare the group id with the one that a member gave.
 *
 * @param log           entries one after another: what sealwax_roster_log() gave from epoch 0
 * @param log_len       bytes of them
 * @param out_roster    the roster, forked if the log holds two histories; sealwax_roster_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              a log or an entry beyond its limit
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps the input
 * @retval SEALWAX_MALFORMED              not a log that starts with a create entry, or an entry makes no sense
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a roster entry
 * @retval SEALWAX_WRONG_GROUP            entries of two groups
 * @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
 * @retval SEALWAX_NOT_A_MEMBER           an entry by, or about, somebody who was no member
 * @retval SEALWAX_NOT_PERMITTED          an entry by somebody without the right
 * @retval SEALWAX_ROSTER_BEHIND          an entry in between is missing
 * @retval SEALWAX_STALE_EPOCH            an entry of a branch that the log has settled against
 * @retval SEALWAX_GROUP_DELETED          an entry after the group's end
 * @retval SEALWAX_LIMIT_REACHED          too many members or branches, or too many handles are open
 * @retval SEALWAX_INTERNAL               the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_open(const void *log,
                                   size_t log_len,
                                   sealwax_roster **out_roster);

/**
 * Ends the handle. Senders and receivers made from the roster keep it as it is.
 *
 * @param roster        the roster, or NULL
 *
 * @retval SEALWAX_INVALID_HANDLE  roster is not one that is open
 */
SEALWAX_API sealwax_status sealwax_roster_free(sealwax_roster *roster);

/**
 * Takes entries, which are the only way in. Entries that are held already change nothing; of the others all or
 * none are taken. Before it returns, every sender and receiver made from this roster has followed: senders ask
 * for rotation, receivers have wiped the keys that a removed member sent with. Whoever is removed itself still
 * opens what was sent before.
 *
 * @param roster        the roster
 * @param entries       one or several entries, one after another
 * @param entries_len   bytes of them
 * @param now_ms        the time
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              more than a whole log, or an entry beyond its limit
 * @retval SEALWAX_INVALID_HANDLE         roster is not one that is open
 * @retval SEALWAX_POISONED               the roster broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not roster entries, or one makes no sense
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a roster entry
 * @retval SEALWAX_WRONG_GROUP            of another group
 * @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
 * @retval SEALWAX_NOT_A_MEMBER           by, or about, somebody who is no member
 * @retval SEALWAX_NOT_PERMITTED          by somebody without the right
 * @retval SEALWAX_ROSTER_BEHIND          an entry before it is missing: fetch the log from "epoch" + 1, or from 0
 * @retval SEALWAX_STALE_EPOCH            of a branch that a resolve has rejected
 * @retval SEALWAX_ROSTER_FORKED          the only failure that changes the roster: all entries were taken, one of
 *                                        them competes with another; sealwax_roster_info() shows the
 *                                        branches, keys go only to members of all until an owner resolves
 * @retval SEALWAX_GROUP_DELETED          the group has ended
 * @retval SEALWAX_LIMIT_REACHED          more members, branches or entries than a roster may hold
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_apply(sealwax_roster *roster,
                                    const void *entries,
                                    size_t entries_len,
                                    uint64_t now_ms);

/**
 * Gives entries to store, or to hand to another member or a relay: the roster's own history from an epoch on, then
 * every competing branch.
 *
 * @param roster        the roster
 * @param from_epoch    the first epoch to give; 0 for the whole log, as sealwax_roster_open() takes it
 * @param out           the entries, one after another; empty if there is nothing from that epoch on
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entries
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
 * @retval SEALWAX_POISONED          the roster broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_log(const sealwax_roster *roster,
                                  uint64_t from_epoch,
                                  void *out,
                                  size_t out_cap,
                                  size_t *out_len);

/**
 * Gives the group's id: the hash of its create entry, fixed for its whole life.
 *
 * @param roster        the roster
 * @param out_id        SEALWAX_GROUP_ID_LEN bytes
 *
 * @retval SEALWAX_NULL_POINTER      out_id is NULL
 * @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
 * @retval SEALWAX_POISONED          the roster broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_group_id(const sealwax_roster *roster,
                                       uint8_t *out_id);

/**
 * Tells who is in the group, and how the log stands.
 *
 * @param roster        the roster
 * @param out           JSON: "group_id", "label", "open", "add_role", "epoch" (number of the newest entry), "hash"
 *                      (of it), "membership_epoch" (the newest entry that changed who can read), "deleted",
 *                      "forked", "branches" (competing histories: "head", "epoch", and "fork_epoch", the last one
 *                      in common), "members" (by user id: "user", "fingerprint", "role", "since_epoch"); a role is
 *                      "member", "admin" or "owner"
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
 * @retval SEALWAX_POISONED          the roster broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_info(const sealwax_roster *roster,
                                   void *out,
                                   size_t out_cap,
                                   size_t *out_len);

/**
 * Tells how the log of a group stands: sealwax_roster_info() without JSON.
 *
 * @param roster     the roster
 * @param out_state  the state; `role` is 0
 *
 * @retval SEALWAX_NULL_POINTER    out_state is NULL
 * @retval SEALWAX_INVALID_HANDLE  roster is not one that is open
 * @retval SEALWAX_POISONED        the roster broke; free it
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_state(const sealwax_roster *roster,
                                    sealwax_group_state *out_state);

/**
 * Lists the members of a group.
 *
 * @param roster   the roster
 * @param out      an array of sealwax_member, in the order of the user ids, at any address
 * @param out_cap  bytes of room at out; 0 asks for the size
 * @param out_len  bytes of the array: sizeof(sealwax_member) for each
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
 * @retval SEALWAX_POISONED          the roster broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_members(const sealwax_roster *roster,
                                      void *out,
                                      size_t out_cap,
                                      size_t *out_len);

/* ---- Roster proposals: entries to be signed and settled ---- */

/**
 * Proposes to add members. A proposal changes nothing: send it to the relay, which takes the first one of an
 * epoch, and apply it with sealwax_roster_apply() once it is accepted. Whether a card belongs to whom it says
 * is for the actor to know: all others take its word.
 *
 * @param roster        the roster; it does not change
 * @param actor         who adds them: the policy's "add_role" or higher
 * @param cards         their cards, one after another
 * @param cards_len     bytes of them
 * @param role          one of SEALWAX_ROLE_MEMBER, SEALWAX_ROLE_ADMIN, SEALWAX_ROLE_OWNER, for all of them;
 *                      other roles than member are an owner's to give
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              cards are longer than those of a whole group
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_ARGUMENT       no card, or role is not a role
 * @retval SEALWAX_INVALID_HANDLE         roster or actor is not one that is open
 * @retval SEALWAX_POISONED               one of the objects broke; free it
 * @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not cards, or a user is named twice or a member already
 * @retval SEALWAX_UNSUPPORTED_VERSION    a card of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      a card of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card
 * @retval SEALWAX_AUTHENTICATION_FAILED  the signature of a card does not hold
 * @retval SEALWAX_NOT_A_MEMBER           actor is no member under this identity
 * @retval SEALWAX_NOT_PERMITTED          actor may not add, or not in this role
 * @retval SEALWAX_LIMIT_REACHED          more than 10,000 members, or the log is full
 * @retval SEALWAX_ROSTER_FORKED          the roster is forked: an owner must resolve first
 * @retval SEALWAX_GROUP_DELETED          the group has ended
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
 * @retval SEALWAX_INTERNAL               the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_add(const sealwax_roster *roster,
                                          const sealwax_identity *actor,
                                          const void *cards,
                                          size_t cards_len,
                                          uint32_t role,
                                          uint64_t now_ms,
                                          void *out,
                                          size_t out_cap,
                                          size_t *out_len);

/**
 * Proposes that the actor itself becomes a member of an open group.
 *
 * @param roster        the roster; it does not change
 * @param actor         who joins
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
 * @retval SEALWAX_POISONED          one of the objects broke; free it
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED         actor is a member already
 * @retval SEALWAX_NOT_PERMITTED     the group is not open
 * @retval SEALWAX_LIMIT_REACHED     more than 10,000 members, or the log is full
 * @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_join(const sealwax_roster *roster,
                                           const sealwax_identity *actor,
                                           uint64_t now_ms,
                                           void *out,
                                           size_t out_cap,
                                           size_t *out_len);

/**
 * Proposes to remove another member. Applied, it ends that member's keys at once, and all senders must rotate.
 *
 * @param roster        the roster; it does not change
 * @param actor         who removes: an owner, or an admin if user is a member without a higher role
 * @param user          who goes
 * @param user_len      bytes of it
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         user is too long
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
 * @retval SEALWAX_POISONED          one of the objects broke; free it
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity, or user is none
 * @retval SEALWAX_NOT_PERMITTED     user's role forbids it, or user is the actor: sealwax_roster_propose_leave()
 * @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_LIMIT_REACHED     the log is full
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_remove(const sealwax_roster *roster,
                                             const sealwax_identity *actor,
                                             const char *user,
                                             size_t user_len,
                                             uint64_t now_ms,
                                             void *out,
                                             size_t out_cap,
                                             size_t *out_len);

/**
 * Proposes that the actor leaves. The last owner hands over or deletes the group instead.
 *
 * @param roster        the roster; it does not change
 * @param actor         who leaves
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
 * @retval SEALWAX_POISONED          one of the objects broke; free it
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity
 * @retval SEALWAX_NOT_PERMITTED     actor is the last owner
 * @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_LIMIT_REACHED     the log is full
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_leave(const sealwax_roster *roster,
                                            const sealwax_identity *actor,
                                            uint64_t now_ms,
                                            void *out,
                                            size_t out_cap,
                                            size_t *out_len);

/**
 * Proposes to give a member a role.
 *
 * @param roster        the roster; it does not change
 * @param actor         an owner
 * @param user          who gets it; the actor itself too
 * @param user_len      bytes of it
 * @param role          one of SEALWAX_ROLE_MEMBER, SEALWAX_ROLE_ADMIN, SEALWAX_ROLE_OWNER
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         user is too long
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_ARGUMENT  role is not a role
 * @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
 * @retval SEALWAX_POISONED          one of the objects broke; free it
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity, or user is none
 * @retval SEALWAX_NOT_PERMITTED     actor is no owner, or user is the last one
 * @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_LIMIT_REACHED     the log is full
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_role(const sealwax_roster *roster,
                                           const sealwax_identity *actor,
                                           const char *user,
                                           size_t user_len,
                                           uint32_t role,
                                           uint64_t now_ms,
                                           void *out,
                                           size_t out_cap,
                                           size_t *out_len);

/**
 * Proposes new keys for a member who has a new identity under the same user id. The role stays. Whoever held keys
 * of the old identity sees SEALWAX_IDENTITY_CHANGED until it accepts the new one.
 *
 * @param roster        the roster; it does not change
 * @param actor         the member under its old identity, or whoever may remove it
 * @param card          the new card
 * @param card_len      bytes of it
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any card
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         roster or actor is not one that is open
 * @retval SEALWAX_POISONED               one of the objects broke; free it
 * @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not a card, or the member has these keys already
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card
 * @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
 * @retval SEALWAX_NOT_A_MEMBER           actor is no member under this identity, or the card's user is none
 * @retval SEALWAX_NOT_PERMITTED          actor may not do that
 * @retval SEALWAX_ROSTER_FORKED          the roster is forked: an owner must resolve first
 * @retval SEALWAX_GROUP_DELETED          the group has ended
 * @retval SEALWAX_LIMIT_REACHED          the log is full
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
 * @retval SEALWAX_INTERNAL               the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_replace(const sealwax_roster *roster,
                                              const sealwax_identity *actor,
                                              const void *card,
                                              size_t card_len,
                                              uint64_t now_ms,
                                              void *out,
                                              size_t out_cap,
                                              size_t *out_len);

/**
 * Proposes to end the group. Nothing can follow.
 *
 * @param roster        the roster; it does not change
 * @param actor         an owner
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
 * @retval SEALWAX_POISONED          one of the objects broke; free it
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity
 * @retval SEALWAX_NOT_PERMITTED     actor is no owner
 * @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_LIMIT_REACHED     the log is full
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_delete(const sealwax_roster *roster,
                                             const sealwax_identity *actor,
                                             uint64_t now_ms,
                                             void *out,
                                             size_t out_cap,
                                             size_t *out_len);

/**
 * Proposes which of the histories of a forked roster goes on. All others that are known here are rejected for
 * good.
 *
 * @param roster        the roster; it does not change
 * @param actor         an owner in the chosen history and in the one that this roster follows
 * @param chosen        the hash of its newest entry: "hash", or the "head" of a branch, in sealwax_roster_info()
 * @param chosen_len    32
 * @param now_ms        the time
 * @param out           the entry
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entry
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         chosen_len is above 32
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_ARGUMENT  chosen_len is below 32, the roster is not forked, or has no such history
 * @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
 * @retval SEALWAX_POISONED          one of the objects broke; free it
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_NOT_A_MEMBER      actor is no member of the chosen history
 * @retval SEALWAX_NOT_PERMITTED     actor is no owner in both
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_LIMIT_REACHED     the log is full
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_roster_propose_resolve(const sealwax_roster *roster,
                                              const sealwax_identity *actor,
                                              const void *chosen,
                                              size_t chosen_len,
                                              uint64_t now_ms,
                                              void *out,
                                              size_t out_cap,
                                              size_t *out_len);

/* ---- Group senders ---- */

/**
 * Makes the sending half of a membership: a first sender key for the members that the roster has now. Hand it to
 * each of them with sealwax_group_sender_distribute() before or after the first message. A member has one sender
 * in a group.
 *
 * @param identity      who sends: a member
 * @param roster        the group's roster; the sender follows it from now on
 * @param options       JSON: "rotate_messages" (10,000) and "rotate_ms" (7 days): after so many messages or
 *                      milliseconds the key must rotate; "padding" ("none"): "padme" hides lengths; "confirm"
 *                      (false): keep the key's first state until each member has confirmed it with
 *                      sealwax_group_sender_confirm(), rather than until each was handed it once; may be NULL if
 *                      options_len is 0
 * @param options_len   bytes of them
 * @param now_ms        the time
 * @param out_sender    the sender; sealwax_group_sender_free() ends it; it keeps the roster alive
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        options are too long
 * @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT     options are not UTF-8
 * @retval SEALWAX_INVALID_HANDLE   identity or roster is not one that is open
 * @retval SEALWAX_POISONED         the identity or the roster broke; free it
 * @retval SEALWAX_FORKED           a handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
 * @retval SEALWAX_GROUP_DELETED    the group has ended
 * @retval SEALWAX_NOT_A_MEMBER     the identity is none, or a member under other keys
 * @retval SEALWAX_LIMIT_REACHED    too many handles are open
 * @retval SEALWAX_INTERNAL         the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_new(const sealwax_identity *identity,
                                        const sealwax_roster *roster,
                                        const char *options,
                                        size_t options_len,
                                        uint64_t now_ms,
                                        sealwax_group_sender **out_sender);

/**
 * Ends a sender. What was not exported is gone.
 *
 * @param sender  the sender; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
 */
SEALWAX_API sealwax_status sealwax_group_sender_free(sealwax_group_sender *sender);

/**
 * Makes the envelope that hands the current sender key to the peer of a session; the peer gives it to
 * sealwax_group_receiver_install(). The key is for those alone who were members when it was made, and still are.
 * Save the session before the envelope leaves, and the sender before its first one.
 *
 * @param sender        the sender
 * @param session       our session with the member, which carries the key
 * @param now_ms        the time. It travels in the clear, or the latest given before if that is later
 * @param out           the envelope, a session message
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the envelope
 *
 * @retval SEALWAX_NULL_POINTER       a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE          out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP     the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE     sender or session is not one that is open
 * @retval SEALWAX_POISONED           the sender, its roster or the session broke; free it
 * @retval SEALWAX_FORKED             a handle belongs to the parent process; free it
 * @retval SEALWAX_WRONG_SESSION      the session is not one of the sender's identity; nothing changed, as with all
 *                                    that follow
 * @retval SEALWAX_GROUP_DELETED      the group has ended
 * @retval SEALWAX_NOT_A_MEMBER       we are no member, or the peer is none
 * @retval SEALWAX_IDENTITY_CHANGED   the peer is a member under other keys than the session's
 * @retval SEALWAX_ROSTER_FORKED      the roster is forked, and the peer not a member in every branch
 * @retval SEALWAX_ROTATION_REQUIRED  the peer was no member when the key was made: sealwax_group_sender_rotate()
 * @retval SEALWAX_BUFFER_TOO_SMALL   *out_len is the size that would do
 * @retval SEALWAX_RENEWAL_REQUIRED   the session needs sealwax_session_renew()
 * @retval SEALWAX_CHAIN_EXHAUSTED    the session has sent 2^32 - 1 messages without one of the peer
 * @retval SEALWAX_INTERNAL           the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_distribute(sealwax_group_sender *sender,
                                               sealwax_session *session,
                                               uint64_t now_ms,
                                               void *out,
                                               size_t out_cap,
                                               size_t *out_len);

/**
 * Tells that a member has installed the current sender key. Once the last one has, its first state is erased: with
 * the option "confirm" only this does it.
 *
 * @param sender        the sender
 * @param user          the member; one who was not waited for is fine
 * @param user_len      bytes of it
 *
 * @retval SEALWAX_NULL_POINTER    user is NULL and user_len is not 0
 * @retval SEALWAX_TOO_LARGE       user_len is above SEALWAX_NAME_MAX
 * @retval SEALWAX_INVALID_TEXT    user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
 * @retval SEALWAX_POISONED        the sender broke; free it
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_confirm(sealwax_group_sender *sender,
                                            const char *user,
                                            size_t user_len);

/**
 * Tells how long the next message will be, exactly. Pure: it changes nothing.
 *
 * @param sender         the sender
 * @param plaintext_len  bytes of the plaintext, at most SEALWAX_MESSAGE_MAX
 * @param out_len        bytes of the envelope
 *
 * @retval SEALWAX_NULL_POINTER    out_len is NULL
 * @retval SEALWAX_TOO_LARGE       plaintext_len is above SEALWAX_MESSAGE_MAX
 * @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
 * @retval SEALWAX_POISONED        the sender broke; free it
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_encrypt_len(const sealwax_group_sender *sender,
                                                size_t plaintext_len,
                                                size_t *out_len);

/**
 * Encrypts and signs one message to the group: one envelope for all. Save the sender before the envelope leaves,
 * or have exported it with a lease that covers this message. Keep the plaintext: no receiver opens one's own
 * messages.
 *
 * @param sender         the sender
 * @param plaintext      any bytes; may be NULL if plaintext_len is 0
 * @param plaintext_len  bytes of them, at most SEALWAX_MESSAGE_MAX
 * @param now_ms         the time. It travels in the clear, or the latest given before if that is later
 * @param out            the envelope
 * @param out_cap        bytes of room at out; sealwax_group_sender_encrypt_len() says how many
 * @param out_len        bytes of the envelope
 *
 * @retval SEALWAX_NULL_POINTER       a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE          plaintext_len is above SEALWAX_MESSAGE_MAX
 * @retval SEALWAX_BUFFER_OVERLAP     an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE     sender is not one that is open
 * @retval SEALWAX_POISONED           the sender or its roster broke; free it
 * @retval SEALWAX_FORKED             the handle belongs to the parent process; free it
 * @retval SEALWAX_GROUP_DELETED      the group has ended; nothing changed, as with all that follow
 * @retval SEALWAX_NOT_A_MEMBER       we were removed, or are a member under other keys
 * @retval SEALWAX_ROSTER_BEHIND      a member has proven entries that the roster lacks: fetch and apply them; if
 *                                    none come, this passes after 5 minutes
 * @retval SEALWAX_ROTATION_REQUIRED  members came, went or changed keys, or the key is used up:
 *                                    sealwax_group_sender_rotate(), then distribute
 * @retval SEALWAX_BUFFER_TOO_SMALL   *out_len is the size that would do
 * @retval SEALWAX_INTERNAL           the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_encrypt(sealwax_group_sender *sender,
                                            const void *plaintext,
                                            size_t plaintext_len,
                                            uint64_t now_ms,
                                            void *out,
                                            size_t out_cap,
                                            size_t *out_len);

/**
 * Replaces the sender key by a new one for the members that the roster has now, and erases the old one: what is
 * sent from now on opens for those alone to whom the new key is distributed. Save the sender before it sends or
 * distributes again.
 *
 * @param sender        the sender
 * @param now_ms        the time
 *
 * @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
 * @retval SEALWAX_POISONED        the sender or its roster broke; free it
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_GROUP_DELETED   the group has ended
 * @retval SEALWAX_NOT_A_MEMBER    we were removed, or are a member under other keys
 * @retval SEALWAX_INTERNAL        the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_rotate(sealwax_group_sender *sender,
                                           uint64_t now_ms);

/**
 * Tells what an application may want to show of a sender, or act on.
 *
 * @param sender        the sender
 * @param out           JSON: "group_id", "user", "rotate_messages", "rotate_ms", "padding", "confirm", "key_id",
 *                      "epoch" (when the key was made), "made_ms", "counter" (of the next message), "resumed_from"
 *                      (null, or after an import the first counter that was set aside), "rotation_required"
 *                      (because of members or messages; because of age it is from "rotate_at_ms" on), "waiting"
 *                      (members who were not handed the key, or have not confirmed it)
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    sender is not one that is open
 * @retval SEALWAX_POISONED          the sender or its roster broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_info(const sealwax_group_sender *sender,
                                         void *out,
                                         size_t out_cap,
                                         size_t *out_len);

/**
 * Seals the whole sender to be stored. Save it before an envelope that it made leaves. A lease spares that: it
 * promises that at most so many messages are encrypted before the next export, and an import skips as many; the
 * first message after an import says so to its readers. A rotation needs an export of its own.
 *
 * @param sender        the sender
 * @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
 * @param key_len       SEALWAX_KEY_LEN
 * @param lease         messages that may follow, at most 1,000; 0 if each is saved
 * @param out           the sealed sender, other bytes each time
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the sealed sender
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN
 * @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN, or lease above 1,000
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    sender is not one that is open
 * @retval SEALWAX_POISONED          the sender broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_export(const sealwax_group_sender *sender,
                                           const void *key,
                                           size_t key_len,
                                           uint32_t lease,
                                           void *out,
                                           size_t out_cap,
                                           size_t *out_len);

/**
 * Opens what sealwax_group_sender_export() sealed, and skips the messages of its lease.
 *
 * @param identity      the identity that the sender was made from
 * @param roster        the group's roster, as new as it is to be had
 * @param key           the key that sealed it
 * @param key_len       SEALWAX_KEY_LEN
 * @param sealed        the sealed sender
 * @param sealed_len    bytes of it
 * @param out_sender    the sender; sealwax_group_sender_free() ends it; it keeps the roster alive
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              key_len is above SEALWAX_KEY_LEN, or sealed_len above any state's
 * @retval SEALWAX_INVALID_ARGUMENT       key_len is below SEALWAX_KEY_LEN
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
 * @retval SEALWAX_INVALID_HANDLE         identity or roster is not one that is open
 * @retval SEALWAX_POISONED               the identity or the roster broke; free it
 * @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not a sealed state
 * @retval SEALWAX_UNSUPPORTED_VERSION    sealed by a library that this one does not understand
 * @retval SEALWAX_UNSUPPORTED_SUITE      likewise
 * @retval SEALWAX_WRONG_KIND             the sealed state of another kind of object
 * @retval SEALWAX_AUTHENTICATION_FAILED  another key, or changed bytes
 * @retval SEALWAX_WRONG_SESSION          made from another identity
 * @retval SEALWAX_WRONG_GROUP            of another group than the roster
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_import(const sealwax_identity *identity,
                                           const sealwax_roster *roster,
                                           const void *key,
                                           size_t key_len,
                                           const void *sealed,
                                           size_t sealed_len,
                                           sealwax_group_sender **out_sender);

/**
 * Makes the envelopes that hand the current sender key to the peers of many sessions: what
 * sealwax_group_sender_distribute() does with each, in one call. A session that is refused does not hinder the
 * others. Save the sessions before their envelopes leave, and the sender before its first one.
 *
 * @param sender        the sender
 * @param sessions      our sessions with the members, each once
 * @param count         how many, at most 10,000: the members of the largest group
 * @param now_ms        the time. It travels in the clear, or the latest given before if that is later
 * @param out           the envelopes, session messages, one after another
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of all envelopes
 * @param out_results   count results, in the order of the sessions: SEALWAX_OK with the place of the envelope in
 *                      out, or the status by which sealwax_group_sender_distribute() refuses the session, which
 *                      is unchanged; SEALWAX_POISONED for one that broke
 *
 * @retval SEALWAX_OK                each session has its answer, were it a refusal
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         count is above 10,000, or out_cap more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps the array of sessions or another output
 * @retval SEALWAX_INVALID_HANDLE    sender or one of the sessions is not one that is open
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  a session is there twice
 * @retval SEALWAX_POISONED          the sender or its roster broke; free it
 * @retval SEALWAX_GROUP_DELETED     the group has ended; nothing changed, as with all that follow
 * @retval SEALWAX_NOT_A_MEMBER      we are no member
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_sender_distribute_many(sealwax_group_sender *sender,
                                                    sealwax_session *const *sessions,
                                                    size_t count,
                                                    uint64_t now_ms,
                                                    void *out,
                                                    size_t out_cap,
                                                    size_t *out_len,
                                                    sealwax_result *out_results);

/* ---- Group receivers ---- */

/**
 * Makes the receiving half of a membership, without keys yet.
 *
 * @param identity      who receives: a member
 * @param roster        the group's roster; the receiver follows it: whatever sealwax_roster_apply() takes counts
 *                      here before that call returns
 * @param options       JSON: "transition_window_ms" (120,000; at most a day): how long a retired key still opens
 *                      messages; "retain_history" (false): keep the first state of each key, to share what is
 *                      retired with sealwax_group_receiver_share_history(), at the price that a stolen state
 *                      opens old messages; "history" (false): a read-only receiver of what members shared; not
 *                      both; may be NULL if options_len is 0
 * @param options_len   bytes of them
 * @param now_ms        the time
 * @param out_receiver  the receiver; sealwax_group_receiver_free() ends it; it keeps the roster alive
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        options are too long
 * @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT     options are not UTF-8
 * @retval SEALWAX_INVALID_HANDLE   identity or roster is not one that is open
 * @retval SEALWAX_POISONED         the identity or the roster broke; free it
 * @retval SEALWAX_FORKED           a handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why; or "retain_history" with "history"
 * @retval SEALWAX_GROUP_DELETED    the group has ended
 * @retval SEALWAX_NOT_A_MEMBER     the identity is none, or a member under other keys
 * @retval SEALWAX_LIMIT_REACHED    too many handles are open
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_new(const sealwax_identity *identity,
                                          const sealwax_roster *roster,
                                          const char *options,
                                          size_t options_len,
                                          uint64_t now_ms,
                                          sealwax_group_receiver **out_receiver);

/**
 * Ends a receiver. What was not exported is gone.
 *
 * @param receiver  the receiver; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  receiver is not one that is open
 */
SEALWAX_API sealwax_status sealwax_group_receiver_free(sealwax_group_receiver *receiver);

/**
 * Wipes the keys whose transition window has ended. They open nothing even before; call this so that they go.
 *
 * @param receiver      the receiver
 * @param now_ms        the time
 * @param out_due_ms    when to call next; 0 for as soon as something changes
 *
 * @retval SEALWAX_NULL_POINTER    out_due_ms is NULL
 * @retval SEALWAX_INVALID_HANDLE  receiver is not one that is open
 * @retval SEALWAX_POISONED        the receiver broke; free it
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_retire(sealwax_group_receiver *receiver,
                                             uint64_t now_ms,
                                             uint64_t *out_due_ms);

/**
 * Tells that the queue that gathered while one was offline is being read, before anything of it is given to the
 * library, and again when it was read. In between, transition windows stand still, for at most 7 days; at the end
 * they start anew. So everything that was sent in order opens, through any number of rotations.
 *
 * @param receiver      the receiver
 * @param active        1 at the start, 0 at the end
 * @param now_ms        the time
 *
 * @retval SEALWAX_INVALID_ARGUMENT  active is neither 0 nor 1
 * @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
 * @retval SEALWAX_POISONED          the receiver broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_catch_up(sealwax_group_receiver *receiver,
                                               int active,
                                               uint64_t now_ms);

/**
 * Tells what an application may want to show of a receiver, or act on.
 *
 * @param receiver      the receiver
 * @param out           JSON: "group_id", "user", "transition_window_ms", "retain_history", "history",
 *                      "catching_up" (since when, or null), "senders" (by user id: "user" and "keys", in the order
 *                      of installation: "key_id", "epoch", "first" and "next" (counters), "skipped" (messages
 *                      below "next" that can still be opened), "end" (the counter that it ends before, or null),
 *                      "closes_ms" (end of its transition window, or null for the current key), "shared_by" (who
 *                      vouches for it, or null)), "retained" (wiped keys that can be shared: "sender", "key_id",
 *                      "first", "end")
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
 * @retval SEALWAX_POISONED          the receiver broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_info(const sealwax_group_receiver *receiver,
                                           void *out,
                                           size_t out_cap,
                                           size_t *out_len);

/**
 * Seals the whole receiver to be stored. Save it before what it read or installed is acknowledged.
 *
 * @param receiver      the receiver
 * @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
 * @param key_len       SEALWAX_KEY_LEN
 * @param out           the sealed receiver, other bytes each time
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the sealed receiver
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN, or the state is beyond its limit
 * @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
 * @retval SEALWAX_POISONED          the receiver broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_export(const sealwax_group_receiver *receiver,
                                             const void *key,
                                             size_t key_len,
                                             void *out,
                                             size_t out_cap,
                                             size_t *out_len);

/**
 * Opens what sealwax_group_receiver_export() sealed, and takes over what the roster says now.
 *
 * @param identity      the identity that the receiver was made from
 * @param roster        the group's roster, as new as it is to be had; the receiver follows it
 * @param key           the key that sealed it
 * @param key_len       SEALWAX_KEY_LEN
 * @param sealed        the sealed receiver
 * @param sealed_len    bytes of it
 * @param out_receiver  the receiver; sealwax_group_receiver_free() ends it; it keeps the roster alive
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              key_len is above SEALWAX_KEY_LEN, or sealed_len above any state's
 * @retval SEALWAX_INVALID_ARGUMENT       key_len is below SEALWAX_KEY_LEN
 * @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
 * @retval SEALWAX_INVALID_HANDLE         identity or roster is not one that is open
 * @retval SEALWAX_POISONED               the identity or the roster broke; free it
 * @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not a sealed state
 * @retval SEALWAX_UNSUPPORTED_VERSION    sealed by a library that this one does not understand
 * @retval SEALWAX_UNSUPPORTED_SUITE      likewise
 * @retval SEALWAX_WRONG_KIND             the sealed state of another kind of object
 * @retval SEALWAX_AUTHENTICATION_FAILED  another key, or changed bytes
 * @retval SEALWAX_WRONG_SESSION          made from another identity
 * @retval SEALWAX_WRONG_GROUP            of another group than the roster
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_import(const sealwax_identity *identity,
                                             const sealwax_roster *roster,
                                             const void *key,
                                             size_t key_len,
                                             const void *sealed,
                                             size_t sealed_len,
                                             sealwax_group_receiver **out_receiver);

/* ---- What a group receiver takes in and gives on ---- */

/**
 * Takes a sender key that came in a session, from sealwax_group_sender_distribute() or, in a receiver of history,
 * from sealwax_group_receiver_share_history(). The key never leaves the library in the clear. A first message
 * under a new handshake also changes the identity, whose revision then grows. Save receiver and session, and then
 * such an identity, before the envelope is acknowledged.
 *
 * @param receiver      the receiver
 * @param session       our session with the sender of the envelope
 * @param envelope      a session message: sealwax_session_peek() says whether it is a "distribution" or a
 *                      "history", and of which group
 * @param envelope_len  bytes of it
 * @param now_ms        the time
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any envelope
 * @retval SEALWAX_INVALID_HANDLE         receiver or session is not one that is open
 * @retval SEALWAX_POISONED               the receiver, its roster, the session or its identity broke; free it
 * @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
 * @retval SEALWAX_WRONG_SESSION          the session is not one of the receiver's identity, or the envelope of
 *                                        another sender
 * @retval SEALWAX_MALFORMED              not an envelope, or not the content that it says
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_RECIPIENT        for somebody else
 * @retval SEALWAX_DUPLICATE              these very bytes were read lately
 * @retval SEALWAX_REPLAY                 its key was used before
 * @retval SEALWAX_TOO_FAR_AHEAD          more than 2,000 messages of the session before it are missing; or of a
 *                                        held sender key, from more than 262,144 messages away
 * @retval SEALWAX_UNKNOWN_KEY            of a handshake that the session does not hold: sealwax_session_renew()
 * @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
 * @retval SEALWAX_PREKEYS_REQUIRED       a first message without prekeys, from a peer that has used some
 * @retval SEALWAX_UNKNOWN_PREKEY         a first message with a prekey that is used up or dead
 * @retval SEALWAX_EXPIRED                a first message without prekeys, too long ago or in the future
 * @retval SEALWAX_WRONG_KIND             not a session message, or its content is not for this receiver
 * @retval SEALWAX_WRONG_GROUP            of another group
 * @retval SEALWAX_SENDER_REMOVED         its sender is no longer a member
 * @retval SEALWAX_NOT_A_MEMBER           its sender is no member yet: apply newer entries, then try again; or, for
 *                                        history, we are none
 * @retval SEALWAX_IDENTITY_CHANGED       its sender is a member under other keys, or a first message of another
 *                                        identity
 * @retval SEALWAX_EQUIVOCATION           the key id is held with another meaning: its owner is not honest
 * @retval SEALWAX_RETIRED_KEY            the key was wiped, is past its window, or older than its owner's
 *                                        membership
 * @retval SEALWAX_GROUP_DELETED          history of a group that has ended
 * @retval SEALWAX_LIMIT_REACHED          too many shared keys, or too many first messages to remember
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_install(sealwax_group_receiver *receiver,
                                              sealwax_session *session,
                                              const void *envelope,
                                              size_t envelope_len,
                                              uint64_t now_ms);

/**
 * Reads one message of the group: its tag, its signature, its commitment to the chain, and its links to the
 * messages around it are checked. sealwax_envelope_parse() tells who sent it and when. Save the receiver before
 * the envelope is acknowledged.
 *
 * @param receiver      the receiver
 * @param envelope      a group message
 * @param envelope_len  bytes of it
 * @param now_ms        the time
 * @param out           the plaintext; in a receiver of history, what the member vouches for who shared the key
 * @param out_cap       bytes of room at out; envelope_len always is enough
 * @param out_len       bytes of the plaintext
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any envelope
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         receiver is not one that is open
 * @retval SEALWAX_POISONED               the receiver or its roster broke; free it
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_MALFORMED              not an envelope; nothing changed, as with all that follow
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_GROUP            of another group
 * @retval SEALWAX_SENDER_REMOVED         its sender is no longer a member
 * @retval SEALWAX_NOT_A_MEMBER           its sender is no member that the roster knows: apply newer entries
 * @retval SEALWAX_RETIRED_KEY            its key is past its transition window
 * @retval SEALWAX_UNKNOWN_KEY            its key is not held. Keep the envelope for a while, try again after each
 *                                        install, then drop it: it may be from before one joined or after one was
 *                                        removed, one's own, or skipped too long ago
 * @retval SEALWAX_DUPLICATE              these very bytes were read lately
 * @retval SEALWAX_REPLAY                 its message key was used before
 * @retval SEALWAX_TOO_FAR_AHEAD          more than 262,144 messages before it are missing
 * @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, not by who it says, or not in line with its
 *                                        neighbours
 * @retval SEALWAX_WRONG_KIND             not a group message, or content of the client engine or a later version
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_decrypt(sealwax_group_receiver *receiver,
                                              const void *envelope,
                                              size_t envelope_len,
                                              uint64_t now_ms,
                                              void *out,
                                              size_t out_cap,
                                              size_t *out_len);

/**
 * Reads a backlog of the group: many messages of any senders, in the order in which they are to be read. Each has
 * a status of its own, the one that sealwax_group_receiver_decrypt() would give in its turn, and neither a damaged
 * message nor a missing one hinders another. It is tens of times faster than single calls: the messages of a
 * sender name one another, so a signature on the newest of an unbroken run speaks for all of it. Save the receiver
 * before the envelopes are acknowledged. sealwax_envelope_parse() tells who sent each; after being offline,
 * call sealwax_group_receiver_catch_up() first.
 *
 * @param receiver      the receiver
 * @param envelopes     group messages; one that is empty or too long has a status like any other, as long as all
 *                      have no more than SEALWAX_BATCH_BYTES_MAX together
 * @param count         how many, at most SEALWAX_BATCH_MAX
 * @param now_ms        the time
 * @param out           the plaintexts of those that open; what fails leaves no byte
 * @param out_cap       bytes of room at out; what all envelopes have together always is enough
 * @param out_len       bytes of out that were used; go by the offsets, there are other bytes between plaintexts
 * @param out_results   count results, in the order of the envelopes: SEALWAX_OK with the place of the plaintext in
 *                      out, or what sealwax_group_receiver_decrypt() says; SEALWAX_TOO_LARGE for one that is
 *                      longer than any envelope
 *
 * @retval SEALWAX_OK                each envelope has its answer, were it a refusal
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be, one in envelopes with bytes included
 * @retval SEALWAX_TOO_LARGE         more than SEALWAX_BATCH_MAX envelopes, or than SEALWAX_BATCH_BYTES_MAX bytes
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an envelope, the array of them, or another output
 * @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
 * @retval SEALWAX_POISONED          the receiver or its roster broke; free it
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing was read or changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_decrypt_batch(sealwax_group_receiver *receiver,
                                                    const sealwax_slice *envelopes,
                                                    size_t count,
                                                    uint64_t now_ms,
                                                    void *out,
                                                    size_t out_cap,
                                                    size_t *out_len,
                                                    sealwax_result *out_results);

/**
 * Makes the envelope that shares a retired sender key with the peer of a session, so that it reads old messages;
 * the peer gives it to sealwax_group_receiver_install() of a receiver made with the option "history". An explicit
 * act of a member, never of the relay. Save the session before the envelope leaves.
 *
 * @param receiver      the receiver, made with the option "retain_history"
 * @param session       our session with the member, which carries the key
 * @param sender        whose messages; a former member's too
 * @param sender_len    bytes of it
 * @param key_id        of the key, as in sealwax_group_receiver_info()
 * @param key_id_len    SEALWAX_KEY_ID_LEN
 * @param from_counter  the first message that it opens
 * @param now_ms        the time. It travels in the clear, or the latest given before if that is later
 * @param out           the envelope, a session message
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the envelope
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         sender_len is above SEALWAX_NAME_MAX, or key_id_len above SEALWAX_KEY_ID_LEN
 * @retval SEALWAX_INVALID_ARGUMENT  key_id_len is below SEALWAX_KEY_ID_LEN, or from_counter beyond the last
 *                                   message
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      sender is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    receiver or session is not one that is open
 * @retval SEALWAX_POISONED          the receiver, its roster or the session broke; free it
 * @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
 * @retval SEALWAX_WRONG_SESSION     the session is not one of the receiver's identity; nothing changed, as with
 *                                   all that follow
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_NOT_A_MEMBER      we are no member, or the peer is none
 * @retval SEALWAX_IDENTITY_CHANGED  the peer is a member under other keys than the session's
 * @retval SEALWAX_ROSTER_FORKED     the roster is forked, and the peer not a member in every branch
 * @retval SEALWAX_NOT_PERMITTED     the key is current
 * @retval SEALWAX_UNKNOWN_KEY       the key was not retained, or not from that message on
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_RENEWAL_REQUIRED  the session needs sealwax_session_renew()
 * @retval SEALWAX_CHAIN_EXHAUSTED   the session has sent 2^32 - 1 messages without one of the peer
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_group_receiver_share_history(const sealwax_group_receiver *receiver,
                                                    sealwax_session *session,
                                                    const char *sender,
                                                    size_t sender_len,
                                                    const void *key_id,
                                                    size_t key_id_len,
                                                    uint32_t from_counter,
                                                    uint64_t now_ms,
                                                    void *out,
                                                    size_t out_cap,
                                                    size_t *out_len);

/* ---- Attachments: sealing ---- */

/**
 * Starts an attachment under a fresh key of its own. The sealed file is the header and then the chunks, in order.
 * Feed sealwax_stream_seal_update() and end with sealwax_stream_seal_finish(); or seal each chunk by itself with
 * sealwax_stream_seal_chunk(), from many threads. sealwax_stream_seal_reference() then gives what opens it.
 *
 * @param options      "chunk_size" (4096 to 1048576, a power of two; default 65536): bytes of plaintext in a
 *                     chunk, the least that a recipient can read. "digest" (default true): the reference binds
 *                     the whole file, so that all who are given it see the same. Without, sealing is several
 *                     times faster, and recipients have to agree to it. May be NULL if options_len is 0
 * @param options_len  bytes of them
 * @param out_header   SEALWAX_STREAM_HEADER_LEN bytes that the sealed file begins with
 * @param out_seal     the attachment; sealwax_stream_seal_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        options_len is beyond its limit
 * @retval SEALWAX_BUFFER_OVERLAP   an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT     the options are not UTF-8
 * @retval SEALWAX_INVALID_OPTIONS  an unknown option, or a bad value
 * @retval SEALWAX_LIMIT_REACHED    no handle is left
 * @retval SEALWAX_INTERNAL         the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_seal_new(const char *options,
                                       size_t options_len,
                                       uint8_t *out_header,
                                       sealwax_stream_seal **out_seal);

/**
 * Ends an attachment in the making, finished or not. Its key is wiped.
 *
 * @param seal  the attachment; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  seal is not one that is open
 */
SEALWAX_API sealwax_status sealwax_stream_seal_free(sealwax_stream_seal *seal);

/**
 * Tells what a plaintext of this size will be when it is sealed. Pure: it changes nothing.
 *
 * @param seal        the attachment
 * @param size        bytes of plaintext
 * @param out_layout  the size of the sealed file, and its chunks
 *
 * @retval SEALWAX_NULL_POINTER    out_layout is NULL
 * @retval SEALWAX_INVALID_HANDLE  seal is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the attachment broke; free it
 * @retval SEALWAX_TOO_LARGE       more than 2^30 chunks
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_seal_layout(const sealwax_stream_seal *seal,
                                          uint64_t size,
                                          sealwax_stream_layout *out_layout);

/**
 * Seals the next piece of plaintext, of any length, and gives the chunks that it fills: append them to the sealed
 * file. At most a chunk is held back, because it could be the last. Whole chunks go straight from plaintext to
 * out, so large pieces are the fastest.
 *
 * @param seal           the attachment
 * @param plaintext      the next bytes; may be NULL if plaintext_len is 0
 * @param plaintext_len  bytes of them, at most 1 GiB
 * @param out            the sealed chunks; often none
 * @param out_cap        bytes of room at out; 0 asks for the size, and is enough if there is none. A piece
 *                       completes at most plaintext_len / "chunk_size" + 1 chunks, one less if all pieces are
 *                       multiples of "chunk_size", each of "chunk_size" + SEALWAX_STREAM_OVERHEAD bytes
 * @param out_len        bytes of the sealed chunks
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         plaintext_len is above 1 GiB, or there would be more than 2^30 chunks
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the attachment broke; free it
 * @retval SEALWAX_WRONG_STATE       it is finished, or made chunk by chunk; nothing changed
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
 * @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_seal_update(sealwax_stream_seal *seal,
                                          const void *plaintext,
                                          size_t plaintext_len,
                                          void *out,
                                          size_t out_cap,
                                          size_t *out_len);

/**
 * Ends an attachment that was fed with sealwax_stream_seal_update(): gives the last chunk.
 *
 * @param seal     the attachment
 * @param out      the last chunk; append it to the sealed file
 * @param out_cap  bytes of room at out; "chunk_size" + SEALWAX_STREAM_OVERHEAD always is enough, 0 asks for the
 *                 size
 * @param out_len  bytes of the last chunk
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is no size of memory
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the attachment broke; free it
 * @retval SEALWAX_WRONG_STATE       it is finished already, or made chunk by chunk; nothing changed
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
 * @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_seal_finish(sealwax_stream_seal *seal,
                                          void *out,
                                          size_t out_cap,
                                          size_t *out_len);

/**
 * Seals one chunk by its index, from any thread: calls run side by side. Each index is sealed once, in about the
 * order of the file: less than 1,024 ahead of the first that is not done. The chunk goes to its place in the
 * sealed file, see sealwax_stream_layout.
 *
 * @param seal           the attachment
 * @param index          0 for the first chunk
 * @param last           1 for the chunk that ends the file, 0 for all others
 * @param plaintext      its bytes; may be NULL if plaintext_len is 0
 * @param plaintext_len  "chunk_size"; in the last chunk from 1 to that, or 0 if it is the only one
 * @param out            the sealed chunk
 * @param out_cap        bytes of room at out; plaintext_len + SEALWAX_STREAM_OVERHEAD is enough
 * @param out_len        bytes of the sealed chunk
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         plaintext_len is above SEALWAX_STREAM_CHUNK_MAX
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  last is neither 0 nor 1, or a chunk of this index has not that length
 * @retval SEALWAX_POISONED          the attachment broke; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
 * @retval SEALWAX_WRONG_STATE       this index is done or being done, or lies after the last chunk; or the last
 *                                   one would not be the last; or sealwax_stream_seal_update() was used; nothing
 *                                   changed
 * @retval SEALWAX_TOO_FAR_AHEAD     1,024 or more ahead of the first index that is not done; nothing changed
 * @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_seal_chunk(const sealwax_stream_seal *seal,
                                         uint32_t index,
                                         int last,
                                         const void *plaintext,
                                         size_t plaintext_len,
                                         void *out,
                                         size_t out_cap,
                                         size_t *out_len);

/**
 * Gives the reference to a finished attachment: its key, size and digest. It is a secret: whoever has it reads
 * the file. Send it as, or in, an encrypted message; keep the sealed file wherever you like.
 *
 * @param seal     the attachment
 * @param out      the reference
 * @param out_cap  bytes of room at out; SEALWAX_STREAM_REFERENCE_MAX is enough
 * @param out_len  bytes of the reference
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is no size of memory
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the attachment broke; free it
 * @retval SEALWAX_WRONG_STATE       the last chunk, or one before it, is missing
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_seal_reference(const sealwax_stream_seal *seal,
                                             void *out,
                                             size_t out_cap,
                                             size_t *out_len);

/* ---- Attachments: opening ---- */

/**
 * Starts to read an attachment. To read all of it, feed what follows the header to sealwax_stream_open_update(),
 * or each chunk to sealwax_stream_open_chunk() from many threads, and believe in the whole once
 * sealwax_stream_open_finish() says so. To read single chunks at will, say "digest":false.
 *
 * @param reference      what the sender's message brought, from sealwax_stream_seal_reference()
 * @param reference_len  bytes of it
 * @param header         the first SEALWAX_STREAM_HEADER_LEN bytes of the sealed file
 * @param header_len     bytes of it
 * @param options        "digest" (default true): the file is read once, as a whole, and
 *                       sealwax_stream_open_finish() proves that everybody with this reference gets the same.
 *                       false: any chunk at any time, each proven to be what somebody with the reference sealed
 *                       there, and nothing about the whole. May be NULL if options_len is 0
 * @param options_len    bytes of them
 * @param out_open       the attachment; sealwax_stream_open_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any reference, header or options
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input
 * @retval SEALWAX_INVALID_TEXT           the options are not UTF-8
 * @retval SEALWAX_INVALID_OPTIONS        an unknown option, or a bad value
 * @retval SEALWAX_MALFORMED              not a reference, or not the header of an attachment
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object; or the reference has no digest, and "digest" is not
 *                                        false
 * @retval SEALWAX_AUTHENTICATION_FAILED  the header is not of a file that this reference's key sealed
 * @retval SEALWAX_LIMIT_REACHED          no handle is left
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_open_new(const void *reference,
                                       size_t reference_len,
                                       const void *header,
                                       size_t header_len,
                                       const char *options,
                                       size_t options_len,
                                       sealwax_stream_open **out_open);

/**
 * Ends an attachment that is read, whether to its end or not. Its key is wiped.
 *
 * @param open  the attachment; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  open is not one that is open
 */
SEALWAX_API sealwax_status sealwax_stream_open_free(sealwax_stream_open *open);

/**
 * Tells the sizes of an attachment and of its chunks, as the reference says them. Its sender may have written any
 * number there: do not set memory aside for it.
 *
 * @param open        the attachment
 * @param out_layout  its sizes
 *
 * @retval SEALWAX_NULL_POINTER    out_layout is NULL
 * @retval SEALWAX_INVALID_HANDLE  open is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the attachment broke; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_open_layout(const sealwax_stream_open *open,
                                          sealwax_stream_layout *out_layout);

/**
 * Opens the next piece of what follows the header, of any length, and gives the plaintext of the chunks that it
 * completes. What it gives is authentic; that the file is whole, and the same for everybody, only
 * sealwax_stream_open_finish() says. So write it to a place that counts only after that.
 *
 * The beginning of a chunk is kept until its end comes. If bytes that came with an earlier piece were damaged,
 * another try with this piece cannot help: begin anew.
 *
 * @param open        the attachment
 * @param sealed      the next bytes of the sealed file; may be NULL if sealed_len is 0
 * @param sealed_len  bytes of them, at most 1 GiB
 * @param out         the plaintext; often none
 * @param out_cap     bytes of room at out; sealed_len + "chunk_size" of the layout is enough, 0 asks for the size
 * @param out_len     bytes of the plaintext
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              sealed_len is above 1 GiB
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         open is not one that is open
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED               the attachment broke; free it
 * @retval SEALWAX_WRONG_STATE            unless "digest" is false: it is read chunk by chunk; nothing changed
 * @retval SEALWAX_MALFORMED              the file is longer than the reference says; nothing changed
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do; nothing changed
 * @retval SEALWAX_AUTHENTICATION_FAILED  a chunk was changed, or is not the one of its place; nothing changed,
 *                                        and none of this piece is given
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_open_update(sealwax_stream_open *open,
                                          const void *sealed,
                                          size_t sealed_len,
                                          void *out,
                                          size_t out_cap,
                                          size_t *out_len);

/**
 * Says whether all of the attachment was read and, unless "digest" is false, that it is the one that the
 * reference names. Pure: it changes nothing. What sealwax_stream_open_update() refused was not read, so after
 * a refusal a file looks cut off here, and bytes beyond its end do not count.
 *
 * @param open  the attachment
 *
 * @retval SEALWAX_INVALID_HANDLE         open is not one that is open
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED               the attachment broke; free it
 * @retval SEALWAX_MALFORMED              not all of it was read: the file was cut off, or chunks are missing;
 *                                        chunks that are read with "digest":false do not count
 * @retval SEALWAX_AUTHENTICATION_FAILED  another file than the one that the reference was made for: its sender
 *                                        lies
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_open_finish(const sealwax_stream_open *open);

/**
 * Opens one chunk by its index, from any thread: calls run side by side. Its place in the sealed file follows
 * from sealwax_stream_layout. Unless "digest" is false, each index is opened once, in about the order of the
 * file: less than 1,024 ahead of the first that is not done; one that failed may be tried again.
 *
 * @param open        the attachment
 * @param index       0 for the first chunk
 * @param sealed      the whole sealed chunk
 * @param sealed_len  bytes of it: those of its plaintext and SEALWAX_STREAM_OVERHEAD
 * @param out         the plaintext
 * @param out_cap     bytes of room at out; sealed_len is enough
 * @param out_len     bytes of the plaintext
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              longer than any chunk
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         open is not one that is open
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT       there is no chunk of this index
 * @retval SEALWAX_POISONED               the attachment broke; free it
 * @retval SEALWAX_MALFORMED              not as long as this chunk is
 * @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do; nothing changed
 * @retval SEALWAX_WRONG_STATE            unless "digest" is false: it is done or being done, or
 *                                        sealwax_stream_open_update() was used; nothing changed
 * @retval SEALWAX_TOO_FAR_AHEAD          unless "digest" is false: 1,024 or more ahead of the first index that is
 *                                        not done; nothing changed
 * @retval SEALWAX_AUTHENTICATION_FAILED  changed, or not the chunk of this place; nothing changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_stream_open_chunk(const sealwax_stream_open *open,
                                         uint32_t index,
                                         const void *sealed,
                                         size_t sealed_len,
                                         void *out,
                                         size_t out_cap,
                                         size_t *out_len);

/* ---- Relays: what routes envelopes and cannot read them ---- */

/**
 * Makes an empty relay. It does what docs/PROTOCOL.md section 10 asks of one; carrying frames and storing records
 * is the host's part. Each call gives sealwax_deliveries: store its records, then send its deliveries.
 *
 * sealwax_relay_connect(), _receive(), _disconnect() and _tick() speak the whole protocol with clients: frames of
 * a connection go in, frames for connections come out. The other functions are the routing core below that, for
 * a host that authenticates users and carries envelopes in a way of its own; it answers the client last.
 *
 * @param options      JSON: "name" (clients compare it with the relay that they called); "users_max",
 *                     "groups_max" (not deleted); for each queue "queue_max" (envelopes), "queue_bytes_max",
 *                     "queue_age_max_ms", "sender_share_percent" (of it, for the envelopes of one sender);
 *                     "prekeys_per_hour" (one-time prekeys of one user that one requester may take),
 *                     "groups_per_user" (created and not deleted; twice as many in a day), "joins_per_hour" (of
 *                     one group); for each user "requests_per_second" and "requests_burst" (of frames: 16
 *                     messages of a client that has many are one request, while a large group's count for more);
 *                     for each connection "handshake_ms" (until welcome) and "idle_ms" (without a frame); what
 *                     each may be at most, and is if absent, shows sealwax_options_check(); may be NULL if
 *                     options_len is 0
 * @param options_len  bytes of them
 * @param out_relay    the relay; sealwax_relay_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        options are too long
 * @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT     options are not UTF-8
 * @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
 * @retval SEALWAX_LIMIT_REACHED    too many handles are open
 * @retval SEALWAX_INTERNAL         the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_new(const char *options,
                                 size_t options_len,
                                 sealwax_relay **out_relay);

/**
 * Ends a relay. Deliveries that it gave stay.
 *
 * @param relay  the relay; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  relay is not one that is open
 */
SEALWAX_API sealwax_status sealwax_relay_free(sealwax_relay *relay);

/**
 * Takes the card of a user. A newer card of the same identity replaces an older one; the same or an older
 * one changes nothing. To let a user take another identity, sealwax_relay_forget_user() comes first.
 *
 * @param relay           the relay
 * @param user            whom the host has authenticated
 * @param user_len        bytes of it
 * @param card            the user's card
 * @param card_len        bytes of it
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT           a user id is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open, or the relay has no room for another
 *                                        user
 * @retval SEALWAX_MALFORMED              not a card
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a card
 * @retval SEALWAX_AUTHENTICATION_FAILED  the card's signature does not hold
 * @retval SEALWAX_NOT_PERMITTED          the card of another user
 * @retval SEALWAX_IDENTITY_CHANGED       the user is registered with another identity
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_register(const sealwax_relay *relay,
                                      const char *user,
                                      size_t user_len,
                                      const void *card,
                                      size_t card_len,
                                      uint64_t now_ms,
                                      sealwax_deliveries **out_deliveries);

/**
 * Forgets who a user is, so that another identity can take the name: its card, its prekeys, what is known of its
 * store, and its queue, which was sealed for the identity that goes and which the next one could not read. A
 * connection of the user is closed. Groups keep the user as a member, whom nobody gives keys until an entry
 * removes it or names the new ones; what it sent stays in the queues of others.
 *
 * @param relay           the relay
 * @param user            whose identity is taken away
 * @param user_len        bytes of it
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE       an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP  an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT    a user id is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE  relay is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED   too many handles are open
 * @retval SEALWAX_UNKNOWN_USER    the relay has never met such a user
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_forget_user(const sealwax_relay *relay,
                                         const char *user,
                                         size_t user_len,
                                         uint64_t now_ms,
                                         sealwax_deliveries **out_deliveries);

/**
 * Takes the prekeys of a user. The signed prekey replaces the one before; one-time prekeys that are left
 * stay, and none is handed out twice.
 *
 * @param relay           the relay
 * @param user            whom the host has authenticated
 * @param user_len        bytes of it
 * @param prekeys         what sealwax_identity_prekeys() gave
 * @param prekeys_len     bytes of it
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open
 * @retval SEALWAX_UNKNOWN_USER           user has no card here
 * @retval SEALWAX_MALFORMED              not a bundle of this user
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a bundle of this user
 * @retval SEALWAX_INVALID_TEXT           a user id is none
 * @retval SEALWAX_IDENTITY_CHANGED       of another identity than the registered one
 * @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
 * @retval SEALWAX_EXPIRED                its signed prekey is past its time
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_publish(const sealwax_relay *relay,
                                     const char *user,
                                     size_t user_len,
                                     const void *prekeys,
                                     size_t prekeys_len,
                                     uint64_t now_ms,
                                     sealwax_deliveries **out_deliveries);

/**
 * Gives a user the card and the prekeys of another, one one-time prekey among them while there are any: each
 * is given once, and at most a few an hour of one user to one requester. One's own lookup takes none.
 *
 * @param relay           the relay
 * @param requester       whom the host has authenticated
 * @param requester_len   bytes of it
 * @param user            whose card and prekeys are asked for
 * @param user_len        bytes of it
 * @param now_ms          the time
 * @param out_card        the card
 * @param out_card_cap    bytes of room at out_card; 0 asks for the size
 * @param out_card_len    bytes of the card
 * @param out             the bundle; empty if nothing was published, or its signed prekey is past its time
 * @param out_cap         bytes of room at out; 0 asks for the size, which is that with a one-time prekey
 * @param out_len         bytes of the bundle
 * @param out_deliveries  what is to be stored before the answer is sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      a user id is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED     too many handles are open
 * @retval SEALWAX_UNKNOWN_USER      requester or user has no card here
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_card_len and *out_len are the sizes that would do; nothing changed
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_lookup(const sealwax_relay *relay,
                                    const char *requester,
                                    size_t requester_len,
                                    const char *user,
                                    size_t user_len,
                                    uint64_t now_ms,
                                    void *out_card,
                                    size_t out_card_cap,
                                    size_t *out_card_len,
                                    void *out,
                                    size_t out_cap,
                                    size_t *out_len,
                                    sealwax_deliveries **out_deliveries);

/**
 * Tells what a relay counts.
 *
 * @param relay    the relay
 * @param out      JSON: "users" (with a card), "online", "groups" (not deleted), "queued" (each once a queue),
 *                 "queued_bytes"; since the start "routed", "duplicates" (sent again and dropped), "skipped"
 *                 (members passed over), "expired" (out of a queue by age), "prekeys_taken"; of connections
 *                 "connections" (that the host has not ended), "frames" (taken), "bad_frames", "rate_limited"
 *                 (requests), "rejected" (hellos and proofs), "replaced", "timed_out", "presence" (frames sent)
 * @param out_cap  bytes of room at out; 0 asks for the size
 * @param out_len  bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_info(const sealwax_relay *relay,
                                  void *out,
                                  size_t out_cap,
                                  size_t *out_len);

/**
 * Takes an envelope from its sender: queues it for its recipients (the peer, or all members of the group but the
 * sender) and delivers it to those who are online.
 * An envelope that is sent again, while it is queued or soon after, changes nothing. A member of a group
 * whose queue is full is passed over, so that nobody can silence a group by not reading;
 * sealwax_relay_info() counts it.
 *
 * @param relay           the relay
 * @param user            whom the host has authenticated
 * @param user_len        bytes of it
 * @param envelope        a message of a session or group
 * @param envelope_len    bytes of it
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE            an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP       an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT         a user id is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE       relay is not one that is open
 * @retval SEALWAX_FORKED               the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED        too many handles are open
 * @retval SEALWAX_MALFORMED            not a message of a session or group
 * @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND           another object than a message of a session or group
 * @retval SEALWAX_NOT_PERMITTED        its sender is another user
 * @retval SEALWAX_UNKNOWN_USER         the user, or the recipient, has no card here
 * @retval SEALWAX_QUEUE_FULL           the recipient of a session message has too much queued, in all
 *                                      or of this sender
 * @retval SEALWAX_UNKNOWN_GROUP        there is no such group
 * @retval SEALWAX_NOT_A_MEMBER         the user is no member
 * @retval SEALWAX_GROUP_DELETED        the group is deleted
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_route(const sealwax_relay *relay,
                                   const char *user,
                                   size_t user_len,
                                   const void *envelope,
                                   size_t envelope_len,
                                   uint64_t now_ms,
                                   sealwax_deliveries **out_deliveries);

/**
 * Takes a roster entry from its actor: the first one of an epoch wins. It is delivered to all members before
 * and after it, the actor too. A group's first entry makes the group. An entry that was taken before changes
 * nothing.
 *
 * @param relay           the relay
 * @param user            whom the host has authenticated
 * @param user_len        bytes of it
 * @param entry           the entry
 * @param entry_len       bytes of it
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED          too many handles are open, the relay has no room for another group or
 *                                        the user has created too many, in all or within a day, or the log none
 *                                        for another entry
 * @retval SEALWAX_RATE_LIMITED           too many joined the group within an hour, or the user too often
 * @retval SEALWAX_MALFORMED              not a roster entry
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             another object than a roster entry
 * @retval SEALWAX_INVALID_TEXT           a user id or label is none
 * @retval SEALWAX_UNKNOWN_USER           the user, or somebody whom the entry brings in, has no card here
 * @retval SEALWAX_IDENTITY_CHANGED       the actor, or somebody whom the entry brings in, is registered with
 *                                        another identity
 * @retval SEALWAX_NOT_PERMITTED          the actor is another user, or lacks the right
 * @retval SEALWAX_NOT_A_MEMBER           the actor is no member; it learns no more of a group that is not open
 * @retval SEALWAX_UNKNOWN_GROUP          there is no such group, or it was deleted more than a week ago
 * @retval SEALWAX_STALE_EPOCH            another entry took the epoch; fetch the log and propose anew
 * @retval SEALWAX_ROSTER_BEHIND          the relay lacks the entry before
 * @retval SEALWAX_GROUP_DELETED          the group is deleted
 * @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_commit(const sealwax_relay *relay,
                                    const char *user,
                                    size_t user_len,
                                    const void *entry,
                                    size_t entry_len,
                                    uint64_t now_ms,
                                    sealwax_deliveries **out_deliveries);

/**
 * Gives the entries of a group from an epoch on, one after another: as many as fit into 256 KiB, at least
 * one if there is one. For the rest, ask again from the next epoch on. A former member sees up to the entry
 * that ended its membership.
 *
 * @param relay         the relay
 * @param user          whom the host has authenticated
 * @param user_len      bytes of it
 * @param group_id      the group
 * @param group_id_len  SEALWAX_GROUP_ID_LEN
 * @param from_epoch    the first epoch; 0 for all
 * @param out           the entries; empty if there are none
 * @param out_cap       bytes of room at out; 0 asks for the size
 * @param out_len       bytes of the entries
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      a user id is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_id_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_UNKNOWN_USER      user has no card here
 * @retval SEALWAX_UNKNOWN_GROUP     there is no such group
 * @retval SEALWAX_NOT_A_MEMBER      the user was never a member, and the group is not open
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_log(const sealwax_relay *relay,
                                 const char *user,
                                 size_t user_len,
                                 const void *group_id,
                                 size_t group_id_len,
                                 uint64_t from_epoch,
                                 void *out,
                                 size_t out_cap,
                                 size_t *out_len);

/**
 * Notes that a user came or went. One who comes is given everything that is queued and then the end of the
 * queue; from then on what is queued also comes out at once. It stays queued until it is acknowledged: one
 * who comes again is given it again.
 *
 * @param relay           the relay
 * @param user            whom the host has authenticated
 * @param user_len        bytes of it
 * @param online          0: went; otherwise: came
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE       an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP  an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT    a user id is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE  relay is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED   too many handles are open
 * @retval SEALWAX_UNKNOWN_USER    user has no card here
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_set_online(const sealwax_relay *relay,
                                        const char *user,
                                        size_t user_len,
                                        int online,
                                        uint64_t now_ms,
                                        sealwax_deliveries **out_deliveries);

/**
 * Drops what a user has received. A number that was acknowledged before changes nothing.
 *
 * @param relay           the relay
 * @param user            whom the host has authenticated
 * @param user_len        bytes of it
 * @param sequence        everything in the user's queue up to and with this one
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      a user id is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED     too many handles are open
 * @retval SEALWAX_UNKNOWN_USER      user has no card here
 * @retval SEALWAX_INVALID_ARGUMENT  sequence was not given out yet
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_acknowledge(const sealwax_relay *relay,
                                         const char *user,
                                         size_t user_len,
                                         uint64_t sequence,
                                         uint64_t now_ms,
                                         sealwax_deliveries **out_deliveries);

/**
 * Makes the relay hold what the store holds under a name. At a start: give it every record, in any order,
 * before anything else. Later: when a record could not be written because another relay had changed it, give
 * it the stored one; write the other records of that call all the same, send none of its deliveries to the
 * users concerned, and make the call again, or after sealwax_relay_receive() end the connection instead. Who is
 * online is not recorded, and an envelope that is sent again after a restart reaches those who lack it.
 *
 * A user whose queue gains something by this while it is online, or whose card is deleted or becomes one of
 * another identity, is offline from then on: sealwax_relay_tick() closes its connection. The next one, or
 * sealwax_relay_set_online(), is given all that waits, in its order.
 *
 * Several relays on one store: a relay does not look into it, so whatever one of them stores is given to each
 * other one by this, also where nothing was in the way: what it does not know it does not deliver.
 *
 * @param relay      the relay
 * @param name       name of the record
 * @param name_len   bytes of it
 * @param value      its value; NULL if nothing is stored under that name
 * @param value_len  bytes of it
 * @param version    its version; 0 if nothing is stored
 *
 * @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
 * @retval SEALWAX_INVALID_TEXT           the name, or a user id in the value, is none
 * @retval SEALWAX_INVALID_ARGUMENT       no record has that name or version
 * @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
 * @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED          the relay has no room for another user
 * @retval SEALWAX_MALFORMED              not a value of that name
 * @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
 * @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
 * @retval SEALWAX_WRONG_KIND             not a value of that name
 * @retval SEALWAX_AUTHENTICATION_FAILED  a signature in it does not hold
 * @retval SEALWAX_STALE_EPOCH            a roster entry that does not follow the others
 * @retval SEALWAX_NOT_A_MEMBER           likewise
 * @retval SEALWAX_NOT_PERMITTED          likewise
 * @retval SEALWAX_GROUP_DELETED          likewise
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_restore(const sealwax_relay *relay,
                                     const char *name,
                                     size_t name_len,
                                     const void *value,
                                     size_t value_len,
                                     uint64_t version);

/* ---- Connections of a relay: frames in, frames out ---- */

/**
 * Takes a connection that a client opened. Its frames go to sealwax_relay_receive(); each connection ends with
 * one sealwax_relay_disconnect(), whoever closes it.
 *
 * @param relay           the relay
 * @param connection      a number that the host chooses, not 0, and never for another connection, also once this
 *                        one has ended: what is still on its way to it must not reach somebody else. Count up; up
 *                        to 1,023 below the highest so far may come later, from threads that drew them earlier
 * @param user            whom the host has authenticated, by a token or a certificate; empty if the client shall
 *                        prove to the relay who it is, with its identity: to one that has a name
 * @param user_len        bytes of it
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      a user id is none
 * @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED     too many handles are open
 * @retval SEALWAX_INVALID_ARGUMENT  connection is 0, was used, or is far below the highest; or user is empty, and
 *                                   the relay has no "name"
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_connect(const sealwax_relay *relay,
                                     uint64_t connection,
                                     const char *user,
                                     size_t user_len,
                                     uint64_t now_ms,
                                     sealwax_deliveries **out_deliveries);

/**
 * Takes a whole frame from a connection, without the four bytes of its length that precede it on a stream, as
 * sealwax_client_receive() says. Whatever the client does wrong, it is told in what comes out; after a delivery
 * with SEALWAX_DELIVERY_CLOSE nothing comes of its frames. Any number of connections may be served at the same
 * time, one frame of each. It cannot be made again: if a record that came of it cannot be written, end the
 * connection, and the client repeats what was not answered.
 *
 * @param relay           the relay
 * @param connection      the connection
 * @param frame           the frame
 * @param frame_len       bytes of it; above SEALWAX_FRAME_MAX, the host closes the connection itself
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent, answers too; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         frame is longer than any
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED     too many handles are open
 * @retval SEALWAX_INVALID_ARGUMENT  there is no such connection
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_receive(const sealwax_relay *relay,
                                     uint64_t connection,
                                     const void *frame,
                                     size_t frame_len,
                                     uint64_t now_ms,
                                     sealwax_deliveries **out_deliveries);

/**
 * Ends a connection that is closed, by whomever.
 *
 * @param relay           the relay
 * @param connection      the connection; its number is not used again
 * @param now_ms          the time
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED     too many handles are open
 * @retval SEALWAX_INVALID_ARGUMENT  there is no such connection
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_disconnect(const sealwax_relay *relay,
                                        uint64_t connection,
                                        uint64_t now_ms,
                                        sealwax_deliveries **out_deliveries);

/**
 * Closes the connections that took too long until welcome, or were silent for too long, and those that
 * sealwax_relay_restore() took off their users; says so again of each that was not ended since, after another
 * "idle_ms". Nothing else waits for it.
 *
 * @param relay           the relay
 * @param now_ms          the time
 * @param out_due_ms      when to call again, at least a second after now_ms; UINT64_MAX: not before another
 *                        connection is there
 * @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_BUFFER_OVERLAP  the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE  relay is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_LIMIT_REACHED   too many handles are open
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_relay_tick(const sealwax_relay *relay,
                                  uint64_t now_ms,
                                  uint64_t *out_due_ms,
                                  sealwax_deliveries **out_deliveries);

/* ---- Deliveries: what a call on a relay gives its host to do ---- */

/**
 * Gives what is to be sent, in this order, once the records are stored. What several threads got for one user at
 * the same time is in the order of its sequence numbers, and what a connection is welcomed with comes before
 * that. Of what has a connection, head and payload are the frame; what has none, a host puts into one of its own.
 *
 * @param deliveries  the deliveries
 * @param out_array   the array; it and all that it points to live until sealwax_deliveries_free()
 * @param out_count   elements of it
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_BUFFER_OVERLAP  the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE  deliveries is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_deliveries_view(const sealwax_deliveries *deliveries,
                                       const sealwax_delivery **out_array,
                                       size_t *out_count);

/**
 * Gives what is to be stored before anything is sent: all records or none where the store can, otherwise in this
 * order. A host that stores nothing need not look.
 *
 * @param deliveries  the deliveries
 * @param out_array   the array; it and all that it points to live until sealwax_deliveries_free()
 * @param out_count   elements of it
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_BUFFER_OVERLAP  the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE  deliveries is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_deliveries_records(const sealwax_deliveries *deliveries,
                                          const sealwax_record **out_array,
                                          size_t *out_count);

/**
 * Ends deliveries, and with them the arrays that they gave.
 *
 * @param deliveries  the deliveries; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  deliveries is not one that is open
 */
SEALWAX_API sealwax_status sealwax_deliveries_free(sealwax_deliveries *deliveries);

/* ---- Clients: everything that an application does, with one identity, one store and one relay ---- */

/**
 * Makes a client with a new identity. A client finds keys, opens and repairs sessions, retries, acknowledges
 * and forgets by itself. It opens no connection and reads no clock: the application gives it frames of the relay
 * and the time, and takes out frames for the relay, and events. The loop of a host, for one connection after the
 * other; bindings/c/examples/host.c is the whole of it:
 *
 *     must(sealwax_client_connected(client, relay_name, strlen(relay_name), now_ms()));
 *     for (;;) {
 *         // If it fails, so has the client's store: free the client, and open it anew.
 *         must(sealwax_client_pending(client, &todo));
 *         // Room for SEALWAX_FRAME_MAX: a smaller buffer would stop here at a frame that is larger.
 *         while (sealwax_client_next_frame(client, frame, sizeof frame, &len) == SEALWAX_OK && len > 0)
 *             put_frame(frame, len);
 *         while (sealwax_client_next_event(client, &event) == SEALWAX_OK && event != NULL) {
 *             must(sealwax_event_view(event, &fields));
 *             show(&fields);
 *             // For good: what is confirmed never comes again.
 *             must(sealwax_client_confirm(client, fields.number));
 *             must(sealwax_event_free(event));
 *         }
 *         switch (todo.wants_disconnect ? CLOSED : wait_for(client, todo.due_ms, frame, &len)) {
 *         case FRAME: must(sealwax_client_receive(client, frame, len, now_ms())); break;
 *         case TIME: must(sealwax_client_tick(client, now_ms())); break;
 *         case WOKEN: break; // there were calls, perhaps of other threads: sealwax_client_on_wake()
 *         case CLOSED: must(sealwax_client_disconnected(client, now_ms())); return todo.reconnect;
 *         }
 *     }
 *
 * Whatever is called, nothing of it leaves before it is durable: the store is written when the host looks at
 * what there is to take out, with sealwax_client_pending(), _next_frame() or _next_event(), once for all calls
 * before. If that fails, nothing of it shows, and the client has failed: calls answer the status of its store
 * (SEALWAX_STORE_IO and so on), or SEALWAX_INTERNAL, until it is freed, but those that look at ourselves alone,
 * sealwax_client_info(), _card() and _fingerprint(), and sealwax_client_on_wake(). Open it anew then.
 *
 * @param user         user id, as in sealwax_identity_new()
 * @param user_len     bytes of it
 * @param path         where the store shall be: a file that is made, an empty one, or a store that holds no
 *                     client; "-lock" and "-wal" lie beside it, in a directory that is there. Empty: in memory,
 *                     for as long as the handle
 * @param path_len     bytes of it, at most 4,096
 * @param key          SEALWAX_KEY_LEN random bytes that the application keeps apart from the file
 * @param key_len      SEALWAX_KEY_LEN
 * @param options      JSON: "prekeys_required", as in sealwax_identity_new(), and all of sealwax_client_open();
 *                     may be NULL if options_len is 0
 * @param options_len  bytes of them
 * @param now_ms       the time
 * @param out_client   the client; sealwax_client_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
 * @retval SEALWAX_INVALID_ARGUMENT key_len is below SEALWAX_KEY_LEN, or path has a NUL, or a separator at its end
 * @retval SEALWAX_INVALID_TEXT     user is not a user id, or an input is not UTF-8
 * @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
 * @retval SEALWAX_LIMIT_REACHED    too many handles are open
 * @retval SEALWAX_UNSUPPORTED      this build has stores in memory only
 * @retval SEALWAX_WRONG_STATE      the store holds a client: sealwax_client_open()
 * @retval SEALWAX_STORE_IN_USE     another handle or process has it open
 * @retval SEALWAX_STORE_DAMAGED    the file is no store, or not whole; it is left as it is
 * @retval SEALWAX_STORE_WRONG_KEY  the store has another key; it is left as it is
 * @retval SEALWAX_STORE_NEWER      a later library wrote it; it is left as it is
 * @retval SEALWAX_STORE_IO         the system refuses a file, or there is a directory in its place
 * @retval SEALWAX_INTERNAL         the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_create(const char *user,
                                     size_t user_len,
                                     const char *path,
                                     size_t path_len,
                                     const void *key,
                                     size_t key_len,
                                     const char *options,
                                     size_t options_len,
                                     uint64_t now_ms,
                                     sealwax_client **out_client);

/**
 * Makes a client with an identity that is there already, of which it becomes the only owner: the handle of the
 * identity is freed. Peers know it as before, and talk to it in new sessions. Two that use one identity would give
 * out prekeys under the same ids and take the same first message twice: free its sessions before, and import no
 * export of it any more. If the call fails, the identity stays what it was.
 *
 * @param identity     the identity; freed if the client is made
 * @param path         where the store shall be, as in sealwax_client_create()
 * @param path_len     bytes of it, at most 4,096
 * @param key          SEALWAX_KEY_LEN random bytes that the application keeps apart from the file
 * @param key_len      SEALWAX_KEY_LEN
 * @param options      JSON: those of sealwax_client_open(); may be NULL if options_len is 0
 * @param options_len  bytes of them
 * @param now_ms       the time
 * @param out_client   the client; sealwax_client_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
 * @retval SEALWAX_INVALID_ARGUMENT key_len is below SEALWAX_KEY_LEN, or path has a NUL, or a separator at its end
 * @retval SEALWAX_INVALID_TEXT     an input is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE   identity is not one that is open
 * @retval SEALWAX_POISONED         the identity broke; free it
 * @retval SEALWAX_FORKED           the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
 * @retval SEALWAX_LIMIT_REACHED    too many handles are open
 * @retval SEALWAX_WRONG_STATE      a session that was made from the identity is open: free it; or the store holds
 *                                  a client: sealwax_client_open()
 * @retval SEALWAX_UNSUPPORTED      this build has stores in memory only
 * @retval SEALWAX_STORE_IN_USE     another handle or process has it open
 * @retval SEALWAX_STORE_DAMAGED    the file is no store, or not whole; it is left as it is
 * @retval SEALWAX_STORE_WRONG_KEY  the store has another key; it is left as it is
 * @retval SEALWAX_STORE_NEWER      a later library wrote it; it is left as it is
 * @retval SEALWAX_STORE_IO         the system refuses a file, or there is a directory in its place
 * @retval SEALWAX_INTERNAL         the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_create_with(sealwax_identity *identity,
                                          const char *path,
                                          size_t path_len,
                                          const void *key,
                                          size_t key_len,
                                          const char *options,
                                          size_t options_len,
                                          uint64_t now_ms,
                                          sealwax_client **out_client);

/**
 * Opens the client that a store holds. What was on its way goes on; events that were not confirmed come again.
 *
 * @param path         where the store is
 * @param path_len     bytes of it, at most 4,096
 * @param key          the store's key
 * @param key_len      SEALWAX_KEY_LEN
 * @param options      JSON, the same for each opening, but without "prekeys_required", which is of creating. The
 *                     default comes first:
 *                     "method": "proof", our identity shows the relay who we are; "host", it knows otherwise;
 *                     "acks": false; true, tell accepted peers what was delivered and read, and take what they
 *                     tell;
 *                     "identity_change": "block", a peer that turns up under another identity has to be accepted
 *                     first; "warn", an event tells of it;
 *                     "hidden_header": false, and "padding": "none", as in sealwax_session_initiate();
 *                     "one_time_prekeys": 100, that the relay shall hold for us;
 *                     "retain_history": false; true, keep of groups what sealwax_client_share_history() shares;
 *                     "rotate_messages" and "rotate_ms", as in sealwax_group_sender_new();
 *                     "eager_members": 64, up to so many of a group are given our key before we write;
 *                     may be NULL if options_len is 0
 * @param options_len  bytes of them
 * @param now_ms       the time
 * @param out_client   the client; sealwax_client_free() ends it
 *
 * @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE        an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
 * @retval SEALWAX_INVALID_ARGUMENT key_len is below SEALWAX_KEY_LEN, or path has a NUL, or a separator at its end
 * @retval SEALWAX_INVALID_TEXT     an input is not UTF-8
 * @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
 * @retval SEALWAX_LIMIT_REACHED    too many handles are open
 * @retval SEALWAX_WRONG_STATE      there is no store, or no client in it: sealwax_client_create()
 * @retval SEALWAX_UNSUPPORTED      this build has stores in memory only
 * @retval SEALWAX_STORE_IN_USE     another handle or process has it open
 * @retval SEALWAX_STORE_DAMAGED    the file is no store, or not whole; it is left as it is
 * @retval SEALWAX_STORE_WRONG_KEY  the store has another key; it is left as it is
 * @retval SEALWAX_STORE_NEWER      a later library wrote it; it is left as it is
 * @retval SEALWAX_STORE_IO         the system refuses a file, or there is a directory in its place
 * @retval SEALWAX_INTERNAL         the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_open(const char *path,
                                   size_t path_len,
                                   const void *key,
                                   size_t key_len,
                                   const char *options,
                                   size_t options_len,
                                   uint64_t now_ms,
                                   sealwax_client **out_client);

/**
 * Ends a client, and stores what its calls have done. Whatever was not confirmed, or has not reached the relay,
 * goes on when it is opened anew. Disconnect it yourself. In a forked child this leaves the parent's store alone.
 *
 * Whatever it answers, the handle is gone, unless that was none. While another call runs on the client, the last
 * one stores what was done, and nobody is told if that fails.
 *
 * @param client  the client; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_STORE_IO        the system refused to write, or the disk is full: what was done since
 *                                 sealwax_client_pending(), _next_frame() or _next_event() last succeeded is lost,
 *                                 messages to be sent among it. No call but this one has said so
 * @retval SEALWAX_STORE_DAMAGED   likewise: the store is not what was written
 * @retval SEALWAX_INTERNAL        likewise: the system has no randomness
 */
SEALWAX_API
sealwax_status sealwax_client_free(sealwax_client *client);

/**
 * Describes a client: who it is, what waits, what was counted since it was opened.
 *
 * @param client   the client
 * @param out      JSON: "user", "fingerprint", "connected", "outbox" (what waits to be taken by the relay),
 *                 "requests" (that the relay has not answered), "events" (not taken out), "commit" (number of
 *                 the store's last), "restorations" (how often the store was found to be an older copy of
 *                 itself), "one_time_prekeys", "dropped" (deliveries that no honest client makes), "repeated",
 *                 "unreadable", "failed" (the name of a status, or null)
 * @param out_cap  bytes of room at out; 0 asks for the size
 * @param out_len  bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_info(sealwax_client *client,
                                   void *out,
                                   size_t out_cap,
                                   size_t *out_len);

/**
 * Writes a copy of the store, everything that was done included, to a path where nothing is. It is one file,
 * under the same key, and at any moment safe to be opened in place of the store: a client that finds itself
 * restored makes its keys anew, and tells with SEALWAX_EVENT_CONNECTED. To replace an older copy, rename the new
 * one over it.
 *
 * @param client    the client
 * @param path      where the copy shall be
 * @param path_len  bytes of it, at most 4,096
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         path is too long
 * @retval SEALWAX_INVALID_TEXT      path is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_INVALID_ARGUMENT  something is there already; or path is empty, has a NUL, or a separator at its
 *                                   end
 * @retval SEALWAX_UNSUPPORTED       the store is in memory
 * @retval SEALWAX_STORE_IO          the system refuses to write the copy; or the client has failed, for this
 *                                   status or another of stores
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_backup(sealwax_client *client,
                                     const char *path,
                                     size_t path_len);

/**
 * Says that there is a connection to a relay. The first frames come out of the client; a connection that was
 * there before is gone.
 *
 * @param client          the client
 * @param relay_name      the name that the relay must have, so that no other relay can pass on what we prove to
 *                        it; empty if it is not known, or with "method":"host"
 * @param relay_name_len  bytes of it
 * @param now_ms          the time
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE       relay_name is longer than any
 * @retval SEALWAX_INVALID_TEXT    relay_name is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_connected(sealwax_client *client,
                                        const char *relay_name,
                                        size_t relay_name_len,
                                        uint64_t now_ms);

/**
 * Says that the connection is gone. Frames that were not taken out are gone too; what they asked for is asked
 * again on the next connection.
 *
 * @param client  the client
 * @param now_ms  the time
 *
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_disconnected(sealwax_client *client,
                                           uint64_t now_ms);

/**
 * Takes a whole frame of the relay. On a stream, such as TCP or TLS, each frame follows its length in four bytes,
 * the most significant first, which is no part of it; a message of a WebSocket is one frame. Whatever is wrong
 * with it, the call is done: SEALWAX_EVENT_ERROR says so, and sealwax_pending.wants_disconnect; without a
 * connection the event alone, SEALWAX_WRONG_STATE. After wants_disconnect frames are passed over.
 *
 * @param client     the client
 * @param frame      the frame
 * @param frame_len  bytes of it
 * @param now_ms     the time
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE       frame is longer than any: end the connection
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_receive(sealwax_client *client,
                                      const void *frame,
                                      size_t frame_len,
                                      uint64_t now_ms);

/**
 * Does what is due by time: retries, pings, acks, new prekeys. Due when sealwax_pending.due_ms says; before that
 * it does no harm. Look afterwards: of this call sealwax_client_on_wake() does not tell.
 *
 * @param client  the client
 * @param now_ms  the time
 *
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_tick(sealwax_client *client,
                                   uint64_t now_ms);

/**
 * Works on what came in, makes it durable, and tells what there is to take out. It may take as long as a write to
 * disk.
 *
 * @param client       the client
 * @param out_pending  frames, events, and when the next tick is due
 *
 * @retval SEALWAX_NULL_POINTER     out_pending is NULL
 * @retval SEALWAX_INVALID_HANDLE   client is not one that is open
 * @retval SEALWAX_FORKED           the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED         the client broke; free it
 * @retval SEALWAX_STORE_IO         the system refused to write, or the disk is full: the client has failed,
 *                                  nothing that was not seen yet has happened; free it
 * @retval SEALWAX_STORE_DAMAGED    the store is not what was written: the client has failed; free it
 * @retval SEALWAX_INTERNAL         the system has no randomness: the client has failed; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_pending(sealwax_client *client,
                                      sealwax_pending *out_pending);

/**
 * Takes out the next frame for the relay, after what sealwax_client_pending() does. A frame that was taken out
 * and not sent is asked for again on the next connection. Statuses of stores as there.
 *
 * @param client   the client
 * @param out      the frame, to be sent whole; on a stream behind its length, as sealwax_client_receive() says
 * @param out_cap  bytes of room at out; SEALWAX_FRAME_MAX are always enough, 0 asks for the size
 * @param out_len  bytes of the frame; 0 with SEALWAX_OK: there is none
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; the frame stays where it is
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_next_frame(sealwax_client *client,
                                         void *out,
                                         size_t out_cap,
                                         size_t *out_len);

/**
 * Takes out the next event for the application, after what sealwax_client_pending() does. Statuses of stores as
 * there. An event with a number is stored until it is confirmed, and comes again after each opening before that.
 *
 * @param client     the client
 * @param out_event  the event; sealwax_event_free() ends it. NULL with SEALWAX_OK: there is none
 *
 * @retval SEALWAX_NULL_POINTER    out_event is NULL
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_LIMIT_REACHED   too many handles are open; the event stays where it is
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_next_event(sealwax_client *client,
                                         sealwax_event **out_event);

/**
 * Says that the application has dealt with every event up to a number, for good: none of them comes again. This
 * itself becomes durable with whatever does so next; should the client die before, they come once more.
 *
 * @param client  the client
 * @param number  number of an event that was taken out; a smaller one, or 0, says nothing new, and a greater one
 *                no more than that of the last one taken out
 *
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_confirm(sealwax_client *client,
                                      uint64_t number);

/**
 * Has a function called after calls that may have left something to take out, for a host that sleeps in one
 * thread while others call. It is called once, in the thread of such a call and before that returns, and again
 * only after the host has looked (sealwax_client_pending(), _next_frame() or _next_event()). Every call counts
 * but these, sealwax_client_tick() and sealwax_client_confirm(), in whatever thread; now and then it is for
 * nothing. No lock is held meanwhile. It shall tell the host's thread and return: it may call the library, but
 * must not wait, throw or jump out. Look once after setting it.
 *
 * @param client     the client
 * @param wake       the function; NULL: none from now on. When this returns, no other thread is in the one
 *                   before. Remove it before what user_data points to goes: sealwax_client_free() waits for
 *                   nobody
 * @param user_data  what it is called with
 *
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_on_wake(sealwax_client *client,
                                      sealwax_wake wake,
                                      void *user_data);

/**
 * Sends a message to one user. Messages to one user arrive in the order of the calls. It needs no connection:
 * SEALWAX_EVENT_ACK tells when the relay has it, SEALWAX_EVENT_FAILED if it never will. What the relay does not
 * take for the time being is tried again after a second, then after pauses that double up to an hour (a minute if
 * the recipient's queue is full), and at each new connection. After seven days it fails, connected or not, with
 * the last reason, SEALWAX_EXPIRED or, if the user's identity was not decided on, SEALWAX_IDENTITY_CHANGED. A
 * client that was closed or asleep meanwhile has a minute to send it first; what the relay may have taken is asked
 * about.
 *
 * @param client          the client
 * @param user            the recipient, who may be anybody but ourselves; who is an accepted peer from then on
 * @param user_len        bytes of it
 * @param content_type    SEALWAX_CONTENT_TEXT or SEALWAX_CONTENT_BINARY
 * @param payload         the message
 * @param payload_len     bytes of it, at most SEALWAX_MESSAGE_MAX
 * @param flags           SEALWAX_SEND_TRANSIENT or 0
 * @param now_ms          the time
 * @param out_message_id  SEALWAX_ID_LEN bytes that name the message in events, and to the recipient
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    the output overlaps an input
 * @retval SEALWAX_INVALID_TEXT      user is not a user id, or the payload is to be text and is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  content_type or flags is none; or to ourselves
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_LIMIT_REACHED     65,536 messages or 256 MiB wait to be sent already
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 * @retval SEALWAX_INTERNAL          the system has no randomness
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_send_direct(sealwax_client *client,
                                          const char *user,
                                          size_t user_len,
                                          uint32_t content_type,
                                          const void *payload,
                                          size_t payload_len,
                                          uint32_t flags,
                                          uint64_t now_ms,
                                          uint8_t *out_message_id);

/**
 * Says that the application has shown these messages of a peer, who is told if both sides have the option "acks"
 * and we have written to the peer or accepted its identity. Ids that the peer did not send lately are passed
 * over.
 *
 * @param client           the client
 * @param user             the peer
 * @param user_len         bytes of it
 * @param message_ids      message ids, SEALWAX_ID_LEN bytes each, one after another
 * @param message_ids_len  bytes of them; at most 4,096 ids
 * @param now_ms           the time
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  message_ids_len is not a multiple of SEALWAX_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_mark_read(sealwax_client *client,
                                        const char *user,
                                        size_t user_len,
                                        const void *message_ids,
                                        size_t message_ids_len,
                                        uint64_t now_ms);

/**
 * Decides on the identity of a peer, by the fingerprint that was shown to the user, so that none that comes
 * later is accepted by mistake: the new one counts from now on, or, with that of the known one, the new one is
 * forgotten. What was held is worked on, and what waits is sent. For a peer whose identity did not change it
 * says that this one is right.
 *
 * @param client           the client
 * @param user             the peer
 * @param user_len         bytes of it
 * @param fingerprint      of the identity that shall count, as SEALWAX_EVENT_IDENTITY_CHANGED or
 *                         sealwax_card_inspect() gave it
 * @param fingerprint_len  SEALWAX_FINGERPRINT_LEN
 * @param now_ms           the time
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_INVALID_ARGUMENT  fingerprint_len is below SEALWAX_FINGERPRINT_LEN
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_USER      nothing is known of the peer yet
 * @retval SEALWAX_IDENTITY_CHANGED  the fingerprint is neither that of the known identity nor of the new one
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_accept_identity(sealwax_client *client,
                                              const char *user,
                                              size_t user_len,
                                              const void *fingerprint,
                                              size_t fingerprint_len,
                                              uint64_t now_ms);

/**
 * Watches these users, and of those who share no group with us no others: SEALWAX_EVENT_PRESENCE tells when they
 * come and go. They have to watch us too. Members of a group of at most 256 are shown to each other without a
 * watch, and go on being so if it names nobody. It is not stored, so say it after each opening; of the connection
 * it is independent.
 *
 * @param client  the client
 * @param users   user ids, at most 1,000; none: watch nobody
 * @param count   how many
 * @param now_ms  the time
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE       too many, or one that is longer than any
 * @retval SEALWAX_INVALID_TEXT    one is not a user id
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_watch(sealwax_client *client,
                                    const sealwax_slice *users,
                                    size_t count,
                                    uint64_t now_ms);

/**
 * Says whether the relay shall show others that we are online. It does unless this says otherwise. Not stored.
 *
 * @param client   the client
 * @param visible  1 or 0
 * @param now_ms   the time
 *
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  visible is neither 1 nor 0
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_set_visible(sealwax_client *client,
                                          int visible,
                                          uint64_t now_ms);

/**
 * Gives a card: our own, or that of a peer that counts, which is the first that was seen or the one that was
 * accepted.
 *
 * @param client    the client
 * @param user      the peer; empty for our own card
 * @param user_len  bytes of it
 * @param out       the card
 * @param out_cap   bytes of room at out, at most SEALWAX_CARD_MAX are needed; 0 asks for the size
 * @param out_len   bytes of the card
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         user is longer than any, or out_cap more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_USER      nothing is known of the peer yet
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_card(sealwax_client *client,
                                   const char *user,
                                   size_t user_len,
                                   void *out,
                                   size_t out_cap,
                                   size_t *out_len);

/**
 * Gives the card of the identity under which a peer has turned up and that is not decided on: its fingerprint, for
 * sealwax_client_accept_identity(), is in sealwax_card_inspect(), and sealwax_card_safety_number() gives what to
 * compare before.
 *
 * @param client    the client
 * @param user      the peer
 * @param user_len  bytes of it
 * @param out       the card
 * @param out_cap   bytes of room at out, at most SEALWAX_CARD_MAX are needed; 0 asks for the size
 * @param out_len   bytes of the card
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         user is longer than any, or out_cap more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_USER      there is nothing to decide about the user
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_changed_card(sealwax_client *client,
                                           const char *user,
                                           size_t user_len,
                                           void *out,
                                           size_t out_cap,
                                           size_t *out_len);

/**
 * Gives a fingerprint: our own, or that of a peer that counts.
 *
 * @param client           the client
 * @param user             the peer; empty for our own fingerprint
 * @param user_len         bytes of it
 * @param out_fingerprint  SEALWAX_FINGERPRINT_LEN bytes
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE       user is longer than any
 * @retval SEALWAX_BUFFER_OVERLAP  the output overlaps the input
 * @retval SEALWAX_INVALID_TEXT    user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_UNKNOWN_USER    nothing is known of the peer yet
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_fingerprint(sealwax_client *client,
                                          const char *user,
                                          size_t user_len,
                                          uint8_t *out_fingerprint);

/**
 * Gives what two people compare to know that nobody sits between them, as sealwax_card_safety_number() does, of
 * us and the card of a peer that counts.
 *
 * @param client      the client
 * @param user        the peer
 * @param user_len    bytes of it
 * @param out_digits  SEALWAX_SAFETY_DIGITS digits and a NUL; the same for both
 * @param out         the same for a QR code
 * @param out_cap     bytes of room at out; 0 asks for the size
 * @param out_len     bytes of it
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         user is longer than any, or out_cap more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_USER      nothing is known of the peer yet
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_safety_number(sealwax_client *client,
                                            const char *user,
                                            size_t user_len,
                                            char *out_digits,
                                            void *out,
                                            size_t out_cap,
                                            size_t *out_len);

/* ---- Groups of a client ---- */

/**
 * Founds a group, whose owner we are. This and all that give an out_request are requests: they answer a number at
 * once, need no connection, and are done in the order of the calls. Exactly one event carries the number,
 * SEALWAX_EVENT_DONE or SEALWAX_EVENT_ERROR, also if the client dies in between.
 *
 * Members are told, and given our key, by themselves; so are those who come later. SEALWAX_EVENT_GROUP_CREATED
 * and SEALWAX_EVENT_DONE name the group's id.
 *
 * What passes is tried again: a full relay, or another entry that came first. SEALWAX_EVENT_ERROR says for good:
 *
 *   SEALWAX_UNKNOWN_USER      create, add: the relay knows no `user` of that name
 *   SEALWAX_IDENTITY_CHANGED  create, add: `user` has another identity at the relay than the one that counts for
 *                             us; join: we are a member under other keys; share: `user` has a new identity
 *   SEALWAX_NOT_PERMITTED     it takes another role: see sealwax_roster_create(); join: the group is not open;
 *                             leave: the last owner makes another member an owner first; share: `user` is not
 *                             an accepted peer
 *   SEALWAX_UNKNOWN_GROUP     there is none with this id, or with this label that is open and not ours already
 *   SEALWAX_NOT_A_MEMBER      we are none, or `user` is none; join: the group is not open
 *   SEALWAX_GROUP_DELETED     it has ended
 *   SEALWAX_ROSTER_FORKED     an owner has to settle two histories first: sealwax_client_resolve_group()
 *   SEALWAX_INVALID_ARGUMENT  resolve: not forked, or no head of a history; share: with ourselves
 *   SEALWAX_UNKNOWN_KEY       share: nothing was kept, for lack of the option "retain_history" or of a past
 *   SEALWAX_LIMIT_REACHED     groups of one user, members of a group, or groups of this client
 *   SEALWAX_TOO_LARGE         create, add: the entry would be longer than any; add fewer at once
 *   SEALWAX_STALE_EPOCH       others were faster sixteen times
 *   SEALWAX_EXPIRED           a week went by without what it needs, such as a connection
 *
 * An accepted peer is one to whom we have written, whom we have named as a member or whose identity we have
 * accepted with sealwax_client_accept_identity(): peers who only write to us are not.
 *
 * @param client       the client
 * @param label        what people call it, or empty; it identifies nothing
 * @param label_len    bytes of it
 * @param members      user ids of its members besides us; we accept them as peers
 * @param count        how many, below 10,000
 * @param open         1: anybody may join, whom the relay lets in; 0: members are added
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      label is none, or one of members is not a user id
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  open is neither 1 nor 0; or a user is named twice, or is ourselves
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_LIMIT_REACHED     more members than a group can have
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_create_group(sealwax_client *client,
                                           const char *label,
                                           size_t label_len,
                                           const sealwax_slice *members,
                                           size_t count,
                                           int open,
                                           uint64_t now_ms,
                                           uint64_t *out_request);

/**
 * Joins an open group. SEALWAX_EVENT_GROUP_JOINED tells when we are a member.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_join_group(sealwax_client *client,
                                         const void *group,
                                         size_t group_len,
                                         uint64_t now_ms,
                                         uint64_t *out_request);

/**
 * Joins the oldest open group with a label. A label proves nothing: who knows the id of a group gives that to
 * sealwax_client_join_group().
 *
 * @param client       the client
 * @param label        the label
 * @param label_len    bytes of it
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE       an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP  an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT    label is none, or empty
 * @retval SEALWAX_INVALID_HANDLE  client is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED        the client broke; free it
 * @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_join_labelled(sealwax_client *client,
                                            const char *label,
                                            size_t label_len,
                                            uint64_t now_ms,
                                            uint64_t *out_request);

/**
 * Adds members to a group, whom we accept as peers. They read what is sent from then on.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param members      their user ids
 * @param count        how many, at least one
 * @param role         SEALWAX_ROLE_MEMBER and so on
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      one of members is not a user id
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN; role is none; count is 0; or a user
 *                                   is named twice, or is ourselves
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_LIMIT_REACHED     more members than a group can have
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_add_members(sealwax_client *client,
                                          const void *group,
                                          size_t group_len,
                                          const sealwax_slice *members,
                                          size_t count,
                                          uint32_t role,
                                          uint64_t now_ms,
                                          uint64_t *out_request);

/**
 * Removes a member from a group: it reads nothing that is sent from then on.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param user         the member
 * @param user_len     bytes of it
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not a user id
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_remove_member(sealwax_client *client,
                                            const void *group,
                                            size_t group_len,
                                            const char *user,
                                            size_t user_len,
                                            uint64_t now_ms,
                                            uint64_t *out_request);

/**
 * Gives a member of a group a role.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param user         the member
 * @param user_len     bytes of it
 * @param role         SEALWAX_ROLE_MEMBER and so on
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not a user id
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN, or role is none
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_set_role(sealwax_client *client,
                                       const void *group,
                                       size_t group_len,
                                       const char *user,
                                       size_t user_len,
                                       uint32_t role,
                                       uint64_t now_ms,
                                       uint64_t *out_request);

/**
 * Gives a member of a group whose identity changed the keys of the identity that counts for us: accept it first,
 * with sealwax_client_accept_identity().
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param user         the member
 * @param user_len     bytes of it
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not a user id
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_replace_member(sealwax_client *client,
                                             const void *group,
                                             size_t group_len,
                                             const char *user,
                                             size_t user_len,
                                             uint64_t now_ms,
                                             uint64_t *out_request);

/**
 * Leaves a group.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_leave_group(sealwax_client *client,
                                          const void *group,
                                          size_t group_len,
                                          uint64_t now_ms,
                                          uint64_t *out_request);

/**
 * Ends a group, for all.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_delete_group(sealwax_client *client,
                                           const void *group,
                                           size_t group_len,
                                           uint64_t now_ms,
                                           uint64_t *out_request);

/**
 * Settles the fork of a group of which SEALWAX_EVENT_GROUP_FORKED has told, as an owner, for one of its
 * histories.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param chosen       head of the history that shall count: `hash` or one of `branch_heads` in the state that
 *                     sealwax_client_group_state() gives
 * @param chosen_len   32
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN, or chosen_len below 32
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_resolve_group(sealwax_client *client,
                                            const void *group,
                                            size_t group_len,
                                            const void *chosen,
                                            size_t chosen_len,
                                            uint64_t now_ms,
                                            uint64_t *out_request);

/**
 * Lists the groups that we are a member of.
 *
 * @param client   the client
 * @param out      their ids, one after another, SEALWAX_GROUP_ID_LEN bytes each
 * @param out_cap  bytes of room at out; 0 asks for the size
 * @param out_len  bytes of the ids; 0 if there is none
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_groups(sealwax_client *client,
                                     void *out,
                                     size_t out_cap,
                                     size_t *out_len);

/**
 * Tells how a group stands that we are, or were, a member of. Once we are out of it, what is told is what we knew
 * last, and `role` is 0.
 *
 * @param client     the client
 * @param group      id of the group
 * @param group_len  SEALWAX_GROUP_ID_LEN
 * @param out_state  the state; of `branch_heads` one is for sealwax_client_resolve_group()
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         group_len is above SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_BUFFER_OVERLAP    the output overlaps the input
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_group_state(sealwax_client *client,
                                          const void *group,
                                          size_t group_len,
                                          sealwax_group_state *out_state);

/**
 * Lists the members of a group that we are, or were, a member of; then it is what we knew last.
 *
 * @param client     the client
 * @param group      id of the group
 * @param group_len  SEALWAX_GROUP_ID_LEN
 * @param out        an array of sealwax_member, in the order of the user ids, at any address; we are among them
 * @param out_cap    bytes of room at out; 0 asks for the size
 * @param out_len    bytes of the array: sizeof(sealwax_member) for each
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind, or out_cap more than memory holds
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_group_members(sealwax_client *client,
                                            const void *group,
                                            size_t group_len,
                                            void *out,
                                            size_t out_cap,
                                            size_t *out_len);

/**
 * Describes a group that we are, or were, a member of. Once we are out of it, what is told is what we knew last.
 *
 * @param client     the client
 * @param group      id of the group
 * @param group_len  SEALWAX_GROUP_ID_LEN
 * @param out        JSON, as that of sealwax_roster_info(): its label, epoch, members and their roles; and
 *                   "is_member", whether we are one still
 * @param out_cap    bytes of room at out; 0 asks for the size
 * @param out_len    bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind, or out_cap more than memory holds
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_group_info(sealwax_client *client,
                                         const void *group,
                                         size_t group_len,
                                         void *out,
                                         size_t out_cap,
                                         size_t *out_len);

/**
 * Sends a message to all members of a group. Messages arrive in the order of the calls. SEALWAX_EVENT_ACK tells
 * when the relay has it, and then each member; SEALWAX_EVENT_FAILED if it never will.
 *
 * @param client          the client
 * @param group           id of the group
 * @param group_len       SEALWAX_GROUP_ID_LEN
 * @param content_type    SEALWAX_CONTENT_TEXT or SEALWAX_CONTENT_BINARY
 * @param payload         the message
 * @param payload_len     bytes of it, at most SEALWAX_MESSAGE_MAX
 * @param flags           SEALWAX_SEND_TRANSIENT or 0
 * @param now_ms          the time
 * @param out_message_id  SEALWAX_ID_LEN bytes that name the message
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      the payload is to be text and is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN; content_type or flags is none
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
 * @retval SEALWAX_NOT_A_MEMBER      we are a member no longer
 * @retval SEALWAX_GROUP_DELETED     the group has ended
 * @retval SEALWAX_LIMIT_REACHED     65,536 messages or 256 MiB wait to be sent already
 * @retval SEALWAX_INTERNAL          the system has no randomness
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_send_group(sealwax_client *client,
                                         const void *group,
                                         size_t group_len,
                                         uint32_t content_type,
                                         const void *payload,
                                         size_t payload_len,
                                         uint32_t flags,
                                         uint64_t now_ms,
                                         uint8_t *out_message_id);

/**
 * As sealwax_client_mark_read(), of messages of one member in a group.
 *
 * @param client           the client
 * @param group            id of the group
 * @param group_len        SEALWAX_GROUP_ID_LEN
 * @param user             the member
 * @param user_len         bytes of it
 * @param message_ids      message ids, SEALWAX_ID_LEN bytes each, one after another
 * @param message_ids_len  bytes of them; at most 4,096 ids
 * @param now_ms           the time
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_INVALID_TEXT      user is not UTF-8
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN, or message_ids_len is not a
 *                                   multiple of SEALWAX_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_mark_group_read(sealwax_client *client,
                                              const void *group,
                                              size_t group_len,
                                              const char *user,
                                              size_t user_len,
                                              const void *message_ids,
                                              size_t message_ids_len,
                                              uint64_t now_ms);

/**
 * Shares what we have kept of a group's past with a member: the keys that are out of use, not the messages. A
 * request, as sealwax_client_create_group() says; that it is done means that the keys are on their way. It takes
 * the option "retain_history" since we entered the group, and that the member is an accepted peer. Our own keys
 * are not among them.
 *
 * The messages themselves no client keeps, and the relay keeps none: they are for the hosts. Ours stores what
 * sealwax_frame_envelope() gives of each frame that comes in, as far as it is of SEALWAX_KIND_GROUP, and gives the
 * member those envelopes by whatever way, such as sealwax_client_send_direct(); the member's hands them to
 * sealwax_client_read_shared(), once the keys have come.
 *
 * @param client       the client
 * @param group        id of the group
 * @param group_len    SEALWAX_GROUP_ID_LEN
 * @param user         the member
 * @param user_len     bytes of it
 * @param now_ms       the time
 * @param out_request  number of the request
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_TEXT      user is not a user id
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_share_history(sealwax_client *client,
                                            const void *group,
                                            size_t group_len,
                                            const char *user,
                                            size_t user_len,
                                            uint64_t now_ms,
                                            uint64_t *out_request);

/**
 * Reads old messages of a group, which the application has kept or got from elsewhere, with the keys that members
 * have shared. Each is an event, SEALWAX_EVENT_GROUP_MESSAGE, whose `by` is the member in whose word it is, and is
 * read once. What does not open is passed over: its key was not shared, or it is no message of the group.
 *
 * @param client     the client
 * @param group      id of the group
 * @param group_len  SEALWAX_GROUP_ID_LEN
 * @param envelopes  the messages, as sealwax_frame_envelope() gave them; no more than SEALWAX_BATCH_BYTES_MAX
 *                   together
 * @param count      how many, at most SEALWAX_BATCH_MAX
 * @param now_ms     the time
 * @param out_read   how many of them were read
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         more than SEALWAX_BATCH_MAX envelopes, or than SEALWAX_BATCH_BYTES_MAX bytes
 * @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
 * @retval SEALWAX_INVALID_HANDLE    client is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
 * @retval SEALWAX_POISONED          the client broke; free it
 * @retval SEALWAX_UNKNOWN_GROUP     we are not a member
 * @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_client_read_shared(sealwax_client *client,
                                          const void *group,
                                          size_t group_len,
                                          const sealwax_slice *envelopes,
                                          size_t count,
                                          uint64_t now_ms,
                                          size_t *out_read);

/* ---- Events: what a client tells its application ---- */

/**
 * Gives what an event says.
 *
 * @param event       the event
 * @param out_fields  its fields; what they point to lives until sealwax_event_free()
 *
 * @retval SEALWAX_NULL_POINTER    out_fields is NULL
 * @retval SEALWAX_INVALID_HANDLE  event is not one that is open
 * @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_event_view(const sealwax_event *event,
                                  sealwax_event_fields *out_fields);

/**
 * Describes an event, for display and logs.
 *
 * @param event    the event
 * @param out      JSON: the fields that the kind gives, by their names in sealwax_event_fields, but "payload_len"
 *                 for `payload`; "number" (0) and "flags" ([]) are always there. What is a number there has the
 *                 name of its constant, without what all have in common: "kind":"group_message",
 *                 "flags":["again"], "state":"read", "role":"admin", "content_type":"text"; but
 *                 "status":"SEALWAX_UNKNOWN_USER", as sealwax_status_name() has it
 * @param out_cap  bytes of room at out; 0 asks for the size
 * @param out_len  bytes of JSON, without a NUL
 *
 * @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
 * @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
 * @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
 * @retval SEALWAX_INVALID_HANDLE    event is not one that is open
 * @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
 * @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
 */
SEALWAX_NODISCARD SEALWAX_API
sealwax_status sealwax_event_json(const sealwax_event *event,
                                  void *out,
                                  size_t out_cap,
                                  size_t *out_len);

/**
 * Ends an event. It does not confirm it.
 *
 * @param event  the event; NULL is fine
 *
 * @retval SEALWAX_INVALID_HANDLE  event is not one that is open
 */
SEALWAX_API sealwax_status sealwax_event_free(sealwax_event *event);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* SEALWAX_H */
