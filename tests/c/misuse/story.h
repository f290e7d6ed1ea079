/* Calls that bytes decide; the fuzzer makes the bytes, and this program tells again those that it kept. */
#ifndef SEALWAX_MISUSE_STORY_H
#define SEALWAX_MISUSE_STORY_H

#include "table.h"

/* Makes the calls; aborts if the library breaks a promise, and gives SEALWAX_OK. */
sealwax_status story(const unsigned char *data, size_t len);

#endif
