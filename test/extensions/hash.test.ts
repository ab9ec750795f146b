/** Compares the digests of extensions/hash.wasm with node:crypto and with values of the reference implementations. */

import { createHash } from 'node:crypto';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe.each(['direct', 'linked', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeAll(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension('extensions/hash.wasm');
  });
  afterAll(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    db.close();
  });

  const value = (sql: string, ...params: (string | Uint8Array | null)[]): unknown =>
    Object.values(db.prepare(sql).get(...params) ?? {})[0];
  const hex = (name: string, x: string | Uint8Array): unknown => value(`SELECT lower(hex(${name}(?)))`, x);

  /** Bytes 0, 1, ... 250, 0, ... */
  const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_byte, i) => i % 251);
  /** Lengths around the block size of each algorithm. */
  const lengths = [
    0, 1, 3, 55, 56, 63, 64, 65, 103, 104, 111, 112, 127, 128, 129, 135, 136, 143, 144, 145, 1000, 70_001,
  ];

  const ofNode: Readonly<Record<string, string>> = {
    md5: 'md5',
    sha1b: 'sha1',
    sha224: 'sha224',
    sha256: 'sha256',
    sha384: 'sha384',
    sha512: 'sha512',
    sha3_224: 'sha3-224',
    sha3_256: 'sha3-256',
    sha3_384: 'sha3-384',
    sha3_512: 'sha3-512',
  };

  test.each(Object.entries(ofNode))('%s equals the result of node:crypto', (name, known) => {
    for (const length of lengths) {
      const bytes = pattern(length);
      expect(hex(name, bytes), `${length} bytes`).toBe(createHash(known).update(bytes).digest('hex'));
    }
    expect(hex(name, 'hé\u{1F600}')).toBe(createHash(known).update('hé\u{1F600}').digest('hex'));
  });

  // [length, xxh32, xxh64, xxh3_64, xxh3_128, blake3, crc32] of the pattern above, by the reference implementations.
  const reference: readonly (readonly [number, ...string[]])[] = [
    [
      0,
      '02cc5d05',
      'ef46db3751d8e999',
      '2d06800538d394c2',
      '99aa06d3014798d86001c324468d497f',
      'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
      '00000000',
    ],
    [
      1,
      'cf65b03e',
      'e934a84adb052768',
      'c44bdff4074eecdb',
      'a6cd5e9392000f6ac44bdff4074eecdb',
      '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213',
      'd202ef8d',
    ],
    [
      3,
      '663e9a55',
      'e5c7bb4533bc65dd',
      '5f4299fc161c9cbb',
      'e3b55f57945a17cf5f4299fc161c9cbb',
      'e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f',
      '0854897f',
    ],
    [
      4,
      '80691e66',
      'ffced8604453cc1e',
      '60dab036a58211f2',
      'eb70bf5fc779e9e6a6111d53e80a3db5',
      'f30f5ab28fe047904037f77b6da4fea1e27241c5d132638d8bedce9d40494f32',
      '8bb98613',
    ],
    [
      8,
      'a3ad90b9',
      '884a173614b81b8d',
      '3a1c2d7c85af88f8',
      'e1e4432a62217fe4cfd50c61c8bb98c1',
      '2351207d04fc16ade43ccab08600939c7c1fa70a5c0aaca76063d04c3228eaeb',
      '88aa689f',
    ],
    [
      9,
      '3f5eb53f',
      '67d85784a7c78c5b',
      'e9612598145bb9dc',
      '16c769d83e4aebce907931979dca3746',
      'a0fc27e5d7318b723207637bdeeba4f7dcb22f7f9ec3e8b6f3588ddcd4fdf861',
      'bce14302',
    ],
    [
      16,
      'b72837f4',
      '44b6ef2fb84169f7',
      '8355e3a6f61770db',
      '72950631827607e2842812cc870dcae2',
      'a6a492965517a830cb75fdb713465aa465f2f098233896fea44c1d98268bf9e3',
      'cecee288',
    ],
    [
      17,
      '7c77adc2',
      '5603e60c527599b6',
      '9ef341a99de37328',
      '685bc458b37d057fc06e233df7729217',
      '8462aa7be93b09fda7b93cf9f9cddb703f6dd2cc0c8edd5f9eee092edf8abf0c',
      '2c183a19',
    ],
    [
      31,
      'ef24f709',
      'c346d2b59b4d8ee1',
      '4f36db8e4df378fd',
      '4ed3946d393b687bb54de3993874ed20',
      'bda80c7fe2db38be6387b35c870bd7728d67b7b6cc5eb9b0e5c7dcb21ea754c2',
      '4d786d77',
    ],
    [
      32,
      '830741c1',
      'cbf59c5116ff32b4',
      '3523581fe96e4c05',
      '25e7c9b3424ceed2457d9566b6fcd697',
      'e528e95798037df410543d9f31e396ecdd458d71b157d6014398bae32fb56c65',
      '91267e8a',
    ],
    [
      63,
      '4c80747b',
      'e26aa9e2a95f8e4f',
      'aaa5f0fb98a36ae8',
      'bb8d4c458fac1f120302a39b74a9cf52',
      'e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b',
      'dbdea683',
    ],
    [
      64,
      '31120435',
      'f7c67301db6713f0',
      '6187eb9089b0ed55',
      '9c6e140a465545e590c1971ddb04ce74',
      '4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98',
      '100ece8c',
    ],
    [
      128,
      '6d6194b7',
      '7a7fe14647b9ab92',
      '85c6174c7ff4c46b',
      '14792fc3af88dc6c05321a0b64d67b41',
      'f17e570564b26578c33bb7f44643f539624b05df1a76c81f30acd548c44b45ef',
      '24650d57',
    ],
    [
      129,
      '6572cb97',
      '0ba25dfd6e891fcf',
      'ec7642b431ba3e5a',
      'dd5e74ac6b45f54ebc30b63382b09a3b',
      '683aaae9f3c5ba37eaaf072aed0f9e30bac0865137bae68b1fde4ca2aebdcb12',
      'ca91cdf7',
    ],
    [
      240,
      '1fd0fbb0',
      '012947f0da6a27b1',
      '375a384d957fe865',
      '65b5be86da5540e7c92b68e16f83bbb6',
      '45e1a0dc23dbe51733d7269a3c0f519c2a63b0718835b2b537677eba734db0d8',
      'a60b0b66',
    ],
    [
      241,
      '5b9a61e5',
      '8d643f23bf2808e1',
      '02e8cd95421c6d02',
      '1da1cb61bcb8a2a102e8cd95421c6d02',
      '749b36ae651c22e8567db692a6876e0ca4fd3daeb7aa8fa3ab2f642ccc69a8f6',
      'cbc8d2f7',
    ],
    [
      1023,
      'cc664d02',
      'd66738f081c25cf4',
      'd3d91d80ac495685',
      '4325711b0ed4d742d3d91d80ac495685',
      '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11',
      '5a9e0eff',
    ],
    [
      1024,
      '69dd7c7e',
      '138e26c65048ce29',
      'e5d78bafa45b2aa5',
      'd0ac1f7b93bf57b9e5d78bafa45b2aa5',
      '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7',
      '7be4dfd0',
    ],
    [
      1025,
      'd6a1188a',
      'cfd73aedd2d6a39d',
      'e95c42288f28186e',
      '2882ebca04ec915ce95c42288f28186e',
      'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444',
      '4e700dfb',
    ],
    [
      4096,
      '68d54c6c',
      '122a8c8d994ad3ec',
      '7135ffa504f1bc71',
      'e12cd72144990fe57135ffa504f1bc71',
      '015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969',
      'd465f907',
    ],
    [
      100000,
      '875d1b04',
      '4cf75ee72cd8f4cc',
      '42c23aeead96750d',
      '54182c58bbb1337c42c23aeead96750d',
      'd93c23eedaf165a7e0be908ba86f1a7a520d568d2d13cde787c8580c5c72cc54',
      'b353b8fa',
    ],
  ];

  test.each(reference)('xxHash, BLAKE3 and CRC-32 of %i bytes', (length, ...wanted) => {
    const bytes = pattern(Number(length));
    const names = ['xxh32', 'xxh64', 'xxh3_64', 'xxh3_128', 'blake3', 'crc32'];
    expect(names.map((name) => hex(name, bytes))).toEqual(wanted);
  });

  test('published values', () => {
    expect(hex('md5', 'abc')).toBe('900150983cd24fb0d6963f7d28e17f72'); // RFC 1321
    expect(value("SELECT sha1('abc')")).toBe('a9993e364706816aba3e25717850c26c9cd0d89d'); // FIPS 180
    expect(hex('sha256', 'abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hex('sha3_256', '')).toBe('a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a');
    expect(hex('crc32', '123456789')).toBe('cbf43926'); // the check value of CRC-32
  });

  describe('arguments and results', () => {
    test('a blob, and hexadecimal digits if requested', () => {
      expect(value("SELECT typeof(sha256('x'))")).toBe('blob');
      expect(value("SELECT hash('sha256', 'x') = sha256('x')")).toBe(1);
      expect(value("SELECT hash_hex('SHA256', 'x') = lower(hex(sha256('x')))")).toBe(1);
      expect(value("SELECT sha1('x') = hash_hex('sha1', 'x') AND unhex(sha1('x')) = sha1b('x')")).toBe(1);
    });

    test('a text is hashed as UTF-8, U+0000 included, and is the same as that blob', () => {
      expect(value("SELECT sha256(char(65, 0, 66)) = sha256(x'410042')")).toBe(1);
      expect(value("SELECT md5('é') = md5(x'c3a9')")).toBe(1);
    });

    test('NULL returns NULL', () => {
      expect(value("SELECT coalesce(md5(NULL), sha1(NULL), hash('md5', NULL), hash(NULL, 'x'))")).toBe(null);
    });

    test('other arguments are refused', () => {
      expect(() => value('SELECT sha256(5)')).toThrow(
        /^sha256: the argument must be a blob or text; got an integer$/,
      );
      expect(() => value("SELECT hash('sha0', 'x')")).toThrow(
        /^hash: unknown algorithm 'sha0'; algorithms are md5, sha1, sha224, .*, xxh3_128$/,
      );
      expect(() => value("SELECT hash_hex(1, 'x')")).toThrow(
        /^hash_hex: the algorithm must be text; got an integer$/,
      );
    });

    test('they can be used in indexes and generated columns', () => {
      db.exec('CREATE TABLE page(body, digest AS (sha256(body))); CREATE UNIQUE INDEX i ON page(digest)');
      db.exec("INSERT INTO page VALUES ('a')");
      expect(() => db.exec("INSERT INTO page VALUES ('a')")).toThrow(/UNIQUE/);
      db.exec('DROP TABLE page');
    });

    test('values of megabytes, repeatedly', () => {
      for (let i = 0; i < 20; i++) {
        expect(value('SELECT length(blake3(zeroblob(5000000)))')).toBe(32);
      }
    });
  });
});
