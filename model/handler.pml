/*
 * A handler at work and what it writes: reports, and one end.
 */
#define MAY_WRITE(e) (mine.phase == WORKING && mine.told != LOST)

inline choose(e) {
  if
  :: mine.unsure
  :: !mine.unsure && !mine.cleanup && mine.known < REPORTS -> mine.event = REPORT
  :: !mine.unsure -> mine.event = FINISH
  :: !mine.unsure && !mine.cleanup -> mine.event = FINISH_AND_REMOVE
  :: !mine.unsure && (!mine.cleanup || detours > 0) -> mine.event = FAIL; detours = (mine.cleanup -> detours - 1 : detours)
  :: !mine.unsure && mine.told == STOP -> mine.event = YIELD
  :: !mine.unsure && detours > 0 -> mine.event = UNCLAIM; detours--
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
