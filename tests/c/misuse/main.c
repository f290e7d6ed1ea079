/* The library against callers that are wrong in every way: see the parts. */
#include "parts.h"

#include <stdlib.h>

int rounds(void) {
    const char *text = getenv("SEALWAX_ROUNDS");
    int number = text == NULL ? 0 : atoi(text);
    return number > 0 ? number : 1000;
}

int main(void) {
    int failed = matrix();
    failed |= threads();
    failed |= forks();
    failed |= passing();
    failed |= memory();
    failed |= stories();
    return failed;
}
