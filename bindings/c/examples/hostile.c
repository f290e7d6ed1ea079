/*
 * Orders, one a line; bytes are in hex:
 *
 *     hold USER              from now on, hand nothing over to USER
 *     release USER           do so again; what was held back is lost
 *     deliver USER BYTES     hand these bytes over to USER
 *     card USER CARD BUNDLE  answer lookups of USER with these; without CARD, honestly again
 *
 * Each is confirmed on standard output.
 */
#define _POSIX_C_SOURCE 200809L

#include "hostile.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VICTIMS_MAX = 16 };

typedef struct victim {
    char user[SEALWAX_NAME_MAX + 1];
    int held;
    buffer card, bundle;
} victim;

static victim victims[VICTIMS_MAX];
static buffer orders;

static victim *find(sealwax_slice user) {
    for (victim *each = victims; each < victims + VICTIMS_MAX; each++) {
        if (each->user[0] != 0 && slice_is(user, each->user)) return each;
    }
    return NULL;
}

static victim *find_or_add(const char *user) {
    victim *it = find(slice_of(user));
    for (victim *each = victims; it == NULL && each < victims + VICTIMS_MAX; each++) {
        if (each->user[0] == 0) it = each;
    }
    if (it == NULL || strlen(user) > SEALWAX_NAME_MAX) die("too many victims");
    strcpy(it->user, user);
    return it;
}

int hostile_holds(sealwax_slice user) {
    victim *it = find(user);
    return it != NULL && it->held;
}

void hostile_answer(sealwax_slice user, frame *found) {
    victim *it = find(user);
    if (it == NULL || it->card.len == 0) return;
    found->card = (sealwax_slice){it->card.bytes, it->card.len};
    found->payload = (sealwax_slice){it->bundle.bytes, it->bundle.len};
}

static void from_hex(const char *hex, buffer *out) {
    unsigned byte;
    out->len = 0;
    for (; hex != NULL && sscanf(hex, "%2x", &byte) == 1; hex += 2) {
        buffer_add(out, &(unsigned char){(unsigned char)byte}, 1);
        if (hex[1] == 0) return;
    }
}

static void obey(char *order, void (*hand_over)(sealwax_slice user, const frame *deliver)) {
    const char *verb = strtok(order, " "), *user = strtok(NULL, " ");
    const char *first = strtok(NULL, " "), *second = strtok(NULL, " ");
    if (user == NULL) die("orders: hold, release, deliver, card");
    if (strcmp(verb, "hold") == 0 || strcmp(verb, "release") == 0) {
        find_or_add(user)->held = verb[0] == 'h';
    } else if (strcmp(verb, "deliver") == 0) {
        buffer bytes = {0};
        from_hex(first, &bytes);
        /* A sequence number that the victim has had, so that acknowledging it does no harm. */
        frame deliver = {.type = FRAME_DELIVER, .number = 1, .payload = {bytes.bytes, bytes.len}};
        hand_over(slice_of(user), &deliver);
        buffer_free(&bytes);
    } else if (strcmp(verb, "card") == 0) {
        victim *it = find_or_add(user);
        from_hex(first, &it->card);
        from_hex(second, &it->bundle);
    } else {
        die("orders: hold, release, deliver, card");
    }
    printf("obeyed: %s %s\n", verb, user);
}

int hostile_obey(void (*hand_over)(sealwax_slice user, const frame *deliver)) {
    char chunk[4096];
    ssize_t len = read(STDIN_FILENO, chunk, sizeof chunk);
    if (len <= 0) return 0;
    buffer_add(&orders, chunk, (size_t)len);
    for (unsigned char *end; orders.len > 0 && (end = memchr(orders.bytes, '\n', orders.len)) != NULL;) {
        *end = 0;
        obey((char *)orders.bytes, hand_over);
        buffer_drop(&orders, (size_t)(end - orders.bytes) + 1);
    }
    return 1;
}

void hostile_end(void) {
    for (victim *each = victims; each < victims + VICTIMS_MAX; each++) {
        buffer_free(&each->card);
        buffer_free(&each->bundle);
    }
    buffer_free(&orders);
}
