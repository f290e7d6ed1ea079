/* The library against callers that are wrong in every way: see the parts. */
#include "parts.h"

int main(void) {
    return matrix();
}
