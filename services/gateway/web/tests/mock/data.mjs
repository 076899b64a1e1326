/** What the mock gateway serves: a small house with Ada, her mail, her calendar, and one decision that waits. */

/** @param {string} digit */
export const id = (digit) => digit.repeat(32);

/** @param {number} minutes */
export const before = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

export const user = { id: id('1'), username: 'ada', display_name: 'Ada', role: 'owner' };
export const session = { user, expires_at: before(-60 * 24) };

const DAY = 60 * 24;

export const holdings = [
  { room: 'mail', bytes: 48_300_000, answered: true, parts: [] },
  { room: 'agent', bytes: 2_410_000, answered: true, parts: [{ kind: 'conversations', count: 212, oldest: before(400 * DAY), newest: before(3 * 60_000) }] },
  { room: 'gateway', bytes: 410_000, answered: true, parts: [] },
  { room: 'audit', bytes: 0, answered: true, parts: [{ kind: 'records', count: 4_102, oldest: before(400 * DAY), newest: before(60_000) }] },
  { room: 'vault', bytes: 0, answered: true, parts: [{ kind: 'accounts', count: 1, oldest: before(400 * DAY), newest: before(400 * DAY) }] },
  { room: 'caldav', bytes: 0, answered: false, parts: [] }
];

const moved = (/** @type {string} */ room, /** @type {string} */ state, detail = '') => ({ room, state, detail, files: 12, bytes: 48_000 });
const export_ = { id: id('7'), created_at: before(3), expires_at: before(-23 * 60), encrypted: false, fetched: false };
export const exporting = { ...export_, state: 'working', size: null, rooms: [moved('gateway', 'done'), moved('agent', 'waiting'), moved('mail', 'waiting')] };
export const exported = {
  ...export_,
  state: 'ready',
  size: 51_200_000,
  rooms: [moved('gateway', 'done'), moved('agent', 'done'), moved('caldav', 'away', 'It did not answer, so nothing more of it is in the archive.')]
};
const import_ = { id: id('8'), kind: '', size: 9, received: 9, encrypted: false, rooms: [], detail: '', left_out: [] };
export const arriving = { ...import_, state: 'arriving' };
export const checking = { ...import_, state: 'checking' };
export const imported = {
  ...import_,
  state: 'done',
  kind: 'archive',
  rooms: [moved('agent', 'done'), moved('mail', 'failed', 'This service is not allowed in this house, so what is for it was not taken in.')],
  left_out: ['agent: Conversation 0123 is not in the form of an archive.']
};
export const refusedImport = { ...import_, state: 'refused', detail: 'Unpacked, this would be far larger than an archive is.' };
export const keys = { replacing: [], total: 0, left: 0, waiting: [], replaced: [], replaced_at: null, protected: false, fixed: null };
export const keysUnderWay = { ...keys, replacing: ['root', 'data', 'credentials'], total: 12, left: 5, waiting: [{ room: 'agent', files: 2 }, { room: 'mail', files: 3 }] };

export const tokens = [
  { id: id('4'), name: 'Terminal on the laptop', scopes: ['chat', 'approve'], tail: '7c1f', created_at: before(3 * DAY), expires_at: before(-87 * DAY), last_used_at: before(12) },
  { id: id('5'), name: 'Editor', scopes: ['chat'], tail: '09ab', created_at: before(20 * DAY), expires_at: before(-10 * DAY), last_used_at: null }
];
export const newToken = { ...tokens[1], id: id('6'), name: 'Nightly script', tail: '0000', token: `oa_${'obviously-fake-'.repeat(4)}0000`, expires_at: before(-90 * DAY) };

const port = (/** @type {number} */ value, /** @type {string} */ title) => ({ type: 'integer', minimum: 1, maximum: 65535, default: value, title });
const security = (/** @type {string} */ title) => ({
  type: 'string',
  enum: ['tls', 'starttls', 'none'],
  default: 'tls',
  title,
  description: 'TLS at nearly every provider'
});
const password = {
  type: 'object',
  properties: { password: { type: 'string', format: 'password', title: 'Password', description: 'An app password where the provider asks for one' } },
  required: ['password'],
  additionalProperties: false
};

export const connectors = [
  {
    id: 'mail',
    name: 'Mail',
    version: '0.1.0',
    description: 'Reads, searches, drafts and sends the mail of any account that speaks IMAP and SMTP.',
    digest: 'ab'.repeat(32),
    approved: true,
    instances: 1,
    settings_schema: {
      type: 'object',
      properties: {
        address: { type: 'string', format: 'email', title: 'Mail address', description: 'For example ada@home.example' },
        username: { type: 'string', default: '', title: 'User name', description: 'Empty means the mail address' },
        imap_host: { type: 'string', title: 'Incoming mail: server', description: 'For example imap.home.example' },
        imap_port: port(993, 'Incoming mail: port'),
        imap_security: security('Incoming mail: encryption'),
        smtp_host: { type: 'string', title: 'Outgoing mail: server' },
        smtp_port: port(465, 'Outgoing mail: port'),
        smtp_security: security('Outgoing mail: encryption')
      },
      required: ['address', 'imap_host', 'smtp_host'],
      additionalProperties: false
    },
    secrets_schema: password,
    tools: [
      { name: 'messages_search', description: 'Find mails by words, people and dates.', effect: 'read' },
      { name: 'drafts_create', description: 'Save a mail as a draft. Nothing is sent.', effect: 'write', undo: true },
      { name: 'messages_send', description: 'Send a mail.', effect: 'send' }
    ]
  },
  {
    id: 'caldav',
    name: 'Calendar',
    version: '0.1.0',
    description: 'Reads and changes calendars on any CalDAV server.',
    digest: 'cd'.repeat(32),
    approved: true,
    instances: 1,
    settings_schema: {
      type: 'object',
      properties: {
        url: { type: 'string', format: 'uri', title: 'Address' },
        username: { type: 'string', title: 'User name' }
      },
      required: ['url', 'username']
    },
    secrets_schema: password,
    tools: [{ name: 'events_list', description: 'List events between two days.', effect: 'read' }]
  },
  {
    id: 'weather',
    name: 'Weather',
    version: '1.2.0',
    description: 'The forecast of the house’s own station.',
    digest: 'ef'.repeat(32),
    approved: false,
    instances: 1,
    settings_schema: { type: 'object', properties: {} },
    secrets_schema: { type: 'object', properties: {} },
    tools: [{ name: 'forecast_read', description: 'Read the forecast.', effect: 'read' }]
  }
];

/** A service whose accounts are authorized at their provider. */
export const cloud = {
  id: 'cloudmail',
  name: 'Cloud mail',
  version: '0.1.0',
  description: 'Reads and sends the mail of an account at Example.',
  digest: '12'.repeat(32),
  approved: true,
  instances: 1,
  settings_schema: {
    type: 'object',
    properties: {
      api_url: { type: 'string', format: 'uri', default: 'https://api.example', advanced: true, title: 'Address of the API', description: 'Where Example answers; leave it as it is' }
    }
  },
  secrets_schema: { type: 'object', properties: {} },
  tools: [{ name: 'messages_find', description: 'Find mails.', effect: 'read' }],
  sign_in: {
    provider: 'example',
    name: 'Example',
    manage_url: 'https://id.example/apps',
    console_url: 'https://console.example/',
    codes: true,
    trial_days: 7,
    capabilities: [
      { id: 'read', title: 'Read and search mail', description: '', scopes: ['https://id.example/auth/mail.readonly'], review: 'restricted', api: 'Mail API', api_url: 'https://console.example/apis/mail', chosen: true },
      { id: 'send', title: 'Send mail', description: 'Only after you said yes to each.', scopes: ['https://id.example/auth/mail.send'], review: 'sensitive', api: 'Mail API', api_url: 'https://console.example/apis/mail', chosen: true },
      { id: 'labels', title: 'Make labels', description: '', scopes: ['https://id.example/auth/labels'], review: 'none', api: 'Mail API', api_url: 'https://console.example/apis/mail', chosen: false }
    ]
  }
};

/** A service that takes a token as well. */
export const cloudNotes = {
  ...cloud,
  id: 'cloudnotes',
  name: 'Cloud notes',
  description: 'Reads and writes the notes of an account at Example.',
  settings_schema: { type: 'object', properties: {} },
  secrets_schema: { type: 'object', properties: { access_token: { type: 'string', title: 'Token' } }, required: ['access_token'] }
};

export const client = {
  provider: 'example',
  name: 'Example',
  registered: true,
  client_id: '1234-obviously-fake.apps.example',
  has_secret: true,
  secret: 'required',
  console_url: 'https://console.example/',
  urls: {
    authorize_url: 'https://id.example/authorize',
    token_url: 'https://id.example/token',
    device_url: 'https://id.example/device',
    revoke_url: '',
    issuer: 'https://id.example'
  },
  redirect_uri: 'http://localhost:8080/oauth/callback',
  returns_here: true
};

export const cloudAccount = {
  id: id('d'),
  connector: 'cloudmail',
  name: 'ada@cloud.example',
  state: 'connected',
  settings: {},
  created_at: before(60 * 24 * 2),
  problem: null,
  sync: { state: 'idle', done: 120, total: 120, what: 'INBOX', finished_at: before(2) },
  provider: 'example',
  capabilities: ['read'],
  authorized_at: before(60 * 24 * 2),
  consent_ends_at: before(-60 * 24 * 5)
};

