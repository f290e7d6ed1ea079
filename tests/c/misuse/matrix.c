/* Every wrong argument of every function, one at a time and two at a time, for the precise status and for that
 * nothing changes. What is expected is what docs/C_API.md, section 5, says of the order of the checks. */
#include "../check.h"
#include "parts.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

/* No address of this page is readable, so a length that is too large must be refused unread. */
#define UNREADABLE ((const void *)(uintptr_t)1024)

/* Ranks: the step of the check, then the position of the argument. The lowest one wins. */
enum { OUTPUT = 100, OVERLAP_OF_OUTPUTS = 199, INPUT = 200, HANDLE = 300, VALUES = 400, OPERATION = 600 };

struct mutation {
    const char *what;
    sealwax_status expected;
    int rank;
    int overlapping; /* an output lies over another one: what is in them says nothing */
};

static int is(struct mutation *mutation, const char *what, sealwax_status expected, int rank) {
    mutation->what = what;
    mutation->expected = expected;
    mutation->rank = rank;
    mutation->overlapping = 0;
    return 1;
}

static const struct parameter *parameter_of(const struct call *call, int position) {
    return &call->function->parameters[position];
}

/* The n-th place at which something can lie over an output of the call, NULL if there are not so many. */
static void *place_in_outputs(const struct call *call, int except, int n) {
    int i;
    for (i = 0; i < call->count; i++) {
        const struct parameter *parameter = parameter_of(call, i);
        unsigned char *out = (unsigned char *)call->a[i].out;
        if (i == except || !is_output(parameter))
            continue;
        if (n-- == 0)
            return out;
        if (n-- == 0)
            return out + (parameter->kind == KIND_BUFFER ? OUT_ROOM : parameter->size) - 1;
        if (parameter->kind == KIND_BUFFER && n-- == 0)
            return call->a[i].out_len;
    }
    return NULL;
}

static int mutate_input(struct call *call, int position, int n, struct mutation *mutation) {
    const struct parameter *parameter = parameter_of(call, position);
    struct argument *argument = &call->a[position];
    int rank = INPUT + position;
    /* A fixed length is checked with the input itself, an empty input by the operation. */
    int empty_rank = parameter->kind == KIND_FIXED ? rank : OPERATION;
    switch (n) {
    case 0:
        argument->in = NULL;
        return is(mutation, "NULL", SEALWAX_NULL_POINTER, rank);
    case 1:
        argument->in = UNREADABLE;
        argument->len = parameter->size + 1;
        return is(mutation, "limit + 1", SEALWAX_TOO_LARGE, rank);
    case 2:
        argument->in = UNREADABLE;
        argument->len = SIZE_MAX / 2;
        return is(mutation, "SIZE_MAX / 2", SEALWAX_TOO_LARGE, rank);
    case 3:
        argument->in = UNREADABLE;
        argument->len = SIZE_MAX;
        return is(mutation, "SIZE_MAX", SEALWAX_TOO_LARGE, rank);
    case 4:
        argument->len = 0;
        return is(mutation, "empty", parameter->edge, empty_rank);
    case 5:
        argument->in = NULL;
        argument->len = 0;
        return is(mutation, "NULL and empty", (sealwax_status)parameter->bad, empty_rank);
    case 6:
        if (parameter->kind == KIND_FIXED) {
            argument->len = parameter->size - 1;
            return is(mutation, "one too short", SEALWAX_INVALID_ARGUMENT, rank);
        }
        if (parameter->kind == KIND_BYTES) {
            argument->len = parameter->size; /* of what follows the true bytes, nothing may be read */
            argument->in = NULL;
            return is(mutation, "NULL with the limit", SEALWAX_NULL_POINTER, rank);
        }
        argument->in = "\xc3("; /* half of a character */
        argument->len = 2;
        return is(mutation, "not UTF-8", SEALWAX_INVALID_TEXT, rank);
    case 7:
        if (parameter->kind != KIND_OPTIONS) {
            argument->in = NULL;
            return is(mutation, "NULL", SEALWAX_NULL_POINTER, rank);
        }
        argument->in = "{\"no such key\":1}";
        argument->len = 17;
        return is(mutation, "unknown key", SEALWAX_INVALID_OPTIONS, VALUES + position);
    default:
        argument->in = place_in_outputs(call, position, n - 8);
        argument->len = 1;
        return argument->in != NULL && is(mutation, "over an output", SEALWAX_BUFFER_OVERLAP, rank);
    }
}

