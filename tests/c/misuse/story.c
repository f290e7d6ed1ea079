/* Calls that bytes decide: which functions, with which arguments, right or wrong, in up to three threads at once. */
#include "story.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 3
#define CALLS_MAX 48
#define MADE_MAX 64
#define SLICES_MAX 3

/* What a thread reads its calls from, and what it made. */
struct teller {
    const unsigned char *data;
    size_t len;
    const struct fixture *fixture;
    struct {
        void *handle;
        enum type type;
    } made[MADE_MAX];
    size_t made_count;
    /* Copies of inputs for one call, each exactly as long as it is. */
    void *copies[PARAMETERS_MAX * (SLICES_MAX + 1)];
    size_t copies_count;
    sealwax_slice slices[PARAMETERS_MAX][SLICES_MAX];
    const void *handles[PARAMETERS_MAX][SLICES_MAX];
    struct call call;
};

static void require(int holds, const struct teller *teller, const char *what, sealwax_status status) {
    if (holds)
        return;
    fprintf(stderr, "%s: %s, with %s\n", teller->call.function->name, what, sealwax_status_name(status));
    abort();
}

static unsigned next(struct teller *teller) {
    if (teller->len == 0)
        return 0;
    teller->len--;
    return *teller->data++;
}

static uint64_t next_number(struct teller *teller) {
    uint64_t number = 0;
    int i;
    for (i = 0; i < 8; i++)
        number = number << 8 | next(teller);
    return number;
}

/* A copy that is gone after the call: of nothing, too, it has an address. */
static unsigned char *copy(struct teller *teller, const void *data, size_t len) {
    unsigned char *bytes = (unsigned char *)malloc(len + (len == 0));
    if (bytes == NULL)
        abort();
    if (len > 0)
        memcpy(bytes, data, len);
    teller->copies[teller->copies_count++] = bytes;
    return bytes;
}

/* Good for a parameter, or another one, or one that is none any more, or none. */
static const void *some_handle(struct teller *teller, const struct parameter *parameter) {
    const struct fixture *fixture = teller->fixture;
    unsigned choice = next(teller), other = choice < 144 ? 0 : next(teller);
    if (choice < 144)
        return fixture->objects[parameter->which];
    if (choice < 192 && teller->made_count > 0)
        return teller->made[other % teller->made_count].handle;
    if (choice < 208)
        return fixture->objects[other % OBJECTS];
    if (choice < 220)
        return fixture->freed[other % TYPES];
    if (choice < 232)
        return fixture->stale[other % TYPES];
    if (choice < 244)
        return NULL;
    return (const void *)(uintptr_t)next_number(teller);
}

static void some_bytes(struct teller *teller, const struct parameter *parameter, const void **out, size_t *out_len) {
    const unsigned char *good = teller->fixture->bytes[parameter->which].data;
    size_t good_len = teller->fixture->bytes[parameter->which].len, len;
    unsigned choice = next(teller), other = choice < 112 ? 0 : next(teller);
    /* Another path could be one at which there is something, or soon is. */
    if (parameter->which == NO_PATH && choice >= 112 && choice < 224)
        choice = 255;
    *out = NULL;
    *out_len = 0;
    if (choice < 112) {
        *out = copy(teller, good, good_len);
        *out_len = good_len;
    } else if (choice < 144) { /* a bit is another */
        unsigned char *changed = copy(teller, good, good_len);
        size_t at = ((size_t)other << 8 | next(teller)) % (good_len + (good_len == 0));
        if (good_len > 0)
            changed[at] ^= (unsigned char)(1u << (other & 7));
        *out = changed;
        *out_len = good_len;
    } else if (choice < 160) { /* it ends early */
        *out_len = good_len > 0 ? other % good_len : 0;
        *out = copy(teller, good, *out_len);
    } else if (choice < 192) { /* any bytes */
        len = other < teller->len ? other : teller->len;
        *out = copy(teller, teller->data, len);
        *out_len = len;
        teller->data += len;
        teller->len -= len;
    } else if (choice < 224) { /* something else that there is */
        const enum bytes which = (enum bytes)(other % BYTES_COUNT);
        *out_len = teller->fixture->bytes[which].len;
        *out = copy(teller, teller->fixture->bytes[which].data, *out_len);
    } else if (choice < 232) { /* more than is ever read */
        *out = good;
        *out_len = choice < 228 ? parameter->size + 1 : SIZE_MAX;
        if (*out_len <= good_len)
            *out_len = SIZE_MAX;
    } else if (choice < 240) {
        *out_len = other;
    } else if (choice < 248) {
        *out = copy(teller, NULL, 0);
    }
}

static void some_array(struct teller *teller, const struct parameter *parameter, int position) {
    struct argument *argument = &teller->call.a[position];
    unsigned count = next(teller) % (SLICES_MAX + 2), i;
    for (i = 0; i < SLICES_MAX && i < count; i++) {
        if (parameter->kind == KIND_HANDLES) {
            teller->handles[position][i] = some_handle(teller, parameter);
        } else {
            sealwax_slice *slice = &teller->slices[position][i];
            const void *bytes;
            some_bytes(teller, parameter, &bytes, &slice->len);
            slice->ptr = (const uint8_t *)bytes;
        }
    }
    argument->in = parameter->kind == KIND_HANDLES ? (const void *)teller->handles[position]
                                                   : (const void *)teller->slices[position];
    argument->len = count;
    if (count > SLICES_MAX) { /* none, or more than is ever read */
        argument->in = next(teller) & 1 ? NULL : argument->in;
        argument->len = argument->in == NULL ? 1 : parameter->size + 1;
    }
}

