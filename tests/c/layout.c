/* This compiler lays the structs out as the ABI has promised. */
#include "check.h"

#define OFFSET(type, field, at) CHECK(offsetof(type, field) == (at));
#define SIZE(type, size) CHECK(sizeof(type) == (size));

int main(void) {
    if (sizeof(void *) == 8) {
#include "layout.h"
    }
    CHECK_OK(sealwax_event_free(NULL));
    return finish();
}
