/* ThreadSanitizer does not follow fences, and the standard library of a release has them where one that was built for it
 * would not: at the end of an Arc. A fence to acquire behind an atomic operation is shown to it as what it is, an
 * operation to acquire. Linked into the library with --wrap. */
#include <stdint.h>

void __tsan_acquire(void *address);

static __thread volatile void *last;

#define ACQUIRE 2
#define ACQUIRE_RELEASE 4

#define SUBTRACTION(bits)                                                                                             \
    uint##bits##_t __real___tsan_atomic##bits##_fetch_sub(volatile uint##bits##_t *at, uint##bits##_t by, int order); \
    uint##bits##_t __wrap___tsan_atomic##bits##_fetch_sub(volatile uint##bits##_t *at, uint##bits##_t by, int order) {\
        last = at;                                                                                                    \
        return __real___tsan_atomic##bits##_fetch_sub(at, by, order);                                                 \
    }
SUBTRACTION(32)
SUBTRACTION(64)

void __real___tsan_atomic_thread_fence(int order);
void __wrap___tsan_atomic_thread_fence(int order) {
    __real___tsan_atomic_thread_fence(order);
    if (order >= ACQUIRE && order != 3 && last != 0)
        __tsan_acquire((void *)last);
}
