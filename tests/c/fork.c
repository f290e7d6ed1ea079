/* A process that forks while four of its threads work: the child never waits for a lock that a thread of the parent
 * held, old handles say so, and new objects work. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW 1700000000000u
#define FORKS 25

/* The allocators of sanitizers do not survive the fork of a threaded process. the child waits for ever
 * in it. The plain programs and valgrind test the threads. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define THREADS 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define THREADS 0
#endif
#if !defined(THREADS)
#define THREADS 4
#endif

static sealwax_identity *shared;
static int stop;
static pthread_mutex_t stopping = PTHREAD_MUTEX_INITIALIZER;

static int stopped(void) {
    int now;
    pthread_mutex_lock(&stopping);
    now = stop;
    pthread_mutex_unlock(&stopping);
    return now;
}

/* Keeps the exclusive lock of the shared identity busy, and the table of handles. */
static void *hammer(void *unused) {
    while (!stopped()) {
        sealwax_identity *own = NULL;
        unsigned char out[1024];
        size_t out_len;
        /* LIMIT_REACHED after 1,000 prekeys: the call still takes its lock. */
        sealwax_status status = sealwax_identity_prekeys(shared, 1, NOW, out, sizeof out, &out_len);
        if (status != SEALWAX_OK && status != SEALWAX_LIMIT_REACHED)
            break;
        if (sealwax_identity_new("bob", 3, NULL, 0, NOW, &own) == SEALWAX_OK)
            sealwax_identity_free(own);
    }
    return unused;
}

static int child_fails(int parent) {
    unsigned char card[1024] = {0}, bundle[1024];
    size_t card_len, bundle_len, live = sealwax_live_handles();
    uint64_t revision;
    sealwax_identity *own = NULL;
    if (sealwax_identity_card(shared, card, sizeof card, &card_len) != SEALWAX_FORKED || card_len != 0)
        return 1;
    if (sealwax_identity_prekeys(shared, 1, NOW, bundle, sizeof bundle, &bundle_len) != SEALWAX_FORKED)
        return 2;
    if (sealwax_handle_revision(shared, &revision) != SEALWAX_FORKED)
        return 3;
    if (sealwax_identity_free(shared) != SEALWAX_OK)
        return 4;
    if (sealwax_identity_free(shared) != SEALWAX_INVALID_HANDLE)
        return 5;
    if (sealwax_live_handles() != live - 1)
        return 6;
    if (sealwax_identity_new("carol", 5, NULL, 0, NOW, &own) != SEALWAX_OK)
        return 7;
    if (sealwax_identity_card(own, card, sizeof card, &card_len) != SEALWAX_OK)
        return 8;
    if (write(parent, card, sizeof card) != (ssize_t)sizeof card)
        return 11;
    if (sealwax_identity_prekeys(own, 5, NOW, bundle, sizeof bundle, &bundle_len) != SEALWAX_OK)
        return 9;
    if (sealwax_identity_free(own) != SEALWAX_OK || sealwax_live_handles() != live - 1)
        return 10;
    return 0;
}

/* What the parent makes right after the fork, with the generator that it had before it. The card covers both keys and
 * is signed, and nothing else in it differs. */
static void parent_card(unsigned char card[1024]) {
    sealwax_identity *own = NULL;
    size_t card_len;
    CHECK_OK(sealwax_identity_new("carol", 5, NULL, 0, NOW, &own));
    CHECK_OK(sealwax_identity_card(own, card, 1024, &card_len));
    CHECK_OK(sealwax_identity_free(own));
}

/* The child answers through a pipe and then kills itself: memory that the parent's threads were holding on their
 * stacks looks leaked in the child, and a leak checker must not get to say so. */
static void fork_once(void) {
    int ends[2], status = 0;
    unsigned char answer = 255, ours[1024] = {0}, theirs[1024] = {0};
    pid_t child;
    if (pipe(ends) != 0) {
        CHECK(!"pipe");
        return;
    }
    child = fork();
    if (child == 0) {
        alarm(60); /* a deadlock ends here */
        answer = (unsigned char)child_fails(ends[1]);
        if (write(ends[1], &answer, 1) == 1)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    CHECK(child > 0);
    close(ends[1]);
    parent_card(ours);
    CHECK(read(ends[0], theirs, sizeof theirs) == (ssize_t)sizeof theirs);
    CHECK(memcmp(ours, theirs, sizeof ours) != 0);
    CHECK(read(ends[0], &answer, 1) == 1);
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    check_status_at(answer, 0, "step that failed in the child", __FILE__, __LINE__);
}

int main(void) {
    pthread_t threads[THREADS + 1];
    int started = 0, i;
    CHECK_OK(sealwax_identity_new("alice", 5, NULL, 0, NOW, &shared));
    fork_once();
    for (i = 0; i < THREADS; i++)
        started += pthread_create(&threads[i], NULL, hammer, NULL) == 0;
    CHECK(started == THREADS);
    for (i = 0; i < FORKS; i++)
        fork_once();
    pthread_mutex_lock(&stopping);
    stop = 1;
    pthread_mutex_unlock(&stopping);
    for (i = 0; i < started; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_OK(sealwax_identity_free(shared));
    return finish();
}
