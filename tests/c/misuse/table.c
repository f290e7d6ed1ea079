#include "table.h"

#include <string.h>

/* Limits that sealwax_build_info() gives. */
#define OPTIONS_LIMIT 65536
#define CARD_LIMIT 640
#define CARDS_LIMIT (640 * 10000)
#define PREKEYS_LIMIT 69632
#define ENTRY_LIMIT 4194304
#define FRAME_LIMIT (ENTRY_LIMIT + 4096)
#define LOG_LIMIT 67108864
#define STREAM_PIECE_LIMIT 1073741824
#define STREAM_CHUNKS_LIMIT 1073741824
#define SEALED_LIMIT 134217728
#define PATH_LIMIT 4096
#define READ_LIMIT (4096 * SEALWAX_ID_LEN)
#define MEMBERS_MOST 10000
#define MEMBERS_LIMIT (MEMBERS_MOST * SEALWAX_NAME_MAX)
#define WATCH_MOST 1000
#define WATCH_LIMIT (WATCH_MOST * SEALWAX_NAME_MAX)

/* How arguments get into a call. */
#define INPUT_AT(i) a[i].in, a[i].len
#define TEXT_AT(i) (const char *)a[i].in, a[i].len
#define BUFFER_AT(i) a[i].out, a[i].cap, a[i].out_len
#define SESSIONS_AT(i) (sealwax_session *const *)a[i].in, a[i].len
#define SLICES_AT(i) (const sealwax_slice *)a[i].in, a[i].len
#define RESULTS_AT(i) ((sealwax_result *)a[i].out)
#define IDENTITY_AT(i) ((sealwax_identity *)(uintptr_t)a[i].in)
#define SESSION_AT(i) ((sealwax_session *)(uintptr_t)a[i].in)
#define ROSTER_AT(i) ((sealwax_roster *)(uintptr_t)a[i].in)
#define SENDER_AT(i) ((sealwax_group_sender *)(uintptr_t)a[i].in)
#define RECEIVER_AT(i) ((sealwax_group_receiver *)(uintptr_t)a[i].in)
#define RELAY_AT(i) ((sealwax_relay *)(uintptr_t)a[i].in)
#define DELIVERIES_AT(i) ((sealwax_deliveries *)(uintptr_t)a[i].in)
#define SEAL_AT(i) ((sealwax_stream_seal *)(uintptr_t)a[i].in)
#define OPENING_AT(i) ((sealwax_stream_open *)(uintptr_t)a[i].in)
#define CLIENT_AT(i) ((sealwax_client *)(uintptr_t)a[i].in)
#define EVENT_AT(i) ((sealwax_event *)(uintptr_t)a[i].in)
#define CLIENT_NEW(i) ((sealwax_client **)a[i].out)
#define EVENT_NEW(i) ((sealwax_event **)a[i].out)
#define IDENTITY_NEW(i) ((sealwax_identity **)a[i].out)
#define SESSION_NEW(i) ((sealwax_session **)a[i].out)
#define ROSTER_NEW(i) ((sealwax_roster **)a[i].out)
#define SENDER_NEW(i) ((sealwax_group_sender **)a[i].out)
#define RECEIVER_NEW(i) ((sealwax_group_receiver **)a[i].out)
#define RELAY_NEW(i) ((sealwax_relay **)a[i].out)
#define DELIVERIES_NEW(i) ((sealwax_deliveries **)a[i].out)
#define SEAL_NEW(i) ((sealwax_stream_seal **)a[i].out)
#define OPENING_NEW(i) ((sealwax_stream_open **)a[i].out)
#define LAYOUT_AT(i) ((sealwax_stream_layout *)a[i].out)

#define FUNCTION(name, again, arguments, ...)                                                                         \
    static sealwax_status call_##name(const struct argument *a) { return name arguments; }
#define REFUSED(name, valid, arguments, ...) FUNCTION(name, valid, arguments, )
#define PURE(name, arguments)                                                                                         \
    static sealwax_status call_##name(const struct argument *a) {                                                     \
        (void)a;                                                                                                      \
        return name arguments ? SEALWAX_OK : SEALWAX_INTERNAL;                                                        \
    }
#include "functions.h"
#undef FUNCTION
#undef REFUSED
#undef PURE

