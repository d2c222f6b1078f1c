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

#ifndef REPLICAS
#define REPLICAS 3
#endif
/* How many handlers a replica runs at once. */
#ifndef SLOTS
#define SLOTS 1
#endif
/* Crashes, freezes, lost answers, stops, and leases that end although their replica is well: so many in all. */
#ifndef FAULTS
#define FAULTS 2
#endif
/* What users ask for after the task is there. */
#ifndef WISHES
#define WISHES 2
#endif
/* Ends of handlers that aren't the last: failures that are tried again, pauses, waiting for children. */
#ifndef DETOURS
#define DETOURS 1
#endif
#ifndef REPORTS
#define REPORTS 1
#endif

/*
 * Rules that can be dropped one at a time (-DDROP_…), to see that the checker notices. A lease ends in the database
 * when its replica no longer believes in it, which the replica's own clock sees to; with -DANY_LEASE_ENDS at any moment
 * whatever, as if no clock could be trusted: then two handlers may be at work, and all the rest has to hold.
 */
#if defined(DROP_FENCE)
#define FENCED(x) true
#elif defined(DROP_EPOCH)
#define FENCED(x) (owner == x.owner)
#else
#define FENCED(x) (owner == x.owner && epoch == x.epoch)
#endif
#ifdef DROP_EPOCH_NEVER_RESET
#define LEAVE epoch = 0;
#else
#define LEAVE
#endif
#if defined(DROP_RESCUE_HONOURS_MARKS)
#define AFTER_RESCUE(target) PAUSED_RUN
#elif defined(DROP_RESCUE_LOOKS_AGAIN)
#define AFTER_RESCUE(target) (IS_MARKED_DELETE(status) -> FAILED_DELETE : FAILED_RUN)
#else
#define AFTER_RESCUE(target) target
#endif
#ifdef DROP_RESCUE_LOOKS_AGAIN
#define IS_STILL(lease) (status != REMOVED)
#else
#define IS_STILL(lease) (owner == lease)
#endif
#ifdef DROP_RESCUE
#define MAY_RESCUE false
#else
#define MAY_RESCUE ONE_IS_WELL
#endif
#ifdef DROP_GIVING_BACK
#define MAY_GIVE_BACK false
#else
#define MAY_GIVE_BACK true
#endif
#ifdef DROP_CLEANUP_FIRST
#define MAY_REMOVE(to) (IS_REMOVABLE(to) || to == PENDING_DELETE)
#else
#define MAY_REMOVE(to) IS_REMOVABLE(to)
#endif
#ifdef ANY_LEASE_ENDS
#define A_LEASE_MAY_END (faults > 0)
#else
#define A_LEASE_MAY_END false
#endif

#define EXECUTIONS (REPLICAS * SLOTS)
#define LEASES (REPLICAS + FAULTS)

/* ---- The database ---- */

unsigned status : 5;
unsigned owner : 3;
unsigned epoch : 3;
unsigned context : 2;
/* The leases that live: bit n for lease n. Numbers are given once. */
byte alive;
unsigned lastLease : 3 = REPLICAS;

#define IN(set, n) ((set >> (n)) & 1)

/* ---- Replicas ---- */

#define NOTHING 0
#define SENT 1
#define DONE 2

typedef Replica {
  bit dead; bit frozen; bit stopping;
  unsigned lease : 3;           /* it believes to hold it; 0 for none */
  unsigned claim : 2;           /* NOTHING, SENT or DONE: carried out, not yet answered */
  unsigned claimant : 3;        /* the lease that the claim was sent under */
  unsigned answer : 3;          /* the epoch that the claim got */
  unsigned answerClaimed : 3;
  unsigned answerContext : 2;
  bit answerCleanup;
  bit looking;                  /* it has looked around, and has still to act on what it saw */
  unsigned seen : 3;            /* the epoch of the task it holds, as seen; 0 for nothing */
  bit seenStop;
  unsigned suspect : 3;         /* the epoch of a claim that it seems to hold and does not run */
  bit suspectAsked;             /* that may be the claim still under way */
};

/* ---- Handlers at work ---- */

#define IDLE 0
#define WORKING 1
#define WRITING 2
#define WRITTEN 3
#define REFUSED 4

