/* Two clients and their relay in one process: a conversation, a group, a host that is woken, and a client that comes
 * back from a file. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW UINT64_C(1700000000000)
#define PEOPLE 2

static const char *const names[PEOPLE] = {"alice", "bob"};
static const unsigned char key[SEALWAX_KEY_LEN] = {7};
static sealwax_relay *relay;
static sealwax_client *clients[PEOPLE];

/* The connection of each person; no two ever have the same number. */
static uint64_t connections[PEOPLE], last_connection;

static int whose(uint64_t connection) {
    int person = 0;
    while (person < PEOPLE && connections[person] != connection)
        person++;
    return person;
}

static void deliver(sealwax_deliveries *deliveries) {
    const sealwax_delivery *delivery = NULL;
    size_t count = 0, i;
    CHECK_OK(sealwax_deliveries_view(deliveries, &delivery, &count));
    for (i = 0; i < count; i++) {
        size_t len = delivery[i].head.len + delivery[i].payload.len;
        unsigned char *frame = (unsigned char *)malloc(len);
        const int person = whose(delivery[i].connection);
        CHECK(frame != NULL && person < PEOPLE);
        if (frame != NULL && person < PEOPLE) {
            memcpy(frame, delivery[i].head.ptr, delivery[i].head.len);
            if (delivery[i].payload.len > 0)
                memcpy(frame + delivery[i].head.len, delivery[i].payload.ptr, delivery[i].payload.len);
            CHECK_OK(sealwax_client_receive(clients[person], frame, len, NOW));
        }
        free(frame);
    }
    CHECK_OK(sealwax_deliveries_free(deliveries));
}

static void connect_person(int person) {
    sealwax_deliveries *deliveries = NULL;
    connections[person] = ++last_connection;
    CHECK_OK(sealwax_relay_connect(relay, connections[person], NULL, 0, NOW, &deliveries));
    deliver(deliveries);
    CHECK_OK(sealwax_client_connected(clients[person], "relay.example", 13, NOW));
}

static void disconnect_person(int person) {
    sealwax_deliveries *deliveries = NULL;
    CHECK_OK(sealwax_relay_disconnect(relay, connections[person], NOW, &deliveries));
    deliver(deliveries);
    CHECK_OK(sealwax_client_disconnected(clients[person], NOW));
}

/* Frames go to and fro until nothing moves. */
static void run(void) {
    static unsigned char frame[1 << 16];
    int moved = 1, person;
    while (moved) {
        moved = 0;
        for (person = 0; person < PEOPLE; person++) {
            size_t len = 0;
            while (sealwax_client_next_frame(clients[person], frame, sizeof frame, &len) == SEALWAX_OK && len > 0) {
                sealwax_deliveries *deliveries = NULL;
                moved = 1;
                CHECK_OK(sealwax_relay_receive(relay, connections[person], frame, len, NOW, &deliveries));
                deliver(deliveries);
            }
        }
    }
}

/* Takes out events up to the next one of a kind, and confirms them; NULL if there is none. */
static sealwax_event *next(int person, uint32_t kind, sealwax_event_fields *fields) {
    sealwax_event *event = NULL;
    while (sealwax_client_next_event(clients[person], &event) == SEALWAX_OK && event != NULL) {
        CHECK_OK(sealwax_event_view(event, fields));
        CHECK_OK(sealwax_client_confirm(clients[person], fields->number));
        if (fields->kind == kind)
            return event;
        CHECK_OK(sealwax_event_free(event));
    }
    CHECK(!"no such event");
    return NULL;
}

static int is(sealwax_slice slice, const char *text) {
    return slice.len == strlen(text) && memcmp(slice.ptr, text, slice.len) == 0;
}

