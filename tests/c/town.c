/* Three clients and their relay, each client in four threads at once: one takes frames out, one feeds what the relay
 * delivers, one writes, and one pops events; a fifth looks at everything. Every message is shown once. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define NOW UINT64_C(1700000000000)
#define PEOPLE 3
#define THREADS 4
/* Deliveries to one connection. */
#define INBOX_MAX 65536
/* Whoever is not done by then never will be. */
#define DEADLINE_S 120

static const char *const names[PEOPLE] = {"alice", "bob", "carol"};
static const unsigned char key[SEALWAX_KEY_LEN] = {7};
static sealwax_relay *relay;
static sealwax_client *clients[PEOPLE];
static uint8_t group[SEALWAX_GROUP_ID_LEN];
static int messages;

/* What is on its way to a connection: what has a sequence, in the order of the sequences; all else as it came. */
struct inbox {
    pthread_mutex_t lock;
    struct {
        unsigned char *frame;
        size_t len;
    } numbered[INBOX_MAX], other[INBOX_MAX];
    size_t next_numbered, next_other, others;
};
static struct inbox inboxes[PEOPLE];

/* What threads tell each other. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t time_ms = NOW;
static int done, finished[PEOPLE];
/* How often each message was shown: to whom, of whom, in the group or not, which. */
static unsigned char shown[PEOPLE][PEOPLE][2][1024];

/* Time passes as it is looked at. */
static uint64_t now(void) {
    uint64_t at;
    pthread_mutex_lock(&lock);
    at = time_ms++;
    pthread_mutex_unlock(&lock);
    return at;
}

static int is_done(void) {
    int is;
    pthread_mutex_lock(&lock);
    is = done;
    pthread_mutex_unlock(&lock);
    return is;
}

static void nap(void) {
    struct timespec rest = {0, 200000};
    nanosleep(&rest, NULL);
}

/* A check in any thread. */
static void must(sealwax_status status, const char *what, int line) {
    if (status == SEALWAX_OK)
        return;
    pthread_mutex_lock(&lock);
    check_status_at(status, SEALWAX_OK, what, __FILE__, line);
    pthread_mutex_unlock(&lock);
}
#define MUST(call) must((call), #call, __LINE__)

/* Copies deliveries into the inboxes of their connections, which are the numbers of people from 1 on. */
static void hand_over(sealwax_deliveries *deliveries) {
    const sealwax_delivery *delivery = NULL;
    size_t count = 0, i;
    MUST(sealwax_deliveries_view(deliveries, &delivery, &count));
    for (i = 0; i < count; i++) {
        struct inbox *inbox = &inboxes[delivery[i].connection - 1];
        size_t len = delivery[i].head.len + delivery[i].payload.len;
        unsigned char *frame = (unsigned char *)malloc(len);
        if (frame == NULL)
            abort();
        memcpy(frame, delivery[i].head.ptr, delivery[i].head.len);
        if (delivery[i].payload.len > 0)
            memcpy(frame + delivery[i].head.len, delivery[i].payload.ptr, delivery[i].payload.len);
        pthread_mutex_lock(&inbox->lock);
        if (delivery[i].sequence >= INBOX_MAX || inbox->others == INBOX_MAX)
            abort();
        if (delivery[i].sequence > 0) {
            inbox->numbered[delivery[i].sequence].frame = frame;
            inbox->numbered[delivery[i].sequence].len = len;
        } else {
            inbox->other[inbox->others].frame = frame;
            inbox->other[inbox->others++].len = len;
        }
        pthread_mutex_unlock(&inbox->lock);
    }
    MUST(sealwax_deliveries_free(deliveries));
}

/* Gives a client the next frame that is due, if there is one. */
static int feed(int person) {
    struct inbox *inbox = &inboxes[person];
    unsigned char *frame = NULL;
    size_t len = 0;
    pthread_mutex_lock(&inbox->lock);
    if (inbox->next_other < inbox->others) {
        frame = inbox->other[inbox->next_other].frame;
        len = inbox->other[inbox->next_other++].len;
    } else if (inbox->numbered[inbox->next_numbered + 1].frame != NULL) {
        inbox->next_numbered++;
        frame = inbox->numbered[inbox->next_numbered].frame;
        len = inbox->numbered[inbox->next_numbered].len;
    }
    pthread_mutex_unlock(&inbox->lock);
    if (frame == NULL)
        return 0;
    MUST(sealwax_client_receive(clients[person], frame, len, now()));
    free(frame);
    return 1;
}

