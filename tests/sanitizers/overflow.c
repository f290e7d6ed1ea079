/* Gives the library a user id of 16 bytes and says that it has 32, for AddressSanitizer to report what the library reads:
   by its silence nobody could tell that the library is instrumented. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealwax.h"

int main(void) {
    sealwax_identity *identity = NULL;
    char *user = malloc(16);
    sealwax_status status;
    if (user == NULL)
        return 2;
    memset(user, 'a', 16);
    status = sealwax_identity_new(user, 32, NULL, 0, 1, &identity);
    printf("%d\n", (int)status);
    (void)sealwax_identity_free(identity);
    free(user);
    return 0;
}
