import type { ModuleSpec, Functions as VirtualTable } from '../abi/generated/virtual-table.js';
import type { Functions as WritableTable } from '../abi/generated/writable-table.js';
import type { Component } from './component.js';
import { type Brought, checkCount, letGo, type Named } from './replacements.js';
import { directScans, wrappedScans } from './scans.js';
import { directChanges, wrappedChanges } from './table-changes.js';
import { ComponentModule, type Instance, type Slot } from './table-module.js';
import { checkModules, optionsOf, shadowsOf } from './table-schemas.js';

/** The modules of a connection by name. */
const slots = (): Map<string, Slot> => new Map();

const nameOf = ({ name }: ModuleSpec): Named => ({ kind: 'table', name });

/** The modules of a component, with valid descriptions; undefined if it exports none. */
export function bringTables(component: Component, path: string): Brought | undefined {
  const tables = component.interface<VirtualTable>('virtual-table');
  if (!tables) return undefined;
  const writable = component.interface<WritableTable>('writable-table');
  const specs = component.described(path, () => tables.describe());
  checkCount(component, specs.length, 'modules');
  checkModules(component, specs, writable !== undefined);
  return { names: specs.map(nameOf), register: () => register(component, tables, specs) };
}

/**
 * Registers the modules. If an identical module exists, its slot gets the new instance, and tables of the old instance
 * are connected to the new one if possible.
 *
 * C: `sqlite3_create_module_v2`
 */
function register(component: Component, tables: VirtualTable, specs: readonly ModuleSpec[]): void {
  const { connection } = component;
  const { engine, db } = connection;
  const writable = component.interface<WritableTable>('writable-table');
  const core = component.core('virtual-table');
  const writableCore = component.core('writable-table');
  const changes =
    writable && (writableCore ? directChanges(engine, writableCore) : wrappedChanges(engine, writable));
  const instance: Instance = {
    component,
    tables,
    scans: core ? directScans(engine, core) : wrappedScans(engine, tables),
    writing: writable && changes && { table: writable, changes },
  };
  const known = connection.part(slots);
  for (const spec of specs) {
    const options = optionsOf(spec.options);
    const shadows = shadowsOf(spec);
    const shape = `${options}/${shadows}`;
    const key = spec.name.toLowerCase();
    const there = known.get(key);
    if (there?.shape === shape) {
      Object.assign(there, { instance, spec });
      continue;
    }
    const slot: Slot = { instance, spec, shape };
    const id = engine.register({
      module: new ComponentModule(connection, slot),
      destroyed() {
        letGo(slot.instance.component, nameOf(spec));
        if (known.get(key) === slot) known.delete(key);
      },
    });
    known.set(key, slot);
    using arena = engine.core.memory.arena();
    const { c } = engine.core;
    const code = c.bridge_create_module(db, arena.cString(spec.name), id, options, arena.cString(shadows));
    engine.check(db, code);
  }
}