/* The handle of an argument, or one in an array of them. */
static int mutate_handle(struct call *call, const struct fixture *fixture, int position, const void **handle, int n,
                         struct mutation *mutation) {
    const struct parameter *parameter = parameter_of(call, position);
    enum type type = type_of((enum object)parameter->which);
    int rank = HANDLE + position;
    int bit = n - 7 - OBJECTS;
    static int local;
    switch (n) {
    case 0:
        *handle = NULL;
        return is(mutation, "NULL", parameter->edge, parameter->edge == SEALWAX_OK ? OPERATION : rank);
    case 1:
        *handle = fixture->freed[type];
        return is(mutation, "freed", SEALWAX_INVALID_HANDLE, rank);
    case 2:
        *handle = fixture->stale[type];
        return is(mutation, "stale", SEALWAX_INVALID_HANDLE, rank);
    case 3:
        *handle = &local;
        return is(mutation, "a true pointer", SEALWAX_INVALID_HANDLE, rank);
    case 4:
        *handle = (const void *)(uintptr_t)1;
        return is(mutation, "1", SEALWAX_INVALID_HANDLE, rank);
    case 5:
        *handle = (const void *)UINTPTR_MAX;
        return is(mutation, "UINTPTR_MAX", SEALWAX_INVALID_HANDLE, rank);
    case 6:
        *handle = fixture->bytes[KEY].data;
        return is(mutation, "an allocated pointer", SEALWAX_INVALID_HANDLE, rank);
    default:
        if (n - 7 < OBJECTS) {
            enum object other = (enum object)(n - 7);
            if (parameter->kind == KIND_ANY_OBJECT || type_of(other) == type)
                *handle = fixture->freed[type_of(other)];
            else
                *handle = fixture->objects[other];
            return is(mutation, "of another type", SEALWAX_INVALID_HANDLE, rank);
        }
        if (bit >= (int)(8 * sizeof(uintptr_t)))
            return 0;
        *handle = (const void *)((uintptr_t)*handle ^ (uintptr_t)1 << bit);
        return is(mutation, "forged", SEALWAX_INVALID_HANDLE, rank);
    }
}

/* What mutate_handle() makes, and then what is wrong with the array. */
static int mutate_handles(struct call *call, const struct fixture *fixture, int position, int n,
                          struct mutation *mutation) {
    const int handles = 7 + OBJECTS + (int)(8 * sizeof(uintptr_t));
    struct argument *argument = &call->a[position];
    int rank = INPUT + position;
    if (n < handles)
        return mutate_handle(call, fixture, position, &call->handles[position], n, mutation);
    switch (n - handles) {
    case 0:
        argument->in = NULL;
        return is(mutation, "NULL", SEALWAX_NULL_POINTER, rank);
    case 1:
    case 2:
        argument->in = UNREADABLE;
        argument->len = n - handles == 1 ? parameter_of(call, position)->size + 1 : SIZE_MAX;
        /* As many results as handles: refused there already. */
        return is(mutation, "too many", SEALWAX_TOO_LARGE, OUTPUT + call->count - 1);
    case 3:
        argument->in = NULL;
        argument->len = 0;
        return is(mutation, "none", SEALWAX_OK, OPERATION);
    default:
        argument->in = place_in_outputs(call, position, n - handles - 4);
        return argument->in != NULL && is(mutation, "over an output", SEALWAX_BUFFER_OVERLAP, rank);
    }
}