#define GO_ON 0
#define STOP 1
#define LOST 2

/* An event of the table, or one of these. */
#define REPORT 20
#define FINISH_AND_REMOVE 21

typedef Execution {
  unsigned phase : 3;
  unsigned owner : 3;
  unsigned epoch : 3;           /* with its owner: its fence */
  unsigned claimed : 3;         /* the how-manieth claim it comes from: known to the checker only */
  unsigned event : 5;           /* what it writes */
  unsigned known : 2;           /* the context that it goes on from */
  unsigned told : 2;            /* GO_ON, STOP or LOST */
  bit cleanup;
  bit looked;                   /* it was there when its replica looked around */
  bit unsure;                   /* a write was not answered, and is sent again */
};

/* Where a step keeps something for itself: no part of a state. A search for the shortest way can't leave it out. */
#ifdef SHORTEST
#define SCRATCH
#else
#define SCRATCH hidden
#endif
SCRATCH byte to;
SCRATCH byte f;

Replica replicas[REPLICAS];
Execution executions[EXECUTIONS];

unsigned faults : 3 = FAULTS;
unsigned wishes : 3 = WISHES;
unsigned detours : 2 = DETOURS;

#define me replicas[r]
#define mine executions[e]
#define MAY_FAIL (faults > 0 && status != REMOVED)
#define IS_AWAKE(r) (!replicas[r].dead && !replicas[r].frozen)
#define IS_WELL(r) (IS_AWAKE(r) && !replicas[r].stopping)

#if REPLICAS == 3
#define ONE_OTHER_IS_WELL(r) ((r != 0 && IS_WELL(0)) || (r != 1 && IS_WELL(1)) || (r != 2 && IS_WELL(2)))
#define ONE_IS_WELL ((IS_WELL(0) && replicas[0].lease) || (IS_WELL(1) && replicas[1].lease) || (IS_WELL(2) && replicas[2].lease))
#else
#define ONE_OTHER_IS_WELL(r) ((r != 0 && IS_WELL(0)) || (r != 1 && IS_WELL(1)))
#define ONE_IS_WELL ((IS_WELL(0) && replicas[0].lease) || (IS_WELL(1) && replicas[1].lease))
#endif

#define RUNS(e, n) (executions[e].phase != IDLE && executions[e].epoch == n)
#define IS_CURRENT(e) (FENCED(executions[e]) && owner != 0)
#define IS_SAME(x, n, m) (x.phase != IDLE && x.owner == n && x.epoch == m)
#define IS_AT_WORK(x, r) (x.phase != IDLE && x.told == GO_ON && (x.event == 0 || x.event == REPORT) && IS_AWAKE(r))
#if REPLICAS == 3
#define SAME_FENCE(n, m) (IS_SAME(executions[0], n, m) || IS_SAME(executions[1], n, m) || IS_SAME(executions[2], n, m))
#define ANOTHER_AT_WORK(e) ((e != 0 && IS_AT_WORK(executions[0], 0)) || (e != 1 && IS_AT_WORK(executions[1], 1)) || (e != 2 && IS_AT_WORK(executions[2], 2)))
#else
#define SAME_FENCE(n, m) (IS_SAME(executions[0], n, m) || IS_SAME(executions[1], n, m) || IS_SAME(executions[2], n, m) || IS_SAME(executions[3], n, m))
#define ANOTHER_AT_WORK(e) ((e != 0 && IS_AT_WORK(executions[0], 0)) || (e != 1 && IS_AT_WORK(executions[1], 0)) || (e != 2 && IS_AT_WORK(executions[2], 1)) || (e != 3 && IS_AT_WORK(executions[3], 1)))
#endif
/* A look would tell the handler something. */
#define IS_NEWS(r, e) (executions[e].phase != IDLE && executions[e].owner == replicas[r].lease && executions[e].told != LOST && \
  (!IS_CURRENT(e) || (executions[e].told == GO_ON && !executions[e].cleanup && (IS_MARKED_PAUSE(status) || IS_MARKED_DELETE(status)))))
