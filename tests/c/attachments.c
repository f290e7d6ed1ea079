/* An attachment from C: sealed in order and by several threads, opened in order and at any place, and damaged. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

#define CHUNK 4096u
#define SEALED_CHUNK (CHUNK + SEALWAX_STREAM_OVERHEAD)
#define CHUNKS 40u
#define SIZE ((CHUNKS - 1) * CHUNK + 123u)
#define SEALED_SIZE (SIZE + CHUNKS * SEALWAX_STREAM_OVERHEAD)
#define THREADS 4

static unsigned char plaintext[SIZE];
/* Without the header. */
static unsigned char body[SEALED_SIZE];
static unsigned char back[SIZE];
static uint8_t header[SEALWAX_STREAM_HEADER_LEN];
static unsigned char reference[SEALWAX_STREAM_REFERENCE_MAX];
static size_t reference_len;

static sealwax_stream_seal *seal_new(void) {
    static const char options[] = "{\"chunk_size\":4096}";
    sealwax_stream_seal *seal = NULL;
    CHECK_OK(sealwax_stream_seal_new(options, sizeof options - 1, header, &seal));
    return seal;
}

static sealwax_stream_open *open_new(const char *options) {
    sealwax_stream_open *opening = NULL;
    CHECK_OK(sealwax_stream_open_new(reference, reference_len, header, sizeof header, options, strlen(options),
                                     &opening));
    return opening;
}

static void seal_in_order(size_t piece) {
    sealwax_stream_seal *seal = seal_new();
    size_t at, len, written = 0;
    for (at = 0; at < SIZE; at += piece) {
        size_t length = SIZE - at < piece ? SIZE - at : piece;
        CHECK_OK(sealwax_stream_seal_update(seal, plaintext + at, length, body + written, sizeof body - written, &len));
        written += len;
    }
    CHECK_STATUS(sealwax_stream_seal_reference(seal, reference, sizeof reference, &reference_len),
                 SEALWAX_WRONG_STATE);
    CHECK_OK(sealwax_stream_seal_finish(seal, body + written, sizeof body - written, &len));
    CHECK(written + len == SEALED_SIZE);
    CHECK_OK(sealwax_stream_seal_reference(seal, reference, sizeof reference, &reference_len));
    CHECK_OK(sealwax_stream_seal_free(seal));
}

/* How it ends; *out_given is how much plaintext came before that. */
static sealwax_status read_in_order(size_t size, size_t piece, size_t *out_given) {
    sealwax_stream_open *opening = open_new("");
    sealwax_status status = SEALWAX_OK;
    size_t at, len;
    *out_given = 0;
    for (at = 0; at < size && status == SEALWAX_OK; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        status = sealwax_stream_open_update(opening, body + at, length, back + *out_given, sizeof back - *out_given,
                                            &len);
        *out_given += len;
    }
    if (status == SEALWAX_OK)
        status = sealwax_stream_open_finish(opening);
    CHECK(memcmp(back, plaintext, *out_given) == 0);
    CHECK_OK(sealwax_stream_open_free(opening));
    return status;
}

static void damaged_files(void) {
    size_t given;
    CHECK_STATUS(read_in_order(SEALED_SIZE - SEALED_CHUNK, 1000, &given), SEALWAX_MALFORMED);
    body[3 * SEALED_CHUNK + 20] ^= 1;
    CHECK_STATUS(read_in_order(SEALED_SIZE, 1000, &given), SEALWAX_AUTHENTICATION_FAILED);
    CHECK(given == 3 * CHUNK);
    body[3 * SEALED_CHUNK + 20] ^= 1;
    CHECK_OK(read_in_order(SEALED_SIZE, SEALED_SIZE, &given));
}

