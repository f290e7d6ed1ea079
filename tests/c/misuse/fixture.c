#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type type_of(enum object object) {
    switch (object) {
    case ALICE:
    case BOB:
    case CAROL:
        return IDENTITY;
    case ALICE_WITH_BOB:
    case BOB_WITH_ALICE:
        return SESSION;
    case ALICE_SENDS:
        return SENDER;
    case BOB_RECEIVES:
    case BOB_RETAINS:
        return RECEIVER;
    case POST:
        return RELAY;
    case MAIL:
        return DELIVERIES;
    case FED:
    case IN_CHUNKS:
    case SEALED:
        return SEAL;
    case READ:
    case READ_WHOLE:
    case AT_RANDOM:
        return OPENING;
    case DAVE_APP:
        return CLIENT;
    case NEWS:
        return EVENT;
    default:
        return ROSTER;
    }
}

/* A step of making the fixture; the first one that fails ends it. */
#define STEP(call) step_succeeds((call), #call, __LINE__)

static int step_succeeds(sealwax_status status, const char *what, int line) {
    if (status == SEALWAX_OK)
        return 1;
    fprintf(stderr, "fixture.c:%d: %s: %s\n", line, what, sealwax_status_name(status));
    return 0;
}

static int keep(struct fixture *fixture, enum bytes which, const void *data, size_t len) {
    unsigned char *copy = (unsigned char *)malloc(len);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, len);
    fixture->bytes[which].data = copy;
    fixture->bytes[which].len = len;
    return 1;
}

static int keep_text(struct fixture *fixture, enum bytes which, const char *text) {
    return keep(fixture, which, text, strlen(text));
}

#define IDENTITY_OF(object) ((sealwax_identity *)fixture->objects[object])
#define SESSION_OF(object) ((sealwax_session *)fixture->objects[object])
#define ROSTER_OF(object) ((sealwax_roster *)fixture->objects[object])
#define SENDER_OF(object) ((sealwax_group_sender *)fixture->objects[object])
#define RECEIVER_OF(object) ((sealwax_group_receiver *)fixture->objects[object])
#define RELAY_OF(object) ((sealwax_relay *)fixture->objects[object])
#define SEAL_OF(object) ((sealwax_stream_seal *)fixture->objects[object])
#define OPENING_OF(object) ((sealwax_stream_open *)fixture->objects[object])
#define CLIENT_OF(object) ((sealwax_client *)fixture->objects[object])
#define INPUT_OF(which) fixture->bytes[which].data, fixture->bytes[which].len

static int identity_new(struct fixture *fixture, enum object object, const char *user) {
    sealwax_identity *identity = NULL;
    if (!STEP(sealwax_identity_new(user, strlen(user), NULL, 0, NOW, &identity)))
        return 0;
    fixture->objects[object] = identity;
    return 1;
}

static int keep_card(struct fixture *fixture, enum bytes which, const sealwax_identity *identity) {
    unsigned char out[1024];
    size_t len;
    return STEP(sealwax_identity_card(identity, out, sizeof out, &len)) && keep(fixture, which, out, len);
}

static int identities(struct fixture *fixture) {
    unsigned char out[4096];
    size_t len;
    sealwax_identity *other = NULL;
    int made;
    if (!identity_new(fixture, ALICE, "alice") || !identity_new(fixture, BOB, "bob") ||
        !identity_new(fixture, CAROL, "carol"))
        return 0;
    if (!STEP(sealwax_identity_new("bob", 3, NULL, 0, NOW, &other)))
        return 0;
    made = keep_card(fixture, BOB_NEW_CARD, other);
    return STEP(sealwax_identity_free(other)) && made && keep_card(fixture, ALICE_CARD, IDENTITY_OF(ALICE)) &&
           keep_card(fixture, BOB_CARD, IDENTITY_OF(BOB)) && keep_card(fixture, CAROL_CARD, IDENTITY_OF(CAROL)) &&
           STEP(sealwax_identity_prekeys(IDENTITY_OF(BOB), 1, NOW, out, sizeof out, &len)) &&
           keep(fixture, BOB_PREKEYS, out, len) &&
           STEP(sealwax_identity_export(IDENTITY_OF(ALICE), INPUT_OF(KEY), out, sizeof out, &len)) &&
           keep(fixture, SEALED_IDENTITY, out, len);
}

