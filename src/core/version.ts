/**
 * Versions of a type's contexts: each task knows which one wrote its context, and each replica which ones it can read,
 * so that old and new releases run side by side and none resumes from what it doesn't understand.
 */
/** Both ends included. */
export interface VersionRange {
  readonly from: number;
  readonly to: number;
}

/** What a replica knows about a type it runs. */
export interface Runnable {
  /** How many crashes a task of it survives. */
  readonly crashBudget: number;
  /** The versions of its tasks that can be read here. */
  readonly versions: VersionRange;
}

/** How many tasks there are of a type and version that have not ended, and how many live replicas can run them. */
export interface VersionCount {
  readonly type: string;
  readonly version: number;
  readonly tasks: number;
  readonly replicas: number;
}

export const FIRST_VERSION = 1;
const HIGHEST_VERSION = 1_000_000;

export function isVersion(value: unknown): value is number {
  return (
    Number.isInteger(value) && (value as number) >= FIRST_VERSION && (value as number) <= HIGHEST_VERSION
  );
}

/** Without an `upgrade`, only what was written by the very same version can be read. */
export function readableVersions({
  version = FIRST_VERSION,
  upgrade,
}: {
  readonly version?: number | undefined;
  readonly upgrade?: unknown;
}): VersionRange {
  return { from: upgrade === undefined ? version : FIRST_VERSION, to: version };
}