/** How the account stands in a house that wishes so: what its provider refuses, and what ends. */
export const refusals = /** @type {Record<string, {code: string, detail: string, action: string, reason: string, url: string | null}>} */ ({
  disabled: { code: 'forbidden', detail: 'An API that this needs is not switched on.', action: 'retry', reason: 'api_disabled', url: 'https://console.example/apis/mail/enable' },
  unscoped: { code: 'account_required', detail: 'This account was connected without the permission for that.', action: 'reconnect', reason: 'scope_missing', url: null },
  blocked: { code: 'forbidden', detail: 'The administrator does not allow this app.', action: 'retry', reason: 'admin_blocked', url: null },
  full: { code: 'forbidden', detail: 'The storage of this account is full.', action: 'retry', reason: 'storage_full', url: null },
  mailless: { code: 'forbidden', detail: 'This account has no mailbox.', action: 'retry', reason: 'no_mailbox', url: null },
  tried: { code: 'account_required', detail: 'The registration at Example is still on trial.', action: 'reconnect', reason: 'trial_over', url: 'https://console.example/' }
});

export const accounts = [
  {
    id: id('a'),
    connector: 'mail',
    name: 'ada@home.example',
    state: 'connected',
    settings: { address: 'ada@home.example', imap_host: 'imap.home.example', smtp_host: 'smtp.home.example' },
    created_at: before(9),
    problem: null,
    hold: { seconds: 10, chosen: false },
    sync: { state: 'running', done: 3120, total: 10000, what: 'INBOX', finished_at: null }
  },
  {
    id: id('b'),
    connector: 'caldav',
    name: 'Family calendar',
    state: 'attention',
    settings: { url: 'https://cal.home.example/', username: 'ada' },
    created_at: before(60 * 24 * 3),
    problem: {
      code: 'account_required',
      detail: 'The server refuses the password since this morning. Nothing was lost. Connect again with the new one.',
      action: 'reconnect'
    },
    sync: { state: 'failed', done: 0, total: null, what: 'events', finished_at: before(60 * 20) }
  }
];

/** An account that Bob lends. */
export const lentAccount = {
  id: id('e'), connector: 'caldav', name: 'Calendar of Bob', state: 'connected', settings: {}, created_at: before(60 * 24),
  problem: null, lent: 'act', sync: { state: 'idle', done: 42, total: 42, what: 'events', finished_at: before(4) }
};

/** One that is given, one that is not taken yet, one that was taken, and one that is offered. */
export const loans = [
  { id: id('1'), given: true, person: 'Bob', username: 'bob', account: id('b'), connector: 'caldav', name: 'Family calendar', access: 'read', calendars: ['Family'], state: 'accepted', made_at: before(60 * 24 * 9), expires_at: before(-60 * 24 * 200) },
  { id: id('2'), given: true, person: 'Ben', username: 'ben', account: id('b'), connector: 'caldav', name: 'Family calendar', access: 'act', calendars: [], state: 'offered', made_at: before(60), expires_at: before(-60 * 24 * 5) },
  { id: id('3'), given: false, person: 'Bob', username: 'bob', account: id('e'), connector: 'caldav', name: 'Choir', access: 'act', calendars: ['Choir'], state: 'accepted', made_at: before(60 * 24), expires_at: before(-60 * 24 * 30) },
  { id: id('4'), given: false, person: 'Bob', username: 'bob', account: null, connector: 'mail', name: 'bob@home.example', access: 'read', calendars: [], state: 'offered', made_at: before(5), expires_at: before(-60 * 24 * 364) }
];

export const accountParts = { offered: true, parts: [{ id: 'https://cal.home.example/ada/family/', name: 'Family' }, { id: 'https://cal.home.example/ada/work/', name: 'Work' }] };

const preview = {
  verb: 'Send a mail',
  confirm: 'Send',
  account: 'ada@home.example',
  destinations: [{ kind: 'recipient', value: 'carol@example.org', name: 'Carol Meyer', note: 'You wrote to her 12 times' }],
  fields: [{ label: 'Subject', value: 'Re: The lease' }],
  content: 'Dear Carol,\n\nI will sign on Friday at ten.\n\nBest, Ada',
  outside: [{ source: 'mail of 12 March', authors: ['carol@example.org'] }],
  warnings: ['The text below the greeting follows a mail from outside.']
};

export const schedules = [
  {
    id: id('71'),
    name: 'Morning summary',
    prompt: 'Tell me which new mails need an answer today, and what is in the calendar.',
    starts: '2026-11-24T07:00:00',
    zone: 'Europe/Berlin',
    rule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
    when: 'Every weekday at 07:00',
    connectors: ['mail'],
    tools: ['mail.messages_search'],
    acts: false,
    rules: [],
    missed: 'late',
    tainted: false,
    source: null,
    conversation: id('c'),
    created_at: before(60 * 24),
    expires_at: before(-60 * 24 * 100),
    paused: false,
    next: [before(-60 * 9), before(-60 * 33)],
    runs: [{ due_at: before(60 * 15), state: 'waiting', turn: id('72') }]
  },
  {
    id: id('73'),
    name: 'Newsletter digest',
    prompt: 'Sum up the newsletters of the week.',
    starts: '2026-11-29T18:00:00',
    zone: 'Europe/Berlin',
    rule: 'FREQ=WEEKLY;BYDAY=SU',
    when: 'Every Sunday at 18:00',
    connectors: ['mail'],
    tools: ['mail.messages_search'],
    acts: true,
    rules: [],
    missed: 'skip',
    tainted: true,
    source: id('c'),
    conversation: null,
    created_at: before(60),
    expires_at: before(-60 * 24 * 30),
    paused: true,
    next: [],
    runs: []
  }
];

export const proposals = [
  {
    id: id('74'),
    name: 'Invoices',
    prompt: 'Forward new invoices to the bookkeeper.',
    starts: '2026-11-30T08:00:00',
    zone: 'Europe/Berlin',
    rule: 'FREQ=DAILY',
    when: 'Every day at 08:00',
    connectors: ['mail'],
    tainted: true,
    conversation: id('c'),
    created_at: before(5)
  }
];

const memory = { pinned: false, sources: [], conversation: null, created_at: before(60), changed_at: before(60), expires_at: null };

export const memories = [
  { ...memory, id: id('81'), text: 'My sister is called Mia.', origin: 'owner', tainted: false, pinned: true },
  { ...memory, id: id('82'), text: 'Ada prefers trains to planes.', origin: 'assistant', tainted: false, conversation: id('c'), expires_at: before(-60 * 24 * 7) },
  { ...memory, id: id('83'), text: 'Invoices are paid on the 15th of each month.', origin: 'assistant', tainted: true, sources: ['Mail'], conversation: id('c') }
];

export const rules = [
  {
    id: id('2'),
    what: 'Answer a mail: to its sender, in its conversation, as plain text.',
    people: ['Carol Meyer <carol@example.org>'],
    place: 'ada@home.example',
    connector: 'mail',
    tool: 'messages_reply',
    effect: 'send',
    conversation: null,
    created_at: before(60 * 24),
    expires_at: before(-60 * 24 * 29),
    uses: 3,
    last_used_at: before(30)
  },
  {
    id: id('3'),
    what: 'Put an event into the user’s calendar. With guests, they are invited.',
    people: [],
    place: 'Personal',
    connector: 'caldav',
    tool: 'events_create',
    effect: 'write',
    conversation: id('c'),
    created_at: before(10),
    expires_at: before(-60 * 24 * 30),
    uses: 0,
    last_used_at: null
  }
];

export const approval = {
  id: id('d'),
  state: 'pending',
  created_at: before(3),
  expires_at: before(-60 * 12),
  decided_at: null,
  conversation: id('c'),
  turn: id('7'),
  call_id: id('9'),
  connector: 'mail',
  tool: 'messages_send',
  effect: 'send',
  account: id('a'),
  arguments: { to: ['carol@example.org'], subject: 'Re: The lease', text: preview.content },
  preview,
  reason: '',
  preview_digest: '1'.repeat(64),
  edited: false,
  held_until: null
};

/** Its arguments with the schema of the tool. */
export const approvalForm = {
  arguments: approval.arguments,
  parameters: {
    type: 'object',
    properties: {
      to: { type: 'array', title: 'To', description: 'Recipients', items: { type: 'string' } },
      subject: { type: 'string', title: 'Subject', description: 'One line', maxLength: 500 },
      text: { type: 'string', title: 'Text', description: 'The whole text', maxLength: 1000000 },
      message: { type: 'string', title: 'Message', description: 'The id of a mail, as messages_search gives it' }
    },
    required: ['to', 'subject', 'text']
  }
};

const kept = { state: 'idle', pinned: false, archived: false, labels: /** @type {string[]} */ ([]) };
export const conversations = [
  { ...kept, id: id('c'), title: 'The lease with Carol', created_at: before(5), updated_at: before(3), state: 'waiting' },
  { ...kept, id: id('e'), title: 'Packing list for three days by the sea', created_at: before(3000), updated_at: before(2900) }
];

