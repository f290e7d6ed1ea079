/* The table of functions, and calls that are made from it. */
#ifndef SEALWAX_MISUSE_TABLE_H
#define SEALWAX_MISUSE_TABLE_H

#include "fixture.h"

#define PARAMETERS_MAX 10
#define OUT_ROOM 8192

enum kind {
    KIND_END,
    KIND_OBJECT,
    KIND_ANY_OBJECT, /* a handle of any type */
    KIND_BYTES,
    KIND_FIXED, /* bytes of one length only */
    KIND_TEXT,
    KIND_OPTIONS,
    KIND_LENGTH, /* a length without bytes */
    KIND_NUMBER,
    KIND_HANDLES, /* sealwax_session *const *, size_t count: of one handle */
    KIND_SLICES, /* const sealwax_slice *, size_t count: of one slice */
    KIND_BUFFER, /* void *out, size_t out_cap, size_t *out_len */
    KIND_VALUE,  /* a pointer to a number, an array or a struct */
    KIND_NEW_HANDLE,
    KIND_RESULTS, /* sealwax_result *out_results, as many as there are inputs */
    KIND_WAKE     /* a function and what it is called with, of which nothing is wrong */
};

struct parameter {
    enum kind kind;
    int which;           /* of the fixture: which object, which bytes; of a new handle, its type */
    size_t size;         /* the limit of an input, the bytes of a value, the most of an array */
    sealwax_status edge; /* what a NULL handle, an empty input, a bad number gives */
    uint64_t good;       /* of a number or length; of slices, the limit of their bytes together */
    uint64_t bad;        /* of a number; of an input, the status of NULL with length 0 */
};

/* What stands in the place of one parameter. */
struct argument {
    const void *in; /* a handle, or an input */
    size_t len;
    void *out;
    size_t cap;
    size_t *out_len;
    uint64_t number;
};

struct function {
    const char *name;
    sealwax_status (*call)(const struct argument *a);
    sealwax_status valid; /* what the valid call says */
    sealwax_status again;
    struct parameter parameters[PARAMETERS_MAX];
};

extern const struct function functions[];
extern const size_t functions_count;

/* A call that is about to be made: its arguments, and room for what comes out of it. */
struct call {
    const struct function *function;
    int count;
    struct argument a[PARAMETERS_MAX];
    const void *handles[PARAMETERS_MAX];
    sealwax_slice slices[PARAMETERS_MAX];
    struct {
        size_t len;
        union {
            void *handle;
            unsigned char bytes[OUT_ROOM];
        } room;
    } outputs[PARAMETERS_MAX];
};

/* The valid call of a function. */
void call_prepare(struct call *call, const struct function *function, const struct fixture *fixture);
sealwax_status call_make(struct call *call);
/* Frees the handles that it made. */
void call_release(struct call *call);

int is_output(const struct parameter *parameter);
int is_input(const struct parameter *parameter);
int is_object(const struct parameter *parameter);
/* Whether it ends its object. */
int is_free(const struct function *function);

#endif