static void people_talk(void) {
    uint8_t id[SEALWAX_ID_LEN];
    char mine[SEALWAX_SAFETY_DIGITS + 1], theirs[SEALWAX_SAFETY_DIGITS + 1];
    unsigned char qr[256];
    char json[1024];
    size_t len;
    sealwax_event_fields fields;
    sealwax_event *event;
    CHECK_OK(sealwax_client_send_direct(clients[0], "bob", 3, SEALWAX_CONTENT_TEXT, "attack at dawn", 14, 0, NOW, id));
    run();
    event = next(1, SEALWAX_EVENT_MESSAGE, &fields);
    CHECK(is(fields.user, "alice") && is(fields.payload, "attack at dawn"));
    CHECK(fields.content_type == SEALWAX_CONTENT_TEXT && memcmp(fields.message_id, id, sizeof id) == 0);
    CHECK_OK(sealwax_event_json(event, json, sizeof json - 1, &len));
    json[len] = 0;
    CHECK(strstr(json, "\"kind\":\"message\"") != NULL && strstr(json, "dawn") == NULL);
    CHECK_OK(sealwax_event_free(event));
    event = next(0, SEALWAX_EVENT_ACK, &fields);
    CHECK(fields.state == SEALWAX_STATE_SENT && memcmp(fields.message_id, id, sizeof id) == 0);
    CHECK_OK(sealwax_event_free(event));
    CHECK_OK(sealwax_client_safety_number(clients[0], "bob", 3, mine, qr, sizeof qr, &len));
    CHECK_OK(sealwax_client_safety_number(clients[1], "alice", 5, theirs, qr, sizeof qr, &len));
    CHECK(strcmp(mine, theirs) == 0);
}

/* Without a parser of JSON. */
static void a_group_is_seen(const uint8_t *group) {
    uint8_t ids[2 * SEALWAX_GROUP_ID_LEN], own[SEALWAX_FINGERPRINT_LEN], peers[SEALWAX_FINGERPRINT_LEN];
    sealwax_group_state state;
    sealwax_member members[PEOPLE];
    size_t len = 0;
    CHECK_OK(sealwax_client_groups(clients[0], ids, sizeof ids, &len));
    CHECK(len == SEALWAX_GROUP_ID_LEN && memcmp(ids, group, len) == 0);
    CHECK_OK(sealwax_client_group_state(clients[1], group, SEALWAX_GROUP_ID_LEN, &state));
    CHECK(strcmp(state.label, "team-42") == 0 && state.label_len == 7 && state.epoch == 0 && state.branches == 0);
    CHECK(state.members == PEOPLE && state.role == SEALWAX_ROLE_MEMBER && state.flags == 0);
    CHECK(memcmp(state.hash, group, sizeof state.hash) == 0);
    CHECK_STATUS(sealwax_client_group_members(clients[0], group, SEALWAX_GROUP_ID_LEN, NULL, 0, &len),
                 SEALWAX_BUFFER_TOO_SMALL);
    CHECK(len == sizeof members);
    CHECK_OK(sealwax_client_group_members(clients[0], group, SEALWAX_GROUP_ID_LEN, members, sizeof members, &len));
    CHECK(strcmp(members[0].user, "alice") == 0 && members[0].role == SEALWAX_ROLE_OWNER);
    CHECK(strcmp(members[1].user, "bob") == 0 && members[1].role == SEALWAX_ROLE_MEMBER);
    CHECK_OK(sealwax_client_fingerprint(clients[0], NULL, 0, own));
    CHECK_OK(sealwax_client_fingerprint(clients[1], "alice", 5, peers));
    CHECK(memcmp(own, peers, sizeof own) == 0 && memcmp(own, members[0].fingerprint, sizeof own) == 0);
}

static void a_group_reads(void) {
    sealwax_slice bob;
    uint64_t request = 0;
    uint8_t id[SEALWAX_ID_LEN], group[SEALWAX_GROUP_ID_LEN];
    char info[4096];
    size_t len;
    sealwax_event_fields fields;
    sealwax_event *event;
    bob.ptr = "bob";
    bob.len = 3;
    CHECK_OK(sealwax_client_create_group(clients[0], "team-42", 7, &bob, 1, 0, NOW, &request));
    CHECK(request > 0);
    run();
    event = next(0, SEALWAX_EVENT_DONE, &fields);
    CHECK(fields.request == request && fields.group.len == sizeof group);
    if (fields.group.len == sizeof group)
        memcpy(group, fields.group.ptr, sizeof group);
    CHECK_OK(sealwax_event_free(event));
    event = next(1, SEALWAX_EVENT_GROUP_JOINED, &fields);
    CHECK(is(fields.label, "team-42") && is(fields.by, "alice"));
    CHECK_OK(sealwax_event_free(event));
    CHECK_OK(sealwax_client_send_group(clients[1], group, sizeof group, SEALWAX_CONTENT_BINARY, "\0\1", 2, 0, NOW, id));
    run();
    event = next(0, SEALWAX_EVENT_GROUP_MESSAGE, &fields);
    CHECK(is(fields.user, "bob") && fields.payload.len == 2 && memcmp(fields.payload.ptr, "\0\1", 2) == 0);
    CHECK(fields.group.len == sizeof group && memcmp(fields.group.ptr, group, sizeof group) == 0);
    CHECK_OK(sealwax_event_free(event));
    CHECK_OK(sealwax_client_group_info(clients[1], group, sizeof group, info, sizeof info - 1, &len));
    info[len] = 0;
    CHECK(strstr(info, "\"owner\"") != NULL);
    a_group_is_seen(group);
}

