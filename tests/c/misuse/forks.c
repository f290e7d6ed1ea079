/* A process that forks while four threads make calls of all kinds: in the child every object of the parent says so at
 * once, whatever lock a thread held, and new objects work. */
#include "../check.h"
#include "parts.h"
#include "table.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The allocator of AddressSanitizer does not survive the fork of a threaded process. */
#define THREADS (SANITIZED ? 0 : 4)

static struct fixture shared;
static struct call calls[5];
static unsigned seeds[5];
static int stop;
static int broken; /* a status that no call may give, 0 if there was none */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int stopped(sealwax_status status) {
    int now;
    pthread_mutex_lock(&lock);
    if (status >= SEALWAX_INTERNAL || status == SEALWAX_INVALID_HANDLE)
        broken = status;
    now = stop;
    pthread_mutex_unlock(&lock);
    return now;
}

/* Calls one function after the other, in an order of its own. */
static void *hammer(void *argument) {
    unsigned *seed = (unsigned *)argument;
    struct call *call = &calls[seed - seeds];
    sealwax_status status = SEALWAX_OK;
    while (!stopped(status)) {
        const struct function *function;
        *seed = *seed * 1103515245u + 12345u;
        function = &functions[(*seed >> 16) % functions_count];
        if (is_free(function))
            continue;
        call_prepare(call, function, &shared);
        status = call_make(call);
        call_release(call);
    }
    return NULL;
}

static int takes_object(const struct function *function) {
    int i;
    for (i = 0; i < PARAMETERS_MAX; i++)
        if (is_object(&function->parameters[i]))
            return 1;
    return 0;
}

/* The number of the first function that says something else, 0 if there is none. */
static int functions_that_miss_the_fork(void) {
    struct call *call = &calls[4];
    size_t i;
    for (i = 0; i < functions_count; i++) {
        const struct function *function = &functions[i];
        if (is_free(function))
            continue;
        call_prepare(call, function, &shared);
        if (call_make(call) != (takes_object(function) ? SEALWAX_FORKED : function->valid))
            return 1 + (int)i;
        call_release(call);
    }
    return 0;
}

static int child_fails(void) {
    struct fixture own;
    size_t live = sealwax_live_handles();
    int i, missed = functions_that_miss_the_fork();
    if (missed != 0)
        return missed;
    if (sealwax_live_handles() != live)
        return 200;
    for (i = 0; i < OBJECTS; i++) {
        enum type type = type_of((enum object)i);
        if (object_free(type, shared.freed[type]) != SEALWAX_INVALID_HANDLE)
            return 201;
        if (object_free(type, shared.objects[i]) != SEALWAX_OK)
            return 202;
        if (object_free(type, shared.objects[i]) != SEALWAX_INVALID_HANDLE)
            return 203;
    }
    if (sealwax_live_handles() != live - OBJECTS)
        return 204;
    if (!fixture_open(&own) || !fixture_works(&own))
        return 205;
    fixture_close(&own);
    return sealwax_live_handles() == live - OBJECTS ? 0 : 206;
}

/* The child answers through a pipe and then kills itself: memory that the parent's threads were holding on their
 * stacks looks leaked in the child, and a leak checker must not get to say so. */
static void fork_once(void) {
    int ends[2];
    unsigned char answer = 255;
    pid_t child;
    if (pipe(ends) != 0) {
        CHECK(!"pipe");
        return;
    }
    child = fork();
    if (child == 0) {
        alarm(120); /* a deadlock ends here */
        answer = (unsigned char)child_fails();
        if (write(ends[1], &answer, 1) == 1)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    CHECK(child > 0);
    close(ends[1]);
    CHECK(read(ends[0], &answer, 1) == 1);
    close(ends[0]);
    CHECK(waitpid(child, NULL, 0) == child);
    check_status_at(answer, 0, "function, or step, that failed in the child", __FILE__, __LINE__);
}

int forks(void) {
    pthread_t hammers[5];
    int count = 2 + rounds() / 20, started = 0, i;
    CHECK(fixture_open(&shared));
    fork_once();
    for (i = 0; i < THREADS; i++) {
        seeds[i] = (unsigned)i + 1;
        started += pthread_create(&hammers[i], NULL, hammer, &seeds[i]) == 0;
    }
    CHECK(started == THREADS);
    for (i = 0; i < count; i++)
        fork_once();
    pthread_mutex_lock(&lock);
    stop = 1;
    pthread_mutex_unlock(&lock);
    for (i = 0; i < started; i++)
        CHECK(pthread_join(hammers[i], NULL) == 0);
    check_status_at(broken, SEALWAX_OK, "a call in a thread", __FILE__, __LINE__);
    fixture_close(&shared);
    return finish();
}