const talk = (/** @type {number} */ number, /** @type {string} */ title, /** @type {number} */ minutes, more = {}) => ({
  ...kept, id: number.toString(16).padStart(32, '0'), title, created_at: before(minutes), updated_at: before(minutes), ...more
});

/** Two hundred of them, over more than a year. */
export const manyConversations = [
  talk(0x1001, 'Everything about the flat', 20 * DAY, { pinned: true, labels: ['home', 'papers'] }),
  talk(0x1002, 'Shopping', 60, { labels: ['home'] }),
  ...Array.from({ length: 200 }, (_, number) => talk(number + 1, `Matter number ${number + 1} with <b>a title</b> that is rather long`, number * 0.3 * DAY + 90)),
  talk(0x1003, 'The old flat', 400 * DAY, { archived: true, labels: ['home'] }),
  talk(0x1004, 'A holiday that was', 500 * DAY, { archived: true })
];

export const labels = [{ name: 'home', count: 3 }, { name: 'papers', count: 1 }];

const hit = (/** @type {string} */ message, /** @type {'user' | 'assistant'} */ role, /** @type {string[]} */ ...shreds) => ({
  conversation: id('c'), title: 'The lease with Carol', archived: false, message, role, created_at: before(4),
  shreds: shreds.map((text, place) => ({ text, hit: place % 2 === 1 }))
});

/** What is found; the message is one of the conversation that waits. */
export const hits = () => [
  hit(messages[1]?.id ?? '', 'assistant', '… asks for your signature. The ', 'lease', ' <img src=x onerror=alert(1)> is in her office …'),
  { ...hit(messages[0]?.id ?? '', 'user', 'What did Carol write about the ', 'lease', '?'), archived: true }
];

/** @param {string} digit @param {object} more */
export const call = (digit, more) => ({
  id: id(digit),
  connector: 'mail',
  tool: 'messages_search',
  effect: 'read',
  title: 'messages search: lease',
  state: 'done',
  arguments: { query: 'lease' },
  result: null,
  approval_id: null,
  ...more
});

const answer = `Carol asks for your signature **by Friday**. She wrote on 12 March:

> The contract is ready, please come by before the weekend.

| Day | Time | Place |
| --- | --- | --- |
| Friday | 10:00 | Carol’s office |

Details are on [the agency’s page](https://lease.example.org/offer?id=42). I have written the answer; it waits for you.

\`\`\`text
Friday 10:00, bring an identity card
\`\`\`
`;

export const messages = [
  {
    id: id('2'),
    role: 'user',
    turn: id('7'),
    created_at: before(5),
    text: 'What did Carol write about the lease? Tell her I sign on Friday.',
    calls: [],
    error: null,
    usage: null
  },
  {
    id: id('3'),
    role: 'assistant',
    turn: id('7'),
    created_at: before(4),
    text: answer,
    calls: [
      call('8', { result: { content: { found: 2 }, outside: [{ source: 'mail of 12 March', authors: ['carol@example.org'] }] } }),
      call('9', { tool: 'messages_send', effect: 'send', title: 'messages send', state: 'waiting', approval_id: approval.id, arguments: approval.arguments })
    ],
    error: null,
    usage: null
  }
];

const outside = [{ source: 'mail of 12 March', authors: ['carol@example.org'] }];

/** The story of the front page: a question that ends in an appointment and in a mail that waits. */
export const lease = [
  { ...messages[0], text: 'What did Carol write about the lease? Tell her I sign on Friday, and put it in my calendar.' },
  {
    ...messages[1],
    id: id('0'),
    text: '',
    calls: [call('8', { result: { content: { found: 2 }, outside } })]
  },
  {
    ...messages[1],
    text: 'The contract is ready, and Carol is in her office **until noon on Friday**. The appointment is in your calendar for Friday at ten. The answer to her waits for your yes.',
    calls: [
      call('6', { connector: 'caldav', tool: 'events_create', effect: 'write', title: 'events create: Sign the lease', arguments: { title: 'Sign the lease' } }),
      call('9', { tool: 'messages_send', effect: 'send', title: 'messages send: Re: The lease', state: 'waiting', approval_id: approval.id })
    ]
  }
];

export const leaseApproval = {
  ...approval,
  can_become_rule: true,
  preview: { ...preview, content: 'I will sign on Friday at ten. Best, Ada', warnings: [] }
};

/** A conversation that came to its end, with what it cost. */
export const answered = [
  messages[0],
  { ...messages[1], calls: [call('8', { result: { content: { found: 2 }, outside } })], usage: { model: 'llama3.1:8b', input_tokens: 2140, cached_tokens: 1200, output_tokens: 186, micro: 4200, currency: 'EUR', estimated: false } }
];

/** A picture that a person gave. */
export const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAGAAAABACAIAAABqVuVZAAAAxElEQVR42u3QMQ0CURAFwKcKERRYQBI9DnACImgJMigoj1zF/b8Lk4yCyeX2YEUUCBIkSJAgQYIEIUiQoD8POu93b4LWdkodpeZOnaOU3SlylMo7FY5SuaZCU1rsTDxKl51ZR2m0M+UovXbGH6VXzfimNN0ZdpS+O2OO0npnwFG672x9lO41WzflZ3Y2Ovpy0PN+nU6QIEGCBAkSJEiQIEGCBAkSJEiQIEGCBAkSJEiQoGXQ8XRghSBBggQJEiRIkCA+egGngy84DDC0+wAAAABJRU5ErkJggg==',
  'base64'
);

/** A question with files. */
export const given = [
  {
    ...messages[0],
    text: 'What do I sign here, and is this the house?',
    files: [
      { id: id('d'), name: 'Mietvertrag Lindenstraße 12, zweite Fassung mit allen Anlagen.pdf', kind: 'text', what: 'PDF', size: 184_320, note: '12 pages.' },
      { id: id('b'), name: 'house.png', kind: 'image', what: 'PNG image', size: 2_310_000, note: '' }
    ]
  },
  { ...messages[1], text: 'You sign for **two years**. The picture shows a house.', calls: [] }
];

/** A message that was said in two ways, answered three times. */
export const versions = [
  { ...messages[0], text: 'What did Carol write about the lease?', versions: [id('2'), id('1')] },
  { ...messages[1], calls: [call('8', { result: { content: { found: 2 }, outside } })], versions: [] },
  { ...messages[1], id: id('4'), text: 'The contract is ready, and she asks you to come by before the weekend.', calls: [], versions: [] },
  { ...messages[0], id: id('5'), turn: id('5'), text: 'Shorter, please.', versions: [] },
  { ...messages[1], id: id('6'), turn: id('5'), text: 'It is ready: sign before the weekend.', calls: [], versions: [id('0'), id('6'), id('a')] }
];

/** A question that waits in a version that is not shown. */
export const approvalElsewhere = { ...approval, version: id('3') };

/** Three things that wait at once, the last of which wants a second look. */
export const planApprovals = [
  { ...approval, id: id('1'), call_id: id('1'), preview: { ...preview, warnings: [] } },
  {
    ...approval, id: id('2'), call_id: id('2'), connector: 'caldav', tool: 'events_create', effect: 'write', preview_digest: '3'.repeat(64),
    preview: { ...preview, verb: 'Create an event', confirm: 'Create', account: 'Home', destinations: [], warnings: [], content: '', fields: [{ label: 'What', value: 'Sign the lease' }] }
  },
  {
    ...approval, id: id('3'), call_id: id('3'), connector: 'caldav', tool: 'events_delete', effect: 'delete', preview_digest: '4'.repeat(64),
    preview: { ...preview, verb: 'Delete an event', confirm: 'Delete', account: 'Home', destinations: [], warnings: [], content: '', fields: [{ label: 'What', value: 'Viewing' }] }
  }
];

export const together = [
  { ...messages[0], text: 'Tell Carol I sign on Friday, put it in my calendar, and drop the viewing.' },
  {
    ...messages[1],
    text: 'Three things wait for you.',
    calls: planApprovals.map((each) => call(each.id[0] ?? '', { connector: each.connector, tool: each.tool, effect: each.effect, title: each.tool.replaceAll('_', ' '), state: 'waiting', approval_id: each.id, arguments: {} }))
  }
];

/** An answer that says a mail was sent. */
export const claimed = [
  { ...messages[0], id: id('4'), turn: id('7'), text: 'Tell Carol that I sign on Friday.' },
  { ...messages[1], id: id('5'), turn: id('7'), text: 'I have sent the mail to Carol. She knows that you sign on Friday.', calls: [] }
];

/** What the ledger tells of that turn where it is true, and of one thing more that did not come about. */
export const receipts = [
  {
    call_id: id('8'), turn: id('7'), connector: 'mail', tool: 'messages_send', effect: 'send', verb: 'Send a mail',
    subject: 'Re: The lease', account: 'ada@home.example', state: 'done', at: '2026-11-23T09:12:00Z', index: 4,
    leaf_hash: 'ab'.repeat(32), destinations: [{ kind: 'recipient', value: 'carol@example.org', name: 'Carol Meyer', note: null }]
  },
  {
    call_id: id('9'), turn: id('7'), connector: 'caldav', tool: 'events_create', effect: 'write', verb: 'Add an event', subject: 'Sign the lease',
    account: 'Home', state: 'unknown', at: '2026-11-23T09:12:04Z', index: 6, leaf_hash: 'cd'.repeat(32), destinations: []
  }
];

