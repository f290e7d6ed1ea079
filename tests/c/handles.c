/* Handles that are wrong in every way, and handles that many threads use, change and free at once. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

#define NOW 1700000000000u
#define THREADS 4
#define ROUNDS 200

static sealwax_identity *open_identity(void) {
    sealwax_identity *identity = NULL;
    CHECK_OK(sealwax_identity_new("alice", 5, NULL, 0, NOW, &identity));
    return identity;
}

static sealwax_status card_of(const sealwax_identity *identity) {
    unsigned char card[1024];
    size_t card_len;
    return sealwax_identity_card(identity, card, sizeof card, &card_len);
}

static void freed_handles_are_refused(void) {
    sealwax_identity *identity = open_identity();
    uint64_t revision;
    CHECK(sealwax_live_handles() == 1);
    CHECK_OK(sealwax_handle_revision(identity, &revision));
    CHECK(revision == 1);
    CHECK_OK(sealwax_identity_free(identity));
    CHECK(sealwax_live_handles() == 0);
    CHECK_STATUS(card_of(identity), SEALWAX_INVALID_HANDLE);
    CHECK_STATUS(sealwax_handle_revision(identity, &revision), SEALWAX_INVALID_HANDLE);
    CHECK(revision == 0);
    CHECK_STATUS(sealwax_identity_free(identity), SEALWAX_INVALID_HANDLE);
    CHECK_OK(sealwax_identity_free(NULL));
}

static void stale_handles_never_mean_a_newer_object(void) {
    sealwax_identity *stale = open_identity();
    sealwax_identity *fresh;
    CHECK_OK(sealwax_identity_free(stale));
    fresh = open_identity();
    CHECK(fresh != stale);
    CHECK_STATUS(sealwax_identity_free(stale), SEALWAX_INVALID_HANDLE);
    CHECK_OK(card_of(fresh));
    CHECK_OK(sealwax_identity_free(fresh));
}

static void forged_handles_are_refused(void) {
    sealwax_identity *identity = open_identity();
    uintptr_t token = (uintptr_t)identity;
    int bit;
    for (bit = 0; bit < (int)(8 * sizeof token); bit++) {
        sealwax_identity *forged = (sealwax_identity *)(token ^ ((uintptr_t)1 << bit));
        CHECK_STATUS(card_of(forged), SEALWAX_INVALID_HANDLE);
        CHECK_STATUS(sealwax_identity_free(forged), SEALWAX_INVALID_HANDLE);
    }
    CHECK_STATUS(card_of((const sealwax_identity *)&token), SEALWAX_INVALID_HANDLE);
    CHECK_STATUS(card_of((const sealwax_identity *)"sealwax"), SEALWAX_INVALID_HANDLE);
    CHECK_OK(card_of(identity));
    CHECK_OK(sealwax_identity_free(identity));
}

static void tokens_look_like_aligned_user_pointers(void) {
    sealwax_identity *identity = open_identity();
    CHECK((uintptr_t)identity % 2 == 0);
    CHECK((uintptr_t)identity >= 0x10000);
    CHECK((uint64_t)(uintptr_t)identity < (uint64_t)1 << 47);
    CHECK_OK(sealwax_identity_free(identity));
}

struct worker {
    sealwax_identity *shared;
    int frees; /* whether this thread frees the shared handle half-way */
    int unexpected;
    int freed;
};

static void *work(void *argument) {
    struct worker *self = (struct worker *)argument;
    int round;
    for (round = 0; round < ROUNDS; round++) {
        unsigned char bundle[1024];
        size_t bundle_len;
        sealwax_status read = card_of(self->shared);
        sealwax_status changed =
            sealwax_identity_prekeys(self->shared, 1, NOW, bundle, sizeof bundle, &bundle_len);
        if (read != SEALWAX_OK && !(self->frees && read == SEALWAX_INVALID_HANDLE))
            self->unexpected++;
        if (changed != SEALWAX_OK && !(self->frees && changed == SEALWAX_INVALID_HANDLE))
            self->unexpected++;
        if (self->frees && round == ROUNDS / 2)
            self->freed += sealwax_identity_free(self->shared) == SEALWAX_OK;
    }
    return NULL;
}

static void many_threads(int frees) {
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    sealwax_identity *shared = open_identity();
    uint64_t revision = 0;
    int started = 0, freed = 0, i;
    for (i = 0; i < THREADS; i++) {
        workers[i].shared = shared;
        workers[i].frees = frees;
        workers[i].unexpected = workers[i].freed = 0;
        started += pthread_create(&threads[i], NULL, work, &workers[i]) == 0;
    }
    CHECK(started == THREADS);
    for (i = 0; i < started; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(workers[i].unexpected == 0);
        freed += workers[i].freed;
    }
    if (frees) {
        CHECK(freed == 1);
    } else {
        CHECK_OK(sealwax_handle_revision(shared, &revision));
        CHECK(revision == 1 + THREADS * ROUNDS); /* no change was lost */
        CHECK_OK(sealwax_identity_free(shared));
    }
    CHECK(sealwax_live_handles() == 0);
}

int main(void) {
    freed_handles_are_refused();
    stale_handles_never_mean_a_newer_object();
    forged_handles_are_refused();
    tokens_look_like_aligned_user_pointers();
    many_threads(0);
    many_threads(1);
    return finish();
}
