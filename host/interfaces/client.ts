/** The client of the interfaces: a component, or a program that calls the interfaces directly. */

import type { CheckedGrants } from '../kernel/grants.js';
import type { Owner } from '../kernel/owner.js';

export interface Client {
  /** The label in front of the client's messages. */
  readonly name: string;
  /** The owner of the sessions and changesets that the client makes. */
  readonly owner: Owner;
  readonly grants: CheckedGrants;
  /** The memory limit of the component in bytes; undefined if it is unknown. */
  readonly memory?: number;
}