export const notices = { key: 'BF'.padEnd(87, 'A'), browsers: [], content: false, quiet_from: null, quiet_to: null, zone: 'Europe/Berlin', mail: null };

/** A house whose owner is told in two browsers and by a mail to himself. */
export const noticesTold = {
  ...notices,
  content: true,
  quiet_from: '22:00:00',
  quiet_to: '07:00:00',
  browsers: [
    { id: id('1'), name: 'Firefox on the laptop', host: 'updates.push.services.mozilla.com', endpoint: 'https://updates.push.services.mozilla.com/1', created_at: before(60 * 30), used_at: before(50), current: true },
    { id: id('2'), name: 'Chrome on a phone', host: 'fcm.googleapis.com', endpoint: 'https://fcm.googleapis.com/2', created_at: before(60 * 50), used_at: null, current: false }
  ],
  mail: { account: id('a'), address: 'ada@home.example', conversation: id('d') }
};

/** A mail that is held, and a move that has a way back. */
export const undoable = () => [
  { ...doubts[0], kind: 'held', until: new Date(Date.now() + 9_000).toISOString() },
  { ...doubts[0], call_id: id('9'), kind: 'done', tool: 'messages_move', verb: 'Move a mail', subject: 'The lease', destinations: [], until: before(-60 * 24 * 6) }
];

/** A mail that may have gone out. */
export const doubts = [
  {
    call_id: id('8'), connector: 'mail', tool: 'messages_send', verb: 'Send a mail', subject: 'Re: The lease', account: 'ada@home.example',
    destinations: [{ kind: 'recipient', value: 'carol@example.org', name: 'Carol Meyer', note: null }], at: '2026-11-23T09:12:00Z', conversation: id('c')
  }
];

/** Two drafts, the second of which was taken back. */
export const drafted = [
  { ...messages[0], id: id('4'), text: 'Draft an answer to Carol and one to Ben.' },
  {
    ...messages[1],
    id: id('5'),
    text: 'Both drafts are in your mailbox.',
    calls: ['6', '8'].map((each, place) =>
      call(each, { tool: 'drafts_create', effect: 'write', title: `drafts create: To ${place ? 'Ben' : 'Carol'}`, arguments: {}, result: { content: {} } })
    )
  },
  { ...messages[0], id: id('7'), text: '/undo drafts create: To Ben', command: { name: 'undo', fields: {} } },
  { ...messages[1], id: id('9'), text: '', calls: [call('0', { tool: 'actions_undo', effect: 'write', title: 'actions undo', arguments: { action: id('8') }, result: { content: {} } })] },
  { ...messages[1], id: id('b'), text: 'Done.', calls: [] }
];

export const failed = [
  { ...messages[0], id: id('4'), text: 'Make a packing list.' },
  {
    ...messages[1],
    id: id('5'),
    text: 'For three days you need',
    calls: [call('6', { state: 'unknown', tool: 'messages_send', effect: 'send', title: 'messages send' })],
    error: { code: 'upstream_failed', detail: 'The model server stopped in the middle of the answer.' }
  }
];

const kinds = [
  ['session.started', null, null, null],
  ['turn.started', null, null, null],
  ['tool.started', 'mail', 'messages_search', 'read'],
  ['token.released', 'mail', null, null],
  ['tool.finished', 'mail', 'messages_search', 'read'],
  ['approval.asked', 'mail', 'messages_send', 'send'],
  ['tool.failed', 'caldav', 'events_list', 'read']
];

export const SIZE = 130;

/** A record of a ledger of that size. @param {number} index @param {number} size */
export function entryOf(index, size) {
  const [action, connector, tool, effect] = kinds[index % kinds.length] ?? [];
  return {
    index,
    time: before((size - index) * 17),
    action,
    room: connector ?? 'gateway',
    turn: null,
    conversation: tool ? id('c') : null,
    connector,
    tool,
    effect,
    call_id: tool ? id('8') : null,
    outcome: action === 'tool.failed' ? 'upstream_failed' : null,
    content: action === 'tool.started' ? { query: 'lease', limit: 20 } : null,
    leaf_hash: index.toString(16).padStart(64, '0')
  };
}

export const entries = Array.from({ length: SIZE }, (_, index) => entryOf(index, SIZE)).reverse();
export const head = { size: SIZE, root: '5e'.repeat(32), time: before(1), signature: 'a signed note' };
export const found = [{ name: 'Ollama', base_url: 'http://127.0.0.1:11434/v1', models: ['llama3.1:8b', 'qwen3:14b'] }];
const untested = { mode: 'unknown', detail: '', tested_at: null, testing: false };
export const tools = {
  untested,
  testing: { ...untested, testing: true },
  native: { mode: 'native', detail: '3 of 3 calls came natively.', tested_at: before(25), testing: false },
  schema: { mode: 'schema', detail: '0 of 2 calls came natively. 3 of 3 calls came as JSON that the server holds to a schema.', tested_at: before(25), testing: false },
  salvage: { mode: 'salvage', detail: 'It takes no tools. It takes no schema. 2 of 3 calls came as JSON in its words.', tested_at: before(25), testing: false },
  none: { mode: 'none', detail: '0 of 2 calls came natively. 0 of 2 calls came as JSON that the server holds to a schema. 1 of 3 calls came as JSON in its words.', tested_at: before(25), testing: false }
};
export const model = { kind: 'openai', model: 'llama3.1:8b', base_url: 'http://127.0.0.1:11434/v1', has_key: false, window: null, local: true, tools: tools.native, price: { currency: 'XXX', input: 0, output: 0, cached: null, source: 'local' } };

/** A model that a provider bills. */
export const billed = { kind: 'litellm', model: 'mistral/mistral-large-latest', base_url: null, has_key: true, window: null, local: false, tools: tools.native, price: { currency: 'EUR', input: 2_000_000, output: 6_000_000, cached: null, source: 'list' } };
export const privateModel = { ...model, model: 'qwen3:14b' };

/** What is held back in the house with a model outside of it. */
export const routes = [
  { source: id('a'), route: 'redact' },
  { source: id('b'), route: 'local_only' }
];

const seen = (/** @type {object} */ more) => ({ model: 'mistral/mistral-large-latest', local: false, because: [], withheld: [], redacted: [], ...more });

/** Answers of which the model was shown less than was found. */
export const held = [
  messages[0],
  { ...messages[1], text: '', calls: [call('8', { account: id('a'), result: { content: { found: 2 }, outside } }), call('6', { account: id('b'), result: { content: { found: 3 } } })], routed: seen({}) },
  { ...messages[1], id: id('4'), text: 'Carol asks when you can sign.', calls: [], routed: seen({ redacted: [id('a')], withheld: [id('b')] }) }
];
export const answeredHere = [
  messages[0],
  { ...messages[1], text: '', calls: [call('8', { account: id('b'), result: { content: { found: 2 } } })], routed: seen({}) },
  { ...messages[1], id: id('4'), text: 'There are two dates.', calls: [], routed: seen({ model: 'qwen3:14b', local: true, because: [id('b')] }) }
];

const day = (/** @type {number} */ days) => before(-60 * 24 * days).slice(0, 10);
const people = { type: 'array', items: { type: 'string', format: 'mailbox', maxLength: 400 }, minItems: 1, title: 'To', description: 'Addresses, with commas between them' };
const text = (/** @type {string} */ title, more = {}) => ({ type: 'string', title, ...more });
const form = (/** @type {object} */ properties, /** @type {string[]} */ required) => ({ type: 'object', properties, required, additionalProperties: false });
const account = { type: 'string', title: 'Account', enum: [id('a'), id('b')] };
const both = accounts.map((each) => ({ id: each.id, name: each.name, connector: each.connector }));
const homes = [...both.slice(0, 1), { id: id('b'), name: 'ada@work.example', connector: 'mail' }];

export const commands = [
  { name: 'agenda', title: 'Show the agenda', description: 'What is in your calendars, day by day', effect: 'read', accounts: both.slice(1), form: form({ from: text('From', { format: 'date', default: day(0) }), to: text('To', { format: 'date', default: day(6), description: 'This day included' }) }, []) },
  { name: 'event', title: 'Put an event into the calendar', description: 'With guests, you see it once more before they are invited', effect: 'write', accounts: both.slice(1), form: form({ title: text('Title', { minLength: 1 }), start: text('Start', { format: 'day-or-time', description: 'Without a time it is the whole day' }), end: text('End', { format: 'day-or-time', description: 'Empty means an hour, or that day' }), place: text('Place'), notes: text('Notes', { format: 'multiline' }) }, ['title', 'start']) },
  { name: 'find', title: 'Find', description: 'Looks in every connected service at once', effect: 'read', accounts: both, form: form({ text: text('Words', { minLength: 1, description: 'All of them must occur' }), account }, ['text']) },
  { name: 'mail', title: 'Write a mail', description: 'You see it once more before it is sent', effect: 'send', accounts: homes, form: form({ to: people, subject: text('Subject', { minLength: 1 }), text: text('Text', { format: 'multiline', minLength: 1 }), account }, ['to', 'subject', 'text', 'account']) }
];

