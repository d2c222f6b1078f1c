/*
 * The life of a task: what follows what, who is held by a replica, who waits where. Made from src/core/status.ts by
 * `npm run docs`; whatever is changed here is overwritten.
 */

#define NOWHERE 0
#define REMOVED 1
#define INIT_NONE 2
#define PENDING_RUN 3
#define RUNNING_RUN 4
#define RUNNING_PAUSE 5
#define RUNNING_DELETE 6
#define WAITING_RUN 7
#define WAITING_DELETE 8
#define PAUSED_RUN 9
#define PAUSED_PAUSE 10
#define FINISHED_RUN 11
#define FAILED_RUN 12
#define PENDING_DELETE 13
#define DELETING_DELETE 14
#define PAUSED_DELETE 15
#define FAILED_DELETE 16

#define RUN 1
#define PAUSE 2
#define DELETE 3
#define CLAIM 4
#define UNCLAIM 5
#define YIELD 6
#define RECOVER 7
#define EXPIRE 8
#define RETRY 9
#define WAKE 10
#define FINISH 11
#define FAIL 12
#define SNOOZE 13
#define WAIT 14

/* Where an event leads from a status; NOWHERE if it is refused. */
#define AFTER_RUN(s) ((s) == INIT_NONE -> PENDING_RUN : ((s) == PENDING_RUN -> PENDING_RUN : ((s) == RUNNING_RUN -> RUNNING_RUN : ((s) == RUNNING_PAUSE -> RUNNING_RUN : ((s) == WAITING_RUN -> WAITING_RUN : ((s) == PAUSED_RUN -> PAUSED_RUN : ((s) == PAUSED_PAUSE -> PENDING_RUN : ((s) == FAILED_RUN -> PENDING_RUN : NOWHERE))))))))
#define AFTER_PAUSE(s) ((s) == INIT_NONE -> PAUSED_PAUSE : ((s) == PENDING_RUN -> PAUSED_PAUSE : ((s) == RUNNING_RUN -> RUNNING_PAUSE : ((s) == RUNNING_PAUSE -> RUNNING_PAUSE : ((s) == WAITING_RUN -> PAUSED_PAUSE : ((s) == PAUSED_RUN -> PAUSED_PAUSE : ((s) == PAUSED_PAUSE -> PAUSED_PAUSE : NOWHERE)))))))
#define AFTER_DELETE(s) ((s) == INIT_NONE -> REMOVED : ((s) == PENDING_RUN -> PENDING_DELETE : ((s) == RUNNING_RUN -> RUNNING_DELETE : ((s) == RUNNING_PAUSE -> RUNNING_DELETE : ((s) == RUNNING_DELETE -> RUNNING_DELETE : ((s) == WAITING_RUN -> PENDING_DELETE : ((s) == WAITING_DELETE -> WAITING_DELETE : ((s) == PAUSED_RUN -> PENDING_DELETE : ((s) == PAUSED_PAUSE -> PENDING_DELETE : ((s) == FINISHED_RUN -> PENDING_DELETE : ((s) == FAILED_RUN -> PENDING_DELETE : ((s) == PENDING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> DELETING_DELETE : ((s) == PAUSED_DELETE -> PAUSED_DELETE : ((s) == FAILED_DELETE -> PENDING_DELETE : NOWHERE)))))))))))))))
#define AFTER_CLAIM(s) ((s) == PENDING_RUN -> RUNNING_RUN : ((s) == PAUSED_RUN -> RUNNING_RUN : ((s) == PENDING_DELETE -> DELETING_DELETE : ((s) == PAUSED_DELETE -> DELETING_DELETE : NOWHERE))))
#define AFTER_UNCLAIM(s) ((s) == RUNNING_RUN -> PENDING_RUN : ((s) == RUNNING_PAUSE -> PAUSED_PAUSE : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> PENDING_DELETE : NOWHERE))))
#define AFTER_YIELD(s) ((s) == RUNNING_RUN -> PAUSED_RUN : ((s) == RUNNING_PAUSE -> PAUSED_PAUSE : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> PAUSED_DELETE : NOWHERE))))
#define AFTER_RECOVER(s) ((s) == RUNNING_RUN -> PAUSED_RUN : ((s) == RUNNING_PAUSE -> PAUSED_PAUSE : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> PAUSED_DELETE : NOWHERE))))
#define AFTER_EXPIRE(s) ((s) == RUNNING_RUN -> FAILED_RUN : ((s) == RUNNING_PAUSE -> PAUSED_PAUSE : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> FAILED_DELETE : NOWHERE))))
#define AFTER_RETRY(s) ((s) == RUNNING_RUN -> PENDING_RUN : ((s) == RUNNING_PAUSE -> PAUSED_PAUSE : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == FAILED_DELETE -> PENDING_DELETE : NOWHERE))))
#define AFTER_WAKE(s) ((s) == WAITING_RUN -> PAUSED_RUN : ((s) == WAITING_DELETE -> PAUSED_DELETE : NOWHERE))
#define AFTER_FINISH(s) ((s) == RUNNING_RUN -> FINISHED_RUN : ((s) == RUNNING_PAUSE -> FINISHED_RUN : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> REMOVED : NOWHERE))))
#define AFTER_FAIL(s) ((s) == RUNNING_RUN -> FAILED_RUN : ((s) == RUNNING_PAUSE -> FAILED_RUN : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> FAILED_DELETE : NOWHERE))))
#define AFTER_SNOOZE(s) ((s) == RUNNING_RUN -> PENDING_RUN : ((s) == RUNNING_PAUSE -> PAUSED_PAUSE : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> PENDING_DELETE : NOWHERE))))
#define AFTER_WAIT(s) ((s) == RUNNING_RUN -> WAITING_RUN : ((s) == RUNNING_PAUSE -> PAUSED_PAUSE : ((s) == RUNNING_DELETE -> PENDING_DELETE : ((s) == DELETING_DELETE -> WAITING_DELETE : NOWHERE))))
#define AFTER(event, s) ((event) == RUN -> AFTER_RUN(s) : ((event) == PAUSE -> AFTER_PAUSE(s) : ((event) == DELETE -> AFTER_DELETE(s) : ((event) == CLAIM -> AFTER_CLAIM(s) : ((event) == UNCLAIM -> AFTER_UNCLAIM(s) : ((event) == YIELD -> AFTER_YIELD(s) : ((event) == RECOVER -> AFTER_RECOVER(s) : ((event) == EXPIRE -> AFTER_EXPIRE(s) : ((event) == RETRY -> AFTER_RETRY(s) : ((event) == WAKE -> AFTER_WAKE(s) : ((event) == FINISH -> AFTER_FINISH(s) : ((event) == FAIL -> AFTER_FAIL(s) : ((event) == SNOOZE -> AFTER_SNOOZE(s) : ((event) == WAIT -> AFTER_WAIT(s) : NOWHERE))))))))))))))

#define IS_LEASED(s) ((s) == RUNNING_RUN || (s) == RUNNING_PAUSE || (s) == RUNNING_DELETE || (s) == DELETING_DELETE)
#define WAITS_TO_RUN(s) ((s) == PENDING_RUN || (s) == PAUSED_RUN)
#define WAITS_FOR_CLEANUP(s) ((s) == PENDING_DELETE || (s) == PAUSED_DELETE)
#define IS_MARKED_DELETE(s) ((s) == RUNNING_DELETE || (s) == WAITING_DELETE || (s) == PENDING_DELETE || (s) == DELETING_DELETE || (s) == PAUSED_DELETE || (s) == FAILED_DELETE)
#define IS_MARKED_PAUSE(s) ((s) == RUNNING_PAUSE || (s) == PAUSED_PAUSE)
#define IS_REMOVABLE(s) ((s) == FINISHED_RUN || (s) == FAILED_RUN)
