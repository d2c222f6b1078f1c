/** What Prometheus is told, in its own words. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineTask } from '../../src/index.ts';
import { PANELS } from '../../scripts/docs/grafana.ts';
import { eachBackend } from '../backends.ts';
import { Counter, gauge, Histogram, textOf } from '../../src/dashboard/prometheus.ts';
import { openDesk, waiting } from './desk.ts';

const LINE =
  /^(#\s(HELP|TYPE)\s\S+\s.+|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*"(,|(?=\})))*\})? [0-9.e+-]+)$/;

eachBackend((backend) => {
  it('tasks, waiting times, latencies, leases and what is wrong are told', async (t) => {
    const quick = defineTask({
      type: 'quick "one"',
      async *run() {
        yield { progress: 0.5 };
      },
    });
    const desk = await openDesk(backend, t, { tasks: [quick] });
    await desk.baton.createTask(waiting, undefined, { user: 'ada', group: 'night\nshift' });
    await desk.baton.start();
    await desk.baton.taskDone(await desk.baton.createTask(quick, undefined, { group: 'day' }));
    const { text, headers } = await desk.get('metrics');
    assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    for (const line of text.split('\n').filter((one) => one !== '')) assert.match(line, LINE);
    for (const expected of [
      /^taskbaton_tasks\{state="finished"\} 1$/m,
      /^taskbaton_tasks\{state="pending"\} 1$/m,
      /^taskbaton_type_tasks\{type="quick \\"one\\"",state="finished"\} 1$/m,
      /^taskbaton_group_tasks\{group="night\\nshift",state="pending"\} 1$/m,
      /^taskbaton_oldest_waiting_seconds [0-9.]+$/m,
      /^taskbaton_replicas 1$/m,
      /^taskbaton_lease_left_seconds\{replica="[^"]+",name="[^"]+"\} [0-9.]+$/m,
      /^taskbaton_problems\{kind="no-replica-for-type",severity="error",subject="waiting"\} 1$/m,
      /^taskbaton_claim_seconds_count\{queue="run"\} [1-9]\d*$/m,
      /^taskbaton_checkpoint_seconds_count\{type="quick \\"one\\""\} 1$/m,
      /^taskbaton_stints_ended_total\{type="quick \\"one\\"",event="finish"\} 1$/m,
      /^taskbaton_loop_lag_seconds [0-9.e-]+$/m,
    ])
      assert.match(text, expected);
  });

  it('whatever the dashboard for Grafana asks for is told', async (t) => {
    const desk = await openDesk(backend, t, {});
    await desk.baton.start();
    const { text } = await desk.get('metrics');
    const told = Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name);
    const asked = PANELS.flatMap(({ queries }) => queries).flatMap(
      ([expression]) => expression.match(/taskbaton_[a-z_]+/g) ?? [],
    );
    assert.ok(asked.length >= PANELS.length);
    for (const name of asked) assert.ok(told.includes(name.replace(/_bucket$/, '')), name);
  });
});

it('a histogram counts what is below each bound, and how much there was in all', () => {
  const histogram = new Histogram('h', 'Help.');
  for (const value of [0.0005, 0.02, 100]) histogram.observe(value, { a: 'b' });
  const lines = textOf([histogram.family]).split('\n');
  assert.ok(lines.includes('h_bucket{a="b",le="0.001"} 1'));
  assert.ok(lines.includes('h_bucket{a="b",le="0.025"} 2'));
  assert.ok(lines.includes('h_bucket{a="b",le="+Inf"} 3'));
  assert.ok(lines.includes('h_count{a="b"} 3'));
  assert.ok(lines.includes('h_sum{a="b"} 100.0205'));
});

it('a counter adds up for each set of labels, and a gauge is what it is', () => {
  const counter = new Counter('c_total', 'Help.');
  counter.add(1, { type: 'a' });
  counter.add(2, { type: 'a' });
  counter.add(5, { type: 'b' });
  const text = textOf([counter.family, gauge('g', 'Help.', [{ labels: {}, value: 7 }])]);
  assert.match(text, /^c_total\{type="a"\} 3$/m);
  assert.match(text, /^c_total\{type="b"\} 5$/m);
  assert.match(text, /^# TYPE g gauge\ng 7$/m);
});
