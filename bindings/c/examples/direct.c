#include <sealwax.h>
#include <stdio.h>
#include <stdlib.h>

#define TRY(call) do { sealwax_status s = (call); if (s != SEALWAX_OK) { \
    fprintf(stderr, "%s\n", sealwax_status_name(s)); exit(1); } } while (0)

int main(void) {
    uint64_t now_ms = 1800000000000; /* Unix time in milliseconds; the library reads no clock */
    unsigned char card[SEALWAX_CARD_MAX], prekeys[1024], envelope[2048], text[2048];
    size_t card_len, prekeys_len, envelope_len, text_len;
    sealwax_identity *alice, *bob;
    sealwax_session *to_bob, *to_alice;

    TRY(sealwax_identity_new("alice", 5, NULL, 0, now_ms, &alice));
    TRY(sealwax_identity_new("bob", 3, NULL, 0, now_ms, &bob));
    /* Bob publishes his card and prekeys; Alice fetches them from a server. */
    TRY(sealwax_identity_card(bob, card, sizeof card, &card_len));
    TRY(sealwax_identity_prekeys(bob, 1, now_ms, prekeys, sizeof prekeys, &prekeys_len));
    TRY(sealwax_session_initiate(alice, card, card_len, prekeys, prekeys_len, NULL, 0, now_ms, &to_bob));
    TRY(sealwax_session_encrypt(to_bob, "hello", 5, now_ms, envelope, sizeof envelope, &envelope_len));
    /* The envelope crosses the network. accept takes its handshake, decrypt then reads the message. */
    TRY(sealwax_session_accept(bob, envelope, envelope_len, NULL, 0, now_ms, &to_alice));
    TRY(sealwax_session_decrypt(to_alice, envelope, envelope_len, now_ms, text, sizeof text, &text_len));
    printf("Bob reads: %.*s\n", (int)text_len, (const char *)text);

    TRY(sealwax_session_free(to_bob));
    TRY(sealwax_session_free(to_alice));
    TRY(sealwax_identity_free(alice));
    TRY(sealwax_identity_free(bob));
    return (int)sealwax_live_handles();
}
