/*
 * sealwax.h - end-to-end encryption over P-256, AES-256-GCM and HKDF-SHA-256.
 *
 * This file is generated from the library's sources. docs/C_API.md says more about each convention below.
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
 *           for the size. After any other failure *out_len is 0, numbers are 0, new handles NULL, and bytes
 *           already written are wiped. An output must not overlap an input or another output.
 *
 * Options   A JSON object in UTF-8; length 0 takes all defaults. An unknown key or a bad value is
 *           SEALWAX_INVALID_OPTIONS, and sealwax_options_check() says which and why.
 * Info      JSON in UTF-8 with "v":1. Keys are only ever added; integers are below 2^53, bytes are lower-case
 *           hex; never a message or a secret.
 *
 * Time      now_ms is Unix time in milliseconds. The library reads no clock.
 * fork      In the child every handle made before says SEALWAX_FORKED and only _free works on it; new objects
 *           are safe.
 * Defects   A defect inside the library never crosses into the caller: SEALWAX_INTERNAL, and the objects that
 *           the call could have changed say SEALWAX_POISONED from then on; only _free works on them.
 *
 * The library starts no thread, opens no file and no socket, and stays loaded once loaded.
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

/* A status must be looked at; (void) says that it is ignored on purpose. */
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
#define SEALWAX_ABI_MINOR 1

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
/** Longest plaintext of one message. */
#define SEALWAX_MESSAGE_MAX 1048576
/** Longest envelope. */
#define SEALWAX_ENVELOPE_MAX 1183744

/** One's own keys, the card that shows them, and prekeys. */
typedef struct sealwax_identity sealwax_identity;

/**
 * What every fallible function returns: SEALWAX_OK, or why it did not do what was asked.
 * Unless a function says otherwise, nothing changed when it is not SEALWAX_OK.
 */
typedef int32_t sealwax_status;

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
/** A bounded table is full; see the limits in sealwax_build_info(). */
#define SEALWAX_LIMIT_REACHED 108
/** This build lacks the feature; the header never changes with features. */
#define SEALWAX_UNSUPPORTED 109

/* ---- Bytes that cannot be what they claim. Nothing changed. ---- */

/** Not a well-formed object of the protocol, or bytes follow its end. */
#define SEALWAX_MALFORMED 200
/** Made by a version of the protocol that this library does not speak. */
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

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* SEALWAX_H */
