#define _POSIX_C_SOURCE 200809L

#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAME_MAX = 4194304 + 4096, LENGTH_LEN = 4 };

/* Every object of the protocol starts so: version, draft, two bytes of suite, kind. */
static const unsigned char prefix[] = {1, 1, 0, 1, 0x60};

/*
 * The fields of each type, in their order:
 * u user, s status, t text, c card, p payload, g group id, n number, f flags; a digit: so many bytes passed over
 * (0 for sixteen). Types that nobody here speaks have none.
 */
static const char *const layouts[] = {
    NULL,       /* no such type */
    "1c0808",   /* hello: by a method that the host vouches for */
    "",         /* ok */
    "s48t",     /* error */
    NULL,       /* challenge */
    "8p",       /* prekeys */
    "u",        /* lookup */
    "cp",       /* found */
    "8p",       /* commit */
    "gn",       /* fetch log */
    "p",        /* log */
    "8p",       /* send */
    "nfp",      /* deliver */
    "8n",       /* acknowledge */
    NULL,       /* proof */
    "80888824", /* welcome */
    NULL,       /* send many */
    NULL,       /* sent many */
    "fu",       /* presence */
};
enum { TYPES = sizeof layouts / sizeof *layouts };

static int passed_over(char field) {
    return field == '0' ? 16 : field - '0';
}

/* ---- Buffers ---- */

void buffer_add(buffer *to, const void *bytes, size_t len) {
    if (len > to->cap - to->len) {
        size_t cap = (to->len + len) * 2;
        unsigned char *grown = realloc(to->bytes, cap);
        if (grown == NULL) die("out of memory");
        to->bytes = grown;
        to->cap = cap;
    }
    if (len > 0) memcpy(to->bytes + to->len, bytes, len);
    to->len += len;
}

void buffer_drop(buffer *from, size_t count) {
    if (count == 0) return;
    memmove(from->bytes, from->bytes + count, from->len - count);
    from->len -= count;
}

void buffer_free(buffer *it) {
    free(it->bytes);
    memset(it, 0, sizeof *it);
}

/* ---- Writing ---- */

static void put_number(buffer *to, uint64_t number, int bytes) {
    while (bytes-- > 0) {
        unsigned char byte = (unsigned char)(number >> (8 * bytes));
        buffer_add(to, &byte, 1);
    }
}

static void put_slice(buffer *to, sealwax_slice slice, int length_bytes) {
    put_number(to, slice.len, length_bytes);
    buffer_add(to, slice.ptr, slice.len);
}

void frame_put(buffer *to, const frame *it) {
    size_t start = to->len;
    put_number(to, 0, LENGTH_LEN);
    buffer_add(to, prefix, sizeof prefix);
    put_number(to, it->type, 1);
    put_number(to, it->request, 4);
    for (const char *field = layouts[it->type]; *field != 0; field++) {
        switch (*field) {
        case 'u': put_slice(to, it->user, 1); break;
        case 's': put_number(to, (uint64_t)it->status, 4); break;
        case 't': put_slice(to, it->text, 1); break;
        case 'c': put_slice(to, it->card, 2); break;
        case 'p': put_slice(to, it->payload, 4); break;
        case 'g': buffer_add(to, it->group_id.ptr, it->group_id.len); break;
        case 'n': put_number(to, it->number, 8); break;
        case 'f': put_number(to, it->flags, 1); break;
        default:
            for (int i = passed_over(*field); i > 0; i--) put_number(to, 0, 1);
            break;
        }
    }
    size_t len = to->len - start - LENGTH_LEN;
    for (int i = 0; i < LENGTH_LEN; i++) to->bytes[start + (size_t)i] = (unsigned char)(len >> (8 * (3 - i)));
}

/* ---- Reading: whatever comes, nothing beyond `left` bytes is touched ---- */

typedef struct reader {
    const unsigned char *at;
    size_t left;
    int failed;
} reader;

static sealwax_slice take(reader *from, uint64_t len) {
    sealwax_slice slice = {from->at, 0};
    if (from->failed || len > from->left) {
        from->failed = 1;
        return slice;
    }
    slice.len = (size_t)len;
    from->at += slice.len;
    from->left -= slice.len;
    return slice;
}

static uint64_t take_number(reader *from, int bytes) {
    uint64_t number = 0;
    const unsigned char *at = from->at;
    if (take(from, (uint64_t)bytes).len == 0) return 0;
    while (bytes-- > 0) number = number << 8 | *at++;
    return number;
}

static sealwax_slice take_slice(reader *from, int length_bytes) {
    return take(from, take_number(from, length_bytes));
}

long frame_take(const unsigned char *bytes, size_t len, frame *out) {
    memset(out, 0, sizeof *out);
    if (len < LENGTH_LEN) return 0;
    reader from = {bytes, LENGTH_LEN, 0};
    uint64_t frame_len = take_number(&from, LENGTH_LEN);
    if (frame_len > FRAME_MAX) return -1;
    if (len - LENGTH_LEN < frame_len) return 0;
    from.left = (size_t)frame_len;

    sealwax_slice start = take(&from, sizeof prefix);
    if (from.failed || memcmp(start.ptr, prefix, sizeof prefix) != 0) return -1;
    out->type = (unsigned)take_number(&from, 1);
    out->request = (uint32_t)take_number(&from, 4);
    if (out->type >= TYPES || layouts[out->type] == NULL) return -1;
    for (const char *field = layouts[out->type]; *field != 0; field++) {
        switch (*field) {
        case 'u': out->user = take_slice(&from, 1); break;
        case 's': out->status = (sealwax_status)take_number(&from, 4); break;
        case 't': out->text = take_slice(&from, 1); break;
        case 'c': out->card = take_slice(&from, 2); break;
        case 'p': out->payload = take_slice(&from, 4); break;
        case 'g': out->group_id = take(&from, SEALWAX_GROUP_ID_LEN); break;
        case 'n': out->number = take_number(&from, 8); break;
        case 'f': out->flags = (unsigned)take_number(&from, 1); break;
        default: take(&from, (uint64_t)passed_over(*field)); break;
        }
    }
    return from.failed || from.left > 0 ? -1 : (long)(LENGTH_LEN + frame_len);
}

/* ---- Small things ---- */

sealwax_slice slice_of(const char *text) {
    sealwax_slice slice = {text, strlen(text)};
    return slice;
}

int slice_is(sealwax_slice slice, const char *text) {
    return slice.len == strlen(text) && memcmp(slice.ptr, text, slice.len) == 0;
}

uint64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

void must(sealwax_status status, const char *what) {
    if (status == SEALWAX_OK) return;
    fprintf(stderr, "%s: %s: %s\n", what, sealwax_status_name(status), sealwax_status_text(status));
    exit(1);
}

void die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}
