/*
 * One task, a few replicas, and a database between them: who may write what when, however replicas crash, freeze, wake
 * up, lose answers and lose leases. Whatever can happen is one guarded step; the checker tries all orders of all steps.
 *
 * A step is what the database does at once (one statement, or one transaction under locks), or what a replica does
 * between two statements. A statement is sent, carried out, and answered in three steps, so that it may be carried out
 * long after it was sent, by whoever is dead or frozen by then, and its answer may be lost. Statuses move by the table
 * of the product (status.pml). Every number of things is bounded, so that no run goes on for ever.
 */
#include "status.pml"
#include "properties.pml"
#include "rules.pml"
#include "world.pml"
#include "replica.pml"
#include "handler.pml"

/* ---- What any replica does for all ---- */

unsigned dead_ : 3;

inline rescue() {
  if
  :: IS_STILL(dead_) ->
     SAY(RESCUER, 0, takes it from dead lease, dead_);
     become(to, 0)
  :: else
  fi;
  dead_ = 0
}

proctype Rescue() {
end:
  do
  /* The dead are read first, and then named. */
  :: d_step { MAY_RESCUE && dead_ == 0 && owner != 0 && !IN(alive, owner) -> dead_ = owner }
  /* Whether the task survives the crash is up to its type and its budget. */
  :: d_step { dead_ != 0 -> to = AFTER_RESCUE(AFTER_RECOVER(status)); rescue() }
  :: d_step { dead_ != 0 -> to = AFTER_RESCUE(AFTER_EXPIRE(status)); rescue() }
  /* Children are done; a failed cleanup has waited long enough. */
  :: d_step { ONE_IS_WELL && AFTER_WAKE(status) != NOWHERE -> to = AFTER_WAKE(status); become(to, 0) }
  :: d_step { ONE_IS_WELL && status == FAILED_DELETE -> to = AFTER_RETRY(status); become(to, 0) }
  od
}

/* The database's time goes on. */
#define IS_BELIEVED_BY(r, n) (IS_AWAKE(r) && replicas[r].lease == n)
#if REPLICAS == 3
#define IS_BELIEVED(n) (IS_BELIEVED_BY(0, n) || IS_BELIEVED_BY(1, n) || IS_BELIEVED_BY(2, n))
#else
#define IS_BELIEVED(n) (IS_BELIEVED_BY(0, n) || IS_BELIEVED_BY(1, n))
#endif

#define MAY_END(n) (status != REMOVED && n <= LEASES && IN(alive, n) && (A_LEASE_MAY_END || !IS_BELIEVED(n)))
#define END(n) faults = (IS_BELIEVED(n) -> faults - 1 : faults); alive = alive & ~(1 << n); SAY(RESCUER, 0, time goes on the end of lease, n)

proctype Time() {
end:
  do
  :: d_step { MAY_END(1) -> END(1) }
  :: d_step { MAY_END(2) -> END(2) }
  :: d_step { MAY_END(3) -> END(3) }
  :: d_step { MAY_END(4) -> END(4) }
  :: d_step { MAY_END(5) -> END(5) }
  :: d_step { MAY_END(6) -> END(6) }
  od
}

/* ---- Users ---- */

#define IS_WISH(target) (wishes > 0 && target != NOWHERE && target != status)

inline wish(event) {
  wishes--;
  SAY(USER, 0, asks to, event);
  paused = (event == PAUSE);
  deleted = deleted | (event == DELETE);
  become(to, 1)
}

proctype Users() {
end:
  do
  :: d_step { IS_WISH(AFTER_RUN(status)) -> to = AFTER_RUN(status); wish(RUN) }
  :: d_step { IS_WISH(AFTER_PAUSE(status)) -> to = AFTER_PAUSE(status); wish(PAUSE) }
  :: d_step { IS_WISH(AFTER_DELETE(status)) -> to = AFTER_DELETE(status); wish(DELETE) }
  od
}

/* ---- The end: nothing can happen any more, or something must happen in the end ---- */

#define IS_AT_REST (status == FINISHED_RUN || status == FAILED_RUN || status == PAUSED_PAUSE || status == INIT_NONE)
#define HAS_ENDED (status == REMOVED || (!deleted && IS_AT_REST))

#ifdef LIVENESS
ltl runs_end { [] (!IS_AT_REST -> <> HAS_ENDED) }
ltl deletes_end { [] (deleted -> <> (status == REMOVED)) }
#else
proctype Rest() {
end:
  timeout -> PROPERTY(ENDS, HAS_ENDED)
}
#endif

init {
  byte i;
  atomic {
    if
    :: status = PENDING_RUN
    :: status = INIT_NONE
    fi;
    for (i : 0 .. REPLICAS - 1) {
      replicas[i].lease = i + 1;
      alive = alive | (1 << (i + 1));
    }
    for (i : 0 .. REPLICAS - 1) { run Member(i) }
    for (i : 0 .. EXECUTIONS - 1) { run Handler(i) }
    i = 0;
    run Rescue(); run Time(); run Users();
#ifndef LIVENESS
    run Rest()
#endif
  }
}
