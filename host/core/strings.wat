;; Copies short texts between JavaScript strings and the core's memory, with the JavaScript string builtins of
;; WebAssembly. In JavaScript, charCodeAt looks up the string's representation for each character, and each call of
;; Node's Buffer takes as long as copying dozens of bytes.
(module
  (type $units (array (mut i16)))
  (import "wasm:js-string" "intoCharCodeArray"
    (func $into (param externref (ref null $units) i32) (result i32)))
  (import "wasm:js-string" "fromCharCodeArray"
    (func $from (param (ref null $units) i32 i32) (result (ref extern))))
  (import "core" "memory" (memory 1))
  (global $kept (ref $units) (array.new_default $units (i32.const 256)))

  ;; Writes a string of up to 256 characters at $to. Returns whether it is ASCII; otherwise the bytes are wrong.
  (func (export "write") (param $text externref) (param $to i32) (result i32)
    (local $units (ref $units)) (local $length i32) (local $i i32) (local $word i32) (local $bits i32)
    (local.set $units (global.get $kept))
    (local.set $length (call $into (local.get $text) (local.get $units) (i32.const 0)))
    (block $words
      (loop $word
        (br_if $words (i32.gt_u (i32.add (local.get $i) (i32.const 4)) (local.get $length)))
        (i32.store align=1
          (i32.add (local.get $to) (local.get $i))
          (i32.or
            (i32.or
              (array.get_u $units (local.get $units) (local.get $i))
              (i32.shl
                (array.get_u $units (local.get $units) (i32.add (local.get $i) (i32.const 1)))
                (i32.const 8)))
            (i32.or
              (i32.shl
                (array.get_u $units (local.get $units) (i32.add (local.get $i) (i32.const 2)))
                (i32.const 16))
              (i32.shl
                (array.get_u $units (local.get $units) (i32.add (local.get $i) (i32.const 3)))
                (i32.const 24)))))
        (local.set $bits
          (i32.or
            (i32.or
              (i32.or (local.get $bits) (array.get_u $units (local.get $units) (local.get $i)))
              (array.get_u $units (local.get $units) (i32.add (local.get $i) (i32.const 1))))
            (i32.or
              (array.get_u $units (local.get $units) (i32.add (local.get $i) (i32.const 2)))
              (array.get_u $units (local.get $units) (i32.add (local.get $i) (i32.const 3))))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $word)))
    (block $bytes
      (loop $byte
        (br_if $bytes (i32.ge_u (local.get $i) (local.get $length)))
        (local.set $word (array.get_u $units (local.get $units) (local.get $i)))
        (i32.store8 (i32.add (local.get $to) (local.get $i)) (local.get $word))
        (local.set $bits (i32.or (local.get $bits) (local.get $word)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $byte)))
    (i32.lt_u (local.get $bits) (i32.const 0x80)))

  ;; Reads $length bytes, up to 256, at $at as a string. Returns null if they are not ASCII.
  (func (export "read") (param $at i32) (param $length i32) (result externref)
    (local $units (ref $units)) (local $i i32) (local $word i32) (local $bits i32)
    (local.set $units (global.get $kept))
    (block $words
      (loop $word
        (br_if $words (i32.gt_u (i32.add (local.get $i) (i32.const 4)) (local.get $length)))
        (local.set $word (i32.load align=1 (i32.add (local.get $at) (local.get $i))))
        (array.set $units (local.get $units) (local.get $i)
          (i32.and (local.get $word) (i32.const 0xff)))
        (array.set $units (local.get $units) (i32.add (local.get $i) (i32.const 1))
          (i32.and (i32.shr_u (local.get $word) (i32.const 8)) (i32.const 0xff)))
        (array.set $units (local.get $units) (i32.add (local.get $i) (i32.const 2))
          (i32.and (i32.shr_u (local.get $word) (i32.const 16)) (i32.const 0xff)))
        (array.set $units (local.get $units) (i32.add (local.get $i) (i32.const 3))
          (i32.shr_u (local.get $word) (i32.const 24)))
        (local.set $bits (i32.or (local.get $bits) (local.get $word)))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br $word)))
    (block $bytes
      (loop $byte
        (br_if $bytes (i32.ge_u (local.get $i) (local.get $length)))
        (local.set $word (i32.load8_u (i32.add (local.get $at) (local.get $i))))
        (array.set $units (local.get $units) (local.get $i) (local.get $word))
        (local.set $bits (i32.or (local.get $bits) (local.get $word)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $byte)))
    (if (i32.and (local.get $bits) (i32.const 0x80808080)) (then (return (ref.null extern))))
    (call $from (local.get $units) (i32.const 0) (local.get $length))))
