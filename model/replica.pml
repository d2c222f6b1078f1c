/*
 * A replica: its claims, its looks, its lease, its stop, and what may befall it.
 */
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
  assert(claims < MOST_CLAIMS);
  owner = me.claimant; epoch++; claims++; holder = claims;
  me.claim = DONE; me.answer = epoch; me.answerClaimed = claims; me.answerContext = context;
  PROPERTY(ACKED, context >= acked);
  SAY_D(claims it with epoch, epoch)
}

inline freeze(r) { faults--; me.frozen = 1 }

/* What it has sent is on its way all the same. */
inline crash(r) {
  faults--;
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
       faults--; SAY_R(gets no answer to its claim);
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
       faults--; SAY_R(gives its lease up by its own clock);
       LOSE_LEASE
     }
  :: d_step { status != REMOVED && IS_WELL(r) && me.lease == 0 && lastLease < LEASES ->
       lastLease++; me.lease = lastLease;
       alive = alive | (1 << lastLease);
       SAY_R(takes a new lease)
     }

  /* A stop: handlers are told, what is held is given back, the lease is ended. */
  :: d_step { MAY_FAIL && IS_WELL(r) && ONE_OTHER_IS_WELL(r) && IS_FIRST(r) ->
       faults--; SAY_R(is to stop);
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
