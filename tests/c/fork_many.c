/* A process that forks some hundred times while its threads sign and encrypt: no child waits for a lock of the random
 * generator that one of those threads held, and each child signs, encrypts and decrypts on its own. */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOW 1700000000000u
#define FORKS_MAX 300
/* On a machine that has much else to do, fewer will do. */
#define SECONDS 4
/* What a child needs is milliseconds; one that hangs does so for ever. */
#define DEADLINE_MS 20000

/* The allocators of sanitizers do not survive the fork of a threaded process. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define THREADS 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define THREADS 0
#endif
#if !defined(THREADS)
#define THREADS 2
#endif

static int stop;
static pthread_mutex_t stopping = PTHREAD_MUTEX_INITIALIZER;

static int stopped(void) {
    int now;
    pthread_mutex_lock(&stopping);
    now = stop;
    pthread_mutex_unlock(&stopping);
    return now;
}

/* Signs, with as little as can be in between; answers its argument unless something fails. */
static void *work(void *fine) {
    sealwax_identity *own = NULL;
    sealwax_roster *roster = NULL;
    sealwax_group_sender *sender = NULL;
    unsigned char out[1024];
    size_t out_len;
    if (sealwax_identity_new("alice", 5, NULL, 0, NOW, &own) != SEALWAX_OK ||
        sealwax_roster_create(own, "team", 4, NULL, 0, NULL, 0, NOW, &roster) != SEALWAX_OK ||
        sealwax_group_sender_new(own, roster, NULL, 0, NOW, &sender) != SEALWAX_OK)
        fine = NULL;
    while (fine != NULL && !stopped()) {
        sealwax_status status = sealwax_group_sender_encrypt(sender, "hello", 5, NOW, out, sizeof out, &out_len);
        if (status == SEALWAX_ROTATION_REQUIRED)
            status = sealwax_group_sender_rotate(sender, NOW);
        if (status != SEALWAX_OK)
            fine = NULL;
    }
    sealwax_group_sender_free(sender);
    sealwax_roster_free(roster);
    sealwax_identity_free(own);
    return fine;
}

/* Two people who write to one another. The number of the step that fails, or 0. */
static unsigned char step_that_fails(void) {
    sealwax_identity *bob = NULL, *carol = NULL;
    sealwax_session *to_carol = NULL, *to_bob = NULL;
    unsigned char card[SEALWAX_CARD_MAX], prekeys[1024], envelope[4096], text[16];
    size_t card_len, prekeys_len, len;
    if (sealwax_identity_new("bob", 3, NULL, 0, NOW, &bob) != SEALWAX_OK)
        return 1;
    if (sealwax_identity_new("carol", 5, NULL, 0, NOW, &carol) != SEALWAX_OK)
        return 2;
    if (sealwax_identity_card(carol, card, sizeof card, &card_len) != SEALWAX_OK)
        return 3;
    if (sealwax_identity_prekeys(carol, 1, NOW, prekeys, sizeof prekeys, &prekeys_len) != SEALWAX_OK)
        return 4;
    if (sealwax_session_initiate(bob, card, card_len, prekeys, prekeys_len, NULL, 0, NOW, &to_carol) != SEALWAX_OK)
        return 5;
    if (sealwax_session_encrypt(to_carol, "hello", 5, NOW, envelope, sizeof envelope, &len) != SEALWAX_OK)
        return 6;
    if (sealwax_session_accept(carol, envelope, len, NULL, 0, NOW, &to_bob) != SEALWAX_OK)
        return 7;
    if (sealwax_session_decrypt(to_bob, envelope, len, NOW, text, sizeof text, &len) != SEALWAX_OK)
        return 8;
    return len == 5 && memcmp(text, "hello", 5) == 0 ? 0 : 9;
}

/* Whether the child has answered in time. It ends by a signal, so that no leak checker sees what it had open. */
static int fork_once(void) {
    int ends[2], answered;
    unsigned char answer = 255;
    struct pollfd from_child;
    pid_t child;
    if (pipe(ends) != 0)
        return 0;
    child = fork();
    if (child == 0) {
        answer = step_that_fails();
        if (write(ends[1], &answer, 1) == 1)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    close(ends[1]);
    from_child.fd = ends[0];
    from_child.events = POLLIN;
    from_child.revents = 0;
    answered = child > 0 && poll(&from_child, 1, DEADLINE_MS) == 1 && read(ends[0], &answer, 1) == 1;
    close(ends[0]);
    if (child > 0) {
        kill(child, SIGKILL);
        CHECK(waitpid(child, NULL, 0) == child);
    }
    if (answered)
        check_status_at(answer, 0, "step that failed in the child", __FILE__, __LINE__);
    return answered;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(void) {
    double begun = seconds();
    pthread_t threads[THREADS + 1];
    const char *text = getenv("SEALWAX_ROUNDS");
    int most = text == NULL ? FORKS_MAX : atoi(text), started = 0, forks = 0, answers = 0, i;
    if (most > FORKS_MAX)
        most = FORKS_MAX;
    for (i = 0; i < THREADS; i++)
        started += pthread_create(&threads[i], NULL, work, &stop) == 0;
    CHECK(started == THREADS);
    while (forks < most && answers == forks && seconds() < begun + SECONDS) {
        forks++;
        answers += fork_once();
    }
    printf("%d forks, %d answers\n", forks, answers);
    CHECK(forks > 0 && answers == forks);
    pthread_mutex_lock(&stopping);
    stop = 1;
    pthread_mutex_unlock(&stopping);
    for (i = 0; i < started; i++) {
        void *fine = NULL;
        CHECK(pthread_join(threads[i], &fine) == 0 && fine != NULL);
    }
    return finish();
}
