/* Backlogs: many messages of a group in one call, whatever state they are in. */
#include "check.h"

#include <stdlib.h>

#define NOW 1700000000000u
#define COUNT 40
#define ROOM 512

static sealwax_identity *alice, *bob;
static sealwax_session *to_bob, *to_alice;
static sealwax_roster *roster;
static sealwax_group_sender *sender;
static sealwax_group_receiver *receiver;

static unsigned char bytes[COUNT][ROOM];
static sealwax_slice envelopes[COUNT];
static sealwax_result results[COUNT];
static unsigned char out[COUNT * ROOM];
static size_t out_len;

static void open_all(void) {
    unsigned char card[SEALWAX_CARD_MAX], prekeys[1024], envelope[4096], text[4096];
    size_t card_len, prekeys_len, envelope_len, text_len;
    CHECK_OK(sealwax_identity_new("alice", 5, NULL, 0, NOW, &alice));
    CHECK_OK(sealwax_identity_new("bob", 3, NULL, 0, NOW, &bob));
    CHECK_OK(sealwax_identity_card(bob, card, sizeof card, &card_len));
    CHECK_OK(sealwax_identity_prekeys(bob, 1, NOW, prekeys, sizeof prekeys, &prekeys_len));
    CHECK_OK(sealwax_session_initiate(alice, card, card_len, prekeys, prekeys_len, NULL, 0, NOW, &to_bob));
    CHECK_OK(sealwax_session_encrypt(to_bob, "hello", 5, NOW, envelope, sizeof envelope, &envelope_len));
    CHECK_OK(sealwax_session_accept(bob, envelope, envelope_len, NULL, 0, NOW, &to_alice));
    CHECK_OK(sealwax_session_decrypt(to_alice, envelope, envelope_len, NOW, text, sizeof text, &text_len));
    CHECK_OK(sealwax_roster_create(alice, "team", 4, card, card_len, NULL, 0, NOW, &roster));
    CHECK_OK(sealwax_group_sender_new(alice, roster, NULL, 0, NOW, &sender));
    CHECK_OK(sealwax_group_receiver_new(bob, roster, NULL, 0, NOW, &receiver));
    CHECK_OK(sealwax_group_sender_distribute(sender, to_bob, NOW, envelope, sizeof envelope, &envelope_len));
    CHECK_OK(sealwax_group_receiver_install(receiver, to_alice, envelope, envelope_len, NOW));
}

static void free_all(void) {
    CHECK_OK(sealwax_group_receiver_free(receiver));
    CHECK_OK(sealwax_group_sender_free(sender));
    CHECK_OK(sealwax_roster_free(roster));
    CHECK_OK(sealwax_session_free(to_alice));
    CHECK_OK(sealwax_session_free(to_bob));
    CHECK_OK(sealwax_identity_free(bob));
    CHECK_OK(sealwax_identity_free(alice));
}

/* Message n is n bytes of n. */
static void send_all(void) {
    size_t n;
    for (n = 0; n < COUNT; n++) {
        unsigned char text[COUNT];
        memset(text, (int)n, sizeof text);
        CHECK_OK(sealwax_group_sender_encrypt(sender, text, n, NOW, bytes[n], ROOM, &envelopes[n].len));
        envelopes[n].ptr = bytes[n];
    }
    memset(out, 'x', sizeof out);
    memset(results, 'x', sizeof results);
}

static sealwax_status decrypt(size_t count, size_t out_cap) {
    return sealwax_group_receiver_decrypt_batch(receiver, envelopes, count, NOW, out, out_cap, &out_len, results);
}

static int is_text(const sealwax_result *result, size_t n) {
    size_t i;
    if (result->status != SEALWAX_OK || result->len != n || result->offset + n > out_len)
        return 0;
    for (i = 0; i < n; i++)
        if (out[result->offset + i] != n)
            return 0;
    return 1;
}

static uint64_t revision(void) {
    uint64_t number = 0;
    CHECK_OK(sealwax_handle_revision(receiver, &number));
    return number;
}

static void every_message_has_an_answer_of_its_own(void) {
    sealwax_slice first;
    size_t n, i;
    send_all();
    bytes[7][envelopes[7].len - 1] ^= 1;  /* signature */
    bytes[11][envelopes[11].len - 70] ^= 1; /* tag */
    envelopes[12].len--;
    envelopes[13].len = 0;
    envelopes[14].ptr = envelopes[2].ptr;
    envelopes[14].len = envelopes[2].len;
    first = envelopes[20];
    envelopes[20] = envelopes[30];
    envelopes[30] = first;
    CHECK_OK(decrypt(COUNT, sizeof out));
    for (n = 0; n < COUNT; n++) {
        size_t number = n == 20 ? 30 : n == 30 ? 20 : n;
        sealwax_status expected = n == 7 || n == 11    ? SEALWAX_AUTHENTICATION_FAILED
                                  : n == 12 || n == 13 ? SEALWAX_MALFORMED
                                  : n == 14            ? SEALWAX_DUPLICATE
                                                       : SEALWAX_OK;
        CHECK_STATUS(results[n].status, expected);
        CHECK(results[n].reserved == 0);
        if (expected == SEALWAX_OK)
            CHECK(is_text(&results[n], number));
        else
            CHECK(results[n].len == 0 && results[n].offset == 0);
    }
    /* Beyond the results there is no byte of a message. */
    for (i = out_len; i < sizeof out; i++)
        if (out[i] != 'x' && out[i] != 0)
            break;
    CHECK(i == sizeof out);
}