/* The first message of a session of its own with Bob, who knows nothing of it yet. */
static int first_message(struct fixture *fixture, enum object from, sealwax_session **out_session, void *out,
                         size_t out_cap, size_t *out_len) {
    return STEP(sealwax_session_initiate(IDENTITY_OF(from), INPUT_OF(BOB_CARD), INPUT_OF(BOB_PREKEYS), NULL, 0, NOW,
                                         out_session)) &&
           STEP(sealwax_session_encrypt(*out_session, "hello", 5, NOW, out, out_cap, out_len));
}

static int sessions(struct fixture *fixture) {
    unsigned char envelope[4096], out[4096];
    size_t envelope_len = 0, len;
    sealwax_session *session = NULL;
    int made = first_message(fixture, ALICE, &session, envelope, sizeof envelope, &envelope_len);
    fixture->objects[ALICE_WITH_BOB] = session;
    if (!made)
        return 0;
    session = NULL;
    if (!STEP(sealwax_session_accept(IDENTITY_OF(BOB), envelope, envelope_len, NULL, 0, NOW, &session)))
        return 0;
    fixture->objects[BOB_WITH_ALICE] = session;
    /* Bob answers, so that both have a turn behind them; his next message waits to be read. */
    if (!STEP(sealwax_session_decrypt(session, envelope, envelope_len, NOW, out, sizeof out, &len)) ||
        !STEP(sealwax_session_encrypt(session, "hi", 2, NOW, envelope, sizeof envelope, &envelope_len)) ||
        !STEP(sealwax_session_decrypt(SESSION_OF(ALICE_WITH_BOB), envelope, envelope_len, NOW, out, sizeof out,
                                      &len)) ||
        !STEP(sealwax_session_encrypt(session, "how are you", 11, NOW, envelope, sizeof envelope, &envelope_len)) ||
        !keep(fixture, ENVELOPE, envelope, envelope_len))
        return 0;
    if (!STEP(sealwax_session_export(SESSION_OF(ALICE_WITH_BOB), INPUT_OF(KEY), 0, out, sizeof out, &len)) ||
        !keep(fixture, SEALED_SESSION, out, len))
        return 0;
    /* The one-time prekey went with Alice's session, so Carol has a bundle of her own. */
    free(fixture->bytes[BOB_PREKEYS].data);
    fixture->bytes[BOB_PREKEYS].data = NULL;
    if (!STEP(sealwax_identity_prekeys(IDENTITY_OF(BOB), 1, NOW, out, sizeof out, &len)) ||
        !keep(fixture, BOB_PREKEYS, out, len))
        return 0;
    session = NULL;
    made = first_message(fixture, CAROL, &session, envelope, sizeof envelope, &envelope_len) &&
           keep(fixture, FIRST_MESSAGE, envelope, envelope_len);
    return STEP(sealwax_session_free(session)) && made;
}

static int group_new(struct fixture *fixture, enum object object, const char *options) {
    sealwax_roster *roster = NULL;
    if (!STEP(sealwax_roster_create(IDENTITY_OF(ALICE), "team", 4, INPUT_OF(BOB_CARD), options, strlen(options),
                                    NOW, &roster)))
        return 0;
    fixture->objects[object] = roster;
    return 1;
}

static int add_carol(const struct fixture *fixture, enum object group, uint32_t role, unsigned char *out,
                     size_t out_cap, size_t *out_len) {
    return STEP(sealwax_roster_propose_add(ROSTER_OF(group), IDENTITY_OF(ALICE), INPUT_OF(CAROL_CARD), role, NOW, out,
                                           out_cap, out_len));
}

