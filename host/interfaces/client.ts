/** The client of the interfaces: a component, or the code that embeds one. */

import type { CheckedGrants } from '../kernel/grants.js';
import type { Owner } from '../kernel/owner.js';

export interface Client {
  /** The label of its messages. */
  readonly name: string;
  /** The owner of the sessions and changesets that it makes. */
  readonly owner: Owner;
  readonly grants: CheckedGrants;
  /** The most memory of the component, in bytes; undefined if the host does not know. */
  readonly memory?: number;
}
