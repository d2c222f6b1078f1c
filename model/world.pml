/*
 * What there is: the database, replicas, and handlers at work; and the one way in which a task moves.
 */
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
