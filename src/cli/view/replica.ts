/** Replicas as they are shown: how many of their slots are taken, and how long their lease still holds. */
import type { Replica } from '../../core/replica.ts';
import { bar } from '../screen/bar.ts';
import type { Line, Piece } from '../screen/line.ts';
import { roughly, span } from '../screen/time.ts';

export function nameCell({ name, draining, blocked }: Replica): Line {
  return [
    name,
    ...(draining ? [['  ↘ draining', 'yellow'] as const] : []),
    ...(blocked > 0 ? [[`  ⧗ blocked for ${span(blocked)}`, 'red'] as const] : []),
  ];
}

const SLOTS = 8;

export function slotsCell(used: number, all: number): Line {
  return [...bar(all === 0 ? 0 : used / all, SLOTS, 'cyan'), ` ${used}/${all}`];
}

export function leaseCell(left: number): Piece {
  return left > 0 ? [roughly(left), 'green'] : ['ended', 'red'];
}
