/** Where the page begins. */
import { render } from 'preact';
import { App } from './app.tsx';
import { startClock } from './live/clock.ts';
import { startEvents } from './live/events.ts';
import { askForReplicas } from './live/replica-names.ts';
import { startRelay } from './live/relay.ts';
import { startRouting } from './route.ts';
import { startSession } from './session.ts';
import { startSettings } from './settings.ts';
import './style/tokens.css';
import './style/base.css';
import './style/shell.css';
import './style/parts.css';
import './style/views.css';

startSettings();
startClock();
startRouting();
startSession();
startEvents();
startRelay();
askForReplicas();

const root = document.getElementById('page');
if (root !== null) render(<App />, root);
