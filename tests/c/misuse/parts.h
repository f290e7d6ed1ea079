/* The parts of this program. Each gives 0 if all of its checks hold. */
#ifndef SEALWAX_MISUSE_PARTS_H
#define SEALWAX_MISUSE_PARTS_H

/* Whether this program runs with the allocator of a sanitizer. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif
#if !defined(SANITIZED)
#define SANITIZED 0
#endif

/* Rounds of the parts that repeat themselves: a thousand, or what SEALWAX_ROUNDS in the environment says. */
int rounds(void);

int matrix(void);
int threads(void);
int forks(void);
int passing(void);
int memory(void);
int stories(void);

#endif
