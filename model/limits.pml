/*
 * A limit: tasks of one group wait for its slots. A slot is taken with a claim and counts for as long as that claim holds its
 * task: until it has ended, was given back, or was rescued from a replica whose lease is over, and not before. Who may start
 * is counted and started under one lock, so that is one step. No counter is kept that a crash could leave wrong.
 */
#include "properties.pml"

#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef DETOURS
#define DETOURS 1
#endif
#define REPLICAS 3
#define TASKS 3
#ifndef SLOTS
#define SLOTS 1
#endif

#define WAITS 0
#define RUNS 1
#define DONE 2

/* `slot` is the epoch of the claim that it was taken for, 0 if there is none. */
typedef Task { byte status; byte owner; byte epoch; byte slot };
typedef Replica { bit dead; bit frozen; bit leased; bit counted };
Task tasks[TASKS];
Replica replicas[REPLICAS];

byte faults = FAULTS;
byte detours = DETOURS;

#define me replicas[r]
#define IS_AWAKE (!me.dead && !me.frozen)
#define IS_WELL(n) (!replicas[n].dead && !replicas[n].frozen)
#define WELL_ONES (IS_WELL(0) + IS_WELL(1) + IS_WELL(2))
#define OWNER(t) replicas[tasks[t].owner - 1]
#define HAS(t) (tasks[t].status == RUNS && tasks[t].owner == r + 1)

#ifdef DROP_RESCUE_FIRST
/* The lease of its replica is over, and nobody has taken the task from it yet. */
#define IS_HELD(t) (tasks[t].status == RUNS && tasks[t].epoch == tasks[t].slot && OWNER(t).leased)
#else
#define IS_HELD(t) (tasks[t].status == RUNS && tasks[t].epoch == tasks[t].slot)
#endif
#ifdef DROP_TAKING_BACK
#define COUNTS(t) (tasks[t].slot != 0)
#else
#define COUNTS(t) (tasks[t].slot != 0 && IS_HELD(t))
#endif
#define TAKEN (COUNTS(0) + COUNTS(1) + COUNTS(2))
#define RUNNING ((tasks[0].status == RUNS) + (tasks[1].status == RUNS) + (tasks[2].status == RUNS))

#ifdef DROP_ONE_STEP
#define MAY_START(t) (IS_AWAKE && me.leased && tasks[t].status == WAITS && me.counted)
#else
#define MAY_START(t) (IS_AWAKE && me.leased && tasks[t].status == WAITS && TAKEN < SLOTS)
#endif

inline start(t) {
  tasks[t].status = RUNS; tasks[t].owner = r + 1; tasks[t].epoch++; tasks[t].slot = tasks[t].epoch;
  me.counted = 0;
  SAY_D(starts a task, t);
  PROPERTY(LIMIT, RUNNING <= SLOTS)
}

inline leave(t, to) { tasks[t].status = to; tasks[t].owner = 0 }

#define STEPS_OF(t) \
  :: d_step { MAY_START(t) -> start(t) } \
  :: d_step { IS_AWAKE && HAS(t) -> leave(t, DONE); SAY_D(ends a task, t) } \
  :: d_step { IS_AWAKE && HAS(t) && detours > 0 -> detours--; leave(t, WAITS); SAY_D(gives a task back, t) } \
  :: d_step { IS_AWAKE && me.leased && tasks[t].status == RUNS && !OWNER(t).leased -> leave(t, WAITS); SAY_D(rescues a task, t) }

proctype Member(byte r) {
end:
  do
  STEPS_OF(0)
  STEPS_OF(1)
  STEPS_OF(2)
#ifdef DROP_ONE_STEP
  :: d_step { IS_AWAKE && me.leased && !me.counted && TAKEN < SLOTS -> me.counted = 1; SAY_R(counts) }
  :: d_step { me.counted && TAKEN >= SLOTS && tasks[0].status != WAITS && tasks[1].status != WAITS && tasks[2].status != WAITS -> me.counted = 0 }
#endif
  :: d_step { faults > 0 && IS_AWAKE && WELL_ONES > 1 -> faults--; me.dead = 1; SAY_R(crashes) }
  :: d_step { faults > 0 && IS_AWAKE && WELL_ONES > 1 -> faults--; me.frozen = 1; SAY_R(freezes) }
  /* Without a lease it begins anew under another name, which is as good as not at all. */
  :: d_step { me.frozen -> me.frozen = 0; me.dead = !me.leased; SAY_R(wakes up) }
  :: d_step { !IS_AWAKE && me.leased -> me.leased = 0; SAY_R(is struck off) }
  od
}

proctype Rest() {
end:
  timeout -> PROPERTY(ENDS, tasks[0].status == DONE && tasks[1].status == DONE && tasks[2].status == DONE)
}

init {
  atomic {
    replicas[0].leased = 1; replicas[1].leased = 1; replicas[2].leased = 1;
    run Member(0); run Member(1); run Member(2); run Rest()
  }
}