#if SLOTS == 2
#define FIRST(r) (2 * (r))
#define RUNS_IT(r, n) (RUNS(FIRST(r), n) || RUNS(FIRST(r) + 1, n))
#define HAS_NEWS(r) (IS_NEWS(r, FIRST(r)) || IS_NEWS(r, FIRST(r) + 1))
#define FREE(r) (executions[FIRST(r)].phase == IDLE -> FIRST(r) : FIRST(r) + 1)
#define HAS_FREE(r) (executions[FIRST(r)].phase == IDLE || (executions[FIRST(r) + 1].phase == IDLE && replicas[r].claim == NOTHING))
#define IS_EMPTY(r) (executions[FIRST(r)].phase == IDLE && executions[FIRST(r) + 1].phase == IDLE)
#else
#define FIRST(r) (r)
#define RUNS_IT(r, n) RUNS(r, n)
#define HAS_NEWS(r) IS_NEWS(r, r)
#define FREE(r) (r)
#define HAS_FREE(r) (executions[r].phase == IDLE)
#define IS_EMPTY(r) (executions[r].phase == IDLE)
#endif
/*
 * Replicas that are well and have nothing to do with the task are alike, whatever their numbers and leases are: to
 * swap two of them changes nothing. So it is enough to look at what the first of them does.
 */
#define IS_BLANK(r) (IS_WELL(r) && replicas[r].lease != 0 && IN(alive, replicas[r].lease) && IS_EMPTY(r) && replicas[r].claim == NOTHING && \
  !replicas[r].looking && replicas[r].suspect == 0 && owner != replicas[r].lease)
#if REPLICAS == 3
#define IS_FIRST(r) (!IS_BLANK(r) || r == 0 || (!IS_BLANK(0) && (r == 1 || !IS_BLANK(1))))
#else
#define IS_FIRST(r) (!IS_BLANK(r) || r == 0 || !IS_BLANK(0))
#endif
/* It holds the task and doesn't run it, and that isn't just the claim under way. */
#define HAS_STRAY(r) (MAY_GIVE_BACK && owner == replicas[r].lease && !RUNS_IT(r, epoch) && \
  !(replicas[r].suspect == epoch && replicas[r].suspectAsked && replicas[r].claim != NOTHING))

inline fault(r) { faults-- }

/* What the table says, done: the only place that moves a task. */
inline become(to, byUser) {
  PROPERTY(MARKS, !deleted || to == REMOVED || IS_MARKED_DELETE(to));
  PROPERTY(MARKS, !paused || (to != PENDING_RUN && to != PAUSED_RUN && to != RUNNING_RUN));
  PROPERTY(TERMINAL, status != FINISHED_RUN || byUser);
  PROPERTY(CLEANUP, to != REMOVED || cleaned || status == INIT_NONE || !deleted);
  status = to;
  if
  :: !IS_LEASED(to) -> owner = 0; holder = 0; LEAVE
  :: else
  fi
}

/* Tells every handler of lease `n` in replica `r`. */
inline tell(r, n) {
  if
  :: executions[FIRST(r)].phase != IDLE && executions[FIRST(r)].owner == n && executions[FIRST(r)].told == GO_ON -> executions[FIRST(r)].told = STOP
  :: else
  fi;
#if SLOTS == 2
  if
  :: executions[FIRST(r) + 1].phase != IDLE && executions[FIRST(r) + 1].owner == n && executions[FIRST(r) + 1].told == GO_ON -> executions[FIRST(r) + 1].told = STOP
  :: else
  fi
#endif
}

#define LOSE_LEASE tell(r, me.lease); me.lease = 0; me.looking = 0; me.seen = 0; me.seenStop = 0
#define NO_ANSWER me.answer = 0; me.answerClaimed = 0; me.answerCleanup = 0; me.answerContext = 0

inline note(e) { executions[e].looked = (executions[e].phase != IDLE && executions[e].owner == me.lease) }

/* It is another's: it ends, once the write on its way has been answered. */
inline lose(n) {
  if
  :: executions[n].phase == WORKING -> forget(n)
  :: else -> executions[n].told = LOST
  fi
}

/* Compares a handler that was there at the look with what was seen. */
inline compare(e) {
  if
  :: executions[e].looked && executions[e].phase != IDLE ->
     if
     :: me.seen != executions[e].epoch -> lose(e)
     :: me.seen == executions[e].epoch && me.seenStop && !executions[e].cleanup && executions[e].told == GO_ON -> executions[e].told = STOP
     :: else
     fi
  :: else
  fi;
  executions[e].looked = 0
}