static void a_backlog_that_was_read_changes_nothing(void) {
    uint64_t before;
    size_t n;
    send_all();
    before = revision();
    CHECK_OK(decrypt(COUNT, sizeof out));
    CHECK(revision() > before);
    before = revision();
    CHECK_OK(decrypt(COUNT, sizeof out));
    CHECK(revision() == before);
    CHECK(out_len == 0);
    for (n = 0; n < COUNT; n++)
        CHECK_STATUS(results[n].status, n + 32 < COUNT ? SEALWAX_REPLAY : SEALWAX_DUPLICATE);
}

static void too_little_room_changes_nothing(void) {
    uint64_t before;
    size_t n, size, total = 0;
    send_all();
    before = revision();
    CHECK_STATUS(decrypt(COUNT, 0), SEALWAX_BUFFER_TOO_SMALL);
    size = out_len;
    for (n = 0; n < COUNT; n++) {
        total += envelopes[n].len;
        CHECK_STATUS(results[n].status, SEALWAX_INTERNAL);
        CHECK(results[n].len == 0 && results[n].offset == 0);
    }
    CHECK(size > 0 && size <= total);
    CHECK_STATUS(decrypt(COUNT, size - 1), SEALWAX_BUFFER_TOO_SMALL);
    CHECK(out_len == size && out[0] == 'x' && revision() == before);
    CHECK_OK(decrypt(COUNT, size));
    for (n = 0; n < COUNT; n++)
        CHECK(is_text(&results[n], n));
}

static void limits_are_for_the_call_and_sizes_for_the_message(void) {
    unsigned char *large = (unsigned char *)calloc(1, SEALWAX_ENVELOPE_MAX + 1);
    sealwax_slice *many = (sealwax_slice *)calloc(SEALWAX_BATCH_MAX + 1, sizeof *many);
    sealwax_result *answers = (sealwax_result *)calloc(SEALWAX_BATCH_MAX + 1, sizeof *answers);
    size_t n;
    CHECK(large != NULL && many != NULL && answers != NULL);
    if (large != NULL && many != NULL && answers != NULL) {
        send_all();
        envelopes[1].ptr = large;
        envelopes[1].len = SEALWAX_ENVELOPE_MAX + 1;
        CHECK_OK(decrypt(3, sizeof out));
        CHECK_STATUS(results[1].status, SEALWAX_TOO_LARGE);
        CHECK(is_text(&results[0], 0) && is_text(&results[2], 2));

        CHECK_OK(sealwax_group_receiver_decrypt_batch(receiver, many, SEALWAX_BATCH_MAX, NOW, out, sizeof out,
                                                      &out_len, answers));
        for (n = 0; n < SEALWAX_BATCH_MAX && answers[n].status == SEALWAX_MALFORMED; n++) {
        }
        CHECK(n == SEALWAX_BATCH_MAX);
        CHECK_STATUS(sealwax_group_receiver_decrypt_batch(receiver, many, SEALWAX_BATCH_MAX + 1, NOW, out, sizeof out,
                                                          &out_len, answers),
                     SEALWAX_TOO_LARGE);
        for (n = 0; n < 57; n++) {
            many[n].ptr = large;
            many[n].len = SEALWAX_ENVELOPE_MAX;
        }
        CHECK_STATUS(sealwax_group_receiver_decrypt_batch(receiver, many, 57, NOW, out, sizeof out, &out_len, answers),
                     SEALWAX_TOO_LARGE);
    }
    free(answers);
    free(many);
    free(large);
}

static void nothing_is_a_backlog_too(void) {
    uint64_t before = revision();
    out_len = 1;
    CHECK_OK(sealwax_group_receiver_decrypt_batch(receiver, NULL, 0, NOW, NULL, 0, &out_len, NULL));
    CHECK(out_len == 0 && revision() == before);
}

static void overlap_is_refused(void) {
    send_all();
    /* The room lies over an envelope, the array, or the results. */
    CHECK_STATUS(sealwax_group_receiver_decrypt_batch(receiver, envelopes, COUNT, NOW, bytes[COUNT - 1], ROOM, &out_len,
                                                      results),
                 SEALWAX_BUFFER_OVERLAP);
    CHECK_STATUS(sealwax_group_receiver_decrypt_batch(receiver, envelopes, COUNT, NOW, envelopes, sizeof envelopes,
                                                      &out_len, results),
                 SEALWAX_BUFFER_OVERLAP);
    CHECK_STATUS(sealwax_group_receiver_decrypt_batch(receiver, envelopes, COUNT, NOW, results, sizeof results,
                                                      &out_len, results),
                 SEALWAX_BUFFER_OVERLAP);
    envelopes[5].ptr = NULL;
    CHECK_STATUS(decrypt(COUNT, sizeof out), SEALWAX_NULL_POINTER);
}

int main(void) {
    open_all();
    every_message_has_an_answer_of_its_own();
    a_backlog_that_was_read_changes_nothing();
    too_little_room_changes_nothing();
    limits_are_for_the_call_and_sizes_for_the_message();
    nothing_is_a_backlog_too();
    overlap_is_refused();
    free_all();
    return finish();
}
