/*
 * The same task by the rules of go-async, as its sources are (internal/db/client, internal/db/trans,
 * internal/async/running, deleting and fixing, at cac298b): a task has no owner, a heartbeat is a time in its row, every
 * write goes by the id alone, a context and the status that goes with it are two transactions, and the cleaner first
 * reads who looks dead and then marks them failed. It has to break what the other model keeps, or the properties would
 * say nothing.
 */
#include "properties.pml"

#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef WISHES
#define WISHES 2
#endif
#ifndef REPORTS
#define REPORTS 2
#endif
#define NODES 2

/* {state, mark}, and who may follow whom: trans.go */
#define NOWHERE 0
#define REMOVED 1
#define PENDING_RUN 2
#define RUNNING_RUN 3
#define RUNNING_PAUSE 4
#define RUNNING_DELETE 5
#define PAUSED_RUN 6
#define PAUSED_PAUSE 7
#define FINISHED_RUN 8
#define FAILED_RUN 9
#define PENDING_DELETE 10
#define DELETING_DELETE 11
#define PAUSED_DELETE 12
#define FAILED_DELETE 13
#define FAILED_PAUSE 14

#define AFTER_RUN(s) ((s == PAUSED_PAUSE || s == FAILED_RUN) -> PENDING_RUN : NOWHERE)
#define AFTER_PAUSE(s) (s == RUNNING_RUN -> RUNNING_PAUSE : ((s == PENDING_RUN || s == PAUSED_RUN) -> PAUSED_PAUSE : NOWHERE))
#define AFTER_DELETE(s) (s == RUNNING_RUN -> RUNNING_DELETE : \
  ((s == PENDING_RUN || s == PAUSED_RUN || s == PAUSED_PAUSE || s == FINISHED_RUN || s == FAILED_RUN) -> PENDING_DELETE : NOWHERE))
#define AFTER_CLAIM(s) ((s == PENDING_RUN || s == PAUSED_RUN) -> RUNNING_RUN : \
  ((s == PENDING_DELETE || s == PAUSED_DELETE) -> DELETING_DELETE : NOWHERE))
#define AFTER_YIELD(s) (s == RUNNING_RUN -> PAUSED_RUN : (s == RUNNING_PAUSE -> PAUSED_PAUSE : \
  (s == RUNNING_DELETE -> PENDING_DELETE : (s == DELETING_DELETE -> PAUSED_DELETE : NOWHERE))))
#define AFTER_FINISH(s) ((s == RUNNING_RUN || s == RUNNING_PAUSE) -> FINISHED_RUN : \
  (s == RUNNING_DELETE -> PENDING_DELETE : (s == DELETING_DELETE -> REMOVED : NOWHERE)))
/* The cleaner changes the state alone, whatever the row has become since it was read, and leaves the mark. */
#define AFTER_CLEAN(s) ((s == RUNNING_DELETE || s == DELETING_DELETE || s == PENDING_DELETE || s == PAUSED_DELETE) -> FAILED_DELETE : \
  ((s == RUNNING_PAUSE || s == PAUSED_PAUSE) -> FAILED_PAUSE : (s == REMOVED -> NOWHERE : FAILED_RUN)))
#define IS_HELD(s) (s == RUNNING_RUN || s == RUNNING_PAUSE || s == RUNNING_DELETE || s == DELETING_DELETE)
#define IS_MARKED_DELETE(s) (s == RUNNING_DELETE || s == PENDING_DELETE || s == DELETING_DELETE || s == PAUSED_DELETE || s == FAILED_DELETE)

byte status = PENDING_RUN;
byte context;
/* updated_at is not too long ago */
bit fresh;

#define IDLE 0
#define WORKING 1
/* The last context is stored, and the status that goes with it isn't yet. */
#define HALF_FINISHED 2

typedef Node { bit dead; bit frozen; bit told; bit cleanup; byte phase; byte known; byte claimed };
Node nodes[NODES];

byte faults = FAULTS;
byte wishes = WISHES;
byte to;

#define me nodes[r]
#define IS_AWAKE(n) (!nodes[n].dead && !nodes[n].frozen)
#define IS_AT_WORK(n) (nodes[n].phase != IDLE && !nodes[n].told && IS_AWAKE(n))
#define OTHER (1 - r)

inline become(byUser) {
  PROPERTY(MARKS, !deleted || to == REMOVED || IS_MARKED_DELETE(to));
  PROPERTY(MARKS, !paused || (to != PENDING_RUN && to != PAUSED_RUN && to != RUNNING_RUN));
  PROPERTY(TERMINAL, status != FINISHED_RUN || byUser);
  PROPERTY(CLEANUP, to != REMOVED || cleaned || !deleted);
  status = to; fresh = 1;
  if
  :: !IS_HELD(to) -> holder = 0
  :: else
  fi;
  to = 0
}

inline forget() { me.phase = IDLE; me.told = 0; me.cleanup = 0; me.known = 0; me.claimed = 0 }

inline writeContext() {
  PROPERTY(STALE, me.claimed == holder);
  context = me.known + 1; me.known++; fresh = 1;
  PROPERTY(ACKED, context >= acked);
  acked = (context > acked -> context : acked)
}