inline forget(n) {
  executions[n].phase = IDLE; executions[n].owner = 0; executions[n].epoch = 0; executions[n].claimed = 0;
  executions[n].event = 0; executions[n].known = 0; executions[n].told = GO_ON; executions[n].cleanup = 0;
  executions[n].looked = 0; executions[n].unsure = 0
}

/* What a crash leaves of a handler: a write that is on its way. */
inline bury(n) {
  if
  :: executions[n].phase != WRITING -> forget(n)
  :: else -> executions[n].told = GO_ON; executions[n].looked = 0; executions[n].unsure = 0
  fi
}

#define IS_WAITING (WAITS_TO_RUN(status) || WAITS_FOR_CLEANUP(status))
#define CAN_ASK(r) (IS_WELL(r) && replicas[r].lease != 0 && replicas[r].claim == NOTHING && HAS_FREE(r) && IS_FIRST(r) && IS_WAITING)

/* The database carries a claim out. */
inline grant(r) {
  me.answerCleanup = WAITS_FOR_CLEANUP(status);
  to = AFTER_CLAIM(status); become(to, 0);
  owner = me.claimant; epoch++; claims++; holder = claims;
  me.claim = DONE; me.answer = epoch; me.answerClaimed = claims; me.answerContext = context;
  PROPERTY(ACKED, context >= acked);
  SAY_D(claims it with epoch, epoch)
}

inline freeze(r) { fault(r); me.frozen = 1 }

/* What it has sent is on its way all the same. */
inline crash(r) {
  fault(r);
  me.dead = 1; me.frozen = 0; me.stopping = 0; me.lease = 0;
  me.looking = 0; me.seen = 0; me.seenStop = 0; me.suspect = 0; me.suspectAsked = 0;
  if
  :: me.claim != SENT -> me.claim = NOTHING; me.claimant = 0; NO_ANSWER
  :: else
  fi;
  bury(FIRST(r));
#if SLOTS == 2
  bury(FIRST(r) + 1)
#endif
}

/* ---- A replica ---- */

