/* Versions, names of statuses, and what every function says to handles and buffers that are none. */
#include "check.h"

#include <stdlib.h>

static void versions(void) {
    const char *info = sealwax_build_info();
    CHECK(sealwax_abi_version() >> 16 == SEALWAX_ABI_MAJOR);
    CHECK((sealwax_abi_version() & 0xffff) >= SEALWAX_ABI_MINOR);
    CHECK(strlen(sealwax_version()) > 0);
    CHECK(strstr(info, sealwax_version()) != NULL);
    CHECK(sealwax_build_info() == info);
}

static void sizes_agree(const char *key, unsigned long size) {
    char expected[64];
    snprintf(expected, sizeof expected, "\"%s\":%lu", key, size);
    CHECK(strstr(sealwax_build_info(), expected) != NULL);
}

static void statuses(void) {
    CHECK(strcmp(sealwax_status_name(SEALWAX_OK), "SEALWAX_OK") == 0);
    CHECK(strcmp(sealwax_status_name(SEALWAX_REPLAY), "SEALWAX_REPLAY") == 0);
    CHECK(strcmp(sealwax_status_name(12345), "SEALWAX_UNKNOWN_STATUS") == 0);
    CHECK(strlen(sealwax_status_text(SEALWAX_AUTHENTICATION_FAILED)) > 0);
    CHECK(strlen(sealwax_status_text(-1)) > 0);
}

static void revision_of_no_handle(void) {
    uint64_t revision = 77;
    int local = 0;
    CHECK_STATUS(sealwax_handle_revision(NULL, NULL), SEALWAX_NULL_POINTER);
    CHECK_STATUS(sealwax_handle_revision(NULL, &revision), SEALWAX_INVALID_HANDLE);
    CHECK(revision == 0);
    CHECK_STATUS(sealwax_handle_revision(&local, &revision), SEALWAX_INVALID_HANDLE);
    CHECK_STATUS(sealwax_handle_revision((const void *)(uintptr_t)1, &revision), SEALWAX_INVALID_HANDLE);
    CHECK_STATUS(sealwax_handle_revision((const void *)UINTPTR_MAX, &revision), SEALWAX_INVALID_HANDLE);
}

static void options_of_no_function(void) {
    char out[64];
    size_t out_len = 77;
    memset(out, 'x', sizeof out);
    CHECK_STATUS(sealwax_options_check("nothing", 7, NULL, 0, out, sizeof out, &out_len), SEALWAX_INVALID_ARGUMENT);
    CHECK(out_len == 0);
    CHECK(out[0] == 'x');
    CHECK_STATUS(sealwax_options_check("nothing", 7, NULL, 0, out, sizeof out, NULL), SEALWAX_NULL_POINTER);
    CHECK_STATUS(sealwax_options_check("nothing", 7, NULL, 0, NULL, 1, &out_len), SEALWAX_NULL_POINTER);
    CHECK_STATUS(sealwax_options_check(NULL, 7, NULL, 0, out, sizeof out, &out_len), SEALWAX_NULL_POINTER);
    CHECK_STATUS(sealwax_options_check("nothing", SIZE_MAX, NULL, 0, out, sizeof out, &out_len), SEALWAX_TOO_LARGE);
    CHECK_STATUS(sealwax_options_check("nothing", 7, NULL, 0, out, SIZE_MAX, &out_len), SEALWAX_TOO_LARGE);
    CHECK_STATUS(sealwax_options_check("\xff", 1, NULL, 0, out, sizeof out, &out_len), SEALWAX_INVALID_TEXT);
    CHECK_STATUS(sealwax_options_check(out, 7, NULL, 0, out, sizeof out, &out_len), SEALWAX_BUFFER_OVERLAP);
}

int main(void) {
    versions();
    sizes_agree("key", SEALWAX_KEY_LEN);
    sizes_agree("id", SEALWAX_ID_LEN);
    sizes_agree("fingerprint", SEALWAX_FINGERPRINT_LEN);
    sizes_agree("group_id", SEALWAX_GROUP_ID_LEN);
    sizes_agree("key_id", SEALWAX_KEY_ID_LEN);
    sizes_agree("safety_digits", SEALWAX_SAFETY_DIGITS);
    sizes_agree("name", SEALWAX_NAME_MAX);
    sizes_agree("message", SEALWAX_MESSAGE_MAX);
    sizes_agree("card", SEALWAX_CARD_MAX);
    sizes_agree("prekeys", SEALWAX_PREKEYS_MAX);
    sizes_agree("envelope", SEALWAX_ENVELOPE_MAX);
    sizes_agree("batch", SEALWAX_BATCH_MAX);
    sizes_agree("batch_bytes", SEALWAX_BATCH_BYTES_MAX);
    statuses();
    revision_of_no_handle();
    options_of_no_function();
    return finish();
}
