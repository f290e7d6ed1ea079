/*
 * What a relay can do to its users if it turns against them: hold back, hand over bytes of its choice, and answer
 * lookups with a card of its choice. `make demo` shows what that comes to.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "frames.h"

/* Whether what is for this user is held back. */
int hostile_holds(sealwax_slice user);

/* Replaces what a lookup found, if there is a card of the relay's own for this user. */
void hostile_answer(sealwax_slice user, frame *found);

/* Reads orders from standard input; answers 0 at its end. */
int hostile_obey(void (*hand_over)(sealwax_slice user, const frame *deliver));

void hostile_end(void);

#endif
