/* The same object in several threads at once, and freed while they use it. */
#include "../check.h"
#include "parts.h"
#include "table.h"

#include <pthread.h>

#define THREADS 4
#define CALLS 5

struct worker {
    struct call call;
    pthread_t thread;
    int until_freed; /* calls until its object is gone, instead of CALLS times */
    int ok;
    int unexpected;
    sealwax_status last;
};

static struct worker workers[THREADS];
/* How many calls all workers made, which they wait for to become as many as they are. */
static int calls_made;
static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t calls_grew = PTHREAD_COND_INITIALIZER;
/* Whether the object that they use is freed: a call that begins after this has to say so. */
static int object_gone;

static void wait_for_calls(int count) {
    pthread_mutex_lock(&calls_lock);
    while (calls_made < count)
        pthread_cond_wait(&calls_grew, &calls_lock);
    pthread_mutex_unlock(&calls_lock);
}

static void count_call(void) {
    pthread_mutex_lock(&calls_lock);
    calls_made++;
    pthread_cond_broadcast(&calls_grew);
    pthread_mutex_unlock(&calls_lock);
}

static int is_object_gone(void) {
    int gone;
    pthread_mutex_lock(&calls_lock);
    gone = object_gone;
    pthread_mutex_unlock(&calls_lock);
    return gone;
}

static void *work(void *argument) {
    struct worker *self = (struct worker *)argument;
    const struct function *function = self->call.function;
    int made, is_last = 0;
    for (made = 0; !is_last && (self->until_freed || made < CALLS); made++) {
        is_last = is_object_gone();
        self->last = call_make(&self->call);
        call_release(&self->call);
        self->ok += self->last == function->valid;
        if (self->until_freed && self->last == SEALWAX_INVALID_HANDLE)
            break;
        /* Called often enough, some functions say that a table is full. */
        if (self->last != function->valid && self->last != function->again &&
            !(self->until_freed && self->last == SEALWAX_LIMIT_REACHED))
            self->unexpected++;
        count_call();
    }
    return NULL;
}

static int start(const struct function *function, const struct fixture *fixture, int until_freed) {
    int i, started = 0;
    calls_made = 0;
    object_gone = 0;
    for (i = 0; i < THREADS; i++) {
        struct worker *worker = &workers[i];
        call_prepare(&worker->call, function, fixture);
        worker->until_freed = until_freed;
        worker->ok = worker->unexpected = 0;
        started += pthread_create(&worker->thread, NULL, work, worker) == 0;
    }
    return started == THREADS;
}

static void expect(int holds, const struct function *function, const char *what) {
    char text[200];
    snprintf(text, sizeof text, "%s: %s", function->name, what);
    check_at(holds, text, __FILE__, __LINE__);
}

/* All calls succeed, or, where a call can succeed only once, one of them does. */
static void at_once(const struct function *function) {
    struct fixture fixture;
    int i, ok = 0, unexpected = 0;
    expect(fixture_open(&fixture), function, "no fixture");
    expect(start(function, &fixture, 0), function, "no threads");
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        ok += workers[i].ok;
        unexpected += workers[i].unexpected;
    }
    expect(unexpected == 0, function, "unexpected status in a thread");
    expect(ok == (function->again == function->valid ? THREADS * CALLS : 1), function, "succeeded too often or too seldom");
    if (!is_free(function))
        expect(fixture_works(&fixture), function, "objects broke in threads");
    fixture_close(&fixture);
}

/* An object goes while threads are in calls on it: what runs ends well, what comes later is refused. */
static void freed_in_use(const struct function *function, int position) {
    struct fixture fixture;
    enum object object = (enum object)function->parameters[position].which;
    int i;
    expect(fixture_open(&fixture), function, "no fixture");
    expect(start(function, &fixture, 1), function, "no threads");
    wait_for_calls(THREADS);
    expect(object_free(type_of(object), fixture.objects[object]) == SEALWAX_OK, function, "not freed");
    pthread_mutex_lock(&calls_lock);
    object_gone = 1;
    pthread_mutex_unlock(&calls_lock);
    expect(object_free(type_of(object), fixture.objects[object]) == SEALWAX_INVALID_HANDLE, function, "freed twice");
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        expect(workers[i].unexpected == 0, function, "unexpected status while the object went");
        expect(workers[i].last == SEALWAX_INVALID_HANDLE, function, "a freed object was used");
    }
    fixture_close(&fixture);
}