proctype Member(byte r) {
end:
  do
  :: d_step { IS_AWAKE(r) && me.phase == IDLE && AFTER_CLAIM(status) != NOWHERE ->
       to = AFTER_CLAIM(status); me.cleanup = (to == DELETING_DELETE); become(0);
       claims++; holder = claims; me.claimed = claims; me.known = context; me.phase = WORKING;
       PROPERTY(ALONE, !IS_AT_WORK(OTHER));
       SAY_D(takes it and runs it, -1)
     }
  :: d_step { IS_AWAKE(r) && me.phase == WORKING && !me.cleanup && me.known < REPORTS && status != REMOVED ->
       SAY_D(stores context, me.known + 1); writeContext()
     }
  /* The end of a run: the context in one transaction, the status in another. */
  :: d_step { IS_AWAKE(r) && me.phase == WORKING && !me.cleanup && status != REMOVED ->
       SAY_D(stores its last context, me.known + 1); writeContext(); me.phase = HALF_FINISHED
     }
  :: d_step { IS_AWAKE(r) && me.phase == HALF_FINISHED && AFTER_FINISH(status) != NOWHERE ->
       PROPERTY(STALE, me.claimed == holder);
       SAY_D(ends it as finished, -1); to = AFTER_FINISH(status); become(0); forget()
     }
  :: d_step { IS_AWAKE(r) && me.phase == HALF_FINISHED && AFTER_FINISH(status) == NOWHERE -> forget() }
  /* An end that asks for the record to be removed: it goes, whatever its mark is. */
  :: d_step { IS_AWAKE(r) && me.phase == WORKING && !me.cleanup && status != REMOVED ->
       PROPERTY(STALE, me.claimed == holder);
       SAY_D(ends it and removes the row, -1); to = REMOVED; become(0); forget()
     }
  :: d_step { IS_AWAKE(r) && me.phase == WORKING && me.cleanup && status != REMOVED ->
       PROPERTY(CLEANUP, !cleaned); cleaned = (AFTER_FINISH(status) == REMOVED);
       PROPERTY(STALE, AFTER_FINISH(status) == NOWHERE || me.claimed == holder);
       SAY_D(has cleaned up, -1);
       if
       :: AFTER_FINISH(status) != NOWHERE -> to = AFTER_FINISH(status); become(0)
       :: else
       fi;
       forget()
     }
  :: d_step { IS_AWAKE(r) && me.phase != IDLE && status == REMOVED -> forget() }
  :: d_step { IS_AWAKE(r) && me.phase != IDLE && !fresh && status != REMOVED -> fresh = 1; SAY_D(heartbeat, -1) }
  /* Only {running, pause} and {running, delete} stop a handler. */
  :: d_step { IS_AWAKE(r) && me.phase == WORKING && !me.told && (status == RUNNING_PAUSE || status == RUNNING_DELETE) -> me.told = 1; SAY_R(sees the mark) }
  :: d_step { IS_AWAKE(r) && me.phase == WORKING && me.told ->
       if
       :: AFTER_YIELD(status) != NOWHERE ->
          PROPERTY(STALE, me.claimed == holder);
          SAY_D(has stopped, -1); to = AFTER_YIELD(status); become(0)
       :: else
       fi;
       forget()
     }
  :: d_step { faults > 0 && IS_AWAKE(r) && IS_AWAKE(OTHER) -> faults--; me.dead = 1; SAY_R(crashes); forget() }
  :: d_step { faults > 0 && IS_AWAKE(r) && IS_AWAKE(OTHER) -> faults--; me.frozen = 1; SAY_R(freezes) }
  :: d_step { me.frozen -> me.frozen = 0; SAY_R(wakes up) }
  od
}

/* Two minutes go by without a heartbeat: its node is dead or frozen, or, as a fault, the database can't be reached. */
proctype Time() {
end:
  do
  :: d_step { fresh && IS_HELD(status) && !IS_AT_WORK(0) && !IS_AT_WORK(1) -> fresh = 0; SAY(RESCUER, 0, two minutes without a heartbeat, -1) }
  :: d_step { fresh && IS_HELD(status) && faults > 0 && (IS_AT_WORK(0) || IS_AT_WORK(1)) -> faults--; fresh = 0; SAY(RESCUER, 0, two minutes in which no heartbeat gets through, -1) }
  od
}

proctype Cleaner() {
  bit found;
end:
  do
  :: d_step { !found && IS_HELD(status) && !fresh -> found = 1; SAY(RESCUER, 0, reads who looks dead, -1) }
  :: d_step { found && AFTER_CLEAN(status) != NOWHERE -> found = 0; SAY(RESCUER, 0, marks it failed by its id, -1); to = AFTER_CLEAN(status); become(0) }
  :: d_step { found && AFTER_CLEAN(status) == NOWHERE -> found = 0 }
  od
}

#define IS_WISH(target) (wishes > 0 && target != NOWHERE)

inline wish(event) {
  wishes--;
  paused = (event == 2); deleted = deleted | (event == 3);
  SAY(USER, 0, asks to, event);
  become(1)
}

proctype Users() {
end:
  do
  :: d_step { IS_WISH(AFTER_RUN(status)) -> to = AFTER_RUN(status); wish(1) }
  :: d_step { IS_WISH(AFTER_PAUSE(status)) -> to = AFTER_PAUSE(status); wish(2) }
  :: d_step { IS_WISH(AFTER_DELETE(status)) -> to = AFTER_DELETE(status); wish(3) }
  od
}

#define HAS_ENDED (status == REMOVED || (!deleted && (status == FINISHED_RUN || status == FAILED_RUN || status == PAUSED_PAUSE)))

proctype Rest() {
end:
  timeout -> PROPERTY(ENDS, HAS_ENDED)
}

init {
  atomic { run Member(0); run Member(1); run Time(); run Cleaner(); run Users(); run Rest() }
}