static unsigned char hex_digit(char digit) {
    return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Bytes that an info gives in hex. */
static int keep_hex(struct fixture *fixture, enum bytes which, size_t size, enum object object, const char *key) {
    char info[4096];
    unsigned char bytes[32];
    size_t len, i;
    const char *hex;
    if (!STEP(object_info(type_of(object), fixture->objects[object], info, sizeof info - 1, &len)))
        return 0;
    info[len] = 0;
    hex = strstr(info, key);
    if (hex == NULL)
        return 0;
    hex += strlen(key);
    for (i = 0; i < size; i++)
        bytes[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return keep(fixture, which, bytes, size);
}

static int groups(struct fixture *fixture) {
    unsigned char entry[4096], other[4096];
    size_t entry_len, other_len;
    sealwax_status forked;
    if (!group_new(fixture, GROUP, "") || !group_new(fixture, OPEN_GROUP, "{\"open\":true}") ||
        !group_new(fixture, FORKED_GROUP, ""))
        return 0;
    if (!STEP(sealwax_roster_log(ROSTER_OF(GROUP), 0, entry, sizeof entry, &entry_len)) ||
        !keep(fixture, LOG, entry, entry_len) ||
        !add_carol(fixture, GROUP, SEALWAX_ROLE_MEMBER, entry, sizeof entry, &entry_len) ||
        !keep(fixture, ENTRY, entry, entry_len) ||
        !STEP(sealwax_roster_propose_remove(ROSTER_OF(GROUP), IDENTITY_OF(ALICE), "bob", 3, NOW, entry, sizeof entry,
                                            &entry_len)) ||
        !keep(fixture, REMOVAL, entry, entry_len) ||
        !keep_hex(fixture, GROUP_ID, SEALWAX_GROUP_ID_LEN, GROUP, "\"group_id\":\""))
        return 0;
    if (!add_carol(fixture, FORKED_GROUP, SEALWAX_ROLE_MEMBER, entry, sizeof entry, &entry_len) ||
        !add_carol(fixture, FORKED_GROUP, SEALWAX_ROLE_ADMIN, other, sizeof other, &other_len) ||
        !STEP(sealwax_roster_apply(ROSTER_OF(FORKED_GROUP), entry, entry_len, NOW)))
        return 0;
    forked = sealwax_roster_apply(ROSTER_OF(FORKED_GROUP), other, other_len, NOW);
    return forked == SEALWAX_ROSTER_FORKED && keep_hex(fixture, CHOSEN, 32, FORKED_GROUP, "\"hash\":\"");
}

static int receiver_new(struct fixture *fixture, enum object object, const char *options) {
    sealwax_group_receiver *receiver = NULL;
    if (!STEP(sealwax_group_receiver_new(IDENTITY_OF(BOB), ROSTER_OF(GROUP), options, strlen(options), NOW,
                                         &receiver)))
        return 0;
    fixture->objects[object] = receiver;
    return 1;
}

static int distribute(const struct fixture *fixture, unsigned char *out, size_t out_cap, size_t *out_len) {
    return STEP(sealwax_group_sender_distribute(SENDER_OF(ALICE_SENDS), SESSION_OF(ALICE_WITH_BOB), NOW, out, out_cap,
                                                out_len));
}

static int distribute_to(const struct fixture *fixture, enum object receiver) {
    unsigned char envelope[4096];
    size_t len;
    return distribute(fixture, envelope, sizeof envelope, &len) &&
           STEP(sealwax_group_receiver_install(RECEIVER_OF(receiver), SESSION_OF(BOB_WITH_ALICE), envelope, len, NOW));
}

/* Alice sends under a key that both receivers have; one also has its successor, so that it can share the first. */
static int group_messages(struct fixture *fixture) {
    unsigned char out[4096];
    size_t len;
    fixture->objects[ALICE_SENDS] = object_new(fixture, SENDER);
    return fixture->objects[ALICE_SENDS] != NULL && receiver_new(fixture, BOB_RECEIVES, "") &&
           receiver_new(fixture, BOB_RETAINS, "{\"retain_history\":true}") && distribute_to(fixture, BOB_RECEIVES) &&
           distribute_to(fixture, BOB_RETAINS) &&
           keep_hex(fixture, KEY_ID, SEALWAX_KEY_ID_LEN, ALICE_SENDS, "\"key_id\":\"") &&
           STEP(sealwax_group_sender_encrypt(SENDER_OF(ALICE_SENDS), "all", 3, NOW, out, sizeof out, &len)) &&
           keep(fixture, GROUP_ENVELOPE, out, len) &&
           STEP(sealwax_group_sender_rotate(SENDER_OF(ALICE_SENDS), NOW)) && distribute_to(fixture, BOB_RETAINS) &&
           distribute(fixture, out, sizeof out, &len) && keep(fixture, DISTRIBUTION, out, len) &&
           STEP(sealwax_group_sender_export(SENDER_OF(ALICE_SENDS), INPUT_OF(KEY), 0, out, sizeof out, &len)) &&
           keep(fixture, SEALED_SENDER, out, len) &&
           STEP(sealwax_group_receiver_export(RECEIVER_OF(BOB_RECEIVES), INPUT_OF(KEY), out, sizeof out, &len)) &&
           keep(fixture, SEALED_RECEIVER, out, len);
}

/* A call on the relay whose deliveries nobody looks at. */
#define RELAYED(call) (STEP(call) && STEP(sealwax_deliveries_free(deliveries)))

/* Alice, Bob, Carol and the group of the first two are known to the relay, and a message waits for Bob. */
static int relay(struct fixture *fixture) {
    unsigned char envelope[4096];
    size_t len, records;
    sealwax_deliveries *deliveries = NULL;
    const sealwax_record *record = NULL;
    fixture->objects[POST] = object_new(fixture, RELAY);
    if (fixture->objects[POST] == NULL ||
        !RELAYED(sealwax_relay_register(RELAY_OF(POST), "alice", 5, INPUT_OF(ALICE_CARD), NOW, &deliveries)) ||
        !RELAYED(sealwax_relay_register(RELAY_OF(POST), "bob", 3, INPUT_OF(BOB_CARD), NOW, &deliveries)) ||
        !RELAYED(sealwax_relay_register(RELAY_OF(POST), "carol", 5, INPUT_OF(CAROL_CARD), NOW, &deliveries)) ||
        !RELAYED(sealwax_relay_publish(RELAY_OF(POST), "bob", 3, INPUT_OF(BOB_PREKEYS), NOW, &deliveries)) ||
        !RELAYED(sealwax_relay_commit(RELAY_OF(POST), "alice", 5, INPUT_OF(LOG), NOW, &deliveries)) ||
        !RELAYED(sealwax_relay_set_online(RELAY_OF(POST), "bob", 3, 1, NOW, &deliveries)) ||
        !RELAYED(sealwax_relay_connect(RELAY_OF(POST), 1, "alice", 5, NOW, &deliveries)))
        return 0;
    if (!STEP(sealwax_session_encrypt(SESSION_OF(ALICE_WITH_BOB), "one", 3, NOW, envelope, sizeof envelope, &len)) ||
        !STEP(sealwax_relay_route(RELAY_OF(POST), "alice", 5, envelope, len, NOW, &deliveries)))
        return 0;
    fixture->objects[MAIL] = deliveries;
    return STEP(sealwax_deliveries_records(deliveries, &record, &records)) && records > 0 &&
           keep(fixture, RECORD_NAME, record->name.ptr, record->name.len) &&
           keep(fixture, RECORD, record->value.ptr, record->value.len) &&
           STEP(sealwax_session_encrypt(SESSION_OF(ALICE_WITH_BOB), "two", 3, NOW, envelope, sizeof envelope, &len)) &&
           keep(fixture, TO_BOB, envelope, len);
}

#define PIECE_LEN 4097

static int opening_new(struct fixture *fixture, enum object object, const char *options) {
    sealwax_stream_open *opening = NULL;
    if (!STEP(sealwax_stream_open_new(INPUT_OF(REFERENCE), INPUT_OF(STREAM_HEADER), options, strlen(options), &opening)))
        return 0;
    fixture->objects[object] = opening;
    return 1;
}

/* A file of a full chunk and one byte more, sealed and in several states of being read. */
static int attachments(struct fixture *fixture) {
    static unsigned char piece[PIECE_LEN];
    unsigned char body[8192], out[8192];
    uint8_t header[SEALWAX_STREAM_HEADER_LEN];
    size_t i, len, last_len;
    sealwax_stream_seal *seal = NULL;
    for (i = 0; i < sizeof piece; i++)
        piece[i] = (unsigned char)(i * 31);
    fixture->objects[FED] = object_new(fixture, SEAL);
    fixture->objects[IN_CHUNKS] = object_new(fixture, SEAL);
    if (!keep(fixture, PIECE, piece, sizeof piece) || fixture->objects[FED] == NULL ||
        fixture->objects[IN_CHUNKS] == NULL ||
        !STEP(sealwax_stream_seal_new("{\"chunk_size\":4096}", 19, header, &seal)))
        return 0;
    fixture->objects[SEALED] = seal;
    if (!STEP(sealwax_stream_seal_update(seal, piece, sizeof piece, body, sizeof body, &len)) ||
        !STEP(sealwax_stream_seal_finish(seal, body + len, sizeof body - len, &last_len)) ||
        !keep(fixture, SEALED_CHUNK, body, len) || !keep(fixture, SEALED_BODY, body, len + last_len) ||
        !keep(fixture, STREAM_HEADER, header, sizeof header) ||
        !STEP(sealwax_stream_seal_reference(seal, out, sizeof out, &len)) || !keep(fixture, REFERENCE, out, len))
        return 0;
    return opening_new(fixture, READ, "") && opening_new(fixture, READ_WHOLE, "") &&
           opening_new(fixture, AT_RANDOM, "{\"digest\":false}") &&
           STEP(sealwax_stream_open_update(OPENING_OF(READ_WHOLE), INPUT_OF(SEALED_BODY), out, sizeof out, &len)) &&
           len == PIECE_LEN && memcmp(out, piece, len) == 0;
}

/* A client on a connection, to which nobody has said anything yet. */
static sealwax_client *client_new(const struct fixture *fixture) {
    static const char options[] =
        "{\"method\":\"host\",\"prekeys_required\":false,\"acks\":true,\"one_time_prekeys\":2}";
    sealwax_client *client = NULL;
    if (STEP(sealwax_client_create("dave", 4, NULL, 0, INPUT_OF(KEY), options, sizeof options - 1, NOW, &client)))
        (void)STEP(sealwax_client_connected(client, NULL, 0, NOW));
    return client;
}

static sealwax_event *event_of(sealwax_client *client) {
    sealwax_event *event = NULL;
    return STEP(sealwax_client_next_event(client, &event)) ? event : NULL;
}

/* A number of several bytes, and what follows it. */
static unsigned char *put_number(unsigned char *at, uint64_t number, int size) {
    while (size-- > 0)
        *at++ = size < 8 ? (unsigned char)(number >> (8 * size)) : 0;
    return at;
}

/* Gives a client a message of Alice's as a relay does, in a frame of type 12. */
static int deliver(struct fixture *fixture, sealwax_client *client, const unsigned char *head, sealwax_session *session,
                   uint64_t sequence) {
    unsigned char frame[4096], envelope[2048], *at = frame;
    size_t len;
    if (!STEP(sealwax_session_encrypt(session, "hello", 5, NOW, envelope, sizeof envelope, &len)))
        return 0;
    memcpy(frame, head, 5);
    at = put_number(put_number(at + 5, 12, 1), 0, 4);
    at = put_number(put_number(put_number(at, sequence, 8), 0, 1), len, 4);
    memcpy(at, envelope, len);
    free(fixture->bytes[DELIVER].data);
    return keep(fixture, DELIVER, frame, (size_t)(at - frame) + len) &&
           STEP(sealwax_client_receive(client, INPUT_OF(DELIVER), NOW));
}

/* The fixture is the client's relay: it welcomes it, in a frame of type 15, and delivers. */
static int clients(struct fixture *fixture) {
    unsigned char frame[2048], card[SEALWAX_CARD_MAX], *at = frame;
    size_t len, card_len;
    sealwax_client *client = client_new(fixture);
    sealwax_session *session = NULL;
    sealwax_event *connected;
    int delivered;
    fixture->objects[DAVE_APP] = client;
    if (client == NULL || !keep_text(fixture, NO_PATH, "/nowhere/at/all/store") ||
        !keep_hex(fixture, ALICE_FINGERPRINT, SEALWAX_FINGERPRINT_LEN, ALICE, "\"fingerprint\":\"") ||
        !STEP(sealwax_client_next_frame(client, frame, sizeof frame, &len)) ||
        !STEP(sealwax_client_card(client, NULL, 0, card, sizeof card, &card_len)))
        return 0;
    frame[5] = 15;
    at = put_number(put_number(at + 10, NOW, 8), 7, 16);
    at = put_number(put_number(put_number(put_number(at, 0, 8), 0, 8), 0, 8), 0, 8);
    at = put_number(put_number(at, 0, 2), 1048576, 4);
    if (!STEP(sealwax_client_receive(client, frame, (size_t)(at - frame), NOW)) ||
        !STEP(sealwax_session_initiate(IDENTITY_OF(ALICE), card, card_len, NULL, 0, NULL, 0, NOW, &session)))
        return 0;
    delivered = deliver(fixture, client, frame, session, 1) && deliver(fixture, client, frame, session, 2);
    connected = event_of(client);
    fixture->objects[NEWS] = event_of(client);
    return STEP(sealwax_session_free(session)) && STEP(sealwax_event_free(connected)) && delivered &&
           connected != NULL && fixture->objects[NEWS] != NULL;
}

static int dead_handles(struct fixture *fixture) {
    int type;
    for (type = 0; type < TYPES; type++) {
        fixture->stale[type] = object_new(fixture, (enum type)type);
        if (!STEP(object_free((enum type)type, fixture->stale[type])))
            return 0;
        fixture->newer[type] = object_new(fixture, (enum type)type);
        fixture->freed[type] = object_new(fixture, (enum type)type);
        if (fixture->newer[type] == NULL || !STEP(object_free((enum type)type, fixture->freed[type])))
            return 0;
    }
    return 1;
}

int fixture_open(struct fixture *fixture) {
    static const unsigned char key[SEALWAX_KEY_LEN] = {7};
    memset(fixture, 0, sizeof *fixture);
    return keep_text(fixture, USER, "dave") && keep_text(fixture, ALICE_NAME, "alice") &&
           keep_text(fixture, BOB_NAME, "bob") && keep_text(fixture, CAROL_NAME, "carol") &&
           keep_text(fixture, LABEL, "team") && keep_text(fixture, OPTIONS, "{\"v\":1}") &&
           keep_text(fixture, FUNCTION_NAME, "sealwax_identity_new") && keep(fixture, KEY, key, sizeof key) &&
           keep_text(fixture, PLAINTEXT, "attack at dawn") && identities(fixture) && sessions(fixture) &&
           groups(fixture) && group_messages(fixture) && relay(fixture) && attachments(fixture) &&
           clients(fixture) && dead_handles(fixture);
}

void fixture_close(struct fixture *fixture) {
    int i;
    for (i = 0; i < OBJECTS; i++)
        (void)object_free(type_of((enum object)i), fixture->objects[i]);
    for (i = 0; i < TYPES; i++)
        (void)object_free((enum type)i, fixture->newer[i]);
    for (i = 0; i < BYTES_COUNT; i++)
        free(fixture->bytes[i].data);
}

void *object_new(const struct fixture *fixture, enum type type) {
    sealwax_identity *identity = NULL;
    sealwax_session *session = NULL;
    sealwax_roster *roster = NULL;
    sealwax_group_sender *sender = NULL;
    sealwax_group_receiver *receiver = NULL;
    sealwax_relay *post = NULL;
    sealwax_deliveries *mail = NULL;
    sealwax_stream_seal *seal = NULL;
    sealwax_stream_open *opening = NULL;
    sealwax_client *client = NULL;
    sealwax_event *event = NULL;
    uint8_t header[SEALWAX_STREAM_HEADER_LEN];
    switch (type) {
    case IDENTITY:
        return STEP(sealwax_identity_import(INPUT_OF(KEY), INPUT_OF(SEALED_IDENTITY), &identity)) ? identity : NULL;
    case SESSION:
        return STEP(sealwax_session_import(IDENTITY_OF(ALICE), INPUT_OF(KEY), INPUT_OF(SEALED_SESSION), &session))
                   ? session
                   : NULL;
    case ROSTER:
        return STEP(sealwax_roster_open(INPUT_OF(LOG), &roster)) ? roster : NULL;
    case SENDER:
        return STEP(sealwax_group_sender_new(IDENTITY_OF(ALICE), ROSTER_OF(GROUP), NULL, 0, NOW, &sender)) ? sender
                                                                                                           : NULL;
    case RECEIVER:
        return STEP(sealwax_group_receiver_new(IDENTITY_OF(BOB), ROSTER_OF(GROUP), NULL, 0, NOW, &receiver))
                   ? receiver
                   : NULL;
    case RELAY:
        return STEP(sealwax_relay_new("{\"name\":\"post\"}", 15, &post)) ? post : NULL;
    case DELIVERIES:
        return STEP(sealwax_relay_set_online(RELAY_OF(POST), "bob", 3, 1, NOW, &mail)) ? mail : NULL;
    case SEAL:
        return STEP(sealwax_stream_seal_new("{\"chunk_size\":4096}", 19, header, &seal)) ? seal : NULL;
    case OPENING:
        return STEP(sealwax_stream_open_new(INPUT_OF(REFERENCE), INPUT_OF(STREAM_HEADER), NULL, 0, &opening)) ? opening
                                                                                                              : NULL;
    case CLIENT:
        return client_new(fixture);
    case EVENT: /* that a relay talks nonsense */
        client = client_new(fixture);
        if (STEP(sealwax_client_receive(client, "", 0, NOW)))
            event = event_of(client);
        (void)sealwax_client_free(client);
        return event;
    default:
        return NULL;
    }
}

sealwax_status object_free(enum type type, void *handle) {
    switch (type) {
    case IDENTITY:
        return sealwax_identity_free((sealwax_identity *)handle);
    case SESSION:
        return sealwax_session_free((sealwax_session *)handle);
    case ROSTER:
        return sealwax_roster_free((sealwax_roster *)handle);
    case SENDER:
        return sealwax_group_sender_free((sealwax_group_sender *)handle);
    case RECEIVER:
        return sealwax_group_receiver_free((sealwax_group_receiver *)handle);
    case RELAY:
        return sealwax_relay_free((sealwax_relay *)handle);
    case DELIVERIES:
        return sealwax_deliveries_free((sealwax_deliveries *)handle);
    case SEAL:
        return sealwax_stream_seal_free((sealwax_stream_seal *)handle);
    case OPENING:
        return sealwax_stream_open_free((sealwax_stream_open *)handle);
    case CLIENT:
        return sealwax_client_free((sealwax_client *)handle);
    case EVENT:
        return sealwax_event_free((sealwax_event *)handle);
    default:
        return SEALWAX_INVALID_HANDLE;
    }
}

sealwax_status object_info(enum type type, const void *handle, void *out, size_t out_cap, size_t *out_len) {
    switch (type) {
    case IDENTITY:
        return sealwax_identity_info((const sealwax_identity *)handle, out, out_cap, out_len);
    case SESSION:
        return sealwax_session_info((const sealwax_session *)handle, out, out_cap, out_len);
    case ROSTER:
        return sealwax_roster_info((const sealwax_roster *)handle, out, out_cap, out_len);
    case SENDER:
        return sealwax_group_sender_info((const sealwax_group_sender *)handle, out, out_cap, out_len);
    case RECEIVER:
        return sealwax_group_receiver_info((const sealwax_group_receiver *)handle, out, out_cap, out_len);
    case RELAY:
        return sealwax_relay_info((const sealwax_relay *)handle, out, out_cap, out_len);
    case SEAL: /* whether it is done shows in its reference */
        return sealwax_stream_seal_reference((const sealwax_stream_seal *)handle, out, out_cap, out_len);
    case OPENING:
        *out_len = 0;
        return sealwax_stream_open_finish((const sealwax_stream_open *)handle);
    case CLIENT:
        return sealwax_client_info((sealwax_client *)(uintptr_t)handle, out, out_cap, out_len);
    case EVENT:
        return sealwax_event_json((const sealwax_event *)handle, out, out_cap, out_len);
    default: /* deliveries never change */
        *out_len = 0;
        return SEALWAX_INVALID_HANDLE;
    }
}

static int session_works(const struct fixture *fixture, enum object from, enum object to) {
    unsigned char envelope[1024], out[1024];
    size_t envelope_len, len;
    return STEP(sealwax_session_encrypt(SESSION_OF(from), "direct", 6, LATER, envelope, sizeof envelope,
                                        &envelope_len)) &&
           STEP(sealwax_session_decrypt(SESSION_OF(to), envelope, envelope_len, LATER, out, sizeof out, &len)) &&
           len == 6 && memcmp(out, "direct", len) == 0;
}

static int group_works(const struct fixture *fixture) {
    unsigned char envelope[1024], out[1024];
    size_t envelope_len, len;
    return STEP(sealwax_group_sender_rotate(SENDER_OF(ALICE_SENDS), LATER)) && distribute_to(fixture, BOB_RECEIVES) &&
           STEP(sealwax_group_sender_encrypt(SENDER_OF(ALICE_SENDS), "group", 5, LATER, envelope, sizeof envelope,
                                             &envelope_len)) &&
           STEP(sealwax_group_receiver_decrypt(RECEIVER_OF(BOB_RECEIVES), envelope, envelope_len, LATER, out,
                                               sizeof out, &len)) &&
           len == 5 && memcmp(out, "group", len) == 0;
}

static int relay_works(const struct fixture *fixture) {
    unsigned char envelope[1024];
    size_t len, count = 0;
    sealwax_deliveries *deliveries = NULL;
    const sealwax_delivery *delivery = NULL;
    int delivered;
    if (!STEP(sealwax_session_encrypt(SESSION_OF(ALICE_WITH_BOB), "x", 1, LATER, envelope, sizeof envelope, &len)) ||
        !STEP(sealwax_relay_route(RELAY_OF(POST), "alice", 5, envelope, len, LATER, &deliveries)))
        return 0;
    delivered = STEP(sealwax_deliveries_view(deliveries, &delivery, &count)) && count == 1 &&
                delivery->payload.len == len && memcmp(delivery->payload.ptr, envelope, len) == 0;
    return STEP(sealwax_deliveries_free(deliveries)) && delivered;
}

static int attachment_works(const struct fixture *fixture) {
    unsigned char out[8192];
    size_t len;
    return STEP(sealwax_stream_open_chunk(OPENING_OF(AT_RANDOM), 0, INPUT_OF(SEALED_CHUNK), out, sizeof out, &len)) &&
           len == 4096 && memcmp(out, fixture->bytes[PIECE].data, len) == 0 &&
           STEP(sealwax_stream_open_finish(OPENING_OF(READ_WHOLE)));
}

static int client_works(const struct fixture *fixture) {
    uint8_t id[SEALWAX_ID_LEN];
    sealwax_pending pending;
    return STEP(sealwax_client_send_direct(CLIENT_OF(DAVE_APP), "alice", 5, SEALWAX_CONTENT_TEXT, "hi", 2, 0, LATER,
                                           id)) &&
           STEP(sealwax_client_pending(CLIENT_OF(DAVE_APP), &pending));
}

int fixture_works(const struct fixture *fixture) {
    return session_works(fixture, ALICE_WITH_BOB, BOB_WITH_ALICE) &&
           session_works(fixture, BOB_WITH_ALICE, ALICE_WITH_BOB) && group_works(fixture) && relay_works(fixture) &&
           attachment_works(fixture) && client_works(fixture);
}

/* FNV-1a. */
static uint64_t mix(uint64_t digest, const void *data, size_t len) {
    const unsigned char *bytes = (const unsigned char *)data;
    size_t i;
    for (i = 0; i < len; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    return digest;
}

uint64_t fixture_digest(const struct fixture *fixture) {
    uint64_t digest = UINT64_C(14695981039346656037);
    int i;
    for (i = 0; i < OBJECTS; i++) {
        unsigned char info[8192];
        size_t len;
        uint64_t revision;
        sealwax_status status = sealwax_handle_revision(fixture->objects[i], &revision);
        digest = mix(mix(digest, &status, sizeof status), &revision, sizeof revision);
        status = object_info(type_of((enum object)i), fixture->objects[i], info, sizeof info, &len);
        digest = mix(mix(digest, &status, sizeof status), info, len);
    }
    return digest;
}
