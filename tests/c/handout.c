/* One sender key for many members in one call. */
#include "check.h"

#include <stdlib.h>

#define NOW 1700000000000u
#define COUNT 4 /* bob, carol and dave are members, erin is none */
#define ROOM 8192

static const char *const names[COUNT] = {"bob", "carol", "dave", "erin"};
static sealwax_identity *alice, *peers[COUNT];
static sealwax_session *ours[COUNT], *theirs[COUNT];
static sealwax_roster *roster;
static sealwax_group_sender *sender;
static sealwax_result results[COUNT];
static unsigned char out[ROOM];
static size_t out_len;

static void open_all(void) {
    unsigned char card[SEALWAX_CARD_MAX], cards[COUNT * SEALWAX_CARD_MAX], prekeys[1024], envelope[4096], text[64];
    size_t card_len, cards_len = 0, prekeys_len, envelope_len, text_len, i;
    CHECK_OK(sealwax_identity_new("alice", 5, NULL, 0, NOW, &alice));
    for (i = 0; i < COUNT; i++) {
        CHECK_OK(sealwax_identity_new(names[i], strlen(names[i]), NULL, 0, NOW, &peers[i]));
        CHECK_OK(sealwax_identity_card(peers[i], card, sizeof card, &card_len));
        CHECK_OK(sealwax_identity_prekeys(peers[i], 1, NOW, prekeys, sizeof prekeys, &prekeys_len));
        CHECK_OK(sealwax_session_initiate(alice, card, card_len, prekeys, prekeys_len, NULL, 0, NOW, &ours[i]));
        CHECK_OK(sealwax_session_encrypt(ours[i], "hello", 5, NOW, envelope, sizeof envelope, &envelope_len));
        CHECK_OK(sealwax_session_accept(peers[i], envelope, envelope_len, NULL, 0, NOW, &theirs[i]));
        CHECK_OK(sealwax_session_decrypt(theirs[i], envelope, envelope_len, NOW, text, sizeof text, &text_len));
        if (i + 1 < COUNT) {
            memcpy(cards + cards_len, card, card_len);
            cards_len += card_len;
        }
    }
    CHECK_OK(sealwax_roster_create(alice, "team", 4, cards, cards_len, NULL, 0, NOW, &roster));
    CHECK_OK(sealwax_group_sender_new(alice, roster, NULL, 0, NOW, &sender));
}

static void free_all(void) {
    size_t i;
    CHECK_OK(sealwax_group_sender_free(sender));
    CHECK_OK(sealwax_roster_free(roster));
    for (i = 0; i < COUNT; i++) {
        CHECK_OK(sealwax_session_free(ours[i]));
        CHECK_OK(sealwax_session_free(theirs[i]));
        CHECK_OK(sealwax_identity_free(peers[i]));
    }
    CHECK_OK(sealwax_identity_free(alice));
}

static sealwax_status distribute(sealwax_session *const *sessions, size_t count, size_t out_cap) {
    memset(results, 'x', sizeof results);
    return sealwax_group_sender_distribute_many(sender, sessions, count, NOW, out, out_cap, &out_len, results);
}

static void nothing(size_t count) {
    size_t i;
    for (i = 0; i < count; i++)
        CHECK(results[i].status == SEALWAX_INTERNAL && results[i].reserved == 0 && results[i].offset == 0 &&
              results[i].len == 0);
}

static void refusals(void) {
    sealwax_session *const twice[] = {ours[0], ours[1], ours[0]};
    sealwax_session *const null[] = {ours[0], NULL};
    size_t size;
    CHECK_STATUS(distribute(twice, 3, sizeof out), SEALWAX_INVALID_ARGUMENT);
    nothing(3);
    CHECK_STATUS(distribute(null, 2, sizeof out), SEALWAX_INVALID_HANDLE);
    nothing(2);
    CHECK_STATUS(distribute(NULL, 2, sizeof out), SEALWAX_NULL_POINTER);
    CHECK_STATUS(distribute(ours, 10001, sizeof out), SEALWAX_TOO_LARGE);
    CHECK(out_len == 0);
    CHECK_STATUS(distribute(ours, COUNT, 0), SEALWAX_BUFFER_TOO_SMALL);
    nothing(COUNT);
    size = out_len;
    CHECK_STATUS(distribute(ours, COUNT, size - 1), SEALWAX_BUFFER_TOO_SMALL);
    CHECK(out_len == size);
    CHECK_OK(distribute(NULL, 0, 0));
    CHECK(out_len == 0);
}

static void members_read_and_others_do_not_hinder(void) {
    unsigned char message[1024], text[64];
    size_t message_len, text_len, i, used = 0;
    CHECK_OK(sealwax_group_sender_encrypt(sender, "hello, all", 10, NOW, message, sizeof message, &message_len));
    CHECK_OK(distribute(ours, COUNT, sizeof out));
    for (i = 0; i + 1 < COUNT; i++) {
        sealwax_group_receiver *receiver;
        CHECK_STATUS(results[i].status, SEALWAX_OK);
        CHECK(results[i].reserved == 0 && results[i].offset == used);
        used += results[i].len;
        CHECK_OK(sealwax_group_receiver_new(peers[i], roster, NULL, 0, NOW, &receiver));
        CHECK_OK(sealwax_group_receiver_install(receiver, theirs[i], out + results[i].offset, results[i].len, NOW));
        CHECK_OK(sealwax_group_receiver_decrypt(receiver, message, message_len, NOW, text, sizeof text, &text_len));
        CHECK(text_len == 10 && memcmp(text, "hello, all", 10) == 0);
        CHECK_OK(sealwax_group_receiver_free(receiver));
    }
    CHECK(used == out_len);
    CHECK_STATUS(results[COUNT - 1].status, SEALWAX_NOT_A_MEMBER);
    CHECK(results[COUNT - 1].offset == 0 && results[COUNT - 1].len == 0);
}

int main(void) {
    open_all();
    refusals();
    members_read_and_others_do_not_hinder();
    free_all();
    return finish();
}
