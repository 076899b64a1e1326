/** The wire shapes of the gateway's HTTP API, as the screens use them. */

export type Effect = 'read' | 'write' | 'send' | 'delete';

export interface User {
  id: string;
  username: string;
  display_name: string;
  role: 'owner' | 'member';
}

export interface Session {
  user: User;
  expires_at: string;
}

export interface ToolCard {
  name: string;
  description: string;
  effect: Effect;
}

export interface Connector {
  id: string;
  name: string;
  version: string;
  description: string;
  digest: string;
  approved: boolean;
  instances: number;
  settings_schema: Record<string, unknown>;
  secrets_schema: Record<string, unknown>;
  tools: ToolCard[];
}

export interface ProblemNote {
  code: string;
  detail: string;
  action?: string | null;
}

export interface Sync {
  state: 'idle' | 'running' | 'failed';
  done: number;
  total: number | null;
  what: string;
  finished_at: string | null;
}

export interface Account {
  id: string;
  connector: string;
  name: string;
  state: 'pending' | 'connected' | 'attention';
  settings: Record<string, unknown>;
  created_at: string;
  problem: ProblemNote | null;
  sync: Sync | null;
}

export interface CheckStep {
  name: string;
  ok: boolean;
  detail: string;
}

export interface CheckReport {
  ok: boolean;
  steps: CheckStep[];
  problem: ProblemNote | null;
}

export type ConversationState = 'idle' | 'running' | 'waiting';

export interface Conversation {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  state: ConversationState;
}

export type CallState = 'proposed' | 'waiting' | 'running' | 'done' | 'failed' | 'denied' | 'unknown';

export interface CallView {
  id: string;
  connector: string;
  tool: string;
  effect: Effect;
  title: string;
  state: CallState;
  arguments: Record<string, unknown>;
  result: unknown;
  approval_id: string | null;
}

export interface Message {
  id: string;
  role: 'user' | 'assistant';
  turn: string;
  created_at: string;
  text: string;
  calls: CallView[];
  error: { code: string; detail: string } | null;
  usage: Record<string, unknown> | null;
}

export interface History extends Conversation {
  messages: Message[];
  last_event_id: number;
}

export interface Destination {
  kind: string;
  value: string;
  name: string | null;
  note: string | null;
}

export interface OutsideSource {
  source: string;
  authors: string[];
}

export interface Preview {
  verb: string;
  confirm: string;
  account: string;
  destinations: Destination[];
  fields: { label: string; value: string }[];
  content: string;
  outside: OutsideSource[];
  warnings: string[];
}

export interface Approval {
  id: string;
  state: 'pending' | 'approved' | 'denied' | 'expired' | 'void';
  created_at: string;
  expires_at: string;
  decided_at: string | null;
  conversation: string;
  turn: string;
  call_id: string;
  connector: string;
  tool: string;
  effect: Effect;
  account: string | null;
  arguments: Record<string, unknown>;
  preview: Preview;
  reason: string;
}

export interface LedgerEntry {
  index: number;
  time: string;
  action: string;
  room: string;
  turn: string | null;
  conversation: string | null;
  connector: string | null;
  tool: string | null;
  effect: Effect | null;
  call_id: string | null;
  outcome: string | null;
  content: unknown;
  leaf_hash: string;
}

export interface TreeHead {
  size: number;
  root: string;
  time: string;
  signature: string;
}

export interface LedgerPage {
  entries: LedgerEntry[];
  next: number | null;
  head: TreeHead | null;
}

export interface Verification {
  ok: boolean;
  size: number;
  root: string;
  problem: { index: number; detail: string } | null;
  seconds: number;
}

export interface ModelChoice {
  kind: 'openai' | 'litellm';
  model: string;
  base_url: string | null;
  window?: number | null;
}

export interface ModelDraft extends ModelChoice {
  api_key?: string | null;
}

export interface InclusionProof {
  index: number;
  leaf: string;
  path: string[];
  head: { size: number; root: string };
}

export interface FoundServer {
  name: string;
  base_url: string;
  models: string[];
}

export interface ModelSettings {
  current: (ModelChoice & { has_key: boolean }) | null;
  found: FoundServer[];
}

export interface ModelCheck {
  ok: boolean;
  detail: string;
  models: string[];
}