const by = (/** @type {string} */ words) => ({ text: words, source: 'mail of 12 March', authors: ['carol@example.org'] });

export const mails = {
  messages: [
    { id: '41', date: before(60 * 5), folder: 'INBOX', unread: true, sender: by('Carol Meyer <carol@example.org>'), recipients: by('ada@home.example'), subject: by('The lease for Linden Street 12'), excerpt: by('The contract is ready, please come by before the weekend. Bring an identity card, and the key of the cellar if you still have it.') },
    { id: '17', date: '2024-03-12T09:00:00Z', folder: 'Archive', unread: false, sender: by('The agency <office@lease.example.org>'), recipients: by('ada@home.example'), subject: by('Re: lease'), excerpt: by('We have received your papers.') }
  ],
  note: 'The mailbox is still being read, so there may be more.'
};
export const events = {
  events: [
    { id: 'e1', start: day(1), end: day(1), calendar: 'Family', title: by('Recycling'), repeats: true },
    { id: 'e2', start: `${day(1)}T10:00:00+01:00`, end: `${day(1)}T11:00:00+01:00`, calendar: 'Family', title: by('Sign the lease'), place: by('Carol’s office') },
    { id: 'e3', start: `${day(2)}T18:30:00+01:00`, end: `${day(2)}T20:00:00+01:00`, calendar: 'Family', title: by('Dinner with Carol') }
  ],
  note: ''
};
const command = { name: 'find', fields: { text: 'lease' } };
const lost = { error: { code: 'unavailable', message: 'Family calendar is away: its connector is not running at the moment.' } };

/** A search in the services, one of which did not answer. */
export const searched = [
  { ...messages[0], id: id('4'), text: '/find lease', command },
  { ...messages[1], id: id('5'), text: '', command, calls: [
    call('6', { connector: 'caldav', tool: 'events_search', title: 'events search: lease', account: id('b'), state: 'failed', result: lost }),
    call('7', { account: id('a'), result: { content: mails, outside: [] } })
  ] },
  { ...messages[1], id: id('6'), text: '2 results; Family calendar did not answer.', calls: [], command }
];

const drawn = String.raw`The house costs \(1200 \cdot 12\) a year [[41]], and $5 or $10 for the keys. With interest that is

$$
\begin{aligned}
S &= \sum_{k=0}^{n-1} r\,(1+i)^k = r\,\frac{(1+i)^n - 1}{i} \\
  &= 1200 \cdot \frac{1.02^{12} - 1}{0.02} \approx \boxed{16094}
\end{aligned}
$$

You sign on the day before the dinner [[e2]]. What nobody found stays a text: [[https://evil.example/p.gif]].

\[ A = \begin{pmatrix} a_{11} & a_{12} & a_{13} & a_{14} & a_{15} & a_{16} & a_{17} & a_{18} & a_{19} \\ b_1 & b_2 & b_3 & b_4 & b_5 & b_6 & b_7 & b_8 & b_9 \end{pmatrix} \]

$$\href{https://evil.example}{x}$$

Between the lines: $x_1 = \frac{-b + \sqrt{b^2 - 4ac}}{2a}$.`;

/** An answer that names what it rests on, and calculates. */
export const sourced = [
  messages[0],
  { ...messages[1], id: id('0'), text: '', calls: [
    call('7', { account: id('a'), result: { content: mails, outside: [] } }),
    call('6', { connector: 'caldav', tool: 'events_list', title: 'events list', account: id('b'), result: { content: events } })
  ] },
  { ...messages[1], text: drawn, calls: [] }
];

/** The same without a mark: what a model says that knows of none. */
export const unsourced = [...sourced.slice(0, 2), { ...messages[1], text: 'You sign on Friday.', calls: [] }];

/** What comes up in the calendar, then a question that nothing answers, then a shape that nobody knows. */
export const planned = [
  { ...messages[0], id: id('4'), text: `/agenda ${day(0)} · ${day(6)}`, command: { name: 'agenda', fields: {} } },
  { ...messages[1], id: id('5'), text: '', calls: [call('6', { connector: 'caldav', tool: 'events_list', account: id('b'), result: { content: events } })] },
  { ...messages[1], id: id('6'), text: '3 results.', calls: [] },
  { ...messages[0], id: id('7'), text: '/find nothing', command },
  { ...messages[1], id: id('8'), text: '', calls: [call('8', { account: id('a'), result: { content: { messages: [], note: '' } } })] },
  { ...messages[1], id: id('9'), text: 'Nothing found.', calls: [] },
  { ...messages[0], id: id('a'), text: '/weather', command: { name: 'weather', fields: {} } },
  { ...messages[1], id: id('b'), text: '', calls: [call('0', { connector: 'weather', tool: 'forecast_read', account: null, result: { content: { sky: 'grey', degrees: 4 } } })] },
  { ...messages[1], id: id('d'), text: 'The service answered.', calls: [] }
];

const limits = {
  turn_tokens: 500_000, turn_micro: 2_000_000, model_calls: 24, tool_calls: 60, seconds: 3_600,
  day_tokens: 5_000_000, day_micro: 10_000_000, month_tokens: 60_000_000, month_micro: 50_000_000
};
const none = Object.fromEntries(Object.keys(limits).map((name) => [name, null]));
const houseLimits = { day_tokens: 10_000_000, day_micro: 20_000_000, month_tokens: null, month_micro: 100_000_000 };
const share = (/** @type {number} */ spent, /** @type {number | null} */ limit, held = 0) => ({ spent, held, limit });
const today = new Date().toISOString().slice(0, 10);
const daysAgo = (/** @type {number} */ count) => new Date(Date.parse(today) - count * 86_400_000).toISOString().slice(0, 10);
const usageRows = [0, 1, 2, 4, 5, 9, 10, 11, 12, 16, 17, 18, 22, 23, 24, 29].map((back, index) => ({
  day: daysAgo(back), model: index % 3 ? 'mistral/mistral-large-latest' : 'llama3.1:8b', currency: 'EUR', calls: 3 + index, estimated: index === 2 ? 3 : 0,
  input_tokens: 41_000 + index * 5_300, cached_tokens: 12_000, output_tokens: 1_900 + index * 110, micro: index % 3 ? 92_000 + index * 11_000 : 0
}));
const twoPeriods = (/** @type {string} */ house) => [
  { bound: `${house}day`, tokens: share(4_120_000, 5_000_000, 50_000), micro: share(3_400_000, 10_000_000) },
  { bound: `${house}month`, tokens: share(21_000_000, 60_000_000), micro: share(18_700_000, null) }
];

export const usage = {
  currency: 'EUR', zone: 'Europe/Berlin', day: today, day_ends_at: `${daysAgo(-1)}T23:00:00Z`, priced: true,
  own: { ...none, day_tokens: 5_000_000 }, ceiling: limits, limits, periods: twoPeriods(''), rows: usageRows,
  house: {
    each: limits, limits: houseLimits, periods: twoPeriods('house_'), rows: usageRows,
    people: [
      { id: 'a'.repeat(32), display_name: 'Ada', periods: twoPeriods(''), ceiling: null },
      { id: 'b'.repeat(32), display_name: 'Ben', periods: twoPeriods(''), ceiling: null }
    ]
  }
};

const nothing = [
  { bound: 'day', tokens: share(0, 5_000_000), micro: share(0, null) },
  { bound: 'month', tokens: share(0, null), micro: share(0, null) }
];
export const noUsage = { ...usage, zone: 'America/New_York', priced: false, periods: nothing, rows: [], house: null };

/** @param {number} days */
const dayAgo = (days) => before(days * 24 * 60).slice(0, 10);
const unnamed = { connector: null, account: null, model: null };
const imap = { host: 'imap.home.example', port: 993, reach: 'public' };
const dav = { host: '192.168.1.20', port: 5232, reach: 'network' };
const ollama = { host: '127.0.0.1', port: 11434, reach: 'machine' };
const largeModel = { host: 'api.models.example', port: 443, reach: 'public' };

/** What left in a month, to four places. */
export const left = {
  since: dayAgo(29),
  until: dayAgo(0),
  days: Array.from({ length: 30 }, (_, index) => 29 - index).flatMap((days) => [
    { day: dayAgo(days), ...imap, ...unnamed, kind: 'background', connector: 'mail', account: id('a'), bytes_out: 9_000 + 700 * ((days * 7) % 11), bytes_in: 210_000, records: 4 },
    ...(days % 3 ? [] : [{ day: dayAgo(days), ...imap, ...unnamed, kind: 'call', connector: 'mail', account: id('a'), bytes_out: 2_100, bytes_in: 48_000, records: 3 }]),
    ...(days % 2 ? [{ day: dayAgo(days), ...dav, ...unnamed, kind: 'background', connector: 'caldav', account: id('b'), bytes_out: 6_200, bytes_in: 31_000, records: 4 }] : []),
    ...(days % 4 ? [] : [{ day: dayAgo(days), ...ollama, ...unnamed, kind: 'model', model: 'llama3.1:8b', bytes_out: 21_000, bytes_in: 5_300, records: 2 }]),
    ...(days % 9 ? [] : [{ day: dayAgo(days), ...largeModel, ...unnamed, kind: 'model', model: 'large-1', bytes_out: 16_400, bytes_in: 3_900, records: 1 }])
  ]),
  sources: [
    { ...largeModel, kind: 'connector', connector: 'mail', account: id('a'), bytes: 9_200 },
    { ...largeModel, kind: 'rules', connector: null, account: null, bytes: 5_100 },
    { ...largeModel, kind: 'owner', connector: null, account: null, bytes: 320 },
    { ...ollama, kind: 'rules', connector: null, account: null, bytes: 48_000 },
    { ...ollama, kind: 'assistant', connector: null, account: null, bytes: 2_400 }
  ],
  accounts: { [id('a')]: 'ada@home.example', [id('b')]: 'Family calendar' },
  counted: [{ room: 'mail', host: 'imap.home.example', port: 993, connections: 312, bytes_out: 712_000, bytes_in: 7_400_000 }]
};