static int mutate_buffer(struct call *call, int position, int n, struct mutation *mutation) {
    struct argument *argument = &call->a[position];
    int rank = OUTPUT + position;
    sealwax_status valid = call->function->valid, edge = parameter_of(call, position)->edge;
    sealwax_status too_small = valid == SEALWAX_OK ? edge : valid;
    switch (n) {
    case 0:
        argument->out_len = NULL;
        return is(mutation, "NULL out_len", SEALWAX_NULL_POINTER, rank);
    case 1:
        argument->out = NULL;
        return is(mutation, "NULL out", SEALWAX_NULL_POINTER, rank);
    case 2:
        argument->cap = SIZE_MAX / 2;
        return is(mutation, "out_cap SIZE_MAX / 2", SEALWAX_TOO_LARGE, rank);
    case 3:
        argument->cap = SIZE_MAX;
        return is(mutation, "out_cap SIZE_MAX", SEALWAX_TOO_LARGE, rank);
    case 4:
        argument->out = NULL;
        argument->cap = 0;
        return is(mutation, "no room", too_small, OPERATION);
    case 5:
        argument->cap = 0;
        return is(mutation, "out_cap 0", too_small, OPERATION);
    case 6:
        argument->cap = 1;
        return is(mutation, "out_cap 1", too_small, OPERATION);
    case 7:
        argument->out_len = (size_t *)argument->out;
        is(mutation, "out_len over out", SEALWAX_BUFFER_OVERLAP, OVERLAP_OF_OUTPUTS);
        break;
    default:
        argument->out = place_in_outputs(call, position, n - 8);
        argument->cap = 1;
        is(mutation, "over another output", SEALWAX_BUFFER_OVERLAP, OVERLAP_OF_OUTPUTS);
        if (argument->out == NULL)
            return 0;
    }
    mutation->overlapping = 1;
    return 1;
}

static int mutate_value(struct call *call, int position, int n, struct mutation *mutation) {
    struct argument *argument = &call->a[position];
    if (n == 0) {
        argument->out = NULL;
        return is(mutation, "NULL", SEALWAX_NULL_POINTER, OUTPUT + position);
    }
    argument->out = place_in_outputs(call, position, n - 1);
    is(mutation, "over another output", SEALWAX_BUFFER_OVERLAP, OVERLAP_OF_OUTPUTS);
    mutation->overlapping = 1;
    return argument->out != NULL;
}

/* Where results are written, as many as there are inputs: too many are refused there already. */
static int rank_of_count(const struct call *call, int position) {
    int i;
    for (i = 0; i < call->count; i++)
        if (parameter_of(call, i)->kind == KIND_RESULTS)
            return OUTPUT + i;
    return INPUT + position;
}

static int mutate_slices(struct call *call, int position, int n, struct mutation *mutation) {
    const struct parameter *parameter = parameter_of(call, position);
    struct argument *argument = &call->a[position];
    sealwax_slice *slice = &call->slices[position];
    int rank = INPUT + position;
    switch (n) {
    case 0:
        argument->in = NULL;
        return is(mutation, "NULL", SEALWAX_NULL_POINTER, rank);
    case 1:
    case 2:
    case 3:
        argument->in = UNREADABLE;
        argument->len = n == 1 ? parameter->size + 1 : n == 2 ? SIZE_MAX / 2 : SIZE_MAX;
        return is(mutation, "too many", SEALWAX_TOO_LARGE, rank_of_count(call, position));
    case 4:
        slice->ptr = NULL;
        return is(mutation, "NULL in it", SEALWAX_NULL_POINTER, rank);
    case 5:
        slice->ptr = UNREADABLE;
        slice->len = (size_t)parameter->good + 1;
        return is(mutation, "limit + 1 in it", SEALWAX_TOO_LARGE, rank);
    case 6:
        slice->ptr = UNREADABLE;
        slice->len = SIZE_MAX;
        return is(mutation, "SIZE_MAX in it", SEALWAX_TOO_LARGE, rank);
    case 7:
        argument->in = NULL;
        argument->len = 0;
        return is(mutation, "none", (sealwax_status)parameter->bad, OPERATION);
    case 8:
        slice->ptr = NULL;
        slice->len = 0;
        return is(mutation, "an empty one", parameter->edge, OPERATION);
    default:
        if (n % 2 == 0) {
            argument->in = place_in_outputs(call, position, (n - 9) / 2);
            return argument->in != NULL && is(mutation, "over an output", SEALWAX_BUFFER_OVERLAP, rank);
        }
        slice->ptr = place_in_outputs(call, position, (n - 9) / 2);
        slice->len = 1;
        return slice->ptr != NULL && is(mutation, "one over an output", SEALWAX_BUFFER_OVERLAP, rank);
    }
}