static int send_frame(int person) {
    unsigned char frame[65536];
    size_t len = 0;
    sealwax_deliveries *deliveries = NULL;
    MUST(sealwax_client_next_frame(clients[person], frame, sizeof frame, &len));
    if (len == 0)
        return 0;
    MUST(sealwax_relay_receive(relay, (uint64_t)person + 1, frame, len, now(), &deliveries));
    hand_over(deliveries);
    return 1;
}

static void note_shown(int person, const sealwax_event_fields *event) {
    unsigned number[2] = {0, 0};
    int from = 0, is_group = event->kind == SEALWAX_EVENT_GROUP_MESSAGE;
    if (event->kind != SEALWAX_EVENT_MESSAGE && !is_group)
        return;
    while (from < PEOPLE - 1 && (event->user.len != strlen(names[from]) ||
                                 memcmp(event->user.ptr, names[from], event->user.len) != 0))
        from++;
    if (event->payload.len == sizeof number)
        memcpy(number, event->payload.ptr, sizeof number);
    pthread_mutex_lock(&lock);
    CHECK(event->payload.len == sizeof number && (int)number[1] < messages);
    shown[person][from][is_group][number[1] % 1024]++;
    finished[person]++;
    pthread_mutex_unlock(&lock);
}

static int pop_event(int person, uint8_t *joined) {
    sealwax_event *event = NULL;
    sealwax_event_fields fields;
    MUST(sealwax_client_next_event(clients[person], &event));
    if (event == NULL)
        return 0;
    MUST(sealwax_event_view(event, &fields));
    if (joined != NULL && fields.group.len == SEALWAX_GROUP_ID_LEN)
        memcpy(joined, fields.group.ptr, SEALWAX_GROUP_ID_LEN);
    note_shown(person, &fields);
    if (fields.number > 0)
        MUST(sealwax_client_confirm(clients[person], fields.number));
    MUST(sealwax_event_free(event));
    return 1;
}

static void *takes_frames(void *person) {
    while (!is_done())
        if (!send_frame(*(int *)person))
            nap();
    return NULL;
}

static void *feeds(void *person) {
    while (!is_done())
        if (!feed(*(int *)person)) {
            MUST(sealwax_client_tick(clients[*(int *)person], now()));
            nap();
        }
    return NULL;
}

static void *pops(void *person) {
    while (!is_done())
        if (!pop_event(*(int *)person, NULL))
            nap();
    return NULL;
}

static void *writes(void *argument) {
    const int person = *(int *)argument;
    unsigned number[2] = {0, 0};
    uint8_t id[SEALWAX_ID_LEN];
    int to, i;
    for (i = 0; i < messages; i++) {
        number[1] = (unsigned)i;
        for (to = 0; to < PEOPLE; to++)
            if (to != person)
                MUST(sealwax_client_send_direct(clients[person], names[to], strlen(names[to]), SEALWAX_CONTENT_BINARY,
                                                number, sizeof number, 0, now(), id));
        MUST(sealwax_client_send_group(clients[person], group, sizeof group, SEALWAX_CONTENT_BINARY, number,
                                       sizeof number, 0, now(), id));
        nap();
    }
    return NULL;
}

static void *looks(void *unused) {
    while (!is_done()) {
        char info[8192];
        uint8_t print[SEALWAX_FINGERPRINT_LEN];
        sealwax_group_state state;
        sealwax_member members[PEOPLE];
        sealwax_pending pending;
        sealwax_deliveries *deliveries = NULL;
        size_t len;
        uint64_t due_ms;
        int person;
        for (person = 0; person < PEOPLE; person++) {
            MUST(sealwax_client_pending(clients[person], &pending));
            MUST(sealwax_client_info(clients[person], info, sizeof info, &len));
            MUST(sealwax_client_group_state(clients[person], group, sizeof group, &state));
            MUST(sealwax_client_group_members(clients[person], group, sizeof group, members, sizeof members, &len));
            MUST(sealwax_client_fingerprint(clients[person], NULL, 0, print));
        }
        MUST(sealwax_relay_info(relay, info, sizeof info, &len));
        MUST(sealwax_relay_tick(relay, now(), &due_ms, &deliveries));
        hand_over(deliveries);
        nap();
    }
    return unused;
}