const leftPlain = { turn: null, conversation: null, call_id: null, connector: null, tool: null, effect: null, account: null, outcome: 'done', model: null, input_tokens: null, output_tokens: null, sources: [] };

/** The records behind a day of the mail server and of the model. */
export const leftEntries = [
  { ...leftPlain, index: 47, time: before(20), kind: 'call', conversation: id('c'), turn: id('f'), call_id: id('1'), connector: 'mail', tool: 'messages_search', effect: 'read', account: id('a'), traffic: [{ ...imap, bytes_out: 2_100, bytes_in: 48_000 }], leaf_hash: '47'.repeat(32) },
  { ...leftPlain, index: 46, time: before(22), kind: 'model', conversation: id('c'), turn: id('f'), model: 'large-1', input_tokens: 4_100, output_tokens: 210, traffic: [{ ...imap, bytes_out: 16_400, bytes_in: 3_900 }], sources: [{ kind: 'connector', connector: 'mail', account: id('a'), bytes: 9_200 }, { kind: 'owner', connector: null, account: null, bytes: 80 }], leaf_hash: '46'.repeat(32) },
  { ...leftPlain, index: 45, time: before(300), kind: 'background', connector: 'mail', account: id('a'), outcome: null, traffic: [{ ...imap, bytes_out: 9_000, bytes_in: 210_000 }], leaf_hash: '45'.repeat(32) }
];

/** Where the steps of the conversation went. */
export const leftOf = [...new Set([...messages, ...answered, ...drafted].flatMap((each) => (each?.calls ?? []).map((one) => one.id)))].map((one, index) => ({
  ...leftPlain, index: 60 + index, time: before(20), kind: 'call', conversation: id('c'), call_id: one, connector: 'mail', account: id('a'), traffic: [{ ...imap, bytes_out: 2_100, bytes_in: 48_000 }], leaf_hash: '60'.repeat(32)
}));

const anyHouse = { managed: false, name: '', operator: '', contact: '', policy: '', policy_url: null, terms: '', terms_url: null, minimum_age: 16, people: null, connectors: null, models: null, limits: null };
export const house = anyHouse;
export const managed = {
  ...anyHouse, managed: true, name: 'The example cooperative', operator: 'Example e.V.', contact: 'desk@example.org', minimum_age: 18, people: 12,
  policy: 'We run this for our members.\nWe look at nothing that is not ours.', policy_url: 'https://example.org/a-policy-with-a-rather-long-address-that-must-not-widen-the-page',
  terms: 'Be kind to each other.\nTell us when you leave.', terms_url: 'https://example.org/terms',
  connectors: ['mail', 'caldav'], models: ['mistral/*'], limits: { ...none, day_tokens: 100_000 }
};

const person = { role: 'member', created_at: before(90 * DAY), of_age_at: before(90 * DAY), suspended_at: null, leaves_at: null };
export const household = [
  { ...person, id: session.user.id, username: 'ada', display_name: 'Ada', role: 'owner', of_age_at: null },
  { ...person, id: id('6'), username: 'bob', display_name: 'Bob' },
  { ...person, id: id('7'), username: 'a-rather-long-user-name-of-somebody', display_name: 'Somebody Whose Name Does Not End So Soon As One Would Think', suspended_at: before(2 * DAY) },
  { ...person, id: id('8'), username: 'dan', display_name: 'Dan', leaves_at: before(-12 * DAY) },
  { ...person, id: id('9'), username: 'eve', display_name: 'Eve', role: 'owner' }
];
export const invitations = [
  { id: id('1'), label: 'For Carol', created_at: before(DAY), expires_at: before(-6 * DAY) },
  { id: id('2'), label: '', created_at: before(DAY), expires_at: before(-DAY) }
];
export const newInvitation = { ...invitations[0], id: id('3'), path: '/join#an-invitation-that-is-obviously-fake-0123456', opens_at: before(0) };
export const invited = { kind: 'join', by: 'Ada', owners: ['Ada'], username: null, opens_at: before(DAY), expires_at: before(-6 * DAY) };
export const invitedReset = { ...invited, kind: 'reset', username: 'bob', opens_at: before(-DAY) };
export const told = [
  { id: id('1'), kind: 'reset_offered', by: 'Ada', at: before(60), ends_at: before(-8 * DAY), can_agree: true },
  { id: id('2'), kind: 'leaving', by: 'Ada', at: before(60), ends_at: before(-14 * DAY), can_agree: false },
  { id: id('3'), kind: 'role_changed', by: 'Ada', at: before(60), ends_at: null, can_agree: false }
];

const rule = (/** @type {string} */ kind, more = {}) => ({ kind, account: null, days: null, newest: null, ...more });
const offer = (/** @type {string} */ kind, /** @type {string} */ room, more = {}) => ({ kind, room, account: null, service: null, account_name: null, ways: ['days', 'newest', 'never'], ...more });
const ofMail = { account: id('a'), service: 'Mail', account_name: 'ada@home.example' };
export const keep = {
  rules: [rule('conversations', { days: 365 }), rule('mails', { account: id('a'), newest: 2500 })],
  offers: [
    offer('conversations', 'agent'), offer('memories', 'gateway'), offer('questions', 'gateway'), offer('arguments', 'audit'),
    offer('left', 'audit', { ways: ['days', 'never'] }), offer('mails', 'mail', ofMail), offer('calls', 'mail', ofMail)
  ],
  run: { at: before(300), next: before(-DAY + 300), went: [{ room: 'agent', kind: 'conversations', count: 4 }, { room: 'mail', kind: 'mails', count: 31 }], unasked: ['caldav'] }
};
const part = (/** @type {string} */ room, /** @type {string} */ kind, /** @type {number} */ count) => ({ room, kind, account: null, count, oldest: before(900 * DAY), newest: before(370 * DAY) });
export const goes = [part('agent', 'conversations', 12), part('audit', 'arguments', 340), part('mail', 'calls', 7)];
export const erasing = [
  { id: id('7'), what: 'period', begun_at: before(8), rooms: ['mail'], mine: true },
  { id: id('8'), what: 'person', begun_at: before(3 * DAY), rooms: ['whatsapp'], mine: false }
];

