/* Objects and bytes with which every function of the library can be called and succeeds. */
#ifndef SEALWAX_MISUSE_FIXTURE_H
#define SEALWAX_MISUSE_FIXTURE_H

#include "sealwax.h"

#define NOW UINT64_C(1700000000000)
/* When a session may be renewed. */
#define LATER (NOW + UINT64_C(7200000))

enum type { IDENTITY, SESSION, ROSTER, SENDER, RECEIVER, RELAY, DELIVERIES, SEAL, OPENING, CLIENT, EVENT, TYPES };

enum object {
    ALICE,
    BOB,
    CAROL,
    ALICE_WITH_BOB,
    BOB_WITH_ALICE,
    GROUP,
    OPEN_GROUP,
    FORKED_GROUP,
    ALICE_SENDS,
    BOB_RECEIVES,
    BOB_RETAINS, /* with the history */
    POST,        /* a relay */
    MAIL,        /* deliveries of it */
    FED,         /* an attachment in the making, in order */
    IN_CHUNKS,   /* another, chunk by chunk */
    SEALED,      /* another that is finished */
    READ,        /* an attachment that is read in order */
    READ_WHOLE,  /* to its end */
    AT_RANDOM,   /* at will */
    DAVE_APP,    /* a client that is connected and has a message of Alice's, with frames and events to take out */
    NEWS,        /* an event of it */
    OBJECTS
};

enum bytes {
    USER,
    ALICE_NAME,
    BOB_NAME,
    CAROL_NAME,
    LABEL,
    OPTIONS,
    FUNCTION_NAME,
    KEY,
    PLAINTEXT,
    ALICE_CARD,
    BOB_CARD,
    BOB_NEW_CARD,
    CAROL_CARD,
    BOB_PREKEYS,
    SEALED_IDENTITY,
    SEALED_SESSION,
    SEALED_SENDER,
    SEALED_RECEIVER,
    FIRST_MESSAGE,
    ENVELOPE,
    LOG,
    ENTRY,
    REMOVAL,
    CHOSEN,
    GROUP_ID,
    KEY_ID,
    DISTRIBUTION,
    GROUP_ENVELOPE,
    TO_BOB,
    RECORD_NAME,
    RECORD,
    PIECE,
    REFERENCE,
    STREAM_HEADER,
    SEALED_BODY,
    SEALED_CHUNK,
    NO_PATH,
    DELIVER,
    ALICE_FINGERPRINT,
    BYTES_COUNT
};

struct fixture {
    void *objects[OBJECTS];
    struct {
        unsigned char *data; /* of its own, exactly as long as it is, for valgrind to see a read beyond it */
        size_t len;
    } bytes[BYTES_COUNT];
    void *freed[TYPES]; /* a handle of each type that was freed */
    void *stale[TYPES]; /* and one in whose place another object was made since */
    void *newer[TYPES]; /* that object */
};

enum type type_of(enum object object);

/* Makes all of it; 0 and a line on the standard error stream if a step fails. */
int fixture_open(struct fixture *fixture);
/* Frees all of it, whatever of it exists still. */
void fixture_close(struct fixture *fixture);

/* Makes one more object of a type, NULL if that fails; frees one; gives its info. */
void *object_new(const struct fixture *fixture, enum type type);
sealwax_status object_free(enum type type, void *handle);
sealwax_status object_info(enum type type, const void *handle, void *out, size_t out_cap, size_t *out_len);

/* Whether the sessions, the group and the relay do what they are for, whatever was done with them before. */
int fixture_works(const struct fixture *fixture);

/* A digest of everything that can be seen of all objects: it is the same if nothing changed. */
uint64_t fixture_digest(const struct fixture *fixture);

#endif
