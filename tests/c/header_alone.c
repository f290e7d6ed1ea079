/* The header needs nothing before it, takes being included twice, and its constants are constants. */
#include "sealwax.h"
#include "sealwax.h"

#if SEALWAX_ABI_VERSION != ((SEALWAX_ABI_MAJOR << 16) | SEALWAX_ABI_MINOR)
#error "the ABI version is not made of its parts"
#endif

typedef char statuses_are_int32[sizeof(sealwax_status) == 4 ? 1 : -1];
typedef char keys_have_a_size[SEALWAX_KEY_LEN];

int main(void) {
    switch (sealwax_abi_version() >> 16) {
    case SEALWAX_ABI_MAJOR:
        return sizeof(statuses_are_int32) == 1 && sizeof(keys_have_a_size) == 32 ? SEALWAX_OK : 1;
    default:
        return 1;
    }
}