static int mutate_length(struct call *call, int position, int n, struct mutation *mutation) {
    static const char *const names[] = {"limit + 1", "SIZE_MAX / 2", "SIZE_MAX"};
    const size_t lengths[] = {parameter_of(call, position)->size + 1, SIZE_MAX / 2, SIZE_MAX};
    if (n >= 3)
        return 0;
    call->a[position].len = lengths[n];
    return is(mutation, names[n], SEALWAX_TOO_LARGE, INPUT + position);
}

static int mutate_number(struct call *call, int position, int n, struct mutation *mutation) {
    const struct parameter *parameter = parameter_of(call, position);
    if (parameter->edge == SEALWAX_OK || n >= (parameter->bad == 0 ? 1 : 2))
        return 0;
    call->a[position].number = n == 0 ? parameter->bad : UINT32_MAX;
    /* Out of its range it is refused as such; what goes beyond a table, by the operation. */
    return is(mutation, "out of range", parameter->edge,
              parameter->edge == SEALWAX_INVALID_ARGUMENT ? VALUES + position : OPERATION);
}

/* Makes the n-th mistake in one argument of a valid call; 0 if there are not so many. */
static int mutate(struct call *call, const struct fixture *fixture, int position, int n, struct mutation *mutation) {
    switch (parameter_of(call, position)->kind) {
    case KIND_OBJECT:
    case KIND_ANY_OBJECT:
        return mutate_handle(call, fixture, position, &call->a[position].in, n, mutation);
    case KIND_HANDLES:
        return mutate_handles(call, fixture, position, n, mutation);
    case KIND_BYTES:
    case KIND_FIXED:
    case KIND_TEXT:
    case KIND_OPTIONS:
        return mutate_input(call, position, n, mutation);
    case KIND_LENGTH:
        return mutate_length(call, position, n, mutation);
    case KIND_NUMBER:
        return mutate_number(call, position, n, mutation);
    case KIND_BUFFER:
        return mutate_buffer(call, position, n, mutation);
    case KIND_SLICES:
        return mutate_slices(call, position, n, mutation);
    case KIND_VALUE:
    case KIND_NEW_HANDLE:
    case KIND_RESULTS:
        return mutate_value(call, position, n, mutation);
    default:
        return 0;
    }
}

/* A check that names the call. */
static void expect(int holds, const struct call *call, int position, const char *mistake, const char *what) {
    char text[200];
    if (holds) {
        checks++;
        return;
    }
    snprintf(text, sizeof text, "%s, argument %d %s: %s", call->function->name, position, mistake, what);
    check_at(0, text, __FILE__, __LINE__);
}

static void expect_status(sealwax_status got, sealwax_status expected, const struct call *call, int position,
                          const char *mistake) {
    char text[200];
    snprintf(text, sizeof text, "%s, argument %d %s", call->function->name, position, mistake);
    check_status_at(got, expected, text, __FILE__, __LINE__);
}

static int all_bytes(const unsigned char *bytes, size_t from, size_t to, unsigned char one, unsigned char other) {
    for (; from < to; from++)
        if (bytes[from] != one && bytes[from] != other)
            return 0;
    return 1;
}

