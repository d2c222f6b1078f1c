/** Where one can go. A column at the left, a rail on tablets, a bar at the bottom of phones. */
import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { Icon, type IconName, Mark } from '../parts/icon.tsx';
import { place } from '../route.ts';
import { session } from '../session.ts';
import { type Language, language, type Theme, theme } from '../settings.ts';
import { text } from '../text/text.ts';
import type { Words } from '../text/words.ts';
import { ConnectionState } from './connection.tsx';
import { helpOpen } from './keyboard.tsx';

interface Destination {
  readonly path: string;
  readonly name: keyof Words['nav'] & IconName;
}

const DESTINATIONS: readonly Destination[] = [
  { path: '', name: 'overview' },
  { path: 'tasks', name: 'tasks' },
  { path: 'queues', name: 'queues' },
  { path: 'replicas', name: 'replicas' },
  { path: 'schedules', name: 'schedules' },
];

export function Navigation() {
  const words = text();
  const [settings, showSettings] = useState(false);
  return (
    <div class="side">
      <header class="bar">
        <a class="brand" href="./">
          <Mark />
          <span class="brand-name">taskbaton</span>
        </a>
        <ConnectionState />
        <button
          type="button"
          class="button quiet square bar-settings"
          aria-label={words.shell.settings}
          onClick={() => showSettings(true)}
        >
          <Icon name="more" />
        </button>
      </header>
      <nav class="nav" aria-label={words.shell.navigation}>
        <ul>
          {DESTINATIONS.map(({ path, name }) => (
            <li key={name}>
              <a
                href={path === '' ? './' : path}
                {...(isAt(path) ? { 'aria-current': 'page' as const } : {})}
              >
                <Icon name={name} />
                <span>{words.nav[name]}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <aside class="side-foot" aria-label={words.shell.settings}>
        <Settings />
      </aside>
      {settings ? (
        <Dialog title={words.shell.settings} close={() => showSettings(false)}>
          <Settings />
        </Dialog>
      ) : null}
    </div>
  );
}

function isAt(path: string): boolean {
  return place.value.path.split('/')[0] === path;
}

function Settings() {
  const words = text().shell;
  return (
    <div class="settings">
      <SystemLine />
      <div class="switches">
        <Switch<Theme>
          label={words.theme}
          value={theme.value}
          choose={(value) => {
            theme.value = value;
          }}
          choices={[
            { value: 'auto', label: words.themeAuto, icon: 'auto' },
            { value: 'light', label: words.themeLight, icon: 'light' },
            { value: 'dark', label: words.themeDark, icon: 'dark' },
          ]}
        />
        <Switch<Language>
          label={words.language}
          value={language.value}
          choose={(value) => {
            language.value = value;
          }}
          choices={[
            { value: 'en', label: 'English', short: 'EN' },
            { value: 'zh-CN', label: '简体中文', short: '中' },
          ]}
        />
        <button
          type="button"
          class="button quiet square keyboard-button"
          aria-label={words.keyboard}
          title={words.keyboard}
          onClick={() => {
            helpOpen.value = true;
          }}
        >
          <Icon name="keyboard" />
        </button>
      </div>
    </div>
  );
}

function SystemLine() {
  const found = session.value;
  if (found === undefined) return null;
  const { user, scope, system } = found;
  return (
    <dl class="system">
      <dt>{text().shell.user}</dt>
      <dd>{user}</dd>
      {scope === null ? null : (
        <>
          <dt>{text().shell.scope}</dt>
          <dd>{scope}</dd>
        </>
      )}
      <dt>{text().shell.database}</dt>
      <dd>{system.database}</dd>
      <dt>{text().shell.prefix}</dt>
      <dd>{system.prefix}</dd>
    </dl>
  );
}

interface Choice<T> {
  readonly value: T;
  readonly label: string;
  readonly short?: string;
  readonly icon?: IconName;
}

function Switch<T extends string>({
  label,
  value,
  choose,
  choices,
}: {
  label: string;
  value: T;
  choose: (value: T) => void;
  choices: readonly Choice<T>[];
}) {
  return (
    <div class="switch" role="group" aria-label={label}>
      {choices.map((choice) => (
        <button
          type="button"
          key={choice.value}
          aria-pressed={choice.value === value}
          {...(choice.icon === undefined ? {} : { 'aria-label': choice.label })}
          title={choice.label}
          onClick={() => choose(choice.value)}
        >
          {choice.icon === undefined ? choice.short : <Icon name={choice.icon} />}
        </button>
      ))}
    </div>
  );
}