/* What a parameter is. */
#define OBJECT(object) {KIND_OBJECT, object, 0, SEALWAX_INVALID_HANDLE, 0, 0}
#define ANY_OBJECT(object) {KIND_ANY_OBJECT, object, 0, SEALWAX_INVALID_HANDLE, 0, 0}
#define ENDED(object) {KIND_OBJECT, object, 0, SEALWAX_OK, 0, 0}
#define BYTES(bytes, limit, empty) {KIND_BYTES, bytes, limit, empty, 0, empty}
#define STORED(bytes, limit, empty, null) {KIND_BYTES, bytes, limit, empty, 0, null}
#define FIXED(bytes, len) {KIND_FIXED, bytes, len, SEALWAX_INVALID_ARGUMENT, 0, SEALWAX_INVALID_ARGUMENT}
#define TEXT(bytes, limit, empty) {KIND_TEXT, bytes, limit, empty, 0, empty}
#define OPTIONS_TEXT {KIND_OPTIONS, OPTIONS, OPTIONS_LIMIT, SEALWAX_OK, 0, 0}
#define LENGTH(good, limit) {KIND_LENGTH, 0, limit, SEALWAX_TOO_LARGE, good, 0}
#define NUMBER(good) {KIND_NUMBER, 0, 0, SEALWAX_OK, good, good}
#define RANGE(good, bad, status) {KIND_NUMBER, 0, 0, status, good, bad}
#define HANDLES(object, most) {KIND_HANDLES, object, most, SEALWAX_INVALID_HANDLE, 0, 0}
#define SLICES(bytes, most, limit, empty) {KIND_SLICES, bytes, most, empty, limit, 0}
#define SOME_SLICES(bytes, most, limit, empty) {KIND_SLICES, bytes, most, empty, limit, SEALWAX_INVALID_ARGUMENT}
#define WAKE {KIND_WAKE, 0, 0, SEALWAX_OK, 0, 0}
#define RESULTS {KIND_RESULTS, 0, sizeof(sealwax_result), SEALWAX_OK, 0, 0}
#define BUFFER {KIND_BUFFER, 0, 0, SEALWAX_BUFFER_TOO_SMALL, 0, 0}
#define EMPTY_BUFFER {KIND_BUFFER, 0, 0, SEALWAX_OK, 0, 0}
#define VALUE(size) {KIND_VALUE, 0, size, SEALWAX_OK, 0, 0}
#define NEW_HANDLE(type) {KIND_NEW_HANDLE, type, sizeof(void *), SEALWAX_OK, 0, 0}

#define FUNCTION(name, again, arguments, ...) {#name, call_##name, SEALWAX_OK, again, {__VA_ARGS__}},
#define REFUSED(name, valid, arguments, ...) {#name, call_##name, valid, valid, {__VA_ARGS__}},
#define PURE(name, arguments) {#name, call_##name, SEALWAX_OK, SEALWAX_OK, {{KIND_END, 0, 0, 0, 0, 0}}},
const struct function functions[] = {
#include "functions.h"
};
#undef FUNCTION
#undef REFUSED
#undef PURE

const size_t functions_count = sizeof functions / sizeof functions[0];

int is_output(const struct parameter *parameter) {
    return parameter->kind >= KIND_BUFFER && parameter->kind <= KIND_RESULTS;
}

int is_input(const struct parameter *parameter) {
    return parameter->kind >= KIND_BYTES && parameter->kind <= KIND_OPTIONS;
}

int is_object(const struct parameter *parameter) {
    return parameter->kind == KIND_OBJECT || parameter->kind == KIND_ANY_OBJECT;
}

int is_free(const struct function *function) {
    return function->parameters[0].kind == KIND_OBJECT && function->parameters[0].edge == SEALWAX_OK;
}

void call_prepare(struct call *call, const struct function *function, const struct fixture *fixture) {
    int i;
    call->function = function;
    memset(call->a, 0, sizeof call->a);
    for (i = 0; i < PARAMETERS_MAX && function->parameters[i].kind != KIND_END; i++) {
        const struct parameter *parameter = &function->parameters[i];
        struct argument *argument = &call->a[i];
        if (is_object(parameter)) {
            argument->in = fixture->objects[parameter->which];
        } else if (is_input(parameter)) {
            argument->in = fixture->bytes[parameter->which].data;
            argument->len = fixture->bytes[parameter->which].len;
        } else if (parameter->kind == KIND_HANDLES) {
            call->handles[i] = fixture->objects[parameter->which];
            argument->in = &call->handles[i];
            argument->len = 1;
        } else if (parameter->kind == KIND_SLICES) {
            call->slices[i].ptr = fixture->bytes[parameter->which].data;
            call->slices[i].len = fixture->bytes[parameter->which].len;
            argument->in = &call->slices[i];
            argument->len = 1;
        } else if (parameter->kind == KIND_LENGTH) {
            argument->len = (size_t)parameter->good;
        } else if (parameter->kind == KIND_NUMBER) {
            argument->number = parameter->good;
        } else if (is_output(parameter)) {
            /* A marker, by which a byte that was written is seen. */
            memset(&call->outputs[i], 'x', sizeof call->outputs[i]);
            argument->out = &call->outputs[i].room;
            argument->cap = OUT_ROOM;
            argument->out_len = &call->outputs[i].len;
        }
    }
    call->count = i;
}

sealwax_status call_make(struct call *call) { return call->function->call(call->a); }

void call_release(struct call *call) {
    int i;
    for (i = 0; i < call->count; i++) {
        const struct parameter *parameter = &call->function->parameters[i];
        if (parameter->kind == KIND_NEW_HANDLE) {
            (void)object_free((enum type)parameter->which, call->outputs[i].room.handle);
            call->outputs[i].room.handle = NULL;
        }
    }
}
