/** What narrows the list of tasks. Every choice goes into the address at once. */
import type { RefObject } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { State } from '../../../src/dashboard/api.ts';
import { Icon } from '../parts/icon.tsx';
import { STATES, StateIcon } from '../parts/state.tsx';
import { place } from '../route.ts';
import { session } from '../session.ts';
import { useKeys } from '../shell/keyboard.tsx';
import { text } from '../text/text.ts';
import type { Filter } from './filter.ts';
import { isFiltered, readFilter } from './filter.ts';
import { askForNames, knownNames } from './names.ts';

/** So long after the last letter, what was typed is searched for. */
const TYPING_PAUSE = 250;

const NOTHING: Filter = {
  states: [],
  types: [],
  user: null,
  group: null,
  search: '',
  parent: null,
  after: null,
};

interface FilterBarProps {
  readonly filter: Filter;
  readonly choose: (filter: Filter) => void;
}

export function FilterBar({ filter, choose }: FilterBarProps) {
  const words = text().tasks;
  // What was typed may arrive after another choice: it is added to what is chosen by then.
  const change = (changed: Partial<Filter>): void =>
    choose({ ...readFilter(place.peek().query), ...changed, after: null });
  const names = knownNames.value;
  useEffect(askForNames, []);
  return (
    <search class="filters" aria-label={words.filters}>
      <div class="filter-fields">
        <SearchField value={filter.search} change={(search) => change({ search })} />
        <NameField
          label={words.type}
          value={filter.types[0] ?? null}
          names={names.types}
          change={(type) => change({ types: type === null ? [] : [type] })}
        />
        {(session.value?.scope ?? null) === null ? (
          <NameField
            label={words.user}
            value={filter.user}
            names={names.users}
            change={(user) => change({ user })}
          />
        ) : null}
        <NameField
          label={words.group}
          value={filter.group}
          names={names.groups}
          change={(group) => change({ group })}
        />
        {isFiltered(filter) ? (
          <button type="button" class="button quiet" onClick={() => choose(NOTHING)}>
            <Icon name="cross" />
            {words.clear}
          </button>
        ) : null}
      </div>
      <StateChoice chosen={filter.states} change={(states) => change({ states })} />
      {filter.parent === null ? null : (
        <p class="filter-parent">
          {words.childrenOf} <a href={`tasks/${filter.parent}`}>#{filter.parent}</a>
          <button
            type="button"
            class="button quiet square"
            aria-label={words.clear}
            onClick={() => change({ parent: null })}
          >
            <Icon name="cross" />
          </button>
        </p>
      )}
    </search>
  );
}

function SearchField({ value, change }: { value: string; change: (value: string) => void }) {
  const field = useOwnText(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useKeys((key) => {
    if (key === '/') field.current?.focus();
    return key === '/';
  });
  const search = (): void => {
    clearTimeout(timer.current);
    change(field.current?.value.trim() ?? '');
  };
  return (
    <label class="search">
      <Icon name="search" />
      <span class="visually-hidden">{text().tasks.search}</span>
      <input
        type="search"
        ref={field}
        defaultValue={value}
        placeholder={text().tasks.searchHint}
        autoComplete="off"
        spellcheck={false}
        maxLength={255}
        onInput={() => {
          clearTimeout(timer.current);
          timer.current = setTimeout(search, TYPING_PAUSE);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') search();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

/** A field whose text is its own while somebody types, whatever is drawn anew meanwhile; else it is what was chosen. */
function useOwnText(value: string): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current !== null && field.current !== document.activeElement) field.current.value = value;
  }, [value]);
  return field;
}

function NameField({
  label,
  value,
  names,
  change,
}: {
  label: string;
  value: string | null;
  names: readonly string[];
  change: (value: string | null) => void;
}) {
  const list = useId();
  const field = useOwnText(value ?? '');
  return (
    <label class={value === null ? 'name-field' : 'name-field set'}>
      <span class="visually-hidden">{label}</span>
      <input
        ref={field}
        defaultValue={value ?? ''}
        placeholder={label}
        list={list}
        autoComplete="off"
        spellcheck={false}
        maxLength={255}
        onChange={(event) => change(event.currentTarget.value === '' ? null : event.currentTarget.value)}
      />
      <datalist id={list}>
        {names.map((name) => (
          <option value={name} key={name} />
        ))}
      </datalist>
    </label>
  );
}

function StateChoice({
  chosen,
  change,
}: {
  chosen: readonly State[];
  change: (states: readonly State[]) => void;
}) {
  const words = text();
  return (
    <div class="state-choice" role="group" aria-label={words.tasks.state}>
      {STATES.map((state) => (
        <button
          type="button"
          key={state}
          aria-pressed={chosen.includes(state)}
          onClick={() =>
            change(chosen.includes(state) ? chosen.filter((other) => other !== state) : [...chosen, state])
          }
        >
          <StateIcon state={state} />
          {words.states[state]}
        </button>
      ))}
    </div>
  );
}