static struct {
    unsigned char bytes[512];
    size_t len;
} envelopes[THREADS][CALLS];

struct sending {
    const struct fixture *fixture;
    int by; /* which thread */
    int to_group;
    int failed;
};

static void *send_messages(void *argument) {
    struct sending *self = (struct sending *)argument;
    int i;
    for (i = 0; i < CALLS; i++) {
        unsigned char *out = envelopes[self->by][i].bytes;
        size_t *out_len = &envelopes[self->by][i].len;
        sealwax_status status =
            self->to_group
                ? sealwax_group_sender_encrypt((sealwax_group_sender *)self->fixture->objects[ALICE_SENDS], &i,
                                               sizeof i, NOW, out, sizeof envelopes[0][0].bytes, out_len)
                : sealwax_session_encrypt((sealwax_session *)self->fixture->objects[ALICE_WITH_BOB], &i, sizeof i, NOW,
                                          out, sizeof envelopes[0][0].bytes, out_len);
        self->failed += status != SEALWAX_OK;
    }
    return NULL;
}

/* No two threads get the same message key: everything that they encrypt opens, each message once. */
static void messages_of_threads_all_open(int to_group) {
    struct fixture fixture;
    struct sending sendings[THREADS];
    pthread_t senders[THREADS];
    int i, n;
    CHECK(fixture_open(&fixture));
    CHECK_OK(sealwax_group_receiver_install((sealwax_group_receiver *)fixture.objects[BOB_RECEIVES],
                                            (sealwax_session *)fixture.objects[BOB_WITH_ALICE],
                                            fixture.bytes[DISTRIBUTION].data, fixture.bytes[DISTRIBUTION].len, NOW));
    for (i = 0; i < THREADS; i++) {
        sendings[i].fixture = &fixture;
        sendings[i].by = i;
        sendings[i].to_group = to_group;
        sendings[i].failed = 0;
        CHECK(pthread_create(&senders[i], NULL, send_messages, &sendings[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(senders[i], NULL) == 0);
        CHECK(sendings[i].failed == 0);
    }
    for (i = 0; i < THREADS; i++) {
        for (n = 0; n < CALLS; n++) {
            unsigned char out[512];
            const unsigned char *envelope = envelopes[i][n].bytes;
            size_t len, envelope_len = envelopes[i][n].len;
            sealwax_status status =
                to_group ? sealwax_group_receiver_decrypt((sealwax_group_receiver *)fixture.objects[BOB_RECEIVES],
                                                          envelope, envelope_len, NOW, out, sizeof out, &len)
                         : sealwax_session_decrypt((sealwax_session *)fixture.objects[BOB_WITH_ALICE], envelope,
                                                   envelope_len, NOW, out, sizeof out, &len);
            CHECK_OK(status);
            CHECK(len == sizeof n && memcmp(out, &n, sizeof n) == 0);
        }
    }
    fixture_close(&fixture);
}

int threads(void) {
    /* Where rounds are few, every few functions: each takes objects of its own. */
    size_t step = rounds() < 100 ? 5 : 1, i;
    int position;
    for (i = 0; i < functions_count && failures < 20; i += step) {
        const struct function *function = &functions[i];
        at_once(function);
        for (position = 0; position < PARAMETERS_MAX && !is_free(function); position++)
            if (is_object(&function->parameters[position]))
                freed_in_use(function, position);
    }
    messages_of_threads_all_open(0);
    messages_of_threads_all_open(1);
    return finish();
}