const foundIn = /** @type {Record<string, object>} */ ({ mail: { messages_search: 'id', threads_read: 'id' }, caldav: { events_list: 'id', events_search: 'id' } });
const source = (/** @type {string} */ connector, /** @type {string} */ name, /** @type {{id?: string, name?: string}} */ account, more = {}) => ({ connector, name, account: account.id, account_name: account.name, local: true, runs: true, key: 'id', found_in: foundIn[connector] ?? {}, ...more });
const mailbox = source('mail', 'Mail', accounts[0] ?? {});
const family = source('caldav', 'Calendar', accounts[1] ?? {});
export const lookSources = /** @type {Record<string, object[]>} */ ({
  find: [mailbox, family, source('gmail', 'Gmail', { id: id('d'), name: 'ada@work.example' }, { local: false })],
  agenda: [family],
  waiting: [mailbox]
});
const todays = [
  { id: 'e1', start: day(0), end: day(0), calendar: 'Family', title: by('Recycling') },
  { id: 'e2', start: `${day(0)}T00:05:00`, end: `${day(0)}T00:06:00`, calendar: 'Family', title: by('Night train home') },
  { id: 'e3', start: `${day(0)}T23:50:00`, end: `${day(0)}T23:55:00`, calendar: 'Family', title: by('Call Carol'), place: by('By phone') }
];
export const looked = /** @type {Record<string, unknown>} */ ({
  'find mail': mails, 'find caldav': events, 'find gmail': { messages: [], note: '' },
  'agenda caldav': { events: todays, note: '' }, 'waiting mail': { messages: mails.messages.slice(0, 1), note: '' }
});
/** What tries to be more than text is in it. */
export const opened = {
  messages: [
    { id: '41', date: before(60 * 5), folder: 'INBOX', sender: by('Carol Meyer <carol@example.org>'), recipients: by('ada@home.example'), subject: by('The lease for Linden Street 12'), text: by('The contract is ready.\n\n<img src="https://tracker.example/p.gif" onerror="alert(1)"> <script>alert(2)</script> [click](javascript:alert(3))\n\nCarol'), signature: by('Carol Meyer, The agency') },
    { id: '42', date: before(60), folder: 'Sent', sender: by('ada@home.example'), recipients: by('Carol Meyer <carol@example.org>'), subject: by('Re: The lease for Linden Street 12'), text: by('I sign on Friday.') }
  ],
  note: ''
};
export const openedEvent = { id: 'e3', start: `${day(0)}T23:50:00`, end: `${day(0)}T23:55:00`, calendar: 'Family', title: by('Call Carol'), place: by('By phone'), notes: by('About the cellar.'), guests: [{ address: by('carol@example.org'), answer: 'accepted' }], all_day: false };
/** A contact that its owner may change; its lists are only added to. */
export const openedContact = {
  content: { id: 'c41', name: by('Carol Meyer'), emails: [by('carol@example.org'), by('carol@work.example')], details: { Notes: [by('The agency')] }, groups: [], note: 'Not all of it is kept here.' },
  change: {
    adds: true,
    form: {
      type: 'object', required: [], additionalProperties: false,
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 500, title: 'Name' },
        emails: { type: 'array', items: { type: 'string' }, title: 'Mail addresses' },
        notes: { type: 'string', format: 'multiline', maxLength: 20_000, title: 'Notes' }
      }
    },
    values: { name: 'Carol Meyer', emails: ['carol@example.org', 'carol@work.example'], notes: 'The agency' }
  }
};
export const wellHouse = { away: [], watched_since: before(60 * 24) };
export const ailingHouse = { away: [{ room: 'caldav', since: before(190) }, { room: 'audit', since: before(4) }], watched_since: before(60 * 24) };
const instance = (/** @type {number} */ hours, name = '', version = '0.1.0') => ({ instance: name, version, since: before(60 * hours) });
const room = (/** @type {string} */ name, /** @type {string} */ kind, more = {}) => ({ room: name, kind, answers: true, expected: true, away_since: null, instances: [instance(50)], ...more });
export const rooms = {
  version: '0.1.0', protocol: 1,
  rooms: [
    room('gateway', 'service'), room('agent', 'service'), room('audit', 'service'),
    room('caldav', 'connector', { answers: false, away_since: before(190), instances: [] }),
    room('mail', 'connector', { instances: [instance(50, 'a3f1'), instance(2, 'b7c2')] }), room('vault', 'service')
  ]
};
export const copies = { made: true, tried_at: before(60 * 9), good_at: before(60 * 9), file: 'house-2026-11-29.age', bytes: 48_000_000, records: 1200, problem: '', restored: null };
export const copiesLate = { ...copies, good_at: before(60 * 24 * 3), problem: 'The last try came to nothing: the disk is full.', restored: { taken_at: before(60 * 24 * 9), restored_at: before(60 * 24 * 8), put_aside: 2 } };

