/**
 * A queue of your own that keeps its own table in the same database: the last to come is the first to go. It writes
 * through the connection it is handed, so the table and the tasks change together or not at all.
 */
import type { PickRequest, QueuePlace, TaskQueue, WaitingTask } from 'taskbaton';

type Connection = QueuePlace['connection'];

export class LastComeFirstServed implements TaskQueue {
  #table = '';

  async prepare({ connection, prefix, queue }: QueuePlace): Promise<void> {
    this.#table = `${prefix}last_come_${queue}`;
    await connection.query(
      `CREATE TABLE IF NOT EXISTS ${this.#table} (task_id BIGINT PRIMARY KEY, type VARCHAR(255) NOT NULL)`,
    );
  }

  async enter(tasks: readonly WaitingTask[], connection: Connection): Promise<void> {
    for (const { id, type } of tasks) {
      await connection.query(
        `INSERT INTO ${this.#table} (task_id, type) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM ${this.#table} WHERE task_id = ?)`,
        [id, type, id],
      );
    }
  }

  async leave(ids: readonly number[], connection: Connection): Promise<void> {
    await connection.query(
      `DELETE FROM ${this.#table} WHERE task_id IN (${ids.map(() => '?').join(', ')})`,
      ids,
    );
  }

  async pick({ types, limit, skip }: PickRequest, connection: Connection): Promise<readonly number[]> {
    const skipped = skip.size === 0 ? '' : `AND task_id NOT IN (${Array.from(skip, () => '?').join(', ')})`;
    const { rows } = await connection.query(
      `SELECT task_id FROM ${this.#table} WHERE type IN (${types.map(() => '?').join(', ')}) ${skipped} ORDER BY task_id DESC LIMIT ${limit}`,
      [...types, ...skip],
    );
    return rows.map((row) => Number(row['task_id']));
  }
}