static void any_part(void) {
    sealwax_stream_open *opening = open_new("{\"digest\":false}");
    sealwax_stream_layout layout;
    uint32_t i;
    size_t len;
    CHECK_OK(sealwax_stream_open_layout(opening, &layout));
    CHECK(layout.size == SIZE && layout.chunks == CHUNKS && layout.chunk_size == CHUNK);
    CHECK(layout.sealed_size == SEALWAX_STREAM_HEADER_LEN + SEALED_SIZE);
    for (i = CHUNKS; i-- > 0;) {
        size_t length = i + 1 < CHUNKS ? SEALED_CHUNK : SEALED_SIZE - i * SEALED_CHUNK;
        CHECK_OK(sealwax_stream_open_chunk(opening, i, body + i * SEALED_CHUNK, length, back, sizeof back, &len));
        CHECK(len == length - SEALWAX_STREAM_OVERHEAD && memcmp(back, plaintext + i * CHUNK, len) == 0);
    }
    CHECK_STATUS(sealwax_stream_open_chunk(opening, 1, body, SEALED_CHUNK, back, sizeof back, &len),
                 SEALWAX_AUTHENTICATION_FAILED);
    CHECK(len == 0);
    CHECK_OK(sealwax_stream_open_free(opening));
}

/* What the threads of one job share, and which of them one is. */
struct work {
    const sealwax_stream_seal *seal;
    const sealwax_stream_open *opening;
    uint32_t first;
    int failed;
};

static void *every_fourth_chunk(void *argument) {
    struct work *work = (struct work *)argument;
    uint32_t i;
    for (i = work->first; i < CHUNKS; i += THREADS) {
        size_t length = i + 1 < CHUNKS ? CHUNK : SIZE - i * CHUNK;
        size_t len;
        sealwax_status status =
            work->seal != NULL
                ? sealwax_stream_seal_chunk(work->seal, i, i + 1 == CHUNKS, plaintext + i * CHUNK, length,
                                            body + i * SEALED_CHUNK, length + SEALWAX_STREAM_OVERHEAD, &len)
                : sealwax_stream_open_chunk(work->opening, i, body + i * SEALED_CHUNK,
                                            length + SEALWAX_STREAM_OVERHEAD, back + i * CHUNK, length, &len);
        work->failed += status != SEALWAX_OK;
    }
    return NULL;
}

static void in_threads(const sealwax_stream_seal *seal, const sealwax_stream_open *opening) {
    pthread_t threads[THREADS];
    struct work work[THREADS];
    uint32_t i;
    for (i = 0; i < THREADS; i++) {
        work[i].seal = seal;
        work[i].opening = opening;
        work[i].first = i;
        work[i].failed = 0;
        CHECK(pthread_create(&threads[i], NULL, every_fourth_chunk, &work[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(work[i].failed == 0);
    }
}

static void all_cores(void) {
    sealwax_stream_seal *seal = seal_new();
    sealwax_stream_open *opening;
    size_t given, len;
    memset(body, 0, sizeof body);
    memset(back, 0, sizeof back);
    in_threads(seal, NULL);
    CHECK_STATUS(sealwax_stream_seal_chunk(seal, 5, 0, plaintext, CHUNK, back, sizeof back, &len),
                 SEALWAX_WRONG_STATE);
    CHECK_OK(sealwax_stream_seal_reference(seal, reference, sizeof reference, &reference_len));
    CHECK_OK(sealwax_stream_seal_free(seal));
    opening = open_new("");
    in_threads(NULL, opening);
    CHECK_OK(sealwax_stream_open_finish(opening));
    CHECK(memcmp(back, plaintext, SIZE) == 0);
    CHECK_OK(sealwax_stream_open_free(opening));
    CHECK_OK(read_in_order(SEALED_SIZE, 10000, &given));
}

int main(void) {
    size_t i;
    for (i = 0; i < SIZE; i++)
        plaintext[i] = (unsigned char)(i * 31 + i / 256);
    seal_in_order(SIZE);
    seal_in_order(1000);
    damaged_files();
    any_part();
    all_cores();
    return finish();
}