/* What one result says when the call failed, or nothing if there were more than may be. */
static int is_no_result(const unsigned char *bytes) {
    sealwax_result result;
    memcpy(&result, bytes, sizeof result);
    return all_bytes(bytes, 0, sizeof result, 'x', 'x') ||
           (result.status == SEALWAX_INTERNAL && result.reserved == 0 && result.offset == 0 && result.len == 0);
}

/* After a refusal, outputs say nothing: lengths and values are zero, handles NULL, buffers as they were or wiped. */
static void expect_nothing(const struct call *call, int position, const struct mutation *mutation) {
    int i;
    for (i = 0; i < call->count; i++) {
        const struct parameter *parameter = parameter_of(call, i);
        const unsigned char *room = call->outputs[i].room.bytes;
        size_t size = parameter->size;
        if (!is_output(parameter) || (i == position && call->a[i].out == NULL && parameter->kind != KIND_BUFFER))
            continue;
        if (parameter->kind != KIND_BUFFER) {
            int nothing = parameter->kind == KIND_RESULTS ? is_no_result(room) : all_bytes(room, 0, size, 0, 0);
            expect(nothing, call, position, mutation->what, "an output says something");
            expect(all_bytes(room, size, size + 64, 'x', 'x'), call, position, mutation->what,
                   "written beyond an output");
            continue;
        }
        if (mutation->expected == SEALWAX_BUFFER_TOO_SMALL) {
            expect((call->outputs[i].len > call->a[i].cap || i != position) && call->outputs[i].len > 0 &&
                       call->outputs[i].len <= OUT_ROOM,
                   call, position, mutation->what, "out_len is no size that would do");
            expect(all_bytes(room, 0, OUT_ROOM, 'x', 'x'), call, position, mutation->what, "out was touched");
        } else if (call->a[i].out_len != NULL) {
            expect(call->outputs[i].len == 0, call, position, mutation->what, "out_len is not 0");
        }
        expect(all_bytes(room, 0, OUT_ROOM, 'x', 0), call, position, mutation->what, "bytes were left in out");
    }
}

static void one_mistake(struct call *call, const struct fixture *fixture, int position) {
    struct mutation mutation;
    size_t live = sealwax_live_handles();
    uint64_t digest = fixture_digest(fixture);
    int n;
    for (n = 0;; n++) {
        call_prepare(call, call->function, fixture);
        if (!mutate(call, fixture, position, n, &mutation))
            break;
        if (mutation.expected == SEALWAX_OK)
            continue; /* an argument that may be empty: see `valid_calls` */
        expect_status(call_make(call), mutation.expected, call, position, mutation.what);
        if (!mutation.overlapping)
            expect_nothing(call, position, &mutation);
        expect(sealwax_live_handles() == live, call, position, mutation.what, "a handle came or went");
        expect(fixture_digest(fixture) == digest, call, position, mutation.what, "an object changed");
    }
}

/* The size that a call says would do: one byte less does not, and it does. */
static void exact_room(struct call *call, const struct fixture *fixture, int position) {
    struct mutation mutation;
    uint64_t digest = fixture_digest(fixture);
    size_t size;
    call_prepare(call, call->function, fixture);
    is(&mutation, "one byte too small", SEALWAX_BUFFER_TOO_SMALL, OPERATION);
    call->a[position].cap = 0;
    expect_status(call_make(call), SEALWAX_BUFFER_TOO_SMALL, call, position, "asked for the size");
    size = call->outputs[position].len;
    call_prepare(call, call->function, fixture);
    call->a[position].cap = size - 1;
    expect_status(call_make(call), mutation.expected, call, position, mutation.what);
    expect(call->outputs[position].len == size, call, position, mutation.what, "another size was asked for");
    expect_nothing(call, position, &mutation);
    expect(fixture_digest(fixture) == digest, call, position, mutation.what, "an object changed");
}