/* Room as it should be, or less, or none, or where an input lies. */
static void some_room(struct teller *teller, int position) {
    struct argument *argument = &teller->call.a[position];
    unsigned choice = next(teller);
    int i;
    if (choice < 160)
        return;
    if (choice < 200) {
        argument->cap = next(teller);
    } else if (choice < 216) {
        argument->out = NULL;
        argument->cap = 0;
    } else if (choice < 224) {
        argument->out = NULL;
    } else if (choice < 232) {
        argument->out_len = NULL;
    } else {
        for (i = 0; i < position; i++) {
            const struct argument *input = &teller->call.a[i];
            if (is_input(&teller->call.function->parameters[i]) && teller->copies_count > 0 && input->len > 0 &&
                input->in == teller->copies[teller->copies_count - 1]) {
                argument->out = teller->copies[teller->copies_count - 1];
                argument->cap = input->len;
            }
        }
    }
}

static void choose(struct teller *teller) {
    int i;
    for (i = 0; i < teller->call.count; i++) {
        const struct parameter *parameter = &teller->call.function->parameters[i];
        struct argument *argument = &teller->call.a[i];
        if (is_object(parameter))
            argument->in = some_handle(teller, parameter);
        else if (is_input(parameter))
            some_bytes(teller, parameter, &argument->in, &argument->len);
        else if (parameter->kind == KIND_HANDLES || parameter->kind == KIND_SLICES)
            some_array(teller, parameter, i);
        else if (parameter->kind == KIND_LENGTH && next(teller) >= 128)
            argument->len = (size_t)(next(teller) & 1 ? next_number(teller) : next(teller));
        else if (parameter->kind == KIND_NUMBER && next(teller) >= 128)
            argument->number = next(teller) & 1 ? next_number(teller) : next(teller);
        else if (parameter->kind == KIND_BUFFER)
            some_room(teller, i);
        else if (is_output(parameter) && next(teller) >= 248)
            argument->out = NULL;
    }
}

/* What the header promises of outputs, whatever the call was. */
static void check_outputs(struct teller *teller, sealwax_status status) {
    int i;
    for (i = 0; i < teller->call.count; i++) {
        const struct parameter *parameter = &teller->call.function->parameters[i];
        const struct argument *argument = &teller->call.a[i];
        const unsigned char *room = teller->call.outputs[i].room.bytes;
        if (parameter->kind == KIND_BUFFER && argument->out_len != NULL) {
            size_t len = *argument->out_len, at;
            require(status == SEALWAX_OK ? len <= argument->cap : len == 0 || status == SEALWAX_BUFFER_TOO_SMALL,
                    teller, "a length that cannot be", status);
            if (argument->out == room)
                for (at = argument->cap; at < argument->cap + 64 && at < OUT_ROOM; at++)
                    require(room[at] == 'x', teller, "a byte beyond its room", status);
        }
        if (parameter->kind == KIND_NEW_HANDLE && argument->out != NULL) {
            void *handle = teller->call.outputs[i].room.handle;
            require(status == SEALWAX_OK || handle == NULL, teller, "a handle", status);
            if (handle != NULL && teller->made_count < MADE_MAX) {
                teller->made[teller->made_count].type = (enum type)parameter->which;
                teller->made[teller->made_count++].handle = handle;
            } else if (handle != NULL) {
                (void)object_free((enum type)parameter->which, handle);
            }
        }
    }
}

static void *tell(void *argument) {
    struct teller *teller = (struct teller *)argument;
    int calls;
    size_t i;
    for (calls = 0; calls < CALLS_MAX && teller->len > 0; calls++) {
        const struct function *function = &functions[next(teller) % functions_count];
        sealwax_status status;
        call_prepare(&teller->call, function, teller->fixture);
        choose(teller);
        status = call_make(&teller->call);
        /* What is a pure answer here says OK or that it is none. */
        require(status != SEALWAX_INTERNAL || teller->call.count == 0, teller, "a panic", status);
        check_outputs(teller, status);
        while (teller->copies_count > 0)
            free(teller->copies[--teller->copies_count]);
    }
    /* Some are freed already. */
    for (i = 0; i < teller->made_count; i++)
        (void)object_free(teller->made[i].type, teller->made[i].handle);
    return NULL;
}

sealwax_status story(const unsigned char *data, size_t len) {
    static struct teller tellers[THREADS_MAX];
    struct fixture fixture;
    pthread_t threads[THREADS_MAX];
    size_t count, i, share;
    if (len == 0)
        return SEALWAX_OK;
    count = 1 + *data++ % THREADS_MAX;
    share = --len / count;
    if (!fixture_open(&fixture))
        abort();
    for (i = 0; i < count; i++) {
        memset(&tellers[i], 0, sizeof tellers[i]);
        tellers[i].data = data + i * share;
        tellers[i].len = share;
        tellers[i].fixture = &fixture;
        if (i > 0 && pthread_create(&threads[i], NULL, tell, &tellers[i]) != 0)
            abort();
    }
    (void)tell(&tellers[0]);
    for (i = 1; i < count; i++)
        if (pthread_join(threads[i], NULL) != 0)
            abort();
    fixture_close(&fixture);
    if (sealwax_live_handles() != 0) {
        fprintf(stderr, "%llu handles are left\n", (unsigned long long)sealwax_live_handles());
        abort();
    }
    return SEALWAX_OK;
}
