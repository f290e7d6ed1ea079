/* Objects made, used, misused and freed over and over: memory stays what it was. */
#include "../check.h"
#include "parts.h"
#include "table.h"

#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* Bytes that the allocator has given out; 0 if it does not say. */
static size_t bytes_in_use(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return SANITIZED ? 0 : mallinfo2().uordblks;
#else
    return 0;
#endif
}

/* Pages of this process in memory; 0 if the system does not say, or a sanitizer holds back what is freed. */
static long pages_in_memory(void) {
    FILE *statm = SANITIZED ? NULL : fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;
    if (statm == NULL)
        return 0;
    if (fscanf(statm, "%ld %ld", &all, &resident) != 2)
        resident = 0;
    fclose(statm);
    return resident;
}

/* Each function as it should be called, and with each of its handles missing. */
static void one_round(void) {
    static struct call call;
    struct fixture fixture;
    size_t i;
    int position;
    CHECK(fixture_open(&fixture));
    for (i = 0; i < functions_count; i++) {
        const struct function *function = &functions[i];
        for (position = 0; position < PARAMETERS_MAX && !is_free(function); position++) {
            if (!is_object(&function->parameters[position]))
                continue;
            call_prepare(&call, function, &fixture);
            call.a[position].in = NULL;
            CHECK_STATUS(call_make(&call), SEALWAX_INVALID_HANDLE);
        }
        call_prepare(&call, function, &fixture);
        CHECK(call_make(&call) < SEALWAX_INTERNAL);
        call_release(&call);
    }
    fixture_close(&fixture);
    CHECK(sealwax_live_handles() == 0);
}

int memory(void) {
    /* The C library counts what each thread's cache holds back as in use, and the caches fill for long: tests/c/run.sh
     * turns them off. Without that, only what is more than the caches could hold says something. */
    size_t caches = getenv("GLIBC_TUNABLES") != NULL ? 0 : 262144, bytes = 0;
    int all = rounds(), half = all / 2, round;
    long pages = 0;
    for (round = 0; round < all && failures == 0; round++) {
        if (round == half) {
            bytes = bytes_in_use();
            pages = pages_in_memory();
        }
        one_round();
    }
    /* Where rounds are few, a leak checker looks. */
    if (all >= 1000) {
        CHECK(bytes_in_use() <= bytes + 512 + caches);
        CHECK(pages_in_memory() <= pages + 32);
    }
    return finish();
}