/* In one thread, until nothing moves: everybody is connected and in the group. */
static void settle(uint8_t *joined) {
    int person, moved = 1;
    while (moved) {
        moved = 0;
        for (person = 0; person < PEOPLE; person++)
            moved |= send_frame(person) | feed(person) | pop_event(person, joined);
    }
}

static void found(void) {
    sealwax_slice others[PEOPLE - 1];
    uint64_t request;
    int i;
    for (i = 1; i < PEOPLE; i++) {
        others[i - 1].ptr = names[i];
        others[i - 1].len = strlen(names[i]);
    }
    CHECK_OK(sealwax_client_create_group(clients[0], "town", 4, others, PEOPLE - 1, 0, now(), &request));
    settle(group);
}

static int everybody_has_all(void) {
    int person, all = 1;
    pthread_mutex_lock(&lock);
    for (person = 0; person < PEOPLE; person++)
        all &= finished[person] >= 2 * (PEOPLE - 1) * messages;
    pthread_mutex_unlock(&lock);
    return all;
}

static void run(void) {
    static int people[PEOPLE] = {0, 1, 2};
    static void *(*const roles[THREADS])(void *) = {takes_frames, feeds, pops, writes};
    pthread_t threads[PEOPLE][THREADS], looker;
    const time_t begun = time(NULL);
    int person, role, wrong = 0;
    for (person = 0; person < PEOPLE; person++)
        for (role = 0; role < THREADS; role++)
            wrong |= pthread_create(&threads[person][role], NULL, roles[role], &people[person]);
    wrong |= pthread_create(&looker, NULL, looks, NULL);
    while (!everybody_has_all() && time(NULL) < begun + DEADLINE_S)
        nap();
    pthread_mutex_lock(&lock);
    done = 1;
    pthread_mutex_unlock(&lock);
    for (person = 0; person < PEOPLE; person++)
        for (role = 0; role < THREADS; role++)
            wrong |= pthread_join(threads[person][role], NULL);
    wrong |= pthread_join(looker, NULL);
    /* Checks are counted by whoever makes them: here nobody else does. */
    CHECK(wrong == 0);
    CHECK(everybody_has_all());
}

static void each_was_shown_once(void) {
    int to, from, is_group, number;
    for (to = 0; to < PEOPLE; to++)
        for (from = 0; from < PEOPLE; from++)
            for (is_group = 0; is_group < 2; is_group++)
                for (number = 0; number < messages; number++)
                    CHECK(shown[to][from][is_group][number] == (to != from));
}

static void drop_undelivered(struct inbox *inbox) {
    size_t i;
    for (i = inbox->next_other; i < inbox->others; i++)
        free(inbox->other[i].frame);
    for (i = inbox->next_numbered + 1; i < INBOX_MAX; i++)
        free(inbox->numbered[i].frame);
    CHECK(pthread_mutex_destroy(&inbox->lock) == 0);
}

int main(void) {
    const char *text = getenv("SEALWAX_ROUNDS");
    int person, rounds = text == NULL ? 1000 : atoi(text);
    messages = rounds >= 100 ? 500 : 10;
    CHECK_OK(sealwax_relay_new("{\"name\":\"town\"}", 15, &relay));
    for (person = 0; person < PEOPLE; person++) {
        sealwax_deliveries *deliveries = NULL;
        CHECK(pthread_mutex_init(&inboxes[person].lock, NULL) == 0);
        CHECK_OK(sealwax_client_create(names[person], strlen(names[person]), NULL, 0, key, sizeof key, NULL, 0, NOW,
                                       &clients[person]));
        CHECK_OK(sealwax_relay_connect(relay, (uint64_t)person + 1, NULL, 0, now(), &deliveries));
        hand_over(deliveries);
        CHECK_OK(sealwax_client_connected(clients[person], "town", 4, now()));
    }
    settle(NULL);
    found();
    run();
    each_was_shown_once();
    for (person = 0; person < PEOPLE; person++) {
        drop_undelivered(&inboxes[person]);
        CHECK_OK(sealwax_client_free(clients[person]));
    }
    CHECK_OK(sealwax_relay_free(relay));
    return finish();
}
