/* A process that holds objects of the library in argv[1] and calls it as it is told, so that test_memory.py can look
 * for what is left in its memory.
 *
 * What would hide remains, or leave them to chance, is taken out: freed memory is never used again, every call runs
 * on a thread of its own whose stack was cleared before, and what the caller owns lies in one place, wiped after the
 * call. And what nobody outside could know is told: each key that the library draws from the system. All that goes in
 * and out is in hexadecimal, which no search for a key takes for one.
 *
 * A line names a function and its arguments, and the answer is a line:
 *
 *     call name argument...  ->  value, bytes of heap used, what was drawn, outputs
 *     keep name argument...  ->  the same
 *
 * i7 is a number, bff00 an input buffer, o32 an output of 32 bytes, sff00,0a an array of slices. Inputs are wiped
 * when the call is over, and so are outputs after `call`; after `keep` they stay until the next line. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HEAP ((size_t)1 << 30)
#define STACK ((size_t)4 << 20)
#define CLEARED ((size_t)2 << 20)
#define ROOM ((size_t)512 << 10)
#define LINE (2 * ROOM + 4096)
#define ARGUMENTS 20

static void die(const char *why) {
    (void)!write(2, why, strlen(why));
    (void)!write(2, "\n", 1);
    _exit(1);
}

static unsigned char *map(size_t size) {
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        die("no memory");
    return at;
}

/* The allocator of the whole process. A block is preceded by its size; what is freed stays as it is for ever. */
static unsigned char *heap;
static size_t heap_used;

static void *allocate(size_t alignment, size_t size) {
    static volatile int busy;
    size_t at;
    while (__sync_lock_test_and_set(&busy, 1))
        ;
    if (heap == NULL)
        heap = map(HEAP);
    if (alignment < 16)
        alignment = 16;
    at = (heap_used + 16 + alignment - 1) & ~(alignment - 1);
    if (size > HEAP - at)
        die("heap full");
    heap_used = at + size;
    memcpy(heap + at - 16, &size, sizeof size);
    __sync_lock_release(&busy);
    return heap + at;
}

void *malloc(size_t size) { return allocate(16, size); }
void free(void *block) { (void)block; }
void *memalign(size_t alignment, size_t size) { return allocate(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return allocate(alignment, size); }

void *calloc(size_t count, size_t size) {
    if (size != 0 && count > HEAP / size)
        return NULL;
    return allocate(16, count * size);
}

size_t malloc_usable_size(void *block) {
    size_t size = 0;
    if (block != NULL)
        memcpy(&size, (unsigned char *)block - 16, sizeof size);
    return size;
}

void *realloc(void *block, size_t size) {
    size_t old = malloc_usable_size(block);
    void *larger = allocate(16, size);
    if (block != NULL)
        memcpy(larger, block, old < size ? old : size);
    return larger;
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    *out = allocate(alignment, size);
    return 0;
}

/* What the search has to find, so that it is known to see. */
static unsigned char in_static[256];

void leave_on_stack(const unsigned char *bytes, size_t len) {
    unsigned char frame[256];
    memcpy(frame, bytes, len < sizeof frame ? len : sizeof frame);
    __asm__ volatile("" : : "r"(frame) : "memory");
}

void leave_on_heap(const unsigned char *bytes, size_t len) {
    unsigned char *block = malloc(len);
    memcpy(block, bytes, len);
    __asm__ volatile("" : : "r"(block) : "memory");
    free(block);
}

void leave_in_static(const unsigned char *bytes, size_t len) {
    memcpy(in_static, bytes, len < sizeof in_static ? len : sizeof in_static);
}

static char answer[LINE];
static size_t answer_len;

static void say(const char *text) {
    size_t len = strlen(text);
    if (len > LINE - answer_len)
        die("answer too long");
    memcpy(answer + answer_len, text, len);
    answer_len += len;
}

static void say_hex(const unsigned char *bytes, size_t len) {
    static const char digits[] = "0123456789abcdef";
    size_t i;
    if (2 * len > LINE - answer_len)
        die("answer too long");
    for (i = 0; i < len; i++) {
        answer[answer_len++] = digits[bytes[i] >> 4];
        answer[answer_len++] = digits[bytes[i] & 15];
    }
}

static void say_number(uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    say(text);
}

/* In place of the C library's: what the library draws is written down, in hexadecimal, for the answer. */
static char drawn[1 << 20];
static size_t drawn_len;

ssize_t getrandom(void *out, size_t len, unsigned flags) {
    long got = syscall(SYS_getrandom, out, len, flags);
    long i;
    if (got > 0 && len > 0) {
        if (2 * (size_t)got + 3 > sizeof drawn - drawn_len)
            die("too many draws");
        for (i = 0; i < got; i++)
            drawn_len += (size_t)sprintf(drawn + drawn_len, "%02x", ((unsigned char *)out)[i]);
        drawn[drawn_len++] = ',';
    }
    return got;
}

/* Memory of the caller's: arguments of the call under way. */
static unsigned char room[ROOM];
static size_t room_used;

static unsigned char *take(size_t len) {
    unsigned char *at = room + room_used;
    if (len > ROOM - room_used - 16)
        die("room full");
    room_used = (room_used + len + 15) & ~(size_t)15;
    return at;
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* Reads hexadecimal digits, and moves past them. */
static unsigned char *read_hex(const char **text, size_t *out_len) {
    size_t digits = strspn(*text, "0123456789abcdef"), i;
    unsigned char *bytes = take(digits / 2);
    for (i = 0; i < digits / 2; i++)
        bytes[i] = (unsigned char)(digit((*text)[2 * i]) << 4 | digit((*text)[2 * i + 1]));
    *text += digits;
    *out_len = digits / 2;
    return bytes;
}

struct slice {
    const void *ptr;
    size_t len;
};

static uintptr_t read_slices(const char *text) {
    static struct slice slices[64];
    size_t count = 0;
    while (count < 64) {
        slices[count].ptr = read_hex(&text, &slices[count].len);
        count++;
        if (*text++ != ',')
            break;
    }
    return (uintptr_t)slices;
}

/* The call under way. Every parameter of the library fits a register, and is passed as one. */
typedef uint64_t function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                          uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
static function *to_call;
static uintptr_t a[ARGUMENTS];
static uint64_t result;
static sem_t go, done;
static unsigned char *stack;
static unsigned char *stack_top;

/* Overwrites what calls before have left on this stack. */
static __attribute__((noinline)) void clear_stack(void) {
    unsigned char dead[CLEARED];
    memset(dead, 0, sizeof dead);
    __asm__ volatile("" : : "r"(dead) : "memory");
}

static __attribute__((noinline)) void make_call(void) {
    result = to_call(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14],
                     a[15]);
}

static void wait_for(sem_t *semaphore) {
    while (sem_wait(semaphore) != 0 && errno == EINTR)
        ;
}

static void *work(void *unused) {
    (void)unused;
    /* What lies above belongs to the thread itself. */
    stack_top = __builtin_frame_address(0);
    sem_post(&done);
    for (;;) {
        wait_for(&go);
        clear_stack();
        make_call();
        sem_post(&done);
    }
    return NULL;
}

static void start_worker(void) {
    pthread_t worker;
    pthread_attr_t attributes;
    stack = map(STACK);
    if (sem_init(&go, 0, 0) != 0 || sem_init(&done, 0, 0) != 0 || pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, STACK) != 0 ||
        pthread_create(&worker, &attributes, work, NULL) != 0)
        die("no thread");
    wait_for(&done);
}