/** Where Ada is signed in. */
export const devices = [
  { id: id('1'), created_at: '2026-11-20T09:12:00Z', seen_at: '2026-11-28T21:03:00Z', expires_at: '2026-12-12T21:03:00Z', address: '192.168.1.31', agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1', current: false },
  { id: id('2'), created_at: '2026-11-28T08:00:00Z', seen_at: '2026-11-29T10:00:00Z', expires_at: '2026-12-13T10:00:00Z', address: '192.168.1.20', agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0', current: true },
  { id: id('3'), created_at: '2026-11-27T08:00:00Z', seen_at: '2026-11-27T10:00:00Z', expires_at: '2026-12-11T10:00:00Z', address: '2001:db8:85a3:8d3:1319:8a2e:370:7348', agent: 'oa', current: false }
];

/** The secret of RFC 6238's examples: at 1970-01-01 00:00:59 its code is 287082. */
export const newSecret = {
  secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
  uri: 'otpauth://totp/Open%20Assistant:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Open%20Assistant',
  size: 41,
  path: 'M0 0h7v1h-7zM8 0h2v1h-2zM14 0h2v1h-2zM26 0h1v1h-1zM28 0h1v1h-1zM30 0h2v1h-2zM34 0h7v1h-7zM0 1h1v1h-1zM6 1h1v1h-1zM9 1h2v1h-2zM13 1h1v1h-1zM15 1h1v1h-1zM18 1h2v1h-2zM22 1h1v1h-1zM25 1h2v1h-2zM29 1h4v1h-4zM34 1h1v1h-1zM40 1h1v1h-1zM0 2h1v1h-1zM2 2h3v1h-3zM6 2h1v1h-1zM9 2h1v1h-1zM11 2h1v1h-1zM13 2h1v1h-1zM16 2h3v1h-3zM21 2h3v1h-3zM26 2h1v1h-1zM29 2h1v1h-1zM31 2h1v1h-1zM34 2h1v1h-1zM36 2h3v1h-3zM40 2h1v1h-1zM0 3h1v1h-1zM2 3h3v1h-3zM6 3h1v1h-1zM8 3h4v1h-4zM13 3h5v1h-5zM19 3h10v1h-10zM31 3h2v1h-2zM34 3h1v1h-1zM36 3h3v1h-3zM40 3h1v1h-1zM0 4h1v1h-1zM2 4h3v1h-3zM6 4h1v1h-1zM8 4h4v1h-4zM13 4h3v1h-3zM19 4h1v1h-1zM21 4h1v1h-1zM25 4h1v1h-1zM27 4h3v1h-3zM32 4h1v1h-1zM34 4h1v1h-1zM36 4h3v1h-3zM40 4h1v1h-1zM0 5h1v1h-1zM6 5h1v1h-1zM8 5h2v1h-2zM12 5h2v1h-2zM15 5h1v1h-1zM17 5h6v1h-6zM25 5h2v1h-2zM29 5h1v1h-1zM31 5h1v1h-1zM34 5h1v1h-1zM40 5h1v1h-1zM0 6h7v1h-7zM8 6h1v1h-1zM10 6h1v1h-1zM12 6h1v1h-1zM14 6h1v1h-1zM16 6h1v1h-1zM18 6h1v1h-1zM20 6h1v1h-1zM22 6h1v1h-1zM24 6h1v1h-1zM26 6h1v1h-1zM28 6h1v1h-1zM30 6h1v1h-1zM32 6h1v1h-1zM34 6h7v1h-7zM8 7h2v1h-2zM15 7h5v1h-5zM21 7h4v1h-4zM28 7h3v1h-3zM0 8h1v1h-1zM4 8h1v1h-1zM6 8h4v1h-4zM12 8h6v1h-6zM19 8h1v1h-1zM21 8h1v1h-1zM24 8h1v1h-1zM26 8h1v1h-1zM28 8h10v1h-10zM40 8h1v1h-1zM0 9h2v1h-2zM5 9h1v1h-1zM8 9h1v1h-1zM10 9h1v1h-1zM14 9h2v1h-2zM21 9h1v1h-1zM23 9h1v1h-1zM25 9h6v1h-6zM32 9h2v1h-2zM35 9h2v1h-2zM39 9h2v1h-2zM1 10h2v1h-2zM5 10h8v1h-8zM14 10h1v1h-1zM18 10h1v1h-1zM20 10h1v1h-1zM22 10h3v1h-3zM26 10h3v1h-3zM30 10h1v1h-1zM33 10h6v1h-6zM40 10h1v1h-1zM0 11h2v1h-2zM3 11h1v1h-1zM10 11h2v1h-2zM13 11h1v1h-1zM15 11h1v1h-1zM17 11h1v1h-1zM21 11h4v1h-4zM26 11h2v1h-2zM29 11h3v1h-3zM33 11h5v1h-5zM40 11h1v1h-1zM0 12h2v1h-2zM3 12h4v1h-4zM8 12h1v1h-1zM11 12h3v1h-3zM16 12h1v1h-1zM19 12h2v1h-2zM22 12h1v1h-1zM29 12h1v1h-1zM33 12h1v1h-1zM35 12h1v1h-1zM39 12h1v1h-1zM2 13h1v1h-1zM5 13h1v1h-1zM7 13h1v1h-1zM9 13h1v1h-1zM11 13h1v1h-1zM13 13h1v1h-1zM15 13h2v1h-2zM18 13h2v1h-2zM21 13h1v1h-1zM23 13h1v1h-1zM25 13h1v1h-1zM27 13h2v1h-2zM32 13h1v1h-1zM34 13h1v1h-1zM36 13h1v1h-1zM38 13h2v1h-2zM1 14h2v1h-2zM5 14h3v1h-3zM9 14h2v1h-2zM12 14h4v1h-4zM19 14h1v1h-1zM23 14h1v1h-1zM25 14h3v1h-3zM29 14h2v1h-2zM32 14h1v1h-1zM34 14h2v1h-2zM40 14h1v1h-1zM2 15h1v1h-1zM8 15h4v1h-4zM13 15h1v1h-1zM15 15h1v1h-1zM17 15h5v1h-5zM24 15h1v1h-1zM26 15h1v1h-1zM28 15h2v1h-2zM32 15h1v1h-1zM34 15h1v1h-1zM37 15h1v1h-1zM1 16h2v1h-2zM4 16h1v1h-1zM6 16h6v1h-6zM13 16h1v1h-1zM15 16h3v1h-3zM20 16h1v1h-1zM22 16h2v1h-2zM25 16h1v1h-1zM28 16h1v1h-1zM31 16h1v1h-1zM33 16h1v1h-1zM35 16h1v1h-1zM37 16h1v1h-1zM0 17h1v1h-1zM2 17h3v1h-3zM8 17h2v1h-2zM11 17h2v1h-2zM14 17h4v1h-4zM25 17h1v1h-1zM28 17h1v1h-1zM30 17h2v1h-2zM33 17h4v1h-4zM38 17h3v1h-3zM0 18h2v1h-2zM5 18h3v1h-3zM10 18h2v1h-2zM15 18h2v1h-2zM18 18h1v1h-1zM21 18h3v1h-3zM25 18h1v1h-1zM27 18h3v1h-3zM32 18h2v1h-2zM40 18h1v1h-1zM0 19h1v1h-1zM5 19h1v1h-1zM8 19h2v1h-2zM11 19h1v1h-1zM13 19h3v1h-3zM19 19h6v1h-6zM26 19h1v1h-1zM28 19h2v1h-2zM32 19h2v1h-2zM35 19h1v1h-1zM37 19h1v1h-1zM0 20h1v1h-1zM2 20h1v1h-1zM4 20h1v1h-1zM6 20h2v1h-2zM12 20h1v1h-1zM15 20h1v1h-1zM19 20h2v1h-2zM24 20h1v1h-1zM28 20h1v1h-1zM31 20h3v1h-3zM35 20h1v1h-1zM38 20h1v1h-1zM1 21h2v1h-2zM5 21h1v1h-1zM7 21h1v1h-1zM12 21h3v1h-3zM16 21h1v1h-1zM18 21h2v1h-2zM27 21h4v1h-4zM34 21h5v1h-5zM40 21h1v1h-1zM0 22h2v1h-2zM4 22h1v1h-1zM6 22h1v1h-1zM8 22h1v1h-1zM12 22h1v1h-1zM15 22h1v1h-1zM21 22h1v1h-1zM23 22h5v1h-5zM30 22h1v1h-1zM33 22h2v1h-2zM36 22h1v1h-1zM38 22h1v1h-1zM40 22h1v1h-1zM1 23h1v1h-1zM3 23h3v1h-3zM8 23h1v1h-1zM11 23h1v1h-1zM13 23h1v1h-1zM15 23h1v1h-1zM17 23h5v1h-5zM24 23h1v1h-1zM26 23h1v1h-1zM28 23h3v1h-3zM32 23h1v1h-1zM34 23h1v1h-1zM36 23h1v1h-1zM0 24h1v1h-1zM4 24h1v1h-1zM6 24h4v1h-4zM13 24h5v1h-5zM20 24h2v1h-2zM24 24h2v1h-2zM28 24h2v1h-2zM31 24h1v1h-1zM33 24h1v1h-1zM36 24h1v1h-1zM2 25h1v1h-1zM5 25h1v1h-1zM9 25h1v1h-1zM12 25h1v1h-1zM14 25h1v1h-1zM18 25h2v1h-2zM22 25h2v1h-2zM25 25h4v1h-4zM32 25h1v1h-1zM35 25h2v1h-2zM38 25h1v1h-1zM40 25h1v1h-1zM0 26h1v1h-1zM2 26h7v1h-7zM13 26h1v1h-1zM15 26h2v1h-2zM18 26h1v1h-1zM21 26h1v1h-1zM23 26h1v1h-1zM26 26h2v1h-2zM34 26h1v1h-1zM36 26h1v1h-1zM40 26h1v1h-1zM3 27h1v1h-1zM5 27h1v1h-1zM11 27h1v1h-1zM17 27h2v1h-2zM21 27h3v1h-3zM29 27h2v1h-2zM34 27h1v1h-1zM36 27h2v1h-2zM40 27h1v1h-1zM2 28h2v1h-2zM6 28h1v1h-1zM8 28h1v1h-1zM12 28h2v1h-2zM15 28h2v1h-2zM19 28h1v1h-1zM22 28h1v1h-1zM24 28h1v1h-1zM26 28h4v1h-4zM32 28h2v1h-2zM35 28h1v1h-1zM39 28h1v1h-1zM0 29h2v1h-2zM3 29h3v1h-3zM7 29h3v1h-3zM12 29h1v1h-1zM14 29h1v1h-1zM19 29h3v1h-3zM23 29h1v1h-1zM27 29h2v1h-2zM30 29h1v1h-1zM32 29h1v1h-1zM34 29h7v1h-7zM4 30h3v1h-3zM8 30h4v1h-4zM14 30h1v1h-1zM20 30h1v1h-1zM22 30h3v1h-3zM27 30h1v1h-1zM30 30h1v1h-1zM34 30h4v1h-4zM39 30h2v1h-2zM3 31h1v1h-1zM5 31h1v1h-1zM9 31h1v1h-1zM12 31h1v1h-1zM17 31h2v1h-2zM21 31h3v1h-3zM26 31h1v1h-1zM28 31h7v1h-7zM36 31h2v1h-2zM40 31h1v1h-1zM0 32h5v1h-5zM6 32h1v1h-1zM9 32h2v1h-2zM12 32h2v1h-2zM15 32h3v1h-3zM19 32h2v1h-2zM22 32h1v1h-1zM26 32h1v1h-1zM32 32h6v1h-6zM40 32h1v1h-1zM8 33h1v1h-1zM10 33h2v1h-2zM15 33h2v1h-2zM20 33h3v1h-3zM25 33h1v1h-1zM28 33h1v1h-1zM30 33h3v1h-3zM36 33h5v1h-5zM0 34h7v1h-7zM8 34h2v1h-2zM12 34h3v1h-3zM16 34h2v1h-2zM20 34h1v1h-1zM23 34h2v1h-2zM26 34h4v1h-4zM32 34h1v1h-1zM34 34h1v1h-1zM36 34h2v1h-2zM40 34h1v1h-1zM0 35h1v1h-1zM6 35h1v1h-1zM10 35h1v1h-1zM13 35h3v1h-3zM17 35h2v1h-2zM22 35h1v1h-1zM29 35h4v1h-4zM36 35h2v1h-2zM40 35h1v1h-1zM0 36h1v1h-1zM2 36h3v1h-3zM6 36h1v1h-1zM8 36h2v1h-2zM12 36h2v1h-2zM15 36h1v1h-1zM18 36h3v1h-3zM22 36h1v1h-1zM24 36h1v1h-1zM27 36h1v1h-1zM29 36h1v1h-1zM31 36h8v1h-8zM40 36h1v1h-1zM0 37h1v1h-1zM2 37h3v1h-3zM6 37h1v1h-1zM9 37h2v1h-2zM12 37h2v1h-2zM15 37h3v1h-3zM19 37h1v1h-1zM26 37h3v1h-3zM33 37h1v1h-1zM40 37h1v1h-1zM0 38h1v1h-1zM2 38h3v1h-3zM6 38h1v1h-1zM10 38h1v1h-1zM15 38h1v1h-1zM20 38h1v1h-1zM22 38h6v1h-6zM29 38h3v1h-3zM33 38h1v1h-1zM37 38h1v1h-1zM40 38h1v1h-1zM0 39h1v1h-1zM6 39h1v1h-1zM12 39h1v1h-1zM14 39h1v1h-1zM17 39h1v1h-1zM19 39h6v1h-6zM26 39h2v1h-2zM29 39h1v1h-1zM32 39h4v1h-4zM37 39h1v1h-1zM39 39h2v1h-2zM0 40h7v1h-7zM8 40h1v1h-1zM10 40h1v1h-1zM12 40h2v1h-2zM18 40h2v1h-2zM21 40h1v1h-1zM23 40h1v1h-1zM29 40h1v1h-1zM32 40h2v1h-2zM36 40h4v1h-4z'
};

export const recovery = ['abcd-efgh-ijkl-mnop', 'bcde-fghi-jklm-nopq', 'cdef-ghij-klmn-opqr', 'defg-hijk-lmno-pqrs', 'efgh-ijkl-mnop-qrst', 'fghi-jklm-nopq-rstu', 'ghij-klmn-opqr-stuv', 'hijk-lmno-pqrs-tuvw', 'ijkl-mnop-qrst-uvwx', 'jklm-nopq-rstu-vwxy'];

export const passkeys = [
  { id: id('4'), name: 'Firefox on Linux', host: 'localhost', synced: false, created_at: '2026-11-20T09:12:00Z', used_at: '2026-11-28T21:03:00Z' },
  { id: id('5'), name: 'Security key on the key ring', host: 'assistant.home.example', synced: false, created_at: '2026-11-19T09:12:00Z', used_at: null },
  { id: id('6'), name: 'Phone', host: 'localhost', synced: true, created_at: '2026-11-18T09:12:00Z', used_at: '2026-11-19T21:03:00Z' }
];

const challenge = 'b2J2aW91c2x5LWZha2UtY2hhbGxlbmdlLW9mLXRlc3Q';

/** What a browser is asked, in WebAuthn's JSON. */
export const makePasskey = {
  id: id('7'),
  options: {
    rp: { id: 'localhost', name: 'Open Assistant' },
    user: { id: 'AAECAwQFBgcICQoLDA0ODw', name: 'ada', displayName: 'Ada' },
    challenge,
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    timeout: 300_000,
    excludeCredentials: [],
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    attestation: 'none'
  }
};
export const showPasskey = {
  id: id('8'),
  options: { challenge, timeout: 300_000, rpId: 'localhost', allowCredentials: [], userVerification: 'required' }
};
