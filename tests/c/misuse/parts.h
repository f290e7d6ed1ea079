/* The parts of this program. Each gives 0 if all of its checks hold. */
#ifndef SEALWAX_MISUSE_PARTS_H
#define SEALWAX_MISUSE_PARTS_H

int matrix(void);

#endif
