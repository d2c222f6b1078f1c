/*
 * How much is looked at, and which rules hold there.
 */
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
