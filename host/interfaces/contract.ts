// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/** The contract with components, as its WIT defines it. */
export const contract = {
  package: 'sqlite:extension',
  /** The newest release, which this host implements. */
  version: '1.1.0',
  /** All releases, oldest first. */
  releases: ['1.0.0', '1.1.0'],
  /** The interfaces that the host provides, except `types`, which has no functions. */
  services: ['session', 'changeset', 'spi', 'logging'],
  /** The exports of each world, except `metadata`. */
  worlds: {
    minimal: ['scalar-function'],
    stateful: ['aggregate-function'],
    collating: ['collation'],
    authorizing: ['authorizer'],
    hooked: ['hooks'],
    tabular: ['virtual-table'],
    'tabular-writable': ['virtual-table', 'writable-table'],
    'functions-and-tables': ['scalar-function', 'virtual-table', 'writable-table'],
    analytic: ['scalar-function', 'aggregate-function', 'virtual-table'],
    full: [
      'scalar-function',
      'aggregate-function',
      'collation',
      'authorizer',
      'hooks',
      'virtual-table',
      'writable-table',
    ],
  },
} as const;

export type Service = (typeof contract.services)[number];
export type World = keyof typeof contract.worlds;