static void count(void *user_data) { ++*(int *)user_data; }

static void a_host_is_woken(void) {
    int woken = 0;
    uint8_t id[SEALWAX_ID_LEN];
    sealwax_pending pending;
    CHECK_OK(sealwax_client_on_wake(clients[0], count, &woken));
    CHECK_OK(sealwax_client_send_direct(clients[0], "bob", 3, SEALWAX_CONTENT_TEXT, "1", 1, 0, NOW, id));
    CHECK_OK(sealwax_client_send_direct(clients[0], "bob", 3, SEALWAX_CONTENT_TEXT, "2", 1, 0, NOW, id));
    CHECK(woken == 1);
    CHECK_OK(sealwax_client_pending(clients[0], &pending));
    CHECK(pending.frames > 0 && pending.due_ms > NOW && pending.wants_disconnect == 0);
    CHECK_OK(sealwax_client_on_wake(clients[0], NULL, NULL));
    run();
}

static void a_client_comes_back_from_its_file(void) {
    char path[64], other[80];
    sealwax_event_fields fields;
    sealwax_event *event;
    uint8_t id[SEALWAX_ID_LEN];
    size_t path_len;
    snprintf(path, sizeof path, "/tmp/sealwax-clients-%ld", (long)getpid());
    path_len = strlen(path);
    disconnect_person(1);
    CHECK_OK(sealwax_client_free(clients[1]));
    CHECK_STATUS(sealwax_client_open(path, path_len, key, sizeof key, NULL, 0, NOW, &clients[1]), SEALWAX_WRONG_STATE);
    CHECK_OK(sealwax_client_create("carol", 5, path, path_len, key, sizeof key, NULL, 0, NOW, &clients[1]));
    connect_person(1);
    run();
    CHECK_OK(sealwax_client_send_direct(clients[0], "carol", 5, SEALWAX_CONTENT_TEXT, "once", 4, 0, NOW, id));
    run();
    /* It was received and is not confirmed. */
    disconnect_person(1);
    CHECK_OK(sealwax_client_free(clients[1]));
    CHECK_OK(sealwax_client_open(path, path_len, key, sizeof key, NULL, 0, NOW, &clients[1]));
    event = next(1, SEALWAX_EVENT_MESSAGE, &fields);
    CHECK(is(fields.payload, "once") && (fields.flags & SEALWAX_EVENT_FLAG_AGAIN) != 0);
    CHECK_OK(sealwax_event_free(event));
    CHECK_OK(sealwax_client_free(clients[1]));
    CHECK_OK(sealwax_client_open(path, path_len, key, sizeof key, NULL, 0, NOW, &clients[1]));
    event = NULL;
    CHECK_OK(sealwax_client_next_event(clients[1], &event));
    CHECK(event == NULL);
    CHECK_OK(sealwax_client_free(clients[1]));
    clients[1] = NULL;
    CHECK(unlink(path) == 0);
    snprintf(other, sizeof other, "%s-lock", path);
    CHECK(unlink(other) == 0);
}

int main(void) {
    int person;
    CHECK_OK(sealwax_relay_new("{\"name\":\"relay.example\"}", 24, &relay));
    for (person = 0; person < PEOPLE; person++) {
        CHECK_OK(sealwax_client_create(names[person], strlen(names[person]), NULL, 0, key, sizeof key, NULL, 0, NOW,
                                       &clients[person]));
        connect_person(person);
    }
    run();
    people_talk();
    a_group_reads();
    a_host_is_woken();
    a_client_comes_back_from_its_file();
    for (person = 0; person < PEOPLE; person++)
        CHECK_OK(sealwax_client_free(clients[person]));
    CHECK_OK(sealwax_relay_free(relay));
    return finish();
}