proctype Member(byte r) {
end:
  do
  /* A claim: carried out and answered. Whoever crashes or freezes may have one on its way. */
  :: d_step { CAN_ASK(r) && IN(alive, me.lease) ->
       me.claimant = me.lease; me.claim = SENT; grant(r)
     }
  :: d_step { me.claim == SENT ->
       if
       :: IS_WAITING && IN(alive, me.claimant) -> grant(r)
       :: else -> me.claim = NOTHING; SAY_D(nothing to claim, 0)
       fi;
       if
       :: me.dead || me.claim == NOTHING -> me.claim = NOTHING; me.claimant = 0; me.suspectAsked = 0; NO_ANSWER
       :: else
       fi
     }
  :: d_step { MAY_FAIL && CAN_ASK(r) && ONE_OTHER_IS_WELL(r) -> me.claimant = me.lease; me.claim = SENT; SAY_R(asks for a task and freezes); freeze(r) }
  :: d_step { MAY_FAIL && CAN_ASK(r) && ONE_OTHER_IS_WELL(r) -> me.claimant = me.lease; me.claim = SENT; SAY_R(asks for a task and crashes); crash(r) }
  :: d_step { IS_AWAKE(r) && me.claim == DONE ->
       f = FREE(r);
       PROPERTY(EPOCHS, !SAME_FENCE(me.claimant, me.answer));
       executions[f].phase = WORKING; executions[f].owner = me.claimant; executions[f].epoch = me.answer;
       executions[f].claimed = me.answerClaimed; executions[f].cleanup = me.answerCleanup;
       executions[f].known = me.answerContext;
       executions[f].told = (me.lease != me.claimant || me.stopping -> STOP : GO_ON);
       PROPERTY(ALONE, executions[f].told != GO_ON || !ANOTHER_AT_WORK(f));
       SAY_R(runs it);
       me.claim = NOTHING; me.suspectAsked = 0; me.claimant = 0; NO_ANSWER
     }
  :: d_step { MAY_FAIL && me.claim != NOTHING && !me.dead ->
       fault(r); SAY_R(gets no answer to its claim);
       me.claim = NOTHING; me.suspectAsked = 0;
       me.claimant = 0; NO_ANSWER
     }

  /* A look around: marks, tasks that it lost, claims that it never heard of. */
  :: d_step { IS_AWAKE(r) && me.lease != 0 && IN(alive, me.lease) && !me.looking && (HAS_NEWS(r) || HAS_STRAY(r)) ->
       me.looking = 1; me.seen = (owner == me.lease -> epoch : 0);
       me.seenStop = (IS_MARKED_PAUSE(status) || IS_MARKED_DELETE(status));
       note(FIRST(r));
#if SLOTS == 2
       note(FIRST(r) + 1);
#endif
       SAY_R(looks around)
     }
  :: d_step { IS_AWAKE(r) && me.looking ->
       if
       :: me.seen != 0 && !RUNS_IT(r, me.seen) && !(executions[FIRST(r)].looked && executions[FIRST(r)].epoch == me.seen) ->
          if
          :: me.suspect != me.seen -> me.suspect = me.seen; me.suspectAsked = (me.claim != NOTHING)
          :: else ->
             if
             :: !(me.suspectAsked && me.claim != NOTHING) ->
                me.suspect = 0; me.suspectAsked = 0;
                if
                :: owner == me.lease && epoch == me.seen && AFTER_RECOVER(status) != NOWHERE ->
                   SAY_R(gives back what it does not run);
                   to = AFTER_RECOVER(status); become(to, 0)
                :: else
                fi
             :: else
             fi
          fi
       :: else -> me.suspect = 0; me.suspectAsked = 0
       fi;
       compare(FIRST(r));
#if SLOTS == 2
       compare(FIRST(r) + 1);
#endif
       me.looking = 0; me.seen = 0; me.seenStop = 0
     }

  /* The lease: its end is noticed, by the database's word or by its own clock, and another one is taken. */
  :: d_step { IS_AWAKE(r) && me.lease != 0 && !IN(alive, me.lease) ->
       SAY_R(learns that its lease has ended);
       LOSE_LEASE
     }
  :: d_step { MAY_FAIL && IS_WELL(r) && me.lease != 0 && IS_FIRST(r) && lastLease < LEASES ->
       fault(r); SAY_R(gives its lease up by its own clock);
       LOSE_LEASE
     }
  :: d_step { status != REMOVED && IS_WELL(r) && me.lease == 0 && lastLease < LEASES ->
       lastLease++; me.lease = lastLease;
       alive = alive | (1 << lastLease);
       SAY_R(takes a new lease)
     }

  /* A stop: handlers are told, what is held is given back, the lease is ended. */
  :: d_step { MAY_FAIL && IS_WELL(r) && ONE_OTHER_IS_WELL(r) && IS_FIRST(r) ->
       fault(r); SAY_R(is to stop);
       me.stopping = 1; tell(r, me.lease)
     }
  :: d_step { IS_AWAKE(r) && me.stopping && IS_EMPTY(r) && me.claim == NOTHING ->
       if
       :: me.lease != 0 && owner == me.lease && AFTER_RECOVER(status) != NOWHERE -> to = AFTER_RECOVER(status); become(to, 0)
       :: else
       fi;
       alive = alive & ~(1 << me.lease);
       me.lease = 0; me.looking = 0; me.seen = 0; me.seenStop = 0; me.suspect = 0; me.suspectAsked = 0;
       me.dead = 1; SAY_R(has stopped)
     }

  /* Faults. */
  :: d_step { MAY_FAIL && !me.dead && ONE_OTHER_IS_WELL(r) && IS_FIRST(r) -> SAY_R(crashes); crash(r) }
  :: d_step { MAY_FAIL && IS_AWAKE(r) && ONE_OTHER_IS_WELL(r) && IS_FIRST(r) -> SAY_R(freezes); freeze(r) }
  :: d_step { me.frozen && status != REMOVED -> me.frozen = 0; SAY_R(wakes up);
#ifndef ANY_LEASE_ENDS
       /* Its own clock has gone on: the first thing that it does is to give up what has ended. */
       if
       :: me.lease != 0 && !IN(alive, me.lease) -> LOSE_LEASE
       :: else
       fi
#endif
     }
  od
}

