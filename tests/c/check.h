/* The whole of the C test harness: a program includes it once, checks, and ends with `return finish();`. */
#ifndef SEALWAX_CHECK_H
#define SEALWAX_CHECK_H

#include "sealwax.h"

#include <stdio.h>
#include <string.h>

static int checks = 0;
static int failures = 0;

static void check_at(int holds, const char *what, const char *file, int line) {
    checks++;
    if (!holds) {
        failures++;
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
    }
}

static void check_status_at(sealwax_status got, sealwax_status expected, const char *what, const char *file,
                            int line) {
    checks++;
    if (got != expected) {
        failures++;
        fprintf(stderr, "%s:%d: %s: %s instead of %s\n", file, line, what, sealwax_status_name(got),
                sealwax_status_name(expected));
    }
}

/* CHECK(condition) */
#define CHECK(condition) check_at((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
/* CHECK_STATUS(call, SEALWAX_REPLAY) */
#define CHECK_STATUS(call, expected) check_status_at((call), (expected), #call, __FILE__, __LINE__)
/* CHECK_OK(call) */
#define CHECK_OK(call) CHECK_STATUS(call, SEALWAX_OK)

/* The last check of every program: a registry hides leaks from leak checkers, so it is asked itself. */
static int finish(void) {
    CHECK(sealwax_live_handles() == 0);
    printf("%d checks, %d failed\n", checks, failures);
    return failures == 0 ? 0 : 1;
}

#endif
