export const people = {
  title: 'People',
  intro: 'Who lives in this house. You see who they are and what they may do here, and nothing of what they do.',
  notOwner: 'The owners of this house look after its people.',
  invite: 'Invite somebody',
  inviteText: 'A link lets one person in, once. Hand it over yourself: whoever has it can use it.',
  label: 'Whom is it for?',
  labelHint: 'What you will know it by in the list. Nobody else sees it.',
  ends: 'Ends after',
  days: (count: number) => (count === 1 ? 'a day' : `${count} days`),
  make: 'Make the link',
  madeTitle: 'The invitation',
  madeText: 'It is shown this one time and lets one person in. Copy it now, and hand it over in a way that you trust.',
  resetTitle: (name: string) => `The link for ${name} to a new password`,
  resetText: 'It is shown this one time. It works from tomorrow on, or as soon as they say in a browser of theirs that it is their wish. They are told that you made it.',
  done: 'I have it',
  copyRefused: 'Select it and copy it by hand',
  living: 'Who lives here',
  alone: 'You live here alone.',
  aloneText: 'Invite somebody: each has accounts, conversations and a memory of their own, and nobody sees another’s.',
  you: 'you',
  role: { owner: 'Owner', member: 'Member' } as Record<string, string>,
  since: 'here since',
  shutOut: 'Shut out since',
  leaves: 'Everything of theirs is erased',
  open: 'Open invitations',
  unnamed: 'Without a name',
  revoke: 'Revoke',
  revokeTitle: (label: string) => `Revoke the invitation “${label}”?`,
  revokeText: 'Its link lets nobody in any more.',
  revokeCancel: 'Keep it',
  revoked: 'The invitation is revoked.',
  more: (name: string) => `What to do about ${name}`,
  cancel: 'Leave it as it is',
  password: 'Your password',
  passwordHint: 'Asked once more, because you signed in a while ago.',
  actions: {
    owner: {
      label: 'Make an owner',
      title: (name: string) => `Make ${name} an owner?`,
      text: 'An owner runs the house as you do: the model, connectors, limits, and who lives here, you included. Nobody’s content is shown by that.',
      confirm: 'Make an owner',
      done: (name: string) => `${name} is an owner now.`
    },
    member: {
      label: 'Make a member',
      title: (name: string) => `Make ${name} a member?`,
      text: 'A member uses the house and does not run it. Invitations that they made end.',
      confirm: 'Make a member',
      done: (name: string) => `${name} is a member now.`
    },
    handOver: {
      label: 'Hand the house over',
      title: (name: string) => `Hand this house over to ${name}?`,
      text: 'They become the owner in your place, and you a member. Your data stays yours. A key of the model that you entered stays in use until they enter another, and goes when you do.',
      confirm: 'Hand it over',
      done: (name: string) => `${name} runs this house now.`
    },
    reset: {
      label: 'Link to a new password',
      title: (name: string) => `Make a link to a new password for ${name}?`,
      text: 'You never set it yourself: hand the link over. They are told, and can refuse. It works from tomorrow on, or as soon as they agree in a browser of theirs.',
      confirm: 'Make the link',
      factors: 'They have lost their app and passkeys, too: the link takes those away',
      done: (name: string) => `The link for ${name} is made.`
    },
    suspend: {
      label: 'Shut out',
      title: (name: string) => `Shut ${name} out?`,
      text: 'They are signed out everywhere, their programs and schedules stop, and what waits to be sent is not sent. Their data is kept.',
      confirm: 'Shut out',
      done: (name: string) => `${name} is shut out.`
    },
    resume: {
      label: 'Let in again',
      title: (name: string) => `Let ${name} in again?`,
      text: 'They sign in as before. What fell due meanwhile is made up for, as each schedule says.',
      confirm: 'Let in again',
      done: (name: string) => `${name} is in again.`
    },
    removal: {
      label: 'Remove',
      title: (name: string) => `Remove ${name} from this house?`,
      text: 'They are told now and have two weeks to take their data with them. Then everything of theirs is erased, and nothing brings it back. Until then you can keep them.',
      confirm: 'Remove in two weeks',
      done: (name: string) => `${name} has been told.`
    },
    keep: {
      label: 'Keep',
      title: (name: string) => `Keep ${name}?`,
      text: 'Nothing of theirs is erased.',
      confirm: 'Keep',
      done: (name: string) => `${name} stays.`
    }
  }
} as const;

export const told = {
  region: 'What was done to your account',
  reset_offered: (by: string) => `${by} made a link that sets a new password for you.`,
  resetQuestion: 'Did you ask for it? Without a word of yours it works a day after it was made.',
  resetOpen: 'The link works now.',
  resetFactors: 'It also takes your second factor and your passkeys away.',
  agree: 'Yes, let it work now',
  refuse: 'No, end the link',
  reset_used: (by: string) => `Your password was set anew by a link that ${by} made.`,
  role_changed: (by: string) => `${by} changed what you are in this house: an owner, or a member.`,
  lent: (by: string) => `${by} offers to share an account with you.`,
  resumed: (by: string) => `${by} had shut you out of this house, and let you in again.`,
  leaving: (by: string) => `${by} removes you from this house. Everything of yours is erased`,
  leavingHow: 'Until then, take with you what you want to keep.',
  codes_on: () => 'Your sign-in asks for a code of an app from now on.',
  codes_off: () => 'Your sign-in asks for no code of an app any more.',
  recovery_used: () => 'Somebody signed in as you with one of your recovery codes.',
  passkey_added: (by: string) => `The passkey “${by}” signs you in from now on.`,
  passkey_removed: (by: string) => `The passkey “${by}” signs you in no more.`,
  passkey_doubtful: (by: string) =>
    `The passkey “${by}” was refused: it counted backwards, as a copy of it would. If you did not copy it, remove it.`,
  notYou: 'If that was not you, change your password.',
  toSecurity: 'Security',
  seen: 'I have seen it',
  toData: 'Your data'
} as const;

export const house = {
  title: 'About this house',
  plain: 'This house is run by its owners. Nobody else has set rules for it.',
  runBy: 'Run by',
  contact: 'Contact',
  policy: 'Their policy',
  ownTerms: 'Their terms',
  allowed: 'What is allowed here',
  everything: 'everything',
  nothing: 'nothing',
  connectors: 'Services',
  models: 'Models',
  people: 'People',
  peopleMost: (count: number) => `${count} at most`,
  age: 'Age',
  ageLeast: (years: number) => `${years} and older, by their own word`,
  limits: 'On the model, each',
  limit: {
    day_tokens: (count: string) => `${count} tokens a day`,
    month_tokens: (count: string) => `${count} tokens a month`,
    turn_tokens: (count: string) => `${count} tokens an answer`
  } as Record<string, (count: string) => string>,
  limitOther: 'and more that Usage shows',
  sees: 'What they see',
  seesText: 'Your name and role, and how much you use the model. Not what you write, your accounts, or what is done for you. Whoever has the machine itself, with its keys, could read what it holds.',
  welcome: 'What this is',
  privacy: 'What is kept of you',
  terms: 'Terms',
  back: 'Back'
} as const;