/* ---- A handler at work, and its writes ---- */

#define MAY_WRITE(e) (mine.phase == WORKING && mine.told != LOST)

inline choose(e) {
  if
  :: mine.unsure
  :: !mine.unsure && !mine.cleanup && mine.known < REPORTS -> mine.event = REPORT
  :: !mine.unsure -> mine.event = FINISH
  :: !mine.unsure && !mine.cleanup -> mine.event = FINISH_AND_REMOVE
  :: !mine.unsure && (!mine.cleanup || detours > 0) -> mine.event = FAIL; detours = (mine.cleanup -> detours - 1 : detours)
  :: !mine.unsure && mine.told == STOP -> mine.event = YIELD
  :: !mine.unsure && detours > 0 && !mine.cleanup -> mine.event = RETRY; detours--
  :: !mine.unsure && detours > 0 -> mine.event = SNOOZE; detours--
  :: !mine.unsure && detours > 0 -> mine.event = WAIT; detours--
  fi
}

/* The database carries a write out, or refuses it. */
inline store(e) {
  to = NOWHERE;
  if
  :: FENCED(mine) && mine.event == REPORT -> to = (IS_LEASED(status) -> status : NOWHERE)
  :: FENCED(mine) && mine.event == FINISH_AND_REMOVE -> to = AFTER_FINISH(status); to = (MAY_REMOVE(to) -> REMOVED : to)
  :: FENCED(mine) && mine.event != REPORT && mine.event != FINISH_AND_REMOVE -> to = AFTER(mine.event, status)
  :: else
  fi;
  if
  :: to == NOWHERE -> mine.phase = REFUSED; SAY_E(is refused, mine.event)
  :: else ->
     mine.phase = WRITTEN; SAY_E(stores, mine.event);
     PROPERTY(STALE, mine.claimed == holder);
     if
     :: mine.event == REPORT ->
        context = mine.known + 1;
        PROPERTY(ACKED, context >= acked)
     :: else ->
        if
        :: mine.cleanup && to == REMOVED -> PROPERTY(CLEANUP, !cleaned); cleaned = 1
        :: else
        fi;
        become(to, 0)
     fi
  fi
}

proctype Handler(byte e) {
  byte r = e / SLOTS;
end:
  do
  /* A write: carried out and answered. Whoever crashes or freezes may have one on its way. */
  :: atomic { IS_AWAKE(r) && MAY_WRITE(e) -> choose(e); store(e) }
  :: d_step { mine.phase == WRITING ->
       store(e);
       if
       :: replicas[r].dead -> forget(e)
       :: else
       fi
     }
  :: atomic { MAY_FAIL && IS_AWAKE(r) && MAY_WRITE(e) && ONE_OTHER_IS_WELL(r) ->
       choose(e); mine.phase = WRITING;
       if
       :: SAY_E(sends and freezes, mine.event); freeze(r)
       :: SAY_E(sends and crashes, mine.event); crash(r)
       fi
     }
  :: d_step { IS_AWAKE(r) && mine.phase == WRITTEN && mine.event == REPORT ->
       mine.phase = WORKING; mine.event = 0; mine.unsure = 0; mine.known++;
       acked = (mine.known > acked -> mine.known : acked);
       PROPERTY(ACKED, status == REMOVED || context >= acked);
       if
       :: mine.told == LOST -> forget(e)
       :: else
       fi
     }
  :: d_step { IS_AWAKE(r) && (mine.phase == REFUSED || (mine.phase == WRITTEN && mine.event != REPORT)) ->
       forget(e)
     }
  /* The write was or wasn't carried out, and nobody knows. */
  :: d_step { MAY_FAIL && !replicas[r].dead && mine.phase > WORKING ->
       faults--; SAY_E(gets no answer to, mine.event);
       if
       :: mine.told == LOST -> forget(e)
       :: else -> mine.phase = WORKING; mine.unsure = 1
       fi
     }
  /* On its way when its replica died: it may never arrive. */
  :: d_step { replicas[r].dead && mine.phase == WRITING -> forget(e) }
  od
}

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
