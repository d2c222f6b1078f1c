/** The program of a server that tests need, found or installed. */
import { debianProgram, type Packaged } from './debian-program.ts';

interface Wanted extends Packaged {
  /** For people. */
  readonly server: string;
  /** The variable that names one. */
  readonly variable: string;
  /** What is wrong where there is none; by default that none runs, and none is installed. */
  readonly problem?: string;
}

export function serverProgram(wanted: Wanted): string {
  const { server, variable } = wanted;
  const { problem = `${server} neither answers at its standard port nor is it installed` } = wanted;
  return debianProgram(wanted, problem, `, or set ${variable}`);
}
