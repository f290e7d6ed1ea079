/* Objects of every type that come and go under threads which use them all: each thread takes a place, puts a new object
 * there and frees the old one, while others ask whatever stands there about itself, save it and change it. */
#include "../check.h"
#include "parts.h"
#include "table.h"

#include <pthread.h>

#define THREADS 4
#define PLACES 3

static struct fixture fixture;
static void *places[TYPES][PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What stands in a place, for another if it is given. */
static void *at_place(int type, int place, void *other) {
    void *handle;
    pthread_mutex_lock(&lock);
    handle = places[type][place];
    if (other != NULL)
        places[type][place] = other;
    pthread_mutex_unlock(&lock);
    return handle;
}

struct walker {
    unsigned seed;
    int unexpected;
    struct call call;
};

static unsigned draw(struct walker *self, unsigned below) {
    self->seed = self->seed * 1103515245u + 12345u;
    return (self->seed >> 16) % below;
}

/* Whether a status is none that an object in use may give. */
static int is_wrong(sealwax_status status) { return status >= SEALWAX_INTERNAL; }

/* Another object; the old one goes while others may be in a call on it, and only once. */
static void replace(struct walker *self, int type, int place) {
    void *made = object_new(&fixture, (enum type)type), *old;
    if (made == NULL) {
        self->unexpected++;
        return;
    }
    old = at_place(type, place, made);
    self->unexpected += object_free((enum type)type, old) != SEALWAX_OK;
    self->unexpected += object_free((enum type)type, old) != SEALWAX_INVALID_HANDLE;
}

/* Any function, with objects from the places. */
static void use(struct walker *self) {
    const struct function *function = &functions[draw(self, (unsigned)functions_count)];
    int i;
    if (is_free(function))
        return;
    call_prepare(&self->call, function, &fixture);
    for (i = 0; i < self->call.count; i++)
        if (is_object(&function->parameters[i]))
            self->call.a[i].in =
                at_place(type_of((enum object)function->parameters[i].which), (int)draw(self, PLACES), NULL);
    self->unexpected += is_wrong(call_make(&self->call));
    call_release(&self->call);
}

static void *walk(void *argument) {
    struct walker *self = (struct walker *)argument;
    char info[8192];
    uint64_t revision;
    size_t len;
    int step, steps = rounds() < 100 ? 60 : 3000;
    for (step = 0; step < steps; step++) {
        int type = (int)draw(self, TYPES), place = (int)draw(self, PLACES);
        void *handle = at_place(type, place, NULL);
        if (draw(self, 4) == 0)
            replace(self, type, place);
        self->unexpected += is_wrong(object_info((enum type)type, handle, info, sizeof info, &len));
        self->unexpected += is_wrong(sealwax_handle_revision(handle, &revision));
        use(self);
    }
    return NULL;
}

int passing(void) {
    static struct walker walkers[THREADS];
    pthread_t threads[THREADS];
    int type, place, i, started = 0;
    CHECK(fixture_open(&fixture));
    for (type = 0; type < TYPES; type++)
        for (place = 0; place < PLACES; place++)
            CHECK((places[type][place] = object_new(&fixture, (enum type)type)) != NULL);
    for (i = 0; i < THREADS; i++) {
        walkers[i].seed = (unsigned)i + 1;
        walkers[i].unexpected = 0;
        started += pthread_create(&threads[i], NULL, walk, &walkers[i]) == 0;
    }
    CHECK(started == THREADS);
    for (i = 0; i < started; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(walkers[i].unexpected == 0);
    }
    for (type = 0; type < TYPES; type++)
        for (place = 0; place < PLACES; place++)
            CHECK_OK(object_free((enum type)type, places[type][place]));
    CHECK(fixture_works(&fixture));
    fixture_close(&fixture);
    return finish();
}
