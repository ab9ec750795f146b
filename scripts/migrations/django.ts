/** Gets the SQL with which Django's schema editor rebuilds tables. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Migration, sqlMigration } from '../../test/kit/migration-replay.js';

export const djangoVersion = '5.2';

/** Prints JSON with the SQL that creates the tables and the SQL of each change, by name. */
const program = `
import json
import django
from django.conf import settings
settings.configure(DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}, DEFAULT_AUTO_FIELD='django.db.models.BigAutoField')
django.setup()
from django.db import connection, models, migrations
from django.db.migrations.state import ProjectState

def operations():
    return [
        migrations.CreateModel('Author', [('id', models.BigAutoField(primary_key=True)), ('name', models.CharField(max_length=50, null=True))]),
        migrations.CreateModel('Book', [('id', models.BigAutoField(primary_key=True)), ('title', models.CharField(max_length=50)), ('author', models.ForeignKey('app.Author', models.CASCADE, null=True))]),
    ]

changes = {
    'Django alter field': [migrations.AlterField('Author', 'name', models.CharField(max_length=80, null=True, unique=True))],
    'Django add field': [migrations.AddField('Author', 'age', models.IntegerField(default=7))],
    'Django remove field': [migrations.RemoveField('Book', 'title')],
    'Django rename model': [migrations.RenameModel('Author', 'Writer')],
    'Django rename field': [migrations.RenameField('Book', 'title', 'heading')],
    'Django alter foreign key': [migrations.AlterField('Book', 'author', models.ForeignKey('app.Author', models.SET_NULL, null=True, db_constraint=False))],
}

def sql_of(state, steps, apply):
    with connection.schema_editor(collect_sql=not apply) as editor:
        for step in steps:
            before = state.clone()
            step.state_forwards('app', state)
            step.database_forwards('app', editor, before, state)
        return [] if apply else editor.collected_sql

made = {}
state = ProjectState()
setup = sql_of(state.clone(), operations(), False)
sql_of(state, operations(), True)
for name, steps in changes.items():
    made[name] = ['\\n'.join(setup), '\\n'.join(sql_of(state.clone(), steps, False))]
print(json.dumps(made))
`;

const rows = `INSERT INTO app_author(id, name) VALUES(1,'ann'),(2,'bob');
  INSERT INTO app_book(id, title, author_id) VALUES(10,'a',1),(11,'b',2),(12,'c',NULL);`;

export function django(tools: string): Record<string, Migration> {
  const printed = execFileSync(join(tools, 'python/bin/python'), ['-c', program], { encoding: 'utf8' });
  const made = JSON.parse(printed) as Record<string, [setup: string, sql: string]>;
  return Object.fromEntries(
    Object.entries(made).map(([name, [setup, sql]]) => [
      name,
      // Django runs migrations in a transaction with foreign keys off.
      sqlMigration(setup + rows, `PRAGMA foreign_keys=OFF; BEGIN; ${sql} COMMIT; PRAGMA foreign_keys=ON`),
    ]),
  );
}
