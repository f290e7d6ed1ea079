/*
 * What a client and a relay say to each other (docs/PROTOCOL.md section 10.3), and how it crosses a socket.
 * Sealwax itself opens no socket: this part belongs to the application, and any other transport would do.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <sealwax.h>

/* Bytes that grow. */
typedef struct buffer {
    unsigned char *bytes;
    size_t len, cap;
} buffer;

void buffer_add(buffer *to, const void *bytes, size_t len);
void buffer_drop(buffer *from, size_t count); /* at the front */
void buffer_free(buffer *it);

enum {
    FRAME_HELLO = 1,
    FRAME_OK,
    FRAME_ERROR,
    FRAME_CHALLENGE,
    FRAME_PREKEYS,
    FRAME_LOOKUP,
    FRAME_FOUND,
    FRAME_COMMIT,
    FRAME_FETCH_LOG,
    FRAME_LOG,
    FRAME_SEND,
    FRAME_DELIVER,
    FRAME_ACKNOWLEDGE,
    FRAME_PROOF,
    FRAME_WELCOME,
    FRAME_SEND_MANY,
    FRAME_SENT_MANY,
    FRAME_PRESENCE
};

/*
 * One frame; each type has only some of the fields. Programs that keep nothing have no use for the others, such as
 * the number of the last commit of a store: they are written as zeros and passed over.
 */
typedef struct frame {
    unsigned type;
    uint32_t request;       /* chosen by the client, echoed in the answer; 0 in what is not an answer */
    sealwax_slice user;     /* lookup, presence */
    sealwax_slice card;     /* hello, found */
    sealwax_slice payload;  /* bundle, roster entries or envelope */
    sealwax_slice group_id; /* fetch log */
    uint64_t number;        /* fetch log: first epoch; deliver, acknowledge: sequence */
    unsigned flags;         /* deliver, presence */
    sealwax_status status;  /* error */
    sealwax_slice text;     /* error */
} frame;

/* Adds a frame and the length that precedes it on a stream. */
void frame_put(buffer *to, const frame *it);

/*
 * Reads the frame at the front of a stream; its slices point into `bytes`. Answers how many bytes it took, 0 if
 * more have to come first, -1 if this is no frame.
 */
long frame_take(const unsigned char *bytes, size_t len, frame *out);

/* ---- Small things that both programs need ---- */

sealwax_slice slice_of(const char *text);
int slice_is(sealwax_slice slice, const char *text);
uint64_t now_ms(void);

/* Ends the program if a call fails that cannot fail here, such as making an identity. */
void must(sealwax_status status, const char *what);
void die(const char *what);

#endif