static void serve(char *line) {
    struct slice outputs[ARGUMENTS];
    size_t output_at[ARGUMENTS], outputs_count = 0, count = 0, inputs_end, i, len;
    char *word = strtok(line, " "), *name = strtok(NULL, " ");
    const int keep = word != NULL && strcmp(word, "keep") == 0;
    const char *text;
    if (name == NULL || (to_call = (function *)(uintptr_t)dlsym(RTLD_DEFAULT, name)) == NULL)
        die("no such function");
    memset(room, 0, room_used);
    room_used = 0;
    memset(a, 0, sizeof a);
    for (word = strtok(NULL, " "); word != NULL && count < 16; word = strtok(NULL, " "), count++) {
        text = word + 1;
        switch (*word) {
        case 'i':
            a[count] = (uintptr_t)strtoull(text, NULL, 10);
            break;
        case 'b':
            a[count] = (uintptr_t)read_hex(&text, &len);
            break;
        case 's':
            a[count] = read_slices(text);
            break;
        case 'o':
            /* Its place follows those of all inputs. */
            outputs[outputs_count].len = strtoull(text, NULL, 10);
            output_at[outputs_count++] = count;
            break;
        default:
            die("no such argument");
        }
    }
    inputs_end = room_used;
    for (i = 0; i < outputs_count; i++) {
        outputs[i].ptr = take(outputs[i].len);
        a[output_at[i]] = (uintptr_t)outputs[i].ptr;
    }
    drawn_len = 0;
    sem_post(&go);
    wait_for(&done);
    drawn[drawn_len] = 0;
    memset(room, 0, inputs_end);
    say_number(result);
    say(" ");
    say_number(heap_used);
    say(" ");
    say(drawn_len > 0 ? drawn : "-");
    for (i = 0; i < outputs_count; i++) {
        say(" ");
        say_hex(outputs[i].ptr, outputs[i].len);
    }
    say("\n");
    if (!keep)
        memset(room, 0, room_used);
}

static void tell(void) {
    size_t at = 0;
    while (at < answer_len) {
        ssize_t written = write(1, answer + at, answer_len - at);
        if (written <= 0)
            die("nobody listens");
        at += (size_t)written;
    }
    answer_len = 0;
}

int main(int argc, char **argv) {
    static char line[LINE];
    size_t len = 0;
    if (argc != 2)
        die("usage: subject <library>");
    if (dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) == NULL)
        die(dlerror());
    start_worker();
    /* Where is what: heap, stack and room, each from and to. */
    say_number((uintptr_t)heap);
    say(" ");
    say_number((uintptr_t)heap + HEAP);
    say(" ");
    say_number((uintptr_t)stack);
    say(" ");
    say_number((uintptr_t)stack_top);
    say(" ");
    say_number((uintptr_t)room);
    say(" ");
    say_number((uintptr_t)room + ROOM);
    say("\n");
    tell();
    for (;;) {
        ssize_t got = read(0, line + len, LINE - 1 - len);
        if (got <= 0)
            return 0;
        len += (size_t)got;
        if (line[len - 1] != '\n')
            continue;
        line[len - 1] = 0;
        serve(line);
        tell();
        len = 0;
    }
}
