/** What came of a command, before it is shown to anybody. */
import type { Exit } from './exit.ts';
import type { Line } from './screen/line.ts';
import type { Screen } from './screen/screen.ts';

/** The same for programs and for people. */
export interface Result {
  /** Undefined where everything has been said already. */
  readonly json: unknown;
  show(screen: Screen): readonly Line[];
  /** `ok` by default. */
  readonly exit?: Exit;
}