/* Two mistakes at once: the check that comes first names its own. */
static void two_mistakes(struct call *call, const struct fixture *fixture) {
    struct mutation one, two;
    int first, second, n, m;
    for (first = 0; first < call->count; first++) {
        for (n = 0; n < 7; n++) {
            for (second = first + 1; second < call->count; second++) {
                for (m = 0; m < 9; m++) {
                    const struct mutation *winner;
                    call_prepare(call, call->function, fixture);
                    if (!mutate(call, fixture, first, n, &one) || !mutate(call, fixture, second, m, &two))
                        break;
                    if (one.rank >= OPERATION || two.rank >= OPERATION)
                        continue;
                    winner = one.rank <= two.rank ? &one : &two;
                    expect_status(call_make(call), winner->expected, call, winner == &one ? first : second,
                                  winner->what);
                }
            }
        }
    }
}

/* What a successful call gives. */
static void expect_something(const struct call *call) {
    int i;
    for (i = 0; i < call->count; i++) {
        const struct parameter *parameter = parameter_of(call, i);
        if (parameter->kind == KIND_BUFFER)
            expect(call->outputs[i].len <= OUT_ROOM, call, i, "valid", "out_len is beyond out_cap");
        if (parameter->kind == KIND_NEW_HANDLE)
            expect(call->outputs[i].room.handle != NULL, call, i, "valid", "no handle");
        if (is_output(parameter) && parameter->kind != KIND_BUFFER)
            expect(all_bytes(call->outputs[i].room.bytes, parameter->size, OUT_ROOM, 'x', 'x'), call, i, "valid",
                   "written beyond an output");
    }
}

/* Makes a call that has to succeed, and all again if it changed something. */
static int succeed(struct call *call, struct fixture *fixture, int position, const char *what, int again) {
    uint64_t digest = fixture_digest(fixture);
    sealwax_status status = call_make(call);
    /* With an argument that is empty, what is refused otherwise may be done. */
    if (again || status != SEALWAX_OK)
        expect_status(status, call->function->valid, call, position, what);
    if (status == SEALWAX_OK) {
        expect_something(call);
        call_release(call);
    }
    if (again) {
        call_prepare(call, call->function, fixture);
        expect_status(call_make(call), call->function->again, call, position, "the same again");
        call_release(call);
    }
    if (fixture_digest(fixture) == digest)
        return 1;
    fixture_close(fixture);
    return fixture_open(fixture);
}

/* The calls from which the wrong ones differ in one argument do succeed, and so do those in which an argument is
 * empty that may be. They come last: that nothing changed before is one more thing that they show. */
static int valid_calls(struct call *call, struct fixture *fixture) {
    struct mutation mutation;
    int position, n;
    for (position = 0; position < call->count; position++) {
        for (n = 0;; n++) {
            call_prepare(call, call->function, fixture);
            if (!mutate(call, fixture, position, n, &mutation))
                break;
            if (mutation.expected == SEALWAX_OK && !succeed(call, fixture, position, mutation.what, 0))
                return 0;
        }
    }
    call_prepare(call, call->function, fixture);
    return succeed(call, fixture, 0, "valid", 1);
}

static int function_is_robust(const struct function *function, struct fixture *fixture) {
    static struct call call;
    int position;
    call_prepare(&call, function, fixture);
    for (position = 0; position < call.count; position++) {
        one_mistake(&call, fixture, position);
        if (function->parameters[position].kind == KIND_BUFFER && function->valid == SEALWAX_OK &&
            function->parameters[position].edge == SEALWAX_BUFFER_TOO_SMALL)
            exact_room(&call, fixture, position);
    }
    two_mistakes(&call, fixture);
    return valid_calls(&call, fixture);
}

int matrix(void) {
    struct fixture fixture;
    size_t i;
    CHECK(fixture_open(&fixture));
    for (i = 0; i < functions_count && failures < 50; i++)
        CHECK(function_is_robust(&functions[i], &fixture));
    fixture_close(&fixture);
    return finish();
}
