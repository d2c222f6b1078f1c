/** The routes about the system as a whole. */
import { RELEASE } from '../core/release.ts';
import { PERMISSIONS } from './access.ts';
import type { ChangeRequest, LimitRequest, PauseRequest, ReplicaList, ScheduleList, Session } from './api.ts';
import { authorOf, type Call, type Route } from './route.ts';
import type { Schema } from './schema.ts';
import { ID, NAME } from './schemas.ts';
import { overviewView, queuesView, replicaView, scheduleView, visible } from './views.ts';

interface OfReplica {
  readonly id: string;
}

interface OfSchedule {
  readonly name: string;
}

const REPLICA: Readonly<Record<string, Schema>> = { id: { type: 'string', minLength: 1, maxLength: 36 } };
const SCHEDULE: Readonly<Record<string, Schema>> = { name: { ...NAME, minLength: 1 } };

export const SYSTEM_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: 'api/session',
    name: 'getSession',
    summary: 'Who asks, and what they may do.',
    needs: [],
    scoped: true,
    status: 200,
    answer: 'Session',
    handle: async ({ host, visitor }: Call): Promise<Session> => ({
      user: visitor.user,
      scope: visitor.owner ?? null,
      can: PERMISSIONS.filter((one) => visitor.can.has(one)),
      types: visitor.can.has('create') ? host.creatable() : [],
      system: { ...(await host.system()), version: RELEASE },
    }),
  },
  {
    method: 'GET',
    path: 'api/overview',
    name: 'getOverview',
    summary: 'Counts, flow and problems; some seconds old at most.',
    needs: ['read'],
    scoped: true,
    status: 200,
    answer: 'Overview',
    handle: async ({ host, visitor }: Call) =>
      overviewView(await host.baton.overview({ owner: visitor.owner }), visitor),
  },
  {
    method: 'GET',
    path: 'api/replicas',
    name: 'listReplicas',
    summary: 'Who is alive, and what each one holds.',
    needs: ['read'],
    scoped: true,
    status: 200,
    answer: 'ReplicaList',
    handle: async ({ host, visitor }: Call): Promise<ReplicaList> => {
      const replicas = await host.baton.replicas({ owner: visitor.owner });
      return { replicas: visible(replicas, visitor).map(replicaView) };
    },
  },
  ...(['drain', 'undrain'] as const).map((act): Route => ({
    method: 'POST',
    path: `api/replicas/:id/${act}`,
    name: `${act}Replica`,
    summary: {
      drain: 'It takes nothing more and hands over what it runs.',
      undrain: 'It takes tasks again.',
    }[act],
    needs: ['replicas'],
    scoped: false,
    parameters: REPLICA,
    body: 'ChangeRequest',
    status: 202,
    answer: 'Nothing',
    handle: async (call: Call<OfReplica, ChangeRequest>) => {
      await call.host.baton[`${act}Replica`](call.parameters.id, authorOf(call));
      return {};
    },
  })),
  {
    method: 'GET',
    path: 'api/queues',
    name: 'getQueues',
    summary: 'Users, groups and types with their tasks, limits and pauses; some seconds old at most.',
    needs: ['read'],
    scoped: true,
    status: 200,
    answer: 'Queues',
    handle: async ({ host, visitor }: Call) => queuesView(await host.baton.queues({ owner: visitor.owner })),
  },
  {
    method: 'POST',
    path: 'api/queues/pause',
    name: 'pauseQueue',
    summary: 'Lets no task of a user, group or type start.',
    needs: ['limits'],
    scoped: false,
    body: 'PauseRequest',
    status: 202,
    answer: 'Nothing',
    handle: async (call: Call<unknown, PauseRequest>) => {
      const { baton } = call.host;
      const { kind, name, running = false } = call.body;
      const options = { running, ...authorOf(call) };
      if (kind === 'user') await baton.pauseUser(name, options);
      else if (kind === 'group') await baton.pauseGroup(name, options);
      else await baton.pauseType(name, options);
      return {};
    },
  },
  {
    method: 'POST',
    path: 'api/queues/resume',
    name: 'resumeQueue',
    summary: 'Ends a pause.',
    needs: ['limits'],
    scoped: false,
    body: 'ResumeRequest',
    status: 202,
    answer: 'Nothing',
    handle: async (call: Call<unknown, PauseRequest>) => {
      const { baton } = call.host;
      const { kind, name } = call.body;
      if (kind === 'user') await baton.resumeUser(name, authorOf(call));
      else if (kind === 'group') await baton.resumeGroup(name, authorOf(call));
      else await baton.resumeType(name, authorOf(call));
      return {};
    },
  },
  {
    method: 'PUT',
    path: 'api/limits',
    name: 'setLimit',
    summary: 'Sets how many tasks may run at once.',
    needs: ['limits'],
    scoped: false,
    body: 'LimitRequest',
    status: 202,
    answer: 'Nothing',
    handle: async (call: Call<unknown, LimitRequest>) => {
      const { kind, name, limit } = call.body;
      // Whether the name is of the kind is for the engine to say.
      await call.host.baton.setLimit(kind as 'group', name as string, limit, authorOf(call));
      return {};
    },
  },
  {
    method: 'GET',
    path: 'api/schedules',
    name: 'listSchedules',
    summary: 'Recurring tasks.',
    needs: ['read'],
    scoped: true,
    status: 200,
    answer: 'ScheduleList',
    handle: async ({ host, visitor: { owner } }: Call): Promise<ScheduleList> => {
      const schedules = await host.schedules.list();
      const own = schedules.filter(({ user }) => owner === undefined || user === owner);
      return { schedules: own.map(scheduleView) };
    },
  },
  ...(['pause', 'resume', 'trigger', 'delete'] as const).map((act): Route => ({
    method: 'POST',
    path: `api/schedules/:name/${act}`,
    name: `${act}Schedule`,
    summary: {
      pause: 'None of its occurrences is created until it is resumed.',
      resume: 'Its occurrences are created again.',
      trigger: 'Creates one of its tasks now.',
      delete: 'Removes it; the tasks that it has created stay.',
    }[act],
    needs: ['schedules'],
    scoped: false,
    parameters: SCHEDULE,
    body: 'ChangeRequest',
    status: act === 'trigger' ? 201 : 202,
    answer: act === 'trigger' ? 'Created' : 'Nothing',
    handle: async (call: Call<OfSchedule, ChangeRequest>) => {
      const { schedules } = call.host;
      const { name } = call.parameters;
      if (act === 'trigger') return { id: await schedules.trigger(name, authorOf(call)) };
      await schedules[act === 'delete' ? 'remove' : act](name, authorOf(call));
      return {};
    },
  })),
  {
    method: 'GET',
    path: 'api/events',
    name: 'streamEvents',
    summary: 'What changes, as it changes: change, task, gone, missed, tick; Last-Event-ID resumes.',
    needs: ['read'],
    scoped: true,
    query: { task: ID },
    status: 200,
    answer: 'text/event-stream',
    handle: async ({ host, visitor, request, parameters }: Call<{ readonly task?: number }>) => {
      const since = request.headers.get('last-event-id') ?? undefined;
      return host.streams.stream(visitor, { task: parameters.task, since });
    },
  },
  {
    method: 'GET',
    path: 'metrics',
    name: 'getMetrics',
    summary: 'Figures for Prometheus.',
    needs: ['read'],
    scoped: false,
    status: 200,
    answer: 'text/plain',
    handle: async ({ host }: Call) => host.metrics.response(),
  },
];
