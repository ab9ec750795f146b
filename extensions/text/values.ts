/** SQL values in the form that QuickJS passes, and their conversion to text. */

/** An SQL value. An integer is a number, which is exact below 2^53. */
export type SqlValue =
  | { tag: 'null' }
  | { tag: 'integer' | 'real'; val: number }
  | { tag: 'text'; val: string }
  | { tag: 'blob'; val: Uint8Array };

/** Makes the statement fail with a result code of SQLite. Any other exception would end the component. */
export function fail(code: number, message: string): never {
  throw { code, extendedCode: code, message };
}

const mismatch = 20; // SQLITE_MISMATCH

/** The text of an argument of function `name`; undefined for NULL. */
export function textOf(name: string, value: SqlValue): string | undefined {
  switch (value.tag) {
    case 'null':
      return undefined;
    case 'text':
      return value.val;
    case 'real':
      return realText(value.val);
    case 'integer':
      if (Number.isSafeInteger(value.val)) return String(value.val);
      return fail(mismatch, `${name}: an integer beyond 2^53 would lose digits: pass CAST(... AS TEXT)`);
    default:
      return fail(
        mismatch,
        `${name}: the arguments must be text or numbers, not blobs: pass CAST(... AS TEXT)`,
      );
  }
}

/** Converts a REAL to the shortest text that represents it, in SQLite's format. */
function realText(x: number): string {
  if (x === 0) return '0.0';
  if (!Number.isFinite(x)) return x < 0 ? '-Inf' : 'Inf';
  const [mantissa = '', power = ''] = Math.abs(x).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  const sign = x < 0 ? '-' : '';
  if (exponent < -4 || exponent > 16) {
    const written = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}.${digits.slice(1) || '0'}e${exponent < 0 ? '-' : '+'}${written}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}
