/*
 * What must never happen, by name. The checker knows more than any replica does: which claim was the last one, what was
 * acknowledged, what users asked for last. None of that is used by the protocol.
 */
#define STALE 1
#define ACKED 2
#define MARKS 3
#define CLEANUP 4
#define EPOCHS 5
#define TERMINAL 6
#define ALONE 7
#define ENDS 8
#define LIMIT 9

/* -DONLY=… looks at one of them, -DEXCEPT=… at all others. */
#ifndef ONLY
#define ONLY 0
#endif
#ifndef EXCEPT
#define EXCEPT 0
#endif
#define PROPERTY(name, holds) assert((ONLY != 0 && ONLY != name) || EXCEPT == name || (holds))

/* Claims so far, and which of them the task is held by; 0 for none. */
unsigned claims : 3;
#define MOST_CLAIMS 7
unsigned holder : 3;
/* The furthest context that a handler was told is stored. */
unsigned acked : 2;
/* Users' last words that were answered. */
bit deleted;
bit paused;
/* A cleanup handler has reported success. */
bit cleaned;

/* A run that breaks a property is told in these words; sequence pictures are made of them. */
#define TEXT(words...) #words
#define SAY(from, to, words, number) printf(TEXT(@%d>%d|words|%d\n), from, to, number)
#define SAY_R(words) SAY(r + 1, r + 1, words, -1)
#define SAY_D(words, number) SAY(r + 1, 0, words, number)
#define SAY_E(words, number) SAY(r + 1, 0, words, number)
#define SAY_A(words, number) SAY(0, r + 1, words, number)
#define USER 8
#define RESCUER 9
