/** OpenWorkflow on PostgreSQL, with the concurrency of its author's own benchmark. It can't create many by one call. */
import { OpenWorkflow } from 'openworkflow';
import { BackendPostgres } from 'openworkflow/postgres';
import { concurrently, type Handle, type OpenContestant, type Payload } from '../contestant.ts';

const CONCURRENCY = 100;

export const open: OpenContestant = (url) => {
  const connect = async (handle: Handle, runMigrations: boolean) => {
    const backend = await BackendPostgres.connect(url, { namespaceId: 'bench', runMigrations });
    const system = new OpenWorkflow({ backend });
    const workflow = system.defineWorkflow({ name: 'noop' }, async ({ input, step }) => {
      await handle(input as Payload, (index, state) => step.run({ name: `s${index}` }, async () => state));
      return null;
    });
    return { backend, system, workflow };
  };
  const nothing: Handle = async () => undefined;
  return {
    async setUp() {
      const { backend } = await connect(nothing, true);
      await backend.stop();
    },
    async produce() {
      const { backend, workflow } = await connect(nothing, false);
      return {
        create: (payload) => workflow.run(payload),
        createMany: (payloads) =>
          concurrently(payloads.length, 100, (index) => workflow.run(payloads[index])),
        close: () => backend.stop(),
      };
    },
    async work(handle) {
      const { backend, system } = await connect(handle, false);
      const worker = system.newWorker({ concurrency: CONCURRENCY });
      await worker.start();
      return {
        stop: async () => {
          await worker.stop();
          await backend.stop();
        },
      };
    },
  };
};
